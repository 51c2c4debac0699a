//! How an attack ages: trained on the first sessions, tested on each later one.

use serde::Serialize;
use wfkit_classify::{Attack, Samples};

use crate::transfer::{
    Judge, Judged, Outcome, TransferSource, all_classes, in_order, known, rows_of, sessions_of, sources,
};
use crate::{ExperimentError, ScoreRow, Scored, Setting};

/// How an attack ages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The ends of the curve in words.
    pub told: String,
    /// What the sessions are in the order of.
    pub order: String,
    /// The sessions.
    pub sessions: Vec<DriftSession>,
    /// Traces that are of none.
    pub traces_without_session: usize,
    /// Pairs that are as many sessions apart, together.
    pub curve: Vec<DriftPoint>,
    /// Every training on the first sessions, tested on every later one.
    pub pairs: Vec<DriftPair>,
    /// What `seconds_later` is.
    pub seconds_later_is: &'static str,
    /// What not to conclude.
    pub caution: &'static str,
    /// Why what is missing is missing.
    pub reason: &'static str,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftSession {
    /// Its name.
    pub session: String,
    /// Its traces.
    pub traces: usize,
    /// When its first trace began, Unix ns UTC, where all of them say.
    pub start_ns: Option<i64>,
}

/// Scores so many sessions later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftPoint {
    /// How many sessions after the last one that was trained on.
    pub sessions_later: usize,
    /// Pairs behind it.
    pub pairs: usize,
    /// Median time between, where every trace says when it began.
    pub seconds_later_median: Option<f64>,
    /// Mean number of training traces.
    pub trained_on_mean: usize,
    /// The scores.
    #[serde(flatten)]
    pub scores: ScoreRow,
}

/// Trained on the first sessions, tested on a later one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftPair {
    /// How many were trained on.
    pub train_sessions: usize,
    /// The last of them.
    pub last_train_session: String,
    /// The session tested.
    pub test_session: String,
    /// How many sessions after the last one that was trained on.
    pub sessions_later: usize,
    /// From the first trace of the one to the first of the other, where every trace says when it began.
    pub seconds_later: Option<f64>,
    /// Traces trained on.
    pub trained_on: usize,
    /// The scores, or why there are none.
    #[serde(flatten)]
    pub scored: Scored,
    /// Tested traces of classes that were not trained on, which no score counts.
    pub left_out_class_not_trained_on: usize,
}

/// Trains on the first session, on the first two and so on, in the order of their first traces, and tests every later one; where a session was learned from
/// in part, the reason stands in the place of its scores. (With `duplicates`, such traces are scored too.)
///
/// # Errors
/// Fewer than two sessions, and what attacks and scores refuse.
pub fn drift(
    samples: Samples<'_>,
    attack: &Attack,
    duplicates: bool,
    setting: Setting<'_>,
) -> Result<Drift, ExperimentError> {
    let (parts, traces_without_session) = sessions_of(samples);
    if parts.len() < 2 {
        return Err(ExperimentError::FewSessions(parts.into_iter().map(|(name, _)| name).collect()));
    }
    let (sessions, order) = in_order(sources(parts));
    let classes = all_classes(&sessions);
    let judge = Judge { attack, all: &classes, duplicates, seed: setting.seed };
    let steps = sessions.len() * (sessions.len() - 1) / 2;
    let observer = setting.observer;
    observer.begin("drift", (steps + sessions.len() - 1) as u64);
    let mut pairs = Vec::new();
    for trained in 1..sessions.len() {
        setting.go_on()?;
        let learned: Vec<&str> = sessions[..trained].iter().map(|session| session.name.as_str()).collect();
        let training = rows_of(samples, &learned);
        let fitted = judge.fit(training.as_samples());
        observer.step();
        let known = known(&sessions[..trained]);
        for (tested, later) in sessions.iter().enumerate().skip(trained) {
            let outcome = match &fitted {
                Ok(fitted) => judge.elsewhere(fitted, &known, later)?,
                Err(reason) => Outcome::none(reason.clone()),
            };
            observer.step();
            pairs.push(Pair { trained, tested, trained_on: training.as_samples().len(), outcome });
        }
    }
    observer.end();
    let curve = curve(&pairs, &sessions, setting.seed)?;
    let session = |session: &TransferSource| DriftSession {
        session: session.name.clone(),
        traces: session.len(),
        start_ns: session.starts_ns().map(|(first, _)| first),
    };
    Ok(Drift {
        told: in_words(&curve),
        order,
        sessions: sessions.iter().map(session).collect(),
        traces_without_session,
        pairs: pairs.iter().map(|pair| pair.report(&sessions, setting.seed)).collect::<Result<_, _>>()?,
        curve,
        seconds_later_is: "from the first trace of the last session trained on to the first trace of the tested one",
        caution: "what is further away was learned from fewer sessions: compare pairs of the same train_sessions for time alone",
        reason: "start_ns and seconds_later are null where a trace does not say when it started",
    })
}

/// Trained on the first sessions, tested on a later one.
struct Pair {
    /// How many.
    trained: usize,
    tested: usize,
    trained_on: usize,
    outcome: Outcome,
}

impl Pair {
    /// How many sessions after the last one that was trained on.
    fn later(&self) -> usize {
        self.tested + 1 - self.trained
    }

    fn seconds_later(&self, sessions: &[TransferSource]) -> Option<f64> {
        let ((last, _), (tested, _)) = (sessions[self.trained - 1].starts_ns()?, sessions[self.tested].starts_ns()?);
        Some((tested as f64 - last as f64) / 1e9)
    }

    fn report(&self, sessions: &[TransferSource], seed: u64) -> Result<DriftPair, ExperimentError> {
        let tested = &sessions[self.tested];
        Ok(DriftPair {
            train_sessions: self.trained,
            last_train_session: sessions[self.trained - 1].name.clone(),
            test_session: tested.name.clone(),
            sessions_later: self.later(),
            seconds_later: self.seconds_later(sessions),
            trained_on: self.trained_on,
            scored: self.outcome.scored(tested.len(), seed)?,
            left_out_class_not_trained_on: self.outcome.unknown,
        })
    }
}

/// All pairs that are as many sessions apart, together.
fn curve(pairs: &[Pair], sessions: &[TransferSource], seed: u64) -> Result<Vec<DriftPoint>, ExperimentError> {
    let at = |later: usize| -> Result<Option<DriftPoint>, ExperimentError> {
        let there: Vec<&Pair> =
            pairs.iter().filter(|pair| pair.later() == later && pair.outcome.judged.is_ok()).collect();
        let judged = there.iter().filter_map(|pair| pair.outcome.judged.as_ref().ok());
        let Some(judged) = Judged::pooled(judged) else { return Ok(None) };
        let scores = judged.scores(seed)?;
        let mut seconds: Vec<f64> = there.iter().filter_map(|pair| pair.seconds_later(sessions)).collect();
        seconds.sort_by(f64::total_cmp);
        let trained_on: usize = there.iter().map(|pair| pair.trained_on).sum();
        Ok(Some(DriftPoint {
            sessions_later: later,
            pairs: there.len(),
            seconds_later_median: (seconds.len() == there.len()).then(|| seconds[seconds.len() / 2]),
            trained_on_mean: trained_on / there.len(),
            scores: ScoreRow::from(&scores),
        }))
    };
    (1..sessions.len()).filter_map(|later| at(later).transpose()).collect()
}

fn in_words(curve: &[DriftPoint]) -> String {
    let point = |point: &DriftPoint| {
        let later = point.sessions_later;
        let unit = if later == 1 { "session" } else { "sessions" };
        let after = point.after().map_or(String::new(), |span| format!(" ({span})"));
        Some(format!("{later} {unit} later{after} {}", point.scores.short_accuracy()?))
    };
    match curve {
        [] => "drift: no session could be tested after learning from those before it".to_owned(),
        [only] => format!("drift: accuracy {}", point(only).unwrap_or_default()),
        [first, .., last] => {
            format!("drift: accuracy {}, {}", point(first).unwrap_or_default(), point(last).unwrap_or_default())
        }
    }
}

impl DriftPoint {
    /// The median time between, in its largest sensible unit.
    pub fn after(&self) -> Option<String> {
        let seconds = self.seconds_later_median?;
        Some(match seconds.abs() {
            ..120.0 => format!("{seconds:.0} s"),
            ..7200.0 => format!("{:.0} min", seconds / 60.0),
            ..172_800.0 => format!("{:.0} h", seconds / 3600.0),
            _ => format!("{:.0} days", seconds / 86_400.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_curve_are_told() {
        let point = |later: usize, accuracy: f64, seconds: Option<f64>| DriftPoint {
            sessions_later: later,
            pairs: 1,
            seconds_later_median: seconds,
            trained_on_mean: 1,
            scores: ScoreRow { n: 1, accuracy: Some(accuracy), ..ScoreRow::default() },
        };
        assert_eq!(in_words(&[point(1, 0.5, Some(7300.0))]), "drift: accuracy 1 session later (2 h) .50");
        let curve = [point(1, 0.5, None), point(2, 0.4, None), point(3, 0.25, None)];
        assert_eq!(in_words(&curve), "drift: accuracy 1 session later .50, 3 sessions later .25");
        let spans = [30.0, 600.0, 864_000.0].map(|s| point(1, 0.5, Some(s)).after().unwrap());
        assert_eq!(spans, ["30 s", "10 min", "10 days"]);
    }
}
