//! From nothing to an attacked set, undefended and defended.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use serde_json::Value;
use wfkit_lab::secretstroll::{Defence, Map};
use wfkit_lab::{Classes, NetworkConfig, Plan, enclosure};

use super::collect::{bring_up, make};
use super::wfkit::{evaluate, find_wfkit, import, number};
use crate::cli::Demo;
use crate::printer;

/// What wfkit attacks with: quick, and good where there is something to find.
const ATTACKS: [&str; 2] = ["totals", "kfp"];

pub(crate) fn run(demo: &Demo, inside: bool) -> anyhow::Result<ExitCode> {
    let plans = plans(demo);
    for (_, plan) in &plans {
        plan.check()?;
    }
    let wfkit = find_wfkit(demo.wfkit.as_deref())?;
    if !inside {
        enclosure::seen_from_both(&demo.out)?;
        if demo.out.exists() {
            bail!("{} is there already; take another --out", demo.out.display());
        }
        return super::as_inside(super::again_inside()?);
    }
    let stop = enclosure::settle()?;
    let started = Instant::now();
    let network = bring_up(&plans[0].1, &demo.out.join("log"), &stop)?;
    for (name, plan) in &plans {
        printer::note(&format!("{name}: {} queries", plan.len()));
        let collected = make(&network, plan, &demo.out.join(name), &stop)?;
        if !collected.given_up.is_empty() {
            bail!("{} queries were given up; why is in {name}/failures.csv", collected.given_up.len());
        }
    }
    // Attacks have the processors to themselves.
    drop(network);
    let chance = 1.0 / f64::from(demo.classes);
    printer::line(&format!(
        "{:<12} {:>10} {:>10} {:>8}   accuracy of {} (chance {chance:.3})",
        "",
        "kB down",
        "kB up",
        "seconds",
        ATTACKS.join(" and ")
    ));
    let mut best = Vec::new();
    for (name, plan) in &plans {
        let row = attack(&wfkit, demo, name, plan)?;
        printer::line(&format!(
            "{name:<12} {:>10.1} {:>10.1} {:>8.2}   {}",
            row.down / 1000.0,
            row.up / 1000.0,
            row.seconds,
            row.accuracies.map(|accuracy| format!("{accuracy:.3}")).join(" and ")
        ));
        best.push(row.accuracies.into_iter().fold(0.0, f64::max));
    }
    printer::line(&format!(
        "made, recorded and attacked in {:.0} s; everything is in {}",
        started.elapsed().as_secs_f64(),
        demo.out.display()
    ));
    if demo.check && (best[0] < 3.0 * chance || best[1] > 2.0 * chance) {
        bail!(
            "without the defence {:.3} should be at least {:.3}, and under it {:.3} at most {:.3}",
            best[0],
            3.0 * chance,
            best[1],
            2.0 * chance
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The same queries of the same map, and under a fixed shape: always as many requests, all answers of one length.
fn plans(demo: &Demo) -> [(&'static str, Plan); 2] {
    let map = Map::synthetic(demo.seed);
    let plain = Plan {
        classes: Classes::First(demo.classes),
        reps: demo.reps,
        seed: demo.seed,
        network: NetworkConfig { clients: 4, seed: demo.seed, ..NetworkConfig::default() },
        ..Plan::default()
    };
    let fixed = Defence { padding: 65_536, count: map.most_points() as u32, ..Defence::default() };
    [("undefended", plain.clone()), ("fixed-shape", Plan { defence: fixed, ..plain })]
}

struct Row {
    down: f64,
    up: f64,
    seconds: f64,
    accuracies: [f64; 2],
}

fn attack(wfkit: &Path, demo: &Demo, name: &str, plan: &Plan) -> anyhow::Result<Row> {
    let traces = demo.out.join(format!("{name}.parquet"));
    import(wfkit, plan, &demo.out.join(name), &traces)?;
    let mut accuracies = [0.0; 2];
    let mut utility = Value::Null;
    for (accuracy, attack) in accuracies.iter_mut().zip(ATTACKS) {
        let scores = evaluate(wfkit, &traces, attack, demo.reps.min(8), demo.seed)?;
        (*accuracy, utility) = (scores.accuracy, scores.utility);
    }
    let of = |key| number(&utility, key);
    Ok(Row { down: of("median_in_bytes")?, up: of("median_out_bytes")?, seconds: of("median_seconds")?, accuracies })
}
