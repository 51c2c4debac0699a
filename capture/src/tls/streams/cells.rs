//! The Tor cells in TLS records, by arithmetic: what is encrypted has its length in the open.

use tls_parser::{TlsCipherEncMode, TlsCipherMac, TlsCipherSuite};
use wfkit_datasets::tor::{self, RECORD_HEADER};

use super::record_kind::RecordKind;

/// What protects the records of a connection, and so how much of their lengths is plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// As many bytes to every record.
    Adds(u32),
    /// A cipher of blocks (CBC): an initialisation vector, a message authentication code, and 1 to `block` bytes of padding
    /// (RFC 5246, 6.2.3.2; the same with the code behind the ciphertext, RFC 7366). Up to TLS 1.0 records have no vector of
    /// their own (RFC 2246, 6.2.3.2), and senders put an empty record or one of a single byte before each, so that nobody
    /// can choose what is encrypted with a vector that is known.
    Blocks { vector: u32, code: u32, block: u32, is_split: bool },
}

/// How cells lie in the records of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellForm {
    protection: Protection,
    /// Bytes of a cell.
    pub(crate) cell: u32,
}

/// Bytes of a cell since link protocol 4, and before.
const CELLS: [u32; 2] = [tor::CELL_BYTES, tor::OLD_CELL_BYTES];

/// TLS 1.3 adds a byte of content type and a tag of 16 (RFC 8446, 5.2), TLS 1.2 an explicit nonce of 8 and the tag with
/// AES-GCM (RFC 5288, 3), only the tag with ChaCha20-Poly1305 (RFC 7905, 2).
const AUTHENTICATED: [Protection; 3] = [Protection::Adds(17), Protection::Adds(24), Protection::Adds(16)];

/// The message authentication codes of SHA-1, SHA-256, SHA-384 and MD5.
const CODES: [u32; 4] = [20, 32, 48, 16];

impl CellForm {
    /// The least and the most plaintext of a record of `size` bytes, header included.
    fn plaintext(self, size: u32) -> (u32, u32) {
        let encrypted = size.saturating_sub(RECORD_HEADER);
        match self.protection {
            Protection::Adds(bytes) => {
                let plaintext = encrypted.saturating_sub(bytes);
                (plaintext, plaintext)
            }
            Protection::Blocks { .. } if self.is_split_off(size) => (0, 1),
            Protection::Blocks { vector, code, block, .. } => {
                let padded = encrypted.saturating_sub(vector + code);
                (padded.saturating_sub(block), padded.saturating_sub(1))
            }
        }
    }

    /// Whether it is the empty record, or that of one byte, before a record.
    fn is_split_off(self, size: u32) -> bool {
        match self.protection {
            Protection::Blocks { vector, code, block, is_split: true } => {
                size <= RECORD_HEADER + vector + (code + 2).next_multiple_of(block)
            }
            _ => false,
        }
    }

    /// How many cells a record holds that starts and ends with one; `None` of others.
    fn whole_cells(self, size: u32) -> Option<u32> {
        if self.is_split_off(size) {
            return None;
        }
        let (least, most) = self.plaintext(size);
        // The first byte may be in the record before.
        let most = most + u32::from(matches!(self.protection, Protection::Blocks { is_split: true, .. }));
        let cells = most / self.cell;
        (cells > 0 && cells * self.cell >= least).then_some(cells)
    }
}

/// What the records in the open tell of those that are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// Version in the headers of records of application data, such as 0x0301 of TLS 1.0.
    pub(crate) version: Option<u16>,
    /// The cipher suite in the server's hello, by its number in the registry of the IANA.
    pub(crate) suite: Option<u16>,
}

impl Negotiated {
    /// What both ends of a connection tell.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { version: self.version.or(other.version), suite: self.suite.or(other.suite) }
    }

    /// What may protect the records: what the suite says where that is not of a kind that the lengths tell well, else
    /// whatever the version has; and whether ciphers of blocks are to be believed by their lengths only.
    fn protections(self) -> (Vec<Protection>, bool) {
        let is_old = self.version.is_some_and(|version| version <= 0x0301);
        let has_no_authenticated = self.version.is_some_and(|version| version <= 0x0302);
        let blocks =
            |code, block| Protection::Blocks { vector: if is_old { 0 } else { block }, code, block, is_split: is_old };
        if let Some(suite) = self.suite.and_then(TlsCipherSuite::from_id) {
            let code = u32::from(suite.mac_size) / 8;
            match suite.enc_mode {
                TlsCipherEncMode::Cbc => return (vec![blocks(code, suite.enc_block_size().max(8) as u32)], false),
                TlsCipherEncMode::Null if code > 0 && suite.mac != TlsCipherMac::Aead => {
                    return (vec![Protection::Adds(code)], false);
                }
                _ => return (AUTHENTICATED.to_vec(), false),
            }
        }
        let of_blocks = |block| CODES.map(|code| blocks(code, block));
        if has_no_authenticated {
            let streams = [Protection::Adds(20), Protection::Adds(16)];
            return ([of_blocks(16).as_slice(), &of_blocks(8), &streams].concat(), false);
        }
        ([AUTHENTICATED.as_slice(), &of_blocks(16)].concat(), true)
    }
}

/// Finds the form of a connection: the one under which the most records of application data are whole cells, the first of
/// those that share it, TLS 1.3 and 514 bytes where none is and nothing else is known.
#[derive(Debug, Clone)]
pub(crate) struct FormVote {
    records: u64,
    /// Those that are no records of their own; see [`Protection::Blocks`].
    split_off: u64,
    /// Each form, and the records that are whole cells under it.
    forms: Vec<(CellForm, u64)>,
    /// Ciphers of blocks count only where all records have a length of theirs.
    by_length: bool,
    other_lengths: u64,
}

impl FormVote {
    pub(crate) fn new(negotiated: Negotiated) -> Self {
        let (protections, by_length) = negotiated.protections();
        let forms = CELLS
            .iter()
            .flat_map(|&cell| protections.iter().map(move |&protection| (CellForm { protection, cell }, 0)));
        Self { records: 0, split_off: 0, forms: forms.collect(), by_length, other_lengths: 0 }
    }

    pub(crate) fn add(&mut self, kind: RecordKind, size: u32) {
        if kind != RecordKind::Application {
            return;
        }
        if self.forms[0].0.is_split_off(size) {
            self.split_off += 1;
            return;
        }
        self.records += 1;
        // Whole blocks, maybe with a code of 20 bytes behind them.
        self.other_lengths += u64::from(!matches!(size.saturating_sub(RECORD_HEADER) % 16, 0 | 4));
        for (form, count) in &mut self.forms {
            *count += u64::from(form.whole_cells(size).is_some());
        }
    }

    /// The form, the number of records of application data, and how many of them are whole cells.
    pub(crate) fn result(&self) -> (CellForm, u64, u64) {
        let only_authenticated = self.by_length && self.other_lengths > 0;
        let is_candidate = |form: &CellForm| !only_authenticated || matches!(form.protection, Protection::Adds(_));
        let candidates = || self.forms.iter().filter(|(form, _)| is_candidate(form));
        let most = candidates().map(|&(_, count)| count).max().unwrap_or(0);
        let (form, _) = candidates().find(|(_, count)| *count == most).unwrap_or(&self.forms[0]);
        (*form, self.records, most)
    }
}

/// Counts the cells of one direction of a connection, record by record.
///
/// A record of whole cells starts with a cell; bytes that were left before it were of none. Of other records the plaintext
/// is taken together, and a cell is where its last byte is: Tor fills records from a buffer, and a cell may span two.
/// Ciphers of blocks hide up to a block of the length: cells end where a whole number of them is possible.
/// Where the direction starts with a handshake, cells start with the first record of whole cells: before are the rest of
/// the TLS 1.3 handshake, which looks like application data, and the link handshake of Tor, whose cells vary in length.
/// (If no record of the connection is whole cells, all count.) An estimated record has as many cells as its length divided
/// by a cell's, rounded, as Panchenko et al. ("Website Fingerprinting at Internet Scale", NDSS 2016) take cells from records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellCounter {
    form: CellForm,
    /// The least and the most bytes of the next cell.
    carried: (u32, u32),
    in_handshake: bool,
    /// There was a record that may have cells.
    begun: bool,
    any_whole: bool,
}

impl CellCounter {
    pub(crate) fn new(vote: &FormVote) -> Self {
        let (form, _, whole) = vote.result();
        Self { form, carried: (0, 0), in_handshake: false, begun: false, any_whole: whole > 0 }
    }

    /// Bytes of a cell.
    pub(crate) fn cell(&self) -> u32 {
        self.form.cell
    }

    /// How many cells end in the next record, `size` bytes long with its header.
    pub(crate) fn cells(&mut self, kind: RecordKind, size: u32) -> u32 {
        match kind {
            RecordKind::Other => {
                self.in_handshake |= self.any_whole && !self.begun;
                return 0;
            }
            RecordKind::Estimated => {
                (self.carried, self.in_handshake, self.begun) = ((0, 0), false, true);
                return (size + self.form.cell / 2) / self.form.cell;
            }
            RecordKind::Application => {}
        }
        if let Some(cells) = self.form.whole_cells(size) {
            (self.carried, self.in_handshake, self.begun) = ((0, 0), false, true);
            return cells;
        }
        if self.in_handshake {
            return 0;
        }
        self.begun = true;
        let (least, most) = self.form.plaintext(size);
        let (least, most) = (self.carried.0 + least, self.carried.1 + most);
        let cells = most / self.form.cell;
        if cells * self.form.cell >= least {
            self.carried = (0, 0);
        } else {
            let taken = cells * self.form.cell;
            self.carried = (least - taken, most - taken);
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecordKind::{Application, Estimated, Other};

    fn count(records: &[(RecordKind, u32)]) -> Vec<u32> {
        count_of(Negotiated::default(), records)
    }

    fn count_of(negotiated: Negotiated, records: &[(RecordKind, u32)]) -> Vec<u32> {
        let mut vote = FormVote::new(negotiated);
        for &(kind, size) in records {
            vote.add(kind, size);
        }
        let mut counter = CellCounter::new(&vote);
        records.iter().map(|&(kind, size)| counter.cells(kind, size)).collect()
    }

    #[test]
    fn the_form_with_the_most_whole_cells_is_used() {
        for cell in CELLS {
            for overhead in [17, 24, 16] {
                let mut vote = FormVote::new(Negotiated::default());
                for cells in [1, 2, 3, 7, 31] {
                    vote.add(Application, 5 + overhead + cells * cell);
                }
                vote.add(Application, 100);
                vote.add(Other, 100);
                let form = CellForm { protection: Protection::Adds(overhead), cell };
                assert_eq!(vote.result(), (form, 6, 5), "{overhead} {cell}");
            }
        }
        let none = CellForm { protection: Protection::Adds(17), cell: 514 };
        assert_eq!(FormVote::new(Negotiated::default()).result(), (none, 0, 0));
    }

    #[test]
    fn several_cells_in_a_record_and_a_cell_in_two() {
        assert_eq!(count(&[(Application, 536), (Application, 3 * 514 + 22)]), [1, 3]);
        assert_eq!(
            count(&[(Application, 536), (Application, 822), (Application, 250), (Application, 536)]),
            [1, 1, 1, 1]
        );
        // What no cell follows from is none: the next record is whole.
        assert_eq!(
            count(&[(Application, 536), (Application, 322), (Application, 536), (Application, 236)]),
            [1, 0, 1, 0]
        );
        assert_eq!(count(&[(Application, 5)]), [0]);
    }

    #[test]
    fn cells_start_after_the_handshake() {
        let handshake = [(Other, 122), (Other, 6), (Application, 900), (Application, 1900)];
        let records =
            [handshake.as_slice(), &[(Application, 1050), (Application, 1114), (Other, 24), (Application, 502)]]
                .concat();
        assert_eq!(count(&records), [0, 0, 0, 0, 2, 2, 0, 1]);
        // Nothing tells where it ends.
        assert_eq!(count(&[(Other, 122), (Application, 1100)]), [0, 2]);
    }

    #[test]
    fn estimates_are_rounded() {
        assert_eq!(
            count(&[(Estimated, 536), (Estimated, 5 * 514 + 66), (Estimated, 256), (Estimated, 257)]),
            [1, 5, 0, 1]
        );
    }

    /// A record of a cipher of blocks, with the least padding.
    fn padded(plaintext: u32, vector: u32, code: u32, block: u32) -> (RecordKind, u32) {
        (Application, 5 + vector + (plaintext + code + 1).next_multiple_of(block))
    }

    #[test]
    fn padding_hides_no_cell_under_any_version_and_suite() {
        let known = |version, suite| Negotiated { version: Some(version), suite };
        // TLS_RSA_WITH_AES_128_CBC_SHA, ..3DES.., ..AES_256_CBC_SHA256, ECDHE_RSA_WITH_AES_256_CBC_SHA384.
        for (version, suite, vector, code, block) in [
            (0x0301, 0x002f, 0, 20, 16),
            (0x0301, 0x000a, 0, 20, 8),
            (0x0302, 0x002f, 16, 20, 16),
            (0x0303, 0x002f, 16, 20, 16),
            (0x0303, 0x003d, 16, 32, 16),
            (0x0303, 0xc028, 16, 48, 16),
        ] {
            for cell in CELLS {
                let sizes = [1, 1, 2, 7, 31, 1, 3];
                let records: Vec<_> = sizes.iter().map(|n| padded(n * cell, vector, code, block)).collect();
                for suite in [Some(suite), None] {
                    let counts = count_of(known(version, suite), &records);
                    assert_eq!(counts, sizes, "{version:#x} {suite:?} {cell}");
                }
            }
        }
        // RC4 pads nothing: TLS_RSA_WITH_RC4_128_SHA and .._MD5.
        for (suite, code) in [(0x0005, 20), (0x0004, 16)] {
            let records = [(Application, 5 + 514 + code), (Application, 5 + 3 * 514 + code)];
            assert_eq!(count_of(known(0x0301, Some(suite)), &records), [1, 3]);
            assert_eq!(count_of(known(0x0301, None), &records), [1, 3]);
        }
    }

    #[test]
    fn records_that_are_split_off_hold_no_cell() {
        let old = Negotiated { version: Some(0x0301), suite: Some(0xc014) };
        for first in [0, 1] {
            let record = |cells: u32| [padded(first, 0, 20, 16), padded(cells * 514 - first, 0, 20, 16)];
            let records = [record(1), record(1), record(7), record(31), record(1)].concat();
            assert_eq!(count_of(old, &records), [0, 1, 0, 1, 0, 7, 0, 31, 0, 1], "{first}");
            let mut vote = FormVote::new(old);
            records.iter().for_each(|&(kind, size)| vote.add(kind, size));
            assert_eq!(vote.result().1, 5);
        }
        // A cell in two records.
        let records = [padded(300, 0, 20, 16), padded(214, 0, 20, 16), padded(514, 0, 20, 16)];
        assert_eq!(count_of(old, &records), [0, 1, 1]);
    }

    #[test]
    fn authenticated_records_are_not_taken_for_padded_ones() {
        // 4 * 514 + 24 is a multiple of 16; other lengths are not.
        let records = [(Application, 543), (Application, 5 + 4 * 514 + 24), (Application, 543), (Application, 1100)];
        assert_eq!(count(&records), [1, 4, 1, 2]);
    }
}
