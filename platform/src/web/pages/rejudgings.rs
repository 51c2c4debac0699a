//! Rejudgings: what would change is looked at before it does.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::account::Nothing;
use crate::acts;
use crate::game::{Kind, Round};
use crate::store::rejudgings::{self, Rejudging};
use crate::store::results::ScoreRow;
use crate::store::{results, rounds, submissions, teams};
use crate::web::form::Checked;
use crate::web::guard::{Viewer, tell};
use crate::web::show::When;
use crate::web::view::{Errors, Page, again, html};
use crate::{App, Failure};

#[derive(Template)]
#[template(path = "rejudgings.html")]
struct ListPage {
    page: Page,
    errors: Errors,
    list: Vec<(Rejudging, When, i64)>,
    rounds: Vec<Round>,
}

async fn list_page(app: &App, viewer: &Viewer, errors: Errors) -> Result<ListPage, Failure> {
    let mut conn = app.store.read().await?;
    let rounds = rounds::all(&mut conn).await?;
    let number = |id: &str| rounds.iter().find(|round| round.id == id).map_or(0, |round| round.number);
    let all = rejudgings::all(&mut conn).await?;
    let list = all.into_iter().map(|one| (one.clone(), When(one.created_at), number(&one.round_id))).collect();
    Ok(ListPage { page: Page::new(app, viewer, "Rejudgings"), errors, list, rounds })
}

pub(crate) async fn list(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&list_page(&app, &viewer, Errors::default()).await?)
}

#[derive(Deserialize)]
pub(crate) struct Begin {
    round: String,
    kind: String,
    reason: String,
}

pub(crate) async fn begin(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Begin>,
) -> Result<Response, Failure> {
    let kind = [Kind::Defence, Kind::Attack].into_iter().find(|kind| kind.name() == form.kind);
    let begun = async {
        let kind = kind.ok_or_else(|| Failure::field("kind", "defence or attack"))?;
        let number = form.round.parse().map_err(|_| Failure::field("round", "not a number"))?;
        let round = rounds::by_number(&mut *app.store.read().await?, number).await?;
        let round = round.ok_or_else(|| Failure::field("round", "no such round"))?;
        acts::begin_rejudging(&app, viewer.name(), &round, kind, &form.reason).await
    };
    match begun.await {
        Ok(id) => Ok(Redirect::to(&format!("/organise/rejudgings/{id}")).into_response()),
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&list_page(&app, &viewer, Errors::from(&failure)).await?, &failure),
    }
}

/// What one submission is, and would be.
struct Change {
    submission: String,
    team: String,
    before: String,
    after: String,
    moved: bool,
    scores: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "rejudging.html")]
struct OnePage {
    page: Page,
    rejudging: Rejudging,
    at: When,
    number: i64,
    done: usize,
    all: usize,
    changes: Vec<Change>,
    moved: usize,
}

/// Areas by attacker, defender and part.
fn areas(rows: &[ScoreRow]) -> BTreeMap<(String, String, String), f64> {
    rows.iter().map(|row| ((row.attacker.clone(), row.defender_id.clone(), row.part.clone()), row.roc_auc)).collect()
}

pub(crate) async fn one(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let rejudging = rejudgings::by_id(&mut conn, &id).await?.ok_or(Failure::NotFound)?;
    let number = rounds::by_id(&mut conn, &rejudging.round_id).await?.map_or(0, |round| round.number);
    let names: BTreeMap<String, String> =
        teams::all(&mut conn).await?.into_iter().map(|team| (team.id, team.name)).collect();
    let name = |id: &String| names.get(id).cloned().unwrap_or_default();
    let list = rejudgings::list(&mut conn, &id).await?;
    let mut changes = Vec::new();
    for one in &list {
        let (Some(after), Some(submission)) = (&one.state, submissions::by_id(&mut conn, &one.submission_id).await?)
        else {
            continue;
        };
        let new: Vec<ScoreRow> = one.scores.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        let (old, new) = (areas(&results::of_submission(&mut conn, &submission.id).await?), areas(&new));
        let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        let shown = |area: Option<&f64>| area.map_or("none".to_owned(), |area| format!("{area:.6}"));
        let scores: Vec<(String, String)> = keys
            .into_iter()
            .filter(|&key| old.get(key) != new.get(key))
            .map(|key| {
                let what = format!("{} on {}, {}", key.0, name(&key.1), key.2);
                (what, format!("{} to {}", shown(old.get(key)), shown(new.get(key))))
            })
            .collect();
        let before = submission.state().name().to_owned();
        let moved = before != *after || !scores.is_empty();
        changes.push(Change {
            team: name(&submission.team_id),
            submission: submission.id,
            before,
            after: after.clone(),
            moved,
            scores,
        });
    }
    let mut page = Page::new(&app, &viewer, format!("Rejudging of round {number}"));
    page.live = (rejudging.state == "open" && changes.len() < list.len()).then_some(2);
    let moved = changes.iter().filter(|change| change.moved).count();
    let at = When(rejudging.created_at);
    html(&OnePage { page, at, number, done: changes.len(), all: list.len(), changes, moved, rejudging })
}

pub(crate) async fn apply(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::apply_rejudging(&app, viewer.name(), &id).await?;
    tell(&app, &viewer, &format!("/organise/rejudgings/{id}"), "Applied: the new scores count.").await
}

pub(crate) async fn drop(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::drop_rejudging(&app, viewer.name(), &id).await?;
    tell(&app, &viewer, "/organise/rejudgings", "Dropped: nothing has changed.").await
}
