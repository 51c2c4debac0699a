//! Shortcuts: what tells classes apart without the content of the traffic, such as when a trace was recorded.
//!
//! An attack may have learned such a thing in place of what it is credited with: a set whose classes were recorded one after the other gives
//! them away by whatever drifts. Each shortcut is a few numbers a trace, and a small forest says how much is in them alone.

use ndarray::Array2;
use serde::Serialize;
use wfkit_classify::forest::ForestParams;
use wfkit_classify::{Samples, Training};
use wfkit_datasets::TraceSet;
use wfkit_datasets::splits::Split;
use wfkit_features::FeatureSpec;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Interval, Probabilities, Work, accuracy_95};

use crate::Setting;
use crate::measured::{Kin, Measured, TRIVIAL};

/// What a shortcut is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortcutKind {
    /// Where and when a trace was recorded, which says nothing of what was visited: chance in a good set.
    Recording,
    /// The traffic, though little of it.
    Traffic,
}

/// Numbers of every trace that may tell its class.
#[derive(Debug)]
pub struct Shortcut {
    /// What it is called.
    pub name: &'static str,
    /// What it is about.
    pub about: ShortcutKind,
    /// Of every row, all of one length; none where the file does not have it.
    numbers: Vec<Option<Vec<f64>>>,
}

/// What a forest found in a shortcut.
#[derive(Debug, Clone, Copy)]
pub struct ShortcutScore {
    /// The share that it decided right.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// What guessing the commonest class would find among these traces.
    pub chance: f64,
    /// Traces tested.
    pub traces: usize,
}

/// How much that is, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The interval reaches down to chance.
    AtChance,
    /// It does not, but is below the attack's.
    AboveChance,
    /// Both intervals overlap.
    AsGoodAsTheAttack,
    /// It is above the attack's.
    BeatsTheAttack,
}

impl Standing {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::AtChance => "at chance",
            Self::AboveChance => "above chance",
            Self::AsGoodAsTheAttack => "as good as the attack",
            Self::BeatsTheAttack => "beats the attack",
        }
    }
}

/// Where and when each row was recorded.
pub fn of_recording(samples: Samples<'_>, seed: u64) -> Vec<Shortcut> {
    let rows = 0..samples.len();
    let about = ShortcutKind::Recording;
    let start = |row: usize| samples.start_ns(row);
    let mut starts: Vec<i64> = rows.clone().filter_map(start).collect();
    starts.sort_unstable();
    starts.dedup();
    // What started at once, as copies of a load did, has one rank.
    let rank = |row: usize| Some(vec![starts.binary_search(&start(row)?).expect("it is among them") as f64]);
    let session = |row: usize| samples.key(row).session.as_deref();
    let mut sessions: Vec<&str> = rows.clone().filter_map(session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    // In no order: that of names may tell more than which session it is.
    let number = |row: usize| {
        let at = sessions.binary_search(&session(row)?).expect("it is among them");
        Some(vec![(mix(seed, at as u64) >> 40) as f64])
    };
    let moment = |row: usize| {
        let hours = start(row)?.div_euclid(3_600_000_000_000);
        // 1970 began on a Thursday.
        Some(vec![hours.rem_euclid(24) as f64, (hours.div_euclid(24) + 3).rem_euclid(7) as f64])
    };
    vec![
        Shortcut { name: "order of recording", about, numbers: rows.clone().map(rank).collect() },
        Shortcut { name: "session", about, numbers: rows.clone().map(number).collect() },
        Shortcut { name: "hour and weekday (UTC)", about, numbers: rows.clone().map(moment).collect() },
        // Traces keep no address, nor what stands for one.
        Shortcut { name: "client", about, numbers: vec![None; samples.len()] },
    ]
}

/// Little of the traffic of each trace.
pub fn of_traffic(set: &TraceSet) -> Vec<Shortcut> {
    let traces: Vec<_> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    let totals = TRIVIAL.parse::<FeatureSpec>().expect("it is a feature set").fit(&traces);
    let about = ShortcutKind::Traffic;
    let first = |most: usize| {
        let sizes = |trace: &&wfkit_datasets::Trace| {
            let mut sizes: Vec<f64> = trace.size().iter().take(most).map(|&size| f64::from(size)).collect();
            sizes.resize(most, 0.0);
            Some(sizes)
        };
        traces.iter().map(sizes).collect()
    };
    let each =
        |number: &dyn Fn(&wfkit_datasets::Trace) -> f64| traces.iter().map(|trace| Some(vec![number(trace)])).collect();
    vec![
        Shortcut { name: "totals", about, numbers: traces.iter().map(|trace| Some(totals.features(trace))).collect() },
        Shortcut { name: "sizes of 5 packets", about, numbers: first(5) },
        Shortcut { name: "sizes of 20 packets", about, numbers: first(20) },
        Shortcut { name: "number of packets", about, numbers: each(&|trace| trace.len() as f64) },
        Shortcut { name: "duration", about, numbers: each(&|trace| trace.duration_ns() as f64 / 1e9) },
    ]
}

impl Shortcut {
    /// What a forest of so many trees finds in it alone, on these splits; or why nothing can be said.
    pub fn measure(
        &self,
        samples: Samples<'_>,
        splits: &[Split],
        trees: usize,
        seed: u64,
    ) -> Result<ShortcutScore, &'static str> {
        let width = self.numbers.iter().flatten().next().map(Vec::len).ok_or("not in the file")?;
        let known = |rows: &[usize]| -> Vec<usize> {
            rows.iter().copied().filter(|&row| self.numbers[row].is_some()).collect()
        };
        let values = |rows: &[usize]| {
            let numbers = rows.iter().flat_map(|&row| self.numbers[row].iter().flatten().copied());
            Array2::from_shape_vec((rows.len(), width), numbers.collect()).expect("all are of one length")
        };
        let classes = samples.classes();
        let labels = samples.labels(&classes);
        let label = |row: usize| labels[row].expect("the classes are those of the samples");
        let params = ForestParams::random_forest().with_trees(trees);
        let origins = samples.origins();
        let mut decided: Vec<(usize, usize)> = Vec::new();
        for (fold, split) in splits.iter().enumerate() {
            let (train, test) = (known(&split.train), known(&split.test));
            if train.is_empty() || test.is_empty() {
                continue;
            }
            let (learned, tested) = (values(&train), values(&test));
            let learned_labels: Vec<usize> = train.iter().map(|&row| label(row)).collect();
            let groups = origins.select(&train);
            let training = Training::new(learned.view(), &learned_labels, classes.len(), mix(seed, fold as u64));
            let forest =
                params.grow(&training.grouped(&groups)).map_err(|_| "more classes or traces than a forest takes")?;
            let said = Probabilities::new(classes.clone(), forest.predict(tested.view()));
            let decisions = said.expect("averages of class fractions are distributions").argmax();
            decided.extend(test.iter().copied().zip(decisions));
        }
        decided.sort_unstable();
        let (rows, decisions): (Vec<usize>, Vec<usize>) = decided.into_iter().unzip();
        let truth: Vec<usize> = rows.iter().map(|&row| label(row)).collect();
        let kin = Kin::of(samples, &rows);
        let found = accuracy_95(&truth, &decisions, classes.len(), kin.kinship(), splits.len());
        let (accuracy, interval) = found.ok_or("no trace that has it is tested")?;
        let mut of_class = vec![0usize; classes.len()];
        truth.iter().for_each(|&class| of_class[class] += 1);
        let chance = of_class.into_iter().max().unwrap_or(0) as f64 / rows.len() as f64;
        Ok(ShortcutScore { accuracy, interval, chance, traces: rows.len() })
    }
}

impl ShortcutScore {
    /// Beside an attack's accuracy and interval.
    pub fn beside(&self, attack: Option<(f64, Interval)>) -> Standing {
        match attack {
            _ if self.interval.low <= self.chance => Standing::AtChance,
            Some((_, attack)) if self.interval.low > attack.high => Standing::BeatsTheAttack,
            Some((_, attack)) if self.interval.high < attack.low => Standing::AboveChance,
            _ => Standing::AsGoodAsTheAttack,
        }
    }
}

/// A shortcut that was measured, or why it was not.
#[derive(Debug, Clone, Copy)]
pub struct MeasuredShortcut {
    /// What it is called.
    pub name: &'static str,
    /// What it is about.
    pub about: ShortcutKind,
    /// What was found, and how much that is.
    pub found: Result<(ShortcutScore, Standing), &'static str>,
}

/// A shortcut in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ShortcutReport {
    /// It was measured.
    Measured {
        /// What it is called.
        name: &'static str,
        /// What it is about.
        about: ShortcutKind,
        /// What a forest finds in it alone.
        accuracy: f64,
        /// Its 95 % interval.
        accuracy_95: Interval,
        /// What guessing finds.
        chance_accuracy: f64,
        /// Traces tested.
        traces: usize,
        /// How much that is.
        standing: Standing,
    },
    /// It was not.
    Missing {
        /// What it is called.
        name: &'static str,
        /// What it is about.
        about: ShortcutKind,
        /// None.
        accuracy: Option<f64>,
        /// Why not.
        reason: &'static str,
    },
}

impl MeasuredShortcut {
    /// All shortcuts on these splits, beside an attack's accuracy and interval on the same.
    pub fn all(
        shortcuts: &[Shortcut],
        samples: Samples<'_>,
        splits: &[Split],
        trees: usize,
        attack: Option<(f64, Interval)>,
        setting: Setting<'_>,
    ) -> Vec<Self> {
        let work = Work::begin(setting.observer, "shortcuts", shortcuts.len());
        let measure = |shortcut: &Shortcut| {
            let found = shortcut.measure(samples, splits, trees, setting.seed);
            let found = found.map(|found| (found, found.beside(attack)));
            work.step();
            Self { name: shortcut.name, about: shortcut.about, found }
        };
        shortcuts.iter().map(measure).collect()
    }

    /// Whether it is about the recording, and stands so at least.
    pub fn is_recording_at(&self, least: Standing) -> bool {
        self.about == ShortcutKind::Recording && self.found.is_ok_and(|(_, standing)| standing >= least)
    }

    /// For a report.
    pub fn report(&self) -> ShortcutReport {
        let (name, about) = (self.name, self.about);
        match self.found {
            Ok((found, standing)) => ShortcutReport::Measured {
                name,
                about,
                accuracy: found.accuracy,
                accuracy_95: found.interval,
                chance_accuracy: found.chance,
                traces: found.traces,
                standing,
            },
            Err(reason) => ShortcutReport::Missing { name, about, accuracy: None, reason },
        }
    }

    /// In words; nothing where it was not measured.
    pub fn sentence(&self, attack: &str, beside: Option<(f64, Interval)>) -> Option<String> {
        let (found, standing) = self.found.ok()?;
        let share =
            |accuracy: f64, interval: Interval| format!("{accuracy:.3} [{:.3}, {:.3}]", interval.low, interval.high);
        let beside =
            beside.map_or(String::new(), |(accuracy, interval)| format!(", {attack} {}", share(accuracy, interval)));
        let what = match standing {
            Standing::AtChance => "no more than chance",
            Standing::AboveChance => "more than chance",
            Standing::AsGoodAsTheAttack => "as much as the attack",
            Standing::BeatsTheAttack => "more than the attack",
        };
        let ShortcutScore { accuracy, interval, chance, .. } = found;
        Some(format!("{} alone finds {what}: {}{beside}, chance {chance:.3}", self.name, share(accuracy, interval)))
    }
}

/// Shortcuts of the recording, beside an attack on the same splits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShortcutsReport {
    /// Trees of the forest that looks at each.
    pub trees: usize,
    /// Why they were not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was found, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_recording: Option<Vec<ShortcutReport>>,
    /// That one is above chance and not below the attack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// Trees that see a shortcut, at little cost.
const FEW_TREES: usize = 25;

/// Above so many traces, `wfkit dataset audit` is to be asked.
const MOST_TRACES: usize = 20_000;

/// Whether when or where traces were recorded tells as much as the attack found on the same splits.
pub fn shortcuts_beside(
    attack: &Measured,
    samples: Samples<'_>,
    splits: &[Split],
    setting: Setting<'_>,
) -> ShortcutsReport {
    let mut report = ShortcutsReport { trees: FEW_TREES, reason: None, of_recording: None, warning: None };
    if samples.len() > MOST_TRACES {
        report.reason = Some(format!("not looked for above {MOST_TRACES} traces: wfkit dataset audit does"));
        return report;
    }
    let (name, beside) = (&attack.attack, attack.accuracy_95());
    let shortcuts = of_recording(samples, setting.seed);
    let measured = MeasuredShortcut::all(&shortcuts, samples, splits, FEW_TREES, beside, setting);
    report.of_recording = Some(measured.iter().map(MeasuredShortcut::report).collect());
    let loud = measured.iter().filter(|one| one.is_recording_at(Standing::AsGoodAsTheAttack));
    let sentences: Vec<String> = loud.filter_map(|one| one.sentence(name, beside)).collect();
    if !sentences.is_empty() {
        report.warning = Some(format!("a shortcut beats the attack or is as good: {}", sentences.join("; ")));
    }
    report
}

/// What shortcuts are and what to do about them, for people.
pub const SHORTCUTS_EXPLAINED: &str = "\
A shortcut is a number or a few that anybody could read off a trace without looking at what was
visited. A forest of 100 trees learns from each alone, on the folds of the attack, so that the
accuracies compare.
  of the recording  order (the rank of the start), session, hour and weekday (UTC), client: in a
                    good set none of them is above chance, since no visit decides when it is
                    recorded. Where classes were recorded one after the other, the order gives
                    them away, and with it whatever drifts: a guard, the load of a network.
  of the traffic    totals, the first 5 and 20 sizes, number of packets, duration: no fault of
                    the set, but an attack that does not beat them has found no more than they.
  twins             traces whose packets another trace has, exactly or nearly, so that they are
                    trained on and tested.

What to do: record classes in turns, as `wfkit capture collect` does; or keep a shortcut out of
the scores, by `wfkit evaluate --split-by session`, where each session holds all classes, or by
--split-time.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_stands_where_its_interval_does() {
        let found = |low: f64, high: f64| ShortcutScore {
            accuracy: (low + high) / 2.0,
            interval: Interval { low, high },
            chance: 0.1,
            traces: 100,
        };
        let attack = Some((0.6, Interval { low: 0.5, high: 0.7 }));
        assert_eq!(found(0.1, 0.9).beside(attack), Standing::AtChance);
        assert_eq!(found(0.2, 0.4).beside(attack), Standing::AboveChance);
        assert_eq!(found(0.2, 0.5).beside(attack), Standing::AsGoodAsTheAttack);
        assert_eq!(found(0.7, 0.9).beside(attack), Standing::AsGoodAsTheAttack);
        assert_eq!(found(0.71, 0.9).beside(attack), Standing::BeatsTheAttack);
        assert!(Standing::AtChance < Standing::AboveChance && Standing::AsGoodAsTheAttack < Standing::BeatsTheAttack);
    }
}
