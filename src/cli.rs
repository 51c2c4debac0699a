//! The command line: clap types only.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wfkit_capture::record::{Filter, parse_duration};
use wfkit_capture::{ClientRule, OutlierRule};
use wfkit_defend::{DefenseSpec, DelayModel, StopRule};
use wfkit_features::FeatureSpec;

use crate::help;
use crate::written;

/// Website fingerprinting: attacks, defences and their evaluation, from packet capture to score.
///
/// Captures of queries made through Tor become signed size/timestamp traces; traces become features; features train
/// attacks that answer with a probability for every class; defences change the traces and are attacked again. Every stage
/// reports what the traffic costs (utility) and what it gives away (ROC-AUC).
#[derive(Debug, Parser)]
#[command(
    name = "wfkit",
    version,
    after_help = "Start with `wfkit run`: the whole pipeline on the bundled sample.\n\
        Results go to standard output, messages and progress to standard error.\n\
        Exit status: 0 done, 1 failed while running, 2 wrong usage."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Seed of everything random: the same input and seed give the same bytes on any number of threads.
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Threads to use; all cores where it is not given.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print no progress and no messages, only results and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables.
    Text,
    /// One JSON document: the stage report.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole pipeline on one input: capture, features, attacks, defences, competition files.
    Run(Run),
    /// Packet captures to traces.
    #[command(subcommand)]
    Capture(Capture),
    /// Look at, convert, check and split trace files.
    #[command(subcommand)]
    Dataset(Dataset),
    /// Traces to a named feature matrix.
    Features(Features),
    /// Train an attack and write its model file.
    Train(Train),
    /// Class probabilities of traces by a trained attack.
    Predict(Predict),
    /// The attacks that have names: what they do, what for, at what cost, from where.
    Attacks,
    /// Measure an attack on traces it was not trained on.
    Evaluate(Evaluate),
    /// Apply a defence to traces; report its overheads and what the attack still finds.
    Defend(Defend),
    /// Many defences against many attacks: what each costs, what is still found, and which of them nothing beats.
    Sweep(Sweep),
    /// Sessions of several pages: make them of page loads, and attack them without knowing where pages begin.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Files and scores of a privacy competition.
    #[command(subcommand)]
    Competition(Competition),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Captures (a pcap or pcapng file, or a folder of them) or traces (Parquet, CSV, CSV in zip); the bundled sample where it
    /// is not given.
    pub(crate) input: Option<PathBuf>,
    /// Folder for everything that the run writes.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) import: Import,
    /// The attack that defences have to withstand; `wfkit train --help` lists them.
    #[arg(long, default_value = "kfp-size", value_name = "NAME", value_parser = written::attack)]
    pub(crate) attack: String,
    /// A defence to simulate; repeat for several. `wfkit defend list` lists them.
    #[arg(long = "defence", value_name = "SPEC", value_parser = written::layers, default_values = ["pad:mtu", "front:ft-1", "tamaraw:cell"])]
    pub(crate) defences: Vec<String>,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Capture {
    /// Read pcap and pcapng files, or folders of them, into one trace file.
    Import(CaptureImport),
    /// What is in capture files, and why one gives no trace.
    Info {
        /// Capture files; - is the standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// The TLS handshakes in a capture: where their messages are, what was negotiated, how good that is.
    Audit {
        /// Capture file; - is the standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Record the packets of a network interface into a pcapng file.
    Live(CaptureLive),
    /// Run a command for each class and repetition, and record each run.
    Collect(CaptureCollect),
}

/// How captures are read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading captures")]
pub(crate) struct Import {
    /// Pattern for file names, with a named group `class`, and `rep` and `session` if there are any; or `folders`: the
    /// folder of a file is its class, the one around that its session
    /// [default: manifest.csv where the folder has one, else names such as cell_3_rep_12.pcap and 3_12.pcap].
    #[arg(long, value_name = "REGEX|folders", conflicts_with = "labels", value_parser = written::label)]
    pub(crate) label: Option<String>,
    /// CSV with the columns path, class and, if there are any, rep and session.
    #[arg(long, value_name = "CSV")]
    pub(crate) labels: Option<PathBuf>,
    /// Who is the client: `auto`, an address range such as 10.0.0.0/8, or `port:N` for whoever talks to port N.
    #[arg(long, default_value = "auto", value_name = "auto|CIDR|port:N", value_parser = written::of::<ClientRule>)]
    pub(crate) client: String,
    /// Which size the sizes are.
    #[arg(long, value_enum, default_value_t = Layer::Tcp)]
    pub(crate) layer: Layer,
    /// Put TCP segments in order and drop retransmitted bytes, or count every segment with payload as captured; tls and
    /// cell need it on, frame and ip take no notice.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) reassembly: Switch,
    /// Keep the flow to the main peer (the one with most bytes), or everything of the client.
    #[arg(long, value_enum, default_value_t = Flows::Main)]
    pub(crate) flows: Flows,
    /// Look inside of tunnels (IP in IP, GRE, VXLAN): the packet in the packet counts.
    #[arg(long)]
    pub(crate) inner: bool,
    /// Cut idle heads and tails: parts with less than 1 % of the bytes, apart from the rest by this long a pause.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) trim: Option<f64>,
    /// Leave out traces with fewer packets.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) min_packets: usize,
    /// Leave out outliers: traces whose incoming bytes are more than 1.5 interquartile ranges from the quartiles of
    /// their class. Only for traces that attacks are trained on: an attacker does not choose what he is to recognise.
    #[arg(long, default_value = "keep", value_name = "keep|iqr")]
    pub(crate) outliers: OutlierRule,
}

/// Which size the sizes of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layer {
    /// Link-layer frame length.
    Frame,
    /// IP total length.
    Ip,
    /// TCP payload length; packets without payload are left out.
    Tcp,
    /// TLS record length.
    Tls,
    /// Tor cells, as found in TLS records.
    Cell,
    /// UDP payload length.
    Udp,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Which flows of a capture make its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flows {
    /// The flows to the peer with most bytes.
    Main,
    /// Everything of the client.
    All,
}

#[derive(Debug, Args)]
pub(crate) struct CaptureImport {
    /// Capture files, or folders of them; `-` is the standard input, whose class is `stdin`.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Trace file to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) import: Import,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_LIVE)]
pub(crate) struct CaptureLive {
    /// Network interface to record on, such as eth0.
    #[arg(long, value_name = "IF")]
    pub(crate) interface: String,
    /// File to write: .pcapng. It is whole whatever ends the recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Which packets to record [default: all]; see below.
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    pub(crate) filter: Filter,
    /// Bytes of a packet to record at most; 0 is all of it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) snaplen: u32,
    /// Stop after so long, such as 10s or 5m.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Stop with so many packets.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) packets: Option<u64>,
    /// Stop when no packet came for so long, counted from the first packet on.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) quiet_time: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_COLLECT)]
pub(crate) struct CaptureCollect {
    /// What to run and record; see below.
    #[arg(value_name = "PLAN.toml")]
    pub(crate) plan: PathBuf,
    /// Folder for the captures and their manifest [default: the plan without its ending].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Show what would be run and how long it may take; record and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "not a time such as 10s, 500ms or 2m".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// What is in trace files: classes, sessions, sizes, duplicates.
    Info {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
    },
    /// Write traces in another format.
    Convert {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Trace file to write: .parquet, .csv or .csv.zip.
        #[arg(long, value_name = "FILE", required_unless_present = "pcap")]
        out: Option<PathBuf>,
        /// Folder for captures, one a trace, with a manifest.csv: TCP segments with payloads of the sizes of the trace, which other tools can
        /// open, and `wfkit capture import` reads back.
        #[arg(long, value_name = "DIR")]
        pcap: Option<PathBuf>,
    },
    /// Read everything and list what is wrong or suspicious.
    Validate {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
    },
    /// Write a train and a test file that share no trace.
    Split {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Test traces out of a hundred, the same share of every class.
        #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u16).range(1..100))]
        test_percent: u16,
        /// Keep sessions together: no session is in both files.
        #[arg(long, value_name = "session", value_enum)]
        split_by: Option<SplitBy>,
        /// Train on what started before this moment (RFC 3339, UTC), test on the rest.
        #[arg(long, value_name = "UTC", conflicts_with = "split_by")]
        split_time: Option<String>,
        /// Folder for train.parquet and test.parquet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Put page loads one after the other, each at most once. The class of a session is its number of pages; which they are and when they begin
    /// stands beside it, in FILE.pages.json.
    Make {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Pages of a session: a number, or a range of which each is equally likely.
        #[arg(long, default_value = "2..16", value_name = "N|MIN..MAX", value_parser = pages)]
        pages: RangeInclusive<usize>,
        /// Time that a page is looked at before the next one is loaded, uniform.
        #[arg(long, default_value = "1s..10s", value_name = "MIN..MAX", value_parser = dwell)]
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
        #[arg(long, default_value = "kfp", value_name = "NAME", value_parser = written::attack)]
        attack: String,
        /// How many packets a start may be off.
        #[arg(long, default_value_t = 25, value_name = "PACKETS")]
        within: usize,
    },
}

fn pages(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number > 0);
    let range = number(low).zip(number(high)).filter(|(low, high)| low <= high);
    range.map(|(low, high)| low..=high).ok_or_else(|| "not a number or a range such as 2..16".to_owned())
}

fn dwell(text: &str) -> Result<RangeInclusive<u64>, String> {
    let ns = |text: &str| parse_duration(text).and_then(|time| u64::try_from(time.as_nanos()).ok());
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let range = ns(low).zip(ns(high)).filter(|(low, high)| low <= high);
    range.map(|(low, high)| low..=high).ok_or_else(|| "not a time or a range such as 1s..10s".to_owned())
}

/// What a split keeps together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitBy {
    /// What was captured together.
    Session,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "A trace file that is called like a command is written ./list."
)]
pub(crate) struct Features {
    #[command(flatten)]
    pub(crate) extract: Option<FeaturesExtract>,
    #[command(subcommand)]
    pub(crate) command: Option<FeaturesCommand>,
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesExtract {
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    pub(crate) traces: Vec<PathBuf>,
    /// Feature sets, joined by commas; `wfkit features list` lists them.
    #[arg(long, value_name = "NAME[,NAME]", value_parser = written::of::<FeatureSpec>)]
    pub(crate) set: String,
    /// Feature file to write: .parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeaturesCommand {
    /// All feature sets.
    List,
    /// What the columns of feature sets mean: name, unit, what they tell, definition and version.
    Describe {
        /// Feature sets, joined by commas.
        #[arg(value_name = "NAME[,NAME]", value_parser = written::of::<FeatureSpec>)]
        set: String,
        /// Traces to learn from, for sets whose columns are learned.
        #[arg(value_name = "TRACES")]
        traces: Vec<PathBuf>,
    },
    /// What gives traces away: AUC, bits and importance of every feature and group, for all classes or one.
    Explain(FeaturesExplain),
    /// Traces as padded arrays for learners elsewhere: X, y, rep and classes in one .npz file.
    Tensor {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// What X holds of each packet; `tam` counts packets in slots of time instead.
        #[arg(long, value_enum, default_value_t = Channel::Direction)]
        channel: Channel,
        /// Packets of a trace: longer ones are cut, shorter ones padded with 0. `tam` has 2 x 1800 slots instead.
        #[arg(long, default_value_t = 5000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        length: u32,
        /// File to write: .npz.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesExplain {
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    pub(crate) traces: Vec<PathBuf>,
    /// Feature sets, joined by commas; `wfkit features list` lists them.
    #[arg(long, value_name = "NAME[,NAME]", value_parser = written::of::<FeatureSpec>)]
    pub(crate) set: String,
    /// What gives this class away; all classes where it is not given.
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// Features in the table and in the picture.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Trees of the forest whose features are permuted.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) trees: u16,
    /// How often each feature and group is permuted.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) repeats: u16,
    /// Write the picture of importances: .svg.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}

/// What a tensor holds of each packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Channel {
    /// 1 outgoing, -1 incoming.
    Direction,
    /// Seconds since the first packet.
    Time,
    /// Signed bytes, outgoing positive.
    Size,
    /// Direction times time, plus 0.1 ms.
    DirectionTime,
    /// Traffic aggregation matrix: packets in slots of time, outgoing and incoming.
    Tam,
}

/// The attack to train.
#[derive(Debug, Clone, Args)]
pub(crate) struct AttackArgs {
    /// The attack [default: kfp-size; over a feature file: forest].
    #[arg(long, value_name = "NAME", value_parser = written::attack)]
    pub(crate) attack: Option<String>,
    /// Trees of a forest [default: what the attack is published with, else 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) trees: Option<u16>,
    /// What traces of each class count in a forest: every trace the same, or every class.
    #[arg(long, value_enum, default_value_t = ClassWeight::Equal)]
    pub(crate) class_weight: ClassWeight,
    /// Splits above a leaf at most [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_depth: Option<u32>,
    /// Training traces in a leaf at least [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) min_samples_leaf: Option<u32>,
    /// Leaves of a tree at most. Trees then grow best first: the node whose split helps most is split next. Few leaves make small models
    /// and smooth probabilities, at some accuracy [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) max_leaf_nodes: Option<u32>,
    /// Between which values forests cut a feature.
    #[arg(long, value_enum, default_value_t = Splits::Exact)]
    pub(crate) splits: Splits,
    /// Whose forest: wfkit's own, or a library's as a second opinion (hard votes averaged over its trees, since these
    /// libraries' forests give no class probabilities).
    #[arg(long, value_enum, default_value_t = Backend::Native)]
    pub(crate) backend: Backend,
    /// Calibrate probabilities, out of bag where the classifier can be judged so, else in inner folds: none, temperature, platt, isotonic
    /// [default: none; for best: temperature].
    #[arg(long, value_name = "HOW", value_parser = calibration)]
    pub(crate) calibrate: Option<wfkit_classify::Calibration>,
}

fn calibration(name: &str) -> Result<wfkit_classify::Calibration, String> {
    name.parse().map_err(|error: wfkit_classify::UnknownCalibration| error.to_string())
}

/// What traces of each class count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassWeight {
    /// Every trace the same.
    Equal,
    /// Every class the same, whatever the number of its traces.
    Balanced,
}

/// Between which values forests cut a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Splits {
    /// Between any two values that follow each other, up to 65,536 of them.
    Exact,
    /// Between 256 bins at most of about equally many training traces: a little faster where traces are many, and as accurate.
    Histogram,
}

/// Whose forest is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// wfkit's own.
    Native,
    /// smartcore's.
    Smartcore,
    /// linfa's.
    Linfa,
}

#[derive(Debug, Args)]
#[command(after_help = help::of_attacks())]
pub(crate) struct Train {
    /// Trace files, or one feature file.
    #[arg(required = true, value_name = "TRACES|FEATURES")]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) attack: AttackArgs,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Model file that `train` wrote.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Trace files, or one feature file; with --competition the test file of a team.
    #[arg(required = true, value_name = "TRACES|FEATURES")]
    pub(crate) input: Vec<PathBuf>,
    /// Probabilities to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Write the competition's attack file: the input is a test file, the answer has one row a capture_id.
    #[arg(long, requires = "team_id")]
    pub(crate) competition: bool,
    /// The team whose traces are attacked.
    #[arg(long, value_name = "N", requires = "competition")]
    pub(crate) team_id: Option<u32>,
    /// Classes of the competition, 1 to N: each has its column, also where training had no trace of it.
    #[arg(long, default_value_t = 100, value_name = "N", requires = "competition")]
    pub(crate) classes: u32,
    /// Score although the model has learned from traces with the same packets.
    #[arg(long)]
    pub(crate) allow_duplicates: bool,
}

#[derive(Debug, Args)]
#[command(after_help = help::of_attacks())]
pub(crate) struct Evaluate {
    /// Trace files, or one feature file; not together with --train and --test.
    #[arg(value_name = "TRACES|FEATURES", required_unless_present = "train", conflicts_with = "train")]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) attack: AttackArgs,
    /// Stratified folds: every trace is tested once by an attack that was trained on the other folds [default: 5].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: Option<u16>,
    /// Keep sessions together: a session is trained on or tested on, never both. With --folds, that many groups of sessions.
    #[arg(long, value_name = "session", value_enum)]
    pub(crate) split_by: Option<SplitBy>,
    /// Train on what started before this moment (RFC 3339, UTC), test on the rest.
    #[arg(long, value_name = "UTC", conflicts_with_all = ["folds", "split_by"])]
    pub(crate) split_time: Option<String>,
    /// Train on these files.
    #[arg(long, value_name = "TRACES|FEATURES", num_args = 1.., requires = "test", conflicts_with_all = ["folds", "split_by", "split_time"])]
    pub(crate) train: Vec<PathBuf>,
    /// Test on these files.
    #[arg(long, value_name = "TRACES|FEATURES", num_args = 1.., requires = "train")]
    pub(crate) test: Vec<PathBuf>,
    /// Also write the probabilities of the tested traces: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Shuffle the labels first: whatever the attack then finds is a leak.
    #[arg(long)]
    pub(crate) shuffle_labels: bool,
    /// Score although tested traces have the packets of a training trace.
    #[arg(long)]
    pub(crate) allow_duplicates: bool,
    /// Train and test another attack on the same splits, and test which one is better; repeat for several.
    #[arg(long, value_name = "NAME", value_parser = written::attack)]
    pub(crate) against: Vec<String>,
    #[command(flatten)]
    pub(crate) mode: EvaluateMode,
    /// Write the score sheet, every number with its interval: .json or .md.
    #[arg(long, value_name = "FILE")]
    pub(crate) sheet: Option<PathBuf>,
    /// Write the reliability picture: .svg.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}

/// What else is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other worlds (each adds its part to the report)")]
pub(crate) struct EvaluateMode {
    /// This class stands for everything unmonitored: threshold sweep, precision and recall, rates, r-precision.
    #[arg(long, value_name = "CLASS")]
    pub(crate) open_world: Option<String>,
    /// Restate open-world scores as if this share of all visits were monitored.
    #[arg(long, value_name = "SHARE", requires = "open_world", num_args = 1.., value_delimiter = ',', value_parser = share)]
    pub(crate) base_rate: Vec<f64>,
    /// Each class by itself against all others.
    #[arg(long)]
    pub(crate) one_vs_rest: bool,
    /// Train on so many traces of each class only, once for each number.
    #[arg(long, value_name = "N[,N]", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) few_shot: Vec<u16>,
    /// Train and test on the beginnings of traces: so many percent of the median duration, such as 10..100 (by tens) or 20,50.
    #[arg(long, value_name = "PERCENTS", value_parser = percents)]
    pub(crate) early: Option<Percents>,
    /// Train on each session and test on each other one.
    #[arg(long, conflicts_with = "train")]
    pub(crate) drift: bool,
}

/// Percentages, ascending.
#[derive(Debug, Clone)]
pub(crate) struct Percents(pub(crate) Vec<u16>);

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("not a share above 0 and below 1".to_owned()),
    }
}

fn percents(text: &str) -> Result<Percents, String> {
    let number = |text: &str| match text.trim().parse::<u16>() {
        Ok(percent) if (1..=1000).contains(&percent) => Ok(percent),
        _ => Err(format!("{text:?} is no percentage from 1 to 1000")),
    };
    let mut found: Vec<u16> = match text.split_once("..") {
        Some((from, to)) => (number(from)?..=number(to)?).step_by(10).collect(),
        None => text.split(',').map(number).collect::<Result<_, _>>()?,
    };
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(format!("{text:?} names no percentage")) } else { Ok(Percents(found)) }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = help::of_defences())]
pub(crate) struct Defend {
    #[command(flatten)]
    pub(crate) traces: Option<DefendTraces>,
    #[command(subcommand)]
    pub(crate) command: Option<DefendCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DefendCommand {
    /// All defences: name and presets, what they do, from where.
    List,
    /// One defence in full: source, presets, parameters with their units, overheads as published, what to know.
    Describe {
        /// Name of the defence.
        #[arg(value_name = "NAME", value_parser = written::defence)]
        name: String,
    },
    /// Audit a defended set, also one that another tool made: what its traces show, and what its manifest says.
    Verify {
        /// Traces before the defence.
        #[arg(value_name = "ORIGINAL")]
        original: PathBuf,
        /// The same traces after it, under the same class, rep and session.
        #[arg(value_name = "DEFENDED")]
        defended: PathBuf,
        /// The manifest [default: beside the defended file, where there is one].
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// The training traces that the defence learned from, to defend the original again.
        #[arg(long, value_name = "TRAINING")]
        fit_on: Option<PathBuf>,
        /// Defended copies of each trace [default: what the manifest says, else 1].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        replicas: Option<u32>,
    },
    /// What a defence would cost you: megabytes an hour and milliseconds, on captures of your own traffic.
    Cost(DefendCost),
    /// Parameters that cannot work on these traces, told before the run.
    Lint {
        /// The defence: `name[:preset][,key=value]`; layers joined by +.
        #[arg(value_name = "SPEC", value_parser = written::layers)]
        defence: String,
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DefendTraces {
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    pub(crate) traces: Vec<PathBuf>,
    /// The defence: `name[:preset][,key=value]`; layers joined by +.
    #[arg(long = "defence", alias = "defense", value_name = "SPEC", value_parser = written::layers)]
    pub(crate) defence: String,
    /// Defended traces to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What waits for a packet that is held back: none, optimistic (its direction), pessimistic (everything) or inferred (what seems to
    /// answer it); for layers that are not given `delays` [default: optimistic, as in published simulations]. The report has the time overhead under all of them.
    #[arg(long, value_name = "MODEL")]
    pub(crate) delay: Option<DelayModel>,
    /// When padding stops: oracle, with the last normal packet of the trace; or soft:W, W (such as 4s) after it, for a defence that
    /// cannot know that it was the last; for layers that are not given `stop` [default: oracle].
    #[arg(long, value_name = "oracle|soft:W", value_parser = stop_rule)]
    pub(crate) stop: Option<StopRule>,
    /// Then send everything over a link of this rate, such as 10Mbit/s, with a first-in-first-out queue each way; two rates
    /// joined by a comma are out and in.
    #[arg(long, value_name = "RATE[,RATE]", value_parser = link)]
    pub(crate) link: Option<DefenseSpec>,
    /// Training traces, for a defence that learns a database from them and their classes; make them with `wfkit dataset split`. `self` learns
    /// from the traces to defend, so that what is reported is too good.
    #[arg(long, value_name = "TRAINING|self")]
    pub(crate) fit_on: Option<PathBuf>,
    /// Defended copies of each trace, with draws of their own, to train on. Copy r of n of rep k is rep k n + r; copies of a trace share
    /// a session.
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) replicas: NonZeroU32,
    /// Check what takes a second run and a second reading too: same seed, same traces; labels do not matter; the file
    /// costs what the report says.
    #[arg(long)]
    pub(crate) verify: bool,
    /// The attack that is retrained on the defended traces, and trained on the undefended ones beside it.
    #[arg(long, default_value = "kfp-size", value_name = "NAME", value_parser = written::attack)]
    pub(crate) attack: String,
    /// Folds of its cross-validation.
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: u16,
}

#[derive(Debug, Args)]
pub(crate) struct DefendCost {
    /// Captures (pcap or pcapng files, or folders of them) or trace files.
    #[arg(required = true, value_name = "CAPTURES|TRACES")]
    pub(crate) paths: Vec<PathBuf>,
    /// A defence, or several as one, as in `wfkit sweep`; repeat for more.
    #[arg(long = "defence", alias = "defense", required = true, value_name = "SPECS", value_parser = written::grid)]
    pub(crate) defences: Vec<String>,
    #[command(flatten)]
    pub(crate) import: Import,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_SWEEP)]
pub(crate) struct Sweep {
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    pub(crate) traces: Vec<PathBuf>,
    /// A defence, or several as one: lists a|b|c and ranges a..b or a..b/n in place of values; repeat for more.
    #[arg(long = "defence", alias = "defense", value_name = "SPECS", value_parser = written::grid, required_unless_present_any = ["plan", "variants"])]
    pub(crate) defences: Vec<String>,
    /// More of them from a file, one a line; what follows # is a comment.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Also the defences that published code runs otherwise than their papers say, both ways, with the differences in cost and protection; all of
    /// them, or those named after `=`, as in --variants=front,tamaraw.
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = written::variants)]
    pub(crate) variants: Vec<String>,
    /// The attacks, each trained again for every defence; feature sets of one attack are joined by +, as in kfp-size+cumul. The trivial attack
    /// on totals is always among them.
    #[arg(long = "attack", value_name = "NAME[,NAME]", value_delimiter = ',', default_value = "kfp-size", value_parser = written::attack_of_sweep)]
    pub(crate) attacks: Vec<String>,
    /// Also show this attack one kind of information at a time: sizes, times, order; and the totals beside it.
    #[arg(long, value_name = "ATTACK", value_parser = written::attack_of_sweep)]
    pub(crate) views: Option<String>,
    /// Folder for the results, and for what is kept of finished measurements.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How often each defence that leaves something to chance is drawn anew, and attacked anew. Draw n is what `wfkit defend` makes with --seed
    /// and n added to it, counted from 0.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) draws: u16,
    /// Defended copies of each trace to train on, in every draw; the first copy is tested, never with another in training.
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) replicas: NonZeroU32,
    /// What waits for a packet that is held back, as in `wfkit defend`.
    #[arg(long, value_name = "MODEL")]
    pub(crate) delay: Option<DelayModel>,
    /// When padding stops, as in `wfkit defend`.
    #[arg(long, value_name = "oracle|soft:W", value_parser = stop_rule)]
    pub(crate) stop: Option<StopRule>,
    /// Stratified folds, the same traces in each for every defence [default: 5].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: Option<u16>,
    /// Keep sessions together: a session is trained on or tested on, never both. With --folds, that many groups of sessions.
    #[arg(long, value_name = "session", value_enum)]
    pub(crate) split_by: Option<SplitBy>,
    /// Test on this session and train on the others, once; repeat to test on several.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["folds", "split_by"])]
    pub(crate) test_session: Vec<String>,
    /// Take the first traces of each class in each session only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) first: Option<u32>,
    /// Show published numbers beside: those of the data set that the traces are, and with `all` those of others too, marked as foreign.
    #[arg(long, value_name = "DATA-SET|all", value_delimiter = ',', value_parser = written::data_set)]
    pub(crate) published: Vec<String>,
    /// Measure everything anew, whatever is kept.
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// A stop rule of a defence that pads.
fn stop_rule(text: &str) -> Result<StopRule, String> {
    match text.parse()? {
        StopRule::NoPadding => Err("oracle or soft:W, as in soft:4s".to_owned()),
        rule => Ok(rule),
    }
}

/// A link as a last layer.
fn link(text: &str) -> Result<DefenseSpec, String> {
    let spec = match text.split_once(',') {
        Some((out, inward)) => format!("link,rate-out={out},rate-in={inward}"),
        None => format!("link,rate={text}"),
    };
    spec.parse().map_err(|error: wfkit_defend::SpecError| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Competition {
    /// Traces to the defence file that a team uploads.
    Export {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Defence file to write: .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        rules: Rules,
    },
    /// A defence file to a team's train, test and verification files.
    Split {
        /// Defence file: .csv or .csv.zip.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The team that uploaded it.
        #[arg(long, value_name = "N")]
        team_id: u32,
        /// Folder for team_N_train.csv.zip, team_N_test.csv.zip and team_N_verif.csv.zip.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Number of test traces.
        #[arg(long, default_value_t = 300, value_name = "N")]
        test: usize,
    },
    /// Hold a file against the competition's rules and list every problem.
    Check {
        /// What the file is.
        #[arg(value_enum)]
        kind: UploadKind,
        /// The file: .csv or .csv.zip.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Verification files of the attacked teams, for an attack; without them only the form is checked.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        verif: Vec<PathBuf>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Score an attack file, and the defence it attacked where that is given.
    Score {
        /// Attack file.
        #[arg(long, value_name = "FILE")]
        attack: PathBuf,
        /// Verification files of the attacked teams.
        #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
        verif: Vec<PathBuf>,
        /// Defence file of the scored team: adds its utility and the total.
        #[arg(long, value_name = "FILE")]
        defence: Option<PathBuf>,
    },
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UploadKind {
    /// A defence file.
    Defence,
    /// An attack file.
    Attack,
}

/// The competition's limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rules of the competition")]
pub(crate) struct Rules {
    /// Classes, named 1 to N.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) classes: u32,
    /// Traces a class, on average.
    #[arg(long, default_value_t = 32, value_name = "MEAN")]
    pub(crate) reps: u32,
    /// How far a class may be from that: less than this.
    #[arg(long, default_value_t = 7, value_name = "D")]
    pub(crate) deviation: u32,
    /// A trace has more packets than this.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) min_packets: usize,
}

/// A number of seconds, at least 0.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 && seconds.is_finite() => Ok(seconds),
        _ => Err("not a number of seconds".to_owned()),
    }
}
