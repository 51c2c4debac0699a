//! `wfkit plot waterfall`, `cumulative` and `sizes`: pictures of traces.

use anyhow::{Result, anyhow, bail};
use wfkit_datasets::Picked;
use wfkit_defend::DefenseSpec;
use wfkit_metrics::Utility;
use wfkit_report::picture::{ClassesError, cumulative_of, sizes_of, waterfall_of};

use wfkit_terminal::PictureFile;

use crate::cli::{PlotCumulative, PlotSizes, PlotWaterfall};
use crate::context::Context;
use crate::input::{list, read_traces};

pub(super) fn waterfall(options: &PlotWaterfall, context: &Context<'_>) -> Result<()> {
    let out = PictureFile::new(&options.out)?;
    check_learn_nothing(&options.defences)?;
    let set = read_traces(&options.traces, context)?.set;
    let pick = &options.pick;
    let picked = Picked { trace: pick.trace.as_deref(), row: pick.row, class: pick.class.as_deref() };
    let row = picked.of(&set, &list(&options.traces))?;
    let picture = waterfall_of(&set, row, &options.defences, context.seed)?;
    out.write("waterfall", &picture, (&options.traces, Utility::of(&set.select(&[row]).volumes())), context)
}

pub(super) fn cumulative(options: &PlotCumulative, context: &Context<'_>) -> Result<()> {
    let out = PictureFile::new(&options.out)?;
    let set = read_traces(&options.traces, context)?.set;
    let picture = cumulative_of(&set, &options.classes).map_err(|error| match error {
        ClassesError::TooMany(_) => anyhow!("--class: {error}"),
        ClassesError::NotThere(_) => error.into(),
    })?;
    out.write("cumulative", &picture, (&options.traces, Utility::of(&set.volumes())), context)
}

pub(super) fn sizes(options: &PlotSizes, context: &Context<'_>) -> Result<()> {
    let out = PictureFile::new(&options.out)?;
    check_learn_nothing(&options.defences)?;
    let set = read_traces(&options.traces, context)?.set;
    let picture = sizes_of(&set, &options.defences, context.seed)?;
    out.write("sizes", &picture, (&options.traces, Utility::of(&set.volumes())), context)
}

fn check_learn_nothing(defences: &[DefenseSpec]) -> Result<()> {
    if let Some(spec) = defences.iter().find(|spec| spec.needs_training()) {
        bail!("{spec} learns from training traces: simulate it with wfkit defend --fit-on, and plot what that writes");
    }
    Ok(())
}
