//! Traces of a packet CSV that need not fit memory.

use std::ops::Range;
use std::path::Path;

use super::packet_csv::SpooledTable;
use super::parts::PART_PACKETS;
use super::traces::{PACKET_KEYS, TraceFormat, mixed, packet_key};
use super::{ReadError, ReadLimits, file_name};
use crate::{Label, LabelledTrace, Layer, Provenance, TraceKey, TraceSet};

/// The traces of a packet CSV in parts, each of which is a set of its own; together they are the set that
/// [`read_traces`](crate::read_traces) reads, in its order, in whatever order the rows stand.
///
/// The file is read once, when it is opened: packets beyond those that may be held wait in a file without a name, 12 bytes each.
pub struct CsvParts<'a> {
    path: &'a Path,
    table: SpooledTable,
    /// Traces in set order, and where the table has them.
    order: Vec<(TraceKey, usize)>,
    /// Which of them each part has.
    parts: Vec<Range<usize>>,
    provenance: Provenance,
    next: usize,
}

impl<'a> CsvParts<'a> {
    /// Reads a file, and holds no more than `most` packets of it: the others wait in `folder`. None where it is no packet CSV.
    ///
    /// # Errors
    /// As [`read_traces`](crate::read_traces), and where there is no room in the folder.
    pub fn open(path: &'a Path, folder: &Path, most: usize) -> Result<Option<Self>, ReadError> {
        if !path.is_file() || !matches!(TraceFormat::of_content(path), Ok(TraceFormat::PacketCsv)) {
            return Ok(None);
        }
        let mut table = SpooledTable::read(path, &PACKET_KEYS, &ReadLimits::OWN, (folder, most))?;
        let keys = table.traces.iter_mut().map(|trace| packet_key(std::mem::take(&mut trace.key)));
        let mut order: Vec<(TraceKey, usize)> = keys.zip(0..).collect();
        order.sort_by(|(a, _), (b, _)| a.order(b));
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut held = u64::MAX;
        for (place, (_, at)) in order.iter().enumerate() {
            let packets = table.traces[*at].packets;
            match parts.last_mut() {
                Some(part) if held.saturating_add(packets) <= PART_PACKETS => {
                    part.end = place + 1;
                    held += packets;
                }
                _ => {
                    parts.push(place..place + 1);
                    held = packets;
                }
            }
        }
        let provenance = Provenance::new(Layer::Unknown, vec![file_name(path)]);
        Ok(Some(Self { path, table, order, parts, provenance, next: 0 }))
    }

    /// Where the traces come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How many packets there are.
    pub fn packets(&self) -> u64 {
        self.table.traces.iter().map(|trace| trace.packets).sum()
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The labels of all traces.
    pub fn labels(&self) -> Vec<Label> {
        self.order.iter().map(|(key, _)| Label::new(key.clone(), None)).collect()
    }

    /// What was read but may not be what was meant: classes that were written in more than one way.
    pub fn warnings(&self) -> Vec<String> {
        mixed(self.path, &self.table.mixed).into_iter().collect()
    }
}

impl Iterator for CsvParts<'_> {
    type Item = Result<TraceSet, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let part = self.parts.get(self.next)?.clone();
        self.next += 1;
        let read = || {
            let labelled = |(key, at): &(TraceKey, usize)| {
                let trace = self.table.trace(*at).map_err(|error| ReadError::io(self.path, error))?;
                Ok(LabelledTrace::new(key.clone(), None, trace))
            };
            let traces = self.order[part].iter().map(labelled).collect::<Result<_, ReadError>>()?;
            let set = TraceSet::new(traces, self.provenance.clone());
            set.map_err(|source| ReadError::Set { path: self.path.to_owned(), source })
        };
        Some(read())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ReadTraces, Trace, read_traces, write_traces, write_traces_in_parts};

    proptest! {
        /// Rows of traces in any order among each other, of which few may be held.
        #[test]
        fn parts_of_rows_in_any_order_are_the_set(
            lengths in prop::collection::vec(1..9usize, 1..9),
            order in prop::collection::vec(any::<prop::sample::Index>(), 80),
            most in 1..40usize,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.csv");
            let mut waiting: Vec<(usize, usize)> = lengths.iter().map(|_| 0).enumerate().collect();
            let mut text = "cell_id,rep,direction_size,timestamp\n".to_owned();
            for index in order {
                if waiting.is_empty() {
                    break;
                }
                let at = index.index(waiting.len());
                let (trace, packet) = waiting[at];
                text += &format!("{},{},{},{}\n", trace % 3, 10 - trace, trace + packet + 1, packet);
                waiting[at].1 += 1;
                if waiting[at].1 == lengths[trace] {
                    waiting.remove(at);
                }
            }
            std::fs::write(&path, text).unwrap();
            let ReadTraces { set, .. } = read_traces(&path).unwrap();
            let parts = CsvParts::open(&path, folder.path(), most).unwrap().unwrap();
            prop_assert_eq!(parts.provenance(), set.provenance());
            prop_assert_eq!(parts.packets() as usize, set.packets());
            let keys: Vec<TraceKey> = parts.labels().into_iter().map(|label| label.key).collect();
            prop_assert_eq!(keys, set.traces().iter().map(|one| one.key.clone()).collect::<Vec<_>>());
            let read: Vec<LabelledTrace> = parts.flat_map(|part| part.unwrap().traces().to_vec()).collect();
            prop_assert_eq!(&read[..], set.traces());
        }
    }

    #[test]
    fn what_is_wrong_is_told_as_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "cell_id,rep,direction_size,timestamp\na,1,5,0\nb,1,5,0\na,1,5,2\nb,1,0,1\na,1,7,1\n")
            .unwrap();
        let whole = read_traces(&path).unwrap_err().to_string();
        let parts = CsvParts::open(&path, folder.path(), 1).err().unwrap().to_string();
        assert_eq!(parts, whole);
        assert!(whole.contains("row 6") && whole.contains("row 5"), "{whole}");
        std::fs::write(&path, "PAR1").unwrap();
        assert!(CsvParts::open(&path, folder.path(), 1).unwrap().is_none());
    }

    #[test]
    fn what_is_written_in_parts_is_what_is_written_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let labelled = |class: &str, rep, session: Option<&str>, origin: Option<&str>| {
            let key = TraceKey { class: class.into(), rep, session: session.map(str::to_owned) };
            let trace = Trace::new(vec![0, rep as u64], vec![rep as i32 + 1, -7]).unwrap();
            LabelledTrace { origin: origin.map(str::to_owned), ..LabelledTrace::new(key, None, trace) }
        };
        let both = |name: &str, traces: Vec<LabelledTrace>| {
            let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
            let path = |prefix: &str| folder.path().join(format!("{prefix}{name}"));
            let whole = write_traces(&path(""), &set);
            let parts = write_traces_in_parts::<crate::WriteError>(&path("p-"), set.provenance(), |add| {
                set.traces().iter().try_for_each(add)
            });
            if whole.is_ok() && name != "a.csv.zip" {
                assert!(std::fs::read(path("")).unwrap() == std::fs::read(path("p-")).unwrap(), "{name}");
            }
            let told = |result: Result<(), crate::WriteError>| result.err().map(|error| error.to_string());
            (told(whole), told(parts).map(|error| error.replace("p-a.csv", "a.csv")))
        };
        for name in ["a.csv", "a.csv.zip", "a.parquet"] {
            let (whole, parts) = both(name, vec![labelled("a", 1, None, None), labelled("b", 1, None, Some("x"))]);
            assert_eq!((whole, parts), (None, None), "{name}");
        }
        for wrong in [
            vec![labelled("a", 1, Some("x"), None), labelled("a", 1, Some("y"), None)],
            vec![labelled("a", 1, None, Some("x")), labelled("a", 2, None, Some("x"))],
            vec![labelled("", 1, None, None)],
        ] {
            let (whole, parts) = both("a.csv", wrong);
            assert!(whole.is_some());
            assert_eq!(whole, parts);
        }
    }
}
