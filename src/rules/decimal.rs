//! Decimal numbers as their digits: rounding, grouping, comparing without `f64`. Comes from `payload`, goes to
//! `helpers`. Money is never turned into a float.

use std::cmp::Ordering;

/// A decimal number: sign, digits before the point (without leading zeros but at least one), digits after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

/// No exponent beyond this is written out: nothing in business is that long.
const EXPONENT: i32 = 60;
/// No number of more characters is worked on.
const LENGTH: usize = 400;

impl Decimal {
    /// From `-1234.50`, `1.2e3`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LENGTH {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || exponent.abs() > EXPONENT
        {
            return None;
        }
        let mut number = Self {
            negative,
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        };
        number.shift(exponent);
        Some(number)
    }

    /// Moves the point: `places` > 0 to the right.
    pub(crate) fn shift(&mut self, places: i32) {
        for _ in 0..places {
            let digit = if self.fraction.is_empty() {
                '0'
            } else {
                self.fraction.remove(0)
            };
            self.whole.push(digit);
        }
        for _ in places..0 {
            self.fraction.insert(0, self.whole.pop().unwrap_or('0'));
        }
        let zeros = self.whole.len() - self.whole.trim_start_matches('0').len();
        self.whole.drain(..zeros);
        if self.whole.is_empty() {
            self.whole.push('0');
        }
    }

    /// Exactly `places` digits after the point, half away from zero, as in accounting.
    pub(crate) fn round(&mut self, places: usize) {
        if self.fraction.len() <= places {
            let missing = places - self.fraction.len();
            self.fraction.extend(std::iter::repeat_n('0', missing));
            return;
        }
        let up = self.fraction.as_bytes()[places] >= b'5';
        self.fraction.truncate(places);
        if up {
            let point = self.whole.len();
            let mut digits: Vec<u8> = [self.whole.as_bytes(), self.fraction.as_bytes()].concat();
            let mut carry = true;
            for digit in digits.iter_mut().rev() {
                if *digit == b'9' {
                    *digit = b'0';
                } else {
                    *digit += 1;
                    carry = false;
                    break;
                }
            }
            let point = point + usize::from(carry);
            let text = String::from_utf8_lossy(&digits);
            let text = if carry {
                format!("1{text}")
            } else {
                text.into_owned()
            };
            self.whole = text[..point].to_owned();
            self.fraction = text[point..].to_owned();
        }
    }

    /// Drops zeros at the end of the fraction.
    pub(crate) fn trim(&mut self) {
        let length = self.fraction.trim_end_matches('0').len();
        self.fraction.truncate(length);
    }

    /// Whether it is zero, `0.00` as well.
    pub(crate) fn is_zero(&self) -> bool {
        self.whole == "0" && self.fraction.bytes().all(|b| b == b'0')
    }

    /// The digits before the point and those after it, without the sign.
    pub(crate) fn parts(&self) -> (&str, &str) {
        (&self.whole, &self.fraction)
    }

    /// `-1,234,567.50`
    pub(crate) fn grouped(&self) -> String {
        let mut text = String::with_capacity(self.whole.len() * 4 / 3 + self.fraction.len() + 3);
        if self.negative && !self.is_zero() {
            text.push('-');
        }
        for (i, digit) in self.whole.chars().enumerate() {
            if i > 0 && (self.whole.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if !self.fraction.is_empty() {
            text.push('.');
            text.push_str(&self.fraction);
        }
        text
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| {
            if d.is_zero() {
                0
            } else if d.negative {
                -1
            } else {
                1
            }
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let size = self
                .whole
                .len()
                .cmp(&other.whole.len())
                .then_with(|| self.whole.cmp(&other.whole))
                .then_with(|| {
                    self.fraction
                        .trim_end_matches('0')
                        .cmp(other.fraction.trim_end_matches('0'))
                });
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

    fn grouped(text: &str, places: Option<usize>) -> String {
        let mut number = Decimal::parse(text).unwrap();
        if let Some(places) = places {
            number.round(places);
        }
        number.grouped()
    }

    #[test]
    fn thousands_are_grouped_and_digits_kept() {
        assert_eq!(grouped("0", None), "0");
        assert_eq!(grouped("999", None), "999");
        assert_eq!(grouped("1250.50", None), "1,250.50");
        assert_eq!(
            grouped("-12345678901234567890.123", None),
            "-12,345,678,901,234,567,890.123"
        );
        assert_eq!(grouped("007", None), "7");
        assert_eq!(grouped("1.25e3", None), "1,250");
        assert_eq!(grouped("125e-4", None), "0.0125");
    }

    #[test]
    fn rounding_is_half_away_from_zero_and_carries() {
        assert_eq!(grouped("1250.50", Some(0)), "1,251");
        assert_eq!(grouped("1250.49", Some(0)), "1,250");
        assert_eq!(grouped("-1250.5", Some(0)), "-1,251");
        assert_eq!(grouped("999.995", Some(2)), "1,000.00");
        assert_eq!(grouped("9.9", Some(3)), "9.900");
        assert_eq!(grouped("-0.001", Some(2)), "0.00");
    }

    #[test]
    fn only_numbers_are_numbers() {
        for text in [
            "",
            "-",
            ".5",
            "1,000",
            "abc",
            "1e999999999",
            "--1",
            "٣",
            "0x1",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let cmp = |a: &str, b: &str| Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap());
        assert_eq!(cmp("1.50", "1.5"), Ordering::Equal);
        assert_eq!(cmp("-0", "0.0"), Ordering::Equal);
        assert_eq!(cmp("10", "9"), Ordering::Greater);
        assert_eq!(cmp("-10", "-9"), Ordering::Less);
        assert_eq!(
            cmp("9007199254740993", "9007199254740992"),
            Ordering::Greater
        );
        assert_eq!(cmp("0.15", "0.2"), Ordering::Less);
    }
}
