//! Values of the command line: what was written becomes what is meant, before the work begins.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use wfkit_classify::forest::Splits;
use wfkit_classify::{AttackError, Backend};
use wfkit_datasets::formats::FieldFormat;
use wfkit_datasets::{PUBLIC_SETS, PublicSet, canonical_class};
use wfkit_defend::{DefenseSpec, DefenseSpecError, GridError, with_machines_of_files};
use wfkit_evaluate::Attacks;
use wfkit_report::text::SheetForm;
use wfkit_terminal::values::one_of;

/// Where a picture goes.
pub(super) fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    crate::context::drawn_as(&path).map(|_| path).map_err(|error| error.to_string())
}

/// Where a score sheet goes.
pub(super) fn sheet(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match SheetForm::of(&path) {
        Some(_) => Ok(path),
        None => Err("a score sheet is written as .json or .md".to_owned()),
    }
}

/// Whose forest is trained.
pub(super) fn backend() -> impl TypedValueParser<Value = Backend> {
    one_of(Backend::ALL, Backend::name, |whose| match whose {
        Backend::Native => "wfkit's own",
        Backend::Smartcore => "smartcore's",
        Backend::Linfa => "linfa's",
    })
}

/// Between which values forests cut a feature.
pub(super) fn splits() -> impl TypedValueParser<Value = Splits> {
    let name = |splits| match splits {
        Splits::Exact => "exact",
        Splits::Histogram => "histogram",
    };
    one_of([Splits::Exact, Splits::Histogram], name, |splits| match splits {
        Splits::Exact => "Between any two values that follow each other, up to 65,536 of them",
        Splits::Histogram => {
            "Between 256 bins at most of about equally many training traces: a little faster where traces are many, and as accurate"
        }
    })
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
    let name = canonical_class(text);
    if name.is_empty() { Err("a class has a name".to_owned()) } else { Ok(name.into_owned()) }
}

/// A defence with its layers; `@FILE` stands for the machines in the file.
pub(super) fn layers(text: &str) -> Result<DefenseSpec, String> {
    with_machines_of_files(text)?.parse().map_err(|error: DefenseSpecError| error.to_string())
}

/// Several defences that were written as one, with lists and ranges in place of values.
#[derive(Debug, Clone)]
pub(crate) struct Defenses(pub(crate) Vec<DefenseSpec>);

impl FromStr for Defenses {
    type Err = String;

    /// `@FILE` as in [`layers`].
    fn from_str(text: &str) -> Result<Self, String> {
        wfkit_defend::grid(&with_machines_of_files(text)?).map(Self).map_err(|error: GridError| error.to_string())
    }
}
