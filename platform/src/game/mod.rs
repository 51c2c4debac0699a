//! The rules of the game, without a database or a web: phases, matches, limits, scores, boards.

mod board;
mod limits;
mod matching;
mod parts;
mod profile;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wfkit_competition::{Answers, Baseline, Implausible, Plausibility, Rules};
use wfkit_datasets::TraceSet;
use wfkit_metrics::VolumeSummary;

pub use board::{Attack, Board, Contest, Defence, OverallRow, Row, overall};
pub use limits::{Limits, Slots};
pub use matching::draw;
pub use parts::{Part, halves};
pub use profile::{Compared, Example, Profile, Reference, overheads, spread};

use crate::Millis;

/// What a team uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its own traces.
    Defence,
    /// Probabilities for those of others.
    Attack,
}

impl Kind {
    /// Its name, in the database and for readers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Defence => "defence",
            Self::Attack => "attack",
        }
    }

    /// When it may be uploaded.
    pub fn phase(self) -> Phase {
        match self {
            Self::Defence => Phase::Defence,
            Self::Attack => Phase::Attack,
        }
    }
}

/// Where a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody but organisers sees it.
    Planned,
    /// It is announced; teams form.
    Opening,
    /// Teams upload defences.
    Defence,
    /// Teams attack the defences that were pinned.
    Attack,
    /// It is over; its scores are final.
    Closed,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Opening => "opening",
            Self::Defence => "defence",
            Self::Attack => "attack",
            Self::Closed => "closed",
        }
    }
}

/// A round of the competition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Its id.
    pub id: String,
    /// Its number, from 1.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// When it is announced.
    pub opens_at: Millis,
    /// When defences may be uploaded.
    pub defence_at: Millis,
    /// When defences are pinned and attacks may be uploaded.
    pub attack_at: Millis,
    /// When it ends.
    pub closes_at: Millis,
    /// How it is played.
    pub settings: Settings,
    /// Decides the matches.
    pub seed: i64,
    /// When defences were pinned and matches drawn.
    pub settled_at: Option<Millis>,
}

impl Round {
    /// The phase at an instant: every process that has a clock agrees on it, and none has to remember it.
    pub fn phase(&self, now: Millis) -> Phase {
        let begun = [
            (self.closes_at, Phase::Closed),
            (self.attack_at, Phase::Attack),
            (self.defence_at, Phase::Defence),
            (self.opens_at, Phase::Opening),
        ];
        begun.into_iter().find(|&(at, _)| now >= at).map_or(Phase::Planned, |(_, phase)| phase)
    }

    /// When the phase ends, unless it is the last.
    pub fn phase_ends(&self, now: Millis) -> Option<Millis> {
        [self.opens_at, self.defence_at, self.attack_at, self.closes_at].into_iter().find(|&at| at > now)
    }

    /// Whether the times are in order; if not, what is wrong.
    ///
    /// # Errors
    /// The field and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let order = [
            ("defence_at", self.opens_at, self.defence_at, "the opening"),
            ("attack_at", self.defence_at, self.attack_at, "the defence phase"),
            ("closes_at", self.attack_at, self.closes_at, "the attack phase"),
        ];
        for (field, before, at, what) in order {
            if at <= before {
                return Err((field, format!("must be later than the begin of {what}")));
            }
        }
        if let Some(freeze) = self.settings.freeze_at
            && !(self.attack_at..self.closes_at).contains(&freeze)
        {
            return Err(("freeze_at", "must be within the attack phase".to_owned()));
        }
        self.settings.check()
    }

    /// The instant whose standing others than organisers see, and the part of the test set: the board is frozen from
    /// [`Settings::freeze_at`] to the end of the round.
    pub fn shown(&self, organises: bool, now: Millis) -> (Millis, Part) {
        if now >= self.closes_at {
            return (now, self.settings.profile.final_part());
        }
        match self.settings.freeze_at {
            Some(freeze) if now >= freeze && !organises => (freeze, Part::Public),
            _ => (now, Part::Public),
        }
    }

    /// Whether the board stands still for others than organisers.
    pub fn frozen(&self, now: Millis) -> bool {
        now < self.closes_at && self.settings.freeze_at.is_some_and(|freeze| now >= freeze)
    }

    /// Who sees scores now.
    pub fn audience(&self, now: Millis) -> Audience {
        if now < self.closes_at { self.settings.scores_during } else { self.settings.scores_after }
    }
}

/// Who sees scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody, signed in or not.
    Everyone,
    /// Whoever is signed in.
    Accounts,
    /// Each team its own.
    OwnTeam,
    /// Organisers only.
    Nobody,
}

/// Which of the submissions of a team counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// The last that was scored.
    Last,
    /// The one with the best public score; of equals the first.
    Best,
    /// The one that its team chose last; the last where it chose none.
    Chosen,
}

/// What becomes of teams with empty seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// They play like others.
    Play,
    /// They are not matched.
    SitOut,
}

/// How totals of rounds become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Their sum.
    Sum,
    /// Their mean over the rounds that a team was scored in.
    Mean,
    /// The best.
    Best,
    /// The last.
    Last,
}

/// How a round is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What a defence file must hold.
    pub rules: Rules,
    /// Traces to classify.
    pub test_traces: usize,
    /// Opponents of each team, as far as there are so many.
    pub matches_per_team: usize,
    /// How it is scored.
    pub profile: Profile,
    /// Which submission counts.
    pub counting: Counting,
    /// What becomes of teams with empty seats.
    pub incomplete: Incomplete,
    /// How often a team may upload.
    pub limits: Limits,
    /// Who sees scores before the end.
    pub scores_during: Audience,
    /// Who sees them after it.
    pub scores_after: Audience,
    /// When the board stops moving.
    pub freeze_at: Option<Millis>,
    /// Undefended traffic, which utility is measured against.
    pub baseline: Option<VolumeSummary>,
    /// What its classes carry.
    pub answers: BTreeMap<String, Answers>,
    /// Undefended traffic and defences of the toolkit on it, to compare with.
    pub references: Vec<Reference>,
    /// What becomes of defences that carry less. Rounds that were made before there was a choice warn, as they did.
    #[serde(default = "flagged")]
    pub plausibility: Plausibility,
    /// Whether a defence may be a specification, which the server runs on a team's share of the undefended traffic.
    pub specifications: bool,
    /// Whether a defence may be one of SecretStroll, which the laboratory records.
    pub recordings: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            test_traces: 300,
            matches_per_team: 3,
            profile: Profile::Balanced,
            counting: Counting::Best,
            incomplete: Incomplete::Play,
            limits: Limits::default(),
            scores_during: Audience::Everyone,
            scores_after: Audience::Everyone,
            freeze_at: None,
            baseline: None,
            answers: BTreeMap::new(),
            references: Vec::new(),
            plausibility: Plausibility::default(),
            specifications: false,
            recordings: false,
        }
    }
}

fn flagged() -> Plausibility {
    Plausibility { verdict: Implausible::Flag, ..Plausibility::default() }
}

impl Settings {
    /// Gives the round undefended traffic, or takes it away.
    pub fn measure_against(&mut self, undefended: Option<&TraceSet>) {
        self.baseline = undefended.and_then(|set| VolumeSummary::of(&set.volumes()));
        self.answers = undefended.map(Answers::of).unwrap_or_default();
        self.references = Vec::new();
    }

    /// What there is to compare with, as the round scores it.
    pub fn compared(&self) -> Vec<Compared> {
        self.references.iter().map(|one| self.profile.compared(one, self.baseline.as_ref())).collect()
    }

    /// What defences are held against, where there is undefended traffic.
    pub fn measure(&self) -> Option<Baseline> {
        let (answers, plausibility) = (self.answers.clone(), self.plausibility);
        self.baseline.map(|volumes| Baseline { volumes, answers, plausibility })
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let Rules { classes, reps_mean, .. } = self.rules;
        if !(2..=10_000).contains(&classes) {
            return Err(("classes", format!("{classes} is not from 2 to 10,000")));
        }
        let reps = self.rules.reps();
        if reps.is_empty() {
            return Err(("deviation", "0 allows no class at all; 1 allows exactly the mean".to_owned()));
        }
        let least = reps.start().saturating_mul(classes as u64);
        if *reps.start() < 2 {
            return Err(("deviation", format!("a class of {reps_mean} could have one trace; it takes two to split")));
        }
        let test = self.test_traces as u64;
        if test < classes as u64 || test > least - classes as u64 {
            let most = least - classes as u64;
            return Err((
                "test_traces",
                format!("{test} is not from {classes}, one a class, to {most}, which leave one a class"),
            ));
        }
        if self.matches_per_team == 0 {
            return Err(("matches_per_team", "0 would be no game".to_owned()));
        }
        if reps.end().saturating_mul(classes as u64) > 1_000_000 {
            return Err(("reps_mean", "more than a million traces".to_owned()));
        }
        let share = self.plausibility.least_share;
        if !(share > 0.0 && share <= 1.0) {
            return Err(("least_share", format!("{share} is not above 0 and 1 at most")));
        }
        self.limits.check()
    }
}

/// Parses what [`serde`] calls a unit variant, as a form field has it.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// The name of a unit variant.
pub(crate) fn name_of(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Round {
        Round {
            id: "r".into(),
            number: 1,
            name: "one".into(),
            opens_at: 10,
            defence_at: 20,
            attack_at: 30,
            closes_at: 40,
            settings: Settings::default(),
            seed: 1,
            settled_at: None,
        }
    }

    #[test]
    fn phases_begin_at_their_instant() {
        let phases: Vec<_> = [9, 10, 19, 20, 29, 30, 39, 40].into_iter().map(|now| round().phase(now).name()).collect();
        assert_eq!(phases, ["planned", "opening", "opening", "defence", "defence", "attack", "attack", "closed"]);
        assert_eq!((round().phase_ends(30), round().phase_ends(40)), (Some(40), None));
    }

    #[test]
    fn wrong_schedules_name_their_field() {
        let field = |change: fn(&mut Round)| {
            let mut round = round();
            change(&mut round);
            round.check().map_err(|(field, _)| field)
        };
        assert_eq!(field(|_| ()), Ok(()));
        assert_eq!(field(|round| round.defence_at = 10), Err("defence_at"));
        assert_eq!(field(|round| round.attack_at = 5), Err("attack_at"));
        assert_eq!(field(|round| round.closes_at = 30), Err("closes_at"));
        assert_eq!(field(|round| round.settings.freeze_at = Some(40)), Err("freeze_at"));
        assert_eq!(field(|round| round.settings.freeze_at = Some(39)), Ok(()));
        assert_eq!(field(|round| round.settings.rules.classes = 1), Err("classes"));
        assert_eq!(field(|round| round.settings.test_traces = 99), Err("test_traces"));
        assert_eq!(field(|round| round.settings.rules.deviation = 0), Err("deviation"));
        assert_eq!(field(|round| round.settings.matches_per_team = 0), Err("matches_per_team"));
        assert_eq!(field(|round| round.settings.plausibility.least_share = 1.0), Ok(()));
        assert_eq!(field(|round| round.settings.plausibility.least_share = 0.0), Err("least_share"));
        assert_eq!(field(|round| round.settings.plausibility.least_share = f64::NAN), Err("least_share"));
    }

    #[test]
    fn a_frozen_board_stands_until_the_end_but_not_for_organisers() {
        let mut round = round();
        round.settings.freeze_at = Some(35);
        assert_eq!(round.shown(false, 34), (34, Part::Public));
        assert_eq!(round.shown(false, 38), (35, Part::Public));
        assert_eq!(round.shown(true, 38), (38, Part::Public));
        assert_eq!(round.shown(false, 40), (40, Part::Private));
    }

    #[test]
    fn settings_of_before_are_read() {
        let settings: Settings = serde_json::from_str(r#"{"test_traces": 8, "profile": "srs-2022"}"#).unwrap();
        assert_eq!((settings.test_traces, settings.profile), (8, Profile::Srs2022));
        assert_eq!(settings.plausibility.verdict, Implausible::Flag, "what was played goes on as it was");
        assert_eq!(Settings::default().plausibility.verdict, Implausible::Refuse);
        assert_eq!(name_of(Audience::OwnTeam), "own_team");
        assert_eq!(parse::<Audience>("own_team"), Some(Audience::OwnTeam));
        assert_eq!(parse::<Audience>("x"), None);
    }
}
