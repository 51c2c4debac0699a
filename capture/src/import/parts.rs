//! Captures -> traces that are not all held at once, of all captures or of a share of them.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use wfkit_datasets::{Label, LabelledTrace, Provenance, TraceSet};

use crate::import::client::ClientRule;
use crate::import::flows::{Known, PeerRule};
use crate::import::neighbours;
use crate::import::one_file::FileTrace;
use crate::import::options::ImportOptions;
use crate::import::select::{LeftOut, OutlierRule};
use crate::import::stats::ImportStats;
use crate::import::whole::{ImportError, Planned, Work};

/// So many packets are held at a time, where traces allow: 48 MB of them.
const PART_PACKETS: usize = 1 << 22;

/// The traces of captures in parts, each of which is a set of its own; together they are the set that [`import`](crate::import) makes, in its
/// order. Every capture is read twice: for what it tells of itself and others, then for its trace.
pub struct ImportParts {
    options: ImportOptions,
    /// Files with a trace, in the order of a set.
    files: Vec<KeptFile>,
    known: Known,
    stats: ImportStats,
    provenance: Provenance,
    captures: Vec<PathBuf>,
    listing: String,
    next: usize,
}

/// A file whose trace is kept.
struct KeptFile {
    work: Work,
    start_ns: i64,
    packets: usize,
    /// Whether it was read with what the other files tell.
    with_known: bool,
}

/// What the first reading tells of a trace.
struct Seen {
    start_ns: i64,
    /// None where the selection leaves the trace out.
    packets: Option<usize>,
    left_out: LeftOut,
}

impl ImportParts {
    /// Reads all captures, and keeps no trace of them. With `share`, which is told how many captures there are and says which of them are
    /// meant, in the order of a set, those alone are read; what is known before any is read then is in the statistics of the first share.
    ///
    /// # Errors
    /// As [`import`](crate::import). Also where a trace depends on more captures than are held, or than are in the share: outliers of classes; in a
    /// share the peer that most captures have, and a client that a capture does not tell by itself.
    pub fn open(
        paths: &[PathBuf],
        options: &ImportOptions,
        share: Option<&dyn Fn(usize) -> Range<usize>>,
        on_file: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, ImportError> {
        let needs_all = |what: &str| Err(ImportError::NeedsAll(what.to_owned()));
        if options.select.outliers == OutlierRule::Iqr {
            return needs_all(
                "outliers of a class are told by all of its traces at once: leave --outliers out, or raise --at-once, and take no share",
            );
        }
        if share.is_some() && options.peer == PeerRule::Common {
            return needs_all(
                "the peer that most captures have is told by all of them: name it by --peer, or take no share",
            );
        }
        let Planned { mut work, mut stats } = Planned::of(paths, options)?;
        let listing = listing(&work);
        if let Some(share) = share {
            let rows = share(work.len());
            if let Some(pipe) = work.iter().find(|work| !work.file.path.is_file()) {
                return needs_all(&format!("{}: a stream has no shares: save it to a file", pipe.name));
            }
            if rows.start > 0 {
                stats = ImportStats::default();
            } else {
                stats.files -= work.len() as u64;
            }
            let mut order: Vec<usize> = (0..work.len()).collect();
            order.sort_by(|&a, &b| work[a].key.order(&work[b].key));
            let mut is_meant = vec![false; work.len()];
            order[rows].iter().for_each(|&at| is_meant[at] = true);
            let mut is_meant = is_meant.into_iter();
            work.retain(|_| is_meant.next() == Some(true));
            stats.files += work.len() as u64;
        }

        let done = AtomicUsize::new(0);
        let read = |file: &Work| {
            let read = seen(file.read(options, &Known::default()), file, options);
            on_file(done.fetch_add(1, Ordering::Relaxed) + 1, work.len());
            read
        };
        let (mut results, mut traces): (Vec<FileTrace>, Vec<Option<Seen>>) = work.par_iter().map(read).unzip();
        if share.is_some() && options.client == ClientRule::Auto {
            let is_guess =
                |(_, result): &(&Work, &FileTrace)| result.findings.is_guess && result.findings.main_pair.is_some();
            if let Some((file, _)) = work.iter().zip(&results).find(is_guess) {
                return needs_all(&format!(
                    "{}: it does not tell who its client is, which other captures may, but not those of another share: say \
                     --client, or take no share",
                    file.name
                ));
            }
        }
        let known = neighbours::known(&results, options);
        let again: Vec<bool> = work
            .iter()
            .zip(&results)
            .map(|(file, result)| file.file.path.is_file() && neighbours::tell_more(&result.findings, &known, options))
            .collect();
        let all = results.par_iter_mut().zip(&mut traces).zip(&work).zip(&again);
        all.filter(|(_, again)| **again).for_each(|(((result, trace), file), _)| {
            (*result, *trace) = seen(file.read(options, &known), file, options);
        });
        if options.peer == PeerRule::Main {
            let classes: Vec<&str> = work.iter().map(|file| file.key.class.as_str()).collect();
            neighbours::warn_of_other_peers(&mut results, &classes);
        }

        let captures = work.iter().map(|file| file.file.path.clone()).collect();
        let (mut files, mut sources, mut texts) = (Vec::new(), Vec::new(), 0);
        for (((work, result), trace), with_known) in work.into_iter().zip(results).zip(traces).zip(again) {
            let is_text = result.is_text;
            stats.add_file(result.stats);
            let Some(Seen { start_ns, packets, left_out }) = trace else { continue };
            sources.push(work.source());
            texts += usize::from(is_text);
            stats.leave_out(left_out, options.is_of_packets());
            files.extend(packets.map(|packets| KeptFile { work, start_ns, packets, with_known }));
        }
        // A share may have none where another has some.
        if files.is_empty() && share.is_none() {
            return Err(ImportError::NoTrace { stats: Box::new(stats) });
        }
        files.sort_by(|a, b| a.work.key.order(&b.work.key));
        let (options, provenance) = (options.clone(), options.provenance(sources, texts));
        Ok(Self { options, files, known, stats, provenance, captures, listing, next: 0 })
    }

    /// What was read, kept and dropped.
    pub fn stats(&self) -> &ImportStats {
        &self.stats
    }

    /// Where the traces come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The captures that are read, in path order.
    pub fn captures(&self) -> &[PathBuf] {
        &self.captures
    }

    /// All captures that have a label, of every share, a line each: bytes, key, name. Equal where the same captures were listed.
    pub fn listing(&self) -> &str {
        &self.listing
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none, as in some shares; where all captures are read, that is an error.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The labels of all traces.
    pub fn labels(&self) -> Vec<Label> {
        let label = |kept: &KeptFile| Label {
            origin: kept.work.origin.clone(),
            ..Label::new(kept.work.key.clone(), Some(kept.start_ns))
        };
        self.files.iter().map(label).collect()
    }

    fn part(&self, files: Range<usize>) -> Result<TraceSet, ImportError> {
        let read = |kept: &KeptFile| {
            let known = if kept.with_known { &self.known } else { &Known::default() };
            let trace = kept.work.read(&self.options, known).trace.map(|trace| kept.work.labelled(trace));
            let (mut selected, _) = self.options.select.apply(trace.into_iter().collect());
            let is_same =
                |trace: &LabelledTrace| (trace.start_ns, trace.trace.len()) == (Some(kept.start_ns), kept.packets);
            selected.pop().filter(is_same).ok_or_else(|| ImportError::Changed(kept.work.file.path.clone()))
        };
        let traces = self.files[files].par_iter().map(read).collect::<Result<_, _>>()?;
        Ok(TraceSet::new(traces, self.provenance.clone()).expect("the keys are unique"))
    }
}

impl Iterator for ImportParts {
    type Item = Result<TraceSet, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.next;
        let mut packets = self.files.get(first)?.packets;
        self.next += 1;
        while let Some(file) = self.files.get(self.next).filter(|file| packets + file.packets <= PART_PACKETS) {
            packets += file.packets;
            self.next += 1;
        }
        Some(self.part(first..self.next))
    }
}

/// Takes the trace out of what came of a file, and notes of it what has to be known.
fn seen(mut result: FileTrace, file: &Work, options: &ImportOptions) -> (FileTrace, Option<Seen>) {
    let seen = result.trace.take().map(|(start_ns, trace)| {
        let (selected, left_out) = options.select.apply(vec![file.labelled((start_ns, trace))]);
        let first = selected.first();
        let start_ns = first.and_then(|first| first.start_ns).unwrap_or(start_ns);
        Seen { start_ns, packets: first.map(|first| first.trace.len()), left_out }
    });
    (result, seen)
}

fn listing(work: &[Work]) -> String {
    let line = |work: &Work| {
        let bytes = work.file.path.metadata().map_or(0, |metadata| metadata.len());
        format!("{bytes}  {}  {}\n", work.key, work.file.name)
    };
    work.iter().map(line).collect()
}
