//! Options that say how captures are read, wherever a command reads some.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use wfkit_capture::{ClientRule, FlowScope, ImportOptions, LabelSource, OutlierRule, PeerRule, Selection};
use wfkit_datasets::{Layer, PacketColumn};

use crate::quantities::seconds;
use crate::values::{on_or_off, one_of};

/// Heads the options that say how captures are read.
pub const READING_CAPTURES: &str = "Reading captures";

/// How captures are read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = READING_CAPTURES)]
pub struct ImportArgs {
    /// Pattern for file names, with a named group `class`, and `rep` and `session` if there are any; or `folders`: the
    /// folder of a file is its class, the one around that its session
    /// [default: manifest.csv where the folder has one, else names such as cell_3_rep_12.pcap and 3_12.pcap, without dates].
    #[arg(long, value_name = "REGEX|folders", conflicts_with = "labels")]
    pub label: Option<LabelSource>,
    /// CSV with the columns path, class and, if there are any, rep, session and origin: splits never tear traces of one origin apart.
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Who is the client: `auto`, an address range such as 10.0.0.0/8, or `port:N` for whoever talks to port N.
    #[arg(long, default_value = "auto", value_name = "auto|CIDR|port:N")]
    pub client: ClientRule,
    /// Which size the sizes are.
    #[arg(long, value_parser = one_of(Layer::KNOWN, Layer::name, Layer::meaning), default_value = "tcp")]
    pub layer: Layer,
    /// Put TCP segments in order and drop retransmitted bytes, or count every segment with payload as captured; tls and
    /// cell need it on, frame and ip take no notice.
    #[arg(long, action = ArgAction::Set, value_parser = on_or_off(), default_value = "on")]
    pub reassembly: bool,
    /// Keep the flow to the main peer (the one with most bytes), or everything of the client.
    #[arg(long, value_parser = one_of(FlowScope::ALL, FlowScope::name, FlowScope::meaning), default_value = "main")]
    pub flows: FlowScope,
    /// Which peer is meant: `main`, `common` for the one that most files share (such as the guard of Tor), an address range,
    /// or ports; of several the one with most bytes.
    #[arg(long, default_value = "main", value_name = "main|common|CIDR|port:N[-M]")]
    pub peer: PeerRule,
    /// Look inside of tunnels (IP in IP, GRE, VXLAN): the packet in the packet counts.
    #[arg(long)]
    pub inner: bool,
    /// Cut idle heads and tails: parts with less than 1 % of the bytes, apart from the rest by this long a pause.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub trim: Option<f64>,
    /// Leave out traces with fewer packets.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub min_packets: usize,
    /// Leave out outliers: traces whose incoming bytes are more than 1.5 interquartile ranges from the quartiles of
    /// their class. Only for traces that attacks are trained on: an attacker does not choose what he is to recognise.
    #[arg(long, default_value = "keep", value_name = "keep|iqr")]
    pub outliers: OutlierRule,
    /// Keep more of each packet than time and size: which flow it is of, its protocol. Parquet holds it, splits and defences keep it.
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', value_parser = one_of([PacketColumn::Flow, PacketColumn::Proto], PacketColumn::name, PacketColumn::meaning))]
    pub packet_columns: Vec<PacketColumn>,
}

/// Where labels come from: a pattern, else a manifest, else what is there.
fn label_source(label: Option<&LabelSource>, manifest: Option<&PathBuf>) -> LabelSource {
    let of_manifest = || manifest.cloned().map_or(LabelSource::Auto, LabelSource::Manifest);
    label.cloned().unwrap_or_else(of_manifest)
}

impl From<&ImportArgs> for ImportOptions {
    fn from(options: &ImportArgs) -> Self {
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

/// How packets in text are imported; each as `capture import` has it, and by default as there.
#[derive(Debug, Args)]
#[command(next_help_heading = READING_CAPTURES)]
pub struct PacketTextArgs {
    /// Packets in text: pattern for file names with named groups class, rep, session; or `folders`.
    #[arg(long, value_name = "REGEX|folders", conflicts_with = "labels")]
    label: Option<LabelSource>,
    /// Packets in text: CSV with the columns path, class and, if there are any, rep, session and origin.
    #[arg(long, value_name = "CSV")]
    labels: Option<PathBuf>,
    /// Packets in text: who is the client [default: auto].
    #[arg(long, value_name = "auto|CIDR|port:N")]
    client: Option<ClientRule>,
    /// Packets in text: which size the sizes are [default: tcp].
    #[arg(long, value_parser = one_of(Layer::KNOWN, Layer::name, Layer::meaning))]
    layer: Option<Layer>,
    /// Packets in text: the flow to the main peer, or everything of the client [default: main].
    #[arg(long, value_parser = one_of(FlowScope::ALL, FlowScope::name, FlowScope::meaning))]
    flows: Option<FlowScope>,
    /// Packets in text: which peer is meant [default: main].
    #[arg(long, value_name = "main|common|CIDR|port:N[-M]")]
    peer: Option<PeerRule>,
    /// Packets in text: what to keep of each packet beside time and size.
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', value_parser = one_of([PacketColumn::Flow, PacketColumn::Proto], PacketColumn::name, PacketColumn::meaning))]
    packet_columns: Vec<PacketColumn>,
}

impl From<&PacketTextArgs> for ImportOptions {
    fn from(options: &PacketTextArgs) -> Self {
        Self {
            labels: label_source(options.label.as_ref(), options.labels.as_ref()),
            client: options.client.unwrap_or_default(),
            layer: options.layer.unwrap_or(Layer::Tcp),
            flows: options.flows.unwrap_or_default(),
            peer: options.peer.unwrap_or_default(),
            packet_columns: options.packet_columns.clone(),
            ..Self::default()
        }
    }
}
