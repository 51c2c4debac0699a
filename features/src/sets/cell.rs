//! Sizes in cells, for sets that must not see how TCP cuts a stream into segments.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;
use wfkit_datasets::tor::CELL_BYTES;

/// What counts as one cell: 514 bytes, or the largest size of the training traces where that is smaller, as where packets
/// are cells and have size 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Cell {
    bytes: u32,
}

impl Cell {
    pub(super) fn fit(training: &[&Trace]) -> Self {
        Self::of_largest(training.iter().flat_map(|trace| trace.size()).map(|size| size.unsigned_abs()).max())
    }

    /// The same of the largest size of the training traces.
    pub(super) fn of_largest(largest: Option<u32>) -> Self {
        Self { bytes: largest.map_or(CELL_BYTES, |largest| largest.min(CELL_BYTES)) }
    }

    /// Signed bytes to signed cells, to the nearest (halves away from 0), at least one where there are any bytes.
    pub(super) fn cells(self, bytes: i64) -> i64 {
        let cells = (bytes.unsigned_abs() + u64::from(self.bytes / 2)) / u64::from(self.bytes);
        cells.max(1) as i64 * bytes.signum()
    }

    pub(super) fn check(self) -> Result<(), String> {
        if self.bytes == 0 { Err("a cell of no bytes".to_owned()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_nearest_cell_but_never_to_none() {
        let cell = Cell::fit(&[]);
        assert_eq!([0, 1, 770, 771, -771, -600, 5140].map(|bytes| cell.cells(bytes)), [0, 1, 1, 2, -2, -1, 10]);
    }

    #[test]
    fn where_packets_are_cells_each_is_one() {
        let unit = Trace::new(vec![0, 0], vec![1, -1]).unwrap();
        assert_eq!(Cell::fit(&[&unit]).cells(-30), -30);
    }
}
