//! Data that look like those of a run, of any number of classes.

use ndarray::Array2;
use serde_json::json;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};
use wfkit_metrics::{
    ClassMap, PrivacyReport, Probabilities, ScoreOptions, Scores, StageReport, Utility, UtilityReport,
};
use wfkit_report::page::{Predicted, Stage};

/// Numbers that look random and never change.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// Names as people give them: some long, some with mark-up in them, some in other scripts.
pub(crate) fn name(class: usize) -> String {
    match class % 7 {
        0 => format!("page-{class:04}"),
        1 => format!("{class:04}.a-very-long-name-of-a-site-that-somebody-gave-without-thinking-of-pictures.example"),
        2 => format!("<b>{class:04}</b> & \"quoted\""),
        3 => format!("ページ{class:04}の名前はとても長いので切られる"),
        _ => format!("{class:04}"),
    }
}

/// Outgoing requests and incoming answers, longer for later classes; some padding where asked for.
pub(crate) fn trace(class: usize, rep: usize, padded: bool) -> (Trace, Vec<u32>) {
    let mut draws = Draws::new((class * 1000 + rep) as u64);
    let (mut times, mut sizes, mut padding) = (Vec::new(), Vec::new(), Vec::new());
    let mut now = 0;
    for at in 0..40 + class % 40 {
        times.push(now);
        sizes.push(if at % 4 == 0 { 543 } else { -(500 + draws.below(1000) as i32) });
        padding.push(0);
        now += 1_000_000 * (1 + draws.below(200));
        if padded && at % 2 == 0 {
            times.push(now);
            sizes.push(if draws.below(2) == 0 { 543 } else { -1500 });
            padding.push(sizes.last().unwrap().unsigned_abs());
            now += 1_000_000;
        }
    }
    (Trace::new(times, sizes).unwrap(), padding)
}

pub(crate) fn set(classes: usize, reps: usize, padded: bool) -> TraceSet {
    let one = |class: usize, rep: usize| {
        let key = TraceKey { class: name(class), rep: rep as i64, session: Some(format!("s{rep}")) };
        LabelledTrace::new(key, None, trace(class, rep, padded).0)
    };
    let traces = (0..classes).flat_map(|class| (0..reps).map(move |rep| one(class, rep))).collect();
    TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
}

/// `reps` traces a class; most probable is the own class in three of four, else one nearby.
pub(crate) fn predicted(classes: usize, reps: usize) -> Predicted {
    let names: Vec<String> = (0..classes).map(name).collect();
    let map = ClassMap::from_labels(&names);
    let mut draws = Draws::new(7);
    let truth: Vec<usize> = (0..classes * reps).map(|row| row / reps).collect();
    let mut values = Array2::from_elem((classes * reps, classes), 0.0);
    for (row, &own) in truth.iter().enumerate() {
        let decided = if draws.below(4) == 0 { (own + 1 + draws.below(3) as usize) % classes } else { own };
        let sure = 0.4 + draws.below(500) as f64 / 1000.0;
        values.row_mut(row).fill((1.0 - sure) / (classes - 1) as f64);
        values[(row, decided)] = sure;
    }
    Predicted { name: "kfp-size".to_owned(), probabilities: Probabilities::new(map, values).unwrap(), truth }
}

fn report(stage: &str, privacy: PrivacyReport) -> StageReport {
    StageReport {
        stage: stage.to_owned(),
        tool: "wfkit 0.1.0".to_owned(),
        seed: 7,
        options: [
            ("attack", json!("kfp-size")),
            ("defence", json!(["pad:mtu", "tamaraw:cell,<script>"])),
            ("folds", json!(5)),
            ("inner", json!(true)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        inputs: vec![wfkit_metrics::Input { path: "my captures/".to_owned(), sha256: "00ff".repeat(16) }],
        counts: [("traces".to_owned(), 200)].into(),
        dropped: [("empty trace".to_owned(), 2)].into(),
        utility: UtilityReport::new(Utility::of(&[wfkit_metrics::Volume {
            in_bytes: 4e4,
            out_bytes: 3e4,
            seconds: 9.0,
        }])),
        privacy,
        seconds: 1.0,
        problems: vec![],
    }
}

/// The stages of a run: captures, an attack, and two defences with what they cost.
pub(crate) fn stages(predicted: &Predicted) -> Vec<Stage> {
    let scoring = ScoreOptions { bootstrap: 20, ..ScoreOptions::default() };
    let scores = Scores::compute(&predicted.probabilities, &predicted.truth, &scoring).unwrap();
    let attempt = |attack: &str, accuracy: f64| {
        json!({
            "attack": attack, "accuracy": accuracy, "accuracy_95": { "low": accuracy - 0.05, "high": accuracy + 0.05 },
            "roc_auc_macro_ovr": 0.9, "log_loss": 0.5, "against_trivial": "better: +0.10 [0.05, 0.15], p = 0.001"
        })
    };
    let mut classify = report("classify", PrivacyReport::of("kfp-size", &scores));
    classify.privacy.extras.set("trivial", attempt("totals", 0.5));
    classify.privacy.extras.set("attacks", [attempt("totals", 0.5), attempt("kfp-size", 0.75)]);
    classify.privacy.extras.set("folds", [1, 2, 3, 4, 5]);
    classify.privacy.extras.set("by_session", json!({ "attacks": [attempt("kfp-size", 0.7)] }));
    classify.privacy.extras.set("few_shot", [(1, 0.3), (5, 0.55), (50, 0.7)].map(|(n, accuracy)| {
        json!({ "traces_a_class": n, "accuracy": accuracy, "accuracy_95": { "low": accuracy - 0.1, "high": accuracy + 0.1 } })
    }));
    let mut stages = vec![
        Stage {
            file: "traces.report.json".to_owned(),
            report: report("capture", PrivacyReport::unmeasured("totals", "one class only")),
        },
        Stage { file: "model.report.json".to_owned(), report: classify },
    ];
    for (defence, times, latency, accuracy) in [("pad:mtu", 1.1, 0.0, 0.6), ("tamaraw:cell,<script>", 40.0, 0.3, 0.1)] {
        let mut defended = report(
            "defend",
            PrivacyReport::of("kfp-size", &Scores { accuracy: Some(accuracy), intervals_95: None, ..scores.clone() }),
        );
        let total = |value: f64| json!({ "total": { "value": value } });
        defended
            .utility
            .extras
            .set("overheads", json!({ "bandwidth": { "both": total(times) }, "latency": total(latency) }));
        defended
            .utility
            .extras
            .set("time_overhead", json!({ "latency": [latency / 3.0, latency] }))
            .set("defence", defence);
        defended.privacy.extras.set("undefended", attempt("kfp-size", 0.75));
        stages.push(Stage { file: format!("defended/{times}.report.json"), report: defended });
    }
    stages
}
