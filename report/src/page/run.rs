//! What stage reports say, read into types.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wfkit_metrics::{Interval, Scores, StageReport};

/// The scores of one attack beside others.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) attack: String,
    pub(crate) accuracy: Option<f64>,
    #[serde(default)]
    pub(crate) accuracy_95: Option<Interval>,
    #[serde(default)]
    pub(crate) roc_auc_macro_ovr: Option<f64>,
    #[serde(default)]
    pub(crate) roc_auc_macro_ovr_95: Option<Interval>,
    #[serde(default)]
    pub(crate) log_loss: Option<f64>,
    #[serde(default)]
    pub(crate) against_trivial: Option<String>,
}

/// What a defence costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// Bandwidth overhead, all bytes together; 0.0 is none.
    pub(crate) bandwidth: f64,
    /// How much longer loads take, all together, by the delay model that says least and by the one that says most; 0.0 is none.
    pub(crate) latency: (f64, f64),
}

impl Cost {
    /// How much more time, in words.
    pub(crate) fn time(&self) -> String {
        let percent = |share: f64| format!("{:.1}", share * 100.0);
        let (low, high) = (percent(self.latency.0), percent(self.latency.1));
        if high == "0.0" || high == "-0.0" {
            "no more time".to_owned()
        } else if low == high {
            format!("{high} % more time")
        } else {
            format!("{low} to {high} % more time, by how packets wait for each other")
        }
    }
}

#[derive(Deserialize)]
struct TimeOverhead {
    latency: (f64, f64),
}

#[derive(Deserialize)]
struct Overheads {
    bandwidth: Ways,
    latency: Change,
}

#[derive(Deserialize)]
struct Ways {
    both: Change,
}

#[derive(Deserialize)]
struct Change {
    total: Valued,
}

#[derive(Deserialize)]
struct Valued {
    value: Option<f64>,
}

/// A field of the privacy part that is of that type; none where it is not there, or not of it.
pub(crate) fn privacy<T: DeserializeOwned>(report: &StageReport, name: &str) -> Option<T> {
    report.privacy.extras.get(name).and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// All scores; none where nothing was measured.
pub(crate) fn scores(report: &StageReport) -> Option<Scores> {
    let scores: Scores =
        serde_json::to_value(&report.privacy).ok().and_then(|value| serde_json::from_value(value).ok())?;
    scores.accuracy.is_some().then_some(scores)
}

/// What the defence of the stage costs.
pub(crate) fn cost(report: &StageReport) -> Option<Cost> {
    let overheads = report.utility.extras.get("overheads")?;
    let Overheads { bandwidth, latency } = serde_json::from_value(overheads.clone()).ok()?;
    let one = latency.total.value.unwrap_or(0.0);
    let bracket: Option<TimeOverhead> =
        report.utility.extras.get("time_overhead").and_then(|bracket| serde_json::from_value(bracket.clone()).ok());
    Some(Cost {
        bandwidth: bandwidth.both.total.value?,
        latency: bracket.map_or((one, one), |bracket| bracket.latency),
    })
}

/// The defence of the stage, as it is written on the command line; none where there is none.
pub fn defence_of(report: &StageReport) -> Option<String> {
    let extras = &report.utility.extras;
    if let Some(name) = extras.get("defence").and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    let layers = extras.get("manifest")?["layers"].as_array()?;
    let specs: Vec<&str> = layers.iter().filter_map(|layer| layer["spec"].as_str()).collect();
    (!specs.is_empty()).then(|| specs.join("+"))
}

/// Ends of an interval.
pub(crate) fn ends(interval: Option<Interval>) -> Option<(f64, f64)> {
    interval.map(|Interval { low, high }| (low, high))
}

/// The stage that says best what traces without a defence give away: a cross-validation before what other stages say of totals alone.
pub(crate) fn main_of<'a>(stages: impl Iterator<Item = &'a StageReport>) -> Option<&'a StageReport> {
    let rank = |report: &StageReport| match report.stage.as_str() {
        "classify" => 4,
        "evaluate" => 3,
        "score" => 2,
        "explain" | "defend" | "competition score" => 0,
        _ => 1,
    };
    let measured = stages.filter(|report| scores(report).is_some() && rank(report) > 0);
    // The first of those that rank highest.
    measured.fold(None, |best: Option<&StageReport>, one| match best {
        Some(best) if rank(best) >= rank(one) => Some(best),
        _ => Some(one),
    })
}
