//! The program, killed at any moment: what was accepted is scored, once.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wfkit_competition::Rules;
use wfkit_platform::game::{Limits, Profile, Round, Settings};
use wfkit_platform::store::paging::Ask;
use wfkit_platform::store::{audit, results, submissions};
use wfkit_platform::{App, Files, World, acts};

use crate::site::{DAY, PASSWORD, RULES, database, options, postgres};
use crate::traffic::{coarse_defence_of, noise, zipped_fast};

/// An answer of the server, or nothing where the connection broke.
fn ask(address: SocketAddr, method: &str, path: &str, token: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

struct Server {
    child: Child,
    address: SocketAddr,
    /// Held open, as whoever reads what a server says would.
    _said: BufReader<ChildStdout>,
}

impl Server {
    /// Returns when it listens, at a port that is free: one that had to be the same could be taken meanwhile.
    fn start(data: &Path, workers: usize) -> Self {
        let log = data.join("server.log");
        // A long storm goes on while the program is built anew.
        let program = std::env::var_os("WFKIT_STORM_PROGRAM");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_wfkit-platform").into());
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--house", "none", "--workers", &workers.to_string(), "--data"])
            .arg(data)
            .envs(postgres(data).map(|address| ("WFKIT_PLATFORM_DATABASE", address)))
            .stdout(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.strip_prefix("http://").and_then(|rest| rest.split(' ').next()?.parse().ok());
        let address = address.unwrap_or_else(|| {
            panic!("the server does not start: {line}{}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        Self { child, address, _said: said }
    }

    /// With signal 9.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The most memory that it has had, in MB, and that a job of it has had which runs now, where the system tells.
    fn memory(&self) -> [u64; 2] {
        let of = |id: &str| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
        };
        let id = self.child.id().to_string();
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().filter_map(Result::ok);
        let jobs = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
        let most = jobs.map(|ids| ids.split_whitespace().map(of).max().unwrap_or(0)).max().unwrap_or(0);
        [of(&id), most]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One process that takes uploads, and others that work.
struct Servers {
    data: PathBuf,
    /// The first has no workers.
    all: Vec<Server>,
    memory: [u64; 2],
    killed: u64,
}

impl Servers {
    const WORKERS: usize = 2;

    fn start(data: &Path) -> Self {
        let all = (0..=Self::WORKERS).map(|number| Server::start(data, number.min(1))).collect();
        Self { data: data.to_owned(), all, memory: [0; 2], killed: 0 }
    }

    fn look(&mut self) {
        for [server, job] in self.all.iter().map(Server::memory) {
            self.memory = [self.memory[0].max(server), self.memory[1].max(job)];
        }
    }

    /// Kills one of them and starts it again.
    fn kill(&mut self, draw: u64) {
        self.look();
        let number = draw as usize % self.all.len();
        self.all[number].kill();
        self.all[number] = Server::start(&self.data, number.min(1));
        self.killed += 1;
    }
}

/// What is uploaded.
#[derive(Clone, Copy)]
struct Load {
    clients: usize,
    /// Of each client.
    uploads: u64,
    classes: u64,
    reps: u64,
    packets: u64,
    test_traces: usize,
    /// As 50 MB travel, and until nothing is left to do, not while uploads arrive alone.
    full: bool,
}

impl Load {
    /// As small as uploads can be.
    fn small(clients: usize, uploads: u64) -> Self {
        Self { clients, uploads, classes: 4, reps: 6, packets: 8, test_traces: 8, full: false }
    }

    fn text(self, client: u64, upload: u64) -> String {
        let steps = if self.full { [50, 10_000] } else { [1, 1] };
        coarse_defence_of(self.classes, self.reps, self.packets, client * 10_000 + upload, 50, steps)
    }

    fn file(self, client: u64, upload: u64) -> Vec<u8> {
        let text = self.text(client, upload);
        if self.full { zipped_fast("defence.csv", text.as_bytes()) } else { text.into_bytes() }
    }
}

/// A folder with one team a client, and a round in its defence phase; the tokens.
async fn prepared(data: &Path, load: Load) -> Vec<String> {
    let store = database(data).await;
    let app = App::new(store, Files::open(data.join("files")).unwrap(), World::system(), options());
    let now = app.world.clock.now();
    let settings = Settings {
        rules: Rules { classes: load.classes as usize, reps_mean: load.reps, ..RULES },
        test_traces: load.test_traces,
        profile: Profile::Balanced,
        limits: Limits { accepted: 5000, total: 5000, window_hours: 24 },
        ..Settings::default()
    };
    let round = Round {
        id: "round".into(),
        number: 1,
        name: "one".into(),
        opens_at: now - 2 * DAY,
        defence_at: now - DAY,
        attack_at: now + DAY,
        closes_at: now + 2 * DAY,
        settings,
        seed: 1,
        settled_at: None,
    };
    acts::save_round(&app, "a test", &round).await.unwrap();
    let mut tokens = Vec::new();
    for client in 0..load.clients {
        let newcomer = acts::Newcomer {
            name: format!("player{client}"),
            email: format!("player{client}@example.org"),
            password: PASSWORD.into(),
            again: PASSWORD.into(),
            code: String::new(),
        };
        let person = acts::register(&app, &newcomer, &format!("address {client}")).await.unwrap();
        acts::create_team(&app, &person, &format!("Team {client}")).await.unwrap();
        tokens.push(acts::new_token(&app, &person, "a test").await.unwrap());
    }
    app.store.close().await;
    tokens
}

/// Uploads of several clients while processes are killed as often as `kills` says, at least and, while they upload, at most.
fn storm(data: &Path, tokens: &[String], load: Load, every: Duration, kills: RangeInclusive<u64>) -> Stormed {
    let mut servers = Servers::start(data);
    let address = Arc::new(Mutex::new(servers.all[0].address));
    let accepted = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..)
        .zip(tokens.iter().cloned())
        .map(|(client, token)| {
            let (address, accepted) = (address.clone(), accepted.clone());
            std::thread::spawn(move || {
                let mut told = Vec::new();
                for upload in 0..load.uploads {
                    let file = load.file(client, upload);
                    std::thread::sleep(Duration::from_millis(20));
                    // As a client that tries again until it hears an answer.
                    loop {
                        let server = *address.lock().unwrap();
                        match ask(server, "POST", "/api/v1/rounds/1/defences", &token, &file) {
                            Some((200 | 201, body)) => {
                                let document: serde_json::Value = serde_json::from_str(&body).unwrap();
                                told.push(document["id"].as_str().unwrap().to_owned());
                                accepted.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                            Some((409 | 413 | 422 | 429, body)) => panic!("{body}"),
                            _ => std::thread::sleep(Duration::from_millis(50)),
                        }
                    }
                }
                told
            })
        })
        .collect();
    let uploading = || clients.iter().any(|client| !client.is_finished());
    while servers.killed < *kills.start() || (servers.killed < *kills.end() && uploading()) {
        // Only when something was done since is the next killed, so that the storm ends on a machine of any speed.
        let before = accepted.load(Ordering::Relaxed);
        while accepted.load(Ordering::Relaxed) == before && uploading() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let draw = noise(1, servers.killed);
        std::thread::sleep(every.mul_f64(draw as f64 / u64::MAX as f64));
        servers.kill(noise(2, servers.killed));
        *address.lock().unwrap() = servers.all[0].address;
    }
    let mut told = BTreeMap::new();
    for client in clients {
        for id in client.join().unwrap() {
            *told.entry(id).or_insert(0) += 1;
        }
    }
    Stormed { told, servers }
}

/// What is left of a storm.
struct Stormed {
    /// How often clients were told of an id.
    told: BTreeMap<String, u64>,
    servers: Servers,
}

/// What a storm was like.
#[derive(Debug)]
struct Measured {
    kills: u64,
    /// From the last upload to the last score.
    waited: Duration,
    /// From the first upload to the last score.
    minutes: f64,
    /// From upload to score.
    median_seconds: f64,
    most_seconds: f64,
    memory_mb: [u64; 2],
}

async fn nothing_is_lost(load: Load, every: Duration, kills: RangeInclusive<u64>) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let tokens = prepared(&data, load).await;
    let Stormed { told, mut servers } = {
        let data = data.clone();
        tokio::task::spawn_blocking(move || storm(&data, &tokens, load, every, kills)).await.unwrap()
    };
    let store = database(&data).await;
    let begun = Instant::now();
    let (mut before, mut moved) = (Vec::new(), Instant::now());
    let (mut killed_at, mut scored_before) = (Instant::now(), 0);
    loop {
        let counts = submissions::counts(&mut store.read().await.unwrap()).await.unwrap();
        if !counts.iter().any(|(state, _)| state == "queued" || state == "running") {
            break;
        }
        if counts != before {
            (before, moved) = (counts.clone(), Instant::now());
        }
        // A lost lease takes 20 s; a slow machine takes longer for the rest, but it gets on.
        if moved.elapsed() > Duration::from_secs(300) {
            let log = std::fs::read_to_string(data.join("server.log")).unwrap_or_default();
            panic!("in limbo for five minutes: {before:?}\n{log}");
        }
        servers.look();
        // As above: only when something was scored since.
        let scored: i64 = counts.iter().filter(|(state, _)| state == "done").map(|(_, count)| count).sum();
        if load.full
            && scored > scored_before
            && killed_at.elapsed() > every.mul_f64(noise(1, servers.killed) as f64 / u64::MAX as f64)
        {
            servers = tokio::task::spawn_blocking(move || {
                servers.kill(noise(2, servers.killed));
                servers
            })
            .await
            .unwrap();
            (killed_at, scored_before) = (Instant::now(), scored);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waited = begun.elapsed();
    let (kills, memory_mb) = (servers.killed, servers.memory);
    drop(servers);
    let mut conn = store.read().await.unwrap();
    let all = submissions::of_round(&mut conn, "round", wfkit_platform::game::Kind::Defence).await.unwrap();
    let expected = load.clients * load.uploads as usize;
    assert!(told.values().all(|&times| times == 1), "an id that was told twice");
    assert_eq!(told.len(), expected);
    assert_eq!(all.len(), expected, "uploads that no client knows of, or lost ones");
    let scores = results::of_round(&mut conn, "round").await.unwrap();
    for submission in &all {
        assert!(told.contains_key(&submission.id));
        assert_eq!(submission.state().name(), "done", "{submission:?}");
        let own = scores.iter().filter(|row| row.submission_id == submission.id).count();
        assert_eq!(own, 6, "two house attackers, three parts");
    }
    let all_of_them = Ask { by: audit::by::AT, descending: false, after: None, limit: 100_000 };
    let log = audit::page(&mut conn, "upload", "", &all_of_them).await.unwrap().rows;
    assert_eq!(log.len(), expected, "the audit log is complete");
    let mut seconds: Vec<f64> =
        all.iter().map(|one| (one.finished_at.unwrap() - one.received_at) as f64 / 1000.0).collect();
    seconds.sort_by(f64::total_cmp);
    let first = all.iter().map(|one| one.received_at).min().unwrap();
    let last = all.iter().filter_map(|one| one.finished_at).max().unwrap();
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share).round() as usize];
    Measured {
        kills,
        waited,
        minutes: (last - first) as f64 / 60_000.0,
        median_seconds: at(0.5),
        most_seconds: at(0.99),
        memory_mb,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_upload_is_scored_once_while_processes_are_killed() {
    let measured = nothing_is_lost(Load::small(4, 10), Duration::from_millis(200), 3..=12).await;
    assert!(measured.kills >= 3, "{measured:?}");
}

/// The long form prints what it measured. `WFKIT_STORM` is how many full uploads of 50 MB each of 20 clients makes; without it they are
/// small, and 25. `WFKIT_STORM_PROGRAM` is another program than the one that was built with the test.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute to a few, by itself: platform/ci runs it with --ignored"]
async fn a_long_storm() {
    let full = std::env::var("WFKIT_STORM").ok().map(|text| text.parse().expect("WFKIT_STORM is a number"));
    let (load, every, kills) = match full {
        None => (Load::small(20, 25), Duration::from_millis(1000), 10..=40),
        Some(uploads) => {
            let load =
                Load { clients: 20, uploads, classes: 100, reps: 32, packets: 700, test_traces: 300, full: true };
            (load, Duration::from_secs(8), 10..=100_000)
        }
    };
    let Measured { kills, waited, minutes, median_seconds, most_seconds, memory_mb } =
        nothing_is_lost(load, every, kills).await;
    let uploads = load.clients as u64 * load.uploads;
    #[allow(clippy::print_stderr, reason = "a measurement")]
    {
        eprintln!(
            "{uploads} uploads of {} clients, {:.1} MB each ({:.1} MB as they travel), on {}: {kills} processes killed, {:.1} uploads a minute, from upload to score \
             {median_seconds:.1} s at the median and {most_seconds:.1} s for 99 %, the last {waited:.1?} after the last upload, \
             {} MB in a server at most, {} MB in a job",
            load.clients,
            load.text(0, 0).len() as f64 / 1e6,
            load.file(0, 0).len() as f64 / 1e6,
            if std::env::var("WFKIT_TEST_POSTGRES").is_ok() { "PostgreSQL" } else { "SQLite" },
            uploads as f64 / minutes,
            memory_mb[0],
            memory_mb[1]
        );
    }
}
