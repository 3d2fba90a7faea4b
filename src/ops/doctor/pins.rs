//! Who keeps vacuum from cleaning up behind the queue? While somebody holds an old snapshot, no dead row can go.

use serde_json::json;

use super::Limits;
use super::model::Finding;

/// One who does, from `neurolink_vacuum_pins`.
#[derive(Debug, Clone)]
pub(super) struct Pin {
    pub(super) kind: String,
    pub(super) who: String,
    pub(super) seconds: Option<f64>,
    pub(super) age: i64,
    pub(super) detail: String,
    pub(super) cure: String,
}

pub(super) fn judge(pins: &[Pin], limits: &Limits) -> Vec<Finding> {
    pins.iter()
        .filter(|pin| {
            let long = pin
                .seconds
                .is_some_and(|seconds| seconds >= limits.pin.as_secs_f64());
            long || pin.age >= limits.pin_age
        })
        .map(finding)
        .collect()
}

fn finding(pin: &Pin) -> Finding {
    let since = pin.seconds.map_or_else(String::new, |seconds| {
        format!(" for {} minutes", (seconds / 60.0).round())
    });
    let what = format!(
        "a {} keeps vacuum from cleaning up{since}: {}",
        pin.kind, pin.who
    );
    Finding::warning("vacuum_pinned", what)
        .evidence(json!({"kind": pin.kind, "seconds": pin.seconds.map(f64::round), "transactions": pin.age, "detail": pin.detail}))
        .cure(match pin.kind.as_str() {
            "standby" => format!("# {}", pin.cure),
            _ => format!("{};", pin.cure),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(kind: &str, seconds: Option<f64>, age: i64) -> Pin {
        Pin {
            kind: kind.to_owned(),
            who: "4711 (erp)".to_owned(),
            seconds,
            age,
            detail: "idle in transaction: select 1".to_owned(),
            cure: "select pg_terminate_backend(4711)".to_owned(),
        }
    }

    #[test]
    fn the_long_and_the_old_are_told_and_the_short_are_not() {
        let limits = Limits::default();
        let told = |pin: Pin| judge(&[pin], &limits).len();
        assert_eq!(told(pin("transaction", Some(20.0), 50_000)), 0);
        assert_eq!(told(pin("transaction", Some(900.0), 3)), 1);
        assert_eq!(told(pin("replication slot", None, 5_000_000)), 1);
        let found = judge(&[pin("transaction", Some(900.0), 3)], &limits).remove(0);
        assert!(found.what.contains("for 15 minutes"), "{}", found.what);
        assert_eq!(found.cure, ["select pg_terminate_backend(4711);"]);
    }
}
