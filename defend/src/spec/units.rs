//! Numbers with units, as they are written.

/// The longest duration of a parameter: an hour.
pub(super) const LONGEST_NS: u64 = 3_600 * 1_000_000_000;

/// Units of durations, in ns, longest first, with the number of decimals that still are whole nanoseconds.
pub(super) const DURATIONS: [(&str, u64, usize); 4] =
    [("s", 1_000_000_000, 9), ("ms", 1_000_000, 6), ("us", 1_000, 3), ("ns", 1, 0)];

/// Units of rates, in bits a second.
pub(super) const RATES: [(&str, u64, usize); 4] =
    [("Gbit/s", 1_000_000_000, 9), ("Mbit/s", 1_000_000, 6), ("kbit/s", 1_000, 3), ("bit/s", 1, 0)];

/// The number and the unit of a text.
pub(super) fn parted(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

/// The nanoseconds of a duration, or what is wrong with it.
pub(super) fn duration(text: &str) -> Result<u64, String> {
    let (number, unit) = parted(text);
    let Some(&(_, ns, decimals)) = DURATIONS.iter().find(|(name, ..)| *name == unit) else {
        return Err(format!("`{text}` needs the unit of a duration: s, ms, us or ns, as in 40ms"));
    };
    decimal(number, decimals, ns).ok_or_else(|| format!("`{text}` is not a whole number of nanoseconds"))
}

/// A number in the longest unit that makes it a whole one; the last unit is 1.
pub(super) fn in_longest(units: &[(&str, u64, usize)], number: u64) -> String {
    let longest = units.iter().find(|(_, unit, _)| number.is_multiple_of(*unit));
    let (name, unit, _) = longest.expect("every number is a multiple of 1");
    format!("{}{name}", number / unit)
}

/// `number` with at most `decimals` decimals, times `unit` = 10^`decimals`, exactly.
pub(super) fn decimal(number: &str, decimals: usize, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > decimals || number.ends_with('.') {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<decimals$}0").parse().ok()?; // one zero more, so that "" is 0
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(fraction / 10)
}
