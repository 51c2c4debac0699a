//! The traces of a defence, as a competition takes them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use wfkit_lab::secretstroll::{Defence, Map};
use wfkit_lab::{Circuits, Classes, Journal, NetworkConfig, Plan, enclosure};

use super::collect::{bring_up, make};
use super::wfkit::{call, find_wfkit, import};
use crate::cli::Generate;
use crate::printer;

pub(crate) fn run(options: &Generate, inside: bool) -> anyhow::Result<ExitCode> {
    let plan = plan(options)?;
    let wfkit = find_wfkit(options.wfkit.as_deref())?;
    let set = options.out.join("set");
    if !inside {
        enclosure::seen_from_both(&options.out)?;
        Journal::open(&set, &plan)?;
        return super::as_inside(super::again_inside()?);
    }
    let stop = enclosure::settle()?;
    let network = bring_up(&plan, &set.join("log"), &stop)?;
    let collected = make(&network, &plan, &set, &stop)?;
    drop(network);
    if let Some(query) = collected.given_up.first() {
        let (all, class) = (collected.given_up.len(), &query.class);
        bail!(
            "{all} queries were given up, such as one of class {class}; why is in set/failures.csv: remove it, and the same command tries again"
        );
    }
    let file = |name: &str| options.out.join(name).display().to_string();
    let (traces, defence) = (file("traces.parquet"), file("defence.csv.zip"));
    import(&wfkit, &plan, &set, traces.as_ref())?;
    let (classes, reps) = (options.classes.to_string(), options.reps.to_string());
    let rules = ["--classes", &classes, "--reps", &reps];
    call(&wfkit, &[&["competition", "export", &traces, "--out", &defence, "--quiet"], &rules[..]].concat())?;
    let checked = call(&wfkit, &[&["competition", "check", "defence", &defence], &rules[..]].concat())?;
    printer::line(checked.trim_end());
    printer::line(&format!("the defence file is {defence}"));
    Ok(ExitCode::SUCCESS)
}

/// Everything but the defence is the same for every team.
fn plan(options: &Generate) -> anyhow::Result<Plan> {
    let plan = Plan {
        classes: Classes::First(options.classes),
        reps: options.reps,
        circuits: Circuits::Kept,
        seed: options.seed,
        network: NetworkConfig { clients: options.clients, relays: 8, seed: options.seed, ..NetworkConfig::default() },
        defence: read(&options.defence)?,
        ..Plan::default()
    };
    plan.check()?;
    plan.defence
        .check(Map::synthetic(plan.seed).most_points())
        .with_context(|| options.defence.display().to_string())?;
    Ok(plan)
}

fn read(path: &Path) -> anyhow::Result<Defence> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Defence::parse(&text).with_context(|| path.display().to_string())
}
