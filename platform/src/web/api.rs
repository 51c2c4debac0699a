//! The API: what pages do, as JSON, with a token. Failures are problem documents (RFC 9457).

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::Viewer;
use super::pages::rounds::{Recorded, Specified};
use super::pages::submissions::{COLUMNS, counts, own, scores};
use super::people::Sent;
use super::table::{Asked, Table};
use super::view;
use crate::acts::{self, Person, receive, slots};
use crate::game::{Kind, Phase, Round};
use crate::store::submissions::{self as table, State as Progress, Submission};
use crate::store::{Conn, house, rounds, teams};
use crate::work::Outcome;
use crate::world::iso;
use crate::{App, Failure, Millis};

pub(crate) async fn me(viewer: Viewer) -> Result<Json<Value>, Failure> {
    let account = viewer.account()?;
    Ok(Json(json!({ "name": account.name, "email": account.email, "role": account.role, "team": viewer.team })))
}

fn round_json(round: &Round, now: Millis) -> Value {
    json!({
        "number": round.number,
        "name": round.name,
        "phase": round.phase(now).name(),
        "phase_ends": round.phase_ends(now).map(iso),
        "opens_at": iso(round.opens_at),
        "defence_at": iso(round.defence_at),
        "attack_at": iso(round.attack_at),
        "closes_at": iso(round.closes_at),
        "settled": round.settled_at.is_some(),
        "rules": round.settings.rules,
        "test_traces": round.settings.test_traces,
        "profile": round.settings.profile.name(),
        "rule": round.settings.profile.rule(),
        "counting": round.settings.counting,
        "incomplete": round.settings.incomplete,
        "matches_per_team": round.settings.matches_per_team,
        "freeze_at": round.settings.freeze_at.map(iso),
        "scores_during": round.settings.scores_during,
        "scores_after": round.settings.scores_after,
        "limits": round.settings.limits,
        "plausibility": round.settings.plausibility,
        "undefended": round.settings.baseline.is_some(),
        "specifications": round.settings.specifications,
        "recordings": round.settings.recordings,
    })
}

pub(crate) async fn rounds(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    let now = app.now();
    let all = rounds::all(&mut *app.store.read().await?).await?;
    let shown = all.iter().filter(|round| viewer.organises() || round.phase(now) != Phase::Planned);
    Ok(Json(shown.map(|round| round_json(round, now)).collect()))
}

pub(crate) async fn round(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Json<Value>, Failure> {
    let mut conn = app.store.read().await?;
    let round = view::round(&app, &mut conn, &viewer, number).await?;
    let mut document = round_json(&round, app.now());
    if let Some(team) = &viewer.team {
        document["defence_slots"] =
            serde_json::to_value(slots(&app, &mut conn, &round, &team.id, Kind::Defence, None).await?)?;
        document["attack_slots"] =
            serde_json::to_value(slots(&app, &mut conn, &round, &team.id, Kind::Attack, None).await?)?;
    }
    Ok(Json(document))
}

pub(crate) async fn targets(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Json<Value>, Failure> {
    let mut conn = app.store.read().await?;
    let round = view::round(&app, &mut conn, &viewer, number).await?;
    let targets = acts::targets(&mut conn, &round, &viewer.team()?.id).await?;
    let line = |target: &acts::Target| {
        let base = format!("/api/v1/rounds/{number}/targets/{}", target.team.number);
        json!({
            "team_id": target.team.number,
            "name": target.team.name,
            "train": format!("{base}/train.csv.zip"),
            "test": format!("{base}/test.csv.zip"),
        })
    };
    Ok(Json(targets.iter().map(line).collect()))
}

#[derive(Deserialize)]
pub(crate) struct Against {
    /// The number of a team; without it the attack is on all opponents.
    team: Option<i64>,
}

pub(crate) async fn defence(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    body: Body,
) -> Result<Response, Failure> {
    uploaded(&app, &viewer, number, Kind::Defence, None, body).await
}

pub(crate) async fn attack(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Query(against): Query<Against>,
    body: Body,
) -> Result<Response, Failure> {
    uploaded(&app, &viewer, number, Kind::Attack, against.team, body).await
}

pub(crate) async fn specification(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Sent(sent): Sent<Specified>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let person = Person::from(viewer.account()?);
    let taken = acts::submit_specification(&app, &person, viewer.team()?, &round, &sent.specification).await?;
    accepted(&app, &viewer, taken).await
}

pub(crate) async fn recording(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Sent(sent): Sent<Recorded>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let person = Person::from(viewer.account()?);
    let taken = acts::submit_recording(&app, &person, viewer.team()?, &round, &sent.recording).await?;
    accepted(&app, &viewer, taken).await
}

async fn uploaded(
    app: &App,
    viewer: &Viewer,
    number: i64,
    kind: Kind,
    against: Option<i64>,
    body: Body,
) -> Result<Response, Failure> {
    let round = view::round(app, &mut *app.store.read().await?, viewer, number).await?;
    let person = Person::from(viewer.account()?);
    acts::announce(app, &person, viewer.team()?, &round, kind).await?;
    let received = receive(app, body.into_data_stream()).await?;
    let taken = acts::submit(app, &person, viewer.team()?, &round, kind, against, received).await?;
    accepted(app, viewer, taken).await
}

async fn accepted(app: &App, viewer: &Viewer, taken: (Submission, bool)) -> Result<Response, Failure> {
    let (submission, new) = taken;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let place = format!("/api/v1/submissions/{}", submission.id);
    let document = describe(app, &mut *app.store.read().await?, viewer, submission).await?;
    Ok((status, [(header::LOCATION, place)], Json(document)).into_response())
}

async fn describe(app: &App, conn: &mut Conn, viewer: &Viewer, submission: Submission) -> Result<Value, Failure> {
    let now = app.now();
    let round = rounds::by_id(conn, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    let outcome: Option<Outcome> = submission.outcome.as_deref().map(serde_json::from_str).transpose()?;
    let outcome = outcome.map(|outcome| if viewer.organises() { outcome } else { outcome.for_team() });
    let scores = scores(conn, &round, &submission, viewer, now).await?;
    let scores: Vec<Value> = scores
        .into_iter()
        .map(|score| {
            json!({
                "attacker": score.attacker,
                "defender": score.defender,
                "part": score.part,
                "traces": score.traces,
                "accuracy": score.accuracy.parse::<f64>().ok(),
                "roc_auc": score.roc_auc.parse::<f64>().ok(),
                "interval": score.interval.split_once(" to ").map(|(low, high)| {
                    [low, high].map(|one| one.parse::<f64>().ok())
                }),
                "gain_of_area": score.gain.parse::<f64>().ok(),
                "gain_of_hits": score.hits.parse::<f64>().ok(),
                "true_positives_at_1_percent": score.true_positives.parse::<f64>().ok(),
            })
        })
        .collect();
    let against = match &submission.against {
        Some(id) => teams::by_id(conn, id).await?.map(|team| team.number),
        None => None,
    };
    let ahead = match submission.state() {
        Progress::Queued => Some(table::ahead(conn, &submission).await?),
        _ => None,
    };
    let counts = match submission.kind() {
        Kind::Defence => Some(counts(conn, &round, &submission, now).await?),
        Kind::Attack => None,
    };
    let house = house::of_submission(conn, &submission.id).await?;
    Ok(json!({
        "id": submission.id,
        "round": round.number,
        "kind": submission.kind().name(),
        "against": against,
        "state": submission.state().name(),
        "ahead": ahead,
        "reason": submission.reason,
        "bytes": submission.bytes,
        "sha256": submission.sha256,
        "received_at": iso(submission.received_at),
        "finished_at": submission.finished_at.map(iso),
        "counts": counts,
        "outcome": outcome,
        "scores": scores,
        "house": house.iter().map(|one| json!({ "attacker": one.attacker, "state": one.state })).collect::<Vec<_>>(),
    }))
}

pub(crate) async fn submissions(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let sorted = Table::read(&asked, COLUMNS, "received", &[])?;
    let mut conn = app.store.read().await?;
    let found = table::page_of_team(&mut conn, &viewer.team()?.id, "", &sorted.ask()?).await?;
    let mut list = Vec::new();
    for submission in &found.rows {
        list.push(describe(&app, &mut conn, &viewer, submission.clone()).await?);
    }
    Ok(sorted.document(&found, &list))
}

pub(crate) async fn submission(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let mut conn = app.store.read().await?;
    let submission = own(&mut conn, &viewer, &id).await?;
    Ok(Json(describe(&app, &mut conn, &viewer, submission).await?))
}

pub(crate) async fn choose(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let chosen = own(&mut *app.store.read().await?, &viewer, &id).await?;
    acts::choose(&app, &Person::from(viewer.account()?), &chosen.id).await?;
    submission(State(app), viewer, Path(id)).await
}
