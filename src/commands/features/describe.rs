//! `wfkit features list` and `describe`: the feature sets, and what their columns mean.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use wfkit_datasets::Trace;
use wfkit_features::{Column, FeatureSet, FeatureSpec, Information};

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
        return context.printer.document(&json!({ "set": spec.to_string(), "columns": columns }));
    }
    // A family of numbered columns is one line.
    let families = columns.chunk_by(|a, b| (&a.definition, a.unit) == (&b.definition, b.unit));
    let rows: Vec<[String; 6]> = families.map(row).collect();
    context.printer.table(["definition", "version", "columns", "names", "unit", "tells"], &rows)?;
    context.printer.line(&format!("{} columns", columns.len()))?;
    if traces.is_none() {
        context.printer.note("Columns that are learned are missing: name traces to learn from after the sets.");
    }
    Ok(())
}

fn row(family: &[Column]) -> [String; 6] {
    let (first, last) = (&family[0], &family[family.len() - 1]);
    let short = |column: &Column| column.name.split_once('.').map_or("", |(_, feature)| feature).to_owned();
    let names = if family.len() == 1 { short(first) } else { format!("{} .. {}", short(first), short(last)) };
    [
        first.definition.clone(),
        first.version.to_string(),
        family.len().to_string(),
        names,
        first.unit.to_string(),
        first.information.to_string(),
    ]
}

fn told(information: &[Information]) -> String {
    information.iter().map(Information::to_string).collect::<Vec<_>>().join(", ")
}
