//! Do this machine's clock and the database's agree? Facts are dated by the database; ours says whether a token has expired.

use serde_json::json;

use super::model::Finding;

/// Seconds apart that nobody notices.
const HARMLESS: f64 = 2.0;
/// Seconds apart at which tokens are refused that should hold.
const HARMFUL: f64 = 30.0;

/// How far the database's clock is ahead of ours, in seconds (negative = behind), and how exactly that is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    pub(super) ahead: f64,
    pub(super) give_or_take: f64,
}

pub(super) fn judge(clock: Clock) -> Vec<Finding> {
    let surely = clock.ahead.abs() - clock.give_or_take;
    if surely <= HARMLESS {
        return Vec::new();
    }
    let way = if clock.ahead > 0.0 {
        "behind"
    } else {
        "ahead of"
    };
    let what = format!(
        "this machine's clock is {:.1} s {way} the database's: tokens expire at the wrong moment, and times in logs mislead",
        clock.ahead.abs()
    );
    let finding = if surely > HARMFUL {
        Finding::error("clock_skewed", what)
    } else {
        Finding::warning("clock_skewed", what)
    };
    vec![
        finding
            .evidence(json!({"database_ahead_seconds": rounded(clock.ahead), "give_or_take_seconds": rounded(clock.give_or_take)}))
            .cure("timedatectl set-ntp true     # on both machines")
            .cure("timedatectl status"),
    ]
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::model::Severity;

    fn severity(ahead: f64, give_or_take: f64) -> Option<Severity> {
        let clock = Clock {
            ahead,
            give_or_take,
        };
        judge(clock).first().map(|finding| finding.severity)
    }

    #[test]
    fn only_what_surely_differs_counts() {
        assert_eq!(severity(0.4, 0.001), None);
        assert_eq!(severity(-3.0, 1.5), None);
        assert_eq!(severity(-3.0, 0.1), Some(Severity::Warning));
        assert_eq!(severity(90.0, 0.1), Some(Severity::Error));
        let behind = judge(Clock {
            ahead: 5.0,
            give_or_take: 0.0,
        });
        assert!(
            behind[0].what.contains("5.0 s behind"),
            "{}",
            behind[0].what
        );
    }
}
