//! A collection: a plan, and the folder that it fills.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};
use wfkit_datasets::Findings;

use super::journal::{Journal, JournalError};
use super::plan::{Plan, Query};
use super::{Collected, unmeasured};

/// A plan, and what of it is in its folder.
#[derive(Debug)]
pub struct Collection {
    /// What is collected.
    pub plan: Plan,
    /// All queries of the plan, in their order.
    pub queries: Vec<Query>,
    /// What is there.
    pub journal: Journal,
    folder: PathBuf,
}

impl Collection {
    /// Reads what is in the folder, which need not be there; nothing is written.
    ///
    /// # Errors
    /// Files of the folder that cannot be read or make no sense.
    pub fn open(plan: Plan, folder: &Path, seed: u64) -> Result<Self, JournalError> {
        let (queries, journal) = (plan.queries(seed), Journal::read(folder)?);
        Ok(Self { plan, queries, journal, folder: folder.to_owned() })
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let done = self.queries.iter().filter(|query| self.journal.is_done(query)).count();
        let given_up = |query: &&Query| !self.journal.is_done(query) && !self.is_to_do(query);
        let given_up = self.queries.iter().filter(given_up).count();
        Progress { done, given_up, left: self.queries.len() - done - given_up }
    }

    fn is_to_do(&self, query: &Query) -> bool {
        !self.journal.is_done(query) && self.journal.failures(query) <= self.plan.retries
    }

    /// What would be run and how long it may take.
    pub fn dry_run(&self) -> DryRun {
        let (plan, progress) = (&self.plan, self.progress());
        let n = u32::try_from(progress.left).unwrap_or(u32::MAX);
        let tries = plan.timeout.saturating_mul(2).saturating_mul(plan.retries.saturating_add(1));
        let next = self.queries.iter().filter(|query| self.is_to_do(query)).take(DryRun::SHOWN);
        DryRun {
            out: self.folder.clone(),
            interface: plan.interface.clone(),
            filter: plan.filter.to_string(),
            classes: plan.classes.len(),
            reps: plan.reps,
            queries: self.queries.len(),
            progress,
            at_least: plan.quiet_time.saturating_mul(n),
            at_most: tries.saturating_mul(n),
            at_pace: pace(&self.journal.starts()).map(|pace| pace.saturating_mul(n)),
            next: next.map(|query| plan.command_of(query)).collect(),
        }
    }

    /// What was collected now, for a report; `before` it the collection was so far, and had so many captures without a row in its manifest.
    pub fn findings(&self, collected: &Collected, before: Progress, adopted: u64) -> Findings {
        let mut findings = unmeasured();
        findings
            .count("classes", self.plan.classes.len())
            .count("queries", self.queries.len())
            .count("captures", self.progress().done)
            .count("captures made now", collected.done as usize)
            .count("captures found without a row in the manifest", adopted as usize)
            .count("packets recorded now", collected.packets as usize);
        for (reason, n) in &collected.failures {
            findings.count(&format!("failed tries: {reason}"), *n as usize);
        }
        for (reason, n) in &collected.dropped {
            findings.leave_out(&format!("queries: {reason}"), *n);
        }
        findings.leave_out("queries: given up before", before.given_up as u64);
        findings
    }
}

/// How far a collection is, in queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Those whose captures are there.
    pub done: usize,
    /// Those that failed too often.
    pub given_up: usize,
    /// All others.
    pub left: usize,
}

/// What a collection would run, and how long that may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// Its folder.
    pub out: PathBuf,
    /// Where packets are recorded.
    pub interface: String,
    /// Which packets; empty for all.
    pub filter: String,
    /// Number of classes.
    pub classes: usize,
    /// Repetitions of each.
    pub reps: u32,
    /// Number of queries.
    pub queries: usize,
    /// How many of them are done.
    #[serde(flatten)]
    pub progress: Progress,
    /// What is left takes so long at least: the quiet times alone.
    #[serde(rename = "seconds_at_least", serialize_with = "seconds")]
    pub at_least: Duration,
    /// And at most, where every try ends by timeout.
    #[serde(rename = "seconds_at_most", serialize_with = "seconds")]
    pub at_most: Duration,
    /// And at the pace so far, where there is one.
    #[serde(rename = "seconds_at_pace", serialize_with = "maybe_seconds")]
    pub at_pace: Option<Duration>,
    /// The next commands, [`DryRun::SHOWN`] at most.
    pub next: Vec<Vec<String>>,
}

impl DryRun {
    /// Commands that are shown.
    pub const SHOWN: usize = 5;
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn maybe_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// The median time from one capture to the next.
fn pace(starts: &[i64]) -> Option<Duration> {
    let mut steps: Vec<u64> = starts.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).map(|&step| Duration::from_nanos(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_tells_what_is_left_and_how_long_that_takes() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plan.toml");
        let text = "interface = 'lo'\ncommand = ['get', '{class}/{rep}']\nclasses = ['a', 'b']\nreps = 4\n";
        std::fs::write(&plan, text).unwrap();
        let collection = Collection::open(Plan::read(&plan).unwrap(), &folder.path().join("out"), 1).unwrap();
        let dry_run = collection.dry_run();
        assert_eq!(dry_run.progress, Progress { done: 0, given_up: 0, left: 8 });
        assert_eq!((dry_run.at_least, dry_run.at_most), (Duration::from_secs(8), Duration::from_secs(8 * 60 * 2 * 2)));
        assert_eq!((dry_run.at_pace, dry_run.next.len()), (None, DryRun::SHOWN));
        let json = serde_json::to_value(&dry_run).unwrap();
        assert_eq!((&json["left"], &json["seconds_at_least"]), (&8.into(), &8.0.into()));
        assert_eq!(pace(&[0, 10, 30, 31]), Some(Duration::from_nanos(10)));
    }
}
