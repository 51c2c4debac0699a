//! `wfkit dataset audit`: what could be learned without the traffic's content.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};
use wfkit_classify::Samples;
use wfkit_datasets::{TraceSet, traces_with_twins};
use wfkit_metrics::{Interval, PrivacyReport};

use super::dataset::describe;
use crate::context::Context;
use crate::input::read_traces;
use crate::printer::NARROW;
use crate::words::{capital, wrapped};
use wfkit_evaluate::{About, MeasuredShortcut, Standing, attack, cross_validate, folds_of, of_recording, of_traffic};

/// Trees on each shortcut, as many as the trivial attack has.
const TREES: usize = 100;

pub(super) fn run(paths: &[PathBuf], name: &str, folds: usize, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let set = &traces.set;
    let mut twins = Twins::of(set);
    let (privacy, audit) = match cross_validate(&attack(name)?, set, folds, context.setting())? {
        Err(reason) => (PrivacyReport::unmeasured(name, &reason), Audit { twins, measured: Err(reason) }),
        Ok(attacked) => {
            twins.learned_from = attacked.overlap().learned_from();
            let splits = folds_of(set, folds, context.setting()).expect("the attack was measured on them");
            let (samples, beside) = (Samples::Traces(set), attacked.accuracy_95());
            let mut shortcuts = of_recording(samples, context.seed);
            shortcuts.extend(of_traffic(set));
            let found = MeasuredShortcut::all(&shortcuts, samples, &splits, (TREES, context.seed), beside);
            let chance = attacked.scores.chance_accuracy.unwrap_or(0.0);
            let beside = Beside { attack: name.to_owned(), accuracy: beside, chance };
            (attacked.privacy(), Audit { twins, measured: Ok((found, beside)) })
        }
    };
    let (verdict, sentence) = audit.verdict();
    for warning in audit.warnings() {
        context.warn_of_input(&warning);
    }
    let mut report = describe("dataset audit", paths, &traces, privacy, context)?;
    report.privacy.extras.set("audit", audit.told(verdict, &sentence));
    context.finish(&mut report, None)?;
    if context.printer.is_json() {
        return context.printer.document(&report);
    }
    for line in wrapped(&sentence, NARROW) {
        context.printer.line(&line)?;
    }
    context.printer.table(["what alone is known", "accuracy", "95 %", "beside chance, attack"], &audit.rows())?;
    let line =
        format!("{} traces, {folds} stratified folds, forests of {TREES} trees; more with --format json", set.len());
    context.printer.line(&line)
}

/// Whether the set can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    WithCare,
    No,
    Unknown,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::WithCare => "with care",
            Self::No => "no",
            Self::Unknown => "cannot be said",
        }
    }
}

/// Traces that another trace has the packets of, exactly, or nearly.
struct Twins {
    traces: usize,
    exact: usize,
    near: usize,
    /// On folds of the set, tested traces that were learned from: `wfkit evaluate` refuses to score any.
    learned_from: usize,
}

impl Twins {
    fn of(set: &TraceSet) -> Self {
        let [exact, near] = traces_with_twins(set);
        Self { traces: set.len(), exact, near, learned_from: 0 }
    }

    /// A few of many loads of one page are nearly alike by chance, as [`Overlap::learned_from`](wfkit_datasets::Overlap::learned_from) has it.
    fn are_too_many(&self) -> bool {
        self.exact > 0 || self.learned_from > 0
    }

    /// How many of the traces, their share and its interval.
    fn shares(&self) -> [(&'static str, usize, f64, Interval); 2] {
        [("exact twins", self.exact), ("near twins", self.near)].map(|(name, n)| {
            let share = n as f64 / self.traces as f64;
            (name, n, share, Interval::of_share(share, self.traces as f64))
        })
    }
}

/// What shortcuts are held against.
struct Beside {
    attack: String,
    accuracy: Option<(f64, Interval)>,
    chance: f64,
}

struct Audit {
    twins: Twins,
    /// Or why there are no folds.
    measured: Result<(Vec<MeasuredShortcut>, Beside), String>,
}

impl Audit {
    /// Shortcuts of the recording that stand so at least, in sentences.
    fn recording_at(&self, least: Standing) -> Vec<String> {
        let Ok((found, beside)) = &self.measured else { return Vec::new() };
        let loud = found.iter().filter(|one| one.is_recording_at(least));
        loud.filter_map(|one| one.sentence(&beside.attack, beside.accuracy)).collect()
    }

    fn verdict(&self) -> (Verdict, String) {
        let (found, beside) = match &self.measured {
            Ok(measured) => measured,
            Err(reason) => {
                return (Verdict::Unknown, format!("Whether this set can be trusted cannot be said: {reason}."));
            }
        };
        let (strong, above) =
            (self.recording_at(Standing::AsGoodAsTheAttack), self.recording_at(Standing::AboveChance));
        let recorded: Vec<&MeasuredShortcut> = found.iter().filter(|one| one.about == About::Recording).collect();
        let names = |known: bool| {
            let those = recorded.iter().filter(|one| one.found.is_ok() == known);
            those.map(|one| one.name).collect::<Vec<_>>().join(", ")
        };
        if !strong.is_empty() {
            let better = found.iter().any(|one| one.is_recording_at(Standing::BeatsTheAttack));
            let what = if better { "beats the attack" } else { "is as good as the attack" };
            return (
                Verdict::No,
                format!("This set cannot be trusted: a shortcut {what}. {}.", capital(&strong.join("; "))),
            );
        }
        if !above.is_empty() {
            let what = above.join("; ");
            let told = format!(
                "Trust this set with care: how it was recorded gives something away, less than the attack finds. {}.",
                capital(&what)
            );
            return (Verdict::WithCare, told);
        }
        if self.twins.are_too_many() {
            let Twins { exact, near, .. } = self.twins;
            return (
                Verdict::WithCare,
                format!(
                    "Trust this set with care: {exact} traces have an exact twin, {near} a near one; wfkit dataset validate names them."
                ),
            );
        }
        if recorded.iter().all(|one| one.found.is_err()) {
            return (
                Verdict::Unknown,
                "Whether this set can be trusted cannot be said: neither start times nor sessions are in the file."
                    .to_owned(),
            );
        }
        let attack = match beside.accuracy {
            Some((_, interval)) if interval.low <= beside.chance => format!(", nor is {}", beside.attack),
            _ => String::new(),
        };
        (
            Verdict::Yes,
            format!(
                "This set can be trusted: {} alone are not above chance{attack}. Not in the file: {}.",
                names(true),
                names(false)
            ),
        )
    }

    /// What is loud, each with what to do.
    fn warnings(&self) -> Vec<String> {
        let what_to_do = "record classes in turns, or keep it out of scores by --split-by session or --split-time";
        let mut warnings: Vec<String> = Vec::new();
        if !self.recording_at(Standing::AsGoodAsTheAttack).is_empty() {
            warnings.push(
                "a shortcut beats the attack, or is as good: its scores on this set may be those of the recording"
                    .to_owned(),
            );
        }
        warnings
            .extend(self.recording_at(Standing::AboveChance).into_iter().map(|told| format!("{told}; {what_to_do}")));
        if self.twins.are_too_many() {
            let Twins { traces, exact, near, .. } = self.twins;
            warnings.push(format!(
                "of {traces} traces {exact} have an exact twin and {near} a near one, to be trained on and tested: remove them (wfkit dataset validate names them)"
            ));
        }
        warnings
    }

    fn rows(&self) -> Vec<[String; 4]> {
        let share = |share: f64| format!("{share:.3}");
        let span = |interval: Interval| format!("{:.3} to {:.3}", interval.low, interval.high);
        let dash = || "-".to_owned();
        let mut rows: Vec<[String; 4]> = Vec::new();
        if let Ok((found, beside)) = &self.measured {
            let attacked = beside.accuracy.map(|(accuracy, interval)| (share(accuracy), span(interval)));
            let (accuracy, interval) = attacked.unwrap_or((dash(), dash()));
            rows.push([beside.attack.clone(), accuracy, interval, "the attack".to_owned()]);
            rows.push(["nothing".to_owned(), share(beside.chance), dash(), "chance".to_owned()]);
            for (about, heading) in [(About::Recording, "of the recording"), (About::Traffic, "of the traffic")] {
                rows.push([heading.to_owned(), String::new(), String::new(), String::new()]);
                rows.extend(found.iter().filter(|one| one.about == about).map(|one| {
                    let name = format!("  {}", one.name);
                    match &one.found {
                        Ok((found, standing)) => {
                            let loud = if one.is_recording_at(Standing::AboveChance) { "! " } else { "" };
                            [name, share(found.accuracy), span(found.interval), format!("{loud}{}", standing.told())]
                        }
                        Err(reason) => [name, dash(), dash(), (*reason).to_owned()],
                    }
                }));
            }
        }
        rows.push(["of all traces".to_owned(), "share".to_owned(), String::new(), String::new()]);
        for (name, n, of_all, interval) in self.twins.shares() {
            rows.push([format!("  {name}"), share(of_all), span(interval), format!("{n} of {}", self.twins.traces)]);
        }
        rows
    }

    fn told(&self, verdict: Verdict, sentence: &str) -> Value {
        let twins: Vec<Value> = self
            .twins
            .shares()
            .into_iter()
            .map(|(name, traces, share, interval)| json!({ "name": name, "traces": traces, "share": share, "share_95": interval }))
            .collect();
        let mut told = json!({ "can_be_trusted": verdict.name(), "verdict": sentence, "trees": TREES, "twins": twins });
        match &self.measured {
            Ok((found, beside)) => {
                told["chance_accuracy"] = json!(beside.chance);
                told["shortcuts"] = json!(found.iter().map(MeasuredShortcut::report).collect::<Vec<_>>());
            }
            Err(reason) => told["reason"] = json!(reason),
        }
        told
    }
}
