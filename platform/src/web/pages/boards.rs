//! Leaderboards, the attack matrix, their exports. All of them are of [`crate::contest::seen`].

use std::fmt::Write as _;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::plots::{over_rounds, utility_against_privacy};
use crate::contest::{self, Seen, Sight};
use crate::game::{Board, OverallRow, Phase, Row};
use crate::store::paging::{self, Key};
use crate::store::{rounds, settings};
use crate::web::etag::MadeAt;
use crate::web::figure::{self, Figure};
use crate::web::guard::Viewer;
use crate::web::show::{When, csv_field, number, percent};
use crate::web::table::{Asked, Column, Head, InMemory, Table};
use crate::web::view::{self, Page, html};
use crate::{App, Failure};

pub(super) async fn load(app: &App, viewer: &Viewer, number: i64) -> Result<Seen, Failure> {
    let mut conn = app.store.read().await?;
    let round = view::round(app, &mut conn, viewer, number).await?;
    let seen = contest::seen(&mut conn, &round, viewer.account.as_ref(), viewer.team.as_ref(), app.now()).await?;
    if seen.sight == Sight::Nothing {
        return Err(Failure::Forbidden("The organisers do not show scores of this round now.".to_owned()));
    }
    Ok(seen)
}

struct BoardLine {
    row: Row,
    rank: String,
    change: String,
    utility: String,
    overheads: String,
    /// Whether it costs clearly less than undefended traffic: the traces may be none of the service.
    too_cheap: bool,
    privacy: String,
    best_attacker: String,
    attack: String,
    roc_auc: String,
    total: String,
}

fn line(row: &Row) -> BoardLine {
    let change = match row.change {
        None => String::new(),
        Some(0) => "same".to_owned(),
        Some(won) if won > 0 => format!("up {won}"),
        Some(lost) => format!("down {}", -lost),
    };
    let overheads = row.overheads.map_or_else(String::new, |[bytes_in, bytes_out, seconds]| {
        let parts = [(bytes_in, "in"), (bytes_out, "out"), (seconds, "time")];
        // Lines break between them alone.
        parts.map(|(over, what)| format!("{} {what}", percent(over)).replace(' ', "\u{a0}")).join(", ")
    });
    let too_cheap = row.overheads.is_some_and(|over| over.iter().any(|&one| one < -0.05));
    BoardLine {
        rank: row.rank.map_or("–".to_owned(), |rank| rank.to_string()),
        change,
        utility: number(row.utility, 4),
        overheads,
        too_cheap,
        privacy: number(row.privacy, 4),
        best_attacker: row.best_attacker.clone().unwrap_or_default(),
        attack: number(row.attack, 4),
        roc_auc: row.roc_auc.map_or_else(String::new, |(low, high)| format!("AUC {low:.4} to {high:.4}")),
        total: number(row.total, 2),
        row: row.clone(),
    }
}

#[derive(Template)]
#[template(path = "leaderboard.html")]
struct BoardPage {
    page: Page,
    number: i64,
    name: String,
    phase: &'static str,
    tabs: Vec<(i64, bool)>,
    heads: Vec<Head>,
    lines: Vec<BoardLine>,
    rule: &'static str,
    counting: String,
    as_of: When,
    frozen: bool,
    own_only: bool,
    part: &'static str,
    /// What the chart shows, in words, where there is one.
    chart: Option<String>,
}

/// What a board is sorted by.
const COLUMNS: &InMemory<Row> = &[
    Column::ordinal("rank", "Rank", |row: &Row| Key::from(row.rank.map(|rank| rank as f64))),
    Column::row("team", "Team", |row: &Row| Key::text(&row.name)),
    Column::number("total", "Total", |row: &Row| Key::from(row.total)),
    Column::number("utility", "Utility", |row: &Row| Key::from(row.utility)),
    Column::number("privacy", "Privacy", |row: &Row| Key::from(row.privacy)),
    Column::number("attack", "Attack", |row: &Row| Key::from(row.attack)),
];

pub(crate) async fn round(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    asked: Asked,
) -> Result<Response, Failure> {
    let table = Table::read(&asked, COLUMNS, "rank", &[])?;
    let mut seen = load(&app, &viewer, number).await?;
    let (by, descending) = table.order();
    paging::sort(&mut seen.board.rows, by, descending);
    let now = app.now();
    let all = rounds::all(&mut *app.store.read().await?).await?;
    let tabs = all
        .iter()
        .filter(|round| viewer.organises() || round.phase(now) != Phase::Planned)
        .map(|round| (round.number, round.number == number))
        .collect();
    let round = &seen.contest.round;
    let mut page = Page::new(&app, &viewer, format!("Leaderboard of round {number}"));
    page.live = (round.phase(now) != Phase::Closed).then_some(10);
    let counting = match round.settings.counting {
        crate::game::Counting::Best => "Of several attacks of a match the one with the best public score counts.",
        crate::game::Counting::Chosen => {
            "Of several attacks of a match the one that the team chose counts, or the last."
        }
        crate::game::Counting::Last => "Of several attacks of a match the last one counts.",
    };
    // To the minute, as it is shown: a page that shows the same is the same.
    let as_of = When(seen.board.as_of - seen.board.as_of % 60_000);
    let page = BoardPage {
        page,
        number,
        name: round.name.clone(),
        phase: round.phase(now).name(),
        tabs,
        heads: table.heads(),
        lines: seen.board.rows.iter().map(line).collect(),
        rule: round.settings.profile.rule(),
        counting: counting.to_owned(),
        as_of,
        frozen: seen.frozen,
        own_only: matches!(seen.sight, Sight::Own(_)),
        part: seen.board.part.name(),
        chart: utility_against_privacy(&seen, viewer.team.as_ref().map(|team| team.number)).map(|one| one.finding),
    };
    Ok(made_at(html(&page)?, as_of.to_string()))
}

/// Notes the text of an answer that says when it was made.
fn made_at(mut response: Response, text: String) -> Response {
    response.extensions_mut().insert(MadeAt(text));
    response
}

pub(crate) async fn chart(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, number).await?;
    let own = viewer.team.as_ref().map(|team| team.number);
    let picture = utility_against_privacy(&seen, own).ok_or(Failure::NotFound)?;
    Ok(figure::image(&picture))
}

fn csv(text: String, name: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}

/// A number of a table for machines: all digits, nothing where there is none.
fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

pub(crate) async fn round_csv(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, number).await?;
    let mut text = "rank,team_id,team,utility,privacy,best_attacker,attack,attacks_done,attacks_due,total\n".to_owned();
    for row in &seen.board.rows {
        let rank = row.rank.map_or_else(String::new, |rank| rank.to_string());
        let _ = writeln!(
            text,
            "{rank},{},{},{},{},{},{},{},{},{}",
            row.team,
            csv_field(&row.name),
            exact(row.utility),
            exact(row.privacy),
            csv_field(row.best_attacker.as_deref().unwrap_or_default()),
            exact(row.attack),
            row.attacks_done,
            row.attacks_due,
            exact(row.total),
        );
    }
    Ok(csv(text, &format!("round_{number}_leaderboard.csv")))
}

#[derive(serde::Serialize)]
struct BoardDocument<'a> {
    #[serde(flatten)]
    board: &'a Board,
    frozen: bool,
    profile: &'static str,
    rule: &'static str,
}

pub(crate) async fn round_json(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, number).await?;
    let profile = seen.contest.round.settings.profile;
    let document =
        BoardDocument { board: &seen.board, frozen: seen.frozen, profile: profile.name(), rule: profile.rule() };
    let at = format!("\"as_of\":{}", seen.board.as_of);
    Ok(made_at(Json(document).into_response(), at))
}

/// A score as others see it: while a round runs to four decimals, so that little is learned from many of them.
pub(super) fn round_off(score: f64, over: bool) -> f64 {
    if over { score } else { contest::four_decimals(score) }
}

/// A match as it is shown.
#[derive(Debug, serde::Serialize)]
struct Cell {
    attacker: i64,
    attacker_name: String,
    defender: i64,
    defender_name: String,
    roc_auc: Option<f64>,
    accuracy: Option<f64>,
}

/// Every match that the viewer may see the score of, and the house attacks, whose attacker is team 0.
fn cells(seen: &Seen) -> Vec<Cell> {
    let Seen { contest, board, sight, over, .. } = seen;
    let named = |id: &str| contest.teams.get(id).cloned().unwrap_or_default();
    let mut cells = Vec::new();
    for (attacker, defender) in &contest.matches {
        if !sight.covers(attacker) && !sight.covers(defender) {
            continue;
        }
        let attack = contest.counting(attacker, defender, board.as_of, board.part);
        let ((attacker, attacker_name), (defender, defender_name)) = (named(attacker), named(defender));
        cells.push(Cell {
            attacker,
            attacker_name,
            defender,
            defender_name,
            roc_auc: attack.map(|attack| round_off(attack.roc_auc, *over)),
            accuracy: attack.map(|attack| round_off(attack.accuracy, *over)),
        });
    }
    for attack in &contest.attacks {
        let judged = contest.defence_of(&attack.on, board.as_of).is_some_and(|defence| defence.id == attack.submission);
        let late = attack.at > board.as_of;
        if attack.by.is_ok() || attack.part != board.part || late || !judged || !sight.covers(&attack.on) {
            continue;
        }
        let (defender, defender_name) = named(&attack.on);
        cells.push(Cell {
            attacker: 0,
            attacker_name: contest.name_of(&attack.by),
            defender,
            defender_name,
            roc_auc: Some(round_off(attack.roc_auc, *over)),
            accuracy: Some(round_off(attack.accuracy, *over)),
        });
    }
    cells
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage {
    page: Page,
    number: i64,
    columns: Vec<String>,
    rows: Vec<(String, Vec<(String, &'static str)>)>,
    frozen: bool,
    part: &'static str,
}

pub(crate) async fn matrix(
    State(app): State<App>,
    viewer: Viewer,
    Path(round): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, round).await?;
    let cells = cells(&seen);
    let ordered = |of: fn(&Cell) -> (i64, String)| {
        let mut all: Vec<(i64, String)> = cells.iter().map(of).collect();
        all.sort();
        all.dedup();
        all
    };
    let defenders = ordered(|cell| (cell.defender, cell.defender_name.clone()));
    let attackers = ordered(|cell| (cell.attacker, cell.attacker_name.clone()));
    let rows = attackers
        .iter()
        .map(|(attacker, name)| {
            let values = defenders.iter().map(|(defender, _)| {
                let cell = cells.iter().find(|cell| {
                    (cell.attacker, cell.defender) == (*attacker, *defender) && cell.attacker_name == *name
                });
                match cell.map(|cell| cell.roc_auc) {
                    None => (String::new(), "none"),
                    Some(None) => ("open".to_owned(), "open"),
                    Some(Some(area)) => (number(area, 4), shade(area)),
                }
            });
            (name.clone(), values.collect())
        })
        .collect();
    let columns = defenders.into_iter().map(|(_, name)| name).collect();
    let page = Page::new(&app, &viewer, format!("Attack matrix of round {round}"));
    html(&MatrixPage { page, number: round, columns, rows, frozen: seen.frozen, part: seen.board.part.name() })
}

fn shade(area: f64) -> &'static str {
    ["s0", "s1", "s2", "s3", "s4"][(((area - 0.5) * 10.0).floor().clamp(0.0, 4.0)) as usize]
}

pub(crate) async fn matrix_csv(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, number).await?;
    let mut text = "attacker_id,attacker,defender_id,defender,roc_auc,accuracy\n".to_owned();
    for cell in cells(&seen) {
        let (attacker, defender) = (csv_field(&cell.attacker_name), csv_field(&cell.defender_name));
        let (area, accuracy) = (exact(cell.roc_auc), exact(cell.accuracy));
        let _ = writeln!(text, "{},{attacker},{},{defender},{area},{accuracy}", cell.attacker, cell.defender);
    }
    Ok(csv(text, &format!("round_{number}_matrix.csv")))
}

pub(crate) async fn matrix_json(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let seen = load(&app, &viewer, number).await?;
    let document = serde_json::json!({
        "round": number,
        "as_of": seen.board.as_of,
        "part": seen.board.part,
        "frozen": seen.frozen,
        "matches": cells(&seen),
    });
    let at = format!("\"as_of\":{}", seen.board.as_of);
    Ok(made_at(Json(document).into_response(), at))
}

/// Boards of the rounds whose scores the viewer sees all of.
pub(super) async fn all_boards(app: &App, viewer: &Viewer) -> Result<Vec<Board>, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let mut boards = Vec::new();
    for round in rounds::all(&mut conn).await? {
        if round.phase(now) < Phase::Attack {
            continue;
        }
        let seen = contest::seen(&mut conn, &round, viewer.account.as_ref(), viewer.team.as_ref(), now).await?;
        if seen.sight == Sight::All {
            boards.push(seen.board);
        }
    }
    Ok(boards)
}

/// Their rounds, and the board over them.
async fn all_rounds(app: &App, viewer: &Viewer) -> Result<(Vec<i64>, Vec<OverallRow>, String), Failure> {
    let boards = all_boards(app, viewer).await?;
    let aggregation = settings::competition(&mut *app.store.read().await?).await?.aggregation;
    let numbers = boards.iter().map(|board| board.round).collect();
    Ok((numbers, crate::game::overall(&boards, aggregation), crate::game::name_of(aggregation)))
}

#[derive(Template)]
#[template(path = "overall.html")]
struct OverallPage {
    page: Page,
    rounds: Vec<i64>,
    heads: Vec<Head>,
    rows: Vec<(String, i64, String, Vec<String>, String)>,
    aggregation: String,
    pictures: Vec<Figure>,
}

/// What the board over all rounds is sorted by.
const OVERALL: &InMemory<OverallRow> = &[
    Column::ordinal("rank", "Rank", |row: &OverallRow| Key::from(row.rank.map(|rank| rank as f64))),
    Column::row("team", "Team", |row: &OverallRow| Key::text(&row.name)),
    Column::number("total", "Total", |row: &OverallRow| Key::from(row.total)),
];

pub(crate) async fn overall(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let table = Table::read(&asked, OVERALL, "rank", &[])?;
    let (rounds, mut rows, aggregation) = all_rounds(&app, &viewer).await?;
    let (by, descending) = table.order();
    paging::sort(&mut rows, by, descending);
    let mut heads = table.heads();
    // A round has a board of its own, which is sorted by its totals.
    let of_rounds = rounds.iter().map(|round| Head::plain(format!("Round {round}"), "n"));
    heads.splice(2..2, of_rounds);
    let rows = rows
        .into_iter()
        .map(|row| {
            let rank = row.rank.map_or("–".to_owned(), |rank| rank.to_string());
            let totals = row.totals.iter().map(|&total| number(total, 2)).collect();
            (rank, row.team, row.name, totals, number(row.total, 2))
        })
        .collect();
    let pictures = over_rounds(&app, &viewer).await?;
    let pictures = pictures.into_iter().map(|one| Figure::new(one, "/leaderboard/pictures", "")).collect();
    html(&OverallPage { page: Page::new(&app, &viewer, "Leaderboard"), rounds, heads, rows, aggregation, pictures })
}

pub(crate) async fn overall_csv(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let (rounds, rows, _) = all_rounds(&app, &viewer).await?;
    let mut text = "rank,team_id,team".to_owned();
    for round in rounds {
        let _ = write!(text, ",round_{round}");
    }
    text.push_str(",total\n");
    for row in rows {
        let rank = row.rank.map_or_else(String::new, |rank| rank.to_string());
        let _ = write!(text, "{rank},{},{}", row.team, csv_field(&row.name));
        for total in row.totals {
            let _ = write!(text, ",{}", exact(total));
        }
        let _ = writeln!(text, ",{}", exact(row.total));
    }
    Ok(csv(text, "leaderboard.csv"))
}

pub(crate) async fn overall_json(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let (rounds, rows, aggregation) = all_rounds(&app, &viewer).await?;
    Ok(Json(serde_json::json!({ "rounds": rounds, "aggregation": aggregation, "rows": rows })).into_response())
}
