//! The Tor cells in TLS records, by arithmetic: what is encrypted has its length in the open.

use super::records::RecordKind;

/// How cells lie in the records of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellForm {
    /// Bytes of a record that are neither header nor plaintext.
    overhead: u32,
    /// Bytes of a cell.
    pub(crate) cell: u32,
}

impl CellForm {
    /// Cells are 514 bytes long since link protocol 4 and 512 before (Tor specification, "Cell packet format").
    /// Records of TLS 1.3 add a byte of content type and a tag of 16 (RFC 8446, 5.2), those of TLS 1.2 an explicit nonce
    /// of 8 and the tag with AES-GCM (RFC 5288, 3), only the tag with ChaCha20-Poly1305 (RFC 7905, 2).
    const ALL: [Self; 6] = [
        Self { overhead: 17, cell: 514 },
        Self { overhead: 24, cell: 514 },
        Self { overhead: 16, cell: 514 },
        Self { overhead: 17, cell: 512 },
        Self { overhead: 24, cell: 512 },
        Self { overhead: 16, cell: 512 },
    ];

    /// Plaintext of a record of `size` bytes, header included.
    fn plaintext(self, size: u32) -> u32 {
        size.saturating_sub(RECORD_HEADER + self.overhead)
    }

    fn is_whole(self, size: u32) -> bool {
        let plaintext = self.plaintext(size);
        plaintext > 0 && plaintext.is_multiple_of(self.cell)
    }
}

const RECORD_HEADER: u32 = 5;

/// Finds the form of a connection: the one under which the most records of application data are whole cells, the first of
/// those that share it, TLS 1.3 and 514 bytes where none is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FormVote {
    records: u64,
    whole: [u64; CellForm::ALL.len()],
}

impl FormVote {
    pub(crate) fn add(&mut self, kind: RecordKind, size: u32) {
        if kind == RecordKind::Application {
            self.records += 1;
            for (count, form) in self.whole.iter_mut().zip(CellForm::ALL) {
                *count += u64::from(form.is_whole(size));
            }
        }
    }

    /// The form, the number of records of application data, and how many of them are whole cells.
    pub(crate) fn result(&self) -> (CellForm, u64, u64) {
        let most = self.whole.iter().copied().max().unwrap_or(0);
        let at = self.whole.iter().position(|&count| count == most).unwrap_or(0);
        (CellForm::ALL[at], self.records, most)
    }
}

/// Counts the cells of one direction of a connection, record by record.
///
/// A record of whole cells starts with a cell; bytes that were left before it were of none. Of other records the plaintext
/// is taken together, and a cell is where its last byte is: Tor fills records from a buffer, and a cell may span two.
/// Where the direction starts with a handshake, cells start with the first record of whole cells: before are the rest of
/// the TLS 1.3 handshake, which looks like application data, and the link handshake of Tor, whose cells vary in length.
/// (If no record of the connection is whole cells, as with CBC, which pads, all count.) An estimated record has as many
/// cells as its length divided by a cell's, rounded, as Panchenko et al. ("Website Fingerprinting at Internet Scale",
/// NDSS 2016) take cells from records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellCounter {
    form: CellForm,
    /// Bytes of the next cell.
    carried: u32,
    in_handshake: bool,
    /// There was a record that may have cells.
    begun: bool,
    any_whole: bool,
}

impl CellCounter {
    pub(crate) fn new(vote: &FormVote) -> Self {
        let (form, _, whole) = vote.result();
        Self { form, carried: 0, in_handshake: false, begun: false, any_whole: whole > 0 }
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
                (self.carried, self.in_handshake, self.begun) = (0, false, true);
                return (size + self.form.cell / 2) / self.form.cell;
            }
            RecordKind::Application => {}
        }
        if self.form.is_whole(size) {
            (self.carried, self.in_handshake) = (0, false);
        }
        if self.in_handshake {
            return 0;
        }
        self.begun = true;
        let bytes = self.carried + self.form.plaintext(size);
        self.carried = bytes % self.form.cell;
        bytes / self.form.cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecordKind::{Application, Estimated, Other};

    fn count(records: &[(RecordKind, u32)]) -> Vec<u32> {
        let mut vote = FormVote::default();
        for &(kind, size) in records {
            vote.add(kind, size);
        }
        let mut counter = CellCounter::new(&vote);
        records.iter().map(|&(kind, size)| counter.cells(kind, size)).collect()
    }

    #[test]
    fn the_form_with_the_most_whole_cells_is_used() {
        for (index, form) in CellForm::ALL.into_iter().enumerate() {
            let mut vote = FormVote::default();
            for cells in [1, 2, 3, 7, 31] {
                vote.add(Application, 5 + form.overhead + cells * form.cell);
            }
            vote.add(Application, 100);
            vote.add(Other, 100);
            assert_eq!(vote.result(), (form, 6, 5), "{index}");
        }
        assert_eq!(FormVote::default().result(), (CellForm::ALL[0], 0, 0));
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
}
