//! Defended sets that are written, each with its manifest, and attacked.

use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};

use wfkit_classify::Attack;
use wfkit_datasets::files::replace_with;
use wfkit_datasets::{
    Findings, Shard, TraceParts, TraceSet, digests, read_traces, write_parquet_in_parts, write_traces,
};
use wfkit_defend::{
    CausalityReport, Cost, DefendOptions, DefendedAudit, DefendedSet, DefenseSpec, Manifest, ManifestFile, Profile,
    Totals, check_composition, check_overheads, defend_watched, defend_with,
};
use wfkit_metrics::{Input, Utility, UtilityReport, Volume, VolumeSummary, Work};

use crate::error::{at, file};
use crate::{Attempt, ExperimentError, PartsSeen, Setting, Traces, attack_defended, cross_validate};

/// How a set is defended, written and attacked.
pub struct Defending<'a> {
    /// The defence.
    pub spec: &'a DefenseSpec,
    /// How it is simulated.
    pub options: DefendOptions,
    /// Where the defended traces go; their manifest goes beside them.
    pub out: &'a Path,
    /// The files that the traces come from.
    pub paths: &'a [PathBuf],
    /// The files that the defence learned from.
    pub fit_on: Vec<Input>,
    /// How the traces are attacked, before and after.
    pub attack: AttackOn<'a>,
}

/// How a defended set is attacked.
#[derive(Clone, Copy)]
pub struct AttackOn<'a> {
    /// The attack, trained again.
    pub attack: &'a Attack,
    /// How it is called.
    pub name: &'a str,
    /// Folds of the cross-validation.
    pub folds: usize,
    /// How many draws of each load it is trained on.
    pub draws: NonZeroU32,
}

impl AttackOn<'_> {
    /// What a defended set, of which this is observed, costs and gives away, beside the attack on the undefended one.
    ///
    /// # Errors
    /// What defences, attacks and scores refuse.
    pub fn findings(
        &self,
        defended: &DefendedSet<'_>,
        observed: &TraceSet,
        undefended: &Attempt,
        setting: Setting<'_>,
    ) -> Result<Findings, ExperimentError> {
        let found = attack_defended(defended, observed, self.attack, (self.folds, self.draws), setting)?;
        let mut findings = Findings::new(Utility::of(&defended.volumes()), found.privacy(self.name));
        findings.count_set(observed);
        found.describe(&mut findings, (defended, observed), undefended, self.folds, setting.seed)?;
        Ok(findings)
    }
}

/// Writes how a set was defended beside it: `traces.parquet` has `traces.manifest.json`.
///
/// # Errors
/// Files that cannot be read or written.
pub fn write_manifest(
    defended: &DefendedSet<'_>,
    observed: &TraceSet,
    out: &Path,
    (inputs, fit_on): (&[Input], Vec<Input>),
    verified: bool,
) -> Result<(), ExperimentError> {
    let output = digest(out)?;
    write_beside(out, &ManifestFile::of(defended, observed, (inputs, fit_on), output, verified))
}

fn digest(path: &Path) -> Result<Input, ExperimentError> {
    Ok(digests(&[path.to_owned()]).map_err(file)?.remove(0))
}

fn write_beside(out: &Path, manifest: &ManifestFile) -> Result<(), ExperimentError> {
    let beside = ManifestFile::beside(out);
    replace_with(&beside, manifest.to_json()).map_err(at(format!("{}: cannot write", beside.display())))
}

impl Defending<'_> {
    /// Defends traces that are held, and attacks them; also the files that they come from, with their digests.
    ///
    /// # Errors
    /// What defences, attacks and scores refuse; files that cannot be read or written, or that are not what was simulated.
    pub fn whole(&self, traces: &Traces, setting: Setting<'_>) -> Result<(Findings, Vec<Input>), ExperimentError> {
        let undefended = cross_validate(self.attack.attack, &traces.set, self.attack.folds, setting)?;
        let defended = defend_watched(&traces.set, self.spec, &self.options, setting.observer)?;
        let observed = defended.observe();
        write_traces(self.out, &observed)?;
        if self.options.verify {
            self.verify_written(&defended, &observed)?;
        }
        let inputs = digests(self.paths).map_err(file)?;
        write_manifest(&defended, &observed, self.out, (&inputs, self.fit_on.clone()), self.options.verify)?;
        let mut findings = self.attack.findings(&defended, &observed, &undefended, setting)?;
        findings.dropped = traces.dropped.clone();
        Ok((findings, inputs))
    }

    /// What takes the file itself, read again.
    fn verify_written(&self, defended: &DefendedSet<'_>, observed: &TraceSet) -> Result<(), ExperimentError> {
        let out = self.out.display();
        let broken = |violation| ExperimentError::Unfit(format!("{out}: {violation}"));
        check_composition(defended, observed).map_err(broken)?;
        let written = read_traces(self.out).map_err(file)?.set;
        check_overheads(defended, &written).map_err(broken)?;
        match DefendedAudit::of(defended.original(), &written, defended.copies())?.passed() {
            true => Ok(()),
            false => Err(ExperimentError::Unfit(format!(
                "{out}: the file is not what was simulated; see wfkit defend verify"
            ))),
        }
    }

    /// Defends these rows of traces that come in parts, which may be a share of them, and attacks some; also the files that they come from, with their
    /// digests. What defences are told of a set, they are told of all rows.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn in_parts(
        &self,
        mut parts: TraceParts<'_>,
        (rows, shard): (Range<usize>, Option<Shard>),
        setting: Setting<'_>,
    ) -> Result<(Findings, Vec<Input>), ExperimentError> {
        let mut kept = PartsSeen::of(&parts.labels().map_err(file)?[rows.clone()], setting);
        let spec = self.spec.clone().knowing(profile_of(&mut parts, setting)?);
        parts.only(rows);
        let (provenance, unknown_columns) = (parts.provenance().clone(), parts.unknown_columns());
        let made = self.write_parts(parts, &spec, &mut kept, setting)?;
        let inputs = digests(self.paths).map_err(file)?;
        write_beside(self.out, &made.manifest(self, &spec, inputs.clone())?)?;

        let some = kept.some(&provenance).map_err(file)?;
        let undefended = cross_validate(self.attack.attack, &some, self.attack.folds, setting)?;
        let defended = defend_with(&some, &spec, &self.options)?;
        let mut findings = self.attack.findings(&defended, &defended.observe(), &undefended, setting)?;
        findings
            .count("traces", made.traces)
            .count("classes", kept.classes)
            .count("packets", made.after.packets as usize)
            .leave_out("unknown column", unknown_columns);
        findings.utility = UtilityReport { utility: Utility::of(&made.volumes), ..findings.utility };
        let extras = &mut findings.utility.extras;
        extras
            .set("undefended", Utility::of(&kept.volumes))
            .set("volumes", VolumeSummary::of(&made.volumes))
            .set("causality", made.causality);
        if let Some(told) = kept.drawn.in_words() {
            findings.privacy.extras.set("looked_at", &told);
            extras.set("overheads_of", told);
        }
        if let Some(shard) = shard {
            findings.utility.extras.set("shard", shard.to_string()).set("before", made.before);
        }
        Ok((findings, inputs))
    }

    fn write_parts(
        &self,
        mut parts: TraceParts<'_>,
        spec: &DefenseSpec,
        kept: &mut PartsSeen,
        setting: Setting<'_>,
    ) -> Result<Made, ExperimentError> {
        let Some(first) = parts.next() else {
            return Err(ExperimentError::Unfit("there is no trace in it".to_owned()));
        };
        // The layers that are added do not depend on the traces.
        let one = first.map_err(file)?.select(&[0]);
        let provenance = defend_with(&one, spec, &self.options)?.observe().provenance().clone();
        parts.rewind();
        let mut made = Made::default();
        let work = Work::begin(setting.observer, "defending", parts.len());
        write_parquet_in_parts(self.out, &provenance, |sink| {
            for part in &mut parts {
                let part = part.map_err(file)?;
                let defended = defend_with(&part, spec, &self.options)?;
                let observed = defended.observe();
                observed.traces().iter().try_for_each(|labelled| sink.add(labelled))?;
                made.see(&part, &defended, &observed);
                kept.see(&part);
                work.step();
            }
            Ok::<_, ExperimentError>(())
        })?;
        Ok(made)
    }
}

/// What was made of all parts.
#[derive(Debug, Default)]
struct Made {
    traces: usize,
    before: Totals,
    after: Totals,
    volumes: Vec<Volume>,
    causality: CausalityReport,
    manifest: Option<Manifest>,
}

impl Made {
    fn see(&mut self, part: &TraceSet, defended: &DefendedSet<'_>, observed: &TraceSet) {
        self.traces += observed.len();
        self.before += Totals::of(part);
        self.after += Totals::of(observed);
        self.volumes.extend(defended.volumes());
        self.causality = self.causality + defended.causality();
        self.manifest.get_or_insert_with(|| defended.manifest().clone());
    }

    fn manifest(
        &self,
        defending: &Defending<'_>,
        spec: &DefenseSpec,
        inputs: Vec<Input>,
    ) -> Result<ManifestFile, ExperimentError> {
        let cost = || Cost::of_totals(self.before, self.after, defending.options.replicas.get());
        Ok(ManifestFile {
            manifest: self.manifest.clone().expect("there is a first part"),
            inputs,
            fit_on: Vec::new(),
            output: digest(defending.out)?,
            traces: self.traces,
            packets: self.after.packets as usize,
            cost: (!spec.hides_paths()).then(cost),
            utility: Some(Utility::of(&self.volumes)),
            causality: self.causality,
        })
    }
}

/// Goes through all traces once for what the defence is told of the set.
fn profile_of(parts: &mut TraceParts<'_>, setting: Setting<'_>) -> Result<Profile, ExperimentError> {
    let work = Work::begin(setting.observer, "looking", parts.len());
    let mut profile: Option<Profile> = None;
    for part in parts.by_ref() {
        let of_part = Profile::of(&part.map_err(file)?);
        profile = Some(match profile {
            Some(profile) => profile.and(of_part),
            None => of_part,
        });
        work.step();
    }
    drop(work);
    parts.rewind();
    profile.ok_or_else(|| ExperimentError::Unfit("there is no trace in it".to_owned()))
}
