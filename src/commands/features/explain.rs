//! `wfkit features explain`: what gives traces away.

use std::collections::HashSet;

use anyhow::Result;
use wfkit_classify::{ExplainOptions, Explained, Explanation, explain_watched};
use wfkit_datasets::TraceSet;
use wfkit_metrics::{PrivacyReport, ScoreOptions, Scores, Utility};

use super::extract;
use crate::cli::FeaturesExplain;
use crate::context::{Context, count, count_set, write};
use crate::input::read_traces;
use wfkit_datasets::digests;
use wfkit_evaluate::BOOTSTRAP;
use wfkit_report::picture::{Bar, Importances, importances};
use wfkit_report::text;

pub(super) fn run(options: &FeaturesExplain, context: &Context<'_>) -> Result<()> {
    let (spec, traces) = (&options.set, read_traces(&options.traces, context)?);
    let extracted = extract(spec, &traces.set, context);
    let sought = ExplainOptions { trees: options.trees.into(), repeats: options.repeats.into() };
    let (columns, class) = (extracted.extractor.columns(), options.class.as_deref());
    let explanation = explain_watched(&extracted.matrix, &columns, class, &sought, context.seed, &context.watcher)?;
    let top = usize::from(options.top);
    if let Some(path) = &options.picture {
        let of = class.map_or("the classes".to_owned(), |class| format!("class {class}"));
        write(path, importances(&format!("What gives {of} away: {spec}"), &bars(&explanation), top).svg())?;
    }

    let attack = format!("forest on {spec}");
    let scoring = ScoreOptions { bootstrap: BOOTSTRAP, seed: context.seed, ..ScoreOptions::default() };
    let scores = Scores::compute(&explanation.probabilities, &explanation.truth, &scoring)?;
    let mut privacy = PrivacyReport::of(&attack, &scores);
    privacy.extras.set("measured", "out of bag: each trace by the trees that did not learn from it");
    privacy.extras.set("explanation", &explanation);
    let utility = Utility::of(&traces.set.volumes());
    let mut report = context.stage("explain", digests(&options.traces)?, utility, privacy);
    report.dropped = traces.dropped;
    count_set(&mut report.counts, &traces.set);
    count(&mut report.counts, "features", columns.len());
    let copies = copies(&traces.set);
    count(&mut report.counts, "traces with the packets of another", copies);
    if copies > 0 {
        let message = "traces have the packets of another: what gives them away looks more important than it is";
        context.printer.warn(&format!("{copies} {message}"));
    }
    context.finish_and_print(report, None)?;
    context.printer.text(&text::explanation(&explanation, top))
}

fn bars(explanation: &Explanation) -> Importances {
    let bar = |one: &Explained| Bar {
        name: one.name.clone(),
        tells: one.tells.to_string(),
        importance: one.importance,
        deviation: one.deviation,
        auc: one.auc,
        bits: one.bits,
    };
    let bars = |all: &[Explained]| all.iter().map(bar).collect();
    Importances { groups: bars(&explanation.groups), features: bars(&explanation.features) }
}

/// How many traces repeat the packets of a trace before them.
fn copies(set: &TraceSet) -> usize {
    let distinct: HashSet<_> = set.traces().iter().map(|labelled| labelled.trace.content_hash()).collect();
    set.len() - distinct.len()
}
