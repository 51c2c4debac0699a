//! What this machine has and lacks.

use std::process::ExitCode;

use wfkit_lab::{Finding, check_inside, check_programs, enclosure};

use crate::printer;

pub(crate) fn run(inside: bool) -> anyhow::Result<ExitCode> {
    if inside {
        enclosure::settle()?;
        return Ok(tell(&check_inside()));
    }
    let programs = tell(&check_programs());
    let within = match super::again_inside() {
        Ok(enclosure) => super::as_inside(enclosure)?,
        Err(error) => {
            printer::line(&format!("lacks  namespaces: {error:#}"));
            ExitCode::FAILURE
        }
    };
    Ok(if programs == ExitCode::SUCCESS { within } else { ExitCode::FAILURE })
}

fn tell(findings: &[Finding]) -> ExitCode {
    for Finding { what, found, mend, only_for } in findings {
        let only_for = only_for.map_or(String::new(), |what| format!(" (only for {what})"));
        printer::line(&match found {
            Ok(found) => format!("has    {what}: {found}"),
            Err(problem) => format!("lacks  {what}{only_for}: {problem}\n       {mend}"),
        });
    }
    let is_enough = findings.iter().all(|finding| finding.found.is_ok() || finding.only_for.is_some());
    if is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
