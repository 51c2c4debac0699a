//! `wfkit sessions`: sessions of several pages, made of page loads and attacked.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::{SessionOptions, SessionPages, TraceFormat, digests};
use wfkit_evaluate::{KnownSessions, MadeSessions, attack, attack_sessions};

use crate::cli;
use crate::context::{Context, FOLDS, write};
use crate::input::{explained, read_traces};

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
            attack_files(attack, [train, &train_pages, test, &test_pages], (*within, *allow_duplicates), context)
        }
    }
}

fn attack_files(name: &str, files: [&PathBuf; 4], how: (usize, bool), context: &Context<'_>) -> Result<()> {
    let attack = attack(name)?;
    if !attack.takes_traces() {
        bail!("--attack {name} takes features; the parts of sessions are traces");
    }
    let [train, train_pages, test, test_pages] = files;
    let (train, test) = (read(train, train_pages, context)?, read(test, test_pages, context)?);
    let findings = attack_sessions(&attack, (&train, &test), how, context.setting()).map_err(explained("sessions"))?;
    context.finish_and_print(context.report("sessions attack", digests(&files.map(Clone::clone))?, findings), None)
}

fn read(traces: &Path, pages: &Path, context: &Context<'_>) -> Result<KnownSessions> {
    Ok(KnownSessions {
        set: read_traces(&[traces.to_owned()], context)?.set,
        traces_of: traces.display().to_string(),
        pages: SessionPages::read(pages)?,
        pages_of: pages.display().to_string(),
    })
}
