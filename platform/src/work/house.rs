//! House attackers: what every defence is attacked by, so that a team has a privacy before others attack it, and when nobody does.
//!
//! Two are nearest neighbours, which take a moment and run with the check of a defence: over the totals of a trace, the control that
//! every attack must beat, and over its course. [`HouseAttacker`]s are the toolkit's own attacks. They take minutes over a full
//! defence, and run as jobs of their own when nothing waits to be checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wfkit_classify::{Attack, AttackOptions, Samples};
use wfkit_competition::{
    Match, MatchScore, Seen, SplitOptions, SplitParts, nearest, read_captures, read_defense, read_truth, split_and_read,
};
use wfkit_datasets::TraceSet;
use wfkit_datasets::formats::{ReadError, ReadLimits};
use wfkit_defend::{DefendOptions, DefenseSpec, Limit, defend_with};
use wfkit_metrics::{ClassMap, Interval, Probabilities, Utility, VolumeSummary};

use super::attack::{interval, part_of, score_parts};
use super::{Done, Outcome};
use crate::game::{Part, Reference, Settings, spread};
use crate::store::results::ScoreRow;
use crate::store::submissions::{State, Submission};
use crate::store::teams::Team;
use crate::{Failure, Files};

/// The one that sees totals only: the control.
pub(crate) const CONTROL: &str = "totals";
/// Those that run with the check, and whether they see the course of a trace.
const QUICK: [(&str, bool); 2] = [(CONTROL, false), ("course", true)];

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

    /// What was said of its test traces, with the truth.
    fn answered(&self, probabilities: Probabilities, team_id: u64) -> Match {
        let capture_ids = wfkit_competition::capture_ids(&self.test);
        Match { team_id, capture_ids, probabilities, truth: self.truth.clone() }
    }
}

fn scored(
    attacked: &Attacked,
    probabilities: Probabilities,
    submission: &Submission,
    team: &Team,
    name: &str,
) -> Result<Vec<ScoreRow>, Failure> {
    let one = attacked.answered(probabilities, team.number as u64);
    score_parts(&one, submission.seed, &submission.id, name, &team.id)
}

/// The attacks that take a moment, on what a split has just written.
pub(super) fn attack(parts: SplitParts, submission: &Submission, team: &Team) -> Result<Vec<ScoreRow>, Failure> {
    let attacked = Attacked::new(parts)?;
    let mut scores = Vec::new();
    for (name, by_course) in QUICK {
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
        read_by_answers(files, &self.submission, &self.team)
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

/// What defences are compared with.
const REFERENCES: [&str; 3] = [UNDEFENDED, "pad:mtu", "front:ft-1"];
/// The name of the first.
const UNDEFENDED: &str = "undefended";
/// Packets of a trace of one at most: what grows beyond is left out.
const MOST_PACKETS: u64 = 1 << 16;

/// Undefended traffic and defences of the toolkit on it, attacked by what takes a moment. What cannot be made or split by the rules is left out.
/// `folder` must not exist, and is gone afterwards.
pub(crate) fn references(undefended: &TraceSet, settings: &Settings, seed: i64, folder: &Path) -> Vec<Reference> {
    let made = REFERENCES.iter().filter_map(|name| reference(name, undefended, settings, seed, folder).ok().flatten());
    made.collect()
}

fn reference(
    name: &str,
    undefended: &TraceSet,
    settings: &Settings,
    seed: i64,
    folder: &Path,
) -> Result<Option<Reference>, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let set = match name {
        UNDEFENDED => undefended.clone(),
        name => {
            let spec: DefenseSpec = name.parse().map_err(|error| broken(&error))?;
            let limit = Limit::packets(MOST_PACKETS);
            let options = DefendOptions { seed: seed as u64, limit, ..DefendOptions::default() };
            defend_with(undefended, &spec, &options).map_err(|error| broken(&error))?.observe()
        }
    };
    let volumes = set.volumes();
    let (Some(summary), Some(baseline)) = (VolumeSummary::of(&volumes), settings.baseline) else { return Ok(None) };
    let options = SplitOptions { team_id: 0, test_traces: settings.test_traces, seed: seed as u64 };
    std::fs::create_dir_all(folder)?;
    let parts = split_and_read(&set, &options, folder);
    std::fs::remove_dir_all(folder)?;
    let (_, parts) = parts.map_err(|error| broken(&error))?;
    let attacked = Attacked::new(parts)?;
    let mut best: Option<(f64, Option<Interval>)> = None;
    for by_course in [false, true] {
        let one = attacked.answered(predict(&attacked.train, &attacked.test, by_course)?, 0);
        let area = MatchScore::of(&one).map_err(|error| broken(&error))?.roc_auc_macro_ovr;
        if best.is_none_or(|(most, _)| area > most) {
            best = Some((area, interval(&one)));
        }
    }
    Ok(best.map(|(roc_auc, interval)| Reference {
        name: name.to_owned(),
        utility: Utility::of(&volumes),
        volumes: summary,
        roc_auc,
        interval,
        spread: spread(&baseline, &volumes),
    }))
}

/// What the attacks that take a moment say of the test traces of a defence, as far as they may be seen.
pub(crate) fn answers(
    files: &Files,
    submission: &Submission,
    team: &Team,
    part: Part,
) -> Result<Vec<(&'static str, Match)>, Failure> {
    let attacked = Attacked::read(files, submission, team)?;
    let mut all = Vec::new();
    for (name, by_course) in QUICK {
        let one = attacked.answered(predict(&attacked.train, &attacked.test, by_course)?, team.number as u64);
        all.push((name, part_of(&one, submission.seed, part)));
    }
    Ok(all)
}

/// The files that [`answers`] needs.
pub(crate) fn read_by_answers(files: &Files, submission: &Submission, team: &Team) -> Vec<PathBuf> {
    ["train", "test", "verif"].map(|part| files.part(&submission.id, team.number, part)).into()
}

fn truth_of(test: &TraceSet, truth: &BTreeMap<i64, String>, classes: &ClassMap) -> Result<Vec<usize>, Failure> {
    let class = |id| truth.get(&id).and_then(|class| classes.index_of(class));
    let known: Option<Vec<usize>> = wfkit_competition::capture_ids(test).into_iter().map(class).collect();
    known.ok_or_else(|| Failure::Broken("test traces without a truth".to_owned()))
}
