//! `wfkit dataset retime`: the same traces with another round trip.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wfkit_datasets::TraceFormat;
use wfkit_defend::retime_set;
use wfkit_evaluate::Traces;
use wfkit_metrics::Utility;
use wfkit_report::text;

use super::conclude;
use crate::context::Context;
use crate::input::{list, read_traces};

pub(super) fn run(
    paths: &[PathBuf],
    rtt_ns: u64,
    from_rtt_ns: Option<u64>,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let keeps_origins = TraceFormat::of_extension(out)? == TraceFormat::Parquet;
    ensure!(keeps_origins, "{}: only .parquet keeps which load a trace is a copy of", out.display());
    let Traces { set, dropped } = read_traces(paths, context)?;
    let before = Utility::of(&set.volumes());
    let retimed = retime_set(&set, from_rtt_ns, rtt_ns);
    ensure!(
        retimed.without_answer < set.len(),
        "{}: no trace has an incoming packet after an outgoing one, so nothing in it depends on the round trip; \
         wfkit dataset info tells what is in it",
        list(paths)
    );
    context.write_traces(out, &retimed.set)?;
    let told = retimed.report(&before);
    let traces = Traces { set: retimed.set.clone(), dropped };
    let mut findings = traces.findings(context.setting())?;
    retimed.count(&mut findings);
    findings.utility.extras.set("retime", &told);
    retimed.warning().iter().for_each(|warning| context.printer.warn(warning));
    context.printer.text(&text::retimed(&told))?;
    conclude("dataset retime", paths, findings, Some(out), context)
}
