//! Traces of a file that need not fit memory, some row groups at a time.

use std::ops::Range;
use std::path::Path;

use super::ReadError;
use super::parquet::{check_kind, provenance, rows_of, unknown_columns};
use super::traces::mixed;
use crate::frame::{Frame, PARQUET_MAGIC};
use crate::{Label, Provenance, SIZE, TraceKey, TraceSet};

/// So many packets are read at a time, where row groups allow: 48 MB of them.
pub(super) const PART_PACKETS: u64 = 1 << 22;

/// The traces of a Parquet file in parts, each of which is a set of its own; together they are the set that [`read_traces`](crate::read_traces)
/// reads, in its order.
///
/// A part is some row groups, of which `wfkit` writes one for every 4 million packets or so, or some rows of one that is larger, as other tools write
/// them: memory is bounded either way, by the longest trace.
pub struct TraceParts<'a> {
    path: &'a Path,
    frame: Frame<'a>,
    provenance: Provenance,
    parts: Vec<Part>,
    packets: u64,
    traces: usize,
    next: usize,
    /// The rows that are read.
    wanted: Range<usize>,
    /// The last trace so far.
    last: Option<TraceKey>,
    /// What the labels said that may not be what was meant.
    warnings: Vec<String>,
}

/// Rows that are read at a time.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// All of these row groups.
    Groups(Range<usize>),
    /// Of a row group that has too many packets, these rows.
    Rows(usize, Range<usize>),
}

/// Row groups of so many rows and packets each, in parts.
fn parts_of(rows: &[usize], packets: &[u64]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut held = u64::MAX;
    for (group, (&rows, &packets)) in rows.iter().zip(packets).enumerate() {
        match parts.last_mut() {
            Some(Part::Groups(groups)) if held.saturating_add(packets) <= PART_PACKETS => {
                groups.end = group + 1;
                held += packets;
            }
            // A group of ours may exceed what makes one by a trace.
            _ if packets > 2 * PART_PACKETS && rows > 1 => {
                let most = u128::from(PART_PACKETS) * rows as u128 / u128::from(packets);
                let most = usize::try_from(most).unwrap_or(rows).max(1);
                parts.extend((0..rows).step_by(most).map(|row| Part::Rows(group, row..rows.min(row + most))));
                held = u64::MAX;
            }
            _ => {
                parts.push(Part::Groups(group..group + 1));
                held = packets;
            }
        }
    }
    parts
}

impl<'a> TraceParts<'a> {
    /// Opens a file; none where it is no Parquet, which has to be read as a whole.
    ///
    /// # Errors
    /// [`ReadError`] where it holds something else than traces.
    pub fn open(path: &'a Path) -> Result<Option<Self>, ReadError> {
        if !path.is_file() || !super::source::start_of(path, 4)?.starts_with(PARQUET_MAGIC) {
            return Ok(None);
        }
        let frame = Frame::read(path)?;
        check_kind(path, &frame)?;
        let of_groups = frame.values_of_groups(SIZE)?;
        let parts = parts_of(&frame.rows_of_groups(), &of_groups);
        // What a damaged file says of itself may be anything.
        let packets = of_groups.iter().fold(0u64, |sum, &packets| sum.saturating_add(packets));
        let traces = frame.rows();
        let provenance = provenance(path, &frame)?;
        let (wanted, warnings) = (0..traces, Vec::new());
        Ok(Some(Self { path, frame, provenance, parts, packets, traces, next: 0, wanted, last: None, warnings }))
    }

    /// Where the traces come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How many packets the file says that it has.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How many traces the file says that it has.
    pub fn traces(&self) -> usize {
        self.traces
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The names of all columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.frame.names()
    }

    /// Columns that are none of ours.
    pub fn unknown_columns(&self) -> u64 {
        unknown_columns(&self.frame)
    }

    /// The labels of all traces, without their packets.
    ///
    /// # Errors
    /// As reading the traces.
    pub fn labels(&mut self) -> Result<Vec<Label>, ReadError> {
        self.frame.look_at(0..self.frame.rows_of_groups().len());
        let (labels, ways) = self.frame.labels_and_mixed()?;
        self.warnings = mixed(self.path, &ways).into_iter().collect();
        Ok(labels)
    }

    /// What [`labels`](Self::labels) read but may not be what was meant: classes that were written in more than one way.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Reads these rows alone, of those that are there.
    pub fn only(&mut self, rows: Range<usize>) {
        self.wanted = rows;
    }

    /// Begins anew.
    pub fn rewind(&mut self) {
        (self.next, self.last) = (0, None);
    }

    fn read(&mut self, part: Part) -> Result<Option<TraceSet>, ReadError> {
        match part {
            Part::Groups(groups) => self.frame.look_at(groups),
            Part::Rows(group, rows) => self.frame.look_into(group, rows),
        }
        let first = self.frame.first_row();
        let here = |row: usize| row.clamp(first, first + self.frame.rows()) - first;
        let wanted = here(self.wanted.start)..here(self.wanted.end);
        if wanted.is_empty() {
            return Ok(None);
        }
        let (traces, _) = rows_of(&self.frame)?;
        let set = TraceSet::new(traces, self.provenance.clone());
        let set = set.map_err(|source| ReadError::Set { path: self.path.to_owned(), source })?;
        let Some([first, .., last] | [first @ last]) = (!set.is_empty()).then_some(set.traces()) else {
            return Ok(Some(set));
        };
        if let Some(before) = self.last.as_ref().filter(|before| before.order(&first.key).is_ge()) {
            let message = format!(
                "the trace ({}) stands after ({before}), so that the file can only be read as a whole: sort it by class, session and rep",
                first.key
            );
            return Err(ReadError::damaged(self.path, message));
        }
        self.last = Some(last.key.clone());
        let part = (wanted.len() < set.len()).then(|| set.select(&wanted.collect::<Vec<_>>()));
        Ok(Some(part.unwrap_or(set)))
    }
}

impl Iterator for TraceParts<'_> {
    type Item = Result<TraceSet, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let part = self.parts.get(self.next)?.clone();
            self.next += 1;
            if let Some(read) = self.read(part).transpose() {
                return Some(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{LabelledTrace, Layer, Trace, read_traces, write_parquet_in_parts, write_traces};

    /// Traces of a million packets each, of which four make a row group.
    fn long(reps: std::ops::Range<i64>) -> TraceSet {
        let labelled = |rep: i64| {
            let trace = Trace::new((0..1 << 20).collect(), vec![rep as i32 + 1; 1 << 20]).unwrap();
            LabelledTrace::new(TraceKey { class: "a".into(), rep, session: None }, Some(rep), trace)
        };
        TraceSet::new(reps.map(labelled).collect(), Provenance::new(Layer::Tcp, vec!["x".to_owned()])).unwrap()
    }

    fn file(folder: &tempfile::TempDir, name: &str, traces: &[LabelledTrace]) -> PathBuf {
        let path = folder.path().join(name);
        let provenance = Provenance::new(Layer::Tcp, vec!["x".to_owned()]);
        let fill = |sink: &mut crate::TraceSink<'_, '_>| traces.iter().try_for_each(|trace| sink.add(trace));
        write_parquet_in_parts::<crate::WriteError>(&path, &provenance, fill).unwrap();
        path
    }

    #[test]
    fn parts_together_are_the_set_and_written_they_are_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.parquet");
        let set = long(0..9);
        write_traces(&whole, &set).unwrap();
        let mut parts = TraceParts::open(&whole).unwrap().unwrap();
        assert_eq!((parts.len(), parts.traces(), parts.packets()), (3, 9, 9 << 20));
        let keys = |labels: &[Label]| labels.iter().map(|label| label.key.clone()).collect::<Vec<_>>();
        let of_set: Vec<Label> = set.traces().iter().map(Label::from).collect();
        assert_eq!(keys(&parts.labels().unwrap()), keys(&of_set));
        for _ in 0..2 {
            let read: Vec<TraceSet> = parts.by_ref().collect::<Result<_, _>>().unwrap();
            assert_eq!(read.iter().map(TraceSet::len).collect::<Vec<_>>(), [4, 4, 1]);
            let traces: Vec<LabelledTrace> = read.iter().flat_map(|part| part.traces().to_vec()).collect();
            assert_eq!(traces, set.traces());
            assert_eq!(read[2].provenance(), set.provenance());
            parts.rewind();
        }
        let again = file(&folder, "again.parquet", set.traces());
        assert!(std::fs::read(again).unwrap() == std::fs::read(&whole).unwrap());
        assert_eq!(read_traces(&whole).unwrap().set, set);
    }

    #[test]
    fn row_groups_are_joined_or_parted_to_what_is_read_at_a_time() {
        use Part::{Groups, Rows};
        let most = PART_PACKETS;
        assert_eq!(parts_of(&[5, 5, 5], &[most / 2, most / 2, 1]), [Groups(0..2), Groups(2..3)]);
        assert_eq!(parts_of(&[1, 2], &[100 * most, 2 * most]), [Groups(0..1), Groups(1..2)]);
        let parted = [Groups(0..1), Rows(1, 0..3), Rows(1, 3..6), Rows(1, 6..8), Groups(2..3)];
        assert_eq!(parts_of(&[9, 8, 9], &[1, 2 * most + 5, 1]), parted);
        assert_eq!(parts_of(&[3], &[300 * most]), [Rows(0, 0..1), Rows(0, 1..2), Rows(0, 2..3)]);
        // What a damaged file says.
        assert_eq!(parts_of(&[2, 0], &[u64::MAX, u64::MAX]).len(), 3);
    }

    /// Traces of a hundred thousand packets, all in one row group, as other tools write them.
    #[test]
    fn a_row_group_of_any_size_comes_in_parts() {
        use crate::parquet_file::foreign_tables::{flat, lists, write_foreign};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.parquet");
        let traces: Vec<LabelledTrace> = (0..100)
            .map(|rep| {
                let packets = 100_000 + 10 * rep as usize;
                let trace = Trace::new((0..packets as u64).map(|ns| ns * 3).collect(), vec![rep as i32 - 200; packets]);
                LabelledTrace::new(TraceKey { class: "a".into(), rep, session: None }, None, trace.unwrap())
            })
            .collect();
        let ours = file(&folder, "ours.parquet", &traces);
        let set = read_traces(&ours).unwrap().set;
        let columns = [
            flat("class", ["a"; 100]),
            flat("rep", 0..100i64),
            lists("time_ns", traces.iter().map(|one| one.trace.time_ns().to_vec())),
            lists("size", traces.iter().map(|one| one.trace.size().to_vec())),
        ];
        write_foreign(&path, &columns, None, 1 << 20);
        let mut parts = TraceParts::open(&path).unwrap().unwrap();
        assert_eq!((parts.len(), parts.traces()), (3, 100));
        for _ in 0..2 {
            let read: Vec<TraceSet> = parts.by_ref().collect::<Result<_, _>>().unwrap();
            let traces: Vec<LabelledTrace> = read.iter().flat_map(|part| part.traces().to_vec()).collect();
            assert_eq!(traces, set.traces());
            parts.rewind();
        }
        // A share begins in the middle of a group.
        parts.only(70..75);
        let read: Vec<TraceSet> = parts.by_ref().collect::<Result<_, _>>().unwrap();
        assert_eq!(
            read.iter().flat_map(|part| part.traces()).collect::<Vec<_>>(),
            set.traces()[70..75].iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_stands_in_another_order_is_refused_where_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut traces = long(0..6).traces().to_vec();
        traces.rotate_left(1);
        let path = file(&folder, "turned.parquet", &traces);
        let mut parts = TraceParts::open(&path).unwrap().unwrap();
        assert!(parts.next().unwrap().is_ok());
        let error = parts.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("the trace (class a, rep 0) stands after (class a, rep 4)"), "{error}");
        traces[5] = traces[0].clone();
        let path = file(&folder, "twice.parquet", &traces);
        let error = TraceParts::open(&path).unwrap().unwrap().nth(1).unwrap().unwrap_err().to_string();
        assert!(error.contains("the trace (class a, rep 1) stands after (class a, rep 4)"), "{error}");
        // As a whole it is read all the same.
        assert!(read_traces(&path).unwrap_err().to_string().contains("two traces have the key (class a, rep 1)"));
        assert_eq!(read_traces(&file(&folder, "turned.parquet", &long(0..6).traces()[1..])).unwrap().set.len(), 5);
    }

    #[test]
    fn only_parquet_comes_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        assert!(TraceParts::open(folder.path()).unwrap().is_none());
        let text = folder.path().join("a.parquet");
        std::fs::write(&text, "cell_id,rep,direction_size,timestamp\n").unwrap();
        assert!(TraceParts::open(&text).unwrap().is_none());
        let none = file(&folder, "none.parquet", &[]);
        let mut parts = TraceParts::open(&none).unwrap().unwrap();
        assert_eq!((parts.is_empty(), parts.labels().unwrap()), (true, vec![]));
    }
}
