//! `wfkit features list` and `describe`: the feature sets, and what their columns mean.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use wfkit_datasets::Trace;
use wfkit_features::{FeatureSet, FeatureSpec, meaning};
use wfkit_report::text;

use crate::context::Context;
use crate::input::read_traces;

pub(super) fn list(context: &Context<'_>) -> Result<()> {
    let set = |set: FeatureSet| {
        json!({
            "name": set.name(),
            "version": set.version(),
            "information": set.information(),
            "summary": set.summary(),
        })
    };
    context.printer.shown(&json!({ "sets": FeatureSet::ALL.map(set) }), text::feature_sets)
}

pub(super) fn describe(spec: &FeatureSpec, traces: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = if traces.is_empty() { None } else { Some(read_traces(traces, context)?) };
    let training: Vec<&Trace> =
        traces.iter().flat_map(|traces| traces.set.traces()).map(|labelled| &labelled.trace).collect();
    let columns = spec.fit(&training).columns();
    let meant = columns.iter().map(|column| {
        let mut told = json!(column);
        told["meaning"] = json!(meaning(&column.definition));
        told
    });
    let document = json!({ "set": spec.to_string(), "columns": meant.collect::<Vec<_>>() });
    context.printer.shown(&document, || text::feature_columns(&columns))?;
    if traces.is_none() && spec.sets().iter().any(|set| set.learns()) && !context.printer.is_json() {
        context.printer.note("Columns that are learned are missing: name traces to learn from after the sets.");
    }
    Ok(())
}
