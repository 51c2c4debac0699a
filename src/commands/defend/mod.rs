//! `wfkit defend`: a defence on traces, what it costs, and what the attack finds after it.

mod cost;
mod fit;
mod lint;
mod verify;

use anyhow::{Result, bail};
use wfkit_datasets::{Shard, TraceFormat, TraceParts};
use wfkit_defend::{DefendOptions, NamedDefense};
use wfkit_evaluate::{AttackOn, Defending, attack};
use wfkit_report::{answer, text};

use crate::cli::{self, DefendCommand, DefendTraces};
use crate::context::Context;
use crate::input::read_traces;
use crate::large::{as_a_whole, share_of};

pub(crate) fn run(options: &cli::Defend, context: &Context<'_>) -> Result<()> {
    match (&options.command, &options.traces) {
        (Some(DefendCommand::List), _) => context.printer.shown(&wfkit_defend::list(), text::defences),
        (Some(DefendCommand::Describe { name: NamedDefense::Simulated(defence) }), _) => {
            context.printer.shown(defence, || text::defence(defence))
        }
        (Some(DefendCommand::Describe { name: NamedDefense::NotSimulated(defence) }), _) => {
            context.printer.shown(defence, || text::not_simulated(defence))
        }
        (Some(DefendCommand::Verify(options)), _) => verify::run(options, context),
        (Some(DefendCommand::Cost(options)), _) => cost::run(options, context),
        (Some(DefendCommand::Lint { defence, traces, limit }), _) => lint::run(defence, traces, *limit, context),
        (None, Some(options)) => defend(options, context),
        (None, None) => unreachable!("clap asks for traces where there is no command"),
    }
}

fn defend(options: &DefendTraces, context: &Context<'_>) -> Result<()> {
    let spec = options.spec();
    let attack = attack(&options.attack)?;
    TraceFormat::of_extension(&options.out)?; // A wrong name is told before the work begins.
    if options.delay.is_some() && !spec.delays() {
        context.printer.warn("--delay changes nothing: no layer holds packets back");
    }
    if options.stop.is_some() && !spec.stops() {
        context.printer.warn("--stop changes nothing: no layer has a stop rule");
    }
    let mut defending = Defending {
        spec: &spec,
        options: DefendOptions {
            seed: context.seed,
            replicas: options.replicas,
            verify: options.verify,
            limit: options.limit,
        },
        out: &options.out,
        paths: &options.traces,
        fit_on: Vec::new(),
        attack: AttackOn {
            attack: &attack,
            name: &options.attack,
            folds: usize::from(options.folds),
            draws: options.draws_train,
        },
    };
    if let Some((parts, rows)) = share_of(&options.traces, options.in_parts, context)? {
        refuse_in_parts(&defending, &parts, options.in_parts.shard)?;
        if parts.unknown_columns() > 0 {
            context.say_more(&options.traces);
        }
        context.keep(&options.out)?;
        let (findings, inputs) = defending.in_parts(parts, (rows, options.in_parts.shard), context.setting())?;
        return context.finish_and_print(context.report("defend", inputs, findings), Some(&options.out));
    }
    let traces = read_traces(&options.traces, context)?;
    let (spec, fit_on) = fit::fitted(&spec, options.fit_on.as_deref(), &options.traces, &traces.set, context)?;
    (defending.spec, defending.fit_on) = (&spec, fit_on);
    context.keep(&options.out)?;
    let (findings, inputs) = defending.whole(&traces, context.setting())?;
    let report = context.report("defend", inputs, findings);
    context.finish_and_answer(report, Some(&options.out), answer::defended, options.full)
}

/// What needs all traces at once is told before the work begins.
fn refuse_in_parts(defending: &Defending<'_>, parts: &TraceParts<'_>, shard: Option<Shard>) -> Result<()> {
    let (packets, out, spec) = (parts.packets(), defending.out.display(), defending.spec);
    let as_a_whole = as_a_whole(packets, shard);
    if !out.to_string().to_ascii_lowercase().ends_with(".parquet") {
        bail!(
            "{out}: {packets} packets are worked through in parts, which can be written as .parquet alone; {as_a_whole}"
        );
    }
    if spec.needs_training() {
        bail!("{spec} learns from training traces and holds all traces, {packets} packets; defend fewer, {as_a_whole}");
    }
    if defending.options.verify {
        bail!("--verify reads what was written as a whole, {packets} packets; leave it out, {as_a_whole}");
    }
    Ok(())
}
