//! Seconds in text, nanoseconds in traces.

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Below this many nanoseconds (2^23 s, 97 days) seconds as `f64` tell every nanosecond from its neighbours.
pub const MAX_EXACT_NS: u64 = (1 << 23) * NS_PER_SECOND - 1;

/// Seconds of `time_ns`, the nearest `f64`.
pub fn seconds_from_ns(time_ns: u64) -> f64 {
    time_ns as f64 / NS_PER_SECOND as f64
}

/// The nearest nanosecond, or `None` for what is no time of a trace: NaN, negative, or more than `i64::MAX` ns.
///
/// Up to [`MAX_EXACT_NS`] this undoes [`seconds_from_ns`]: neighbouring `f64` are at most 2^-30 s apart there, so the second
/// part, exact by itself, is less than half a nanosecond from where it was. Multiplying the whole by 10^9 would add a
/// rounding error of its own and fail from 26 days on. `-0.0` is 0.
pub fn ns_from_seconds(seconds: f64) -> Option<u64> {
    let largest = i64::MAX as u64 / NS_PER_SECOND;
    if !(seconds >= 0.0 && seconds < largest as f64) {
        return None;
    }
    let whole = seconds.trunc();
    let part = seconds - whole;
    Some(whole as u64 * NS_PER_SECOND + (part * NS_PER_SECOND as f64).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_time() {
        for seconds in [f64::NAN, f64::INFINITY, -1e-9, 1e10] {
            assert_eq!(ns_from_seconds(seconds), None, "{seconds}");
        }
        assert_eq!(ns_from_seconds(-0.0), Some(0));
        assert_eq!(ns_from_seconds(0.024634), Some(24_634_000));
    }

    #[test]
    fn both_ends_of_the_exact_range() {
        for time_ns in [0, 1, NS_PER_SECOND - 1, MAX_EXACT_NS - 1, MAX_EXACT_NS] {
            assert_eq!(ns_from_seconds(seconds_from_ns(time_ns)), Some(time_ns));
        }
        let beyond = MAX_EXACT_NS + 1;
        assert!((beyond..beyond + 9).any(|ns| ns_from_seconds(seconds_from_ns(ns)) != Some(ns)));
    }

    proptest! {
        #[test]
        fn text_and_back(time_ns in 0..=MAX_EXACT_NS) {
            let text = seconds_from_ns(time_ns).to_string();
            prop_assert_eq!(ns_from_seconds(text.parse().unwrap()), Some(time_ns));
        }
    }
}
