//! Teams.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::account::Nothing;
use crate::acts::{self, Person};
use crate::contest::Sight;
use crate::game::Phase;
use crate::store::paging::{self, Key};
use crate::store::teams::{self, Team};
use crate::store::{rounds, settings};
use crate::web::form::Checked;
use crate::web::guard::{Viewer, tell};
use crate::web::show::number;
use crate::web::table::{Asked, Column, Head, InMemory, Table};
use crate::web::view::{Errors, Page, again, html};
use crate::{App, Failure, contest};

#[derive(Template)]
#[template(path = "teams.html")]
struct TeamsPage {
    page: Page,
    heads: Vec<Head>,
    teams: Vec<(Team, String)>,
}

type Line = (Team, String);

/// What teams are sorted by.
const COLUMNS: &InMemory<Line> = &[
    Column::ordinal("number", "Number", |line: &Line| Key::from(line.0.number)),
    Column::row("team", "Team", |line: &Line| Key::text(&line.0.name)),
    Column::text("players", "Players", |line: &Line| Key::text(&line.1)),
];

pub(crate) async fn list(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let table = Table::read(&asked, COLUMNS, "number", &[])?;
    let mut conn = app.store.read().await?;
    let mut shown = Vec::new();
    for team in teams::all(&mut conn).await? {
        let members = members(&viewer, teams::members(&mut conn, &team.id).await?);
        shown.push((team, members));
    }
    let (by, descending) = table.order();
    paging::sort(&mut shown, by, descending);
    html(&TeamsPage { page: Page::new(&app, &viewer, "Teams"), heads: table.heads(), teams: shown })
}

/// Names of people are for those who are signed in.
fn members(viewer: &Viewer, names: Vec<String>) -> String {
    match &viewer.account {
        Some(_) if names.is_empty() => "nobody".to_owned(),
        Some(_) => names.join(", "),
        None => format!("{} players", names.len()),
    }
}

#[derive(Template)]
#[template(path = "team_page.html")]
struct TeamPage {
    page: Page,
    team: Team,
    members: String,
    rounds: Vec<(i64, String, String, String)>,
}

pub(crate) async fn one(State(app): State<App>, viewer: Viewer, Path(team): Path<i64>) -> Result<Response, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let team = teams::by_number(&mut conn, team).await?.ok_or(Failure::NotFound)?;
    let members = members(&viewer, teams::members(&mut conn, &team.id).await?);
    let mut lines = Vec::new();
    for round in rounds::all(&mut conn).await? {
        if round.phase(now) < Phase::Attack {
            continue;
        }
        let seen = contest::seen(&mut conn, &round, viewer.account.as_ref(), viewer.team.as_ref(), now).await?;
        if seen.sight == Sight::Nothing {
            continue;
        }
        if let Some(row) = seen.board.rows.iter().find(|row| row.team == team.number) {
            let rank = row.rank.map_or("–".to_owned(), |rank| rank.to_string());
            lines.push((round.number, round.name.clone(), rank, number(row.total, 2)));
        }
    }
    let page = Page::new(&app, &viewer, format!("Team {}", team.name));
    html(&TeamPage { page, team, members, rounds: lines })
}

#[derive(Template)]
#[template(path = "own_team.html")]
struct OwnTeamPage {
    page: Page,
    errors: Errors,
    team: Option<Team>,
    members: Vec<String>,
    size: u32,
    name: String,
}

async fn own_page(app: &App, viewer: &Viewer, errors: Errors, name: &str) -> Result<OwnTeamPage, Failure> {
    let mut conn = app.store.read().await?;
    let team = viewer.team.clone();
    let members = match &team {
        Some(team) => teams::members(&mut conn, &team.id).await?,
        None => Vec::new(),
    };
    let size = settings::competition(&mut conn).await?.team_size;
    Ok(OwnTeamPage { page: Page::new(app, viewer, "Your team"), errors, team, members, size, name: name.to_owned() })
}

pub(crate) async fn own(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&own_page(&app, &viewer, Errors::default(), "").await?)
}

async fn answer(app: &App, viewer: &Viewer, done: Result<String, Failure>, name: &str) -> Result<Response, Failure> {
    match done {
        Ok(notice) => tell(app, viewer, "/team", &notice).await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&own_page(app, viewer, Errors::from(&failure), name).await?, &failure),
    }
}

#[derive(Deserialize)]
pub(crate) struct Create {
    name: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Create>,
) -> Result<Response, Failure> {
    let made = acts::create_team(&app, &Person::from(viewer.account()?), &form.name).await;
    let told =
        made.map(|team| format!("You are team {}, {}. Give your partner the code below.", team.number, team.name));
    answer(&app, &viewer, told, &form.name).await
}

#[derive(Deserialize)]
pub(crate) struct Join {
    code: String,
}

pub(crate) async fn join(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Join>,
) -> Result<Response, Failure> {
    let joined = acts::join_team(&app, &Person::from(viewer.account()?), &form.code).await;
    answer(&app, &viewer, joined.map(|team| format!("You are in team {}.", team.name)), "").await
}

pub(crate) async fn leave(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let left = acts::leave_team(&app, &Person::from(viewer.account()?)).await;
    answer(&app, &viewer, left.map(|()| "You left the team.".to_owned()), "").await
}

pub(crate) async fn renew_code(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let renewed = acts::renew_code(&app, &Person::from(viewer.account()?), viewer.team()?).await;
    answer(&app, &viewer, renewed.map(|_| "The old code no longer works.".to_owned()), "").await
}
