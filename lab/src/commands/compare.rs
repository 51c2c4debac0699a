//! A defence on the wire beside its simulation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_lab::secretstroll::Defence;
use wfkit_lab::{Journal, Machines, Plan, Route, Workload, check_for, enclosure};

use super::collect::{bring_up, make};
use super::requests::{self, CELL_DATA, Change, ONE_CELL};
use super::wfkit::{Packets, Scores, Volume, call, evaluate, find_wfkit, import, packets, volumes};
use crate::cli::Compare;
use crate::printer;

/// Draws of a bootstrap.
const DRAWS: usize = 1000;

pub(crate) fn run(options: &Compare, inside: bool) -> anyhow::Result<ExitCode> {
    let live = Plan::read(&options.plan)?;
    let plain = Plan { defence: Defence::default(), maybenot: Machines::default(), ..live.clone() };
    if live.defence == plain.defence && live.maybenot.machines.is_empty() {
        bail!(
            "{}: there is neither a [defence] nor a [maybenot] to compare; add one, such as\n\n[defence]\ndelay = 200",
            options.plan.display()
        );
    }
    if options.simulate.is_none() && likeness(&live) == Likeness::None {
        let asked = "say --simulate SPEC; `wfkit defend list` tells what there is";
        bail!("{}: no simulation is like this defence of its own; {asked}", options.plan.display());
    }
    let wfkit = find_wfkit(options.wfkit.as_deref())?;
    let sets = [("undefended", &plain), ("live", &live)];
    if !inside {
        check_for(&live)?;
        enclosure::seen_from_both(&options.out)?;
        let mut is_left = false;
        for (name, plan) in sets {
            is_left |= Journal::open(&options.out.join(name), plan)?.done() < plan.len();
        }
        // Another simulation of what is recorded already needs no network.
        if is_left {
            return super::as_inside(super::again_inside()?);
        }
    } else {
        record(options, sets)?;
    }
    let traces = |name: &str| options.out.join(format!("{name}.parquet"));
    for (name, plan) in sets {
        import(&wfkit, plan, &options.out.join(name), &traces(name))?;
    }
    let undefended = volumes(&wfkit, &traces("undefended"))?;
    let [from, to] = ["undefended", "simulated"].map(|name| traces(name).display().to_string());
    let seed = live.seed.to_string();
    let spec = match (&options.simulate, likeness(&live)) {
        (None, Likeness::OfRequests(change)) => {
            change_requests(&wfkit, &live, change, &options.out)?;
            change.shown()
        }
        (asked, _) => {
            let of_defence = || simulation(&live, &undefended, requests_of(&options.out).values().sum());
            let spec = asked.clone().unwrap_or_else(of_defence);
            let options = ["--out", &to, "--seed", &seed, "--attack", "totals", "--quiet"];
            call(&wfkit, &[&["defend", &from, "--defence", &spec], &options[..]].concat())?;
            spec
        }
    };
    tell(options, &wfkit, &live, &spec, undefended)?;
    Ok(ExitCode::SUCCESS)
}

fn record(options: &Compare, sets: [(&str, &Plan); 2]) -> anyhow::Result<()> {
    let stop = enclosure::settle()?;
    let network = bring_up(sets[0].1, &options.out.join("log"), &stop)?;
    for (name, plan) in sets {
        printer::note(&format!("{name}: {} queries", plan.len()));
        let collected = make(&network, plan, &options.out.join(name), &stop)?;
        if !collected.given_up.is_empty() {
            bail!(
                "{} queries were given up; why is in {name}/failures.csv: remove it, and the same command tries again",
                collected.given_up.len()
            );
        }
    }
    Ok(())
}

/// Which simulation is like a defence.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Likeness {
    FixedShape,
    /// Machines of Maybenot, in its own simulator.
    Machines,
    /// Single requests are changed, and each has a stream of its own.
    OfRequests(Change),
    /// Requests wait, but which packets they are cannot be told.
    Jitter,
    None,
}

fn likeness(plan: &Plan) -> Likeness {
    let defence = &plan.defence;
    let &Defence { padding, count, delay, .. } = defence;
    let has_streams = plan.workload == Workload::Secretstroll && plan.route == Route::Onion;
    let has_machines = !plan.maybenot.machines.is_empty();
    let of = |padding, count, delay| Defence { padding, count, delay, ..Defence::default() };
    match *defence {
        none if none == Defence::default() && has_machines => Likeness::Machines,
        _ if has_machines => Likeness::None,
        same if same == of(padding, count, 0) && padding > 0 && count > 0 => Likeness::FixedShape,
        same if same == of(0, 0, delay) && delay > 0 && has_streams => {
            Likeness::OfRequests(Change::Wait(f64::from(delay) / 1000.0))
        }
        same if same == of(padding, 0, 0) && padding > 0 && has_streams => Likeness::OfRequests(Change::Fill(padding)),
        same if same == of(0, count, 0) && count > 0 && has_streams => Likeness::OfRequests(Change::Count(count)),
        same if same == of(0, 0, delay) && delay > 0 => Likeness::Jitter,
        _ => Likeness::None,
    }
}

/// As `wfkit defend` takes it. What the defence does not say is measured on the undefended queries: how long a request takes, and
/// what goes up for it.
fn simulation(plan: &Plan, undefended: &[(String, Volume)], requests: f64) -> String {
    let defence = &plan.defence;
    if likeness(plan) == Likeness::Machines {
        return plan.maybenot.simulation(ONE_CELL);
    }
    if likeness(plan) == Likeness::Jitter {
        return format!("jitter:uniform,max={}ms,delays=inferred", defence.delay);
    }
    let sum = |of: fn(&Volume) -> f64| undefended.iter().map(|(_, volume)| of(volume)).sum::<f64>();
    let every = (sum(|volume| volume.seconds) / requests * 1000.0).round();
    let request = (sum(|volume| volume.up) / requests / ONE_CELL).round().max(1.0);
    // A stream is opened and closed by a cell each.
    let response = (f64::from(defence.padding) / CELL_DATA).ceil() + 2.0;
    let rounds = defence.count + 1;
    format!("fixed-shape:largest,rounds={rounds},every={every}ms,request={request},response={response}")
}

/// Requests of the undefended queries, by class and rep.
fn requests_of(out: &Path) -> BTreeMap<(String, u64), f64> {
    let rows = csv::Reader::from_path(out.join("undefended/manifest.csv")).into_iter();
    let rows = rows.flat_map(csv::Reader::into_deserialize::<wfkit_lab::Row>).flatten();
    rows.map(|row| ((row.class, row.rep.into()), f64::from(row.requests))).collect()
}

/// Simulates a change of single requests.
fn change_requests(wfkit: &Path, live: &Plan, change: Change, out: &Path) -> anyhow::Result<()> {
    let traces = packets(wfkit, &out.join("undefended.parquet"))?;
    let requests = requests_of(out);
    let made = |trace: &Packets| requests.get(&(trace.class.clone(), trace.rep)).map_or(0, |made| *made as usize);
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let table = folder.path().join("simulated.csv");
    fs::write(&table, requests::simulated(&traces, made, change, live.seed)).context("a simulation")?;
    let [from, to] = [table, out.join("simulated.parquet")].map(|path| path.display().to_string());
    call(wfkit, &["dataset", "convert", &from, "--out", &to, "--quiet"]).map(|_| ())
}

type Volumes = BTreeMap<String, Volume>;

fn tell(
    options: &Compare,
    wfkit: &Path,
    live: &Plan,
    spec: &str,
    undefended: Vec<(String, Volume)>,
) -> anyhow::Result<()> {
    let traces = |name: &str| options.out.join(format!("{name}.parquet"));
    let undefended: Volumes = undefended.into_iter().collect();
    let by_name = |name: &str| -> anyhow::Result<Volumes> { Ok(volumes(wfkit, &traces(name))?.into_iter().collect()) };
    let (real, simulated) = (by_name("live")?, by_name("simulated")?);
    printer::line(&format!("{} queries; simulated by {spec}", undefended.len()));
    printer::line("");
    printer::line(&format!("{:<12}{:>22}{:>22}{:>22}", "overhead", "down", "up", "time"));
    let mut off = Vec::new();
    for (name, of, than) in
        [("live", &real, &undefended), ("simulated", &simulated, &undefended), ("simulator", &simulated, &real)]
    {
        let more = MEASURES.map(|measure| more(of, than, measure, live.seed));
        let more: Vec<_> =
            more.into_iter().collect::<Option<_>>().with_context(|| format!("{name}: no common query"))?;
        let cells: String = more.iter().map(|more| format!("{:>22}", more.shown())).collect();
        printer::line(&format!("{:<12}{cells}", if name == "simulator" { "off by" } else { name }));
        if name == "simulator" {
            let named = ["down", "up", "time"].into_iter().zip(more);
            off.extend(named.filter(|(_, more)| more.tells()).map(|(what, _)| what.to_owned()));
        }
    }
    printer::line("");
    let mut chance = 0.0;
    printer::line(&format!("{:<12}{:>22}{:>22}{:>22}", "accuracy", "undefended", "live", "simulated"));
    for attack in &options.attacks {
        let mut found = Vec::new();
        for name in ["undefended", "live", "simulated"] {
            found.push(evaluate(wfkit, &traces(name), attack, options.folds, live.seed)?);
        }
        chance = found[0].chance;
        let shown =
            |Scores { accuracy, interval: [low, high], .. }: &Scores| format!("{accuracy:.2} [{low:.2}, {high:.2}]");
        let cells: String = found.iter().map(|scores| format!("{:>22}", shown(scores))).collect();
        printer::line(&format!("{attack:<12}{cells}"));
        let [a, b] = [&found[1], &found[2]].map(|scores| scores.interval);
        if a[1] < b[0] || b[1] < a[0] {
            off.push(format!("what {attack} finds"));
        }
    }
    printer::line(&format!("chance is {chance:.2}; intervals are 95 %"));
    printer::line(&match &off[..] {
        [] => "the simulator is off in nothing that these queries can show".to_owned(),
        off => format!("the simulator is off in: {}", off.join(", ")),
    });
    Ok(())
}

const MEASURES: [fn(&Volume) -> f64; 3] = [|volume| volume.down, |volume| volume.up, |volume| volume.seconds];

/// How much more one is than another, as a share, with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct More {
    value: f64,
    interval: [f64; 2],
}

impl More {
    fn shown(&self) -> String {
        let percent = |share: f64| match (100.0 * share).round() {
            0.0 => "0".to_owned(),
            rounded => format!("{rounded:+}"),
        };
        format!("{} [{}, {}] %", percent(self.value), percent(self.interval[0]), percent(self.interval[1]))
    }

    /// Whether there is a difference, of more than half a percent.
    fn tells(&self) -> bool {
        let [low, high] = self.interval;
        !(low..=high).contains(&0.0) && self.value.abs() > 0.005
    }
}

/// Means over the queries that both have; whole queries are drawn again and again.
fn more(of: &Volumes, than: &Volumes, measure: fn(&Volume) -> f64, seed: u64) -> Option<More> {
    let pairs: Vec<(f64, f64)> =
        of.iter().filter_map(|(name, volume)| Some((measure(volume), measure(than.get(name)?)))).collect();
    let ratio = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        let (of, than) = pairs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        of / than - 1.0
    };
    let value = ratio(&mut pairs.iter().copied());
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|_| ratio(&mut (0..pairs.len()).map(|_| pairs[randomness.random_range(0..pairs.len())])))
        .collect();
    draws.sort_by(f64::total_cmp);
    value.is_finite().then(|| More { value, interval: [draws[DRAWS / 40], draws[DRAWS - 1 - DRAWS / 40]] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: impl IntoIterator<Item = f64>) -> Volumes {
        let volume = |down| Volume { down, up: 536.0, seconds: 2.0 };
        values.into_iter().zip(0..).map(|(down, at)| (format!("{at:03}"), volume(down))).collect()
    }

    #[test]
    fn overheads_are_of_means_of_the_same_queries() {
        let plain = all((0..50).map(|at| 1000.0 + f64::from(at)));
        let double = all((0..60).map(|at| 2.0 * (1000.0 + f64::from(at))));
        let twice = more(&double, &plain, MEASURES[0], 1).unwrap();
        assert!((twice.value - 1.0).abs() < 1e-9 && twice.tells(), "{twice:?}");
        assert_eq!(twice.shown(), "+100 [+100, +100] %");
        let noisy = all((0..50).map(|at| if at % 2 == 0 { 500.0 } else { 1700.0 }));
        let noisy = more(&noisy, &plain, MEASURES[0], 1).unwrap();
        assert!(!noisy.tells() && noisy.interval[0] < -0.05 && noisy.interval[1] > 0.05, "{noisy:?}");
        let nearly = more(&all((0..50).map(|at| 1001.0 + f64::from(at))), &plain, MEASURES[0], 1).unwrap();
        assert!(nearly.interval[0] > 0.0 && !nearly.tells(), "{nearly:?}");
        assert_eq!(nearly.shown(), "0 [0, 0] %");
        assert_eq!(more(&all([]), &plain, MEASURES[0], 1), None);
    }

    #[test]
    fn a_fixed_shape_has_as_many_rounds_as_requests_and_what_answers_take() {
        let undefended: Vec<_> = all([1000.0; 4]).into_iter().collect();
        let defence = Defence { padding: 4980, count: 18, ..Defence::default() };
        let spec = "fixed-shape:largest,rounds=19,every=1000ms,request=1,response=12";
        let of = |defence| Plan { defence, ..Plan::default() };
        assert_eq!(simulation(&of(defence), &undefended, 8.0), spec);
        let delay = Defence { delay: 200, ..Defence::default() };
        assert_eq!(likeness(&of(delay)), Likeness::OfRequests(Change::Wait(0.2)));
        let (padding, count) =
            (Defence { padding: 9, ..Defence::default() }, Defence { count: 18, ..Defence::default() });
        assert_eq!(likeness(&of(padding)), Likeness::OfRequests(Change::Fill(9)));
        assert_eq!(likeness(&of(count)), Likeness::OfRequests(Change::Count(18)));
        let direct = Plan { route: Route::Direct, ..of(delay) };
        assert_eq!(simulation(&direct, &undefended, 8.0), "jitter:uniform,max=200ms,delays=inferred");
        assert_eq!(likeness(&Plan { route: Route::Direct, ..of(count) }), Likeness::None);
        assert_eq!(likeness(&of(Defence { batch: true, ..delay })), Likeness::None);
        let maybenot = Machines { machines: vec!["02eA+".to_owned()], ..Machines::default() };
        let machines = Plan { maybenot, ..Plan::default() };
        assert_eq!(simulation(&machines, &undefended, 8.0), "maybenot:machines,client=02eA-,size=536B");
        assert_eq!(likeness(&Plan { defence: delay, ..machines }), Likeness::None);
    }
}
