//! `wfkit features explain`: what gives traces away.

use std::collections::HashSet;

use anyhow::Result;
use wfkit_classify::{ExplainOptions, Explained, Explanation, explain_watched};
use wfkit_datasets::TraceSet;
use wfkit_metrics::{PrivacyReport, ScoreOptions, Scores, Utility};

use super::extract;
use crate::cli::FeaturesExplain;
use crate::context::{Context, count, count_set, digests, write};
use crate::input::read_traces;
use crate::printer::score;
use wfkit_evaluate::BOOTSTRAP;
use wfkit_report::picture::{Bar, Importances, importances};

pub(super) fn run(options: &FeaturesExplain, context: &Context<'_>) -> Result<()> {
    let (spec, traces) = (&options.set, read_traces(&options.traces, context)?);
    let extracted = extract(spec, &traces.set, context);
    let sought = ExplainOptions { trees: options.trees.into(), repeats: options.repeats.into() };
    let (columns, class) = (extracted.extractor.columns(), options.class.as_deref());
    let explanation = explain_watched(&extracted.matrix, &columns, class, &sought, context.seed, context)?;
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
    print(&explanation, top, context)
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

fn print(explanation: &Explanation, top: usize, context: &Context<'_>) -> Result<()> {
    let printer = context.printer;
    let of = explanation.class.as_ref().map_or("the classes".to_owned(), |class| format!("class {class}"));
    let sure = score(Some(explanation.probability_of_true_class));
    printer.line(&format!(
        "What gives {of} away: of {sure}, the mean probability of the true class out of bag, importance is lost"
    ))?;
    let row = |one: &Explained| {
        let name = if one.columns == 1 { one.name.clone() } else { format!("{} ({})", one.name, one.columns) };
        let importance = format!("{:.4} ± {:.4}", one.importance, one.deviation);
        let direction = one.direction.map(|direction| format!(", {direction}")).unwrap_or_default();
        let auc = format!("{}{direction}", score(Some(one.auc)));
        [name, one.tells.to_string(), importance, auc, format!("{:.3}", one.bits)]
    };
    printer.line(&match &explanation.class {
        Some(_) => "AUC: of the value alone, in the direction that tells more: the class has high values, or low ones".to_owned(),
        None => format!(
            "AUC: of the value alone, each class in the direction that tells more; {} is the most that one value can have",
            score(Some(explanation.auc_ceiling))
        ),
    })?;
    let levels = [
        ("what is told", &explanation.groups),
        ("definition", &explanation.definitions),
        ("feature", &explanation.features),
    ];
    for (name, level) in levels {
        let rows: Vec<[String; 5]> = level.iter().take(top).map(row).collect();
        printer.table([name, "tells", "importance", "AUC", "bits"], &rows)?;
        if level.len() > top {
            printer.line(&format!("{} more: --top, or all with --format json", level.len() - top))?;
        }
    }
    Ok(())
}
