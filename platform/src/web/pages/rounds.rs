//! A round, and what a team does in it.

use askama::Template;
use axum::body::Body;
use axum::extract::{Multipart, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use wfkit_competition::{Implausible, Plausibility};

use super::home::RoundLine;
use super::submissions::cost;
use crate::acts::{self, Person};
use crate::game::{Audience, Counting, Incomplete, Kind, Phase, Round, Settings, Slots};
use crate::store::rounds;
use crate::store::submissions::{self, Submission};
use crate::web::form::Checked;
use crate::web::guard::{Viewer, tell};
use crate::web::show::When;
use crate::web::upload;
use crate::web::view::{self, Errors, Page, again, html};
use crate::work::Outcome;
use crate::world::counted;
use crate::{App, Failure};

#[derive(Template)]
#[template(path = "round.html")]
struct RoundPage {
    page: Page,
    line: RoundLine,
    times: Vec<(&'static str, When, bool)>,
    settings: Vec<(&'static str, String)>,
    /// Of all, and those of the viewer's team.
    matches: i64,
    own_matches: usize,
    own_team: i64,
    settled: bool,
}

pub(crate) async fn one(State(app): State<App>, viewer: Viewer, Path(number): Path<i64>) -> Result<Response, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let round = view::round(&app, &mut conn, &viewer, number).await?;
    let matches = rounds::matches(&mut conn, &round.id).await?;
    let own = |team: &str| matches.iter().filter(|(attacker, defender)| attacker == team || defender == team).count();
    let own_matches = viewer.team.as_ref().map_or(0, |team| own(&team.id));
    let own_team = viewer.team.as_ref().map_or(0, |team| team.number);
    let phase = round.phase(now);
    let mut times = vec![
        ("Opening", When(round.opens_at), phase == Phase::Opening),
        ("Defence", When(round.defence_at), phase == Phase::Defence),
        ("Attack", When(round.attack_at), phase == Phase::Attack),
    ];
    times.extend(round.settings.freeze_at.map(|at| ("The board stands still", When(at), false)));
    times.push(("Closed", When(round.closes_at), phase == Phase::Closed));
    let page = Page::new(&app, &viewer, format!("Round {number}: {}", round.name));
    let settled = round.settled_at.is_some();
    let settings = described(&round);
    let (matches, line) = (matches.len() as i64, RoundLine::new(round, now));
    html(&RoundPage { page, line, times, settings, matches, own_matches, own_team, settled })
}

fn described(round: &Round) -> Vec<(&'static str, String)> {
    let settings = &round.settings;
    let rules = &settings.rules;
    let reps = rules.reps();
    let limits = settings.limits;
    vec![
        ("Classes", format!("{}, named 1 to {}", rules.classes, rules.classes)),
        ("Traces of a class", format!("{} to {}", reps.start(), reps.end())),
        ("Packets of a trace", format!("{} at least", rules.min_packets + 1)),
        ("Test traces", settings.test_traces.to_string()),
        (
            "Matches",
            format!(
                "each team attacks {} and is attacked by as many",
                counted(settings.matches_per_team as i64, "other")
            ),
        ),
        (
            "Teams with empty seats",
            match settings.incomplete {
                Incomplete::Play => "play like others",
                Incomplete::SitOut => "are not matched",
            }
            .to_owned(),
        ),
        ("Score", settings.profile.name().to_owned()),
        (
            "Of several attacks of a match",
            match settings.counting {
                Counting::Best => "the one with the best public score counts",
                Counting::Last => "the last one counts",
                Counting::Chosen => "the one that the team chose counts, or the last",
            }
            .to_owned(),
        ),
        (
            "Scores are seen by",
            format!("{} before the end, {} after it", seen_by(settings.scores_during), seen_by(settings.scores_after)),
        ),
        (
            "Uploads",
            format!(
                "{} accepted and {} in all in any {}",
                limits.accepted,
                limits.total,
                counted(limits.window_hours, "hour")
            ),
        ),
        (
            "Undefended traffic",
            if settings.baseline.is_some() { "known: utility is measured against it" } else { "not given" }.to_owned(),
        ),
        ("Dummy traffic", dummy_traffic(settings)),
        (
            "Defences",
            match (settings.specifications && settings.baseline.is_some(), settings.recordings) {
                (false, false) => "traces",
                (true, false) => "traces, or a specification that the server runs",
                (false, true) => "traces, or one of SecretStroll that the laboratory records",
                (true, true) => {
                    "traces, a specification that the server runs, or one of SecretStroll that the laboratory records"
                }
            }
            .to_owned(),
        ),
    ]
}

/// What becomes of traffic that cannot have carried the answers.
pub(super) fn dummy_traffic(settings: &Settings) -> String {
    let Plausibility { verdict, least_share } = settings.plausibility;
    if settings.baseline.is_none() {
        return "cannot be told from a defence: there is no undefended traffic to hold it against".to_owned();
    }
    let of = if settings.answers.is_empty() { "" } else { " of each class" };
    let becomes = match verdict {
        Implausible::Refuse => "is refused",
        Implausible::Hold => "does not count until organisers accept it",
        Implausible::Flag => "is warned of, and counts",
    };
    format!("what carries less than {least_share} of the undefended incoming bytes{of} {becomes}")
}

fn seen_by(audience: Audience) -> &'static str {
    match audience {
        Audience::Everyone => "everyone",
        Audience::Accounts => "whoever is signed in",
        Audience::OwnTeam => "each team, its own",
        Audience::Nobody => "the organisers alone",
    }
}

/// Uploads that the form shows below; all are on the page of submissions.
const EARLIER: usize = 10;

#[derive(Template)]
#[template(path = "upload.html")]
struct UploadPage {
    page: Page,
    errors: Errors,
    line: RoundLine,
    kind: Kind,
    open: bool,
    slots: Slots,
    next_at: Option<When>,
    targets: Vec<(i64, String)>,
    earlier: Vec<(Submission, When, String)>,
    reps: (u64, u64),
}

async fn upload_page(
    app: &App,
    viewer: &Viewer,
    number: i64,
    kind: Kind,
    errors: Errors,
) -> Result<UploadPage, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let round = view::round(app, &mut conn, viewer, number).await?;
    let team = viewer.team()?;
    let targets = acts::targets(&mut conn, &round, &team.id).await?;
    let slots = acts::slots(app, &mut conn, &round, &team.id, kind, None).await?;
    let all = submissions::of_round(&mut conn, &round.id, kind).await?;
    let own = all.into_iter().filter(|one| one.team_id == team.id).rev();
    let name = |id: &String| targets.iter().find(|target| target.team.id == *id).map(|target| target.team.name.clone());
    let earlier = own
        .take(EARLIER)
        .map(|one| {
            let on = one.against.as_ref().map_or("all".to_owned(), |id| name(id).unwrap_or_default());
            (one.clone(), When(one.received_at), on)
        })
        .collect();
    let open = round.phase(now) == kind.phase() && (kind == Kind::Defence) == round.settled_at.is_none();
    let reps = round.settings.rules.reps();
    let page = Page::new(app, viewer, format!("Round {number}: {}", kind.name()));
    Ok(UploadPage {
        page,
        errors,
        line: RoundLine::new(round, now),
        kind,
        open,
        slots,
        next_at: slots.next_at.map(When),
        targets: targets.into_iter().map(|target| (target.team.number, target.team.name)).collect(),
        earlier,
        reps: (*reps.start(), *reps.end()),
    })
}

pub(crate) async fn defence_form(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    html(&upload_page(&app, &viewer, number, Kind::Defence, Errors::default()).await?)
}

pub(crate) async fn attack_form(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    html(&upload_page(&app, &viewer, number, Kind::Attack, Errors::default()).await?)
}

pub(crate) async fn defence(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    form: Multipart,
) -> Result<Response, Failure> {
    uploaded(&app, &viewer, number, Kind::Defence, form).await
}

pub(crate) async fn attack(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    form: Multipart,
) -> Result<Response, Failure> {
    uploaded(&app, &viewer, number, Kind::Attack, form).await
}

async fn uploaded(app: &App, viewer: &Viewer, number: i64, kind: Kind, form: Multipart) -> Result<Response, Failure> {
    let sent = async {
        let round = view::round(app, &mut *app.store.read().await?, viewer, number).await?;
        let person = Person::from(viewer.account()?);
        let announced = acts::announce(app, &person, viewer.team()?, &round, kind);
        let form = upload::read(app, viewer, form, announced).await?;
        acts::submit(app, &person, viewer.team()?, &round, kind, form.against, form.file).await
    };
    match sent.await {
        Ok(taken) => received(app, viewer, taken).await,
        Err(failure) => not_taken(app, viewer, number, kind, failure).await,
    }
}

#[derive(Template)]
#[template(path = "try.html")]
struct TryPage {
    page: Page,
    errors: Errors,
    number: i64,
    rules: wfkit_competition::Rules,
    outcome: Option<Outcome>,
    cost: Vec<(&'static str, String, String)>,
}

fn try_page(app: &App, viewer: &Viewer, round: &Round, errors: Errors, outcome: Option<Outcome>) -> TryPage {
    TryPage {
        page: Page::new(app, viewer, format!("Try a defence for round {}", round.number)),
        errors,
        number: round.number,
        rules: round.settings.rules,
        cost: outcome.as_ref().map(cost).unwrap_or_default(),
        outcome,
    }
}

pub(crate) async fn try_form(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    html(&try_page(&app, &viewer, &round, Errors::default(), None))
}

/// Checks a file and forgets it.
pub(crate) async fn try_file(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    form: Multipart,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let person = Person::from(viewer.account()?);
    let tried = async {
        let form = upload::read(&app, &viewer, form, acts::announce_trial(&app, &person)).await?;
        crate::work::try_defence(&app, &round, form.file.path().to_owned()).await
    };
    match tried.await {
        Ok(outcome) => html(&try_page(&app, &viewer, &round, Errors::default(), Some(outcome))),
        Err(failure @ (Failure::Invalid(_) | Failure::TooMany { .. } | Failure::TooLarge(_))) => {
            again(&try_page(&app, &viewer, &round, Errors::from(&failure), None), &failure)
        }
        Err(failure) => Err(failure),
    }
}

async fn received(app: &App, viewer: &Viewer, taken: (Submission, bool)) -> Result<Response, Failure> {
    let (submission, new) = taken;
    let notice = if new { "Received. It is checked now." } else { "The same file was here already: this is it." };
    tell(app, viewer, &format!("/submissions/{}", submission.id), notice).await
}

/// What is wrong, on the page with the form; what no form can mend is a page of its own.
async fn not_taken(app: &App, viewer: &Viewer, number: i64, kind: Kind, failure: Failure) -> Result<Response, Failure> {
    match failure {
        Failure::Conflict(_) | Failure::Invalid(_) | Failure::TooMany { .. } | Failure::TooLarge(_) => {
            again(&upload_page(app, viewer, number, kind, Errors::from(&failure)).await?, &failure)
        }
        failure => Err(failure),
    }
}

/// A defence as a specification, from a form or the API.
#[derive(Deserialize)]
pub(crate) struct Specified {
    pub(crate) specification: String,
}

pub(crate) async fn specification(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Checked(form): Checked<Specified>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let person = Person::from(viewer.account()?);
    match acts::submit_specification(&app, &person, viewer.team()?, &round, &form.specification).await {
        Ok(taken) => received(&app, &viewer, taken).await,
        Err(failure) => not_taken(&app, &viewer, number, Kind::Defence, failure).await,
    }
}

/// A defence of SecretStroll, in TOML, from a form or the API.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub(crate) recording: String,
}

pub(crate) async fn recording(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Checked(form): Checked<Recorded>,
) -> Result<Response, Failure> {
    let round = view::round(&app, &mut *app.store.read().await?, &viewer, number).await?;
    let person = Person::from(viewer.account()?);
    match acts::submit_recording(&app, &person, viewer.team()?, &round, &form.recording).await {
        Ok(taken) => received(&app, &viewer, taken).await,
        Err(failure) => not_taken(&app, &viewer, number, Kind::Defence, failure).await,
    }
}

/// The train or test file of a team that the viewer's attacks.
pub(crate) async fn target(
    State(app): State<App>,
    viewer: Viewer,
    Path((number, team, part)): Path<(i64, i64, String)>,
) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let round = view::round(&app, &mut conn, &viewer, number).await?;
    let targets = acts::targets(&mut conn, &round, &viewer.team()?.id).await?;
    let target = targets.into_iter().find(|target| target.team.number == team).ok_or(Failure::NotFound)?;
    let part = match part.as_str() {
        "train" | "train.csv.zip" => "train",
        "test" | "test.csv.zip" => "test",
        _ => return Err(Failure::NotFound),
    };
    let name = format!("round_{number}_team_{team}_{part}.csv.zip");
    send(&app, &app.files.part(&target.defence, team, part), &name).await
}

/// A file, streamed.
pub(crate) async fn send(app: &App, path: &std::path::Path, name: &str) -> Result<Response, Failure> {
    app.files.fetch(&[path.to_owned()], &app.world.id()).await?;
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let kind = match name.rsplit('.').next() {
        Some("zip") => "application/zip",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "text/csv; charset=utf-8",
    };
    let body = Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, 1 << 16));
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, body).into_response())
}
