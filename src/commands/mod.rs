//! One file a command: options to validated values to library calls to a report.

mod attacks;
mod audit;
mod capture;
mod capture_audit;
mod capture_info;
mod competition;
mod dataset;
mod defend;
mod evaluate;
mod features;
mod merge;
mod plot;
mod predict;
mod record;
mod reference;
mod relabel;
mod report;
mod retime;
mod run;
mod score;
mod sessions;
mod sweep;
mod train;

use anyhow::Result;

use crate::cli::{Command, Global};
use crate::context::Context;
use crate::printer::Printer;

/// Runs one command.
pub(crate) fn execute(command: Command, global: &Global, printer: &Printer) -> Result<()> {
    let context = Context::new(global, printer);
    match command {
        Command::Run(options) => run::run(&options, &context),
        Command::Capture(command) => capture::run(&command, &context),
        Command::Dataset(command) => dataset::run(&command, &context),
        Command::Features(options) => features::run(&options, &context),
        Command::Train(options) => train::run(&options, &context),
        Command::Predict(options) => predict::run(&options, &context),
        Command::Plot(command) => plot::run(&command, &context),
        Command::Report(options) => report::run(&options, &context),
        Command::Attacks => attacks::run(&context),
        Command::Evaluate(options) => evaluate::run(&options, &context),
        Command::Score(options) => score::run(&options, &context),
        Command::Defend(options) => defend::run(&options, &context),
        Command::Sweep(options) => sweep::run(&options, &context),
        Command::Sessions(command) => sessions::run(&command, &context),
        Command::Reference { out } => reference::run(&out, &context),
        Command::Competition(command) => competition::run(&command, &context),
    }
}
