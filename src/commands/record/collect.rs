//! `wfkit capture collect`: a command a class and repetition, each recorded.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use wfkit_capture::live::{Collect, CollectEvent, Interface, Journal, Plan, Query};

use wfkit_report::text::Text;

use super::system::{SystemClock, SystemRunner};
use super::{APPLICATION, report};
use crate::cli;
use crate::context::{Context, count};
use wfkit_datasets::digests;

pub(in crate::commands) fn collect(options: &cli::CaptureCollect, context: &Context<'_>) -> Result<()> {
    let plan = Plan::read(&options.plan)?;
    let queries = plan.queries(context.seed);
    let out = options.out.clone().unwrap_or_else(|| options.plan.with_extension(""));
    if out == options.plan {
        bail!("{}: its name has no ending to leave out: say --out DIR", out.display());
    }
    let mut journal = Journal::read(&out)?;
    if options.dry_run {
        return dry_run(&plan, &queries, &journal, &out, context);
    }

    let stop = wfkit_terminal::stop_signal()?;
    let mut interface = Interface::open(&plan.interface, &plan.filter, plan.snap_len)?;
    let adopted = journal.repair(&queries)?;
    let Progress { done: done_before, dropped: dropped_before, .. } = Progress::of(&plan, &queries, &journal);
    if done_before + dropped_before > 0 {
        let found = format!("{}: {done_before} of {} queries are done", out.display(), queries.len());
        context.printer.note(&format!("{found} and {dropped_before} given up; going on"));
    }
    let before = (done_before + dropped_before) as u64;
    let bar = context.printer.progress("collecting", (queries.len() as u64).saturating_sub(before));
    let messages = out.join("last-command.stderr");
    let collect = Collect {
        plan: &plan,
        source: &mut interface,
        runner: &mut SystemRunner { messages: messages.clone() },
        clock: &SystemClock::new(),
        stop: &stop,
        application: APPLICATION,
    };
    let collected = collect.run(&queries, &mut journal, &mut |event| match event {
        CollectEvent::Done(_) => bar.inc(1),
        CollectEvent::Failed { query, failure, dropped } => {
            let then = if dropped { "given up" } else { "trying again" };
            let message = format!("class {}, rep {}: {failure}; {then}", query.class, query.rep);
            bar.suspend(|| context.printer.warn(&message));
            bar.inc(dropped.into());
        }
    });
    bar.finish_and_clear();
    let _ = std::fs::remove_file(&messages);
    let collected = collected?;
    let progress = Progress::of(&plan, &queries, &journal);
    if collected.stopped {
        bail!(
            "stopped with {} of {} queries done; the same command goes on with the other {}",
            progress.done,
            queries.len(),
            progress.left
        );
    }

    let mut report = report("capture collect", digests(std::slice::from_ref(&options.plan))?, context);
    count(&mut report.counts, "classes", plan.classes.len());
    count(&mut report.counts, "queries", queries.len());
    count(&mut report.counts, "captures", progress.done);
    count(&mut report.counts, "captures made now", collected.done as usize);
    count(&mut report.counts, "captures found without a row in the manifest", adopted as usize);
    count(&mut report.counts, "packets recorded now", collected.packets as usize);
    let failures = collected.failures.iter().map(|(reason, n)| (format!("failed tries: {reason}"), *n));
    report.counts.extend(failures);
    let dropped = collected.dropped.iter().map(|(reason, n)| (format!("queries: {reason}"), *n));
    report.dropped.extend(dropped);
    if dropped_before > 0 {
        report.dropped.insert("queries: given up before".to_owned(), dropped_before as u64);
    }
    context.finish_and_print(report, Some(&out.join("collect")))?;
    if progress.done == 0 {
        bail!("{}: no query gave a capture; failures.csv tells why", out.display());
    }
    Ok(())
}

/// How far a collection is, in queries.
struct Progress {
    done: usize,
    dropped: usize,
    left: usize,
}

impl Progress {
    fn of(plan: &Plan, queries: &[Query], journal: &Journal) -> Self {
        let done = queries.iter().filter(|query| journal.is_done(query)).count();
        let given_up = |query: &&Query| !journal.is_done(query) && journal.failures(query) > plan.retries;
        let dropped = queries.iter().filter(given_up).count();
        Self { done, dropped, left: queries.len() - done - dropped }
    }
}

/// Commands that a dry run shows.
const SHOWN: usize = 5;

fn dry_run(plan: &Plan, queries: &[Query], journal: &Journal, out: &Path, context: &Context<'_>) -> Result<()> {
    let Progress { done, dropped, left } = Progress::of(plan, queries, journal);
    let n = u32::try_from(left).unwrap_or(u32::MAX);
    let least = plan.quiet_time.saturating_mul(n);
    let most = plan.timeout.saturating_mul(2).saturating_mul(plan.retries.saturating_add(1)).saturating_mul(n);
    let at_pace = pace(&journal.starts()).map(|pace| pace.saturating_mul(n));
    let next: Vec<Vec<String>> = queries
        .iter()
        .filter(|query| !journal.is_done(query) && journal.failures(query) <= plan.retries)
        .take(SHOWN)
        .map(|query| plan.command_of(query))
        .collect();
    if context.printer.is_json() {
        return context.printer.document(&json!({
            "out": out, "interface": plan.interface, "filter": plan.filter.to_string(),
            "classes": plan.classes.len(), "reps": plan.reps, "queries": queries.len(),
            "done": done, "given_up": dropped, "left": left,
            "seconds_at_least": least.as_secs_f64(), "seconds_at_most": most.as_secs_f64(),
            "seconds_at_pace": at_pace.map(|pace| pace.as_secs_f64()), "next": next,
        }));
    }
    let filter = plan.filter.to_string();
    let mut rows = vec![
        ["folder".to_owned(), out.display().to_string()],
        ["interface".to_owned(), plan.interface.clone()],
        ["filter".to_owned(), if filter.is_empty() { "none".to_owned() } else { filter }],
        ["queries".to_owned(), format!("{} ({} classes x {} reps)", queries.len(), plan.classes.len(), plan.reps)],
        ["done, given up, left".to_owned(), format!("{done}, {dropped}, {left}")],
        ["time, at least".to_owned(), format!("{} (quiet times alone)", shown(least))],
        ["time, at most".to_owned(), format!("{} (every try ends by timeout)", shown(most))],
    ];
    if let Some(time) = at_pace {
        rows.push(["time, at the pace so far".to_owned(), shown(time)]);
    }
    rows.extend(next.iter().map(|command| ["next".to_owned(), command.join(" ")]));
    let mut text = Text::new();
    text.table(["", "plan"], rows);
    context.printer.text(&text)
}

/// The median time from one capture to the next.
fn pace(starts: &[i64]) -> Option<Duration> {
    let mut steps: Vec<u64> = starts.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).map(|&step| Duration::from_nanos(step))
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
