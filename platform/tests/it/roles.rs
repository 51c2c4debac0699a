//! Every route with every role.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use wfkit_platform::{RouteLine, route_table};

use crate::site::{Browser, DAY, Site};
use crate::traffic::defence;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Visitor,
    Account,
    /// Of another team than the one whose things are asked for.
    OtherTeam,
    OwnTeam,
    Organiser,
}

async fn ask(browser: &mut Browser<'_>, route: &RouteLine, submission: &str, csrf: bool) -> StatusCode {
    let path = route
        .path
        .replace("{round}", "1")
        .replace("{team}", "1")
        .replace("{part}", "train.csv.zip")
        .replace("{id}", submission)
        .replace("{name}", "style.css")
        .replace("{secret}", "nothing");
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(path);
    let token = browser.csrf.clone();
    let (request, body) = match (route.method, route.path) {
        ("GET", _) => (request, String::new()),
        (_, path) if path.contains("/api/") => {
            (request.header(header::CONTENT_TYPE, "application/json"), "nonsense".to_owned())
        }
        (_, path)
            if path.ends_with("/defence")
                || path.ends_with("/attack")
                || path.ends_with("/baseline")
                || path.ends_with("/try") =>
        {
            let token = if csrf { token } else { String::new() };
            let field = |name: &str, value: &str| {
                format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n{value}\r\n")
            };
            let body = format!("{}{}--x--\r\n", field("csrf", &token), field("file", "nonsense"));
            (request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=x"), body)
        }
        _ => {
            let body = if csrf { format!("csrf={token}") } else { String::new() };
            (request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"), body)
        }
    };
    browser.send(request, Body::from(body)).await.status
}

/// What must come of it.
fn expected(role: Role, route: &RouteLine) -> Expected {
    let api = route.path.starts_with("/api/");
    let own_thing = route.path.starts_with("/submissions/{id}") || route.path.starts_with("/api/v1/submissions/{id}");
    match (route.need, role) {
        ("anyone", _) => Expected::Any,
        (_, Role::Visitor) if api || route.method == "POST" => Expected::Exactly(401),
        (_, Role::Visitor) => Expected::Exactly(303),
        ("organiser", Role::Organiser) => Expected::Any,
        ("organiser", _) => Expected::Exactly(404),
        ("player", Role::Account | Role::Organiser) => Expected::Exactly(403),
        ("player", Role::OtherTeam) if own_thing => Expected::Exactly(404),
        _ => Expected::Any,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Exactly(u16),
    /// Anything but that it is not for them.
    Any,
}

#[tokio::test]
async fn every_route_with_every_role() {
    let site = Site::new().await;
    let mut own = site.team("Own").await;
    let other = site.team("Other").await;
    let account = site.player("lonely").await;
    let organiser = site.organiser().await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    own.get("/account").await;
    let submission = own.uploaded("/rounds/1/defence", &[], defence(1, 50).as_bytes()).await;
    site.work().await;
    let mut browsers = vec![(Role::Visitor, site.visitor(), site.visitor())];
    for (role, mut browser) in
        [(Role::Account, account), (Role::OtherTeam, other), (Role::OwnTeam, own), (Role::Organiser, organiser)]
    {
        let client = browser.client().await;
        browsers.push((role, browser, client));
    }
    let mut asked = 0;
    for (role, browser, client) in &mut browsers {
        for route in route_table() {
            let api = route.path.starts_with("/api/");
            // These end the session, or empty the team, that the others need.
            let ends = ["/sign-out", "/team/leave"].contains(&route.path.trim_start_matches("/api/v1"));
            if ends && *role != Role::Visitor {
                continue;
            }
            if route.need != "anyone" && browser.cookie.is_some() && !api {
                browser.get("/account").await;
            }
            let status = ask(if api { client } else { browser }, &route, &submission, true).await;
            asked += 1;
            let what = format!("{role:?} {} {}: {status}", route.method, route.path);
            assert!(!status.is_server_error(), "{what}");
            match expected(*role, &route) {
                Expected::Exactly(code) => assert_eq!(status.as_u16(), code, "{what}"),
                Expected::Any => assert!(![401].contains(&status.as_u16()), "{what}"),
            }
            if *role == Role::OwnTeam && route.path == "/submissions/{id}" {
                assert_eq!(status, 200, "{what}");
            }
        }
    }
    assert!(asked > 300, "{asked}");
}

#[tokio::test]
async fn forms_without_their_token_or_from_elsewhere_do_nothing() {
    let site = Site::new().await;
    site.round(1, |_| ()).await;
    let mut organiser = site.organiser().await;
    organiser.post("/team/create", &[("name", "Organisers")]).await.is(303);
    for route in route_table().into_iter().filter(|route| route.method == "POST" && route.need != "anyone") {
        let status = ask(&mut organiser, &route, "none", false).await;
        assert_eq!(status, 403, "{} without a token", route.path);
        let answer =
            organiser.send(Request::post(route.path).header("sec-fetch-site", "cross-site"), Body::empty()).await;
        assert_eq!(answer.status, 403, "{} from another site", route.path);
        let answer =
            organiser.send(Request::post(route.path).header("origin", "https://evil.example"), Body::empty()).await;
        assert_eq!(answer.status, 403, "{} from another origin", route.path);
    }
    assert!(organiser.get("/account").await.status == 200, "the session goes on");
}

#[tokio::test]
async fn nothing_changes_by_reading() {
    let changing = ["create", "join", "leave", "sign-out", "choose", "again", "move", "lock", "revoke", "reset"];
    for route in route_table().into_iter().filter(|route| route.method == "GET") {
        let last = route.path.rsplit('/').next().unwrap();
        assert!(!changing.contains(&last), "{}", route.path);
    }
}

#[tokio::test]
async fn what_is_in_no_table_is_not_there() {
    let site = Site::new().await;
    let mut visitor = site.visitor();
    visitor.get("/nowhere").await.is(404);
    visitor.get("/api/v1/nowhere").await.is(404);
    let answer = visitor.send(Request::delete("/team"), Body::empty()).await.is(405);
    assert!(answer.text.contains("other methods"));
    assert_eq!(visitor.get("/api/v1/nowhere").await.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn planned_rounds_are_for_organisers() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut team = site.team("Own").await;
    site.round(1, |round| {
        for at in [&mut round.opens_at, &mut round.defence_at, &mut round.attack_at, &mut round.closes_at] {
            *at += 10 * DAY;
        }
    })
    .await;
    for path in
        ["/rounds/1", "/rounds/1/leaderboard", "/rounds/1/leaderboard.json", "/rounds/1/defence", "/api/v1/rounds/1"]
    {
        team.get(path).await.is(404);
    }
    assert_eq!(team.get("/api/v1/rounds").await.ok().text, "[]");
    organiser.get("/rounds/1").await.ok();
}
