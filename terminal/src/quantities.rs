//! Times and ranges as they are written on a command line.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use wfkit_capture::live::parse_duration;

/// A moment, as it was written and in Unix ns UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// As it was written.
    pub text: String,
    /// In ns since 1970.
    pub ns: i64,
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| "not a moment such as 2026-05-01T12:00:00Z")?;
        Ok(Self { text: text.to_owned(), ns: moment.as_nanosecond().try_into().map_err(|_| "too far away")? })
    }
}

/// A time in ns, or none where it is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenOrMeasured(pub Option<u64>);

impl FromStr for GivenOrMeasured {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "measured" {
            return Ok(Self(None));
        }
        nanoseconds(text).map(|ns| Self(Some(ns))).map_err(|error| format!("{error}, nor `measured`"))
    }
}

/// A time such as `80ms`, in ns.
///
/// # Errors
/// Another text, or too long a time.
pub fn nanoseconds(text: &str) -> Result<u64, String> {
    let ns = parse_duration(text).and_then(|time| u64::try_from(time.as_nanos()).ok());
    ns.ok_or_else(|| "not a time such as 80ms".to_owned())
}

/// A time that is not 0.
///
/// # Errors
/// Another text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| "not a time such as 10s, 500ms or 2m".to_owned())
}

/// A number of seconds, at least 0.
///
/// # Errors
/// Another text.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 && seconds.is_finite() => Ok(seconds),
        _ => Err("not a number of seconds".to_owned()),
    }
}

/// A number from 1 on, or a range of them.
///
/// # Errors
/// Another text.
pub fn numbers(text: &str) -> Result<RangeInclusive<usize>, String> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number > 0);
    range(text, number).ok_or_else(|| "not a number or a range such as 2..16".to_owned())
}

/// A time in ns, or a range of them.
///
/// # Errors
/// Another text.
pub fn times(text: &str) -> Result<RangeInclusive<u64>, String> {
    range(text, |text| nanoseconds(text).ok()).ok_or_else(|| "not a time or a range such as 1s..10s".to_owned())
}

fn range<T: PartialOrd>(text: &str, value: impl Fn(&str) -> Option<T>) -> Option<RangeInclusive<T>> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let range = value(low).zip(value(high)).filter(|(low, high)| low <= high);
    range.map(|(low, high)| low..=high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_ranges_their_ends_in_order() {
        assert_eq!((nanoseconds("80ms"), numbers("2..16"), numbers("3")), (Ok(80_000_000), Ok(2..=16), Ok(3..=3)));
        assert_eq!(times("1s..10s"), Ok(1_000_000_000..=10_000_000_000));
        assert_eq!(
            ("measured".parse(), "1ms".parse()),
            (Ok(GivenOrMeasured(None)), Ok(GivenOrMeasured(Some(1_000_000))))
        );
        assert_eq!("80".parse::<GivenOrMeasured>(), Err("not a time such as 80ms, nor `measured`".to_owned()));
        for wrong in ["0", "3..2", "x", ""] {
            assert!(numbers(wrong).is_err() && times(wrong).is_err(), "{wrong}");
        }
        assert!(duration("0s").is_err() && seconds("-1").is_err() && seconds("inf").is_err());
        assert_eq!((duration("2m"), seconds("1.5")), (Ok(Duration::from_secs(120)), Ok(1.5)));
        assert_eq!("1970-01-01T00:00:01Z".parse::<Moment>().map(|moment| moment.ns), Ok(1_000_000_000));
    }
}
