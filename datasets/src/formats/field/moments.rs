//! Moments as texts, `2021-03-03T15:57:34.458000`, in ns since 1970.

const NS_IN_S: i64 = 1_000_000_000;

/// Year, month, day, a `T` or a blank, and hours, minutes and seconds with up to nine decimals; behind them perhaps `Z` or `+00:00`. What names no
/// zone is taken for UTC, as exporters of flows write it; any other zone, another order, or a leap second is none.
pub(super) fn ns_since_1970(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = ["Z", "+00:00", "+0000"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let (date, time) = text.split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [hours, minutes, seconds] = numbers(time, ':', [2, 2, 2])?;
    let is_time = hours < 24 && minutes < 60 && seconds < 60;
    if !is_time || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ns: i64 = format!("{fraction:0<9}").parse().ok()?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    seconds.checked_mul(NS_IN_S)?.checked_add(ns)
}

/// Three numbers of so many digits each.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut next = |digits: usize| {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    };
    let all = [next(digits[0])?, next(digits[1])?, next(digits[2])?];
    parts.next().is_none().then_some(all)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let leaps_before = |year: i64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let years = (year - 1970) * 365 + leaps_before(year) - leaps_before(1970);
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are those of Python's datetime.
    #[test]
    fn moments_are_those_of_the_calendar() {
        for (text, ns) in [
            ("1970-01-01T00:00:00", 0),
            ("1970-01-01 00:00:00.000000001", 1),
            ("1969-12-31T23:59:59.5", -500_000_000),
            ("2021-03-03T15:57:34.458000", 1_614_787_054_458_000_000),
            ("2021-03-03T15:57:34.458000Z", 1_614_787_054_458_000_000),
            ("2000-02-29T12:00:00+00:00", 951_825_600_000_000_000),
            ("2024-12-31T23:59:59.999999999", 1_735_689_599_999_999_999),
            ("2100-03-01T00:00:00", 4_107_542_400_000_000_000),
        ] {
            assert_eq!(ns_since_1970(text), Some(ns), "{text}");
        }
        for text in [
            "",
            "2021-03-03",
            "2021-02-29T00:00:00",
            "2100-02-29T00:00:00",
            "2021-13-01T00:00:00",
            "2021-00-01T00:00:00",
            "2021-01-00T00:00:00",
            "2021-01-01T24:00:00",
            "2021-01-01T00:00:60",
            "2021-1-01T00:00:00",
            "2021-01-01T00:00:00.1234567890",
            "2021-01-01T00:00:00+02:00",
            "03.03.2021 15:57:34",
            "1614787054.458",
            "9999-12-31T00:00:00",
        ] {
            assert_eq!(ns_since_1970(text), None, "{text}");
        }
    }
}
