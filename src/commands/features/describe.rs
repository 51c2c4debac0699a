//! `wfkit features list` and `describe`: the feature sets, and what their columns mean.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use wfkit_datasets::Trace;
use wfkit_features::{Column, FeatureInformation, FeatureSet, FeatureSpec, meaning};

use crate::context::Context;
use crate::input::read_traces;

pub(super) fn list(context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        let set = |set: FeatureSet| {
            json!({
                "name": set.name(),
                "version": set.version(),
                "information": set.information(),
                "summary": set.summary(),
            })
        };
        return context.printer.document(&json!({ "sets": FeatureSet::ALL.map(set) }));
    }
    let row = |set: FeatureSet| [set.name().to_owned(), told(set.information()), set.summary().to_owned()];
    context.printer.table(["set", "tells", "what"], &FeatureSet::ALL.map(row))
}

pub(super) fn describe(spec: &FeatureSpec, traces: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = if traces.is_empty() { None } else { Some(read_traces(traces, context)?) };
    let training: Vec<&Trace> =
        traces.iter().flat_map(|traces| traces.set.traces()).map(|labelled| &labelled.trace).collect();
    let columns = spec.fit(&training).columns();
    if context.printer.is_json() {
        let columns = columns.iter().map(|column| {
            let mut told = json!(column);
            told["meaning"] = json!(meaning(&column.definition));
            told
        });
        return context.printer.document(&json!({ "set": spec.to_string(), "columns": columns.collect::<Vec<_>>() }));
    }
    let rows: Vec<[String; 5]> = families(&columns).map(row).collect();
    context.printer.table(["feature", "columns", "unit", "tells", "what it is"], &rows)?;
    context.printer.line(&format!("{} columns", columns.len()))?;
    if traces.is_none() && spec.sets().iter().any(|set| set.learns()) {
        context.printer.note("Columns that are learned are missing: name traces to learn from after the sets.");
    }
    Ok(())
}

/// Columns that one definition made: a family of numbered ones is one line.
pub(crate) fn families(columns: &[Column]) -> impl Iterator<Item = &[Column]> {
    columns.chunk_by(|a, b| (&a.definition, a.unit) == (&b.definition, b.unit))
}

fn row(family: &[Column]) -> [String; 5] {
    let (first, last) = (&family[0], &family[family.len() - 1]);
    let names = if family.len() == 1 {
        first.name.clone()
    } else {
        let last = last.name.split_once('.').map_or("", |(_, feature)| feature);
        format!("{} .. {last}", first.name)
    };
    let meaning = meaning(&first.definition).unwrap_or_default();
    [names, family.len().to_string(), first.unit.to_string(), first.information.to_string(), meaning]
}

fn told(information: &[FeatureInformation]) -> String {
    information.iter().map(FeatureInformation::to_string).collect::<Vec<_>>().join(", ")
}
