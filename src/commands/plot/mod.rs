//! `wfkit plot`: pictures that explain.

mod alignment;
mod output;
mod probabilities;
mod reports;
mod traces;

use anyhow::Result;

use crate::cli;
use crate::context::Context;

pub(crate) fn run(command: &cli::Plot, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Plot::Alignment(options) => alignment::run(options, context),
        cli::Plot::Waterfall(options) => traces::waterfall(options, context),
        cli::Plot::Cumulative(options) => traces::cumulative(options, context),
        cli::Plot::Sizes(options) => traces::sizes(options, context),
        cli::Plot::Roc(options) => probabilities::roc(options, context),
        cli::Plot::Classes(options) => probabilities::classes(options, context),
        cli::Plot::Confusion(options) => probabilities::confusion(options, context),
        cli::Plot::Reliability(options) => probabilities::reliability(options, context),
        cli::Plot::Importance(options) => reports::importance(options, context),
        cli::Plot::Curve(options) => reports::curve(options, context),
        cli::Plot::Matrix(options) => reports::matrix(options, context),
        cli::Plot::Frontier(options) => reports::frontier(options, context),
    }
}
