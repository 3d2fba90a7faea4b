//! How a stretch of time is cut into steps (pure): from what the caller asked to bounds that are aligned, and few enough
//! to read quickly.

use jiff::Timestamp;

use crate::kernel::{Error, Result};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
/// Steps of an answer when the caller doesn't say how long they are: as many at most.
const PLEASANT: i64 = 200;
/// Steps of a series at most.
const POINTS: i64 = 1500;
/// Steps by themselves.
const STEPS: [i64; 9] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    24 * HOUR,
    7 * 24 * HOUR,
    30 * 24 * HOUR,
];
/// Longest stretches by minutes and by hours, with one label, with all of few, with all of many.
const BY_MINUTES: [i64; 3] = [25 * HOUR, 6 * HOUR, 3 * HOUR];
const BY_HOURS: [i64; 3] = [400 * 24 * HOUR, 31 * 24 * HOUR, 7 * 24 * HOUR];

/// How many labels are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// One.
    One,
    /// All of a metric that has a few: severities, channels.
    Few,
    /// All of one that may have hundreds: types, rules. A month of those took 90 ms.
    Many,
}

/// What is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Begin of the first step.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
    /// Seconds.
    pub step: i64,
    /// From the hours instead of the minutes.
    pub hours: bool,
}

/// What is to be read.
///
/// # Errors
/// `Invalid` (`invalid_parameter`) that says what would do.
pub fn plan(from: Timestamp, to: Timestamp, step: Option<i64>, labels: Labels) -> Result<Plan> {
    let (begin, end) = (from.as_second(), to.as_second());
    if begin >= end {
        return Err(fault("from", "`from` is before `to`".to_owned()));
    }
    let which = labels as usize;
    let step = match step {
        Some(step) if step < MINUTE || step % MINUTE != 0 || step > HOUR && step % HOUR != 0 => {
            return Err(fault(
                "step",
                "`step` is whole minutes up to an hour, and whole hours from there".to_owned(),
            ));
        }
        Some(step) => step,
        None => STEPS
            .into_iter()
            .find(|step| {
                (end - begin) / step <= PLEASANT
                    && (*step >= HOUR || end - begin <= BY_MINUTES[which])
            })
            .unwrap_or(STEPS[STEPS.len() - 1]),
    };
    let hours = step >= HOUR;
    let grain = if hours { HOUR } else { MINUTE };
    let (begin, end) = (
        begin - begin.rem_euclid(grain),
        end + (-end).rem_euclid(grain),
    );
    let longest = if hours { BY_HOURS } else { BY_MINUTES }[which];
    if end - begin > longest {
        let label = if labels == Labels::One {
            ""
        } else {
            " without a `label`"
        };
        let instead = if hours {
            ""
        } else {
            "; longer ones take a `step` of an hour or more"
        };
        return Err(fault(
            "from",
            format!(
                "with this `step` a series covers at most {} hours{label}{instead}",
                longest / HOUR
            ),
        ));
    }
    if (end - begin) / step > POINTS {
        return Err(fault(
            "step",
            format!("a series has at most {POINTS} steps: take longer ones"),
        ));
    }
    let moment = |second| {
        Timestamp::from_second(second).map_err(|_| fault("from", "out of range".to_owned()))
    };
    Ok(Plan {
        from: moment(begin)?,
        to: moment(end)?,
        step,
        hours,
    })
}

/// `90`, `5m`, `1h`, `1d` as seconds.
///
/// # Errors
/// `Invalid` for anything else.
pub fn step(text: &str) -> Result<i64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let unit = match unit {
        "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => 24 * HOUR,
        _ => 0,
    };
    digits
        .parse::<i64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| {
            fault(
                "step",
                "`step` is a length like `5m`, `1h`, `1d`".to_owned(),
            )
        })
}

fn fault(place: &str, detail: String) -> Error {
    Error::invalid_at("invalid_parameter", place, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn steps_are_chosen_so_that_a_chart_can_show_them() {
        let to = at("2026-12-15T08:00:30Z");
        for (hours, step) in [
            (1, MINUTE),
            (3, MINUTE),
            (12, 5 * MINUTE),
            (24, 15 * MINUTE),
            (72, HOUR),
            (24 * 30, 6 * HOUR),
        ] {
            let from = Timestamp::from_second(to.as_second() - hours * HOUR).unwrap();
            assert_eq!(
                plan(from, to, None, Labels::One).unwrap().step,
                step,
                "{hours} h"
            );
        }
    }

    #[test]
    fn bounds_are_widened_to_whole_minutes_or_hours() {
        let (from, to) = (at("2026-12-15T07:30:10Z"), at("2026-12-15T08:00:30Z"));
        let minutes = plan(from, to, Some(60), Labels::One).unwrap();
        assert_eq!(
            (minutes.from, minutes.to),
            (at("2026-12-15T07:30:00Z"), at("2026-12-15T08:01:00Z"))
        );
        let hours = plan(from, to, Some(3600), Labels::Few).unwrap();
        assert_eq!(
            (hours.from, hours.to),
            (at("2026-12-15T07:00:00Z"), at("2026-12-15T09:00:00Z"))
        );
        assert!(hours.hours && !minutes.hours);
    }

    #[test]
    fn what_would_read_too_much_is_refused_with_what_would_do() {
        let to = at("2026-12-15T08:00:00Z");
        let back = |hours: i64| Timestamp::from_second(to.as_second() - hours * HOUR).unwrap();
        assert!(plan(back(24), to, Some(60), Labels::One).is_ok());
        let refused = plan(back(24), to, Some(60), Labels::Few)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("6 hours without a `label`"), "{refused}");
        assert!(plan(back(24 * 31), to, Some(24 * HOUR), Labels::Few).is_ok());
        assert!(plan(back(24 * 8), to, Some(24 * HOUR), Labels::Many).is_err());
        assert!(plan(back(24 * 401), to, Some(24 * HOUR), Labels::One).is_err());
        assert!(
            plan(back(24 * 90), to, Some(HOUR), Labels::One).is_err(),
            "2160 steps"
        );
        assert!(plan(to, to, None, Labels::One).is_err());
        for odd in [0, 59, 90, 90 * MINUTE] {
            assert!(plan(back(1), to, Some(odd), Labels::One).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_step_is_a_number_with_a_unit() {
        for (text, seconds) in [
            ("60", 60),
            ("60s", 60),
            ("5m", 300),
            ("1h", HOUR),
            ("1d", 24 * HOUR),
        ] {
            assert_eq!(step(text).unwrap(), seconds);
        }
        for text in [
            "",
            "m",
            "-5m",
            "5 m",
            "5w",
            "0",
            "1.5h",
            "99999999999999999999d",
        ] {
            assert!(step(text).is_err(), "{text}");
        }
    }
}
