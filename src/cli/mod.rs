//! The command line: clap types only.

mod attack;
mod capture;
mod competition;
mod dataset;
mod defend;
mod features;
mod plot;
mod sweep;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wfkit_defend::DefenseSpec;

pub(crate) use attack::*;
pub(crate) use capture::*;
pub(crate) use competition::*;
pub(crate) use dataset::*;
pub(crate) use defend::*;
pub(crate) use features::*;
pub(crate) use plot::*;
pub(crate) use sweep::*;
pub(crate) use values::{AttackName, Attacks, Defenses, NamedDefense, Shard};

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

/// A moment, as it was written and in Unix ns UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) text: String,
    pub(crate) ns: i64,
}

impl std::str::FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| "not a moment such as 2026-05-01T12:00:00Z")?;
        Ok(Self { text: text.to_owned(), ns: moment.as_nanosecond().try_into().map_err(|_| "too far away")? })
    }
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
    /// Pictures of traces, scores and costs, as SVG, with their data as a table or for Vega-Lite.
    #[command(subcommand)]
    Plot(Plot),
    /// One page of everything that a folder holds: what leaks, by what, what a defence would cost; pictures, stages, and what repeats it.
    Report(Report),
    /// Measure an attack on traces it was not trained on.
    Evaluate(Evaluate),
    /// Score class probabilities that anybody's attack gave, as wfkit scores its own.
    Score(Score),
    /// Apply a defence to traces; report its overheads and what the attack still finds.
    Defend(Defend),
    /// Many defences against many attacks: what each costs, what is still found, and which of them nothing beats.
    Sweep(Sweep),
    /// Sessions of several pages: make them of page loads, and attack them without knowing where pages begin.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Files and scores of a privacy competition, and its server from the terminal.
    #[command(subcommand)]
    Competition(Competition),
    /// Pages of Markdown about every command, feature, attack, defence and invariant, as this very program has them.
    Reference {
        /// Folder for commands.md, features.md, attacks.md, defences.md and invariants.md.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
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
    #[arg(long, default_value = "kfp-size", value_name = "NAME")]
    pub(crate) attack: AttackName,
    /// A defence to simulate; repeat for several. `wfkit defend list` lists them.
    #[arg(long = "defence", value_name = "SPEC", value_parser = values::layers, default_values = ["pad:mtu", "front:ft-1", "tamaraw:cell"])]
    pub(crate) defences: Vec<DefenseSpec>,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: u16,
}
