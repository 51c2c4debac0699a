//! `wfkit competition`: the files and scores of a privacy competition, and what a team does on its server.

mod server;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use wfkit_competition::{
    Baseline, BundleOptions, CheckReport, FileCheck, Rules, SplitOptions, UPLOADED, Verif, bundle_for_codabench,
    check_attack, check_defense, count_all_paths, export_defense, kit_sample, read_defense, score, split,
    split_for_hosts, split_paths, write_kit,
};
use wfkit_datasets::files::is_same_file;
use wfkit_datasets::formats::ReadLimits;
use wfkit_datasets::{Findings, TraceSet, digests};
use wfkit_defend::{ManifestFile, hides_paths};
use wfkit_evaluate::trivial_privacy;
use wfkit_metrics::{PrivacyReport, Utility};

use crate::cli::{self, Competition, UploadKind};
use crate::context::{Context, FOLDS};
use crate::input::read_traces;

pub(crate) fn run(command: &Competition, context: &Context<'_>) -> Result<()> {
    match command {
        Competition::Export(options) => export(options, context),
        Competition::Split(options) => split_file(options, context),
        Competition::Bundle(options) => bundle(options, context),
        Competition::Kit { traces, out, test } => kit(traces, out, *test, context),
        Competition::Check(options) => check(options, context),
        Competition::Score(options) => score_files(options, context),
        Competition::Server(command) => server::run(command, context),
    }
}

fn trivial(set: &TraceSet, context: &Context<'_>) -> Result<PrivacyReport> {
    Ok(trivial_privacy(set, FOLDS, context.setting())?)
}

fn export(options: &cli::CompetitionExport, context: &Context<'_>) -> Result<()> {
    let (paths, out, rules) = (&options.traces, &options.out, Rules::from(&options.rules));
    let (traces, _) = read_traces(paths, context)?.changed(options.copies.into());
    let export = export_defense(&traces.set, out, &rules)?;
    if let Some(file) = &export.classes_file {
        context.printer.note(&format!("classes were numbered; {} tells which is which", file.display()));
    }
    for class in &export.renumbered {
        context.printer.note(&format!("class {class}: sessions shared repetitions, so they were numbered anew"));
    }
    let mut findings = Findings::new(Utility::of(&traces.set.volumes()), trivial(&traces.set, context)?);
    findings.count_set(&traces.set).dropped = traces.dropped;
    let mut report = context.report("competition export", digests(paths)?, findings);
    if hides_paths(&traces.set) {
        count_all_paths(&mut report, ManifestFile::utility_of_all_paths(paths));
        context.printer.warn(&format!(
            "{}: the file has the paths that the observer sees, so a score of it counts these alone; the utility of all paths is in the report",
            out.display()
        ));
    }
    context.finish_and_print(report, Some(out))?;
    verdict(&export.report, &rules, context)
}

fn bundle(options: &cli::CompetitionBundle, context: &Context<'_>) -> Result<()> {
    let cli::CompetitionBundle { file, out, title, opens, last, ends, test: test_traces, .. } = options;
    ensure!(
        opens < last && last < ends,
        "--opens, --last and --ends are {opens}, {last} and {ends}: each must be later than the one before"
    );
    let set = read_defense(file, &ReadLimits::UPLOAD)?;
    let dates = [opens, last, ends].map(|day| day.strftime("%m-%d-%Y").to_string());
    let about = BundleOptions { title: title.to_owned(), dates };
    let options = SplitOptions { team_id: 1, test_traces: *test_traces, seed: context.seed };
    // The host keeps what the archive was made of.
    let parts = out.with_extension("parts");
    ensure!(!parts.exists(), "{} exists; name another archive with --out", parts.display());
    let made = bundle_for_codabench(&set, &options, &about, &parts, out)?;
    let findings = made.findings(&set, trivial(&set, context)?);
    let inputs = digests(&[file.to_owned()])?;
    context.finish_and_print(context.report("competition bundle", inputs, findings), Some(out))
}

fn kit(paths: &[PathBuf], out: &Path, test: Option<usize>, context: &Context<'_>) -> Result<()> {
    let set = if paths.is_empty() { kit_sample()? } else { read_traces(paths, context)?.set };
    let rules = Rules::fitting(&set);
    let test_traces = test.unwrap_or_else(|| (set.len() * 3 / 10).max(rules.classes));
    let made = write_kit(&set, &rules, &SplitOptions { team_id: 0, test_traces, seed: context.seed }, out)?;
    let findings = made.findings(&set, trivial(&set, context)?);
    // The bundled sample is no file of the user's; what was written of it is.
    let inputs = if paths.is_empty() { digests(&[made.data])? } else { digests(paths)? };
    context.finish_and_print(context.report("competition kit", inputs, findings), Some(&out.join("kit")))?;
    context.printer.note(&format!("{}: begin with README.md", out.display()));
    Ok(())
}

fn split_file(asked: &cli::CompetitionSplit, context: &Context<'_>) -> Result<()> {
    let (file, out) = (&asked.file, &asked.out);
    let options = SplitOptions { team_id: asked.team_id.into(), test_traces: asked.test, seed: context.seed };
    if split_paths(options.team_id, out).iter().any(|written| is_same_file(written, file)) {
        bail!("{}: it is what is read, and would be lost; name another folder for --out", file.display());
    }
    let set = read_defense(file, &ReadLimits::UPLOAD)?;
    let found = set.classes().len();
    if let Some(classes) = asked.classes.filter(|&classes| classes as usize != found) {
        bail!("{}: it has {found} classes, not {classes}; if that is right, say --classes {found}", file.display());
    }
    let done = match asked.kaggle {
        true => split_for_hosts(&set, &options, out)?.split,
        false => split(&set, &options, out)?,
    };
    done.warning().iter().for_each(|warning| context.printer.warn(warning));
    let inputs = digests(&[file.to_owned()])?;
    let report = context.report("competition split", inputs, done.findings(&set, trivial(&set, context)?));
    context.finish_and_print(report, Some(&out.join(format!("team_{}_split", asked.team_id))))
}

fn check(options: &cli::CompetitionCheck, context: &Context<'_>) -> Result<()> {
    let cli::CompetitionCheck { kind, file, verif, undefended, least_share, rules } = options;
    let (rules, limits) = (&Rules::from(rules), &ReadLimits::UPLOAD);
    let (stage, checked) = match (kind, undefended) {
        (UploadKind::Defence, undefended) => {
            let baseline = undefended.as_ref().map(|path| Baseline::of_file(path, *least_share)).transpose()?;
            ("competition check defence", check_defense(file, rules, limits, baseline.as_ref())?.report)
        }
        (UploadKind::Attack, Some(_)) => bail!("--undefended is for a defence: an attack has no traffic"),
        (UploadKind::Attack, None) => {
            ("competition check attack", check_attack(file, &verifs(verif), rules, limits)?.report)
        }
    };
    let inputs: Vec<PathBuf> = std::iter::once(file).chain(verif).chain(undefended).cloned().collect();
    context.finish_and_print(context.report(stage, digests(&inputs)?, checked.findings()), None)?;
    verdict(&checked, rules, context)
}

/// Says what is wrong with a file, and fails where it is refused.
fn verdict(checked: &CheckReport, rules: &Rules, context: &Context<'_>) -> Result<()> {
    checked.warning().iter().for_each(|warning| context.printer.warn(warning));
    if let Some(refusal) = checked.refusal(Some(rules)) {
        bail!(refusal);
    }
    context.printer.note(&format!("{}: accepted by the rules", checked.path.display()));
    Ok(())
}

fn verifs(paths: &[PathBuf]) -> Vec<Verif> {
    paths.iter().map(Verif::named).collect()
}

/// Where a number of classes is asked for, the attack has as many; else its columns declare them.
fn score_files(options: &cli::CompetitionScore, context: &Context<'_>) -> Result<()> {
    let cli::CompetitionScore { attack, verif, defence, classes } = options;
    let limits = &ReadLimits::UPLOAD;
    let rules = classes.map(|classes| Rules { classes: classes as usize, ..Rules::default() });
    let FileCheck { report, checked } = check_attack(attack, &verifs(verif), rules.as_ref(), limits)?;
    if let Some(refusal) = report.refusal(rules.as_ref()) {
        bail!(refusal);
    }
    let defended = match defence {
        Some(file) => Some(check_defense(file, None, limits, None)?.accepted()?),
        None => None,
    };
    let scored = score(checked.as_ref(), defended.as_ref())?;
    let files: Vec<PathBuf> = std::iter::once(attack).chain(verif).chain(defence).cloned().collect();
    context.finish_and_print(context.report("competition score", digests(&files)?, scored.findings(UPLOADED)), None)?;
    context.printer.line("total = utility x attack score; its traps: wfkit competition score --help")
}
