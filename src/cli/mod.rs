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

use clap::{Args, Parser, Subcommand};
use wfkit_defend::DefenseSpec;
use wfkit_evaluate::AttackName;
use wfkit_terminal::Global;
use wfkit_terminal::captures::ImportArgs;
pub(crate) use wfkit_terminal::quantities::Moment;

use crate::help;

pub(crate) use attack::*;
pub(crate) use capture::*;
pub(crate) use competition::*;
pub(crate) use dataset::*;
pub(crate) use defend::*;
pub(crate) use features::*;
pub(crate) use plot::*;
pub(crate) use sweep::*;
pub(crate) use values::ReadAs;

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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole pipeline on one input: capture, features, attacks, defences, competition files.
    Run(Run),
    /// Write a commented pipeline file, which `wfkit run` takes.
    Init(Init),
    /// Run again what made a folder, and compare every byte.
    Rerun(Rerun),
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
    /// Pictures of traces, scores and costs, as SVG or PNG, with their data as a table or for Vega-Lite.
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
    /// What the report of a stage looks like, as JSON Schema (2020-12): the fields that it has, of which type.
    Schema {
        /// Name of the stage, as its report has it; words may be joined by - [default: list the names].
        #[arg(value_name = "STAGE")]
        stage: Option<String>,
    },
    /// Completions of commands and options for a shell.
    #[command(after_help = help::OF_COMPLETIONS)]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Write a manual page of every command.
    Man {
        /// Folder for them.
        #[arg(long, value_name = "DIR", default_value = "man/man1")]
        out: PathBuf,
    },
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
    /// is not given. Or a pipeline file (.toml) as `wfkit init` writes it, which says all this.
    pub(crate) input: Option<PathBuf>,
    /// Folder for everything that the run writes.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The attack that defences have to withstand; `wfkit train --help` lists them.
    #[arg(long, default_value = "kfp-size", value_name = "NAME")]
    pub(crate) attack: AttackName,
    /// A defence to simulate; repeat for several. `wfkit defend list` lists them.
    #[arg(long = "defence", value_name = "SPEC", value_parser = DefenseSpec::with_files, default_values = ["pad:mtu", "front:ft-1", "tamaraw:cell"])]
    pub(crate) defences: Vec<DefenseSpec>,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: u16,
    // Last, since its heading would be that of what follows.
    #[command(flatten)]
    pub(crate) import: ImportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// What goes through the pipeline: captures or traces [default: the bundled sample].
    pub(crate) input: Option<PathBuf>,
    /// Pipeline file to write.
    #[arg(long, value_name = "FILE", default_value = "wfkit.toml")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    /// Folder that `wfkit run` wrote.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Keep what the second run writes in this folder, which is made [default: it is kept only where it differs].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
