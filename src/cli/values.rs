//! Values of the command line: what was written becomes what is meant, before the work begins.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use wfkit_capture::{FlowScope, LabelPattern, LabelSource};
use wfkit_classify::forest::Splits;
use wfkit_classify::{Attack, AttackError, AttackOptions, Backend};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{Layer, PUBLIC_SETS, PacketColumn, PublicSet, canonical_class};
use wfkit_defend::{DefenseInfo, DefenseSpec, GridError, NotSimulated, list, meant_defense, not_simulated};
use wfkit_features::Channel;
use wfkit_metrics::did_you_mean_one_of;

/// One of several names, each of which stands for a value and has its help.
fn one_of<T: Clone + Send + Sync + 'static>(
    all: &'static [(&'static str, T, &'static str)],
) -> impl TypedValueParser<Value = T> {
    let names = all.iter().map(|(name, _, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(names).map(|name| {
        let meant = all.iter().find(|(known, ..)| *known == name);
        meant.expect("clap takes these names alone").1.clone()
    })
}

/// Classes, by the names that files have them by.
#[derive(Debug, Clone)]
pub(crate) struct ClassList(pub(crate) Vec<String>);

/// Classes as `a,b` or as the lines of `@FILE`; empty ones do not count.
pub(super) fn classes(list: &str) -> Result<ClassList, String> {
    let text = match list.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).map_err(|error| format!("{file}: cannot read: {error}"))?,
        None => list.replace(',', "\n"),
    };
    let names: Vec<String> =
        text.lines().map(canonical_class).filter(|name| !name.is_empty()).map(Cow::into_owned).collect();
    if names.is_empty() { Err("it names no class".to_owned()) } else { Ok(ClassList(names)) }
}

/// Where a picture goes.
pub(super) fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    crate::context::drawn_as(&path).map(|_| path).map_err(|error| error.to_string())
}

/// Where a score sheet goes.
pub(super) fn sheet(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json" | "md") => Ok(path),
        _ => Err("a score sheet is written as .json or .md".to_owned()),
    }
}

/// Whose forest is trained.
pub(super) fn backend() -> impl TypedValueParser<Value = Backend> {
    one_of(&[
        ("native", Backend::Native, "wfkit's own"),
        ("smartcore", Backend::Smartcore, "smartcore's"),
        ("linfa", Backend::Linfa, "linfa's"),
    ])
}

/// Between which values forests cut a feature.
pub(super) fn splits() -> impl TypedValueParser<Value = Splits> {
    one_of(&[
        ("exact", Splits::Exact, "Between any two values that follow each other, up to 65,536 of them"),
        (
            "histogram",
            Splits::Histogram,
            "Between 256 bins at most of about equally many training traces: a little faster where traces are many, and as accurate",
        ),
    ])
}

/// Which size the sizes of a trace are.
pub(super) fn layer() -> impl TypedValueParser<Value = Layer> {
    one_of(&[
        ("frame", Layer::Frame, "Link-layer frame length"),
        ("ip", Layer::Ip, "IP total length"),
        ("tcp", Layer::Tcp, "TCP payload length; packets without payload are left out"),
        ("tls", Layer::Tls, "TLS record length"),
        ("cell", Layer::Cell, "Tor cells, as found in TLS records"),
        ("udp", Layer::Udp, "UDP payload length"),
    ])
}

/// On or off.
pub(super) fn switch() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|name| name == "on")
}

/// Which flows of a capture make its trace.
pub(super) fn flows() -> impl TypedValueParser<Value = FlowScope> {
    one_of(&[
        ("main", FlowScope::Main, "The flows to the peer with most bytes"),
        ("all", FlowScope::All, "Everything of the client"),
    ])
}

/// What a tensor holds of each packet.
pub(super) fn channel() -> impl TypedValueParser<Value = Channel> {
    one_of(&[
        ("direction", Channel::Direction, "1 outgoing, -1 incoming"),
        ("time", Channel::Time, "Seconds since the first packet"),
        ("size", Channel::Size, "Signed bytes, outgoing positive"),
        ("direction-time", Channel::DirectionTime, "Direction times time, plus 0.1 ms"),
        ("tam", Channel::Tam, "Traffic aggregation matrix: packets in slots of time, outgoing and incoming"),
        (
            "sized",
            Channel::Sized,
            "Three rows: size, cumulated size and gap, as attack df-sized sees them at --length 256",
        ),
        (
            "flow",
            Channel::Column(PacketColumn::Flow),
            "1 for packets of the first flow, 2 of the second, .., 0 unknown",
        ),
        ("proto", Channel::Column(PacketColumn::Proto), "1 more than the number of the protocol over IP, 0 unknown"),
        ("cell_cmd", Channel::Column(PacketColumn::CellCmd), "1 more than the command of a cell, 0 unknown"),
        ("relay_cmd", Channel::Column(PacketColumn::RelayCmd), "1 more than the command in a relay cell, 0 unknown"),
    ])
}

/// What files are, whatever they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadAs {
    /// Traces in the format of another tool.
    Field(FieldFormat),
    /// Packets as a tool printed them, of which captures are imported.
    Packets,
}

/// Tools that print packets.
const PRINTERS: [&str; 3] = ["tshark", "wireshark", "tcpdump"];

/// A format of another tool.
pub(super) fn read_format() -> impl TypedValueParser<Value = ReadAs> {
    let names = FieldFormat::ALL.map(FieldFormat::name).into_iter().chain(PRINTERS);
    PossibleValuesParser::new(names).map(|name| {
        let meant = FieldFormat::ALL.into_iter().find(|format| format.name() == name);
        meant.map_or(ReadAs::Packets, ReadAs::Field)
    })
}

/// Columns of packets that captures tell.
pub(super) fn packet_column() -> impl TypedValueParser<Value = PacketColumn> {
    one_of(&[
        ("flow", PacketColumn::Flow, "Which flow of its trace a packet is of, from 0 on"),
        ("proto", PacketColumn::Proto, "The protocol over IP by its number: 6 TCP, 17 UDP"),
    ])
}

/// A public set.
pub(super) fn public_set() -> impl TypedValueParser<Value = &'static PublicSet> {
    PossibleValuesParser::new(PUBLIC_SETS.iter().map(|set| set.name))
        .map(|name| wfkit_datasets::public_set(&name).expect("clap takes these names alone"))
}

/// A format of another tool that is written.
pub(super) fn written_format() -> impl TypedValueParser<Value = FieldFormat> {
    one_of(&[
        ("wang", FieldFormat::Wang, "Seconds and direction, a line a cell, a file a trace"),
        ("cell", FieldFormat::Cell, "Seconds and signed size"),
        ("kfp", FieldFormat::Kfp, "A Python list of (seconds, direction)"),
        ("cumul", FieldFormat::Cumul, "A line a trace: page, milliseconds, count, ms:size, incoming positive"),
        ("maybenot", FieldFormat::Maybenot, "Nanoseconds, s or r, bytes"),
        ("circpad", FieldFormat::Circpad, "Events of Tor's circuit padding simulator"),
        ("nfstream", FieldFormat::NfStream, "Flows of NFStream as CSV: splt_direction, splt_ps, splt_piat_ms"),
        ("cesnet", FieldFormat::Cesnet, "Flows of CESNET as CSV: PPI, lists of gaps in ms, directions, sizes"),
        ("f-bleau", FieldFormat::FBleau, "A line a trace: class (a whole number), signed sizes; without times"),
        ("json-lines", FieldFormat::JsonLines, "A line a trace, with all but pages and layer"),
    ])
}

/// The name of an attack that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttackName(String);

impl FromStr for AttackName {
    type Err = AttackError;

    fn from_str(text: &str) -> Result<Self, AttackError> {
        Attack::by_name(text, &AttackOptions::default()).map(|_| Self(text.to_owned()))
    }
}

impl Deref for AttackName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An attack between commas, by its full name; `+` joins feature sets.
pub(super) fn attack_of_sweep(text: &str) -> Result<AttackName, AttackError> {
    // A name may have a + of its own, as best+deep.
    let by_name = |text: &str| Attack::by_name(text, &AttackOptions::default());
    let attack = by_name(text).or_else(|_| by_name(&text.replace('+', ",")))?;
    Ok(AttackName(attack.name().to_owned()))
}

/// What stands for all attacks in place of a name.
const ALL: &str = "all";

/// One attack, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attacks {
    One(AttackName),
    All,
}

impl FromStr for Attacks {
    type Err = AttackError;

    fn from_str(text: &str) -> Result<Self, AttackError> {
        if text == ALL { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

impl Attacks {
    /// Its name; none of all of them.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::One(name) => Some(name),
            Self::All => None,
        }
    }
}

/// One attack; all of them are for comparing.
pub(super) fn attack_to_train(text: &str) -> Result<Attacks, String> {
    match text.parse() {
        Ok(Attacks::All) => {
            Err("`all` compares attacks, and a model file holds one: wfkit evaluate TRACES --attack all shows which to train".to_owned())
        }
        attack => attack.map_err(|error: AttackError| error.to_string()),
    }
}

/// The name of a class, as all files have it: `01` is `1`.
pub(super) fn class(text: &str) -> Result<String, String> {
    let name = wfkit_datasets::canonical_class(text);
    if name.is_empty() { Err("a class has a name".to_owned()) } else { Ok(name.into_owned()) }
}

/// What a name of a defence stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamedDefense {
    Simulated(&'static DefenseInfo),
    NotSimulated(&'static NotSimulated),
}

impl FromStr for NamedDefense {
    type Err = String;

    /// The defence of that name; a specification of one layer is as good.
    fn from_str(name: &str) -> Result<Self, String> {
        let bare = name.split([':', ',']).next().unwrap_or(name);
        let simulated = list().iter().find(|defence| defence.name == bare).map(Self::Simulated);
        let absent = || not_simulated().iter().find(|defence| defence.name == bare).map(Self::NotSimulated);
        simulated.or_else(absent).ok_or_else(|| {
            let names: Vec<&str> = list().iter().map(|defence| defence.name).collect();
            format!("there is no defence `{bare}`{}; there are {}", meant_defense(bare), names.join(", "))
        })
    }
}

/// A pattern for file names, or `folders`.
pub(super) fn label(text: &str) -> Result<LabelSource, String> {
    if text == "folders" {
        return Ok(LabelSource::Folders);
    }
    text.parse::<LabelPattern>().map(LabelSource::Pattern).map_err(|error| error.to_string())
}

/// A defence with its layers; `@FILE` stands for the machines in the file.
pub(super) fn layers(text: &str) -> Result<DefenseSpec, String> {
    with_files(text)?.parse().map_err(|error: wfkit_defend::DefenseSpecError| error.to_string())
}

/// Several defences that were written as one, with lists and ranges in place of values.
#[derive(Debug, Clone)]
pub(crate) struct Defenses(pub(crate) Vec<DefenseSpec>);

impl FromStr for Defenses {
    type Err = String;

    /// `@FILE` as in [`layers`].
    fn from_str(text: &str) -> Result<Self, String> {
        wfkit_defend::grid(&with_files(text)?).map(Self).map_err(|error: GridError| error.to_string())
    }
}

/// The specification with the machines of each file, one a line, in the place of its `=@FILE`: whatever is kept of it says everything, and
/// needs no file. A line that begins with # is a remark. What joins layers cannot stand in a text, so `-` stands for it.
fn with_files(text: &str) -> Result<String, String> {
    let mut parts = text.split("=@");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', '+', '|']).unwrap_or(part.len());
        let (file, rest) = part.split_at(end);
        let machines = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let machines = machines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let machines = machines.collect::<Vec<_>>().join(";").replace('+', "-");
        whole.extend(["=", &machines, rest]);
    }
    Ok(whole)
}

/// A defence that published code runs otherwise than its paper says, or `all`.
pub(super) fn variants(text: &str) -> Result<String, String> {
    let mut names: Vec<&str> = wfkit_defend::variants().iter().map(|variants| variants.defense).collect();
    match text == "all" || names.contains(&text) {
        true => Ok(text.to_owned()),
        false => {
            names.insert(0, "all");
            let meant = did_you_mean_one_of(text, names.iter().copied());
            let names = names.join(", ");
            Err(format!("`{text}` is in no published code otherwise than in its paper{meant}; there are {names}"))
        }
    }
}
