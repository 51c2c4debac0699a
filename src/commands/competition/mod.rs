//! `wfkit competition`: the files and scores of a privacy competition, and what a team does on its server.

mod server;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_competition::{
    Baseline, BundleOptions, CheckReport, CompetitionScore, FileCheck, Plausibility, Rules, SplitOptions, SplitReport,
    Verif, bundle_for_codabench, check_attack, check_defense, count_all_paths, export_defense, read_defense, score,
    split, split_for_hosts, split_paths, write_kit,
};
use wfkit_datasets::TraceSet;
use wfkit_datasets::files::is_same_file;
use wfkit_datasets::formats::{Problems, ReadLimits, Source};
use wfkit_defend::{DefenseSpec, ManifestFile};
use wfkit_metrics::{Input, PrivacyReport, StageReport, Utility, UtilityReport};

use super::dataset::choose_copies;
use crate::cli;
use crate::context::{Context, count, count_set};
use crate::input::read_traces;
use wfkit_datasets::digests;

/// What measures the privacy of uploaded files.
const UPLOADED: &str = "uploaded";

pub(crate) fn run(command: &cli::Competition, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Competition::Export { traces, out, copies, rules } => {
            export(traces, out, *copies, &limits_of(rules), context)
        }
        cli::Competition::Split { file, team_id, out, test, classes, kaggle } => {
            split_file(file, *team_id, out, (*test, *classes, *kaggle), context)
        }
        cli::Competition::Bundle { file, codabench: _, out, title, opens, last, ends, test } => {
            bundle(file, out, title, [*opens, *last, *ends], *test, context)
        }
        cli::Competition::Kit { traces, out, test } => kit(traces, out, *test, context),
        cli::Competition::Check { kind, file, verif, undefended, least_share, rules } => {
            let undefended = undefended.as_deref().map(|path| (path, *least_share));
            check(*kind, file, (verif, undefended), &limits_of(rules), context)
        }
        cli::Competition::Score { attack, verif, defence, classes } => {
            score_files(attack, verif, (defence.as_deref(), *classes), context)
        }
        cli::Competition::Server(command) => server::run(command, context),
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
    let privacy = context.trivial(&traces.set)?;
    let mut report = context.stage("competition export", digests(paths)?, Utility::of(&traces.set.volumes()), privacy);
    if shows_some_paths(&traces.set) {
        count_all_paths(&mut report, utility_of_all_paths(paths));
        context.printer.warn(&format!(
            "{}: the file has the paths that the observer sees, so a score of it counts these alone; the utility of all paths is in the report",
            out.display()
        ));
    }
    count_set(&mut report.counts, &traces.set);
    report.dropped = traces.dropped;
    context.finish_and_print(report, Some(out))?;
    verdict(&export.report, rules, context)
}

/// Whether a layer sends over paths that the set does not show.
fn shows_some_paths(set: &TraceSet) -> bool {
    let hides = |layer: &String| layer.parse::<DefenseSpec>().is_ok_and(|spec| spec.hides_paths());
    set.provenance().defenses.iter().any(hides)
}

/// What all paths cost, as the manifest beside a defended file says; not known of several files, and where there is none.
fn utility_of_all_paths(paths: &[PathBuf]) -> Utility {
    let manifest = || -> Option<ManifestFile> {
        let [path] = paths else { return None };
        serde_json::from_str(&std::fs::read_to_string(ManifestFile::beside(path)).ok()?).ok()
    };
    let unknown = "the file has some paths of each load, and no manifest beside it says what all of them cost";
    manifest().and_then(|read| read.utility).unwrap_or_else(|| Utility::unknown(unknown))
}

fn bundle(
    file: &Path,
    out: &Path,
    title: &str,
    days: [jiff::civil::Date; 3],
    test_traces: usize,
    context: &Context<'_>,
) -> Result<()> {
    if !days.is_sorted_by(|before, after| before < after) {
        bail!(
            "--opens, --last and --ends are {}, {} and {}: each must be later than the one before",
            days[0],
            days[1],
            days[2]
        );
    }
    let set = read_defense(file, &ReadLimits::UPLOAD)?;
    let about = BundleOptions { title: title.to_owned(), dates: days.map(|day| day.strftime("%m-%d-%Y").to_string()) };
    let options = SplitOptions { team_id: 1, test_traces, seed: context.seed };
    // The host keeps what the archive was made of.
    let parts = out.with_extension("parts");
    if parts.exists() {
        bail!("{} exists; name another archive with --out", parts.display());
    }
    let made = bundle_for_codabench(&set, &options, &about, &parts, out)?;
    let privacy = context.trivial(&set)?;
    let inputs = digests(&[file.to_owned()])?;
    let mut report = context.stage("competition bundle", inputs, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, &set);
    count(&mut report.counts, "train traces", made.split.train_traces);
    count(&mut report.counts, "test traces of the public half", made.public);
    count(&mut report.counts, "test traces of the private half", made.private);
    context.finish_and_print(report, Some(out))
}

/// Traces that a kit is made from where none are given: real ones, undefended.
const SAMPLE: &[u8] = include_bytes!("../../../competition/kit/sample.csv.zip");

fn kit(paths: &[PathBuf], out: &Path, test: Option<usize>, context: &Context<'_>) -> Result<()> {
    let set = match paths {
        [] => read_defense(Source::bytes("sample.csv.zip", SAMPLE), &ReadLimits::OWN)?,
        paths => read_traces(paths, context)?.set,
    };
    let rules = Rules::fitting(&set);
    let test_traces = test.unwrap_or_else(|| (set.len() * 3 / 10).max(rules.classes));
    let made = write_kit(&set, &rules, &SplitOptions { team_id: 0, test_traces, seed: context.seed }, out)?;
    let privacy = context.trivial(&set)?;
    // The bundled sample is no file of the user's; what was written of it is.
    let inputs = if paths.is_empty() { digests(&[made.data])? } else { digests(paths)? };
    let mut report = context.stage("competition kit", inputs, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, &set);
    count(&mut report.counts, "train traces", made.practice.train_traces);
    count(&mut report.counts, "test traces", made.practice.test_traces);
    context.finish_and_print(report, Some(&out.join("kit")))?;
    context.printer.note(&format!("{}: begin with README.md", out.display()));
    Ok(())
}

fn split_file(
    file: &Path,
    team_id: u32,
    out: &Path,
    (test, classes, kaggle): (usize, Option<u32>, bool),
    context: &Context<'_>,
) -> Result<()> {
    if split_paths(team_id.into(), out).iter().any(|written| is_same_file(written, file)) {
        bail!("{}: it is what is read, and would be lost; name another folder for --out", file.display());
    }
    let set = read_defense(file, &ReadLimits::UPLOAD)?;
    let found = set.classes().len();
    if let Some(asked) = classes.filter(|&asked| asked as usize != found) {
        bail!("{}: it has {found} classes, not {asked}; if that is right, say --classes {found}", file.display());
    }
    let options = SplitOptions { team_id: team_id.into(), test_traces: test, seed: context.seed };
    let done = match kaggle {
        true => split_for_hosts(&set, &options, out)?.split,
        false => split(&set, &options, out)?,
    };
    if done.twins > 0 {
        context.printer.warn(&format!(
            "{} traces have a twin of the same packets; {} of them are test traces with a twin to train on",
            done.twins, done.twins_in_train
        ));
    }
    let inputs = digests(&[file.to_owned()])?;
    let mut report = context.stage("competition split", inputs, Utility::of(&set.volumes()), context.trivial(&set)?);
    count_set(&mut report.counts, &set);
    let SplitReport { train_traces, test_traces, twins, twins_in_train, .. } = done;
    count(&mut report.counts, "train traces", train_traces);
    count(&mut report.counts, "test traces", test_traces);
    count(&mut report.counts, "traces with a twin", twins);
    count(&mut report.counts, "test traces with a twin to train on", twins_in_train);
    context.finish_and_print(report, Some(&out.join(format!("team_{team_id}_split"))))
}

/// What a defence is held against: undefended traffic, and the share of it that a defence carries at least.
type Undefended<'a> = Option<(&'a Path, f64)>;

fn baseline(undefended: Undefended<'_>) -> Result<Option<Baseline>> {
    let Some((path, least_share)) = undefended else { return Ok(None) };
    if !(least_share > 0.0 && least_share <= 1.0) {
        bail!("--least-share {least_share}: a share is above 0 and 1 at most");
    }
    let set = read_defense(path, &ReadLimits::OWN)?;
    match Baseline::of(&set, Plausibility { least_share, ..Plausibility::default() }) {
        Some(baseline) => Ok(Some(baseline)),
        None => bail!("{}: there are no traces in it", path.display()),
    }
}

fn check(
    kind: cli::UploadKind,
    file: &Path,
    (verif, undefended): (&[PathBuf], Undefended<'_>),
    rules: &Rules,
    context: &Context<'_>,
) -> Result<()> {
    let (stage, checked) = match kind {
        cli::UploadKind::Defence => {
            let baseline = baseline(undefended)?;
            ("competition check defence", check_defense(file, rules, &ReadLimits::UPLOAD, baseline.as_ref())?.report)
        }
        cli::UploadKind::Attack if undefended.is_some() => {
            bail!("--undefended is for a defence: an attack has no traffic")
        }
        cli::UploadKind::Attack => {
            ("competition check attack", check_attack(file, &verifs(verif), rules, &ReadLimits::UPLOAD)?.report)
        }
    };
    let others = verif.iter().map(PathBuf::as_path).chain(undefended.map(|(path, _)| path));
    let inputs: Vec<PathBuf> = std::iter::once(file).chain(others).map(Path::to_owned).collect();
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
    verdict(&checked, rules, context)
}

/// Says what is wrong with a file, and fails where it is refused.
fn verdict(checked: &CheckReport, rules: &Rules, context: &Context<'_>) -> Result<()> {
    if !checked.warnings.is_empty() {
        context.printer.warn(&said(&checked.path, &checked.warnings));
    }
    if !checked.accepted {
        bail!("refused: {}{}", said(&checked.path, &checked.problems), checked.other_rules(rules));
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

/// Where a number of classes is asked for, the attack has as many; else its columns declare them.
fn score_files(
    attack: &Path,
    verif: &[PathBuf],
    (defence, classes): (Option<&Path>, Option<u32>),
    context: &Context<'_>,
) -> Result<()> {
    let limits = &ReadLimits::UPLOAD;
    let rules = classes.map(|classes| Rules { classes: classes as usize, ..Rules::default() });
    let FileCheck { report, checked } = check_attack(attack, &verifs(verif), rules.as_ref(), limits)?;
    let Some(checked) = checked else {
        let other_rules = rules.map(|rules| report.other_rules(&rules)).unwrap_or_default();
        bail!("refused: {}{other_rules}", said(&report.path, &report.problems));
    };
    let defended = match defence {
        Some(file) => Some(check_defense(file, None, limits, None)?.accepted()?),
        None => None,
    };
    let scored = score(Some(&checked), defended.as_ref())?;
    let mut files = vec![attack.to_owned()];
    files.extend(verif.iter().cloned());
    files.extend(defence.map(Path::to_owned));
    context.finish_and_print(score_report(&scored, UPLOADED, digests(&files)?, context), None)?;
    context.printer.line("total = utility x attack score; its traps: wfkit competition score --help")
}

/// The stage report of a score.
pub(crate) fn score_report(
    scored: &CompetitionScore,
    attack: &str,
    inputs: Vec<Input>,
    context: &Context<'_>,
) -> StageReport {
    context.report("competition score", inputs, scored.findings(attack))
}
