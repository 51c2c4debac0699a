//! Values of the command line: what was written becomes what is meant, before the work begins.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{PUBLIC_SETS, PublicSet, canonical_class};
use wfkit_terminal::values::one_of;

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

/// A format of another tool that is written.
pub(super) fn written_format() -> impl TypedValueParser<Value = FieldFormat> {
    let written = FieldFormat::ALL.into_iter().filter(|format| format.written_as().is_some());
    one_of(written, FieldFormat::name, |format| format.written_as().unwrap_or_default())
}

/// A public set.
pub(super) fn public_set() -> impl TypedValueParser<Value = &'static PublicSet> {
    PossibleValuesParser::new(PUBLIC_SETS.iter().map(|set| set.name))
        .map(|name| wfkit_datasets::public_set(&name).expect("clap takes these names alone"))
}

/// The name of a class, as all files have it: `01` is `1`.
pub(super) fn class(text: &str) -> Result<String, String> {
    let name = canonical_class(text);
    if name.is_empty() { Err("a class has a name".to_owned()) } else { Ok(name.into_owned()) }
}
