//! A server in memory, whose clock the test sets, and browsers that use it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tempfile::TempDir;
use tower::ServiceExt;
use wfkit_competition::Rules;
use wfkit_platform::game::{Profile, Round, Settings};
use wfkit_platform::{App, Clock, Files, Millis, Options, Random, Registration, Store, World, acts, router, work};

use crate::traffic::noise;

pub(crate) const HOUR: Millis = 3_600_000;
pub(crate) const DAY: Millis = 24 * HOUR;
/// When tests begin: 2026-03-01.
pub(crate) const START: Millis = 1_772_323_200_000;
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Rules of a small game: 4 classes of 4 to 8 traces of 6 packets at least, 8 test traces.
pub(crate) const RULES: Rules = Rules { classes: 4, reps_mean: 6, deviation: 3, min_packets: 5 };

pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) router: axum::Router,
    pub(crate) folder: TempDir,
}

pub(crate) fn options() -> Options {
    Options { registration: Registration::Open, password_cost: (8, 1), house: Vec::new(), ..Options::default() }
}

/// The same in every run, so that no test depends on luck: splits, halves and matches follow from what is drawn. Another
/// `WFKIT_TEST_SEED` draws otherwise, to see that what a test asserts does not hold by chance.
pub(crate) fn random() -> Random {
    random_of(0)
}

/// As [`random`], of one of several machines.
pub(crate) fn random_of(machine: u64) -> Random {
    let seed = std::env::var("WFKIT_TEST_SEED").map_or(0, |text| text.parse().expect("WFKIT_TEST_SEED is a number"));
    let seed: u64 = seed + (machine << 32);
    let drawn = AtomicU64::new(0);
    Arc::new(move |bytes| {
        for chunk in bytes.chunks_mut(8) {
            let draw = noise(seed, drawn.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
            chunk.copy_from_slice(&draw[..chunk.len()]);
        }
    })
}

/// The database of a data folder: a file in it, or one schema a folder in the database of PostgreSQL that `WFKIT_TEST_POSTGRES` is the
/// address of, so that every test is one of both.
pub(crate) async fn database(folder: &std::path::Path) -> Store {
    match postgres(folder) {
        Some(address) => Store::open_postgres(&address).await.unwrap(),
        None => Store::open(&folder.join("platform.sqlite")).await.unwrap(),
    }
}

/// The address of the schema that is for a folder, which is made.
pub(crate) fn postgres(folder: &std::path::Path) -> Option<String> {
    let address = std::env::var("WFKIT_TEST_POSTGRES").ok()?;
    let schema = wfkit_platform::digest(&folder.to_string_lossy());
    let schema = format!("test_{}", &schema[..16]);
    let made = std::process::Command::new("psql")
        .args(["--quiet", "--dbname", &address, "--command"])
        .arg(format!("SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS {schema}"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(format!("{address}&options[search_path]={schema}"))
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = database(folder.path()).await;
        let files = Files::open(folder.path().join("files")).unwrap();
        let world = World { clock: Clock::standing(START), random: random() };
        let app = App::new(store, files, world, options);
        Self { router: router(app.clone()), app, folder }
    }

    pub(crate) fn at(&self, at: Millis) {
        self.app.world.clock.set(at);
    }

    pub(crate) fn now(&self) -> Millis {
        self.app.world.clock.now()
    }

    /// A round whose phases begin now, in a day, in two and in three days.
    pub(crate) async fn round(&self, number: i64, change: impl FnOnce(&mut Round)) -> Round {
        let now = self.now();
        let mut round = Round {
            id: format!("round-{number}"),
            number,
            name: format!("Round {number}"),
            opens_at: now,
            defence_at: now + DAY,
            attack_at: now + 2 * DAY,
            closes_at: now + 3 * DAY,
            settings: Settings {
                rules: RULES,
                test_traces: 8,
                matches_per_team: 2,
                profile: Profile::Balanced,
                ..Settings::default()
            },
            seed: 7,
            settled_at: None,
        };
        change(&mut round);
        acts::save_round(&self.app, "a test", &round).await.unwrap();
        round
    }

    /// Everything that waits is checked and scored, and what time brings is done.
    pub(crate) async fn work(&self) -> usize {
        let done = work::drain(&self.app).await.unwrap();
        work::sweep(&self.app).await.unwrap();
        done
    }

    pub(crate) fn visitor(&self) -> Browser<'_> {
        Browser { site: self, cookie: None, csrf: String::new(), token: None }
    }

    /// A new account, signed in.
    pub(crate) async fn player(&self, name: &str) -> Browser<'_> {
        let mut browser = self.visitor();
        let email = format!("{name}@example.org");
        let fields = [("name", name), ("email", &email), ("password", PASSWORD), ("again", PASSWORD)];
        let answer = browser.post("/register", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser.get("/account").await;
        browser
    }

    /// A new account in a new team, signed in.
    pub(crate) async fn team(&self, name: &str) -> Browser<'_> {
        let mut browser = self.player(&format!("{}-player", name.to_lowercase())).await;
        let answer = browser.post("/team/create", &[("name", name)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    pub(crate) async fn organiser(&self) -> Browser<'_> {
        let secret = acts::make_organiser(&self.app, "a test", "boss", "boss@example.org").await.unwrap();
        let mut browser = self.visitor();
        let answer = browser.post(&format!("/welcome/{secret}"), &[("password", PASSWORD), ("again", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser.sign_in("boss", PASSWORD).await;
        browser
    }
}

/// A site over TCP with a worker, for programs that know nothing of tests. Its clock stands as before.
pub(crate) struct Served {
    pub(crate) url: String,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    workers: tokio::task::JoinHandle<Result<(), wfkit_platform::Failure>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Site {
    pub(crate) async fn serve(&self) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(axum::serve(listener, self.router.clone()).into_future());
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let workers = tokio::spawn(work::run(self.app.clone(), 1, stopped));
        Served { url, server, workers, stop }
    }
}

impl Served {
    pub(crate) async fn end(self) {
        self.stop.send(true).unwrap();
        self.workers.await.unwrap().unwrap();
        self.server.abort();
    }
}

/// Runs what waits, such as a program or a client, beside the server.
pub(crate) async fn aside<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(task).await.unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

/// Keeps its cookie and the token of the page it saw last, as a browser with the page open.
pub(crate) struct Browser<'a> {
    pub(crate) site: &'a Site,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: String,
    pub(crate) token: Option<String>,
}

impl Browser<'_> {
    pub(crate) async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let mut request = request.header(header::HOST, "here.example").body(body).unwrap();
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(cookie) = parts.headers.get(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = (!pair.ends_with('=')).then_some(pair);
        }
        if let Some((_, rest)) = text.split_once("name=\"csrf\" value=\"") {
            self.csrf = rest.split('"').next().unwrap().to_owned();
        }
        Answer { status: parts.status, headers: parts.headers, bytes, text }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// A form, with the token of the page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.post_as_is(path, &fields).await
    }

    pub(crate) async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| {
            let byte = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            text.bytes().map(byte).collect::<String>()
        };
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body.join("&"))).await
    }

    /// A file through the form of a page.
    pub(crate) async fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
        let csrf = self.csrf.clone();
        let mut body = Vec::new();
        for (name, value) in [("csrf", csrf.as_str())].iter().chain(fields) {
            body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(
            b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../etc/a.csv\"\r\n\r\n"
                .iter()
                .copied(),
        );
        body.extend(file);
        body.extend(b"\r\n--x--\r\n".iter().copied());
        let request = Request::post(path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
        self.send(request, Body::from(body)).await
    }

    /// A file through the form, accepted; the id of the submission.
    pub(crate) async fn uploaded(&mut self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> String {
        let answer = self.upload(path, fields, file).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.header("location").rsplit('/').next().unwrap().to_owned()
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let answer = self.post("/sign-in", &[("name", name), ("password", password)]).await;
        if answer.status == StatusCode::SEE_OTHER {
            self.get("/account").await;
        }
        answer
    }

    /// A client of the API for the same account.
    pub(crate) async fn client(&mut self) -> Self
    where
        Self: Sized,
    {
        let answer = self.post("/account/tokens", &[("label", "a test")]).await.ok();
        let secret = answer.text.split_once("shown again: <code>").unwrap().1.split('<').next().unwrap().to_owned();
        Browser { site: self.site, cookie: None, csrf: String::new(), token: Some(secret) }
    }

    /// The state of a submission, by the API of a client.
    pub(crate) async fn submission(&mut self, id: &str) -> serde_json::Value {
        self.get(&format!("/api/v1/submissions/{id}")).await.ok().json()
    }
}

/// Columns of a CSV by name.
pub(crate) fn table(text: &str) -> Vec<HashMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}
