//! An attack, or all of them, on one task: its scores and all that is asked for beside them.

use serde::Serialize;
use wfkit_classify::{Attack, AttackOptions, Calibration, Samples};
use wfkit_datasets::Findings;

use crate::{
    Background, BackgroundSize, Benchmark, Collections, Drift, Early, ExperimentError, FewShot, Measured,
    OpenWorldReport, PairedComparison, Ranking, RankingOptions, RankingReport, Setting, TRIVIAL, Task, attack,
    background_curve, compare, describe_background, drift, early, few_shot, one_vs_rest, open_world, shortcuts_beside,
};

/// Which attacks are measured.
pub enum Contenders {
    /// One, and others on the same splits to test it against.
    One {
        /// The attack that the report is about.
        attack: Attack,
        /// The others.
        against: Vec<Attack>,
    },
    /// All that take these samples; the report is about the best by log loss.
    Every {
        /// What is changed about every attack that takes it.
        changed: AttackOptions,
        /// How probabilities are calibrated, where not as the attack does by itself.
        calibrate: Option<Calibration>,
    },
}

/// What is measured beside the scores of a closed world.
#[derive(Debug, Clone, Default)]
pub struct EvaluationOptions<'a> {
    /// Whether traces that were learned from are scored.
    pub duplicates: bool,
    /// The benchmark that the traces and folds have to be.
    pub benchmark: Option<&'a Benchmark>,
    /// The class that stands for everything unmonitored.
    pub open_world: Option<&'a str>,
    /// Shares of monitored visits that open-world scores are restated for.
    pub base_rates: &'a [f64],
    /// Sizes of backgrounds to train on, in pages.
    pub background: &'a [u32],
    /// Whether each class is also told from all others by itself.
    pub one_vs_rest: bool,
    /// Traces of each class to train on.
    pub few_shot: &'a [u16],
    /// How much of each trace is seen, in percent of the median duration.
    pub early: &'a [u16],
    /// Whether it is trained on the first sessions and tested on later ones.
    pub drift: bool,
}

/// Curves of an evaluation; empty where they were not asked for.
#[derive(Debug, Default)]
pub struct Curves {
    /// Over pages of the background to train on.
    pub background: Vec<BackgroundSize>,
    /// Over traces of each class to train on.
    pub few_shot: Vec<FewShot>,
    /// Over how much of traces is seen.
    pub early: Vec<Early>,
    /// Over sessions between training and testing.
    pub drift: Option<Drift>,
}

/// What an evaluation found.
#[derive(Debug)]
pub struct Evaluated {
    /// All of it, for a report.
    pub findings: Findings,
    /// The attack that it is about.
    pub measured: Measured,
    /// The trivial attack on the same splits; none where that is the attack, or samples are features, which do not hold what it needs.
    pub trivial: Option<Measured>,
    /// What else was measured: what the attack was tested against, or the rest of the ranking.
    pub others: Vec<Measured>,
    /// Other worlds.
    pub curves: Curves,
    /// All attacks side by side, where all were measured.
    pub ranking: Option<RankingReport>,
    /// The attack tested against the others, where it was to be.
    pub comparisons: Vec<PairedComparison>,
}

/// An open world, and the background of what was tested.
#[derive(Serialize)]
struct OpenWorldPart {
    #[serde(flatten)]
    open_world: OpenWorldReport,
    #[serde(flatten)]
    background: Background,
}

impl Evaluated {
    /// Trains and tests.
    ///
    /// # Errors
    /// Traces and folds that are not those of the benchmark, traces that would be scored although they were learned from, and what attacks and
    /// scores refuse.
    pub fn of(
        on: &Collections,
        contenders: Contenders,
        options: &EvaluationOptions<'_>,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let task = on.task();
        let benchmark = match (options.benchmark, task) {
            (None, _) => None,
            (Some(benchmark), Task::Splits { samples: Samples::Traces(set), splits }) => {
                Some(benchmark.check(set, splits)?)
            }
            (Some(_), _) => {
                return Err(ExperimentError::Unfit("a benchmark is of traces, not of features".to_owned()));
            }
        };
        let duplicates = options.duplicates || on.parts_copies();
        let unmonitored = options.open_world;
        let is_ranking = matches!(contenders, Contenders::Every { .. });
        let (chosen, measured, ranked, failed, against) = match contenders {
            Contenders::Every { changed, calibrate } => {
                let options = RankingOptions { changed, unmonitored, calibrate };
                let ranking = Ranking::measure(task, &options, duplicates, setting)?;
                let (best, measured, others, failed) = ranking.split();
                (best, measured, others, failed, Vec::new())
            }
            Contenders::One { attack, against } => {
                let attack = unmonitored.into_iter().fold(attack, Attack::unmonitored);
                let measured = task.measure(&attack, setting)?;
                measured.refuse_leaks(duplicates)?;
                (attack, measured, Vec::new(), Vec::new(), against)
            }
        };
        let trivial = match task.tested() {
            Samples::Traces(_) if !is_ranking && measured.attack != TRIVIAL => {
                Some(task.measure(&attack(TRIVIAL)?, setting)?)
            }
            _ => None,
        };
        let utility = on.tested().utility(measured.evaluation.rows.iter().copied());
        let mut findings = Findings::new(utility, measured.privacy());
        findings.dropped = on.tested().dropped();
        let shortcuts = match task {
            Task::Splits { samples, splits } => Some(shortcuts_beside(&measured, samples, splits, setting)),
            Task::TrainAndTest { .. } => None,
        };
        if let Some(warning) = shortcuts.as_ref().and_then(|shortcuts| shortcuts.warning.as_ref()) {
            let message = format!("{warning}; wfkit dataset audit says more");
            setting.observer.warn(&message);
            findings.problems.push(message);
        }
        measured.describe(trivial.as_ref(), on.name(), &mut findings, setting);
        let extras = &mut findings.privacy.extras;
        if let fitted @ [_, ..] = on.tested().fitted_on_all_rows() {
            extras.set("fitted_on_all_rows", fitted);
        }
        if let Some(benchmark) = benchmark {
            extras.set("benchmark", benchmark);
        }
        extras.set("calibration", calibration(chosen.calibration())).set("reliability", measured.reliability());
        if let Some(shortcuts) = shortcuts {
            extras.set("shortcuts", shortcuts);
        }
        let curves = other_worlds(task, (&chosen, &measured), options, &mut findings, setting)?;
        let others = match is_ranking {
            true => ranked,
            false => against.iter().map(|other| task.measure(other, setting)).collect::<Result<_, _>>()?,
        };
        let mut found = Self { findings, measured, trivial, others, curves, ranking: None, comparisons: Vec::new() };
        let beside: Vec<&Measured> = found.trivial_alone().chain(&found.others).collect();
        let leakage = found.measured.leakage(&beside);
        let extras = &mut found.findings.privacy.extras;
        extras.set("leakage", leakage);
        if is_ranking {
            let ranking = RankingReport::of(&found.measured, &found.others, &failed);
            extras.set("attacks", &ranking);
            found.ranking = Some(ranking);
        } else if !found.others.is_empty() {
            found.comparisons = compare(&found.measured, &found.others);
            extras.set("against", &found.comparisons);
        }
        Ok(found)
    }

    /// The trivial attack, unless it is among the others, where it was asked for: it counts once.
    fn trivial_alone(&self) -> impl Iterator<Item = &Measured> {
        self.trivial.iter().filter(|_| self.others.iter().all(|other| other.attack != TRIVIAL))
    }

    /// Every attack that was measured, each once, the one that it is about first.
    pub fn attacks(&self) -> Vec<&Measured> {
        std::iter::once(&self.measured).chain(&self.others).chain(self.trivial_alone()).collect()
    }
}

/// What the probabilities are, for a report.
fn calibration(of: Calibration) -> &'static str {
    match of {
        Calibration::None => "none: probabilities are the classifier's own, and may claim more than it knows",
        of => of.name(),
    }
}

/// Adds what is asked for beyond a closed world that is trained on everything.
fn other_worlds(
    task: Task<'_>,
    (attack, measured): (&Attack, &Measured),
    options: &EvaluationOptions<'_>,
    findings: &mut Findings,
    setting: Setting<'_>,
) -> Result<Curves, ExperimentError> {
    let (mut curves, extras) = (Curves::default(), &mut findings.privacy.extras);
    if let Some(class) = options.open_world {
        let open_world = open_world(measured, class, options.base_rates, setting.seed)
            .map_err(|error| ExperimentError::OpenWorld { class: class.to_owned(), source: Box::new(error) })?;
        let background = describe_background(task.tested(), measured, class);
        extras.set("open_world", OpenWorldPart { open_world, background });
        warn_of_background(task.tested(), measured, class, setting);
    }
    if let (Some(class), false) = (options.open_world, options.background.is_empty()) {
        let (samples, splits) = task.one_collection("background")?;
        curves.background = background_curve(options.background, class, samples, splits, attack, setting)?;
        extras.set("background", &curves.background);
    }
    if options.one_vs_rest {
        extras.set("one_vs_rest", one_vs_rest(measured, setting.seed));
    }
    if !options.few_shot.is_empty() {
        let (samples, splits) = task.one_collection("few-shot")?;
        curves.few_shot = few_shot(options.few_shot, samples, splits, attack, setting)?;
        extras.set("few_shot", &curves.few_shot);
    }
    if !options.early.is_empty() {
        let (Samples::Traces(set), splits) = task.one_collection("early")? else {
            return Err(ExperimentError::TracesOnly("early"));
        };
        curves.early = early(options.early, set, splits, attack, setting)?;
        extras.set("early", &curves.early);
    }
    if options.drift {
        let (samples, _) = task.one_collection("drift")?;
        let drift = drift(samples, attack, options.duplicates, setting)?;
        extras.set("drift", &drift);
        curves.drift = Some(drift);
    }
    Ok(curves)
}

/// A background without pages cannot be kept apart: that is said aloud.
fn warn_of_background(samples: Samples<'_>, measured: &Measured, class: &str, setting: Setting<'_>) {
    let mut of_class = (0..samples.len()).filter(|&row| samples.key(row).class == class);
    if of_class.any(|row| samples.page(row).is_none()) {
        setting.observer.warn(&format!(
            "traces of {class} do not say which page they show, so that a page may be trained on and tested: false alarms are then understated; \
             wfkit dataset relabel makes sets that do"
        ));
    }
    let overlap = measured.overlap();
    if overlap.pages_trained_on > 0 {
        let (trained, tested) = (overlap.pages_trained_on, overlap.pages_tested);
        setting.observer.warn(&format!("{trained} of {tested} traces of {class} show a page that was trained on"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

    use super::*;
    use crate::split::Pages;
    use crate::{Labelled, SplitRule, Traces};

    /// Two pages, one of which answers with more; no two loads are alike, but where `twins` says so.
    fn collection(twins: bool) -> Labelled {
        let load = |(class, rep): (&str, i64)| {
            let bytes = if class == "cat" { 500 } else { 1_400 } + if twins { 0 } else { rep as i32 };
            let trace =
                Trace::new(vec![0, 40_000_000 + if twins { 0 } else { 7_000_000 * rep as u64 }], vec![300, -bytes]);
            LabelledTrace::new(TraceKey { class: class.to_owned(), rep, session: None }, None, trace.unwrap())
        };
        let all = ["cat", "dog"].into_iter().flat_map(|class| (0..10).map(move |rep| (class, rep)));
        let set = TraceSet::new(all.map(load).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        Labelled::Traces(Traces { set, dropped: BTreeMap::from([("empty trace".to_owned(), 2)]) })
    }

    fn evaluated(input: Labelled, options: &EvaluationOptions<'_>) -> Result<Evaluated, ExperimentError> {
        let splits = SplitRule::Folds(2).split(input.samples(), Pages::Apart, Setting::silent(1))?;
        let contenders = Contenders::One { attack: attack("cumul-forest")?, against: vec![attack("sequence")?] };
        Evaluated::of(&Collections::One { input, splits }, contenders, options, Setting::silent(1))
    }

    #[test]
    fn findings_are_all_of_a_report_and_parts_stand_in_their_order() {
        let options = EvaluationOptions { few_shot: &[2], one_vs_rest: true, ..EvaluationOptions::default() };
        let found = evaluated(collection(false), &options).unwrap();
        assert_eq!((found.findings.counts["tested traces"], found.findings.dropped["empty trace"]), (20, 2));
        let parts: Vec<&str> = found.findings.privacy.extras.iter().map(|(name, _)| name).collect();
        let asked = ["split", "trivial", "folds", "calibration", "one_vs_rest", "few_shot", "leakage", "against"];
        let places: Vec<_> = asked.map(|name| parts.iter().position(|part| *part == name)).into();
        assert!(places.is_sorted() && places[0].is_some(), "{parts:?}");
        let names: Vec<&str> = found.attacks().iter().map(|measured| measured.attack.as_str()).collect();
        assert_eq!(names, ["cumul-forest", "sequence", TRIVIAL]);
        assert_eq!((found.curves.few_shot.len(), found.comparisons.len(), found.ranking), (1, 1, None));
    }

    #[test]
    fn traces_that_were_learned_from_are_scored_only_where_that_is_wanted() {
        let refused = evaluated(collection(true), &EvaluationOptions::default()).unwrap_err();
        let ExperimentError::LearnedFrom(overlap) = &refused else { panic!("{refused}") };
        assert_eq!(overlap.same_packets, 20);
        assert_eq!(
            refused.to_string(),
            "of 20 tested traces 20 have the packets of a training trace, so the scores would be too high"
        );
        let wanted = EvaluationOptions { duplicates: true, ..EvaluationOptions::default() };
        let found = evaluated(collection(true), &wanted).unwrap();
        assert_eq!(found.findings.counts["tested traces that were learned from"], 20);
    }
}
