//! Trace files, and sessions made of them.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use wfkit_datasets::formats::{ChangesOfLabels, ColumnMap, FieldFormat};
use wfkit_datasets::{ClassList, PublicSet};
use wfkit_evaluate::AttackName;
use wfkit_terminal::captures::PacketTextArgs;
use wfkit_terminal::input::TraceFiles;
use wfkit_terminal::quantities::{GivenOrMeasured, nanoseconds, numbers, times};

use super::SplitBy;
use super::values::{self, ReadAs};
use crate::help;

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// What is in trace files: classes, sessions, sizes, duplicates.
    Info {
        #[command(flatten)]
        traces: TraceFiles,
        /// Print all of the report and every class, not the answer alone.
        #[arg(long)]
        full: bool,
    },
    /// Draw traces in the terminal: bytes over time, each way.
    Show {
        #[command(flatten)]
        traces: TraceFiles,
        /// Traces of these classes, or of those in a file with one a line [default: all].
        #[arg(long, value_name = "CLASS,..|@FILE")]
        classes: Option<ClassList>,
        /// How many traces of each class; the first ones.
        #[arg(short = 'n', long, default_value_t = 1, value_name = "N")]
        each: usize,
        /// How many traces in all.
        #[arg(long, default_value_t = 10, value_name = "N")]
        most: usize,
    },
    /// The field's public sets: what they hold, where they are, how they are read.
    List,
    /// One public set in full.
    Describe {
        /// Its name; `wfkit dataset list` lists them.
        #[arg(value_name = "NAME", value_parser = values::public_set())]
        set: &'static PublicSet,
    },
    /// Write what you downloaded of a public set as traces, and say where it is not as published.
    Import {
        /// Its name; `wfkit dataset list` lists them.
        #[arg(value_name = "NAME", value_parser = values::public_set())]
        set: &'static PublicSet,
        /// Files of it, or folders of them.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Trace file to write: .parquet, .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write the traces that are wanted, and count the others by why they are not.
    Filter {
        #[command(flatten)]
        traces: TraceFiles,
        #[command(flatten)]
        wanted: Wanted,
        /// Trace file to write: .parquet, .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write traces that are drawn by the seed: so many of each class, of so many classes.
    #[command(group = ArgGroup::new("drawn").args(["traces_each", "classes"]).required(true).multiple(true))]
    Sample {
        #[command(flatten)]
        traces: TraceFiles,
        /// Traces of each class; of a class with fewer all of them. With more, those that are drawn with fewer stay drawn [default: all].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        traces_each: Option<u32>,
        /// Classes [default: all].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        classes: Option<u32>,
        /// Trace file to write: .parquet, .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write traces in another format, or read them out of a table of your own.
    #[command(after_help = help::OF_CONVERT)]
    Convert(Box<Convert>),
    /// Make an open world of a closed one: all classes but the monitored ones become one class, and what a trace of it shows, its old class, its page.
    Relabel {
        #[command(flatten)]
        traces: TraceFiles,
        /// Classes to monitor, or a file with one a line.
        #[arg(long, value_name = "CLASS,..|@FILE", required = true)]
        monitored: ClassList,
        /// Name of the class of all others.
        #[arg(long, value_name = "CLASS", default_value = "unmonitored", value_parser = values::class)]
        unmonitored: String,
        /// Trace file to write: .parquet, which keeps the pages.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write the same traces as they would look with another round trip, to learn from.
    ///
    /// An answer comes about one round trip after the request that caused it, so with a round trip longer by D every answer comes D later, and
    /// so does all that depends on it, in turn. What depends on what is inferred as for `defend --delay inferred`: an incoming packet answers
    /// the last outgoing one that left a round trip before it, an outgoing one the last incoming one before it. Rates, losses and the
    /// thinking time of the server stay as they are: a transfer that is held up by its window, packet by packet, would slow down more.
    ///
    /// A shorter round trip cannot take more from a gap than it has: such gaps become 0, and their packets are counted as clipped. No packet
    /// overtakes another of its direction. Each trace is a copy of its load (`origin`), so that no split learns from one and tests the other.
    Retime {
        #[command(flatten)]
        traces: TraceFiles,
        /// The round trip to be, such as 80ms.
        #[arg(long, value_name = "TIME", value_parser = nanoseconds)]
        rtt: u64,
        /// The round trip that is, or `measured`: for each session the median over its traces of the time from the first outgoing packet to the
        /// first incoming one. All traces of a session move alike, and stay as different as they were.
        #[arg(long, value_name = "TIME|measured", default_value = "measured")]
        from_rtt: GivenOrMeasured,
        /// Trace file to write: .parquet, which keeps the origins.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Join what all shards of one command wrote to the file of one run, after a check that they are of the same input, seed and version.
    Merge {
        /// The files of all shards, in any order, beside their reports; of a sweep their folders.
        #[arg(required = true, value_name = "FILE|DIR")]
        parts: Vec<PathBuf>,
        /// File to write: .parquet; of a sweep its folder.
        #[arg(long, value_name = "FILE|DIR")]
        out: PathBuf,
    },
    /// Read everything and list what is wrong or suspicious.
    Validate {
        #[command(flatten)]
        traces: TraceFiles,
    },
    /// What could be learned without the traffic's content: whether when, where or in what order traces were recorded gives their classes away.
    #[command(after_help = help::OF_AUDIT)]
    Audit {
        #[command(flatten)]
        traces: TraceFiles,
        /// The attack that shortcuts are held against; `wfkit attacks` lists them.
        #[arg(long, default_value = "kfp-size", value_name = "NAME")]
        attack: AttackName,
        /// Stratified folds; copies of one load, and pages of a background, stay together.
        #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
        folds: u16,
    },
    /// Write a train and a test file that share no trace, or with --folds one file that says which trace is tested in which fold: copies of one
    /// load, and pages of a background, stay together.
    #[command(after_help = help::OF_SPLIT)]
    Split {
        #[command(flatten)]
        traces: TraceFiles,
        #[command(flatten)]
        how: HowToSplit,
        /// Folder for train.parquet and test.parquet; with --folds the file to write: .csv, .csv.zip or .parquet.
        #[arg(long, value_name = "DIR|FILE")]
        out: PathBuf,
    },
}

/// What is written as what.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// Trace file to write: .parquet, .csv or .csv.zip; with --to a file or folder of that format.
    #[arg(long, value_name = "FILE", required_unless_present = "pcap")]
    pub(crate) out: Option<PathBuf>,
    /// Read the format of another tool whatever the content looks like.
    #[arg(long, value_name = "FORMAT", value_parser = values::read_format())]
    pub(crate) from: Option<ReadAs>,
    /// Read a table of text whose columns hold this; see below.
    #[arg(long, value_name = "WHAT=COLUMN,..", conflicts_with = "from")]
    pub(crate) columns: Option<ColumnMap>,
    /// Write the format of another tool: wang, cell, kfp, maybenot and circpad into a folder, the others into a file [default: what
    /// the extension names].
    #[arg(long, value_name = "FORMAT", requires = "out", value_parser = values::written_format())]
    pub(crate) to: Option<FieldFormat>,
    /// Write directions where the format has no sizes, although sizes are not those of cells.
    #[arg(long, requires = "to")]
    pub(crate) lose_sizes: bool,
    /// Folder for captures, one a trace, with a manifest.csv: TCP segments with payloads of the sizes of the trace, which other tools can
    /// open, and `wfkit capture import` reads back.
    #[arg(long, value_name = "DIR")]
    pub(crate) pcap: Option<PathBuf>,
    /// Count repetitions anew from 1 where sessions share them, for formats without sessions.
    #[arg(long)]
    pub(crate) renumber: bool,
    #[command(flatten)]
    pub(crate) copies: Copies,
    /// Traces of a Parquet file, or packets of a CSV, that are more than this are worked through in parts, so that they need not fit memory; a packet
    /// takes 12 bytes. Of a CSV, whose rows may stand in any order, they wait beside the file to write meanwhile. What is written is the same.
    #[arg(long, value_name = "PACKETS", default_value_t = crate::large::AT_ONCE)]
    pub(crate) at_once: u64,
    #[command(flatten)]
    pub(crate) packets: PacketTextArgs,
}

impl Convert {
    /// What is written otherwise than it is read.
    pub(crate) fn changes(&self) -> ChangesOfLabels {
        ChangesOfLabels { renumber: self.renumber, ..self.copies.into() }
    }
}

/// Which traces are wanted.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Wanted {
    /// Traces of these classes, or of those in a file with one a line.
    #[arg(long, value_name = "CLASS,..|@FILE")]
    pub(crate) classes: Option<ClassList>,
    /// No traces of these classes.
    #[arg(long, value_name = "CLASS,..|@FILE")]
    pub(crate) without_classes: Option<ClassList>,
    /// Traces of these sessions.
    #[arg(long, value_name = "SESSION,..", value_delimiter = ',')]
    pub(crate) sessions: Vec<String>,
    /// Traces of so many packets at least.
    #[arg(long, value_name = "N")]
    pub(crate) min_packets: Option<usize>,
    /// Traces of so many packets at most.
    #[arg(long, value_name = "N")]
    pub(crate) max_packets: Option<usize>,
    /// Traces that start at this moment or later (RFC 3339, UTC).
    #[arg(long, value_name = "UTC")]
    pub(crate) from: Option<super::Moment>,
    /// Traces that start before this moment.
    #[arg(long, value_name = "UTC")]
    pub(crate) until: Option<super::Moment>,
    /// Of traces with the same packets the first alone.
    #[arg(long)]
    pub(crate) no_duplicates: bool,
    /// Classes of so many traces at least, after all else.
    #[arg(long, value_name = "N")]
    pub(crate) min_traces: Option<usize>,
}

impl From<&Wanted> for wfkit_datasets::Wanted {
    fn from(wanted: &Wanted) -> Self {
        let names = |names: &[String]| names.iter().cloned().collect();
        Self {
            classes: wanted.classes.as_ref().map(|classes| names(&classes.0)),
            without_classes: wanted.without_classes.as_ref().map(|classes| names(&classes.0)).unwrap_or_default(),
            sessions: (!wanted.sessions.is_empty()).then(|| names(&wanted.sessions)),
            min_packets: wanted.min_packets.unwrap_or(0),
            max_packets: wanted.max_packets,
            from_ns: wanted.from.as_ref().map(|moment| moment.ns),
            until_ns: wanted.until.as_ref().map(|moment| moment.ns),
            without_duplicates: wanted.no_duplicates,
            min_traces: wanted.min_traces.unwrap_or(0),
        }
    }
}

/// What goes into which file.
#[derive(Debug, Args)]
pub(crate) struct HowToSplit {
    /// Test traces out of a hundred, the same share of every class.
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u16).range(1..100))]
    pub(crate) test_percent: u16,
    /// Keep sessions together: no session is in both files.
    #[arg(long, value_name = "session", value_enum)]
    pub(crate) split_by: Option<SplitBy>,
    /// Train on what started before this moment (RFC 3339, UTC), test on the rest.
    #[arg(long, value_name = "UTC", conflicts_with = "split_by")]
    pub(crate) split_time: Option<super::Moment>,
    /// Let a page of the background be in both files, in different visits.
    #[arg(long)]
    pub(crate) shared_pages: bool,
    /// Write stratified folds of all traces as one table: class, rep, session and the fold that tests the trace.
    #[arg(long, value_name = "K", conflicts_with_all = ["test_percent", "split_time"], value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: Option<u16>,
    /// What no two folds share: copies of one load (with pages of a background, unless --shared-pages); sessions too, as with
    /// --split-by session; or nothing [default: origin].
    #[arg(
        long,
        value_name = "origin|session|nothing",
        value_enum,
        requires = "folds",
        conflicts_with = "split_by",
        hide_possible_values = true
    )]
    pub(crate) groups: Option<FoldGroups>,
}

/// What no two folds share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FoldGroups {
    /// Copies of one load.
    Origin,
    /// Sessions, and copies of one load.
    Session,
    /// Nothing: what one copy of a load teaches is tested on another.
    Nothing,
}

/// What becomes of copies of one load, such as several defended ones, in a format that cannot say which they are.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Copies {
    /// Keep one copy of each load, the first.
    #[arg(long)]
    pub(crate) one_copy: bool,
    /// Keep all copies of a load, though the file will not tell that they are, so that a split may part them.
    #[arg(long, conflicts_with = "one_copy")]
    pub(crate) lose_origins: bool,
}

impl From<Copies> for ChangesOfLabels {
    fn from(Copies { one_copy, lose_origins }: Copies) -> Self {
        Self { one_copy, lose_origins, renumber: false }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Put page loads one after the other, each at most once. The class of a session is its number of pages; which they are and when they begin
    /// stands beside it, in FILE.pages.json.
    Make {
        #[command(flatten)]
        traces: TraceFiles,
        /// Pages of a session: a number, or a range of which each is equally likely.
        #[arg(long, default_value = "2..16", value_name = "N|MIN..MAX", value_parser = numbers)]
        pages: RangeInclusive<usize>,
        /// Time that a page is looked at before the next one is loaded, uniform.
        #[arg(long, default_value = "1s..10s", value_name = "MIN..MAX", value_parser = times)]
        dwell: RangeInclusive<u64>,
        /// Sessions to make [default: as many as there are loads for].
        #[arg(long, value_name = "N")]
        sessions: Option<usize>,
        /// Trace file to write: .parquet, .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Learn from sessions how many pages there are, where they begin and which they are, and attack other sessions.
    Attack {
        /// Sessions to learn from; their pages stand beside the file, or in --pages.
        #[arg(long, value_name = "TRACES")]
        train: PathBuf,
        /// Sessions to attack.
        #[arg(long, value_name = "TRACES")]
        test: PathBuf,
        /// The pages of --train and --test, as `wfkit sessions make` wrote them, for defended sessions those of the undefended
        /// [default: beside each file].
        #[arg(long, num_args = 2, value_names = ["TRAIN", "TEST"])]
        pages: Vec<PathBuf>,
        /// The attack that tells pages apart; it takes traces.
        #[arg(long, default_value = "kfp", value_name = "NAME")]
        attack: AttackName,
        /// How many packets a start may be off.
        #[arg(long, default_value_t = 25, value_name = "PACKETS")]
        within: usize,
        /// Score although loads of the tested sessions are in the training sessions too.
        #[arg(long)]
        allow_duplicates: bool,
    },
}
