//! Amounts of money in whole minor units, never in floats.

use std::{fmt, str::FromStr};

use es_core::projection::{Column, ColumnType};
use serde::{Deserialize, Serialize};

/// An amount in minor units: 100 to the crown, and so `123450` for 1234.50.
///
/// It is written with two decimals, read with up to two, and stored as an integer. Nothing here rounds, and nothing
/// wraps around: what does not fit is `None` or an error.
///
/// ```
/// use bank::money::Money;
///
/// let salary: Money = "1234.5".parse().unwrap();
/// assert_eq!(salary, Money::from_minor(123_450));
/// assert_eq!(salary.to_string(), "1234.50");
/// assert_eq!(salary.checked_sub(Money::from_minor(200_000)).unwrap().to_string(), "-765.50");
/// assert!("0.001".parse::<Money>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount by its minor units.
    pub const fn from_minor(units: i64) -> Self {
        Self(units)
    }

    /// The minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum, where it fits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, where it fits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum, or the largest (smallest) amount where it does not fit: for folds, which can refuse nothing.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or the smallest (largest) amount where it does not fit: for folds, which can refuse nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Column for Money {
    const TYPE: ColumnType = ColumnType::BigInt;
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let units = self.0.unsigned_abs();
        formatter.pad(&format!("{sign}{}.{:02}", units / 100, units % 100))
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMoneyError {
    /// It is not digits with, at most, a minus before and a point among them.
    #[error("an amount is digits, then perhaps a point and one or two more, such as 1234.50")]
    NotAnAmount,
    /// It is finer than a minor unit.
    #[error("an amount has at most two decimals")]
    TooManyDecimals,
    /// It does not fit.
    #[error("the amount is too large: the limit is {}", Money(i64::MAX))]
    TooLarge,
}

impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if !is_digits(whole) || !is_digits(decimals) {
            return Err(ParseMoneyError::NotAnAmount);
        }
        let scale = match decimals.len() {
            1 => 10,
            2 => 1,
            _ => return Err(ParseMoneyError::TooManyDecimals),
        };
        // Both parts are digits, so that only their size can be wrong; i128 has room for the smallest i64 as well.
        let whole: i64 = whole.parse().map_err(|_| ParseMoneyError::TooLarge)?;
        let decimals: i128 = decimals.parse().map_err(|_| ParseMoneyError::TooLarge)?;
        let units = i128::from(whole) * 100 + decimals * scale;
        i64::try_from(if negative { -units } else { units }).map(Self).map_err(|_| ParseMoneyError::TooLarge)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Money, ParseMoneyError};

    #[track_caller]
    fn check(text: &str, units: i64, written: &str) {
        let money: Money = text.parse().expect(text);
        assert_eq!(money.minor(), units);
        assert_eq!(money.to_string(), written);
        assert_eq!(written.parse(), Ok(money), "what is written can be read back");
    }

    #[test]
    fn reads_up_to_two_decimals_and_writes_two() {
        check("1234.50", 123_450, "1234.50");
        check("-19056.80", -1_905_680, "-19056.80");
        check("7", 700, "7.00");
        check("7.5", 750, "7.50");
        check("0.05", 5, "0.05");
        check("-0.05", -5, "-0.05");
        check("-0", 0, "0.00");
        check("000012.30", 1_230, "12.30");
        check("92233720368547758.07", i64::MAX, "92233720368547758.07");
        check("-92233720368547758.08", i64::MIN, "-92233720368547758.08");
    }

    #[test]
    fn refuses_everything_else_with_the_reason() {
        let shapes =
            ["", "-", ".", "12.", ".5", "+5", "--5", "1e3", "1,5", "1 000", " 5", "5 ", "0x10", "NaN", "٣", "1.-5"];
        for text in shapes {
            assert_eq!(text.parse::<Money>(), Err(ParseMoneyError::NotAnAmount), "{text:?}");
        }
        assert_eq!("0.001".parse::<Money>(), Err(ParseMoneyError::TooManyDecimals));
        assert_eq!("1.000".parse::<Money>(), Err(ParseMoneyError::TooManyDecimals));
        for text in ["92233720368547758.08", "-92233720368547758.09", "99999999999999999999999999"] {
            assert_eq!(text.parse::<Money>(), Err(ParseMoneyError::TooLarge), "{text}");
        }
    }

    #[test]
    fn arithmetic_never_wraps_around() {
        let (most, least, unit) = (Money::from_minor(i64::MAX), Money::from_minor(i64::MIN), Money::from_minor(1));
        assert_eq!(most.checked_add(unit), None);
        assert_eq!(least.checked_sub(unit), None);
        assert_eq!(most.saturating_add(unit), most);
        assert_eq!(least.saturating_sub(unit), least);
    }

    #[test]
    fn is_stored_as_an_integer() {
        assert_eq!(serde_json::to_string(&Money::from_minor(-123_450)).unwrap(), "-123450");
        assert!(serde_json::from_str::<Money>("1.5").is_err());
    }

    #[test]
    fn aligns_like_any_text() {
        assert_eq!(format!("{:>10}", Money::from_minor(-1_50)), "     -1.50");
    }
}
