//! House attackers: what every defence is attacked by, so that a team has a privacy before others attack it, and when nobody does.
//!
//! Two are nearest neighbours, which take a moment and run with the check of a defence: over the totals of a trace, the control that
//! every attack must beat, and over its course, 100 points of the cumulated sizes (the idea of A. Panchenko et al.: Website
//! fingerprinting at internet scale, NDSS 2016). [`HouseAttacker`]s are the toolkit's own attacks. They take minutes over a full
//! defence, and run as jobs of their own when nothing waits to be checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use wfkit_classify::{Attack, AttackOptions, Samples};
use wfkit_competition::{Match, read_captures, read_defense, read_truth};
use wfkit_datasets::formats::{ReadError, ReadLimits};
use wfkit_datasets::{Trace, TraceSet};
use wfkit_metrics::{ClassMap, Probabilities};

use super::attack::score_parts;
use super::{Done, Outcome};
use crate::store::results::ScoreRow;
use crate::store::submissions::{State, Submission};
use crate::store::teams::Team;
use crate::{Failure, Files};

/// Neighbours asked.
const NEIGHBOURS: usize = 8;
/// What a class that no neighbour is of has, so that none is impossible.
const PRIOR: f64 = 0.05;
/// Points of a course.
const POINTS: usize = 100;

/// The one that sees totals only: the control.
pub(crate) const CONTROL: &str = "totals";

/// An attack of the toolkit that runs on every defence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HouseAttacker {
    /// k-fingerprinting (J. Hayes, G. Danezis: k-fingerprinting, USENIX Security 2016).
    Kfp,
    /// The toolkit's best: a pool of learners over features that it chooses itself.
    Best,
}

impl HouseAttacker {
    /// Each of them.
    pub const EACH: [Self; 2] = [Self::Kfp, Self::Best];

    /// Its name, the one that the toolkit knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kfp => "kfp",
            Self::Best => "best",
        }
    }

    /// The one of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|one| one.name() == name)
    }
}

/// What an attacker attacks: train and test traces, and the class of each test trace.
struct Attacked {
    train: TraceSet,
    test: TraceSet,
    truth: Vec<usize>,
}

fn attacked(files: &Files, submission: &Submission, team: &Team) -> Result<Attacked, Failure> {
    let part = |part: &str| files.part(&submission.id, team.number, part);
    let broken = |error: ReadError| Failure::Broken(error.to_string());
    let limits = &ReadLimits::OWN;
    let train = read_defense(&part("train"), limits).map_err(broken)?;
    let test = read_captures(&part("test"), limits).map_err(broken)?;
    let truth = read_truth(&part("verif"), limits).map_err(broken)?;
    let classes = train.classes();
    let truth = truth_of(&test, &truth, &classes)?;
    Ok(Attacked { train, test, truth })
}

fn scored(
    attacked: &Attacked,
    probabilities: Probabilities,
    submission: &Submission,
    team: &Team,
    name: &str,
) -> Result<Vec<ScoreRow>, Failure> {
    let one = Match {
        team_id: team.number as u64,
        capture_ids: wfkit_competition::capture_ids(&attacked.test),
        probabilities,
        truth: attacked.truth.clone(),
    };
    score_parts(&one, submission.seed, &submission.id, name, &team.id)
}

/// The attacks that take a moment.
pub(super) fn attack(files: &Files, submission: &Submission, team: &Team) -> Result<Vec<ScoreRow>, Failure> {
    let attacked = attacked(files, submission, team)?;
    let mut scores = Vec::new();
    for (name, by_course) in [(CONTROL, false), ("course", true)] {
        let probabilities = predict(&attacked.train, &attacked.test, by_course)?;
        scores.extend(scored(&attacked, probabilities, submission, team, name)?);
    }
    Ok(scores)
}

/// One that takes long, on a defence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Slowly {
    pub(super) submission: Submission,
    pub(super) team: Team,
    pub(super) attacker: HouseAttacker,
}

impl Slowly {
    /// The files that it needs.
    pub(super) fn reads(&self, files: &Files) -> Vec<PathBuf> {
        ["train", "test", "verif"].map(|part| files.part(&self.submission.id, self.team.number, part)).into()
    }

    /// Attacks. The same defence gives the same scores, on any number of threads.
    pub(super) fn run(&self, files: &Files) -> Result<Done, Failure> {
        let Self { submission, team, attacker } = self;
        let attacked = attacked(files, submission, team)?;
        let broken = |error: wfkit_classify::AttackError| Failure::Broken(format!("{}: {error}", attacker.name()));
        let attack = Attack::by_name(attacker.name(), &AttackOptions::default()).map_err(broken)?;
        let fitted = attack.fit(Samples::Traces(&attacked.train), submission.seed as u64).map_err(broken)?;
        let probabilities = fitted.predict(Samples::Traces(&attacked.test)).map_err(broken)?;
        let scores = scored(&attacked, probabilities, submission, team, attacker.name())?;
        Ok(Done { state: State::Done, reason: None, outcome: Outcome::default(), scores })
    }
}

/// What a house attacker says of a test set, by the course of traces or by their totals.
pub(crate) fn predict(train: &TraceSet, test: &TraceSet, by_course: bool) -> Result<Probabilities, Failure> {
    let classes = train.classes();
    let values = nearest(train, test, &classes, if by_course { course } else { totals });
    Probabilities::new(classes, values).map_err(|error| Failure::Broken(error.to_string()))
}

fn truth_of(test: &TraceSet, truth: &BTreeMap<i64, String>, classes: &ClassMap) -> Result<Vec<usize>, Failure> {
    let class = |id| truth.get(&id).and_then(|class| classes.index_of(class));
    let known: Option<Vec<usize>> = wfkit_competition::capture_ids(test).into_iter().map(class).collect();
    known.ok_or_else(|| Failure::Broken("test traces without a truth".to_owned()))
}

/// Bytes and packets of both directions and the time, as logarithms: overheads are ratios.
fn totals(trace: &Trace) -> Vec<f64> {
    let counts =
        [trace.in_bytes() as f64, trace.out_bytes() as f64, trace.in_packets() as f64, trace.out_packets() as f64];
    counts.into_iter().chain([trace.duration_ns() as f64 / 1e9]).map(f64::ln_1p).collect()
}

/// The cumulated sizes at points spread over the packets.
fn course(trace: &Trace) -> Vec<f64> {
    let mut sum = 0.0;
    let course: Vec<f64> = trace
        .size()
        .iter()
        .map(|&size| {
            sum += f64::from(size);
            sum
        })
        .collect();
    let last = course.len().saturating_sub(1);
    let point = |i: usize| {
        let position = last as f64 * i as f64 / (POINTS - 1) as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        course[below] + position.fract() * (course[above] - course[below])
    };
    if course.is_empty() { vec![0.0; POINTS] } else { (0..POINTS).map(point).collect() }
}

/// Probabilities by the nearest train traces, each weighted by its nearness.
fn nearest(train: &TraceSet, test: &TraceSet, classes: &ClassMap, features: fn(&Trace) -> Vec<f64>) -> Array2<f64> {
    let row = |set: &TraceSet| set.traces().iter().map(|labelled| features(&labelled.trace)).collect::<Vec<_>>();
    let (mut known, mut asked) = (row(train), row(test));
    for column in 0..known.first().map_or(0, Vec::len) {
        let n = known.len() as f64;
        let mean = known.iter().map(|row| row[column]).sum::<f64>() / n;
        let deviation = (known.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
        for row in known.iter_mut().chain(&mut asked) {
            row[column] = (row[column] - mean) * scale;
        }
    }
    let class: Vec<usize> = train
        .traces()
        .iter()
        .map(|labelled| classes.index_of(&labelled.key.class).expect("the classes are those of the train set"))
        .collect();
    let mut values = Array2::from_elem((asked.len(), classes.len()), PRIOR / classes.len() as f64);
    for (mut shares, row) in values.rows_mut().into_iter().zip(&asked) {
        let mut distances: Vec<(f64, usize)> = known
            .iter()
            .zip(&class)
            .map(|(other, &class)| (row.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>(), class))
            .collect();
        let count = NEIGHBOURS.min(distances.len());
        if count < distances.len() {
            distances.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        distances.truncate(count);
        for (distance, class) in distances {
            shares[class] += 1.0 / (1e-3 + distance.sqrt());
        }
        let sum = shares.sum();
        shares.mapv_inplace(|share| share / sum);
    }
    values
}
