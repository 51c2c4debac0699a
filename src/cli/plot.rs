//! Pictures that explain.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wfkit_defend::DefenseSpec;

/// Every picture is written as the ending of its name says: .svg, .png (at twice its size), .csv (its data) or .json (a specification of Vega-Lite with the data in it).
use wfkit_terminal::input::TraceFiles;

#[derive(Debug, Subcommand)]
pub(crate) enum Plot {
    /// When what was sent: one trace, and what defences make of it, with padding marked.
    Waterfall(PlotWaterfall),
    /// Bytes over time: one trace of each class, up to six.
    Cumulative(PlotCumulative),
    /// How large packets are, and what defences make of them.
    Sizes(PlotSizes),
    /// Visits found against false alarms, mean over classes with a band, also with a logarithmic axis.
    Roc(PlotProbabilities),
    /// ROC-AUC of each class against all others, in order.
    Classes(PlotProbabilities),
    /// Which class is taken for which; classes that are taken for each other stand beside each other.
    Confusion(PlotProbabilities),
    /// How often an attack is right against how sure it is.
    Reliability(PlotProbabilities),
    /// What gives classes away: a report of `wfkit features explain --format json`.
    Importance(PlotReports),
    /// Accuracy over loads to learn from, over how much of a trace is seen, or over time: a report of `wfkit evaluate` with --few-shot, --early or
    /// --drift; of others how error falls with what is known.
    Curve(PlotReports),
    /// Trained here, tested there: a report of `wfkit evaluate --matrix`.
    Matrix(PlotReports),
    /// Cost against protection: reports of `wfkit defend`, or the folder of a `wfkit run`.
    Frontier(PlotReports),
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
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
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
    /// Picture to write: .svg or .png.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Align a trace of another layer or vantage, or put in order otherwise, than the model has learned from.
    #[arg(long)]
    pub(crate) any_layer: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlotWaterfall {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    #[command(flatten)]
    pub(crate) pick: PickTrace,
    /// A defence to show beside the trace as it is; repeat for several. `wfkit defend list` lists them.
    #[arg(long = "defence", alias = "defense", value_name = "SPEC", value_parser = DefenseSpec::with_files)]
    pub(crate) defences: Vec<DefenseSpec>,
    /// Picture to write: .svg, .png, .csv or .json (Vega-Lite).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Which trace is meant.
#[derive(Debug, Args)]
pub(crate) struct PickTrace {
    /// The first trace of this class [default: the first of all].
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// The trace, by class, rep and, where several sessions have it, session.
    #[arg(long, value_name = "CLASS:REP[:SESSION]", conflicts_with = "class")]
    pub(crate) trace: Option<String>,
    /// The trace, by its number, from 1: in the order of classes, sessions and reps.
    #[arg(long, value_name = "N", conflicts_with_all = ["trace", "class"], value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct PlotCumulative {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// A class to show the first trace of; repeat for several [default: the first six classes].
    #[arg(long = "class", value_name = "CLASS")]
    pub(crate) classes: Vec<String>,
    /// Picture to write: .svg, .png, .csv or .json (Vega-Lite).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PlotSizes {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// A defence to show beside the traces as they are; repeat for several. `wfkit defend list` lists them.
    #[arg(long = "defence", alias = "defense", value_name = "SPEC", value_parser = DefenseSpec::with_files)]
    pub(crate) defences: Vec<DefenseSpec>,
    /// Picture to write: .svg, .png, .csv or .json (Vega-Lite).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PlotProbabilities {
    /// Class probabilities, as `wfkit evaluate --out` and `wfkit predict` write them.
    #[arg(value_name = "PROBABILITIES")]
    pub(crate) probabilities: PathBuf,
    /// Picture to write: .svg, .png, .csv or .json (Vega-Lite).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PlotReports {
    /// Stage reports, or folders of them.
    #[arg(required = true, value_name = "REPORT")]
    pub(crate) reports: Vec<PathBuf>,
    /// Picture to write: .svg, .png, .csv or .json (Vega-Lite).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The page has what was found in words on top, then the stages, pictures with their data, and what
repeats the run. It asks nothing of the network, can be read without its script, in the dark and
on paper. Pictures are of what lies in the folder: stage reports (*.json), traces, defended traces
and class probabilities beside them.

Such as:
  wfkit run captures/ --out results && wfkit report results
  wfkit evaluate traces.parquet --attack best --out results/best.parquet && wfkit report results")]
pub(crate) struct Report {
    /// Folder of a `wfkit run`, or any folder with stage reports.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Page to write: one file [default: report.html in the folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
