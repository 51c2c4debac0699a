//! Recording and reading captures.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};
use wfkit_capture::live::Filter;
use wfkit_capture::{ClientRule, FlowScope, ImportOptions, LabelSource, OutlierRule, PeerRule, Selection};
use wfkit_datasets::{Layer, PacketColumn, Shard};
use wfkit_terminal::quantities::{duration, seconds};

use crate::help;
use wfkit_terminal::values::{on_or_off, one_of};

#[derive(Debug, Subcommand)]
pub(crate) enum Capture {
    /// Read pcap and pcapng files, or folders of them, into one trace file.
    Import(CaptureImport),
    /// What is in capture files, and why one gives no trace.
    Info {
        /// Capture files, or folders of them; - is the standard input.
        #[arg(required = true, value_name = "PATH")]
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

/// Heads the options that say how captures are read.
pub(crate) const READING_CAPTURES: &str = "Reading captures";

/// How captures are read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = READING_CAPTURES)]
pub(crate) struct Import {
    /// Pattern for file names, with a named group `class`, and `rep` and `session` if there are any; or `folders`: the
    /// folder of a file is its class, the one around that its session
    /// [default: manifest.csv where the folder has one, else names such as cell_3_rep_12.pcap and 3_12.pcap, without dates].
    #[arg(long, value_name = "REGEX|folders", conflicts_with = "labels")]
    pub(crate) label: Option<LabelSource>,
    /// CSV with the columns path, class and, if there are any, rep, session and origin: splits never tear traces of one origin apart.
    #[arg(long, value_name = "CSV")]
    pub(crate) labels: Option<PathBuf>,
    /// Who is the client: `auto`, an address range such as 10.0.0.0/8, or `port:N` for whoever talks to port N.
    #[arg(long, default_value = "auto", value_name = "auto|CIDR|port:N")]
    pub(crate) client: ClientRule,
    /// Which size the sizes are.
    #[arg(long, value_parser = one_of(Layer::KNOWN, Layer::name, Layer::meaning), default_value = "tcp")]
    pub(crate) layer: Layer,
    /// Put TCP segments in order and drop retransmitted bytes, or count every segment with payload as captured; tls and
    /// cell need it on, frame and ip take no notice.
    #[arg(long, action = ArgAction::Set, value_parser = on_or_off(), default_value = "on")]
    pub(crate) reassembly: bool,
    /// Keep the flow to the main peer (the one with most bytes), or everything of the client.
    #[arg(long, value_parser = one_of(FlowScope::ALL, FlowScope::name, FlowScope::meaning), default_value = "main")]
    pub(crate) flows: FlowScope,
    /// Which peer is meant: `main`, `common` for the one that most files share (such as the guard of Tor), an address range,
    /// or ports; of several the one with most bytes.
    #[arg(long, default_value = "main", value_name = "main|common|CIDR|port:N[-M]")]
    pub(crate) peer: PeerRule,
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
    /// Keep more of each packet than time and size: which flow it is of, its protocol. Parquet holds it, splits and defences keep it.
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', value_parser = one_of([PacketColumn::Flow, PacketColumn::Proto], PacketColumn::name, PacketColumn::meaning))]
    pub(crate) packet_columns: Vec<PacketColumn>,
}

/// Where labels come from: a pattern, else a manifest, else what is there.
pub(super) fn label_source(label: Option<&LabelSource>, manifest: Option<&PathBuf>) -> LabelSource {
    let of_manifest = || manifest.cloned().map_or(LabelSource::Auto, LabelSource::Manifest);
    label.cloned().unwrap_or_else(of_manifest)
}

impl From<&Import> for ImportOptions {
    fn from(options: &Import) -> Self {
        Self {
            layer: options.layer,
            reassembly: options.reassembly,
            client: options.client,
            flows: options.flows,
            peer: options.peer,
            inner: options.inner,
            labels: label_source(options.label.as_ref(), options.labels.as_ref()),
            select: Selection {
                trim_ns: options.trim.map(|seconds| (seconds * 1e9) as u64),
                min_packets: options.min_packets,
                outliers: options.outliers,
            },
            packet_columns: options.packet_columns.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CaptureImport {
    /// Capture files, or folders of them; `-` is the standard input, whose class is `stdin`.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Trace file to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Captures that may have more packets than this (16 bytes count as one) are read twice and worked through in parts, so that their traces need not
    /// fit memory. What is written is the same.
    #[arg(long, value_name = "PACKETS", default_value_t = crate::large::AT_ONCE)]
    pub(crate) at_once: u64,
    /// Import one share of the captures, as for job arrays: 3/16 is the third of sixteen. `wfkit dataset merge` joins what all of them wrote to the
    /// bytes of one run. Each capture has to tell who its client is by itself, or --client says it.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
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
