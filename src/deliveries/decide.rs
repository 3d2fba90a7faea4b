//! Station 9's decision: an attempt's end → what becomes of the delivery. Pure.

use std::time::Duration;

use crate::deliveries::model::{Attempted, Next, Receipt, SendError};
use crate::kernel::backoff::Backoff;

/// Errors are kept this long in the log table: enough to understand, no room for a provider's whole page.
const ERROR_CHARACTERS: usize = 500;
/// A rate limit's wait is believed up to here.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// What becomes of a delivery whose attempt ended so. `jitter` in 0..1.
#[must_use]
pub fn decide(
    (job_id, delivery_id): (i64, i64),
    (attempt, max_attempts): (i32, i32),
    result: Result<Receipt, SendError>,
    took: Duration,
    jitter: f64,
) -> Attempted {
    let again = |wait: Duration| {
        if attempt >= max_attempts {
            Next::Dead
        } else {
            Next::Retry {
                wait,
                forgiven: false,
            }
        }
    };
    let backoff = || Backoff::DELIVERY.after(u32::try_from(attempt).unwrap_or(1), jitter);
    let (outcome, next, error, receipt) = match result {
        Ok(receipt) => ("accepted", Next::Done, None, Some(receipt)),
        Err(error) => {
            let text = shorten(&error.to_string());
            let (outcome, next) = match error {
                SendError::Transient(_) => ("transient", again(backoff())),
                SendError::Ambiguous(_) => ("ambiguous", again(backoff())),
                SendError::RateLimited { retry_after, .. } => {
                    let wait = retry_after
                        .clamp(Duration::from_secs(1), LONGEST_WAIT)
                        .mul_f64(1.0 + 0.1 * jitter);
                    (
                        "rate_limited",
                        Next::Retry {
                            wait,
                            forgiven: true,
                        },
                    )
                }
                SendError::Permanent(_) => ("permanent", Next::Dead),
                SendError::Misconfigured(_) => ("misconfigured", again(backoff())),
            };
            (outcome, next, Some(text), None)
        }
    };
    Attempted {
        job_id,
        delivery_id,
        attempt,
        next,
        outcome: Some(outcome),
        error,
        receipt,
        took,
    }
}

fn shorten(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match clean.char_indices().nth(ERROR_CHARACTERS) {
        Some((cut, _)) => format!("{}…", &clean[..cut]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(attempt: i32, error: SendError) -> Next {
        decide((1, 2), (attempt, 8), Err(error), Duration::ZERO, 0.5).next
    }

    #[test]
    fn what_may_pass_is_tried_again_until_the_attempts_are_used_up() {
        let first = after(1, SendError::Transient("421".into()));
        assert_eq!(
            first,
            Next::Retry {
                wait: Duration::from_secs(5),
                forgiven: false
            }
        );
        assert!(matches!(
            after(7, SendError::Ambiguous("lost".into())),
            Next::Retry { .. }
        ));
        assert_eq!(after(8, SendError::Transient("421".into())), Next::Dead);
        assert_eq!(after(8, SendError::Ambiguous("lost".into())), Next::Dead);
    }

    #[test]
    fn what_is_refused_for_good_is_dead_at_once() {
        assert_eq!(after(1, SendError::Permanent("550".into())), Next::Dead);
    }

    #[test]
    fn a_rate_limit_waits_as_asked_and_uses_up_no_attempt() {
        let wait = Duration::from_secs(30);
        let next = after(
            8,
            SendError::RateLimited {
                retry_after: wait,
                detail: "429".into(),
            },
        );
        assert_eq!(
            next,
            Next::Retry {
                wait: wait.mul_f64(1.05),
                forgiven: true
            }
        );
        let absurd = SendError::RateLimited {
            retry_after: Duration::MAX,
            detail: "429".into(),
        };
        assert!(
            matches!(after(1, absurd), Next::Retry { wait, .. } if wait < Duration::from_secs(27 * 3600))
        );
    }

    #[test]
    fn errors_are_shortened_and_keep_no_control_characters() {
        let ended = decide(
            (1, 2),
            (1, 8),
            Err(SendError::Permanent(format!("a\r\nb{}", "ش".repeat(900)))),
            Duration::ZERO,
            0.0,
        );
        let error = ended.error.unwrap();
        assert!(error.starts_with("a  b") && error.chars().count() == ERROR_CHARACTERS + 1);
    }
}
