//! `wfkit competition`: the files and scores of a privacy competition.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::competition::{
    CheckReport, CompetitionScore, Rules, SplitOptions, SplitReport, Verif, check_attack, check_defense,
    export_defense, read_defense, score, split,
};
use wfkit_datasets::formats::{Problems, ReadLimits};
use wfkit_metrics::{Input, PrivacyReport, StageReport, Utility, UtilityReport};

use super::dataset::choose_copies;
use crate::cli;
use crate::context::{Context, count, count_set, digests};
use crate::input::read_traces;
use crate::measure::trivial_privacy;

/// Folds of the trivial attack in the report.
const FOLDS: usize = 5;

/// What measures the privacy of uploaded files.
const UPLOADED: &str = "uploaded";

pub(crate) fn run(command: &cli::Competition, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Competition::Export { traces, out, copies, rules } => {
            export(traces, out, *copies, &limits_of(rules), context)
        }
        cli::Competition::Split { file, team_id, out, test } => split_file(file, *team_id, out, *test, context),
        cli::Competition::Check { kind, file, verif, rules } => check(*kind, file, verif, &limits_of(rules), context),
        cli::Competition::Score { attack, verif, defence } => score_files(attack, verif, defence.as_deref(), context),
    }
}

fn limits_of(rules: &cli::Rules) -> Rules {
    Rules {
        classes: rules.classes as usize,
        reps_mean: rules.reps.into(),
        deviation: rules.deviation.into(),
        min_packets: rules.min_packets as u64,
    }
}

fn export(paths: &[PathBuf], out: &Path, copies: cli::Copies, rules: &Rules, context: &Context<'_>) -> Result<()> {
    let traces = choose_copies(read_traces(paths, context)?, copies);
    let export = export_defense(&traces.set, out, rules)?;
    if let Some(file) = &export.classes_file {
        context.printer.note(&format!("classes were numbered; {} tells which is which", file.display()));
    }
    for class in &export.renumbered {
        context.printer.note(&format!("class {class}: sessions shared repetitions, so they were numbered anew"));
    }
    let privacy = trivial_privacy(&traces.set, FOLDS, context)?;
    let mut report = context.stage("competition export", digests(paths)?, Utility::of(&traces.set.volumes()), privacy);
    count_set(&mut report.counts, &traces.set);
    report.dropped = traces.dropped;
    context.finish_and_print(report, Some(out))?;
    verdict(&export.report, context)
}

fn split_file(file: &Path, team_id: u32, out: &Path, test: usize, context: &Context<'_>) -> Result<()> {
    let set = read_defense(file, &ReadLimits::UPLOAD)?;
    let options = SplitOptions { team_id: team_id.into(), test_traces: test, seed: context.seed };
    let done = split(&set, &options, out)?;
    if done.twins > 0 {
        context.printer.warn(&format!(
            "{} traces have a twin of the same packets; {} of them are test traces with a twin to train on",
            done.twins, done.twins_in_train
        ));
    }
    let inputs = digests(&[file.to_owned()])?;
    let mut report =
        context.stage("competition split", inputs, Utility::of(&set.volumes()), trivial_privacy(&set, FOLDS, context)?);
    count_set(&mut report.counts, &set);
    let SplitReport { train_traces, test_traces, twins, twins_in_train, .. } = done;
    count(&mut report.counts, "train traces", train_traces);
    count(&mut report.counts, "test traces", test_traces);
    count(&mut report.counts, "traces with a twin", twins);
    count(&mut report.counts, "test traces with a twin to train on", twins_in_train);
    context.finish_and_print(report, Some(&out.join(format!("team_{team_id}_split"))))
}

fn check(kind: cli::UploadKind, file: &Path, verif: &[PathBuf], rules: &Rules, context: &Context<'_>) -> Result<()> {
    let (stage, checked) = match kind {
        cli::UploadKind::Defence => {
            ("competition check defence", check_defense(file, rules, &ReadLimits::UPLOAD, None)?)
        }
        cli::UploadKind::Attack => {
            ("competition check attack", check_attack(file, &verifs(verif), rules, &ReadLimits::UPLOAD)?)
        }
    };
    let inputs: Vec<PathBuf> =
        std::iter::once(file).chain(verif.iter().map(PathBuf::as_path)).map(Path::to_owned).collect();
    let privacy = PrivacyReport::unmeasured(UPLOADED, "a check looks at form, not at what an attack finds");
    let mut report = context.stage(
        stage,
        digests(&inputs)?,
        Utility::unknown("the file has no traces that can be trusted"),
        privacy,
    );
    if let Some(cost) = &checked.cost {
        report.utility = UtilityReport::new(cost.utility.clone());
        report.utility.extras.set("volumes", cost.volumes);
    }
    count(&mut report.counts, "rows", checked.rows as usize);
    count(&mut report.counts, "traces", checked.traces);
    count(&mut report.counts, "classes", checked.classes);
    report
        .privacy
        .extras
        .set("accepted", checked.accepted)
        .set("problems", &checked.problems)
        .set("warnings", &checked.warnings);
    context.finish_and_print(report, None)?;
    verdict(&checked, context)
}

/// Says what is wrong with a file, and fails where it is refused.
fn verdict(checked: &CheckReport, context: &Context<'_>) -> Result<()> {
    if !checked.warnings.is_empty() {
        context.printer.warn(&said(&checked.path, &checked.warnings));
    }
    if !checked.accepted {
        bail!("refused: {}", said(&checked.path, &checked.problems));
    }
    context.printer.note(&format!("{}: accepted by the rules", checked.path.display()));
    Ok(())
}

fn said(path: &Path, problems: &Problems) -> String {
    format!("{}: {problems}", path.display())
}

fn verifs(paths: &[PathBuf]) -> Vec<Verif> {
    paths.iter().map(Verif::named).collect()
}

fn score_files(attack: &Path, verif: &[PathBuf], defence: Option<&Path>, context: &Context<'_>) -> Result<()> {
    let scored = score(Some(attack), &verifs(verif), defence, &ReadLimits::UPLOAD)?;
    let mut files = vec![attack.to_owned()];
    files.extend(verif.iter().cloned());
    files.extend(defence.map(Path::to_owned));
    context.finish_and_print(score_report(&scored, UPLOADED, digests(&files)?, context), None)
}

/// The stage report of a score.
pub(crate) fn score_report(
    scored: &CompetitionScore,
    attack: &str,
    inputs: Vec<Input>,
    context: &Context<'_>,
) -> StageReport {
    let mut privacy = PrivacyReport::unmeasured(attack, "no attack yet");
    if scored.accuracy.is_some() {
        (privacy.accuracy, privacy.roc_auc_macro_ovr, privacy.reason) =
            (scored.accuracy, scored.roc_auc_macro_ovr, None);
    }
    let mut report = context.stage("competition score", inputs, Utility::unknown("no defence file was given"), privacy);
    if let Some(cost) = &scored.cost {
        report.utility = UtilityReport::new(cost.utility.clone());
        report.utility.extras.set("volumes", cost.volumes);
    }
    count(&mut report.counts, "attacked teams", scored.matches.len());
    count(&mut report.counts, "traces", scored.matches.iter().map(|one| one.traces).sum());
    let privacy = &mut report.privacy.extras;
    privacy.set("attack_score", scored.attack_score);
    if let (Some(total), Some(without)) = (scored.total, scored.total_without_attack) {
        privacy.set("total", total).set("total_without_attack", without);
    }
    privacy.set("matches", &scored.matches);
    report
}
