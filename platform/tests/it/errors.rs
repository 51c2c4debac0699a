//! How refusals look: every status as a page and as a problem document (RFC 9457), the messages of forms, the lines of boards.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request};
use wfkit_platform::game::Audience;

use crate::boards::begun;
use crate::site::{Answer, Browser, HOUR, Site};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

async fn ask(browser: &mut Browser<'_>, method: &Method, path: &str, kind: &str, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    browser.send(request, Body::from(body.to_owned())).await
}

#[track_caller]
fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{status}");
    assert_eq!(answer.text.matches("<h1>").count(), 1, "{status}: {}", answer.text);
    assert!(answer.text.contains("<html lang=\"en-GB\">") && answer.text.contains("<main id=\"main\""), "{status}");
    // A form that was wrong is there again; all else is a page of its own.
    let told = answer.text.contains(&format!("Status {status}.")) || answer.text.contains("role=\"alert\"");
    assert!(told, "{status}: {}", answer.text);
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{status}");
    let problem = answer.json();
    assert_eq!((problem["type"].as_str(), problem["status"].as_u64()), (Some("about:blank"), Some(status.into())));
    for field in ["title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| text.len() > 5), "{status}: {problem}");
    }
}

#[tokio::test]
async fn every_refusal_as_a_page_and_as_a_problem() {
    let site = Site::new().await;
    let mut member = site.team("Al").await;
    let mut account = site.player("lonely").await;
    site.round(1, |_| ()).await;
    let (mut of_member, mut of_account) = (member.client().await, account.client().await);
    let large = format!("csrf={}&name={}", member.csrf, "x".repeat(70_000));
    let large_document = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
    let csrf = format!("csrf={}", account.csrf);
    let upload = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--x\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"a.csv\"\r\n\r\nx\r\n--x--\r\n",
        member.csrf
    );
    let multipart = "multipart/form-data; boundary=x";
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let mut visitor = site.visitor();
    let mut program = site.visitor();
    is_page(&member.get("/submissions?limit=0").await, 400);
    is_problem(&of_member.get("/api/v1/submissions?limit=0").await, 400);
    is_page(&ask(&mut visitor, &post, "/team/create", FORM, "name=Al").await, 401);
    is_problem(&ask(&mut program, &get, "/api/v1/me", "", "").await, 401);
    is_page(&account.get("/submissions").await, 403);
    is_problem(&of_account.get("/api/v1/submissions").await, 403);
    is_page(&visitor.get("/nowhere").await, 404);
    is_problem(&visitor.get("/api/v1/nowhere").await, 404);
    for (path, api) in [("/teams", false), ("/api/v1/teams", true)] {
        let answer = ask(&mut visitor, &delete, path, "", "").await;
        if api {
            is_problem(&answer, 405)
        } else {
            is_page(&answer, 405)
        }
        assert!(answer.header("allow").contains("GET"), "{path}: {}", answer.header("allow"));
    }
    is_page(&ask(&mut member, &post, "/rounds/1/defence", multipart, &upload).await, 409);
    is_problem(&ask(&mut of_member, &post, "/api/v1/rounds/1/defences", "", "x").await, 409);
    is_page(&ask(&mut member, &post, "/team/create", FORM, &large).await, 413);
    is_problem(&ask(&mut of_member, &post, "/api/v1/team/create", JSON, &large_document).await, 413);
    is_page(&ask(&mut account, &post, "/team/create", "text/plain", &csrf).await, 415);
    is_problem(&ask(&mut of_account, &post, "/api/v1/team/create", "text/plain", "{\"name\": \"x\"}").await, 415);
    let answer = account.post("/team/create", &[("name", "?")]).await;
    is_page(&answer, 422);
    let answer = ask(&mut of_account, &post, "/api/v1/team/create", JSON, "{\"name\": \"?\"}").await;
    is_problem(&answer, 422);
    assert!(answer.json()["errors"]["name"].as_str().unwrap().starts_with("2 to 40"));
    for _ in 0..10 {
        visitor.sign_in("lonely", "wrong").await.is(422);
    }
    let answer = visitor.sign_in("lonely", "wrong").await;
    is_page(&answer, 429);
    assert_eq!(answer.header("retry-after"), "900");
    let answer = ask(&mut program, &post, "/api/v1/sign-in", JSON, "{\"name\": \"lonely\", \"password\": \"x\"}").await;
    is_problem(&answer, 429);
    assert_eq!(
        (answer.header("retry-after"), answer.json()["again_at"].as_str()),
        ("900", Some("2026-03-01T00:15:00Z"))
    );

    // A database that is not there for a moment.
    site.app.store.close().await;
    for (answer, api) in [(visitor.get("/teams").await, false), (visitor.get("/api/v1/teams").await, true)] {
        if api {
            is_problem(&answer, 503)
        } else {
            is_page(&answer, 503)
        }
        assert_eq!(answer.header("retry-after"), "10");
        assert!(!answer.text.to_lowercase().contains("pool"), "what is wrong is for the log: {}", answer.text);
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failure_of_the_server_has_a_number_that_the_log_has() {
    let site = Site::new().await;
    let mut tx = site.app.store.write().await.unwrap();
    sqlx::query("DROP TABLE announcement").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for path in ["/", "/api/v1/announcements"] {
        let answer = site.visitor().get(path).await;
        if path.starts_with("/api") {
            is_problem(&answer, 500)
        } else {
            is_page(&answer, 500)
        }
        assert!(!answer.text.contains("announcement\""), "what is wrong is for the log: {}", answer.text);
        let number = answer.text.split("in the log under ").nth(1).expect("a number").split('.').next().unwrap();
        let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let line = written.lines().find(|line| line.contains(number)).unwrap_or_else(|| panic!("{number}: {written}"));
        assert!(line.contains("announcement") && line.contains("ERROR"), "{line}");
    }
}

#[tokio::test]
async fn forms_say_what_is_wrong_above_and_at_the_field_and_keep_what_was_typed() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut account = site.player("alice").await;
    let mut visitor = site.visitor();
    site.round(1, |_| ()).await;
    let round = organiser.get("/organise/rounds/1").await.ok().text;
    let kept = |name: &str| {
        let field = round.split(&format!("name=\"{name}\"")).nth(1).unwrap();
        field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let names = ["name", "opens_at", "defence_at", "attack_at", "freeze_at", "reps_mean", "deviation", "min_packets"];
    let mut fields: Vec<(&str, String)> = names.iter().map(|name| (*name, kept(name))).collect();
    for name in ["test_traces", "matches_per_team", "seed", "limit_accepted", "limit_total", "limit_window_hours"] {
        fields.push((name, kept(name)));
    }
    fields.extend(
        [("profile", "balanced"), ("counting", "best"), ("incomplete", "play")].map(|(a, b)| (a, b.to_owned())),
    );
    fields.extend([("scores_during", "everyone"), ("scores_after", "everyone")].map(|(a, b)| (a, b.to_owned())));
    fields.extend([("classes", "many".to_owned()), ("closes_at", "soon".to_owned())]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answers = [
        (
            visitor.post("/register", &[("name", "a/b"), ("email", "x"), ("password", "y"), ("again", "z")]).await,
            "name",
        ),
        (account.post("/team/create", &[("name", "?")]).await, "name"),
        (account.post("/team/join", &[("code", "?")]).await, "code"),
        (account.post("/account/tokens", &[("label", "")]).await, "label"),
        (
            account.post("/account/password", &[("old", "x"), ("password", "short"), ("again", "short")]).await,
            "password",
        ),
        (organiser.post("/organise/rounds/1", &fields).await, "closes_at"),
        (organiser.post("/organise/rejudgings", &[("round", "1"), ("kind", "attack"), ("reason", "")]).await, "reason"),
    ];
    for (answer, field) in answers {
        let page = answer.is(422).text;
        assert!(page.contains("role=\"alert\"") && page.contains(&format!("<a href=\"#{field}\">")), "{field}: {page}");
        let input = page.split(&format!("<input id=\"{field}\"")).nth(1).unwrap().split('>').next().unwrap();
        let told = format!("aria-invalid=\"true\" aria-describedby=\"{field}-wrong\"");
        assert!(input.contains(&told) && page.contains(&format!("id=\"{field}-wrong\"")), "{field}: {input}");
        if field == "closes_at" {
            assert!(page.contains("value=\"many\"") && page.contains("value=\"soon\""), "what was typed stays");
            assert!(page.contains("<a href=\"#classes\">"), "all that is wrong at once");
        }
    }
}

#[tokio::test]
async fn boards_say_that_they_are_frozen_and_for_whom_they_are() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, _) = begun(&site, |round| {
        round.settings.freeze_at = Some(round.attack_at + HOUR);
        round.settings.scores_during = Audience::OwnTeam;
    })
    .await;
    let board = "/rounds/1/leaderboard";
    let mine = al.get(board).await.ok().text;
    assert!(mine.contains("You see your own line only.") && !mine.contains("frozen"), "{mine}");
    let told = "The organisers do not show scores of this round now.";
    assert!(site.visitor().get(board).await.is(403).text.contains(told));
    assert_eq!(site.visitor().get("/api/v1/rounds/1/leaderboard").await.is(403).json()["detail"], told);
    site.at(site.now() + 2 * HOUR);
    let mine = al.get(board).await.ok().text;
    assert!(mine.contains("frozen</strong> It stands still until the round is over."), "{mine}");
    let all = organiser.get(board).await.ok().text;
    assert!(!all.contains("frozen") && !all.contains("own line only") && all.contains(">Bo</a>"), "{all}");
    for page in ["/rounds/1/matrix", "/rounds/1/matches"] {
        assert!(al.get(page).await.ok().text.contains("pill frozen"), "{page}");
    }
    let rules = al.get("/rounds/1").await.ok().text;
    assert!(rules.contains("each team, its own before the end, everyone after it"), "{rules}");
}
