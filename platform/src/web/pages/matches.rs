//! The matches of a round: who attacks whom, how that stands, and what came of it, as far as the viewer may see.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use super::boards::round_off;
use crate::contest::{self, Seen};
use crate::game::Counting;
use crate::store::paging::{self, Key, Paged};
use crate::web::guard::Viewer;
use crate::web::show::number;
use crate::web::table::{Asked, Column, Head, InMemory, More, Table};
use crate::web::view::{self, Page, html};
use crate::{App, Failure};

/// How a match stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// An attack of it counts.
    Attacked,
    /// None does, and one may still come.
    Open,
    /// None does, and it is over.
    Missed,
    /// Its scores are not for the viewer.
    Hidden,
}

impl Standing {
    /// For programs.
    fn name(self) -> &'static str {
        match self {
            Self::Attacked => "attacked",
            Self::Open => "open",
            Self::Missed => "missed",
            Self::Hidden => "hidden",
        }
    }

    /// For readers.
    fn words(self) -> &'static str {
        match self {
            Self::Attacked => "attacked, and scored",
            Self::Open => "no scored attack yet",
            Self::Missed => "never attacked",
            Self::Hidden => "scores are not shown to you now",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    position: i64,
    attacker: (i64, String),
    defender: (i64, String),
    standing: Standing,
    roc_auc: Option<f64>,
    accuracy: Option<f64>,
}

impl Line {
    fn area(&self) -> String {
        number(self.roc_auc, 4)
    }

    fn hits(&self) -> String {
        number(self.accuracy, 4)
    }
}

/// What matches are sorted by, on the page and over the API.
pub(crate) const COLUMNS: &InMemory<Line> = &[
    Column::ordinal("match", "Match", |line: &Line| Key::from(line.position)),
    Column::row("attacker", "Attacker", |line: &Line| Key::text(&line.attacker.1)),
    Column::text("defender", "Defender", |line: &Line| Key::text(&line.defender.1)),
    Column::text("state", "State", |line: &Line| Key::text(line.standing.words())),
    Column::number("auc", "ROC-AUC", |line: &Line| Key::from(line.roc_auc)),
    Column::number("accuracy", "Accuracy", |line: &Line| Key::from(line.accuracy)),
];

fn lines(seen: &Seen) -> Vec<Line> {
    let Seen { contest, board, sight, over, .. } = seen;
    let over = *over;
    let named = |id: &str| contest.teams.get(id).cloned().unwrap_or_default();
    let line = |(position, (attacker, defender)): (i64, &(String, String))| {
        let shown = sight.covers(attacker) || sight.covers(defender);
        let attack = contest.counting(attacker, defender, board.as_of, board.part).filter(|_| shown);
        let standing = match attack {
            _ if !shown => Standing::Hidden,
            Some(_) => Standing::Attacked,
            None if over => Standing::Missed,
            None => Standing::Open,
        };
        Line {
            position,
            attacker: named(attacker),
            defender: named(defender),
            standing,
            roc_auc: attack.map(|attack| round_off(attack.roc_auc, over)),
            accuracy: attack.map(|attack| round_off(attack.accuracy, over)),
        }
    };
    (1..).zip(&contest.matches).map(line).collect()
}

type Sorted<'a> = Table<'a, fn(&Line) -> Key>;

/// The page of the list that is asked for.
async fn table_of<'a>(
    app: &App,
    viewer: &Viewer,
    round: i64,
    asked: &'a Asked,
) -> Result<(Seen, Sorted<'a>, Paged<Line>), Failure> {
    let table = Table::read(asked, COLUMNS, "match", &["team"])?;
    let ask = table.ask()?;
    let now = app.now();
    let mut conn = app.store.read().await?;
    let round = view::round(app, &mut conn, viewer, round).await?;
    let seen = contest::seen(&mut conn, &round, viewer.account.as_ref(), viewer.team.as_ref(), now).await?;
    let mut lines = lines(&seen);
    if !asked.get("team").is_empty() {
        let number: Option<i64> = asked.get("team").parse().ok();
        let known = number.filter(|number| seen.contest.teams.values().any(|(known, _)| known == number));
        let number = known.ok_or_else(|| Failure::Bad("team: not the number of a team".to_owned()))?;
        lines.retain(|line| line.attacker.0 == number || line.defender.0 == number);
    }
    let page = paging::paged(lines, |line| format!("{:08}", line.position), &ask);
    Ok((seen, table, page))
}

#[derive(Template)]
#[template(path = "matches.html")]
struct MatchesPage {
    page: Page,
    number: i64,
    seed: i64,
    settled: bool,
    frozen: bool,
    part: &'static str,
    counting: &'static str,
    /// Number and name of each team that plays, and whether it is the one that is asked for.
    teams: Vec<(i64, String, bool)>,
    heads: Vec<Head>,
    lines: Vec<Line>,
    more: More,
}

pub(crate) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    asked: Asked,
) -> Result<Response, Failure> {
    let (seen, table, found) = table_of(&app, &viewer, number, &asked).await?;
    let contest = &seen.contest;
    let mut teams: Vec<(i64, String, bool)> = contest
        .teams
        .iter()
        .filter(|(id, _)| contest.matches.iter().any(|(attacker, defender)| attacker == *id || defender == *id))
        .map(|(_, (number, name))| (*number, name.clone(), asked.get("team") == number.to_string()))
        .collect();
    teams.sort();
    let counting = match contest.round.settings.counting {
        Counting::Best => "the one with the best public score",
        Counting::Last => "the last one",
        Counting::Chosen => "the one that the team chose, or the last",
    };
    html(&MatchesPage {
        page: Page::new(&app, &viewer, format!("Matches of round {number}")),
        number,
        seed: contest.round.seed,
        settled: contest.round.settled_at.is_some(),
        frozen: seen.frozen,
        part: seen.board.part.name(),
        counting,
        teams,
        heads: table.heads(),
        more: table.more(&found),
        lines: found.rows,
    })
}

pub(crate) async fn list(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    asked: Asked,
) -> Result<Response, Failure> {
    let (_, table, found) = table_of(&app, &viewer, number, &asked).await?;
    let item = |line: &Line| {
        json!({
            "attacker": line.attacker.0,
            "attacker_name": line.attacker.1,
            "defender": line.defender.0,
            "defender_name": line.defender.1,
            "state": line.standing.name(),
            "roc_auc": line.roc_auc,
            "accuracy": line.accuracy,
        })
    };
    let items: Vec<serde_json::Value> = found.rows.iter().map(item).collect();
    Ok(table.document(&found, &items))
}
