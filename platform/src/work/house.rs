//! House attackers: what every defence is attacked by, so that a team has a privacy before others attack it, and when nobody does.
//!
//! Two are nearest neighbours, which take a moment and run with the check of a defence: over the totals of a trace, the control that
//! every attack must beat, and over its course. [`HouseAttacker`]s are the toolkit's own attacks. They take minutes over a full
//! defence, and run as jobs of their own when nothing waits to be checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wfkit_classify::{Attack, AttackOptions, Samples};
use wfkit_competition::{Match, Seen, SplitParts, nearest, read_captures, read_defense, read_truth};
use wfkit_datasets::TraceSet;
use wfkit_datasets::formats::{ReadError, ReadLimits};
use wfkit_metrics::{ClassMap, Probabilities};

use super::attack::score_parts;
use super::{Done, Outcome};
use crate::store::results::ScoreRow;
use crate::store::submissions::{State, Submission};
use crate::store::teams::Team;
use crate::{Failure, Files};

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

impl Attacked {
    fn read(files: &Files, submission: &Submission, team: &Team) -> Result<Self, Failure> {
        let part = |part: &str| files.part(&submission.id, team.number, part);
        let broken = |error: ReadError| Failure::Broken(error.to_string());
        let limits = &ReadLimits::OWN;
        let train = read_defense(&part("train"), limits).map_err(broken)?;
        let test = read_captures(&part("test"), limits).map_err(broken)?;
        let truth = read_truth(&part("verif"), limits).map_err(broken)?;
        Self::new(SplitParts { train, test, truth })
    }

    fn new(parts: SplitParts) -> Result<Self, Failure> {
        let SplitParts { train, test, truth } = parts;
        let truth = truth_of(&test, &truth, &train.classes())?;
        Ok(Self { train, test, truth })
    }
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

/// The attacks that take a moment, on what a split has just written.
pub(super) fn attack(parts: SplitParts, submission: &Submission, team: &Team) -> Result<Vec<ScoreRow>, Failure> {
    let attacked = Attacked::new(parts)?;
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
        let attacked = Attacked::read(files, submission, team)?;
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
    let seen = if by_course { Seen::Course } else { Seen::Totals };
    nearest(train, test, seen).map_err(|error| Failure::Broken(error.to_string()))
}

fn truth_of(test: &TraceSet, truth: &BTreeMap<i64, String>, classes: &ClassMap) -> Result<Vec<usize>, Failure> {
    let class = |id| truth.get(&id).and_then(|class| classes.index_of(class));
    let known: Option<Vec<usize>> = wfkit_competition::capture_ids(test).into_iter().map(class).collect();
    known.ok_or_else(|| Failure::Broken("test traces without a truth".to_owned()))
}
