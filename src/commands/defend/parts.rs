//! A defence on a set that is read in parts.

use std::ops::Range;

use anyhow::{Result, bail};
use wfkit_classify::Attack;
use wfkit_datasets::{TraceParts, write_parquet_in_parts};
use wfkit_defend::{
    CausalityReport, Cost, DefendOptions, DefenseSpec, Manifest, ManifestFile, Profile, Totals, defend_with,
};
use wfkit_evaluate::cross_validate;
use wfkit_metrics::{Utility, UtilityReport, VolumeSummary};

use super::{Attacked, report};
use crate::cli::DefendTraces;
use crate::context::{Context, count, write};
use crate::large::as_a_whole;
use wfkit_datasets::digests;
use wfkit_evaluate::PartsSeen;

pub(super) fn defend(
    options: &DefendTraces,
    (spec, attack): (&DefenseSpec, &Attack),
    mut parts: TraceParts<'_>,
    rows: Range<usize>,
    context: &Context<'_>,
) -> Result<()> {
    refuse(options, spec, &parts)?;
    let mut kept = PartsSeen::of(&parts.labels()?[rows.clone()], context.setting());
    let spec = spec.clone().told(profile_of(&mut parts, context)?);
    parts.only(rows);
    let how = DefendOptions { seed: context.seed, replicas: options.replicas, verify: false, limit: options.limit };

    let provenance = parts.provenance().clone();
    let unknown_columns = parts.unknown_columns();
    if unknown_columns > 0 {
        context.say_more(&options.traces);
    }
    context.keep(&options.out)?;
    let mut made = Made::default();
    let Some(first) = parts.next() else { bail!("{}: there is no trace in it", crate::input::list(&options.traces)) };
    let first = first?;
    // The layers that are added do not depend on the traces.
    let defended_provenance = defend_with(&first.select(&[0]), &spec, &how)?.observe().provenance().clone();
    parts.rewind();
    let bar = context.printer.progress("defending", parts.len() as u64);
    write_parquet_in_parts(&options.out, &defended_provenance, |sink| {
        for part in &mut parts {
            let part = part?;
            let defended = defend_with(&part, &spec, &how)?;
            let observed = defended.observe();
            observed.traces().iter().try_for_each(|labelled| sink.add(labelled))?;
            made.before += Totals::of(&part);
            made.after += Totals::of(&observed);
            made.volumes.extend(defended.volumes());
            made.traces += observed.len();
            made.causality = made.causality + defended.causality();
            made.manifest.get_or_insert_with(|| defended.manifest().clone());
            kept.see(&part);
            bar.inc(1);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();

    let inputs = digests(&options.traces)?;
    let manifest = ManifestFile {
        manifest: made.manifest.expect("there is a first part"),
        inputs: inputs.clone(),
        fit_on: Vec::new(),
        output: digests(std::slice::from_ref(&options.out))?.remove(0),
        traces: made.traces,
        packets: made.after.packets as usize,
        cost: (!spec.hides_paths()).then(|| Cost::of_totals(made.before, made.after, options.replicas.get())),
        utility: Some(Utility::of(&made.volumes)),
        causality: made.causality,
    };
    write(&ManifestFile::beside(&options.out), manifest.to_json())?;

    let some = kept.some(&provenance)?;
    let folds = usize::from(options.folds);
    let undefended = cross_validate(attack, &some, folds, context.setting())?;
    let defended = defend_with(&some, &spec, &how)?;
    let measure = Attacked { attack: &options.attack, folds, draws: options.draws_train };
    let mut report = report(&defended, &defended.observe(), &undefended, &measure, inputs, context)?;
    count(&mut report.counts, "traces", made.traces);
    count(&mut report.counts, "classes", kept.classes);
    count(&mut report.counts, "packets", made.after.packets as usize);
    let extras = std::mem::take(&mut report.utility.extras);
    report.utility = UtilityReport { extras, ..UtilityReport::new(Utility::of(&made.volumes)) };
    report
        .utility
        .extras
        .set("undefended", Utility::of(&kept.volumes))
        .set("volumes", VolumeSummary::of(&made.volumes))
        .set("causality", made.causality);
    if let Some(told) = kept.drawn.told() {
        report.privacy.extras.set("looked_at", &told);
        report.utility.extras.set("overheads_of", told);
    }
    if let Some(shard) = options.shard {
        report.utility.extras.set("shard", shard.to_string()).set("before", made.before);
    }
    if unknown_columns > 0 {
        report.dropped.insert("unknown column".to_owned(), unknown_columns);
    }
    context.finish_and_print(report, Some(&options.out))
}

/// What was made of all parts.
#[derive(Default)]
struct Made {
    traces: usize,
    before: Totals,
    after: Totals,
    volumes: Vec<wfkit_metrics::Volume>,
    causality: CausalityReport,
    manifest: Option<Manifest>,
}

/// What needs all traces at once is told before the work begins.
fn refuse(options: &DefendTraces, spec: &DefenseSpec, parts: &TraceParts<'_>) -> Result<()> {
    let (packets, out) = (parts.packets(), options.out.display());
    let as_a_whole = as_a_whole(packets, options.shard);
    if !out.to_string().to_ascii_lowercase().ends_with(".parquet") {
        bail!(
            "{out}: {packets} packets are worked through in parts, which can be written as .parquet alone; {as_a_whole}"
        );
    }
    if spec.needs_training() {
        bail!("{spec} learns from training traces and holds all traces, {packets} packets; defend fewer, {as_a_whole}");
    }
    if options.verify {
        bail!("--verify reads what was written as a whole, {packets} packets; leave it out, {as_a_whole}");
    }
    Ok(())
}

/// Goes through all traces once for what the defence is told of the set.
fn profile_of(parts: &mut TraceParts<'_>, context: &Context<'_>) -> Result<Profile> {
    let bar = context.printer.progress("looking", parts.len() as u64);
    let mut profile: Option<Profile> = None;
    for part in parts.by_ref() {
        let of_part = Profile::of(&part?);
        profile = Some(match profile {
            Some(profile) => profile.and(of_part),
            None => of_part,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    parts.rewind();
    match profile {
        Some(profile) => Ok(profile),
        None => bail!("there is no trace in it"),
    }
}
