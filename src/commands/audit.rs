//! `wfkit dataset audit`: what could be learned without the traffic's content.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_evaluate::{AUDIT_TREES, SetAudit, ShortcutKind, Standing, attack, audit};
use wfkit_metrics::{Interval, PrivacyReport};

use super::dataset::describe;
use crate::context::Context;
use crate::input::read_traces;
use wfkit_report::words::{NARROW, wrapped};

pub(super) fn run(paths: &[PathBuf], name: &str, folds: usize, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let audit = audit(&traces.set, &attack(name)?, folds, context.setting())?;
    let privacy = match &audit.attack {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(name, reason),
    };
    for warning in audit.warnings() {
        context.warn_of_input(&warning);
    }
    let told = audit.report();
    let sentence = told.verdict.clone();
    let mut report = describe("dataset audit", paths, &traces, privacy, context)?;
    report.privacy.extras.set("audit", told);
    context.finish(&mut report, None)?;
    if context.printer.is_json() {
        return context.printer.document(&report);
    }
    for line in wrapped(&sentence, NARROW) {
        context.printer.line(&line)?;
    }
    context.printer.table(["what alone is known", "accuracy", "95 %", "beside chance, attack"], &rows(&audit))?;
    let line = format!(
        "{} traces, {folds} stratified folds, forests of {AUDIT_TREES} trees; more with --format json",
        traces.set.len()
    );
    context.printer.line(&line)
}

fn rows(audit: &SetAudit) -> Vec<[String; 4]> {
    let share = |share: f64| format!("{share:.3}");
    let span = |interval: Interval| format!("{:.3} to {:.3}", interval.low, interval.high);
    let dash = || "-".to_owned();
    let mut rows: Vec<[String; 4]> = Vec::new();
    if let Ok((found, beside)) = &audit.measured {
        let attacked = beside.accuracy.map(|(accuracy, interval)| (share(accuracy), span(interval)));
        let (accuracy, interval) = attacked.unwrap_or((dash(), dash()));
        rows.push([beside.attack.clone(), accuracy, interval, "the attack".to_owned()]);
        rows.push(["nothing".to_owned(), share(beside.chance), dash(), "chance".to_owned()]);
        for (about, heading) in
            [(ShortcutKind::Recording, "of the recording"), (ShortcutKind::Traffic, "of the traffic")]
        {
            rows.push([heading.to_owned(), String::new(), String::new(), String::new()]);
            rows.extend(found.iter().filter(|one| one.about == about).map(|one| {
                let name = format!("  {}", one.name);
                match &one.found {
                    Ok((found, standing)) => {
                        let loud = if one.is_recording_at(Standing::AboveChance) { "! " } else { "" };
                        [name, share(found.accuracy), span(found.interval), format!("{loud}{}", standing.told())]
                    }
                    Err(reason) => [name, dash(), dash(), (*reason).to_owned()],
                }
            }));
        }
    }
    rows.push(["of all traces".to_owned(), "share".to_owned(), String::new(), String::new()]);
    for (name, n, of_all, interval) in audit.twins.shares() {
        rows.push([format!("  {name}"), share(of_all), span(interval), format!("{n} of {}", audit.twins.traces)]);
    }
    rows
}
