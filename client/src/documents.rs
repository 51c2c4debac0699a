//! What the server answers. Fields that this version does not know are skipped, so a newer server is understood.

use serde::{Deserialize, Serialize};

/// The account of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// `player` or `organiser`.
    pub role: String,
    /// The team that it is in.
    pub team: Option<TeamLine>,
}

/// What the organisers announced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// When, in UTC.
    pub at: String,
    /// What.
    pub text: String,
}

/// A token of the account, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLine {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// When it was made, in UTC.
    pub made_at: String,
}

/// A team, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamLine {
    /// Its number, the `team_id` of competition files.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Its players; for those who are signed in.
    #[serde(default)]
    pub members: Vec<String>,
}

/// The own team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamOfAccount {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Its players.
    pub members: Vec<String>,
    /// How many a team may have.
    pub size: u32,
    /// Whoever knows it may join.
    pub code: String,
}

/// A round. Times are in UTC, as `2026-03-01T12:00:00Z`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// `planned`, `opening`, `defence`, `attack` or `closed`.
    pub phase: String,
    /// When the phase ends, unless it is the last.
    pub phase_ends: Option<String>,
    /// When teams form.
    pub opens_at: String,
    /// When defences are taken.
    pub defence_at: String,
    /// When attacks are taken.
    pub attack_at: String,
    /// When it is over.
    pub closes_at: String,
    /// Whether matches are drawn.
    pub settled: bool,
    /// What files must be like.
    pub rules: RoundRules,
    /// Test traces of each defence.
    pub test_traces: usize,
    /// How it is scored, in one word.
    pub profile: String,
    /// And in a sentence.
    pub rule: String,
    /// How often may be uploaded.
    pub limits: UploadLimits,
    /// Whether a defence may be a specification, which the server runs.
    #[serde(default)]
    pub specifications: bool,
    /// Whether a defence may be one of SecretStroll, which the laboratory records.
    #[serde(default)]
    pub recordings: bool,
    /// Defences that are left to upload; with the token of a player, for one round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defence_slots: Option<Slots>,
    /// And attacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attack_slots: Option<Slots>,
}

/// What files must be like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RoundRules {
    /// Classes.
    pub classes: usize,
    /// Traces of a class, on average.
    pub reps_mean: u64,
    /// What may be more or less of them, not counted in.
    pub deviation: u64,
    /// Packets of a trace at least, not counted in.
    pub min_packets: u64,
}

/// Uploads in any window of so many hours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UploadLimits {
    /// Those that are not refused.
    pub accepted: i64,
    /// All.
    pub total: i64,
    /// The window.
    pub window_hours: i64,
}

/// What is left of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slots {
    /// Those that are not refused.
    pub accepted_left: i64,
    /// All.
    pub total_left: i64,
    /// When the next place is free where none is left, in milliseconds since 1970.
    pub next_at: Option<i64>,
}

/// A team to attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its number.
    pub team_id: i64,
    /// Its name.
    pub name: String,
    /// Path of the file to train on.
    pub train: String,
    /// And of the one to classify.
    pub test: String,
}

/// Who attacks whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchLine {
    /// The number of the team that attacks.
    pub attacker: i64,
    /// Its name.
    pub attacker_name: String,
    /// The number of the team that is attacked.
    pub defender: i64,
    /// Its name.
    pub defender_name: String,
    /// `attacked`, `open`, `missed`, or `hidden` where its scores are not for the account.
    pub state: String,
    /// Macro one-vs-rest, of the attack that counts.
    pub roc_auc: Option<f64>,
    /// Share of traces told right.
    pub accuracy: Option<f64>,
}

/// A defence or an attack of the team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Its id.
    pub id: String,
    /// The number of its round.
    pub round: i64,
    /// `defence` or `attack`.
    pub kind: String,
    /// Of an attack on one team only, that team's number.
    pub against: Option<i64>,
    /// `queued`, `running`, `done`, `held`, `refused` or `failed`.
    pub state: String,
    /// How many are before it in the queue.
    pub ahead: Option<i64>,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// The size of the file.
    pub bytes: i64,
    /// And its hash.
    pub sha256: String,
    /// When it arrived.
    pub received_at: String,
    /// When it was checked.
    pub finished_at: Option<String>,
    /// Whether it is the defence that its team has in the round now; known of defences.
    #[serde(default)]
    pub counts: Option<bool>,
    /// All that the check found, as it is kept.
    pub outcome: Option<serde_json::Value>,
    /// As far as they may be seen.
    pub scores: Vec<Score>,
}

impl Submission {
    /// Whether it still waits or is being checked.
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running")
    }

    /// How it stands while it waits, in words: its state, and how many are before it.
    pub fn standing(&self) -> String {
        match self.ahead.filter(|&ahead| ahead > 0) {
            Some(ahead) => format!("{}, {ahead} before it", self.state),
            None => self.state.clone(),
        }
    }

    /// Why it came to nothing, in words; nothing where it did not, or is not checked yet.
    pub fn failure(&self) -> Option<String> {
        let reason = self.reason.as_deref().unwrap_or_default();
        let failed = !self.is_open() && self.state != "done";
        failed.then(|| format!("the {} was {}: {reason}", self.kind, self.state))
    }

    /// Why it was refused.
    pub fn problems(&self) -> Vec<FileProblem> {
        self.listed("problems")
    }

    /// What is allowed but deserves a look.
    pub fn warnings(&self) -> Vec<FileProblem> {
        self.listed("warnings")
    }

    fn listed(&self, what: &str) -> Vec<FileProblem> {
        let list = self.outcome.as_ref().and_then(|outcome| outcome.get(what));
        list.and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default()
    }
}

/// One kind of problem of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileProblem {
    /// What is wrong.
    pub kind: String,
    /// In which column; empty where the whole row or file is meant.
    pub column: String,
    /// How often.
    pub count: u64,
    /// The first places: the row, 0 where none can be named, and what stands there.
    pub examples: Vec<(u64, String)>,
}

/// The score of an attack on a defence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Who attacked.
    pub attacker: String,
    /// Whom.
    pub defender: String,
    /// `public`, `private` or `all`.
    pub part: String,
    /// So many traces.
    pub traces: i64,
    /// Share of traces told right.
    pub accuracy: Option<f64>,
    /// Macro one-vs-rest.
    pub roc_auc: Option<f64>,
    /// True positives at a false-positive rate of 0.01, mean over the classes.
    pub true_positives_at_1_percent: Option<f64>,
}

/// The board of a round, as the token may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The number of the round.
    pub round: i64,
    /// As of when, in milliseconds since 1970.
    pub as_of: i64,
    /// Which part of the test traces.
    pub part: String,
    /// Whether it stands still until the end.
    pub frozen: bool,
    /// How totals are made, in a sentence.
    pub rule: String,
    /// Best first.
    pub rows: Vec<BoardRow>,
}

/// The line of a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardRow {
    /// None where there is no total, or where others are hidden.
    pub rank: Option<usize>,
    /// The team's number.
    pub team: i64,
    /// Its name.
    pub name: String,
    /// What its defence costs, as a score.
    pub utility: Option<f64>,
    /// 1 - advantage of the best attack on it.
    pub privacy: Option<f64>,
    /// The score of its attacks.
    pub attack: Option<f64>,
    /// The total.
    pub total: Option<f64>,
}

/// The board over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overall {
    /// Numbers of the rounds that count.
    pub rounds: Vec<i64>,
    /// How they become one number.
    pub aggregation: String,
    /// Best first.
    pub rows: Vec<OverallRow>,
}

/// The line of a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverallRow {
    /// The rank.
    pub rank: Option<usize>,
    /// The team's number.
    pub team: i64,
    /// Its name.
    pub name: String,
    /// Of each round.
    pub totals: Vec<Option<f64>>,
    /// And of all.
    pub total: Option<f64>,
}
