//! Sessions of several pages: made of page loads, and attacked.

use wfkit_classify::{Attack, Session, SessionAttack, session_overlap};
use wfkit_datasets::{Findings, SessionOptions, SessionPages, TraceSet, join_sessions};
use wfkit_metrics::{PrivacyReport, Summary, Utility};

use crate::{ExperimentError, Setting, Traces, trivial_privacy};

/// Sessions that were made of page loads.
#[derive(Debug)]
pub struct MadeSessions {
    /// A trace each.
    pub set: TraceSet,
    /// The pages of each.
    pub sessions: Vec<SessionPages>,
    /// What they cost and give away.
    pub findings: Findings,
}

impl MadeSessions {
    /// Makes them, and attacks them trivially in so many folds: that guesses the number of pages.
    ///
    /// # Errors
    /// Options that make no session, and what attacks and scores refuse.
    pub fn of(
        loads: &Traces,
        options: &SessionOptions,
        folds: usize,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let (set, sessions) = join_sessions(&loads.set, options)?;
        let mut findings = Findings::new(Utility::of(&set.volumes()), trivial_privacy(&set, folds, setting)?);
        let pages: usize = sessions.iter().map(|session| session.pages.len()).sum();
        findings.count_set(&set).count("pages", pages);
        findings.dropped.clone_from(&loads.dropped);
        findings.dropped.insert("loads that were left over".to_owned(), (loads.set.len() - pages) as u64);
        let seconds = set.traces().iter().map(|labelled| labelled.trace.duration_ns() as f64 / 1e9);
        findings.utility.extras.set("seconds_of_sessions", Summary::of(seconds));
        Ok(Self { set, sessions, findings })
    }
}

/// Sessions whose pages are known.
#[derive(Debug)]
pub struct KnownSessions {
    /// A trace each.
    pub set: TraceSet,
    /// Where the traces are from, for errors.
    pub traces_of: String,
    /// The pages of each.
    pub pages: Vec<SessionPages>,
    /// Where these are from.
    pub pages_of: String,
}

impl KnownSessions {
    /// All sessions, each of which must have its pages.
    fn sessions(&self) -> Result<Vec<Session<'_>>, ExperimentError> {
        let (sessions, all) = (Session::of(&self.set, &self.pages), self.set.len());
        match all - sessions.len() {
            0 => Ok(sessions),
            without => Err(ExperimentError::Unfit(format!(
                "{}: {without} of {all} sessions have no pages in {}",
                self.traces_of, self.pages_of
            ))),
        }
    }
}

/// How good an attack is on sessions whose pages begin nobody knows where: trained on some, tested on others, a beginning counting as found within
/// so many packets. With `duplicates`, also where loads were learned from.
///
/// # Errors
/// Sessions without pages, loads that were learned from, and what attacks refuse.
pub fn attack_sessions(
    attack: &Attack,
    (train, test): (&KnownSessions, &KnownSessions),
    (within, duplicates): (usize, bool),
    setting: Setting<'_>,
) -> Result<Findings, ExperimentError> {
    let (learned, tested) = (train.sessions()?, test.sessions()?);
    let overlap = session_overlap(&learned, &tested);
    if overlap.learned_from() > 0 && !duplicates {
        return Err(ExperimentError::LearnedFrom(Box::new(overlap)));
    }
    let scores = SessionAttack::fit(attack, &learned, setting.seed)?.scores(&tested, within)?;
    let mut privacy = PrivacyReport::unmeasured(attack.name(), "pages have to be found first: see sessions");
    privacy.extras.set("sessions", scores).set("overlap", overlap);
    let mut findings = Findings::new(Utility::of(&test.set.volumes()), privacy);
    findings.count_set(&test.set);
    Ok(findings)
}
