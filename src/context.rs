//! What every command shares: the options, the printer, the clock and the files it reads and writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};
use wfkit_datasets::files::replace_with;
use wfkit_datasets::{
    Described, Findings, Provenance, TraceSet, licence_of, remove_old_croissant, report_path, write_croissant,
    write_traces,
};
use wfkit_evaluate::{PartsSeen, Setting, trivial_privacy, trivial_privacy_of};
use wfkit_metrics::{Input, PrivacyReport, StageReport, Utility, UtilityReport};
use wfkit_report::answer::Answer;
use wfkit_report::text::SheetForm;

use wfkit_terminal::command_line::Options;
use wfkit_terminal::{Printer, Watcher};

use crate::TOOL;

/// Folds of the trivial attack in the report of a stage.
pub(crate) const FOLDS: usize = 5;

/// What every command shares.
pub(crate) struct Context<'a> {
    pub(crate) seed: u64,
    /// What was asked for, for the reports.
    pub(crate) options: Options,
    /// The file that this code came from.
    pub(crate) program: &'a Path,
    pub(crate) printer: &'a Printer,
    /// Whether data sets that are written get a description beside them.
    describes: bool,
    /// Who watches long work.
    pub(crate) watcher: Watcher<'a>,
    /// What was said of the input, for the reports.
    said: Mutex<Vec<String>>,
    /// What was read and says more than what is written: nothing is written over it.
    says_more: Mutex<Vec<PathBuf>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(seed: u64, options: Options, program: &'a Path, printer: &'a Printer) -> Self {
        Self {
            seed,
            options,
            program,
            printer,
            describes: true,
            watcher: Watcher::new(printer),
            said: Mutex::default(),
            says_more: Mutex::default(),
        }
    }

    /// The same, with descriptions beside data sets or without.
    pub(crate) fn describing(self, describes: bool) -> Self {
        Self { describes, ..self }
    }

    /// The same options with a clock that starts now, for one stage of several.
    pub(crate) fn restarted(&self) -> Self {
        Self::new(self.seed, self.options.clone(), self.program, self.printer).describing(self.describes)
    }

    /// What experiments need: the seed, and an observer.
    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting { seed: self.seed, observer: &self.watcher }
    }

    /// Warns of something about the input, which the reports of this command then tell, too.
    pub(crate) fn warn_of_input(&self, message: &str) {
        self.printer.warn(message);
        self.said.lock().expect(UNPOISONED).push(message.to_owned());
    }

    /// That these files were read, and say more than traces do.
    pub(crate) fn say_more(&self, paths: &[PathBuf]) {
        let paths = paths.iter().filter(|path| path.is_file()).filter_map(|path| path.canonicalize().ok());
        self.says_more.lock().expect(UNPOISONED).extend(paths);
    }

    /// Refuses to write over what was read and says more than what would be written.
    pub(crate) fn keep(&self, out: &Path) -> Result<()> {
        let Ok(out) = out.canonicalize() else { return Ok(()) };
        if self.says_more.lock().expect(UNPOISONED).contains(&out) {
            bail!("{}: it is what is read, and would be lost; name another file for --out", out.display());
        }
        Ok(())
    }

    /// Writes traces, not over what says more.
    pub(crate) fn write_traces(&self, out: &Path, set: &TraceSet) -> Result<()> {
        self.keep(out)?;
        Ok(write_traces(out, set)?)
    }

    /// The report of a stage, its counts still to be filled.
    pub(crate) fn stage(
        &self,
        stage: &str,
        inputs: Vec<Input>,
        utility: Utility,
        privacy: PrivacyReport,
    ) -> StageReport {
        StageReport {
            stage: stage.to_owned(),
            tool: TOOL.to_owned(),
            seed: self.seed,
            options: self.options.clone(),
            inputs,
            counts: BTreeMap::new(),
            dropped: BTreeMap::new(),
            problems: self.said.lock().expect(UNPOISONED).clone(),
            utility: UtilityReport::new(utility),
            privacy,
            seconds: 0.0,
        }
    }

    /// What the trivial attack finds in a set.
    pub(crate) fn trivial(&self, set: &TraceSet) -> Result<PrivacyReport> {
        Ok(trivial_privacy(set, FOLDS, self.setting())?)
    }

    /// The same of a set that has gone by in parts.
    pub(crate) fn trivial_of_parts(&self, kept: &mut PartsSeen, provenance: &Provenance) -> Result<PrivacyReport> {
        let some = kept.some(provenance)?;
        Ok(trivial_privacy_of(&some, &kept.drawn, FOLDS, self.setting())?)
    }

    /// The report of a stage that found this.
    pub(crate) fn report(&self, stage: &str, inputs: Vec<Input>, findings: Findings) -> StageReport {
        let (utility, privacy) =
            (Utility::unknown("still to be told"), PrivacyReport::unmeasured("none", "still to be told"));
        let mut report = self.stage(stage, inputs, utility, privacy);
        findings.into_report(&mut report);
        report
    }

    /// Stamps the seconds, and writes the report beside `output`: `traces.parquet` has `traces.report.json`; and what the output is, where it is a
    /// data set.
    pub(crate) fn finish(&self, report: &mut StageReport, output: Option<&Path>) -> Result<()> {
        report.seconds = self.watcher.elapsed().as_secs_f64();
        match output {
            Some(output) => {
                self.describe(output, report)?;
                write(&report_path(output), report.to_json())
            }
            None => Ok(()),
        }
    }

    /// Writes what a data set is beside it. The files of a competition are for who plays, and are described by its rules.
    pub(crate) fn describe(&self, output: &Path, report: &StageReport) -> Result<()> {
        if !self.describes || report.stage.starts_with("competition") {
            return self.remove_old_description(output);
        }
        let n = |name: &str| report.counts.get(name).copied().unwrap_or_default();
        let public = report.utility.extras.get("public_set");
        let of_public = |what: &str| public.and_then(|set| set[what].as_str()).map(str::to_owned);
        let licence = || licence_of(report.inputs.iter().map(|input| Path::new(&input.path)));
        let described = Described {
            traces: n("traces"),
            classes: n("classes"),
            packets: n("packets"),
            licence: of_public("licence").or_else(licence),
            cite_as: of_public("source"),
        };
        match write_croissant(output, &described)? {
            true => Ok(()),
            false => self.remove_old_description(output),
        }
    }

    /// No description says of what is written now what was there before.
    fn remove_old_description(&self, output: &Path) -> Result<()> {
        if let Some(old) = remove_old_croissant(output)? {
            let (old, output) = (old.display(), output.display());
            self.printer.warn(&format!(
                "{old} describes another file than {output} is now, and stays: it is not as wfkit writes it"
            ));
        }
        Ok(())
    }

    /// As [`finish`](Self::finish), then prints the report.
    pub(crate) fn finish_and_print(&self, mut report: StageReport, output: Option<&Path>) -> Result<()> {
        self.finish(&mut report, output)?;
        self.printer.report(&report, output.map(report_path).as_deref())
    }

    /// As [`finish`](Self::finish), then prints the answer, or with `full` the report.
    pub(crate) fn finish_and_answer(
        &self,
        mut report: StageReport,
        output: Option<&Path>,
        answer: fn(&StageReport) -> Answer,
        full: bool,
    ) -> Result<()> {
        self.finish(&mut report, output)?;
        let written = output.map(report_path);
        match full {
            true => self.printer.report(&report, written.as_deref()),
            false => self.printer.answer(&answer(&report), &report, written.as_deref()),
        }
    }
}

const UNPOISONED: &str = "nobody panics while holding it";

/// Adds the numbers of traces, classes and packets of `set`.
pub(crate) fn count_set(counts: &mut BTreeMap<String, u64>, set: &TraceSet) {
    count(counts, "traces", set.len());
    count(counts, "classes", set.classes().len());
    count(counts, "packets", set.packets());
}

/// Sets one number.
pub(crate) fn count(counts: &mut BTreeMap<String, u64>, name: &str, n: usize) {
    counts.insert(name.to_owned(), n as u64);
}

/// Writes a small file of our own, as a whole or not at all.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    replace_with(path, content).with_context(|| format!("{}: cannot write", path.display()))
}

/// Writes a picture that is drawn as SVG: as it is, or as pixels where the name ends in .png.
///
/// # Errors
/// Another ending; see [`drawn_as`].
pub(crate) fn write_picture(path: &Path, svg: &str) -> Result<()> {
    match drawn_as(path)? {
        Drawn::Svg => write(path, svg),
        #[cfg(feature = "png")]
        Drawn::Png => {
            let pixels = wfkit_report::png::png(svg);
            write(path, pixels.map_err(|reason| anyhow::anyhow!("{}: {reason}", path.display()))?)
        }
    }
}

/// Writes a score sheet in the form that the name asks for.
///
/// # Errors
/// Another ending; the command line refuses it before the work begins.
pub(crate) fn write_sheet(path: &Path, sheet: impl FnOnce(SheetForm) -> String) -> Result<()> {
    let form = SheetForm::of(path);
    let form = form.with_context(|| format!("{}: a score sheet is .json or .md", path.display()))?;
    write(path, sheet(form))
}

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawn {
    Svg,
    #[cfg(feature = "png")]
    Png,
}

/// As the ending says; asked before the work begins, so that a wrong name costs nothing.
pub(crate) fn drawn_as(path: &Path) -> Result<Drawn> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(Drawn::Svg),
        #[cfg(feature = "png")]
        Some("png") => Ok(Drawn::Png),
        #[cfg(not(feature = "png"))]
        Some("png") => bail!("{}: this wfkit was built without .png; write an .svg", path.display()),
        _ => bail!("{}: pictures are written as .svg or .png", path.display()),
    }
}

/// Makes the folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot make this folder", folder.display()))
}
