//! `wfkit features list` and `describe`: the feature sets, and what their columns mean.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use wfkit_datasets::Trace;
use wfkit_features::{ColumnMeaning, FeatureSet, FeatureSpec};
use wfkit_report::text;

use crate::context::Context;
use crate::input::read_traces;

pub(super) fn list(context: &Context<'_>) -> Result<()> {
    context.printer.shown(&json!({ "sets": FeatureSet::ALL.map(FeatureSet::info) }), text::feature_sets)
}

pub(super) fn describe(spec: &FeatureSpec, traces: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = if traces.is_empty() { None } else { Some(read_traces(traces, context)?) };
    let training: Vec<&Trace> =
        traces.iter().flat_map(|traces| traces.set.traces()).map(|labelled| &labelled.trace).collect();
    let columns = spec.fit(&training).columns();
    let meant: Vec<ColumnMeaning<'_>> = columns.iter().map(ColumnMeaning::from).collect();
    context.printer.shown(&json!({ "set": spec.to_string(), "columns": meant }), || text::feature_columns(&columns))?;
    if traces.is_none() && spec.sets().iter().any(|set| set.learns()) && !context.printer.is_json() {
        context.printer.note("Columns that are learned are missing: name traces to learn from after the sets.");
    }
    Ok(())
}
