//! Captures -> a set of traces.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use thiserror::Error;
use wfkit_datasets::{Findings, LabelledTrace, Layer, PacketColumn, Trace, TraceKey, TraceSet};
use wfkit_metrics::PrivacyReport;

use crate::files::listing::{InputFile, Listing};
use crate::files::records::{RecordError, Records};
use crate::import::flows::{Known, PeerRule};
use crate::import::labels::Labels;
use crate::import::manifest::ManifestError;
use crate::import::neighbours;
use crate::import::one_file::{FileTrace, trace_of};
use crate::import::options::ImportOptions;
use crate::import::stats::ImportStats;

/// Imported traces, and what became of everything else.
#[derive(Debug, Clone)]
pub struct Import {
    /// One trace a file.
    pub set: TraceSet,
    /// What was read, kept and dropped.
    pub stats: ImportStats,
}

impl Import {
    /// What was imported, for a report; the traces give away this.
    pub fn findings(&self, privacy: PrivacyReport) -> Findings {
        let lengths: Vec<usize> = self.set.traces().iter().map(|labelled| labelled.trace.len()).collect();
        let mut findings = self.stats.findings(&self.set.volumes(), &lengths, privacy);
        findings.count_set(&self.set);
        findings
    }
}

/// Why there is nothing to import, or nothing right.
#[derive(Debug, Error)]
pub enum ImportError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Captures do not give sizes at this layer.
    #[error("traces of the layer {} cannot be imported: frame, ip, tcp, tls, cell and udp can", format!("{_0:?}").to_lowercase())]
    Layer(
        /// The layer.
        Layer,
    ),
    /// Records and cells of streams that are not put in order.
    #[error("the layer {} needs reassembly", format!("{_0:?}").to_lowercase())]
    NeedsReassembly(
        /// The layer.
        Layer,
    ),
    /// Captures do not tell this of packets.
    #[error("captures do not tell the {0} of packets; flow and proto are what they tell")]
    PacketColumn(
        /// What was asked for.
        PacketColumn,
    ),
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two files have the same label.
    #[error(
        "{} and {} are both {key}; where they differ in a folder, take its name as the session: (?<session>...)",
        first.display(), second.display()
    )]
    DuplicateKey {
        /// The label.
        key: TraceKey,
        /// The first file.
        first: PathBuf,
        /// The second file.
        second: PathBuf,
    },
    /// What all captures together tell, and a share of them does not.
    #[error("{0}")]
    NeedsAll(
        /// What it is, and what to do.
        String,
    ),
    /// A file was another one when it was read again.
    #[error("{}: it changed while it was read: import again", _0.display())]
    Changed(
        /// The file.
        PathBuf,
    ),
    /// No file gave a trace.
    #[error("no trace: {}", summary(stats))]
    NoTrace {
        /// What became of the files and packets.
        stats: Box<ImportStats>,
    },
}

fn summary(stats: &ImportStats) -> String {
    if stats.files == 0 {
        return format!("no capture file ({} other files)", stats.other_files);
    }
    let reasons: Vec<String> = stats.dropped_traces.iter().map(|(reason, n)| format!("{reason}: {n}")).collect();
    let first = stats.problems.first().map(|problem| format!("; {problem}")).unwrap_or_default();
    format!("{} files ({}){first}", stats.files, reasons.join(", "))
}

/// Imports captures: one trace a file.
///
/// `paths` are files, which are all read, and folders, of which the files are read that are captures by content (pcap
/// or pcapng) or by name. Every file gets its label first, then all are read in parallel; the result does not depend
/// on the number of threads. What is wrong with a file is its problem alone: it is reported in the [`ImportStats`]
/// and the others go on.
///
/// The traces start at 0 ns with the first packet that is part of them; `start_ns` keeps its time. Packets that a
/// capture has out of order are sorted by time, equal ones in file order.
///
/// `on_file` is called with the number of files done and of all files after each file, from several threads.
///
/// # Errors
///
/// If a path cannot be read, captures do not have the layer, the manifest makes no sense, two files have the same
/// label, or no file gives a trace.
pub fn import(
    paths: &[PathBuf],
    options: &ImportOptions,
    on_file: &(dyn Fn(usize, usize) + Sync),
) -> Result<Import, ImportError> {
    let Planned { work, mut stats } = Planned::of(paths, options)?;
    let done = AtomicUsize::new(0);
    let read = |file: &Work| {
        let result = file.read(options, &Known::default());
        on_file(done.fetch_add(1, Ordering::Relaxed) + 1, work.len());
        result
    };
    let mut results: Vec<FileTrace> = work.par_iter().map(read).collect();
    let known = neighbours::known(&results, options);
    // What one file tells serves the others: those that it says more about are read again.
    results.par_iter_mut().zip(&work).for_each(|(result, file)| {
        if file.file.path.is_file() && neighbours::tell_more(&result.findings, &known, options) {
            *result = file.read(options, &known);
        }
    });
    if options.peer == PeerRule::Main {
        let classes: Vec<&str> = work.iter().map(|file| file.key.class.as_str()).collect();
        neighbours::warn_of_other_peers(&mut results, &classes);
    }

    let mut traces = Vec::new();
    let mut sources = Vec::new();
    let mut texts = 0;
    for (file, result) in work.into_iter().zip(results) {
        stats.add_file(result.stats);
        if let Some(trace) = result.trace {
            texts += usize::from(result.is_text);
            sources.push(file.source());
            traces.push(file.labelled(trace));
        }
    }
    let (traces, left_out) = options.select.apply(traces);
    stats.leave_out(left_out, options.is_of_packets());
    if traces.is_empty() {
        return Err(ImportError::NoTrace { stats: Box::new(stats) });
    }
    let set = TraceSet::new(traces, options.provenance(sources, texts)).expect("the keys are unique");
    Ok(Import { set, stats })
}

/// The files that are read, and what is known before that.
pub(crate) struct Planned {
    /// In path order.
    pub(crate) work: Vec<Work>,
    pub(crate) stats: ImportStats,
}

/// A file that has a label.
pub(crate) struct Work {
    pub(crate) file: InputFile,
    /// What it is called in statistics.
    pub(crate) name: String,
    pub(crate) key: TraceKey,
    pub(crate) origin: Option<String>,
}

impl Planned {
    pub(crate) fn of(paths: &[PathBuf], options: &ImportOptions) -> Result<Self, ImportError> {
        match options.layer {
            Layer::Unknown => return Err(ImportError::Layer(options.layer)),
            Layer::Tls | Layer::Cell if !options.reassembly => {
                return Err(ImportError::NeedsReassembly(options.layer));
            }
            Layer::Frame | Layer::Ip | Layer::Tcp | Layer::Tls | Layer::Cell | Layer::Udp => {}
        }
        let is_told = |column: &&PacketColumn| matches!(column, PacketColumn::Flow | PacketColumn::Proto);
        if let Some(&column) = options.packet_columns.iter().find(|column| !is_told(column)) {
            return Err(ImportError::PacketColumn(column));
        }
        let listing = Listing::of(paths).map_err(|(path, source)| ImportError::Path { path, source })?;
        let display = |file: &InputFile| match paths {
            [_] => file.name.clone(),
            _ => file.path.display().to_string(),
        };
        let labels = Labels::of(&listing.files, &options.labels, display)?;
        check_unique(&listing.files, &labels)?;

        let mut stats = ImportStats {
            files: listing.files.len() as u64,
            other_files: listing.others,
            labels: labels.sources,
            names_read: labels.names_read,
            label_doubt: labels.doubt,
            problems: labels.problems,
            ..ImportStats::default()
        };
        for (name, problem) in &listing.unreadable {
            stats.files += 1;
            stats.drop_trace("unreadable");
            stats.problems.push(format!("{name}: {problem}"));
        }
        let mut work = Vec::new();
        for ((file, key), origin) in listing.files.into_iter().zip(labels.keys).zip(labels.origins) {
            let name = display(&file);
            match key {
                Ok(key) => work.push(Work { file, name, key, origin }),
                Err(reason) => {
                    stats.drop_trace(reason);
                    // Of a file that is no capture it matters more what it is.
                    if let Err(error @ RecordError::Foreign { .. }) = Records::open(&file.path) {
                        stats.problems.push(format!("{name}: {error}"));
                    }
                }
            }
        }
        Ok(Self { work, stats })
    }
}

impl Work {
    pub(crate) fn read(&self, options: &ImportOptions, known: &Known) -> FileTrace {
        trace_of(&self.file.path, &self.name, options, known)
    }

    /// What a set names it by among its sources.
    pub(crate) fn source(&self) -> String {
        file_name(&self.file.path)
    }

    pub(crate) fn labelled(&self, (start_ns, trace): (i64, Trace)) -> LabelledTrace {
        let origin = self.origin.clone();
        LabelledTrace { origin, ..LabelledTrace::new(self.key.clone(), Some(start_ns), trace) }
    }
}

fn check_unique(files: &[InputFile], labels: &Labels) -> Result<(), ImportError> {
    let mut seen: HashMap<&TraceKey, &Path> = HashMap::new();
    for (file, key) in files.iter().zip(&labels.keys) {
        let Ok(key) = key else { continue };
        if let Some(first) = seen.insert(key, &file.path) {
            return Err(ImportError::DuplicateKey {
                key: key.clone(),
                first: first.to_owned(),
                second: file.path.clone(),
            });
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
