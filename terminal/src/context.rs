//! What every command of a program shares: what was asked for, the printer, the clock, and what its reports have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Result, bail};
use serde::Serialize;
use wfkit_datasets::{Described, Findings, TraceSet, remove_old_croissant, report_path, write_croissant, write_traces};
use wfkit_metrics::{Input, PrivacyReport, Setting, StageReport, Utility, UtilityReport};
use wfkit_report::answer::Answer;
use wfkit_report::lines::Text;

use crate::command_line::Options;
use crate::outputs::write;
use crate::{Printer, Watcher};

/// Which program it is.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Its name and version, as reports tell them.
    pub tool: &'static str,
    /// The file that its code came from.
    pub file: &'a Path,
}

/// What every command of a program shares.
#[derive(Debug)]
pub struct Context<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// What was asked for, for the reports.
    pub options: Options,
    /// Which program this is.
    pub program: Program<'a>,
    /// Where results and messages go.
    pub printer: &'a Printer,
    /// Who watches long work.
    pub watcher: Watcher<'a>,
    /// Whether data sets that are written get a description beside them.
    describes: bool,
    /// What was said of the input, for the reports.
    said: Mutex<Vec<String>>,
    /// What was read and says more than what is written: nothing is written over it.
    says_more: Mutex<Vec<PathBuf>>,
}

impl<'a> Context<'a> {
    /// Of one command, with a clock that starts now; data sets that it writes get descriptions beside them.
    pub fn new(seed: u64, options: Options, program: Program<'a>, printer: &'a Printer) -> Self {
        Self {
            seed,
            options,
            program,
            printer,
            watcher: Watcher::new(printer),
            describes: true,
            said: Mutex::default(),
            says_more: Mutex::default(),
        }
    }

    /// The same, with descriptions beside data sets or without.
    pub fn describing(self, describes: bool) -> Self {
        Self { describes, ..self }
    }

    /// The same options with a clock that starts now, for one stage of several.
    pub fn restarted(&self) -> Self {
        Self::new(self.seed, self.options.clone(), self.program, self.printer).describing(self.describes)
    }

    /// What work needs besides its data: the seed, and an observer.
    pub fn setting(&self) -> Setting<'_> {
        Setting { seed: self.seed, observer: &self.watcher }
    }

    /// Warns of something about the input, which the reports of this command then tell, too.
    pub fn warn_of_input(&self, message: &str) {
        self.printer.warn(message);
        self.said.lock().expect(UNPOISONED).push(message.to_owned());
    }

    /// That these files were read, and say more than traces do.
    pub fn say_more(&self, paths: &[PathBuf]) {
        let paths = paths.iter().filter(|path| path.is_file()).filter_map(|path| path.canonicalize().ok());
        self.says_more.lock().expect(UNPOISONED).extend(paths);
    }

    /// Refuses to write over what was read and says more than what would be written.
    ///
    /// # Errors
    /// That it would be.
    pub fn keep(&self, out: &Path) -> Result<()> {
        let Ok(out) = out.canonicalize() else { return Ok(()) };
        if self.says_more.lock().expect(UNPOISONED).contains(&out) {
            bail!("{}: it is what is read, and would be lost; name another file for --out", out.display());
        }
        Ok(())
    }

    /// Writes traces, not over what says more.
    ///
    /// # Errors
    /// As [`keep`](Self::keep) and [`write_traces`].
    pub fn write_traces(&self, out: &Path, set: &TraceSet) -> Result<()> {
        self.keep(out)?;
        Ok(write_traces(out, set)?)
    }

    /// The report of a stage, its counts still to be filled.
    pub fn stage(&self, stage: &str, inputs: Vec<Input>, utility: Utility, privacy: PrivacyReport) -> StageReport {
        StageReport {
            stage: stage.to_owned(),
            tool: self.program.tool.to_owned(),
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

    /// The report of a stage that found this.
    pub fn report(&self, stage: &str, inputs: Vec<Input>, findings: Findings) -> StageReport {
        let unknown = "still to be told";
        let privacy = PrivacyReport::unmeasured("none", unknown);
        let mut report = self.stage(stage, inputs, Utility::unknown(unknown), privacy);
        findings.into_report(&mut report);
        report
    }

    /// Stamps the seconds, and writes the report beside `output`: `traces.parquet` has `traces.report.json`; and what the output is, where it is a
    /// data set.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish(&self, report: &mut StageReport, output: Option<&Path>) -> Result<()> {
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
    ///
    /// # Errors
    /// What the system refuses.
    pub fn describe(&self, output: &Path, report: &StageReport) -> Result<()> {
        let is_described = self.describes && !report.stage.starts_with("competition");
        if is_described && write_croissant(output, &Described::of(report))? {
            return Ok(());
        }
        // No description says of what is written now what was there before.
        if let Some(old) = remove_old_croissant(output)? {
            let (old, output) = (old.display(), output.display());
            self.printer.warn(&format!(
                "{old} describes another file than {output} is now, and stays: it is not as wfkit writes it"
            ));
        }
        Ok(())
    }

    /// What a stage found that has no report: one JSON document with the names of stage and program where that is asked for, else what it says in words.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn shown<T: Serialize>(&self, stage: &str, found: &T, text: impl FnOnce() -> Text) -> Result<()> {
        self.printer.shown(&Named { stage, tool: self.program.tool, found }, text)
    }

    /// As [`finish`](Self::finish), then prints the report.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish_and_print(&self, mut report: StageReport, output: Option<&Path>) -> Result<()> {
        self.finish(&mut report, output)?;
        self.printer.report(&report, output.map(report_path).as_deref())
    }

    /// As [`finish`](Self::finish), then prints the answer, or with `full` the report.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish_and_answer(
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

/// What was found, by what.
#[derive(Serialize)]
struct Named<'a, T> {
    stage: &'a str,
    tool: &'a str,
    #[serde(flatten)]
    found: &'a T,
}

const UNPOISONED: &str = "nobody panics while holding it";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    #[test]
    fn a_report_stands_beside_its_output_with_what_was_said_of_the_input() {
        let (folder, printer) = (tempfile::tempdir().unwrap(), Printer::new(Format::Text, true));
        let program = Program { tool: "x 1.0", file: Path::new("x") };
        let context = Context::new(7, Options::new(), program, &printer);
        context.warn_of_input("it is odd");
        let mut findings = Findings::new(Utility::unknown("why"), PrivacyReport::unmeasured("none", "why"));
        findings.count("traces", 3).problems.push("it is wrong".to_owned());
        let out = folder.path().join("a.npz");
        context.finish(&mut context.report("stage", Vec::new(), findings), Some(&out)).unwrap();
        let report: StageReport = serde_json::from_slice(&std::fs::read(report_path(&out)).unwrap()).unwrap();
        assert_eq!((report.tool.as_str(), report.seed, report.counts["traces"]), ("x 1.0", 7, 3));
        assert_eq!(report.problems, ["it is odd", "it is wrong"]);
    }

    #[test]
    fn what_says_more_is_not_written_over() {
        let (folder, printer) = (tempfile::tempdir().unwrap(), Printer::new(Format::Text, true));
        let context = Context::new(7, Options::new(), Program { tool: "x", file: Path::new("x") }, &printer);
        let [read, other] = ["read", "other"].map(|name| folder.path().join(name));
        std::fs::write(&read, "").unwrap();
        context.say_more(std::slice::from_ref(&read));
        assert!(context.keep(&read).unwrap_err().to_string().contains("would be lost"));
        context.keep(&other).unwrap();
    }
}
