//! Numbers in a byte order that the file tells.

pub(super) fn u16_at(data: &[u8], at: usize, big_endian: bool) -> u16 {
    let bytes = [data[at], data[at + 1]];
    if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

#[inline]
pub(super) fn u32_at(data: &[u8], at: usize, big_endian: bool) -> u32 {
    let bytes = [data[at], data[at + 1], data[at + 2], data[at + 3]];
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
