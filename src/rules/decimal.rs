//! Decimal numbers as their digits: rounding and comparing without `f64`. Comes from `payload`, goes to `helpers` and
//! `language`. Money is never turned into a float. The arithmetic is ICU4X's `fixed_decimal`; what counts as a number is ours.

use std::cmp::Ordering;

use fixed_decimal::{Decimal as Digits, Sign, SignedRoundingMode, UnsignedRoundingMode};

use crate::rules::limits;

/// A decimal number. Equal are those of the same value, `1.50` and `1.5`.
#[derive(Debug, Clone)]
pub(crate) struct Decimal(Digits);

/// No exponent beyond this is written out: nothing in business is that long.
const EXPONENT: i16 = 60;

impl Decimal {
    /// From `-1234.50`, `1.2e3`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > limits::NUMBER_CHARS {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || !(-EXPONENT..=EXPONENT).contains(&exponent)
        {
            return None;
        }
        let mut number: Digits = mantissa.trim_end_matches('.').parse().ok()?;
        number.absolute.multiply_pow10(exponent);
        number.absolute.trim_start();
        Some(Self(number).positive_zero())
    }

    /// Of a count.
    pub(crate) fn of(count: i64) -> Self {
        Self(Digits::from(count))
    }

    /// Moves the point: `places` > 0 to the right.
    pub(crate) fn shift(&mut self, places: i16) {
        self.0.absolute.multiply_pow10(places);
        self.0.absolute.trim_start();
    }

    /// Exactly `places` digits after the point, half away from zero, as in accounting.
    pub(crate) fn round(&mut self, places: usize) {
        let position = -i16::try_from(places).unwrap_or(i16::MAX);
        let mode = SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand);
        self.0.round_with_mode(position, mode);
        self.0.absolute.pad_end(position);
        if self.0.absolute.is_zero() {
            self.0.sign = Sign::None;
        }
    }

    /// Drops zeros at the end of the fraction.
    pub(crate) fn trim(&mut self) {
        self.0.absolute.trim_end();
    }

    /// As ICU4X takes it.
    pub(crate) fn digits(&self) -> &Digits {
        &self.0
    }

    /// Nobody reads `-0`.
    fn positive_zero(mut self) -> Self {
        if self.0.absolute.is_zero() {
            self.0.sign = Sign::None;
        }
        self
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| match (d.0.absolute.is_zero(), d.0.sign) {
            (true, _) => 0,
            (false, Sign::Negative) => -1,
            (false, _) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let (a, b) = (&self.0.absolute, &other.0.absolute);
            let start = a.nonzero_magnitude_start().max(b.nonzero_magnitude_start());
            let end = a.nonzero_magnitude_end().min(b.nonzero_magnitude_end());
            let size = (end..=start)
                .rev()
                .map(|place| a.digit_at(place).cmp(&b.digit_at(place)))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal);
            if sign(self) < 0 { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, places: Option<usize>) -> String {
        let mut number = Decimal::parse(text).unwrap();
        if let Some(places) = places {
            number.round(places);
        }
        number.digits().to_string()
    }

    #[test]
    fn digits_are_kept_whatever_their_number() {
        assert_eq!(written("0", None), "0");
        assert_eq!(written("1250.50", None), "1250.50");
        assert_eq!(
            written("-12345678901234567890.123", None),
            "-12345678901234567890.123"
        );
        assert_eq!(written("007", None), "7");
        assert_eq!(written("0.50", None), "0.50");
        assert_eq!(written("5.", None), "5");
        assert_eq!(written("1.25e3", None), "1250");
        assert_eq!(written("125e-4", None), "0.0125");
        assert_eq!(written("-0", None), "0");
    }

    #[test]
    fn the_point_moves_without_leaving_zeros_behind() {
        for (text, places, expected) in [("0.155", 2, "15.5"), ("0.001", 2, "0.1"), ("2", 2, "200")]
        {
            let mut number = Decimal::parse(text).unwrap();
            number.shift(places);
            assert_eq!(number.digits().to_string(), expected);
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero_and_carries() {
        assert_eq!(written("1250.50", Some(0)), "1251");
        assert_eq!(written("1250.49", Some(0)), "1250");
        assert_eq!(written("-1250.5", Some(0)), "-1251");
        assert_eq!(written("999.995", Some(2)), "1000.00");
        assert_eq!(written("9.9", Some(3)), "9.900");
        assert_eq!(written("-0.001", Some(2)), "0.00");
    }

    #[test]
    fn only_numbers_are_numbers() {
        for text in [
            "",
            "-",
            ".5",
            "+5",
            "1,000",
            "abc",
            "1e999999999",
            "1e61",
            "--1",
            "٣",
            "0x1",
            &"9".repeat(401),
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let cmp = |a: &str, b: &str| Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap());
        assert_eq!(cmp("1.50", "1.5"), Ordering::Equal);
        assert_eq!(cmp("-0", "0.0"), Ordering::Equal);
        assert_eq!(cmp("0", "0.001"), Ordering::Less);
        assert_eq!(cmp("10", "9"), Ordering::Greater);
        assert_eq!(cmp("-10", "-9"), Ordering::Less);
        assert_eq!(
            cmp("9007199254740993", "9007199254740992"),
            Ordering::Greater
        );
        assert_eq!(cmp("0.15", "0.2"), Ordering::Less);
    }
}
