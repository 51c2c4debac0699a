//! One file a command: options to validated values to library calls to a report.

mod capture;
mod competition;
mod completions;
mod dataset;
mod defend;
mod evaluate;
mod features;
mod init;
mod merge;
mod plot;
mod predict;
mod reference;
mod report;
mod rerun;
mod run;
mod schema;
mod score;
mod sessions;
mod sweep;
mod train;

use anyhow::Result;
use wfkit_classify::every_attack;

use crate::asked::Asked;
use crate::cli::Command;
use crate::context::Context;
use wfkit_terminal::{Printer, Program};

/// Runs one command.
pub(crate) fn execute(asked: Asked, program: Program<'_>, printer: &Printer) -> Result<()> {
    let Asked { cli, options } = asked;
    let context = Context::new(cli.global.seed, options, program, printer).describing(!cli.global.no_croissant);
    match cli.command {
        Command::Run(options) => run::run(&options, &context),
        Command::Init(options) => init::run(&options, &context),
        Command::Rerun(options) => rerun::run(&options, &context),
        Command::Capture(command) => capture::run(&command, &context),
        Command::Dataset(command) => dataset::run(&command, &context),
        Command::Features(options) => features::run(&options, &context),
        Command::Train(options) => train::run(&options, &context),
        Command::Predict(options) => predict::run(&options, &context),
        Command::Plot(command) => plot::run(&command, &context),
        Command::Report(options) => report::run(&options, &context),
        Command::Attacks => context.printer.shown(&every_attack(), wfkit_report::text::attacks),
        Command::Evaluate(options) => evaluate::run(options, &context),
        Command::Score(options) => score::run(&options, &context),
        Command::Defend(options) => defend::run(&options, &context),
        Command::Sweep(options) => sweep::run(&options, &context),
        Command::Sessions(command) => sessions::run(&command, &context),
        Command::Reference { out } => reference::run(&out, &context),
        Command::Competition(command) => competition::run(&command, &context),
        Command::Schema { stage } => schema::run(stage.as_deref(), &context),
        Command::Completions { shell } => completions::of(shell, &context),
        Command::Man { out } => completions::manual(&out, &context),
    }
}
