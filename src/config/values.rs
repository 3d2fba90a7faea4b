//! What values look like: durations, sizes, booleans, counts, words. Pure. A parser's error says what would be right;
//! the reader adds the setting's name and, unless it is a secret, the value.

use std::time::Duration;

/// A duration with a unit: `500ms`, `30s`, `2m`, `12h`, `7d`, or a sum such as `1m30s`.
///
/// # Errors
/// What would be right, in a sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let right = || {
        "expected a number with its unit (ms, s, m, h, d), such as 500ms, 30s, 2m or 1m30s"
            .to_owned()
    };
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest
            .bytes()
            .skip(digits)
            .take_while(u8::is_ascii_alphabetic)
            .count();
        // Both counts are of ASCII bytes, so the cuts fall between characters.
        let (part, tail) = rest.split_at(digits + letters);
        let (number, unit) = part.split_at(digits);
        let number: u64 = number.parse().map_err(|_| right())?;
        let millis = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" | "min" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        }
        .and_then(|unit: u64| number.checked_mul(unit))
        .ok_or_else(right)?;
        total = total
            .checked_add(Duration::from_millis(millis))
            .ok_or_else(right)?;
        rest = tail.trim_start();
    }
    if text.is_empty() {
        return Err(right());
    }
    Ok(total)
}

/// A duration within bounds, both included.
pub(super) fn duration_within(text: &str, least: &str, most: &str) -> Result<Duration, String> {
    let value = duration(text)?;
    if value < duration(least)? || value > duration(most)? {
        return Err(format!("expected from {least} to {most}"));
    }
    Ok(value)
}

/// A number of bytes: `1048576`, `512KiB`, `1MiB`, `2MB`.
///
/// # Errors
/// What would be right, in a sentence.
pub fn size(text: &str) -> Result<usize, String> {
    let right = || {
        "expected a number of bytes, plain or with a unit, such as 65536, 512KiB or 1MiB".to_owned()
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| right())?;
    let unit: usize = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(right()),
    };
    number.checked_mul(unit).ok_or_else(right)
}

/// A size within bounds, both included.
pub(super) fn size_within(text: &str, least: &str, most: &str) -> Result<usize, String> {
    let value = size(text)?;
    if value < size(least)? || value > size(most)? {
        return Err(format!("expected from {least} to {most}"));
    }
    Ok(value)
}

/// `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`, in any case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A whole number within bounds, both included.
pub(super) fn count<N>(text: &str, least: N, most: N) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse::<N>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

/// One of a few words, in any case.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    match found {
        Some((_, value)) => Ok(*value),
        None => {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(format!("expected one of {}", all.join(", ")))
        }
    }
}

/// A name of a claim or role: not empty, without spaces, commas or control characters.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty()
        || text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == ',')
    {
        return Err("expected one name, without spaces or commas".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_may_be_sums() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 5m"), Ok(Duration::from_secs(3900)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for bad in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "1 s",
            "5 parsecs",
            "٣s",
            "1é",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            let right = duration(bad).unwrap_err();
            assert!(right.contains("such as 500ms"), "{bad}: {right}");
        }
    }

    #[test]
    fn bounds_are_part_of_the_answer() {
        assert!(duration_within("5m", "1s", "5m").is_ok());
        assert_eq!(
            duration_within("6m", "1s", "5m"),
            Err("expected from 1s to 5m".to_owned())
        );
        assert_eq!(
            count::<u32>("0", 1, 100),
            Err("expected a whole number from 1 to 100".to_owned())
        );
        assert!(count::<u16>("70000", 1, u16::MAX).is_err());
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(size("512 KiB"), Ok(512 << 10));
        assert_eq!(size("2MB"), Ok(2_000_000));
        for bad in ["", "MiB", "-1", "1.5MiB", "1TiBs", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn booleans_are_generous_and_words_are_not() {
        assert_eq!(boolean("YES"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert!(boolean("maybe").is_err());
        let words = [("tls", 1), ("none", 2)];
        assert_eq!(word("TLS", &words), Ok(1));
        assert_eq!(
            word("ssl", &words),
            Err("expected one of tls, none".to_owned())
        );
    }

    #[test]
    fn names_hold_no_spaces_or_commas() {
        assert!(name("finance_manager").is_ok());
        assert!(name("https://tsh.example/roles").is_ok());
        assert!(name("a b").is_err());
        assert!(name("a,b").is_err());
    }
}
