//! `wfkit plot`: pictures that explain.

mod alignment;
mod traces;

use anyhow::{Context as _, Result, anyhow};
use wfkit_datasets::read_probabilities;
use wfkit_metrics::Utility;
use wfkit_report::page::read_stages;
use wfkit_report::picture::{PictureOfProbabilities, PictureOfReports};

use wfkit_terminal::PictureFile;

use crate::cli::{self, Plot, PlotProbabilities, PlotReports};
use crate::context::Context;
use crate::input::list;

pub(crate) fn run(command: &cli::Plot, context: &Context<'_>) -> Result<()> {
    match command {
        Plot::Alignment(options) => alignment::run(options, context),
        Plot::Waterfall(options) => traces::waterfall(options, context),
        Plot::Cumulative(options) => traces::cumulative(options, context),
        Plot::Sizes(options) => traces::sizes(options, context),
        Plot::Roc(options) => of_probabilities(PictureOfProbabilities::Roc, options, context),
        Plot::Classes(options) => of_probabilities(PictureOfProbabilities::Classes, options, context),
        Plot::Confusion(options) => of_probabilities(PictureOfProbabilities::Confusion, options, context),
        Plot::Reliability(options) => of_probabilities(PictureOfProbabilities::Reliability, options, context),
        Plot::Importance(options) => of_reports(PictureOfReports::Importance, options, context),
        Plot::Curve(options) => of_reports(PictureOfReports::Curve, options, context),
        Plot::Matrix(options) => of_reports(PictureOfReports::Matrix, options, context),
        Plot::Frontier(options) => of_reports(PictureOfReports::Frontier, options, context),
    }
}

fn of_probabilities(kind: PictureOfProbabilities, options: &PlotProbabilities, context: &Context<'_>) -> Result<()> {
    let out = PictureFile::new(&options.out)?;
    let path = &options.probabilities;
    let predictions = read_probabilities(path)?;
    let truth = predictions.columns_of_truth(path)?;
    let picture = kind.draw(&predictions.probabilities, &truth);
    let picture = picture.map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
    let cost = Utility::unknown("probabilities do not tell what traces cost");
    out.write(kind.name(), &picture, (std::slice::from_ref(path), cost), context)
}

fn of_reports(kind: PictureOfReports, options: &PlotReports, context: &Context<'_>) -> Result<()> {
    let out = PictureFile::new(&options.out)?;
    let mut stages = Vec::new();
    for path in &options.reports {
        stages.extend(read_stages(path)?.stages);
    }
    let picture = kind.draw(&stages).with_context(|| {
        let (reports, among) = (list(&options.reports), stages.len());
        format!("{reports}: among {among} stage reports, none has what this picture shows; {}", kind.writers())
    })?;
    let cost = Utility::unknown("reports have the cost of their own traces");
    out.write(kind.name(), &picture, (&options.reports, cost), context)
}
