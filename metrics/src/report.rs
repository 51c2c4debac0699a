//! What every stage reports: where its output came from, what the traffic costs and what it gives away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ReportRow, Scores, Utility, report_rows};

/// The report of one stage, one JSON document beside its output.
///
/// Utility and privacy are those of the traces that the stage made or used. Maps are ordered by name, extras by when they were
/// set, so the same stage writes the same bytes but for `seconds`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Name of the stage, such as `capture`.
    pub stage: String,
    /// Name and version of the program.
    pub tool: String,
    /// Seed of all that was random.
    pub seed: u64,
    /// The files read.
    pub inputs: Vec<Input>,
    /// How many traces, classes, packets and so on.
    pub counts: BTreeMap<String, u64>,
    /// How many of what was read were left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What the traffic costs its user.
    pub utility: UtilityReport,
    /// What the traffic gives away.
    pub privacy: PrivacyReport,
    /// How long the stage took.
    pub seconds: f64,
    /// Every option that decides what comes out, with its value or its default; absent where a stage was not asked for by options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Value>,
    /// What is wrong with single inputs, one sentence each; absent where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// A file that a stage read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Path as the user gave it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// [`Utility`] and what the stage adds to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UtilityReport {
    /// The medians and the score.
    #[serde(flatten)]
    pub utility: Utility,
    /// Fields of the stage's own, beside the others in JSON.
    #[serde(flatten)]
    pub extras: Extras,
}

/// How well an attack does, and what the stage adds to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrivacyReport {
    /// See [`roc_auc_ovr`](crate::roc_auc_ovr).
    pub roc_auc_macro_ovr: Option<f64>,
    /// See [`accuracy`](crate::accuracy).
    pub accuracy: Option<f64>,
    /// Name of the attack that measured both.
    pub attack: String,
    /// Why a score is null; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields of the stage's own, beside the others in JSON.
    #[serde(flatten)]
    pub extras: Extras,
}

/// Named JSON values, in the order in which they were set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extras(Map<String, Value>);

impl StageReport {
    /// The report as indented JSON, ended by a line feed.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(&self.to_value()).expect("a JSON value can be written");
        json.push('\n');
        json
    }

    /// The report as rows of a table for people, in reading order; see [`ReportRow`].
    pub fn rows(&self) -> Vec<ReportRow> {
        report_rows::rows(&self.to_value())
    }

    /// Dotted names of the nulls that have no `reason` beside them or further out. There should be none.
    ///
    /// JSON has no NaN and no infinity: they end up here too.
    pub fn unexplained_nulls(&self) -> Vec<String> {
        let mut found = Vec::new();
        unexplained_nulls(&self.to_value(), "", false, &mut found);
        found
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("strings, numbers and maps with string keys")
    }
}

/// Takes out of a report, given as JSON, what the clock says of it: same input and seed give the same rest. Medians of the traffic's own
/// seconds stay.
pub fn without_clock(report: &mut Value) {
    match report {
        Value::Object(fields) => {
            if fields.contains_key("stage") {
                fields.remove("seconds");
            }
            for measured in
                ["train_seconds", "predict_seconds", "train_cpu_seconds", "predict_cpu_seconds", "microseconds_a_trace"]
            {
                fields.remove(measured);
            }
            fields.values_mut().for_each(without_clock);
        }
        Value::Array(values) => values.iter_mut().for_each(without_clock),
        _ => {}
    }
}

impl UtilityReport {
    /// A report without extras yet.
    pub fn new(utility: Utility) -> Self {
        Self { utility, extras: Extras::default() }
    }
}

impl PrivacyReport {
    /// All scores of `attack`: those that every report has, and the others as extras.
    pub fn of(attack: &str, scores: &Scores) -> Self {
        let mut extras = Extras::default();
        if let Value::Object(fields) = serde_json::to_value(scores).expect("strings, numbers and structs") {
            let own = ["roc_auc_macro_ovr", "accuracy", "reason"];
            extras.0 = fields.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
        }
        Self {
            roc_auc_macro_ovr: scores.roc_auc_macro_ovr,
            accuracy: scores.accuracy,
            attack: attack.to_owned(),
            reason: scores.reason.clone(),
            extras,
        }
    }

    /// No scores of `attack`, for a reason such as `no attack was run`.
    pub fn unmeasured(attack: &str, reason: &str) -> Self {
        Self {
            roc_auc_macro_ovr: None,
            accuracy: None,
            attack: attack.to_owned(),
            reason: Some(reason.to_owned()),
            extras: Extras::default(),
        }
    }
}

impl Extras {
    /// Sets `name`, replacing what it was. A value that can be missing needs a field `reason` beside it.
    ///
    /// # Panics
    /// If the type of `value` has no JSON form (a map whose keys are neither text nor numbers), as `serde_json::json!` does.
    pub fn set(&mut self, name: &str, value: impl Serialize) -> &mut Self {
        let value = serde_json::to_value(value).expect("the type of an extra has a JSON form");
        self.0.insert(name.to_owned(), value);
        self
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

fn unexplained_nulls(value: &Value, name: &str, explained: bool, found: &mut Vec<String>) {
    let dotted = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null if !explained => found.push(name.to_owned()),
        Value::Object(fields) => {
            let explained = explained || fields.get("reason").is_some_and(Value::is_string);
            for (part, value) in fields {
                unexplained_nulls(value, &dotted(part), explained, found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                unexplained_nulls(value, &dotted(&(index + 1).to_string()), explained, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{ClassMap, Probabilities, ScoreOptions, Volume};
    use ndarray::array;
    use serde_json::json;

    pub(crate) fn example() -> StageReport {
        let classes = ClassMap::from_labels(["a", "b", "c"]);
        let rows = array![[0.7, 0.3, 0.0], [0.2, 0.8, 0.0], [0.6, 0.3, 0.1], [0.4, 0.6, 0.0]];
        let probabilities = Probabilities::new(classes, rows).unwrap();
        let scores = Scores::compute(
            &probabilities,
            &[0, 1, 1, 1],
            &ScoreOptions { bootstrap: 10, seed: 1, ..ScoreOptions::default() },
        )
        .unwrap();
        let volume = Volume { in_bytes: 439_240.0, out_bytes: 26_886.5, seconds: 12.5 };
        let mut report = StageReport {
            stage: "classify".into(),
            tool: "wfkit 0.1.0".into(),
            seed: 18_446_744_073_709_551_615,
            options: BTreeMap::new(),
            inputs: vec![Input { path: "traces.parquet".into(), sha256: "00ff".into() }],
            counts: BTreeMap::from([("traces".into(), 4), ("packets".into(), 1_234_567)]),
            dropped: BTreeMap::from([("empty trace".into(), 2)]),
            problems: vec![],
            utility: UtilityReport::new(Utility::of(&[volume])),
            privacy: PrivacyReport::of("kfp", &scores),
            seconds: 0.25,
        };
        report
            .utility
            .extras
            .set("train_seconds", 0.000_012_3)
            .set("overhead", json!({"bandwidth": 0.5, "latency": 0.0}));
        report
    }

    #[test]
    fn a_report_comes_back_from_its_json() {
        let report = example();
        let back: StageReport = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(back, report);
        assert_eq!(back.to_json(), report.to_json());
    }

    #[test]
    fn fields_stand_where_the_contract_wants_them() {
        let value: Value = serde_json::from_str(&example().to_json()).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&value),
            ["stage", "tool", "seed", "inputs", "counts", "dropped", "utility", "privacy", "seconds"]
        );
        assert_eq!(
            names(&value["utility"]),
            ["median_in_bytes", "median_out_bytes", "median_seconds", "score", "train_seconds", "overhead"]
        );
        assert_eq!(names(&value["privacy"])[..4], ["roc_auc_macro_ovr", "accuracy", "attack", "traces"]);
        assert_eq!(names(&value["inputs"][0]), ["path", "sha256"]);
        assert_eq!(value["privacy"]["skipped_classes"], json!(["c"]));
    }

    #[test]
    fn a_null_always_has_its_reason() {
        let mut report = example();
        assert_eq!(report.unexplained_nulls(), [""; 0]);

        let one = Probabilities::new(ClassMap::from_labels(["a"]), array![[1.0]]).unwrap();
        let undefined = Scores::compute(&one, &[0], &ScoreOptions::default()).unwrap();
        report.utility = UtilityReport::new(Utility::of(&[]));
        report.privacy = PrivacyReport::of("kfp", &undefined);
        report.privacy.extras.set("trivial", &undefined);
        let value: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!((&value["utility"]["score"], &value["utility"]["reason"]), (&Value::Null, &json!("no traces")));
        assert_eq!(value["privacy"]["accuracy"], Value::Null);
        assert_eq!(value["privacy"]["reason"], json!("one class only (`a`): nothing to tell apart"));
        assert_eq!(report.unexplained_nulls(), [""; 0]);
        assert_eq!(serde_json::from_str::<StageReport>(&report.to_json()).unwrap(), report);

        report.privacy = PrivacyReport::unmeasured("kfp", "no attack was run");
        assert_eq!(report.unexplained_nulls(), [""; 0]);

        report.seconds = f64::NAN;
        report.utility.utility.reason = None;
        report.utility.extras.set("by_trace", json!([{"seconds": 1.0}, {"seconds": null}]));
        let medians = ["median_in_bytes", "median_out_bytes", "median_seconds"].map(|name| format!("utility.{name}"));
        let others = ["utility.score", "utility.by_trace.2.seconds", "seconds"].map(str::to_owned);
        assert_eq!(report.unexplained_nulls(), [&medians[..], &others[..]].concat());
    }

    #[test]
    fn extras_keep_their_order_and_replace() {
        let mut extras = Extras::default();
        extras.set("z", 1).set("a", [1.5]).set("z", "later");
        assert_eq!(extras.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(extras.get("z"), Some(&json!("later")));
        assert_eq!(extras.get("b"), None);
    }
}
