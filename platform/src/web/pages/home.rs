//! The start page, the rules, and what machines ask.

use std::fmt::Write as _;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::dashboard::{Dashboard, Todo};
use crate::game::{Phase, Round};
use crate::store::{accounts, house, mail, rounds, settings, submissions, teams};
use crate::web::guard::Viewer;
use crate::web::show::{When, until};
use crate::web::view::{Page, html};
use crate::{App, Failure};

/// A round in a list.
pub(crate) struct RoundLine {
    pub(crate) round: Round,
    pub(crate) phase: Phase,
    /// When the phase ends, and how long until then.
    pub(crate) ends: Option<(When, String)>,
}

impl RoundLine {
    pub(crate) fn new(round: Round, now: i64) -> Self {
        let phase = round.phase(now);
        let ends = round.phase_ends(now).map(|at| (When(at), until(at, now)));
        Self { round, phase, ends }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    announcements: Vec<(When, String)>,
    rounds: Vec<RoundLine>,
    dashboard: Dashboard,
}

pub(crate) async fn home(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let announcements =
        settings::announcements(&mut conn).await?.into_iter().map(|one| (When(one.at), one.text)).collect();
    let all = rounds::all(&mut conn).await?;
    let shown = all.into_iter().filter(|round| viewer.organises() || round.phase(now) != Phase::Planned);
    let rounds: Vec<RoundLine> = shown.map(|round| RoundLine::new(round, now)).rev().collect();
    let mut page = Page::new(&app, &viewer, "Start");
    let dashboard = match (&viewer.account, &viewer.team) {
        (Some(_), Some(team)) => {
            let announced: Vec<&Round> = rounds.iter().map(|line| &line.round).collect();
            Dashboard::of(&app, &mut conn, &viewer, team, &announced).await?
        }
        (Some(_), None) => Dashboard {
            todo: vec![Todo {
                text: "You have no team yet.".to_owned(),
                next_at: None,
                link: "/team".to_owned(),
                label: "Make or join a team",
            }],
            ..Dashboard::default()
        },
        (None, _) => Dashboard::default(),
    };
    page.live = dashboard.moves.then_some(5);
    html(&Home { page, announcements, rounds, dashboard })
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Rules {
    page: Page,
    rounds: Vec<Round>,
}

pub(crate) async fn rules(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let now = app.now();
    let all = rounds::all(&mut *app.store.read().await?).await?;
    let rounds = all.into_iter().filter(|round| viewer.organises() || round.phase(now) != Phase::Planned).collect();
    html(&Rules { page: Page::new(&app, &viewer, "Rules"), rounds })
}

/// Longer than this nothing should wait for a worker.
const LONGEST_WAIT: i64 = 600_000;

/// Whether the server works: the database answers, and nothing has waited long.
pub(crate) async fn health(State(app): State<App>) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let waited = submissions::oldest_queued(&mut conn).await?.map_or(0, |at| app.now() - at);
    let well = waited < LONGEST_WAIT;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let document = serde_json::json!({ "well": well, "longest_wait_seconds": waited as f64 / 1000.0 });
    Ok((status, Json(document)).into_response())
}

/// Numbers in the text format of Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let mut text = String::new();
    text.push_str("# HELP wfkit_submissions Submissions by state.\n# TYPE wfkit_submissions gauge\n");
    for (state, count) in submissions::counts(&mut conn).await? {
        let _ = writeln!(text, "wfkit_submissions{{state=\"{state}\"}} {count}");
    }
    text.push_str("# HELP wfkit_house_attacks Attacks of the house by state.\n# TYPE wfkit_house_attacks gauge\n");
    for (state, count) in house::counts(&mut conn).await? {
        let _ = writeln!(text, "wfkit_house_attacks{{state=\"{state}\"}} {count}");
    }
    let (unsent, failing) = mail::waiting(&mut conn).await?;
    let waited = submissions::oldest_queued(&mut conn).await?.map_or(0, |at| app.now() - at);
    let gauges = [
        ("wfkit_longest_wait_seconds", "Time the first in the queue has waited.", waited as f64 / 1000.0),
        ("wfkit_mail_waiting", "Mails that are not sent yet.", unsent as f64),
        ("wfkit_mail_failing", "Mails that could not be sent so far.", failing as f64),
        ("wfkit_accounts", "Accounts.", accounts::count(&mut conn).await? as f64),
        ("wfkit_teams", "Teams.", teams::all(&mut conn).await?.len() as f64),
    ];
    for (name, help, value) in gauges {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
