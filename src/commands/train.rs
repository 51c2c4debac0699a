//! `wfkit train`: an attack learns, and is written to a model file.

use anyhow::{Context as _, Result};
use wfkit_datasets::digests;
use wfkit_datasets::files::replace_with;
use wfkit_evaluate::Trained;

use crate::cli;
use crate::context::Context;
use crate::input::read_labelled;

pub(crate) fn run(options: &cli::Train, context: &Context<'_>) -> Result<()> {
    let input = read_labelled(&options.input, context)?;
    let attack = options.attack.attack_on(&input)?;
    let working = context.watcher.working("training");
    let Trained { fitted, mut findings } = Trained::on(&attack, &input, context.setting())?;
    drop(working);
    let weights = options.weights.as_ref().map(|path| Ok::<_, anyhow::Error>((path, fitted.weights()?))).transpose()?;
    fitted.save(&options.out)?;
    if let Some((path, weights)) = weights {
        replace_with(path, weights).with_context(|| format!("{}: cannot write the weights", path.display()))?;
    }
    findings.utility.extras.set("model_bytes", std::fs::metadata(&options.out)?.len());
    context.finish_and_print(context.report("train", digests(&options.input)?, findings), Some(&options.out))
}
