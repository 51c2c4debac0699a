//! The program, killed at any moment: what was accepted is scored, once.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wfkit_platform::game::{Limits, Profile, Round, Settings};
use wfkit_platform::store::{audit, results, submissions};
use wfkit_platform::{App, Files, Store, World, acts};

use crate::site::{DAY, PASSWORD, RULES, options};
use crate::traffic::{defence_of, noise};

/// An answer of the server, or nothing where the connection broke.
fn ask(address: SocketAddr, method: &str, path: &str, token: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
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
    fn start(data: &Path) -> Self {
        let log = data.join("server.log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_wfkit-platform"))
            .args(["serve", "--listen", "127.0.0.1:0", "--workers", "2", "--data"])
            .arg(data)
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
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with one team a client, and a round in its defence phase; the tokens.
async fn prepared(data: &Path, clients: usize) -> Vec<String> {
    let store = Store::open(&data.join("platform.sqlite")).await.unwrap();
    let app = App::new(store, Files::open(data.join("files")).unwrap(), World::system(), options());
    let now = app.world.clock.now();
    let settings = Settings {
        rules: RULES,
        test_traces: 8,
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
    for client in 0..clients {
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

/// Uploads of several clients while the server is killed as often as `kills` says, at least and, while they upload, at most.
fn storm(data: &Path, tokens: &[String], uploads: u64, every: Duration, kills: RangeInclusive<u64>) -> Stormed {
    let mut server = Server::start(data);
    let address = Arc::new(Mutex::new(server.address));
    let accepted = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..)
        .zip(tokens.iter().cloned())
        .map(|(client, token)| {
            let (address, accepted) = (address.clone(), accepted.clone());
            std::thread::spawn(move || {
                let mut told = Vec::new();
                for upload in 0..uploads {
                    let text = defence_of(4, 6, client * 10_000 + upload, 50);
                    std::thread::sleep(Duration::from_millis(20));
                    // As a client that tries again until it hears an answer.
                    loop {
                        let server = *address.lock().unwrap();
                        match ask(server, "POST", "/api/v1/rounds/1/defences", &token, text.as_bytes()) {
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
    let mut killed = 0;
    while killed < *kills.start() || (killed < *kills.end() && uploading()) {
        // Only a server that did something is killed, so that the storm ends on a machine of any speed.
        let before = accepted.load(Ordering::Relaxed);
        while accepted.load(Ordering::Relaxed) == before && uploading() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(every.mul_f64(noise(1, killed) as f64 / u64::MAX as f64));
        server.kill();
        killed += 1;
        server = Server::start(data);
        *address.lock().unwrap() = server.address;
    }
    let mut told = BTreeMap::new();
    for client in clients {
        for id in client.join().unwrap() {
            *told.entry(id).or_insert(0) += 1;
        }
    }
    Stormed { told, server, killed }
}

/// What is left of a storm.
struct Stormed {
    /// How often clients were told of an id.
    told: BTreeMap<String, u64>,
    server: Server,
    killed: u64,
}

async fn nothing_is_lost(clients: usize, uploads: u64, every: Duration, kills: RangeInclusive<u64>) -> (u64, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let tokens = prepared(&data, clients).await;
    let Stormed { told, server, killed } = {
        let data = data.clone();
        tokio::task::spawn_blocking(move || storm(&data, &tokens, uploads, every, kills)).await.unwrap()
    };
    let store = Store::open(&data.join("platform.sqlite")).await.unwrap();
    let begun = Instant::now();
    let (mut before, mut moved) = (Vec::new(), Instant::now());
    loop {
        let counts = submissions::counts(&mut store.read().await.unwrap()).await.unwrap();
        if !counts.iter().any(|(state, _)| state == "queued" || state == "running") {
            break;
        }
        if counts != before {
            (before, moved) = (counts, Instant::now());
        }
        // A lost lease takes 20 s; a slow machine takes longer for the rest, but it gets on.
        if moved.elapsed() > Duration::from_secs(120) {
            let log = std::fs::read_to_string(data.join("server.log")).unwrap_or_default();
            panic!("in limbo for two minutes: {before:?}\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waited = begun.elapsed();
    drop(server);
    let mut conn = store.read().await.unwrap();
    let all = submissions::of_round(&mut conn, "round", wfkit_platform::game::Kind::Defence).await.unwrap();
    let expected = clients * uploads as usize;
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
    let log = audit::newest(&mut conn, "upload", 100_000).await.unwrap();
    assert_eq!(log.len(), expected, "the audit log is complete");
    (killed, waited)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_upload_is_scored_once_while_the_server_is_killed() {
    let (kills, _) = nothing_is_lost(4, 10, Duration::from_millis(200), 3..=12).await;
    assert!(kills >= 3, "{kills}");
}

/// The long form prints what it measured.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute to a few, by itself: platform/ci runs it with --ignored"]
async fn a_long_storm() {
    let begun = Instant::now();
    let (kills, waited) = nothing_is_lost(20, 25, Duration::from_millis(1000), 10..=40).await;
    #[allow(clippy::print_stderr, reason = "a measurement")]
    {
        eprintln!(
            "500 uploads of 20 clients, {kills} kills, {:.0?} in all, {waited:.1?} to the last score",
            begun.elapsed()
        );
    }
}
