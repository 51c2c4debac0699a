//! How long a link is busy.

/// How long `size` bytes take at so many bits a second, rounded up to ns.
pub(crate) fn transmission_ns(size: i32, bits_per_second: u64) -> u64 {
    (u64::from(size.unsigned_abs()) * 8_000_000_000).div_ceil(bits_per_second)
}
