//! `wfkit capture collect`: a command a class and repetition, each recorded.

use anyhow::{Result, ensure};
use wfkit_capture::live::{Collect, CollectEvent, Collection, Interface, Plan};
use wfkit_datasets::digests;
use wfkit_report::text;
use wfkit_terminal::{SystemClock, SystemRunner, stop_signal};

use crate::context::Context;
use crate::{TOOL, cli};

pub(super) fn run(options: &cli::CaptureCollect, context: &Context<'_>) -> Result<()> {
    let plan = Plan::read(&options.plan)?;
    let out = &options.out.clone().unwrap_or_else(|| options.plan.with_extension(""));
    ensure!(*out != options.plan, "{}: its name has no ending to leave out: say --out DIR", out.display());
    let mut collection = Collection::open(plan, out, context.seed)?;
    if options.dry_run {
        let dry_run = collection.dry_run();
        return context.printer.shown(&dry_run, || text::dry_run(&dry_run));
    }
    let stop = stop_signal()?;
    let plan = &collection.plan;
    let mut interface = Interface::open(&plan.interface, &plan.filter, plan.snap_len)?;
    let adopted = collection.journal.repair(&collection.queries)?;
    let (all, before) = (collection.queries.len(), collection.progress());
    if before.left < all {
        let found = format!("{}: {} of {all} queries are done", out.display(), before.done);
        context.printer.note(&format!("{found} and {} given up; going on", before.given_up));
    }
    let bar = context.printer.progress("collecting", before.left as u64);
    let collect = Collect {
        plan: &collection.plan,
        source: &mut interface,
        runner: &mut SystemRunner::within(out),
        clock: &SystemClock::new(),
        stop: &stop,
        application: TOOL,
    };
    let collected = collect.run(&collection.queries, &mut collection.journal, &mut |event| match event {
        CollectEvent::Done(_) => bar.inc(1),
        CollectEvent::Failed { query, failure, dropped } => {
            let then = if dropped { "given up" } else { "trying again" };
            let message = format!("class {}, rep {}: {failure}; {then}", query.class, query.rep);
            bar.suspend(|| context.printer.warn(&message));
            bar.inc(dropped.into());
        }
    });
    bar.finish_and_clear();
    let (collected, now) = (collected?, collection.progress());
    ensure!(
        !collected.stopped,
        "stopped with {} of {all} queries done; the same command goes on with the other {}",
        now.done,
        now.left
    );
    let findings = collection.findings(&collected, before, adopted);
    let report = context.report("capture collect", digests(std::slice::from_ref(&options.plan))?, findings);
    context.finish_and_print(report, Some(&out.join("collect")))?;
    ensure!(now.done > 0, "{}: no query gave a capture; failures.csv tells why", out.display());
    Ok(())
}
