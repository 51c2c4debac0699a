//! `wfkit sessions`: sessions of several pages, made of page loads and attacked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use wfkit_classify::{Session, SessionAttack, session_overlap};
use wfkit_datasets::{SessionOptions, SessionPages, TraceFormat, TraceSet, join_sessions};
use wfkit_metrics::{PrivacyReport, Summary, Utility};

use super::evaluate::learned_from;
use crate::cli;
use crate::context::{Context, FOLDS, count, count_set, write};
use crate::input::read_traces;
use wfkit_datasets::{digests, report_path};
use wfkit_evaluate::{attack, trivial_privacy};

pub(crate) fn run(command: &cli::Sessions, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Sessions::Make { traces, pages, dwell, sessions, out } => {
            let (pages, dwell_ns, sessions) = (pages.clone(), dwell.clone(), *sessions);
            make(traces, &SessionOptions { pages, dwell_ns, sessions, seed: context.seed }, out, context)
        }
        cli::Sessions::Attack { train, test, pages, attack, within, allow_duplicates } => {
            let [train_pages, test_pages] = match pages.as_slice() {
                [train, test] => [train.clone(), test.clone()],
                _ => [pages_path(train), pages_path(test)],
            };
            attack_sessions((train, &train_pages), (test, &test_pages), attack, (*within, *allow_duplicates), context)
        }
    }
}

fn make(paths: &[PathBuf], options: &SessionOptions, out: &Path, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(out)?; // A wrong name is told before the work begins.
    let loads = read_traces(paths, context)?;
    let (set, sessions) = join_sessions(&loads.set, options)?;
    context.write_traces(out, &set)?;
    write(&pages_path(out), serde_json::to_string_pretty(&sessions)? + "\n")?;
    // It guesses the number of pages.
    let privacy = trivial_privacy(&set, FOLDS, context.setting())?;
    let mut report = context.stage("sessions make", digests(paths)?, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, &set);
    let pages: usize = sessions.iter().map(|session| session.pages.len()).sum();
    count(&mut report.counts, "pages", pages);
    report.dropped = loads.dropped;
    report.dropped.insert("loads that were left over".to_owned(), (loads.set.len() - pages) as u64);
    let seconds = set.traces().iter().map(|labelled| labelled.trace.duration_ns() as f64 / 1e9);
    report.utility.extras.set("seconds_of_sessions", Summary::of(seconds));
    context.finish_and_print(report, Some(out))
}

fn attack_sessions(
    (train, train_pages): (&Path, &Path),
    (test, test_pages): (&Path, &Path),
    name: &str,
    (within, duplicates): (usize, bool),
    context: &Context<'_>,
) -> Result<()> {
    let attack = attack(name)?;
    if !attack.takes_traces() {
        bail!("--attack {name} takes features; the parts of sessions are traces");
    }
    let [learned, attacked] = [(train, train_pages), (test, test_pages)].map(|(traces, pages)| {
        Ok::<_, anyhow::Error>((read_traces(&[traces.to_owned()], context)?.set, read_pages(pages)?))
    });
    let ((learned, learned_pages), (attacked, attacked_pages)) = (learned?, attacked?);
    let sessions = sessions(&learned, &learned_pages, train, train_pages)?;
    let tested = self::sessions(&attacked, &attacked_pages, test, test_pages)?;
    let overlap = session_overlap(&sessions, &tested);
    ensure!(
        overlap.learned_from() == 0 || duplicates,
        "{}, so the scores would be too high; make sessions of other loads, or score anyway with --allow-duplicates",
        learned_from(&overlap)
    );
    let fitted = SessionAttack::fit(&attack, &sessions, context.seed)?;
    let scores = fitted.scores(&tested, within)?;
    let mut privacy = PrivacyReport::unmeasured(name, "pages have to be found first: see sessions");
    privacy.extras.set("sessions", scores).set("overlap", overlap);
    let inputs = [train, train_pages, test, test_pages].map(Path::to_owned);
    let mut report = context.stage("sessions attack", digests(&inputs)?, Utility::of(&attacked.volumes()), privacy);
    count_set(&mut report.counts, &attacked);
    context.finish_and_print(report, None)
}

/// The sessions of a set, all of which must have their pages.
fn sessions<'a>(
    set: &'a TraceSet,
    pages: &'a [SessionPages],
    path: &Path,
    pages_path: &Path,
) -> Result<Vec<Session<'a>>> {
    let sessions = Session::of(set, pages);
    if sessions.len() != set.len() {
        let (without, path, pages_path) = (set.len() - sessions.len(), path.display(), pages_path.display());
        bail!("{path}: {without} of {} sessions have no pages in {pages_path}", set.len());
    }
    Ok(sessions)
}

fn read_pages(path: &Path) -> Result<Vec<SessionPages>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    let sessions: Vec<SessionPages> =
        serde_json::from_str(&text).with_context(|| format!("{}: not the pages of sessions", path.display()))?;
    if let Some(empty) = sessions.iter().find(|session| session.pages.is_empty()) {
        bail!("{}: the session ({}) has no pages", path.display(), empty.key);
    }
    Ok(sessions)
}

/// Where the pages of a session file stand: `s.parquet` has `s.pages.json`.
fn pages_path(traces: &Path) -> PathBuf {
    let report = report_path(traces);
    let name = report.file_name().map(|name| name.to_string_lossy().replace(".report.json", ".pages.json"));
    report.with_file_name(name.unwrap_or_default())
}
