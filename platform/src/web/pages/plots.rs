//! Pictures of a round, of all rounds, and of what came in: as far as the viewer sees scores, by the same function as boards.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use wfkit_report::picture::{
    CostAxis, Mark, Picture, Placed, Ranked, Slot, SpreadRow, ranks, strip, timeline, tradeoff,
};

use super::boards::{all_boards, load};
use crate::contest::Seen;
use crate::game::{Compared, Profile};
use crate::store::submissions::{self, State as Progress, Submission};
use crate::web::figure::{self, Figure, Named};
use crate::web::guard::Viewer;
use crate::web::view::{Page, html};
use crate::world::utc;
use crate::{App, Failure, Millis};

#[derive(Template)]
#[template(path = "plots.html")]
struct PlotsPage {
    page: Page,
    back: (String, &'static str),
    pictures: Vec<Figure>,
}

/// The name of the pictures' undefended traffic.
const UNDEFENDED: &str = "undefended";

fn own(viewer: &Viewer) -> Option<i64> {
    viewer.team.as_ref().map(|team| team.number)
}

/// Utility against privacy, and in a second panel the time that defences take.
pub(super) fn utility_against_privacy(seen: &Seen, own: Option<i64>) -> Option<Picture> {
    let mut points = Vec::new();
    for row in &seen.board.rows {
        let Some(value) = row.privacy else { continue };
        points.push(Placed {
            name: row.name.clone(),
            mark: if own == Some(row.team) { Mark::Own } else { Mark::Team },
            costs: vec![row.utility, row.overheads.map(|over| over[2])],
            value,
            interval: row.privacy_interval,
        });
    }
    if points.is_empty() {
        return None;
    }
    let settings = &seen.contest.round.settings;
    let reference = |one: Compared| Placed {
        name: one.name,
        mark: Mark::Reference,
        costs: vec![one.utility, one.overheads.map(|over| over[2])],
        value: one.privacy,
        interval: one.interval,
    };
    points.extend(settings.compared().into_iter().map(reference));
    let costs = [
        CostAxis {
            label: if settings.profile == Profile::Balanced { "utility" } else { "utility, as in 2022" },
            more_is_better: true,
        },
        CostAxis { label: "time overhead, 0 is none", more_is_better: false },
    ];
    tradeoff(&format!("Utility against privacy, round {}", seen.board.round), &costs, "privacy", &points).ok()
}

/// How the cost of traces spreads about the medians that are scored. Before matches are drawn of others the medians alone.
async fn spreads(app: &App, seen: &Seen, own: Option<i64>) -> Result<Option<Picture>, Failure> {
    let round = &seen.contest.round;
    if round.settings.baseline.is_none() {
        return Ok(None);
    }
    let mut conn = app.store.read().await?;
    let mut rows = Vec::new();
    for row in &seen.board.rows {
        let Some(overheads) = row.overheads else { continue };
        let is_own = own == Some(row.team);
        let of_team = seen.contest.teams.iter().find(|(_, (number, _))| *number == row.team).map(|(id, _)| id);
        let defence = of_team.and_then(|team| seen.contest.defence_of(team, seen.board.as_of));
        let values = match defence {
            Some(defence) if is_own || round.settled_at.is_some() => {
                let submission = submissions::by_id(&mut conn, &defence.id).await?;
                submission.map(|one| one.outcome()).transpose()?.and_then(|outcome| outcome.spread)
            }
            _ => None,
        };
        rows.push(SpreadRow {
            name: row.name.clone(),
            own: is_own,
            values: values.map_or_else(Vec::new, Vec::from),
            medians: overheads.map(Some).into(),
        });
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let undefended = round.settings.references.iter().find(|one| one.name == UNDEFENDED);
    rows.extend(undefended.map(|one| SpreadRow {
        name: UNDEFENDED.to_owned(),
        own: false,
        values: one.spread.clone().into(),
        medians: vec![Some(0.0); 3],
    }));
    let title = format!("What defences add, round {}", seen.board.round);
    Ok(strip(&title, &["bytes in", "bytes out", "time"], &rows).ok())
}

async fn of_round(app: &App, viewer: &Viewer, number: i64) -> Result<Vec<Named>, Failure> {
    let seen = load(app, viewer, number).await?;
    let own = own(viewer);
    let mut all = Vec::new();
    all.extend(utility_against_privacy(&seen, own).map(|picture| Named::new("utility-privacy", picture)));
    all.extend(spreads(app, &seen, own).await?.map(|picture| Named::new("overheads", picture)));
    Ok(all)
}

pub(crate) async fn round(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let base = format!("/rounds/{number}/pictures");
    let all = of_round(&app, &viewer, number).await?;
    html(&PlotsPage {
        page: Page::new(&app, &viewer, format!("Pictures of round {number}")),
        back: (format!("/rounds/{number}/leaderboard"), "The leaderboard"),
        pictures: all.into_iter().map(|one| Figure::new(one, &base, "")).collect(),
    })
}

pub(crate) async fn round_file(
    State(app): State<App>,
    viewer: Viewer,
    Path((number, name)): Path<(i64, String)>,
) -> Result<Response, Failure> {
    figure::file(of_round(&app, &viewer, number).await?, &name)
}

/// Ranks over the rounds whose scores the viewer sees all of.
pub(super) async fn over_rounds(app: &App, viewer: &Viewer) -> Result<Vec<Named>, Failure> {
    let boards = all_boards(app, viewer).await?;
    let own = own(viewer);
    let mut teams: BTreeMap<i64, Ranked> = BTreeMap::new();
    for (at, board) in boards.iter().enumerate() {
        for row in &board.rows {
            let team = teams.entry(row.team).or_insert_with(|| Ranked {
                name: row.name.clone(),
                own: own == Some(row.team),
                ranks: vec![None; boards.len()],
                totals: vec![None; boards.len()],
            });
            (team.ranks[at], team.totals[at]) = (row.rank, row.total);
        }
    }
    let rounds: Vec<String> = boards.iter().map(|board| format!("round {}", board.round)).collect();
    let teams: Vec<Ranked> = teams.into_values().collect();
    Ok(ranks("Ranks over rounds", &rounds, &teams)
        .ok()
        .map(|picture| Named::new("ranks", picture))
        .into_iter()
        .collect())
}

pub(crate) async fn overall_file(
    State(app): State<App>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    figure::file(over_rounds(&app, &viewer).await?, &name)
}

/// Slices of time that a picture of the queue has.
const SLOTS: i64 = 48;
/// None of them is shorter: a minute.
const SHORTEST: Millis = 60_000;

/// What came over time, and how much of it waited, in slices between the first upload and now.
fn queue(all: &[Submission], now: Millis) -> Option<Picture> {
    let first = all.iter().map(|one| one.received_at).min()?;
    let long = ((now - first) / SLOTS + 1).max(SHORTEST);
    let last = all.iter().map(|one| one.received_at.max(one.finished_at.unwrap_or(0))).max()?.max(now);
    let slots = (last - first) / long + 1;
    let slot = |at: i64| {
        let (from, to) = (first + at * long, first + (at + 1) * long);
        let came: Vec<&Submission> = all.iter().filter(|one| (from..to).contains(&one.received_at)).collect();
        let bad = |one: &&&Submission| matches!(one.state(), Progress::Refused | Progress::Failed);
        let refused = came.iter().filter(bad).count();
        // The most at a time is met when one arrives, or at the beginning.
        let open_at = |at: Millis| {
            let open = |one: &&Submission| one.received_at <= at && one.finished_at.is_none_or(|end| end > at);
            all.iter().filter(open).count()
        };
        let instants = came.iter().map(|one| one.received_at).chain([from]);
        let waits = came.iter().filter_map(|one| Some((one.finished_at? - one.received_at) as f64 / 1000.0));
        Slot {
            from: utc(from),
            taken: (came.len() - refused) as u64,
            refused: refused as u64,
            waiting: instants.map(open_at).max().unwrap_or(0) as u64,
            longest_wait_seconds: waits
                .fold(None, |most: Option<f64>, wait| Some(most.map_or(wait, |most| most.max(wait)))),
        }
    };
    timeline("Submissions over time", &(0..slots).map(slot).collect::<Vec<_>>()).ok()
}

async fn for_organisers(app: &App) -> Result<Vec<Named>, Failure> {
    // Newest first, and so many that a picture of them is no burden.
    let all = submissions::newest(&mut *app.store.read().await?, 5_000).await?;
    Ok(queue(&all, app.now()).map(|picture| Named::new("queue", picture)).into_iter().collect())
}

pub(crate) async fn organise(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let all = for_organisers(&app).await?;
    html(&PlotsPage {
        page: Page::new(&app, &viewer, "What came, and what waited"),
        back: ("/organise".to_owned(), "Organise"),
        pictures: all.into_iter().map(|one| Figure::new(one, "/organise/pictures", "")).collect(),
    })
}

pub(crate) async fn organise_file(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    figure::file(for_organisers(&app).await?, &name)
}
