//! Sets of recorded queries.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context as _;
use wfkit_lab::{CollectEvent, Collected, Journal, Network, Plan, Progress, check_for, collect, enclosure};

use super::wfkit::{find_wfkit, import};
use crate::cli::Collect;
use crate::printer;

pub(crate) fn run(options: &Collect, inside: bool) -> anyhow::Result<ExitCode> {
    // What is missing is told before hours of collecting, not after.
    let wfkit = options.traces.as_ref().map(|_| find_wfkit(options.wfkit.as_deref())).transpose()?;
    let write_traces = |plan: &Plan| -> anyhow::Result<()> {
        if let Some((wfkit, traces)) = wfkit.as_ref().zip(options.traces.as_ref()) {
            import(wfkit, plan, &options.out, traces)?;
            printer::line(&format!("traces: {}", traces.display()));
        }
        Ok(())
    };
    if !inside {
        let mut plan = Plan::read(&options.plan)?;
        if options.browser {
            plan.pages.browser = true;
            plan.check().context("--browser")?;
        }
        if let Some(client) = options.client {
            plan.network.client = client.program();
            plan.check().context("--client")?;
        }
        check_for(&plan)?;
        enclosure::seen_from_both(&options.out)?;
        let done = Journal::open(&options.out, &plan)?.done();
        if done == plan.len() {
            printer::line(&format!("all {} queries are recorded in {}", plan.len(), options.out.display()));
            write_traces(&plan)?;
            return Ok(ExitCode::SUCCESS);
        }
        return super::as_inside(super::again_inside()?);
    }
    let stop = enclosure::settle()?;
    let plan = Journal::plan(&options.out)?;
    let network = bring_up(&plan, &options.out.join("log"), &stop)?;
    let collected = make(&network, &plan, &options.out, &stop)?;
    tell(&collected, &plan, &options.out);
    if !collected.given_up.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    drop(network);
    write_traces(&plan)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn bring_up(plan: &Plan, logs: &Path, stop: &AtomicBool) -> anyhow::Result<Network> {
    let started = Instant::now();
    let network = Network::up(&plan.network, logs, &|step| printer::note(&format!("network: {step}")), stop)?;
    printer::note(&format!("network: ready after {:.1} s", started.elapsed().as_secs_f64()));
    Ok(network)
}

pub(super) fn make(network: &Network, plan: &Plan, out: &Path, stop: &AtomicBool) -> anyhow::Result<Collected> {
    let told = |told: CollectEvent<'_>| match told {
        CollectEvent::Progress(progress) => printer::note(&line(progress)),
        CollectEvent::Failed { query, why } => {
            printer::note(&format!("class {}, rep {}: {why}", query.class, query.rep))
        }
        CollectEvent::Restarted(node) => printer::note(&format!("{node} ended and was started again")),
        CollectEvent::Anew(node) => printer::note(&format!("{node} is started anew: nothing came through for long")),
    };
    Ok(collect(network, plan, out, &told, stop)?)
}

fn line(progress: Progress) -> String {
    let Progress { done, all, failed_tries, rate, seconds_left } = progress;
    let left = if rate > 0.0 { format!(", about {seconds_left:.0} s left") } else { String::new() };
    format!("{done} of {all} queries, {rate:.1} a second, {failed_tries} failed tries{left}")
}

fn tell(collected: &Collected, plan: &Plan, out: &Path) {
    let Collected { done, failed_tries, noise, besides, given_up } = collected;
    printer::line(&format!(
        "{done} of {} queries are recorded in {}; {failed_tries} tries failed",
        plan.len(),
        out.display()
    ));
    if plan.most_noise() > 0 {
        printer::line(&format!("{} clients made {noise} queries beside, as noise", plan.most_noise()));
    }
    if plan.beside > 0.0 {
        printer::line(&format!("second applications of clients loaded {besides} pages"));
    }
    if let Some(first) = given_up.first() {
        printer::line(&format!(
            "{} were given up after {} tries, such as class {}, rep {}; why is in failures.csv: remove it, and the same command tries again",
            given_up.len(),
            plan.tries,
            first.class,
            first.rep
        ));
    }
}
