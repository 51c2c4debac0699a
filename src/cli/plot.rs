//! Pictures that explain.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Plot {
    /// What gives a class away: one trace, run by run, beside what the class expects, with the evidence of every step.
    Alignment(PlotAlignment),
}

#[derive(Debug, Args)]
#[command(after_help = "\
How to read it: a class is a row of columns, each the size of one answer, in Tor cells; where
bursts are aligned, both directions are there, + outgoing and - incoming. A step matches a run of
the trace with a column, splits one column into two runs, merges two columns into one run, has an
extra run, or has lost a column. Its evidence is in nats: above 0 it speaks for the class (3 nats:
twenty times as probable there as in all traces together), below 0 against it.

Such as:
  wfkit train traces.parquet --attack alignment --out model.wfm
  wfkit plot alignment model.wfm traces.parquet --class 7 --out x.svg
      the first trace of class 7
  wfkit plot alignment model.wfm traces.parquet --trace 12:3 --class 7 --out x.svg
      why repetition 3 of class 12 is taken for 7, or is not")]
pub(crate) struct PlotAlignment {
    /// Model file that `wfkit train --attack alignment` wrote; or one of `best`, where it pooled an alignment.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Trace files or folders of them; formats are found by content.
    #[arg(required = true, value_name = "TRACES")]
    pub(crate) traces: Vec<PathBuf>,
    /// The class to align with [default: the one that the model finds most probable for the trace].
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// The trace to align, by class, rep and, where several sessions have it, session [default: the first trace of --class; without
    /// --class, the first of all].
    #[arg(long, value_name = "CLASS:REP[:SESSION]")]
    pub(crate) trace: Option<String>,
    /// The trace to align, by its number, from 1: in the order of classes, sessions and reps.
    #[arg(long, value_name = "N", conflicts_with = "trace", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Option<u32>,
    /// Picture to write: .svg.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Align a trace of another layer or vantage, or put in order otherwise, than the model has learned from.
    #[arg(long)]
    pub(crate) any_layer: bool,
}
