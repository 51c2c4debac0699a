//! A stage report as rows of a table, numbers written for people.

use serde_json::{Map, Number, Value};

/// How many entries of a list are shown before the rest is only counted.
const SHOWN: usize = 5;

/// A map of more numbers than this is a list by name, such as a value for every class, and is cut like one.
const LONG_MAP: usize = 16;

/// One line of a stage report: `section`, dotted `name` inside it, value as text.
///
/// Counts have thousands separators (`439,240`), other numbers four decimals (`0.9815`; large ones fewer, tiny ones an
/// exponent), intervals read `0.7105 to 0.7512`. A list of plain values is one row that starts with their number; of a list of
/// structures, each entry is one row. Lists are cut after five entries, the rest is `... n more`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// `stage` for what describes the run, else the part of the report.
    pub section: String,
    /// Name inside the section.
    pub name: String,
    /// Value as text.
    pub value: String,
}

/// The rows of a report given as JSON.
pub(crate) fn rows(report: &Value) -> Vec<ReportRow> {
    let mut rows = Vec::new();
    let fields = report.as_object().into_iter().flatten();
    for (name, value) in fields {
        match value {
            Value::Object(fields) => Section { name, rows: &mut rows }.object("", fields),
            // Not a quantity: no separators.
            Value::Number(seed) if name == "seed" => {
                Section { name: "stage", rows: &mut rows }.row(name, seed.to_string());
            }
            _ => Section { name: "stage", rows: &mut rows }.value(name, value),
        }
    }
    // The run first, though its duration stands last in JSON.
    rows.sort_by_key(|row| row.section != "stage");
    rows
}

/// The rows of one section, as they grow.
struct Section<'a> {
    name: &'a str,
    rows: &'a mut Vec<ReportRow>,
}

impl Section<'_> {
    fn row(&mut self, name: &str, value: String) {
        self.rows.push(ReportRow { section: self.name.to_owned(), name: name.to_owned(), value });
    }

    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => match interval(fields) {
                Some(interval) => self.row(name, interval),
                None => self.object(name, fields),
            },
            Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
                for (index, value) in values.iter().take(SHOWN).enumerate() {
                    self.row(&dotted(name, &(index + 1).to_string()), inline(value));
                }
                self.rest(name, values.len());
            }
            _ => self.row(name, inline(value)),
        }
    }

    fn object(&mut self, name: &str, fields: &Map<String, Value>) {
        let is_list = fields.len() > LONG_MAP && fields.values().all(Value::is_number);
        let shown = if is_list { SHOWN } else { fields.len() };
        for (part, value) in fields.iter().take(shown) {
            self.value(&dotted(name, part), value);
        }
        if is_list {
            self.rest(name, fields.len());
        }
    }

    fn rest(&mut self, name: &str, all: usize) {
        if all > SHOWN {
            self.row(name, format!("... {} more", integer(&(all - SHOWN).to_string())));
        }
    }
}

fn dotted(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "undefined".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(value) => number(value),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => {
            let mut shown: Vec<String> = values.iter().take(SHOWN).map(inline).collect();
            if values.len() > SHOWN {
                shown.push(format!("... {} more", integer(&(values.len() - SHOWN).to_string())));
            }
            format!("{}: {}", integer(&values.len().to_string()), shown.join(", "))
        }
        Value::Object(fields) => interval(fields).unwrap_or_else(|| {
            let parts: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {}", inline(value))).collect();
            parts.join(", ")
        }),
    }
}

/// `{"low", "high"}` is an interval.
fn interval(fields: &Map<String, Value>) -> Option<String> {
    let (low, high) = (fields.get("low")?, fields.get("high")?);
    (fields.len() == 2 && low.is_number() && high.is_number()).then(|| format!("{} to {}", inline(low), inline(high)))
}

fn number(value: &Number) -> String {
    match value.as_f64() {
        Some(x) if value.is_f64() => decimal(x),
        _ => integer(&value.to_string()),
    }
}

/// Four decimals where they matter: `12.5000`, `0.0000`, but `439,240` and `1.230e-5`.
fn decimal(x: f64) -> String {
    let magnitude = x.abs();
    if magnitude != 0.0 && magnitude < 5e-5 || magnitude >= 1e15 {
        format!("{x:.3e}")
    } else if magnitude >= 10.0 && x.fract() == 0.0 {
        integer(&format!("{x:.0}"))
    } else if magnitude >= 1000.0 {
        let text = format!("{x:.1}");
        let (whole, tenths) = text.split_once('.').unwrap_or((&text, "0"));
        format!("{}.{tenths}", integer(whole))
    } else {
        format!("{x:.4}")
    }
}

/// A comma after every third digit from the right.
fn integer(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What only some readers of a report look for.
const DETAILS: [&str; 22] = [
    "attacks.",
    "cost.",
    "drift.",
    "expected_calibration_error",
    "explanation.",
    "folds.",
    "inputs.",
    "intervals_95.macro_f1",
    "intervals_95.resamples",
    "intervals_95.widened_by",
    "leakage.",
    "macro_precision",
    "matrix.",
    "macro_recall",
    "most_confused",
    "packets.",
    "per_class",
    "reliability",
    "roc_auc_macro_ovo",
    "roc_auc_weighted",
    "shortcuts.",
    "volumes.",
];

/// What of [`DETAILS`] everybody should see.
const NEVERTHELESS: [&str; 8] = [
    "leakage.asymptotic_lower_bound.told",
    "leakage.bayes_error.by",
    "leakage.bayes_error.estimate",
    "leakage.bayes_error.interval_95",
    "leakage.caution",
    "leakage.information.at_least_bits_by_cross_entropy",
    "leakage.information.at_least_bits_by_error",
    "shortcuts.warning",
];

impl ReportRow {
    /// Whether only some readers of a report look for it.
    pub fn is_detail(&self) -> bool {
        let Self { section, name, .. } = self;
        let is_one = DETAILS.iter().any(|detail| name.starts_with(detail) || name == detail.trim_end_matches('.'));
        section == "options" || is_one && !NEVERTHELESS.contains(&name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;
    use serde_json::json;

    fn lines(report: &Value) -> Vec<String> {
        rows(report).into_iter().map(|row| format!("{} | {} | {}", row.section, row.name, row.value)).collect()
    }

    #[test]
    fn a_whole_report() {
        let lines: Vec<String> = lines(&serde_json::from_str(&example().to_json()).unwrap());
        let expected = "\
stage | stage | classify
stage | tool | wfkit 0.1.0
stage | seed | 18446744073709551615
stage | inputs.1 | path traces.parquet, sha256 00ff
stage | seconds | 0.2500
counts | packets | 1,234,567
counts | traces | 4
dropped | empty trace | 2
utility | median_in_bytes | 439,240
utility | median_out_bytes | 26,886.5
utility | median_seconds | 12.5000
utility | score | 5.7301
utility | train_seconds | 1.230e-5
utility | overhead.bandwidth | 0.5000
utility | overhead.latency | 0.0000
privacy | roc_auc_macro_ovr | 0.9167
privacy | accuracy | 0.7500
privacy | attack | kfp
privacy | traces | 4
privacy | origins | 4";
        assert_eq!(lines[..20].join("\n"), expected);
        let last = "\
privacy | intervals_95.accuracy | 0.3006 to 0.9544
privacy | intervals_95.worst_class_recall | 0.0500 to 0.9899
privacy | intervals_95.reason | class a has one trace here, which resampling cannot vary
privacy | skipped_classes | 1: c
privacy | per_class.1 | class a, traces 1, origins 1, precision 0.5000, recall 1.0000, f1 0.6667, roc_auc 1.0000
privacy | per_class.2 | class b, traces 3, origins 3, precision 1.0000, recall 0.6667, f1 0.8000, roc_auc 0.8333
privacy | most_confused.1 | truth b, decision a, traces 1";
        assert_eq!(lines[37..].join("\n"), last);
    }

    #[test]
    fn lists_are_cut() {
        let per_class: Vec<Value> = (1..=7).map(|class| json!({"class": class.to_string(), "recall": 0.5})).collect();
        let by_name: Map<String, Value> = (0..20).map(|index| (format!("f{index}"), json!(0.25))).collect();
        let report = json!({"privacy": {"per_class": per_class, "skipped": ["a", "b"], "none": [], "gaps": vec![1; 2000],
            "auc": by_name, "interval": {"low": 0.1, "high": 0.2}, "null": null, "yes": true}});
        let expected = "\
privacy | per_class.1 | class 1, recall 0.5000
privacy | per_class.2 | class 2, recall 0.5000
privacy | per_class.3 | class 3, recall 0.5000
privacy | per_class.4 | class 4, recall 0.5000
privacy | per_class.5 | class 5, recall 0.5000
privacy | per_class | ... 2 more
privacy | skipped | 2: a, b
privacy | none | none
privacy | gaps | 2,000: 1, 1, 1, 1, 1, ... 1,995 more
privacy | auc.f0 | 0.2500
privacy | auc.f1 | 0.2500
privacy | auc.f2 | 0.2500
privacy | auc.f3 | 0.2500
privacy | auc.f4 | 0.2500
privacy | auc | ... 15 more
privacy | interval | 0.1000 to 0.2000
privacy | null | undefined
privacy | yes | yes";
        assert_eq!(lines(&report).join("\n"), expected);
    }

    #[test]
    fn numbers_for_people() {
        let texts = [0.0, 1.0, -0.98154, 10.0, 999.99, 1234.56, -1e6, 4.9e-5, 1e20].map(decimal);
        assert_eq!(
            texts,
            ["0.0000", "1.0000", "-0.9815", "10", "999.9900", "1,234.6", "-1,000,000", "4.900e-5", "1.000e20"]
        );
        assert_eq!(["0", "999", "1000", "-123456"].map(integer), ["0", "999", "1,000", "-123,456"]);
    }
}
