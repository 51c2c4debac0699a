//! The times in a text, and what they count.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// How a column is named that says by itself what its times are, and that they are differences.
pub(super) const DELTAS: &[&str] = &["frame.time_delta", "frame.time_delta_displayed"];
/// The same of times from one start.
pub(super) const SINCE_START: &[&str] = &["frame.time_epoch", "frame.time_relative"];
/// Columns whose times depend on how somebody set Wireshark, or wrote a table.
pub(super) const UNSAID: &[&str] = &["_ws.col.Time", "Time", "time", "frame.time"];

/// A time as a decimal number: `digits * 10^exponent` of some unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// A number such as `-1.5`, `1e-05`, or with a decimal comma.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (sign, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !are_digits(whole) || !are_digits(fraction) || whole.len() > 20
        {
            return None;
        }
        let fraction = fraction.get(..18).unwrap_or(fraction);
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits: sign * digits, exponent: i32::from(exponent) - fraction.len() as i32 })
    }

    /// In ns, where the unit is `10^unit` s; further digits are cut off. `None` beyond 292 years.
    pub(super) fn ns(self, unit: i32) -> Option<i64> {
        let exponent = self.exponent + unit + 9;
        let ns = if exponent >= 0 {
            // Zero has any exponent.
            if self.digits == 0 { 0 } else { self.digits.checked_mul(10_i128.checked_pow(exponent as u32)?)? }
        } else {
            10_i128.checked_pow(exponent.unsigned_abs()).map_or(0, |divisor| self.digits / divisor)
        };
        i64::try_from(ns).ok()
    }

    fn is_whole(self) -> bool {
        self.exponent >= 0
    }
}

/// What a field of a time column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Number(Decimal),
    /// A date and time of day, Unix time in ns (of UTC where it names no zone), or a time of day from midnight.
    Clock(i64),
}

impl Field {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Decimal::parse(text).map(Self::Number).or_else(|| clock(text).map(Self::Clock))
    }

    /// Whether it is no earlier than its start.
    pub(super) fn is_time(self) -> bool {
        self.ns(0).or_else(|| self.ns(-9)).is_some_and(|ns| ns >= 0)
    }

    fn ns(self, unit: i32) -> Option<i64> {
        match self {
            Self::Number(decimal) => decimal.ns(unit),
            Self::Clock(ns) => Some(ns),
        }
    }
}

fn clock(text: &str) -> Option<i64> {
    if !text.contains(':') {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return i64::try_from(timestamp.as_nanosecond()).ok();
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_nanosecond());
    let ns = match text.parse::<DateTime>() {
        Ok(at) => utc(at)?,
        Err(_) => utc(Date::constant(1970, 1, 1).to_datetime(text.parse::<Time>().ok()?))?,
    };
    i64::try_from(ns).ok()
}

/// How the times of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// The unit is `10^unit` s.
    unit: i32,
    differences: bool,
    /// The sum of the differences so far.
    now_ns: i64,
}

impl Times {
    /// The time of the next packet in ns.
    pub(super) fn next(&mut self, field: Field) -> Option<i64> {
        let ns = field.ns(self.unit)?;
        if !self.differences {
            return Some(ns);
        }
        self.now_ns = self.now_ns.checked_add(ns)?;
        Some(self.now_ns)
    }
}

/// Finds out what the times of a column count, from all of them.
#[derive(Debug, Default)]
pub(super) struct Look {
    rows: u64,
    whole: u64,
    clocks: u64,
    falling: u64,
    first: Option<i64>,
    last: Option<i64>,
    /// The value of all rows behind the first, where they have one.
    same: Option<i64>,
    differing: bool,
    largest: i64,
    /// Lengths of steps forward by their power of two, in ns.
    steps: Vec<u64>,
}

impl Look {
    pub(super) fn add(&mut self, field: Field) {
        let Some(ns) = field.ns(0).or_else(|| field.ns(-9)) else { return };
        self.rows += 1;
        match field {
            Field::Clock(_) => self.clocks += 1,
            Field::Number(decimal) => self.whole += u64::from(decimal.is_whole()),
        }
        if self.first.is_some() {
            self.differing |= self.same.is_some_and(|same| same != ns);
            self.same = Some(ns);
        }
        if let Some(last) = self.last {
            self.falling += u64::from(ns < last);
            let step = ns.saturating_sub(last);
            if step > 0 {
                self.steps.resize(64, 0);
                self.steps[step.ilog2() as usize] += 1;
            }
        }
        self.largest = self.largest.max(ns);
        self.first.get_or_insert(ns);
        self.last = Some(ns);
    }

    /// How to read a column of this name, or what it seems to be instead of seconds from one start.
    pub(super) fn times(&self, column: &str, sample: Option<Field>) -> Result<Times, &'static str> {
        let since_start = Times { unit: 0, differences: false, now_ns: 0 };
        if DELTAS.contains(&column) {
            return Ok(Times { differences: true, ..since_start });
        }
        // No epoch in seconds has twelve digits: it is in milliseconds or less.
        let digits = match sample {
            Some(Field::Number(decimal)) => decimal.ns(-9).unwrap_or(i64::MAX).max(1).ilog10() + 1,
            _ => 0,
        };
        let unit = match digits {
            ..12 => 0,
            12..15 => -3,
            15..18 => -6,
            _ => -9,
        };
        let since_start = Times { unit, ..since_start };
        if unit != 0 || SINCE_START.contains(&column) || self.rows < 5 {
            return Ok(since_start);
        }
        if self.falling * 5 >= self.rows {
            return Err("its times go up and down, as differences between packets do");
        }
        let starts_at_zero = self.first == Some(0);
        if starts_at_zero && !self.differing && self.largest > 0 {
            return Err("all times behind the first are the same, as differences between packets may be");
        }
        const YEAR_2001: i64 = 1_000_000_000_000_000_000;
        if self.clocks == 0 && self.largest < YEAR_2001 && self.largest > 0 {
            if self.whole == self.rows {
                return Err("it has whole numbers only, as milliseconds are");
            }
            if self.typical_step_is_over_half_a_second() {
                return Err("packets are typically more than half a second apart, as where times are milliseconds");
            }
        }
        Ok(since_start)
    }

    fn typical_step_is_over_half_a_second(&self) -> bool {
        const HALF_A_SECOND: u32 = 29; // 2^29 ns
        let all: u64 = self.steps.iter().sum();
        let long: u64 = self.steps.iter().skip(HALF_A_SECOND as usize).sum();
        all >= 4 && long * 2 > all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> Option<i64> {
        Field::parse(text)?.ns(0)
    }

    #[test]
    fn seconds_are_read_to_the_nanosecond() {
        assert_eq!(ns("0"), Some(0));
        assert_eq!(ns("1700000000.123456789"), Some(1_700_000_000_123_456_789));
        assert_eq!(ns("1700000000,123456789"), Some(1_700_000_000_123_456_789));
        assert_eq!(ns("1.1234567899"), Some(1_123_456_789));
        assert_eq!(ns("1."), Some(1_000_000_000));
        assert_eq!(ns("1e-05"), Some(10_000));
        assert_eq!(ns("1.5E+3"), Some(1_500_000_000_000));
        assert_eq!(ns("-0.000001"), Some(-1_000));
        assert_eq!(ns("0e999"), Some(0));
        assert_eq!(ns("1e-999"), Some(0));
        for text in ["", ".", "-", "1e", "nan", "inf", "99999999999", "1e99", "1.2.3", "é", "1e99999", "0x10"] {
            assert_eq!(ns(text), None, "{text}");
        }
    }

    #[test]
    fn dates_and_times_of_day_are_read() {
        let at = Some(1_700_000_000_050_000_000);
        for text in ["2023-11-14 22:13:20.05", "2023-11-14T22:13:20.05Z", "2023-11-14T23:13:20.05+01:00"] {
            assert_eq!(ns(text), at, "{text}");
        }
        assert_eq!(ns("00:00:01.5"), Some(1_500_000_000));
    }

    fn look(column: &str, texts: &[&str]) -> Result<Vec<i64>, &'static str> {
        let fields: Vec<Field> = texts.iter().map(|text| Field::parse(text).unwrap()).collect();
        let mut look = Look::default();
        fields.iter().for_each(|&field| look.add(field));
        let mut times = look.times(column, fields.first().copied())?;
        Ok(fields.iter().map(|&field| times.next(field).unwrap()).collect())
    }

    #[test]
    fn epochs_in_smaller_units_are_known_by_their_size() {
        let expected = vec![1_700_000_000_000_000_000, 1_700_000_000_050_000_000];
        for texts in [
            ["1700000000", "1700000000.05"],
            ["1700000000000", "1700000000050"],
            ["1700000000000000", "1700000000050000"],
            ["1700000000000000000", "1700000000050000000"],
        ] {
            assert_eq!(look("frame.time_epoch", &texts).unwrap(), expected);
        }
    }

    #[test]
    fn differences_and_milliseconds_are_noticed() {
        let up_and_down = ["0", "0.05", "0.001", "0.149", "0.05", "0.009"];
        assert!(look("Time", &up_and_down).unwrap_err().contains("differences"));
        assert!(look("Time", &["0.0", "0.05", "0.05", "0.05", "0.05"]).unwrap_err().contains("differences"));
        assert!(look("Time", &["0", "50", "51", "200", "250", "260"]).unwrap_err().contains("milliseconds"));
        assert!(
            look("Time", &["0.0", "50.1", "51.2", "200.3", "250.4", "260.5"]).unwrap_err().contains("milliseconds")
        );
        // A name that says it is believed.
        assert_eq!(look("frame.time_delta", &up_and_down).unwrap()[5], 259_000_000);
        assert_eq!(look("frame.time_relative", &["0", "50", "51", "200", "250"]).unwrap()[1], 50_000_000_000);
        // Times as they are, some out of order.
        assert!(look("Time", &["0.0", "0.05", "0.051", "0.05", "0.25", "0.26", "3.5", "3.6"]).is_ok());
    }
}
