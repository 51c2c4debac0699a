//! `wfkit sessions`: sessions of several pages, made of page loads and attacked.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use wfkit_classify::Session;
use wfkit_datasets::{SessionOptions, SessionPages, TraceFormat, TraceSet, digests};
use wfkit_evaluate::{ExperimentError, MadeSessions, attack, attack_sessions};

use crate::cli;
use crate::context::{Context, FOLDS, write};
use crate::input::read_traces;

pub(crate) fn run(command: &cli::Sessions, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Sessions::Make { traces, pages, dwell, sessions, out } => {
            TraceFormat::of_extension(out)?; // A wrong name is told before the work begins.
            let (pages, dwell_ns, sessions) = (pages.clone(), dwell.clone(), *sessions);
            let options = SessionOptions { pages, dwell_ns, sessions, seed: context.seed };
            let made = MadeSessions::of(&read_traces(traces, context)?, &options, FOLDS, context.setting())?;
            context.write_traces(out, &made.set)?;
            write(&SessionPages::beside(out), SessionPages::to_json(&made.sessions))?;
            context.finish_and_print(context.report("sessions make", digests(traces)?, made.findings), Some(out))
        }
        cli::Sessions::Attack { train, test, pages, attack, within, allow_duplicates } => {
            let [train_pages, test_pages] = match pages.as_slice() {
                [train, test] => [train.clone(), test.clone()],
                _ => [SessionPages::beside(train), SessionPages::beside(test)],
            };
            attack_files((train, &train_pages), (test, &test_pages), attack, (*within, *allow_duplicates), context)
        }
    }
}

fn attack_files(
    (train, train_pages): (&Path, &Path),
    (test, test_pages): (&Path, &Path),
    name: &str,
    how: (usize, bool),
    context: &Context<'_>,
) -> Result<()> {
    let attack = attack(name)?;
    if !attack.takes_traces() {
        bail!("--attack {name} takes features; the parts of sessions are traces");
    }
    let read = |traces: &Path, pages: &Path| {
        Ok::<_, anyhow::Error>((read_traces(&[traces.to_owned()], context)?.set, SessionPages::read(pages)?))
    };
    let (learned, learned_pages) = read(train, train_pages)?;
    let (attacked, attacked_pages) = read(test, test_pages)?;
    let sessions = with_pages(&learned, &learned_pages, (train, train_pages))?;
    let tested = with_pages(&attacked, &attacked_pages, (test, test_pages))?;
    let found = attack_sessions(&attack, &sessions, (&tested, &attacked), how, context.setting());
    let findings = found.map_err(|error| match error {
        ExperimentError::LearnedFrom(_) => {
            anyhow!("{error}; make sessions of other loads, or score anyway with --allow-duplicates")
        }
        error => error.into(),
    })?;
    let inputs = digests(&[train, train_pages, test, test_pages].map(Path::to_owned))?;
    context.finish_and_print(context.report("sessions attack", inputs, findings), None)
}

/// The sessions of a set, all of which must have their pages.
fn with_pages<'a>(
    set: &'a TraceSet,
    pages: &'a [SessionPages],
    (path, pages_path): (&Path, &Path),
) -> Result<Vec<Session<'a>>> {
    let sessions = Session::of(set, pages);
    match set.len() - sessions.len() {
        0 => Ok(sessions),
        without => {
            bail!("{}: {without} of {} sessions have no pages in {}", path.display(), set.len(), pages_path.display())
        }
    }
}
