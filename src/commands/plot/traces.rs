//! `wfkit plot waterfall`, `cumulative` and `sizes`: pictures of traces.

use anyhow::{Context as _, Result, ensure};
use wfkit_datasets::{LabelledTrace, Picked, Trace, TraceSet, canonical_class, class_called};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_metrics::Utility;
use wfkit_report::picture::{self, ShownTrace};

use super::output::Output;
use crate::cli::{PlotCumulative, PlotSizes, PlotWaterfall};
use crate::context::Context;
use crate::input::{list, read_traces};

/// Traces that a picture of lines has room for.
const LINES: usize = 6;

pub(super) fn waterfall(options: &PlotWaterfall, context: &Context<'_>) -> Result<()> {
    let out = Output::new(&options.out)?;
    check_learn_nothing(&options.defences)?;
    let set = read_traces(&options.traces, context)?.set;
    let pick = &options.pick;
    let picked = Picked { trace: pick.trace.as_deref(), row: pick.row, class: pick.class.as_deref() };
    let row = picked.of(&set, &list(&options.traces))?;
    let labelled = &set.traces()[row];
    let shown: Vec<(String, Trace, Option<Vec<u32>>)> =
        std::iter::once(Ok(("as it was".to_owned(), labelled.trace.clone(), None)))
            .chain(options.defences.iter().map(|spec| {
                // The whole set: what a defence learns from it decides what becomes of a trace.
                let defended = defend(&set, spec, context.seed)?;
                let (_, trace) = defended.traces().nth(row).expect("it has the traces of the set");
                anyhow::Ok((spec.to_string(), trace.observe(), Some(trace.padding())))
            }))
            .collect::<Result<_>>()?;
    let shown: Vec<ShownTrace<'_>> =
        shown.iter().map(|(name, trace, padding)| ShownTrace { name, trace, padding: padding.as_deref() }).collect();
    let picture = picture::waterfall(&format!("When what was sent, trace ({})", labelled.key), &shown);
    out.write("waterfall", &picture, (&options.traces, Utility::of(&set.select(&[row]).volumes())), context)
}

fn check_learn_nothing(defences: &[DefenseSpec]) -> Result<()> {
    if let Some(spec) = defences.iter().find(|spec| spec.needs_training()) {
        anyhow::bail!(
            "{spec} learns from training traces: simulate it with wfkit defend --fit-on, and plot what that writes"
        );
    }
    Ok(())
}

pub(super) fn cumulative(options: &PlotCumulative, context: &Context<'_>) -> Result<()> {
    let out = Output::new(&options.out)?;
    let set = read_traces(&options.traces, context)?.set;
    let classes = set.classes();
    ensure!(
        options.classes.len() <= LINES,
        "--class: {} classes are given, and there is room for {LINES} lines",
        options.classes.len()
    );
    let names: Vec<String> = match options.classes.is_empty() {
        true => classes.names().iter().take(LINES).cloned().collect(),
        false => options.classes.iter().map(|name| canonical_class(name).into_owned()).collect(),
    };
    let first = |name: &String| -> Result<&LabelledTrace> {
        class_called(name, &classes, "the file")?;
        set.traces()
            .iter()
            .find(|one| &one.key.class == name)
            .with_context(|| format!("class {name}: there is no trace of it"))
    };
    let shown = names.iter().map(first).collect::<Result<Vec<_>>>()?;
    let labels: Vec<String> = shown.iter().map(|one| format!("class {}", one.key.class)).collect();
    let lines: Vec<(&str, &Trace)> =
        labels.iter().map(String::as_str).zip(shown.iter().map(|one| &one.trace)).collect();
    let title = match classes.len() > lines.len() {
        true => format!("Bytes over time, one trace of each of {} of {} classes", lines.len(), classes.len()),
        false => "Bytes over time, one trace of each class".to_owned(),
    };
    let picture = picture::cumulative(&title, &lines);
    out.write("cumulative", &picture, (&options.traces, Utility::of(&set.volumes())), context)
}

pub(super) fn sizes(options: &PlotSizes, context: &Context<'_>) -> Result<()> {
    let out = Output::new(&options.out)?;
    check_learn_nothing(&options.defences)?;
    let set = read_traces(&options.traces, context)?.set;
    let names: Vec<String> = options.defences.iter().map(ToString::to_string).collect();
    let observed = options.defences.iter().map(|spec| Ok(defend(&set, spec, context.seed)?.observe()));
    let observed = observed.collect::<Result<Vec<TraceSet>>>()?;
    fn of(set: &TraceSet) -> Vec<&Trace> {
        set.traces().iter().map(|one| &one.trace).collect()
    }
    let collections: Vec<(&str, Vec<&Trace>)> = std::iter::once(("as they were", of(&set)))
        .chain(names.iter().map(String::as_str).zip(observed.iter().map(of)))
        .collect();
    let picture = picture::sizes("How large packets are", &collections);
    out.write("sizes", &picture, (&options.traces, Utility::of(&set.volumes())), context)
}
