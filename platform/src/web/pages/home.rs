//! The start page, the rules, and what machines ask.

use std::fmt::Write as _;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::dashboard::{Dashboard, Todo};
use crate::game::{Phase, Profile, Round};
use crate::store::{accounts, house, mail, rounds, settings, submissions, teams};
use crate::web::guard::Viewer;
use crate::web::show::{When, count, number, percent, until};
use crate::web::view::{self, Page, html};
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
    /// Those that still take defences; else the last.
    tries: Vec<Round>,
    /// Each score that a round has, or all there are: the rounds, and its example.
    examples: Vec<(Profile, String, Vec<ExampleLine>)>,
}

/// What is from what, and how much.
type ExampleLine = (&'static str, String, String);

/// A worked example line by line, with the numbers of the code that scores.
fn example(profile: Profile) -> Vec<ExampleLine> {
    let one = profile.example();
    let [bytes_in, bytes_out, seconds] = one.defended;
    let medians = format!("{} bytes in, {} out, {seconds} seconds", count(bytes_in), count(bytes_out));
    let attacks = one.attacks.map(|area| number(area, 4)).join(", ");
    let (utility, privacy, attack) = (number(one.utility, 4), number(one.privacy, 4), number(one.attack, 4));
    let total = number(one.total, 2);
    match profile {
        Profile::Balanced => {
            let [over_in, over_out, over_time] = one.overheads.map(percent);
            let [plain_in, plain_out, plain_time] = one.undefended;
            let undefended = format!("{} bytes in, {} out, {plain_time} seconds", count(plain_in), count(plain_out));
            let mean = one.overheads.iter().sum::<f64>() / 3.0;
            let best = number(one.best_attacker, 4);
            vec![
                ("Overheads", format!("{medians} against {undefended}"), format!("{over_in}, {over_out}, {over_time}")),
                ("Utility", format!("1 / (1 + {mean:.4})"), utility.clone()),
                ("Privacy", format!("best attack on the team {best}: 1 - (2 x {best} - 1)"), privacy.clone()),
                ("Attack", format!("own attacks {attacks}: mean of 2 x area - 1"), attack.clone()),
                ("Total", format!("100 x {utility} x ({privacy} + {attack}) / 2"), total),
            ]
        }
        Profile::Srs2022 => vec![
            ("Utility", format!("{medians}: 64 / log10 of their product"), utility.clone()),
            ("Attack", format!("own attacks {attacks}: mean of 10 x area"), attack.clone()),
            ("Total", format!("{utility} x {attack}"), total),
        ],
    }
}

pub(crate) async fn rules(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let now = app.now();
    let all = rounds::all(&mut *app.store.read().await?).await?;
    let rounds: Vec<Round> =
        all.into_iter().filter(|round| viewer.organises() || round.phase(now) != Phase::Planned).collect();
    let played = |profile: Profile| {
        let numbers =
            rounds.iter().filter(|round| round.settings.profile == profile).map(|round| round.number.to_string());
        numbers.collect::<Vec<_>>().join(", ")
    };
    let examples = Profile::EACH.into_iter().map(|profile| (profile, played(profile), example(profile)));
    let examples = examples.filter(|(_, played, _)| rounds.is_empty() || !played.is_empty()).collect();
    let mut tries: Vec<Round> = rounds.iter().filter(|round| round.phase(now) <= Phase::Defence).cloned().collect();
    if tries.is_empty() {
        tries.extend(rounds.last().cloned());
    }
    html(&Rules { page: Page::new(&app, &viewer, "Rules"), rounds, tries, examples })
}

/// Rows of a sample at most: a round of many classes gets one of some of them.
const SAMPLE_ROWS: u64 = 100_000;

/// A defence that passes the check of a round: traces of as few packets as may be, whose sizes tell their class.
fn sample_defence(rules: &wfkit_competition::Rules) -> String {
    let (traces, packets) = (*rules.reps().start(), rules.min_packets + 2);
    let classes = (rules.classes as u64).min(SAMPLE_ROWS / (traces * packets).max(1)).max(1);
    let mut text = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for class in 1..=classes {
        for rep in 0..traces {
            for packet in 0..packets {
                // No two traces are the same.
                let size = 100 + 10 * class as i64 + (rep * packets + packet) as i64 % 7 + rep as i64;
                let size = if packet % 3 == 0 { size } else { -5 * size };
                let _ = writeln!(
                    text,
                    "{class},{rep},{size},{:.3}",
                    packet as f64 * 0.05 + rep as f64 * 0.001 * packet as f64
                );
            }
        }
    }
    text
}

pub(crate) async fn sample(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"round_{number}_sample_defence.csv\"")),
    ];
    Ok((headers, sample_defence(&round.settings.rules)).into_response())
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
