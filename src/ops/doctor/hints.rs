//! Does Redis answer, where it is set? Without it hints go by PostgreSQL, so nothing is lost.

use super::model::Finding;

pub(super) fn judge(answered: &Result<(), String>) -> Vec<Finding> {
    let Err(why) = answered else {
        return Vec::new();
    };
    vec![
        Finding::warning(
            "redis_away",
            format!("Redis doesn't let us listen ({why}); hints to readers go by PostgreSQL until it does"),
        )
        .cure("redis-cli -u \"$REDIS_URL\" ping")
        .cure("# or do without it: leave REDIS_URL out"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redis_that_is_away_is_a_warning() {
        assert_eq!(judge(&Ok(())), []);
        let found = judge(&Err("no answer in time".to_owned()));
        assert_eq!(found[0].code, "redis_away");
        assert!(found[0].what.contains("no answer in time"));
    }
}
