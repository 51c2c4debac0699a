//! Sizes of what Tor sends.

/// Bytes of a cell with a 4-byte circuit id, as since link protocol 4 (Tor Protocol Specification, section 3).
pub const CELL_BYTES: u32 = 514;

/// Bytes of a cell of older link protocols, with a 2-byte circuit id.
pub const OLD_CELL_BYTES: u32 = 512;

/// Bytes of the header of a TLS record (RFC 8446, section 5.1).
pub const RECORD_HEADER: u32 = 5;

/// Bytes that a TLS 1.3 record adds to the cells in it: its header, a content type and a tag of 16 (RFC 8446, section 5.2).
pub const RECORD_ADDS: u32 = RECORD_HEADER + 1 + 16;
