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
    for Finding { what, found, mend } in findings {
        printer::line(&match found {
            Ok(found) => format!("has    {what}: {found}"),
            Err(problem) => format!("lacks  {what}: {problem}\n       {mend}"),
        });
    }
    if findings.iter().all(|finding| finding.found.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
