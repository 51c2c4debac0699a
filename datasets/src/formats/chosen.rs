//! Traces that come in parts, of whatever file: what is written of them is known before their packets are there.

use std::collections::HashSet;
use std::path::Path;

use super::{CsvParts, ReadError, TraceParts};
use crate::{Label, Provenance, TraceSet, TraceSetError, renumber};

/// Traces that come in parts, in set order.
pub enum TracesInParts<'a> {
    /// Of a file of Parquet.
    Parquet(Box<TraceParts<'a>>),
    /// Of a file of packets as CSV.
    Csv(Box<CsvParts<'a>>),
}

/// Why a file is read as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInOrder;

/// So many packets of a CSV are held while it is read.
const HELD: u64 = 1 << 24;

impl<'a> TracesInParts<'a> {
    /// Of these parts of a file of Parquet, where its rows are in the order of a set.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of_parquet(mut parts: TraceParts<'a>) -> Result<Result<Self, NotInOrder>, ReadError> {
        let is_in_order = parts.labels()?.is_sorted_by(|a, b| a.key.order(&b.key).is_lt());
        Ok(if is_in_order { Ok(Self::Parquet(Box::new(parts))) } else { Err(NotInOrder) })
    }

    /// Of a file of packets as CSV that may have more packets than `at_once`; those that are not held wait in `folder`. None of any other file.
    ///
    /// # Errors
    /// As [`CsvParts::open`].
    pub fn of_csv(path: &'a Path, at_once: u64, folder: &Path) -> Result<Option<Self>, ReadError> {
        match path.metadata().is_ok_and(|file| file.is_file() && most_rows(path, file.len()) > at_once) {
            true => {
                let parts = CsvParts::open(path, folder, at_once.min(HELD) as usize)?;
                Ok(parts.map(|parts| Self::Csv(Box::new(parts))))
            }
            false => Ok(None),
        }
    }

    /// How many packets there are.
    pub fn packets(&self) -> u64 {
        match self {
            Self::Parquet(parts) => parts.packets(),
            Self::Csv(parts) => parts.packets(),
        }
    }
}

impl TracesInParts<'_> {
    /// The labels of all traces, in set order.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn labels(&mut self) -> Result<Vec<Label>, ReadError> {
        match self {
            Self::Parquet(parts) => parts.labels(),
            Self::Csv(parts) => Ok(parts.labels()),
        }
    }

    /// Begins anew; a CSV, whose traces are copies of nothing, is gone through once.
    fn rewind(&mut self) {
        if let Self::Parquet(parts) = self {
            parts.rewind();
        }
    }

    /// What all of them were made of.
    pub fn provenance(&self) -> &Provenance {
        match self {
            Self::Parquet(parts) => parts.provenance(),
            Self::Csv(parts) => parts.provenance(),
        }
    }

    /// What is odd about them.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Parquet(parts) => parts.warnings().to_vec(),
            Self::Csv(parts) => parts.warnings(),
        }
    }

    /// Columns that were passed over.
    pub fn unknown_columns(&self) -> u64 {
        match self {
            Self::Parquet(parts) => parts.unknown_columns(),
            Self::Csv(_) => 0,
        }
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Parquet(parts) => parts.len(),
            Self::Csv(parts) => parts.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Iterator for TracesInParts<'_> {
    type Item = Result<TraceSet, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Parquet(parts) => parts.next(),
            Self::Csv(parts) => parts.next(),
        }
    }
}

/// How many rows of packets a CSV of so many bytes has at most; packed, a few bits may be a row.
fn most_rows(path: &Path, bytes: u64) -> u64 {
    const SHORTEST_ROW: u64 = "1,1,1,0\n".len() as u64;
    let is_packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if is_packed { bytes.saturating_mul(8) } else { bytes / SHORTEST_ROW }
}

/// What is written otherwise than it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangesOfLabels {
    /// One copy of each load alone.
    pub one_copy: bool,
    /// Without which load a trace is a copy of.
    pub lose_origins: bool,
    /// With other repetitions where sessions share them.
    pub renumber: bool,
}

impl ChangesOfLabels {
    /// The set with these changes, how many traces are left out as further copies of a load, and the classes whose repetitions are numbered anew.
    pub fn of_set(self, mut set: TraceSet) -> (TraceSet, u64, Vec<String>) {
        let (mut other_copies, mut renumbered) = (0, Vec::new());
        if self.one_copy {
            (set, other_copies) = set.one_copy_each();
        }
        if self.lose_origins {
            set = set.without_origins();
        }
        if self.renumber {
            (set, renumbered) = set.renumbered();
        }
        (set, other_copies as u64, renumbered)
    }
}

/// What is written of the traces, as the labels tell before their packets are there.
#[derive(Debug)]
pub struct ChosenTraces {
    /// Which rows are written; all where nothing is said.
    rows: Option<Vec<bool>>,
    /// Labels of what is written, in order.
    pub labels: Vec<Label>,
    /// Whether that is anything else than what is read.
    changes: bool,
}

impl ChosenTraces {
    /// Of traces with these labels; also the classes whose repetitions are numbered anew.
    ///
    /// # Errors
    /// Traces that cannot be read, where one copy of each load is wanted.
    pub fn of(
        mut labels: Vec<Label>,
        input: &mut TracesInParts<'_>,
        changes: ChangesOfLabels,
    ) -> Result<(Self, Vec<String>), ReadError> {
        let has_copies = labels.iter().any(|label| label.origin.is_some());
        let mut rows = None;
        if changes.one_copy && has_copies {
            // Which loads are the same, their packets tell.
            let mut loads = HashSet::new();
            let mut first = Vec::with_capacity(labels.len());
            for part in &mut *input {
                first.extend(part?.traces().iter().map(|labelled| loads.insert(labelled.origin_of_copies())));
            }
            input.rewind();
            let mut is_written = first.iter();
            labels.retain(|_| is_written.next() == Some(&true));
            rows = Some(first);
        }
        if changes.lose_origins {
            labels.iter_mut().for_each(|label| label.origin = None);
        }
        let renumbered = match changes.renumber {
            true => renumber(&mut labels, |label| &label.key, |label| &mut label.key),
            false => Vec::new(),
        };
        let changes = rows.is_some() || changes.lose_origins || changes.renumber;
        Ok((Self { rows, labels, changes }, renumbered))
    }

    /// Of the next part, what is written, as it is written; counts rows that were read and labels that were used.
    ///
    /// # Errors
    /// Traces that make no set.
    pub fn of_part(&self, part: TraceSet, (row, label): (&mut usize, &mut usize)) -> Result<TraceSet, TraceSetError> {
        if !self.changes {
            return Ok(part);
        }
        let provenance = part.provenance().clone();
        let mut traces = part.into_traces();
        traces.retain(|_| {
            *row += 1;
            self.rows.as_ref().is_none_or(|rows| rows[*row - 1])
        });
        for labelled in &mut traces {
            let Label { key, origin, .. } = &self.labels[*label];
            (labelled.key, labelled.origin) = (key.clone(), origin.clone());
            *label += 1;
        }
        TraceSet::new(traces, provenance)
    }

    /// How many are left out as further copies of a load.
    pub fn other_copies(&self) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.iter().filter(|&&is_written| !is_written).count() as u64)
    }
}
