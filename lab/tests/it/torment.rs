//! Sets that are recorded while relays, clients, the service and the collector itself are killed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::process::{Pid, Signal, kill_process};
use wfkit_lab::secretstroll::Map;
use wfkit_lab::{NetworkConfig, Node, Row};

use crate::collect::{look_at, pair_in, rows, said, start};
use crate::program::{can_run, lab, processes_that_mention, text};

/// No test depends on how fast the machine is; this ends one that would never end.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);

/// Cells that move 130, 211, 340, 549 and 868 kB: whatever is labelled wrong is seen by its bytes.
const CLASSES: [u32; 5] = [71, 20, 96, 32, 31];

struct Torment {
    reps: u32,
    sessions: u32,
    clients: u16,
    relays: u16,
    /// When the collector is killed: after so many more rows than before, then so many ms.
    ends: Vec<(usize, u64)>,
    /// A daemon is killed about every so many rows.
    rows_a_death: usize,
    seed: u64,
}

impl Torment {
    fn queries(&self) -> usize {
        CLASSES.len() * (self.reps * self.sessions) as usize
    }

    fn plan(&self) -> String {
        let Self { reps, sessions, clients, relays, .. } = self;
        format!(
            "classes = {CLASSES:?}\nreps = {reps}\nsessions = {sessions}\nseed = {MAP}\nnetwork.clients = {clients}\nnetwork.relays = {relays}\n"
        )
    }

    fn config(&self) -> NetworkConfig {
        NetworkConfig { clients: self.clients, relays: self.relays, ..NetworkConfig::default() }
    }

    /// Records the set in a folder, and looks at all of it.
    fn run(&self, folder: &Path) -> String {
        let set = folder.join("set");
        fs::write(folder.join("plan.toml"), self.plan()).unwrap();
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let (started, mut deaths, mut ends) = (Instant::now(), 0, 0);
        for &(more, ms) in &self.ends {
            let mut collector = start(folder);
            let before = rows(&set);
            let is_there = || rows(&set).len() >= before.len() + more;
            if self.harass(folder, &mut collector, &is_there, &mut randomness, &mut deaths) {
                sleep(Duration::from_millis(ms));
                // From outside or from inside, by turns.
                let victim =
                    if ends % 2 == 0 { collector.id() } else { inner(collector.id()).unwrap_or(collector.id()) };
                let _ = kill_process(Pid::from_raw(victim as i32).unwrap(), Signal::KILL);
                ends += 1;
            }
            collector.wait().unwrap();
            let after = rows(&set);
            assert_eq!(after[..before.len()], before, "what was there stays");
        }
        let mut collector = start(folder);
        self.harass(folder, &mut collector, &|| false, &mut randomness, &mut deaths);
        let status = collector.wait().unwrap();
        let failures = fs::read_to_string(set.join("failures.csv")).unwrap();
        assert!(status.success(), "{status}\n{}\n{failures}", said(folder));
        self.look(folder, &failures);
        let tries = failures.lines().count() - 1;
        let seconds = started.elapsed().as_secs();
        format!(
            "{} queries, {ends} ends of the collector, {deaths} deaths of daemons, {tries} failed tries, {seconds} s",
            self.queries()
        )
    }

    /// Kills daemons now and then until `is_over` (true) or the collector ends (false).
    fn harass(
        &self,
        folder: &Path,
        collector: &mut Child,
        is_over: &dyn Fn() -> bool,
        randomness: &mut Xoshiro256PlusPlus,
        deaths: &mut usize,
    ) -> bool {
        let started = Instant::now();
        let mut victims: Vec<String> = (0..self.relays).map(|at| format!("relay{at}")).collect();
        victims.extend((0..self.clients).map(|at| format!("client{at}")));
        victims.extend(["exit0", "service0"].map(str::to_owned));
        let set = folder.join("set");
        let next = |randomness: &mut Xoshiro256PlusPlus| randomness.random_range(1..2 * self.rows_a_death);
        let mut death = rows(&set).len() + next(randomness);
        loop {
            if collector.try_wait().unwrap().is_some() {
                return false;
            }
            if is_over() {
                return true;
            }
            assert!(started.elapsed() < PATIENCE, "{} rows:\n{}", rows(&set).len(), said(folder));
            let count = rows(&set).len();
            if count >= death {
                death = count + next(randomness);
                sleep(Duration::from_millis(randomness.random_range(0..2000)));
                *deaths += usize::from(kill_daemon(folder, victims.choose(randomness).unwrap()));
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Every query is there, once, and is what its label says.
    fn look(&self, folder: &Path, failures: &str) {
        let set = folder.join("set");
        let rows = rows(&set);
        let queries: BTreeSet<_> = rows.iter().map(|row| (row.class.clone(), row.rep, row.session.clone())).collect();
        let all = CLASSES.iter().flat_map(|class| {
            (0..self.reps * self.sessions).map(|rep| (class.to_string(), rep, format!("s{}", rep / self.reps)))
        });
        assert_eq!((&queries, rows.len()), (&all.collect(), self.queries()));
        let captures: BTreeSet<PathBuf> = rows.iter().map(|row| set.join(&row.path)).collect();
        let sessions = fs::read_dir(set.join("captures")).unwrap().map(|session| session.unwrap().path());
        let files = sessions.flat_map(|session| fs::read_dir(session).unwrap().map(|file| file.unwrap().path()));
        assert_eq!(files.collect::<BTreeSet<_>>(), captures, "captures and rows are the same");

        let nodes = self.config().nodes().unwrap();
        let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
        let map = Map::synthetic(MAP);
        for row in &rows {
            assert!(row.guard.starts_with("relay"), "{row:?}");
            let (client, guard) = (address(&row.client), address(&row.guard));
            look_at(&set.join(&row.path), row, client, guard, 9001);
            assert!(row.circuit_seconds >= row.seconds, "one circuit, all the while: {row:?}");
            let points = map.cell(row.class.parse().unwrap());
            assert_eq!(row.requests as usize, 1 + points.len(), "{row:?}");
            let ratings: usize = points.iter().map(|&point| map.poi(point).unwrap().poi_ratings.len()).sum();
            // As in the map: what answers of these points move over the link.
            let expected = 3.4e3 + 3.0e3 * points.len() as f64 + 1.074 * 7.0 * ratings as f64;
            let (_, _, payload) = pair_in(&set.join(&row.path), client, guard, 9001);
            assert!(
                (0.93 * expected..1.1 * expected + 30e3).contains(&(payload as f64)),
                "{payload} for {expected}: {row:?}"
            );
            let own = format!("{},{},{},", row.class, row.rep, row.session);
            let failed = failures.lines().filter(|line| line.starts_with(&own)).count();
            assert_eq!(row.tries as usize, 1 + failed, "no failed try is silent: {row:?}");
        }
        // A client makes one query after the other.
        for client in (0..self.clients).map(|at| format!("client{at}")) {
            let mut times: Vec<_> = rows.iter().filter(|row| row.client == client).map(during).collect();
            times.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(times.windows(2).all(|two| two[0].1 <= two[1].0 + 0.01), "{client}: {times:?}");
        }
        let plan = folder.join("plan.toml");
        let again = lab(folder, &["collect", plan.to_str().unwrap(), "--out", set.to_str().unwrap()]);
        assert!(text(&again).contains(&format!("all {} queries are recorded", self.queries())), "{}", text(&again));
    }
}

/// From when to when, in s.
fn during(row: &Row) -> (f64, f64) {
    let start = row.start_ns as f64 / 1e9;
    (start, start + row.seconds)
}

/// Whether there was such a daemon: it may be about to start again.
fn kill_daemon(folder: &Path, name: &str) -> bool {
    let torrc = format!("/{name}/torrc");
    let is_victim = |process: &PathBuf| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&torrc)
    };
    let Some(victim) = processes_that_mention(folder).into_iter().find(is_victim) else { return false };
    let pid = victim.file_name().unwrap().to_str().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).is_ok()
}

/// The process inside, once it is there.
fn inner(outer: u32) -> Option<u32> {
    let is_child = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.split_whitespace().eq(["PPid:", &outer.to_string()]))
    };
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(is_child)
}

/// Seed of the map.
const MAP: u64 = 5;

#[test]
fn whatever_is_killed_the_set_is_complete_and_every_packet_is_of_client_and_guard() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Before there is a network, then between two queries or in the midst of one.
    let ends = vec![(0, 4000), (4, 700)];
    Torment { reps: 2, sessions: 2, clients: 3, relays: 4, ends, rows_a_death: 3, seed: 1 }.run(folder.path());
}

/// Takes about a quarter of an hour, and says what was killed.
///
/// cargo test --release -p wfkit-lab --test it -- --ignored --nocapture two_hundred
#[test]
#[ignore = "a quarter of an hour, by itself; the test above does the same to fewer queries wherever the tests run"]
fn two_hundred_queries_survive_whatever_is_killed() {
    if !can_run() {
        return;
    }
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    let ends = (0..6).map(|at| (at % 3 * randomness.random_range(1..20), randomness.random_range(0..20_000)));
    let folder = tempfile::tempdir().unwrap();
    let torment = Torment { reps: 10, sessions: 4, clients: 6, relays: 6, ends: ends.collect(), rows_a_death: 5, seed };
    let mut said = torment.run(folder.path());
    let _ = writeln!(said);
    let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
}
