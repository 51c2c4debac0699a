//! `wfkit defend`: a defence on traces, what it costs, and what the attack finds after it.

mod cost;
mod fit;
mod lint;
mod parts;
mod verify;

use std::num::NonZeroU32;
use std::path::Path;

use anyhow::{Result, bail};
use wfkit_datasets::{Findings, TraceFormat, TraceSet};
use wfkit_defend::{
    DefendOptions, DefendedAudit, DefendedSet, DefenseSpec, ManifestFile, NamedDefense, check_composition,
    check_overheads, defend_watched,
};
use wfkit_metrics::{Input, StageReport, Utility};
use wfkit_report::{answer, text};

use crate::cli::{self, DefendCommand, DefendTraces};
use crate::context::{Context, write};
use crate::input::read_traces;
use crate::large::share_of;
use wfkit_datasets::digests;
use wfkit_evaluate::{Attempt, attack, attack_defended, cross_validate};

pub(crate) fn run(options: &cli::Defend, context: &Context<'_>) -> Result<()> {
    match (&options.command, &options.traces) {
        (Some(DefendCommand::List), _) => context.printer.shown(&wfkit_defend::list(), text::defences),
        (Some(DefendCommand::Describe { name: NamedDefense::Simulated(defence) }), _) => {
            context.printer.shown(defence, || text::defence(defence))
        }
        (Some(DefendCommand::Describe { name: NamedDefense::NotSimulated(defence) }), _) => {
            context.printer.shown(defence, || text::not_simulated(defence))
        }
        (Some(DefendCommand::Verify { original, defended, manifest, fit_on, replicas }), _) => {
            verify::run(original, defended, manifest.as_deref(), fit_on.as_deref(), *replicas, context)
        }
        (Some(DefendCommand::Cost(options)), _) => cost::run(options, context),
        (Some(DefendCommand::Lint { defence, traces, limit }), _) => lint::run(defence, traces, *limit, context),
        (None, Some(options)) => defend(options, context),
        (None, None) => unreachable!("clap asks for traces where there is no command"),
    }
}

fn defend(options: &DefendTraces, context: &Context<'_>) -> Result<()> {
    let spec = spec_of(options);
    let attack = attack(&options.attack)?;
    TraceFormat::of_extension(&options.out)?; // A wrong name is told before the work begins.
    if options.delay.is_some() && !spec.delays() {
        context.printer.warn("--delay changes nothing: no layer holds packets back");
    }
    if options.stop.is_some() && !spec.stops() {
        context.printer.warn("--stop changes nothing: no layer has a stop rule");
    }
    if let Some((parts, rows)) = share_of(&options.traces, (options.at_once, options.shard), context)? {
        return parts::defend(options, (&spec, &attack), parts, rows, context);
    }
    let traces = read_traces(&options.traces, context)?;
    let (spec, fit_on) = fit::fitted(spec, options.fit_on.as_deref(), &options.traces, &traces.set, context)?;
    let folds = usize::from(options.folds);
    let undefended = cross_validate(&attack, &traces.set, folds, context.setting())?;
    let how =
        DefendOptions { seed: context.seed, replicas: options.replicas, verify: options.verify, limit: options.limit };
    let working = context.watcher.working("defending");
    let defended = defend_watched(&traces.set, &spec, &how, &context.watcher)?;
    let observed = defended.observe();
    drop(working);
    context.write_traces(&options.out, &observed)?;
    if options.verify {
        verify_written(&defended, &observed, &options.out)?;
    }
    let inputs = digests(&options.traces)?;
    write_manifest(&defended, &observed, &options.out, (&inputs, fit_on), options.verify)?;
    let measure = Attacked { attack: &options.attack, folds, draws: options.draws_train };
    let mut report = report(&defended, &observed, &undefended, &measure, inputs, context)?;
    report.dropped = traces.dropped;
    context.finish_and_answer(report, Some(&options.out), answer::defended, options.full)
}

/// The specification with the options of the simulation in it, so that it says everything wherever it is kept.
fn spec_of(options: &DefendTraces) -> DefenseSpec {
    let mut spec = match &options.link {
        Some(link) => options.defence.clone().then(link.clone()),
        None => options.defence.clone(),
    };
    if let Some(model) = options.delay {
        spec = spec.with_delays(model);
    }
    if let Some(rule) = options.stop {
        spec = spec.with_stop(rule);
    }
    spec
}

/// What takes the file itself, read again.
fn verify_written(defended: &DefendedSet<'_>, observed: &TraceSet, out: &Path) -> Result<()> {
    let broken = |violation| anyhow::anyhow!("{}: {violation}", out.display());
    check_composition(defended, observed).map_err(broken)?;
    let written = wfkit_datasets::read_traces(out)?.set;
    check_overheads(defended, &written).map_err(broken)?;
    let audit = DefendedAudit::of(defended.original(), &written, defended.copies())?;
    if !audit.passed() {
        bail!("{}: the file is not what was simulated; see wfkit defend verify", out.display());
    }
    Ok(())
}

/// Writes how the set was made beside it: `traces.parquet` has `traces.manifest.json`.
fn write_manifest(
    defended: &DefendedSet<'_>,
    observed: &TraceSet,
    out: &Path,
    (inputs, fit_on): (&[Input], Vec<Input>),
    verified: bool,
) -> Result<()> {
    let output = digests(&[out.to_owned()])?.remove(0);
    let file = ManifestFile::of(defended, observed, (inputs, fit_on), output, verified);
    write(&ManifestFile::beside(out), file.to_json())
}

/// How a defended set is attacked.
struct Attacked<'a> {
    /// The attack, trained again.
    attack: &'a str,
    /// Folds of the cross-validation.
    folds: usize,
    /// How many draws of each load it is trained on.
    draws: NonZeroU32,
}

/// The stage report of a defended set: the attack is trained again on defended traces, with the undefended one beside it.
fn report(
    defended: &DefendedSet<'_>,
    observed: &TraceSet,
    undefended: &Attempt,
    Attacked { attack: name, folds, draws }: &Attacked<'_>,
    inputs: Vec<Input>,
    context: &Context<'_>,
) -> Result<StageReport> {
    let found = attack_defended(defended, observed, &attack(name)?, (*folds, *draws), context.setting())?;
    let mut findings = Findings::new(Utility::of(&defended.volumes()), found.privacy(name));
    findings.count_set(observed);
    found.describe(&mut findings, (defended, observed), undefended, *folds, context.seed)?;
    Ok(context.report("defend", inputs, findings))
}
