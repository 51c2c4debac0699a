//! A team's submissions.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::account::Nothing;
use super::rounds::send;
use crate::acts::{self, Person};
use crate::contest::Sight;
use crate::game::{Kind, Phase, Round};
use crate::store::house::{self, House};
use crate::store::submissions::{self, State as Progress, Submission};
use crate::store::{Conn, results, rounds, teams};
use crate::web::form::Checked;
use crate::web::guard::{Viewer, tell};
use crate::web::show::{When, count, number, percent, size};
use crate::web::table::{Asked, Column, Head, Listed, More, Table};
use crate::web::view::{Page, html};
use crate::work::{AttackDetail, Outcome};
use crate::{App, Failure, Millis};

/// A submission in a list.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) round: i64,
    pub(crate) team: String,
    pub(crate) kind: &'static str,
    pub(crate) on: String,
    pub(crate) at: When,
    pub(crate) size: String,
    pub(crate) state: &'static str,
    pub(crate) reason: String,
}

pub(crate) async fn lines(conn: &mut Conn, list: Vec<Submission>) -> Result<Vec<Line>, Failure> {
    let rounds: std::collections::BTreeMap<String, i64> =
        rounds::all(conn).await?.into_iter().map(|round| (round.id, round.number)).collect();
    let teams: std::collections::BTreeMap<String, String> =
        teams::all(conn).await?.into_iter().map(|team| (team.id, team.name)).collect();
    let name = |id: &String| teams.get(id).cloned().unwrap_or_default();
    let line = |one: Submission| Line {
        round: rounds.get(&one.round_id).copied().unwrap_or_default(),
        team: name(&one.team_id),
        kind: one.kind().name(),
        on: one.against.as_ref().map_or_else(String::new, name),
        at: When(one.received_at),
        size: size(one.bytes),
        state: one.state().name(),
        reason: one.reason.clone().unwrap_or_default(),
        id: one.id,
    };
    Ok(list.into_iter().map(line).collect())
}

#[derive(Template)]
#[template(path = "submissions.html")]
struct ListPage {
    page: Page,
    heads: Vec<Head>,
    lines: Vec<Line>,
    more: More,
}

/// What submissions of a team are sorted by, on the page and over the API.
pub(crate) const COLUMNS: &Listed = &[
    Column::row_of_time("received", "Received", submissions::by::RECEIVED),
    Column::number("round", "Round", submissions::by::ROUND),
    Column::text("kind", "Kind", submissions::by::KIND),
    Column::text("state", "State", submissions::by::STATE),
    Column::number("size", "Size", submissions::by::SIZE),
    Column::plain("Why"),
];

pub(crate) async fn list(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let table = Table::read(&asked, COLUMNS, "received", &[])?;
    let mut conn = app.store.read().await?;
    let own = submissions::page_of_team(&mut conn, &viewer.team()?.id, "", &table.ask()?).await?;
    let follows = own.rows.iter().any(|one| !one.state().is_final());
    let (heads, more) = (table.heads(), table.more(&own));
    let mut page = Page::new(&app, &viewer, "Submissions");
    page.live = follows.then_some(3);
    let lines = lines(&mut conn, own.rows).await?;
    html(&ListPage { page, heads, lines, more })
}

/// The submission of an id, if the viewer's team made it or the viewer organises. That there is another is not told.
pub(crate) async fn own(conn: &mut Conn, viewer: &Viewer, id: &str) -> Result<Submission, Failure> {
    let found = submissions::by_id(conn, id).await?;
    let team = viewer.team.as_ref().map(|team| team.id.as_str());
    found.filter(|one| Some(one.team_id.as_str()) == team).ok_or(Failure::NotFound)
}

/// A score as it is shown.
pub(crate) struct ScoreLine {
    pub(crate) attacker: String,
    pub(crate) defender: String,
    pub(crate) part: String,
    pub(crate) traces: i64,
    pub(crate) accuracy: String,
    pub(crate) roc_auc: String,
    pub(crate) interval: String,
    pub(crate) true_positives: String,
    /// Area over that of the control.
    pub(crate) gain: String,
    /// Hits over those of the control, lucky ones subtracted from both.
    pub(crate) hits: String,
}

/// The share of traces told right beyond those that a guess gets: 0 for a guess among `classes`, 1 for all.
fn without_luck(accuracy: f64, classes: usize) -> Option<f64> {
    let luck = 1.0 / classes as f64;
    (classes > 1).then(|| (accuracy - luck) / (1.0 - luck))
}

/// Scores of a submission as somebody sees them: those of the private half when the round is over only.
pub(crate) async fn scores(
    conn: &mut Conn,
    round: &Round,
    submission: &Submission,
    viewer: &Viewer,
    now: i64,
) -> Result<Vec<ScoreLine>, Failure> {
    let sight = Sight::of(round, viewer.account.as_ref(), viewer.team.as_ref(), now);
    if !sight.covers(&submission.team_id) {
        return Ok(Vec::new());
    }
    let over = round.phase(now) == Phase::Closed || viewer.organises();
    let all = results::of_round(conn, &round.id).await?;
    let mut lines = Vec::new();
    for row in results::of_submission(conn, &submission.id).await? {
        if row.part != "public" && !over {
            continue;
        }
        let detail: AttackDetail = serde_json::from_str(&row.detail)?;
        let control = all.iter().find(|other| {
            other.attacker == crate::work::CONTROL && other.defender_id == row.defender_id && other.part == row.part
        });
        let defender = teams::by_id(conn, &row.defender_id).await?.map_or_else(String::new, |team| team.name);
        lines.push(ScoreLine {
            attacker: if row.attacker == "team" { "your team".to_owned() } else { format!("house ({})", row.attacker) },
            defender,
            part: row.part.clone(),
            traces: row.traces,
            accuracy: number(row.accuracy, 4),
            roc_auc: number(row.roc_auc, 4),
            interval: detail.interval.map_or("–".to_owned(), |one| format!("{:.4} to {:.4}", one.low, one.high)),
            true_positives: number(detail.tpr_at_1_percent, 4),
            hits: control
                .and_then(|control| {
                    let classes = round.settings.rules.classes;
                    Some(without_luck(row.accuracy, classes)? - without_luck(control.accuracy, classes)?)
                })
                .map_or("–".to_owned(), |gain| format!("{gain:+.4}")),
            gain: control.map_or("–".to_owned(), |control| format!("{:+.4}", row.roc_auc - control.roc_auc)),
        });
    }
    Ok(lines)
}

#[derive(Template)]
#[template(path = "submission.html")]
pub(crate) struct SubmissionPage {
    page: Page,
    base: &'static str,
    submission: Submission,
    line: Line,
    state: Progress,
    ahead: i64,
    received: When,
    finished: Option<When>,
    outcome: Outcome,
    cost: Vec<(&'static str, String, String)>,
    scores: Vec<ScoreLine>,
    house: Vec<House>,
    over: bool,
    can_choose: bool,
    counts: bool,
    specification: Option<String>,
}

pub(crate) async fn page_of(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    submission: Submission,
    base: &'static str,
) -> Result<SubmissionPage, Failure> {
    let now = app.now();
    let round = rounds::by_id(conn, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    let outcome: Outcome = submission.outcome.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let state = submission.state();
    let scores = scores(conn, &round, &submission, viewer, now).await?;
    let ahead = if state == Progress::Queued { submissions::ahead(conn, &submission).await? } else { 0 };
    let mut page = Page::new(app, viewer, format!("Round {}: {}", round.number, submission.kind().name()));
    let house = house::of_submission(conn, &submission.id).await?;
    let follows = !state.is_final() || house.iter().any(|one| one.state == "queued" || one.state == "running");
    page.live = follows.then_some(2);
    let line = lines(conn, vec![submission.clone()]).await?.remove(0);
    let is_defence = submission.kind() == Kind::Defence;
    let counts = is_defence && counts(conn, &round, &submission, now).await?;
    let can_choose =
        !counts && state == Progress::Done && acts::not_to_choose(&round, submission.kind(), now).is_none();
    let specification = match submission.is_of_words() {
        true => {
            let path = app.files.upload(&submission.id, &submission.file_name);
            app.files.fetch(std::slice::from_ref(&path), &app.world.id()).await?;
            tokio::fs::read_to_string(path).await.ok()
        }
        false => None,
    };
    Ok(SubmissionPage {
        page,
        base,
        line,
        state,
        ahead,
        received: When(submission.received_at),
        finished: submission.finished_at.map(When),
        cost: cost(&outcome),
        outcome,
        house,
        scores,
        over: round.phase(now) == Phase::Closed,
        can_choose,
        counts,
        specification,
        submission,
    })
}

/// Whether a defence is the one that its team has in the round.
pub(crate) async fn counts(
    conn: &mut Conn,
    round: &Round,
    submission: &Submission,
    now: Millis,
) -> Result<bool, Failure> {
    let contest = crate::contest::load(conn, round).await?;
    Ok(contest.defence_of(&submission.team_id, now).is_some_and(|defence| defence.id == submission.id))
}

pub(super) fn cost(outcome: &Outcome) -> Vec<(&'static str, String, String)> {
    let Some(cost) = &outcome.cost else { return Vec::new() };
    let [over_in, over_out, over_time] = outcome.overhead.unwrap_or_default();
    vec![
        ("Median bytes in", count(cost.volumes.in_bytes.median), percent(over_in)),
        ("Median bytes out", count(cost.volumes.out_bytes.median), percent(over_out)),
        ("Median seconds", number(cost.volumes.seconds.median, 3), percent(over_time)),
        ("Utility score of 2022", number(cost.utility.score, 4), String::new()),
    ]
}

pub(crate) async fn one(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let submission = own(&mut conn, &viewer, &id).await?;
    html(&page_of(&app, &mut conn, &viewer, submission, "/submissions").await?)
}

pub(crate) async fn file(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let submission = own(&mut *app.store.read().await?, &viewer, &id).await?;
    send(&app, &app.files.upload(&submission.id, &submission.file_name), &submission.file_name).await
}

pub(crate) async fn choose(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let submission = own(&mut *app.store.read().await?, &viewer, &id).await?;
    acts::choose(&app, &Person::from(viewer.account()?), &submission.id).await?;
    tell(&app, &viewer, &format!("/submissions/{id}"), &format!("This {} counts now.", submission.kind().name())).await
}
