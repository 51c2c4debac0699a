//! `wfkit plot roc`, `classes`, `confusion` and `reliability`: pictures of what an attack said.

use anyhow::{Result, anyhow};
use wfkit_datasets::read_probabilities;
use wfkit_metrics::{Probabilities, ScoreOptions, Scores, Utility};
use wfkit_report::picture::{self, Picture};

use super::output::Output;
use crate::cli::PlotProbabilities;
use crate::context::Context;

pub(super) fn roc(options: &PlotProbabilities, context: &Context<'_>) -> Result<()> {
    plot("roc", options, context, |of, truth| picture::roc("Visits found against false alarms", of, truth))
}

pub(super) fn classes(options: &PlotProbabilities, context: &Context<'_>) -> Result<()> {
    plot("classes", options, context, |of, truth| {
        let scoring = ScoreOptions { bootstrap: 0, ..ScoreOptions::default() };
        let scores = Scores::compute(of, truth, &scoring).map_err(|error| error.to_string())?;
        picture::class_areas("ROC-AUC of each class", &scores.per_class)
    })
}

pub(super) fn confusion(options: &PlotProbabilities, context: &Context<'_>) -> Result<()> {
    plot("confusion", options, context, |of, truth| picture::confusion("What is taken for what", of, truth))
}

pub(super) fn reliability(options: &PlotProbabilities, context: &Context<'_>) -> Result<()> {
    plot("reliability", options, context, |of, truth| {
        let bins = wfkit_metrics::reliability(of, truth).map_err(|error| error.to_string())?;
        Ok(picture::reliability("Right against sure", &bins))
    })
}

fn plot(
    kind: &str,
    options: &PlotProbabilities,
    context: &Context<'_>,
    draw: impl FnOnce(&Probabilities, &[usize]) -> Result<Picture, String>,
) -> Result<()> {
    let out = Output::new(&options.out)?;
    let path = &options.probabilities;
    let predictions = read_probabilities(path)?;
    let truth = predictions.columns_of_truth(path)?;
    let picture = draw(&predictions.probabilities, &truth).map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
    let inputs = std::slice::from_ref(path);
    out.write(kind, &picture, (inputs, Utility::unknown("probabilities do not tell what traces cost")), context)
}
