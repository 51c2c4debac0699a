//! What organisers see and do.

use askama::Template;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use wfkit_competition::{Plausibility, Rules};

use super::account::Nothing;
use super::home::RoundLine;
use super::rounds::{dummy_traffic, send};
use super::submissions::{Line, lines, page_of};
use crate::acts;
use crate::game::{Aggregation, Kind, Limits, Profile, Round, Settings, name_of, parse};
use crate::store::accounts::{self, AccountLine, Invitation};
use crate::store::audit::{self, Entry};
use crate::store::jobs::{self, JobLine};
use crate::store::mail::{self as outbox, Mail};
use crate::store::rounds;
use crate::store::settings::{self, Competition};
use crate::store::submissions as table;
use crate::store::teams::{self, Team};
use crate::web::form::{Checked, optional};
use crate::web::guard::{Viewer, tell};
use crate::web::show::When;
use crate::web::table::{Asked, Column, Head, Listed, More, Table};
use crate::web::view::{Errors, Page, again, html};
use crate::world::{form_time, parse_form_time};
use crate::{App, Failure, Millis};

#[derive(Template)]
#[template(path = "organise.html")]
struct OverviewPage {
    page: Page,
    rounds: Vec<RoundLine>,
    counts: Vec<(String, i64)>,
    competition: Competition,
    aggregation: String,
    accounts: i64,
    teams: usize,
}

pub(crate) async fn overview(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let now = app.now();
    let mut conn = app.store.read().await?;
    let competition = settings::competition(&mut conn).await?;
    html(&OverviewPage {
        page: Page::new(&app, &viewer, "Organise"),
        rounds: rounds::all(&mut conn).await?.into_iter().map(|round| RoundLine::new(round, now)).collect(),
        counts: table::counts(&mut conn).await?,
        aggregation: name_of(competition.aggregation),
        competition,
        accounts: accounts::count(&mut conn).await?,
        teams: teams::all(&mut conn).await?.len(),
    })
}

/// The fields of a round, as they stand in its form.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RoundForm {
    name: String,
    opens_at: String,
    defence_at: String,
    attack_at: String,
    closes_at: String,
    freeze_at: String,
    seed: String,
    classes: String,
    reps_mean: String,
    deviation: String,
    min_packets: String,
    test_traces: String,
    matches_per_team: String,
    profile: String,
    counting: String,
    incomplete: String,
    limit_accepted: String,
    limit_total: String,
    limit_window_hours: String,
    scores_during: String,
    scores_after: String,
    #[serde(default)]
    implausible: String,
    #[serde(default)]
    least_share: String,
    #[serde(default)]
    specifications: String,
    #[serde(default)]
    recordings: String,
}

impl RoundForm {
    fn of(round: &Round) -> Self {
        let settings = &round.settings;
        Self {
            name: round.name.clone(),
            opens_at: form_time(round.opens_at),
            defence_at: form_time(round.defence_at),
            attack_at: form_time(round.attack_at),
            closes_at: form_time(round.closes_at),
            freeze_at: settings.freeze_at.map(form_time).unwrap_or_default(),
            seed: round.seed.to_string(),
            classes: settings.rules.classes.to_string(),
            reps_mean: settings.rules.reps_mean.to_string(),
            deviation: settings.rules.deviation.to_string(),
            min_packets: settings.rules.min_packets.to_string(),
            test_traces: settings.test_traces.to_string(),
            matches_per_team: settings.matches_per_team.to_string(),
            profile: name_of(settings.profile),
            counting: name_of(settings.counting),
            incomplete: name_of(settings.incomplete),
            limit_accepted: settings.limits.accepted.to_string(),
            limit_total: settings.limits.total.to_string(),
            limit_window_hours: settings.limits.window_hours.to_string(),
            scores_during: name_of(settings.scores_during),
            scores_after: name_of(settings.scores_after),
            implausible: name_of(settings.plausibility.verdict),
            least_share: settings.plausibility.least_share.to_string(),
            specifications: if settings.specifications { "yes" } else { "no" }.to_owned(),
            recordings: if settings.recordings { "yes" } else { "no" }.to_owned(),
        }
    }

    /// The round, changed as the form says; everything that cannot be read at once.
    fn apply(&self, round: &Round) -> Result<Round, Failure> {
        let mut wrong = Vec::new();
        // A field that was left as it is keeps the seconds that it does not show.
        let mut time = |name: &'static str, text: &str, before: Millis| {
            if text == form_time(before) {
                return before;
            }
            parse_form_time(text).unwrap_or_else(|| {
                wrong.push((name, "a date and time in UTC, such as 2026-03-01T12:00".to_owned()));
                0
            })
        };
        let times = [
            time("opens_at", &self.opens_at, round.opens_at),
            time("defence_at", &self.defence_at, round.defence_at),
            time("attack_at", &self.attack_at, round.attack_at),
            time("closes_at", &self.closes_at, round.closes_at),
        ];
        let freeze_at = match self.freeze_at.trim() {
            "" => None,
            text => Some(time("freeze_at", text, round.settings.freeze_at.unwrap_or_default())),
        };
        let mut whole = |name: &'static str, text: &str| {
            text.trim().parse::<i64>().ok().filter(|number| *number >= 0).unwrap_or_else(|| {
                wrong.push((name, "a whole number from 0".to_owned()));
                0
            })
        };
        let rules = Rules {
            classes: whole("classes", &self.classes) as usize,
            reps_mean: whole("reps_mean", &self.reps_mean) as u64,
            deviation: whole("deviation", &self.deviation) as u64,
            min_packets: whole("min_packets", &self.min_packets) as u64,
        };
        let test_traces = whole("test_traces", &self.test_traces) as usize;
        let matches_per_team = whole("matches_per_team", &self.matches_per_team) as usize;
        let seed = whole("seed", &self.seed);
        let limits = Limits {
            accepted: whole("limit_accepted", &self.limit_accepted),
            total: whole("limit_total", &self.limit_total),
            window_hours: whole("limit_window_hours", &self.limit_window_hours),
        };
        let before = round.settings.plausibility;
        let least_share = match self.least_share.trim() {
            "" => before.least_share,
            text => text.parse().unwrap_or_else(|_| {
                wrong.push(("least_share", "a number such as 0.8".to_owned()));
                before.least_share
            }),
        };
        let unknown = |name: &'static str| Failure::field(name, "not one of the choices");
        if !wrong.is_empty() {
            return Err(Failure::Invalid(wrong));
        }
        let verdict = match self.implausible.as_str() {
            "" => before.verdict,
            name => parse(name).ok_or_else(|| unknown("implausible"))?,
        };
        let settings = Settings {
            rules,
            test_traces,
            matches_per_team,
            profile: parse::<Profile>(&self.profile).ok_or_else(|| unknown("profile"))?,
            counting: parse(&self.counting).ok_or_else(|| unknown("counting"))?,
            incomplete: parse(&self.incomplete).ok_or_else(|| unknown("incomplete"))?,
            limits,
            scores_during: parse(&self.scores_during).ok_or_else(|| unknown("scores_during"))?,
            scores_after: parse(&self.scores_after).ok_or_else(|| unknown("scores_after"))?,
            freeze_at,
            baseline: round.settings.baseline,
            answers: round.settings.answers.clone(),
            references: round.settings.references.clone(),
            plausibility: Plausibility { verdict, least_share },
            specifications: self.specifications == "yes",
            recordings: self.recordings == "yes",
        };
        let [opens_at, defence_at, attack_at, closes_at] = times;
        Ok(Round {
            name: self.name.trim().to_owned(),
            opens_at,
            defence_at,
            attack_at,
            closes_at,
            settings,
            seed,
            ..round.clone()
        })
    }
}

#[derive(Template)]
#[template(path = "organise_round.html")]
struct RoundPage {
    page: Page,
    errors: Errors,
    number: i64,
    form: RoundForm,
    exists: bool,
    settled: bool,
    baseline: Option<[String; 3]>,
    /// What becomes of dummy traffic, in words.
    plausibility: String,
    /// Defences that wait for a decision: id and team.
    held: Vec<(String, String)>,
    matches: Vec<(String, String)>,
    without: Vec<String>,
    pinned: Vec<i64>,
}

async fn round_page(
    app: &App,
    viewer: &Viewer,
    round: &Round,
    form: RoundForm,
    errors: Errors,
) -> Result<RoundPage, Failure> {
    let mut conn = app.store.read().await?;
    let exists = rounds::by_id(&mut conn, &round.id).await?.is_some();
    let pins = rounds::pins(&mut conn, &round.id).await?;
    let all = teams::all(&mut conn).await?;
    let held: Vec<_> = table::of_round(&mut conn, &round.id, Kind::Defence).await?;
    let held = held.into_iter().filter(|one| one.state() == table::State::Held).filter_map(|one| {
        let team = all.iter().find(|team| team.id == one.team_id)?;
        Some((one.id, team.name.clone()))
    });
    let held = held.collect();
    drop(conn);
    let (matches, without) = if exists { acts::preview(app, round).await? } else { (Vec::new(), Vec::new()) };
    let pinned = all.iter().filter(|team| pins.iter().any(|(id, _)| *id == team.id)).map(|team| team.number).collect();
    let baseline = round.settings.baseline.map(|summary| {
        [summary.in_bytes.median, summary.out_bytes.median, summary.seconds.median]
            .map(|median| crate::web::show::number(median, 3))
    });
    Ok(RoundPage {
        page: Page::new(app, viewer, format!("Organise round {}", round.number)),
        errors,
        number: round.number,
        form,
        exists,
        settled: round.settled_at.is_some(),
        baseline,
        plausibility: dummy_traffic(&round.settings),
        held,
        matches,
        without,
        pinned,
    })
}

const DAY: i64 = 86_400_000;

/// A round that comes after all others, like the last.
async fn next_round(app: &App) -> Result<Round, Failure> {
    let all = rounds::all(&mut *app.store.read().await?).await?;
    let last = all.last();
    let number = last.map_or(1, |round| round.number + 1);
    let opens_at = (app.now() / DAY + 1) * DAY;
    let mut settings = last.map(|round| round.settings.clone()).unwrap_or_default();
    settings.freeze_at = None;
    if settings.specifications {
        // They take traffic that nobody has seen a part of.
        settings.measure_against(None);
    }
    Ok(Round {
        id: app.world.id(),
        number,
        name: format!("Round {number}"),
        opens_at,
        defence_at: opens_at + DAY,
        attack_at: opens_at + 8 * DAY,
        closes_at: opens_at + 15 * DAY,
        settings,
        seed: app.world.seed(),
        settled_at: None,
    })
}

pub(crate) async fn new_round(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    let round = next_round(&app).await?;
    html(&round_page(&app, &viewer, &round, RoundForm::of(&round), Errors::default()).await?)
}

pub(crate) async fn round(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let round = rounds::by_number(&mut *app.store.read().await?, number).await?.ok_or(Failure::NotFound)?;
    html(&round_page(&app, &viewer, &round, RoundForm::of(&round), Errors::default()).await?)
}

pub(crate) async fn save_round(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Checked(form): Checked<RoundForm>,
) -> Result<Response, Failure> {
    let found = rounds::by_number(&mut *app.store.read().await?, number).await?;
    let before = match found {
        Some(round) => round,
        None => next_round(&app).await?,
    };
    if before.number != number {
        return Err(Failure::NotFound);
    }
    let saved = async {
        let round = form.apply(&before)?;
        acts::save_round(&app, viewer.name(), &round).await
    };
    match saved.await {
        Ok(()) => tell(&app, &viewer, &format!("/organise/rounds/{number}"), "Saved.").await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&round_page(&app, &viewer, &before, form, Errors::from(&failure)).await?, &failure),
    }
}

pub(crate) async fn baseline(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
    form: Multipart,
) -> Result<Response, Failure> {
    let round = rounds::by_number(&mut *app.store.read().await?, number).await?.ok_or(Failure::NotFound)?;
    let form = crate::web::upload::read(&app, &viewer, form, async { Ok(()) }).await?;
    acts::set_baseline(&app, viewer.name(), &round, form.file.bytes().await?).await?;
    tell(&app, &viewer, &format!("/organise/rounds/{number}"), "Utility is measured against it now.").await
}

/// The truth about the test traces of a pinned defence: for organisers alone.
pub(crate) async fn truth(
    State(app): State<App>,
    viewer: Viewer,
    Path((number, team)): Path<(i64, i64)>,
) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let round = rounds::by_number(&mut conn, number).await?.ok_or(Failure::NotFound)?;
    let team = teams::by_number(&mut conn, team).await?.ok_or(Failure::NotFound)?;
    let pins = rounds::pins(&mut conn, &round.id).await?;
    let (_, defence) = pins.into_iter().find(|(id, _)| *id == team.id).ok_or(Failure::NotFound)?;
    drop(conn);
    let mut tx = app.store.write().await?;
    let subject = format!("round {number}, team {}", team.number);
    audit::record(&mut tx, &app.world, viewer.name(), "download truth", &subject, "").await?;
    tx.commit().await?;
    send(&app, &app.files.part(&defence, team.number, "verif"), &format!("team_{}_verif.csv.zip", team.number)).await
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    page: Page,
    heads: Vec<Head>,
    people: Vec<AccountLine>,
    more: More,
    search: String,
    teams: Vec<Team>,
    invitations: Vec<Invitation>,
    /// A link or code that was just made; nothing shows it again.
    secret: Option<(String, String)>,
    /// Accounts that were just imported, with the links that set their passwords.
    links: Vec<(String, String)>,
    errors: Errors,
}

/// What accounts are sorted by.
const ACCOUNTS: &Listed = &[
    Column::row("name", "Name", accounts::by::NAME),
    Column::text("email", "E-mail", accounts::by::EMAIL),
    Column::text("role", "Role", accounts::by::ROLE),
    Column::text("team", "Team", accounts::by::TEAM),
    Column::plain("Acts"),
];

/// The page after something was done on it.
async fn people_page(
    app: &App,
    viewer: &Viewer,
    secret: Option<(String, String)>,
    errors: Errors,
) -> Result<PeoplePage, Failure> {
    people_asked(app, viewer, &Asked::of("/organise/people"), secret, errors).await
}

async fn people_asked(
    app: &App,
    viewer: &Viewer,
    asked: &Asked,
    secret: Option<(String, String)>,
    errors: Errors,
) -> Result<PeoplePage, Failure> {
    let mut conn = app.store.read().await?;
    let table = Table::read(asked, ACCOUNTS, "name", &["search"])?;
    let search = asked.get("search").to_owned();
    let found = accounts::page(&mut conn, &search, &table.ask()?).await?;
    Ok(PeoplePage {
        page: Page::new(app, viewer, "People"),
        heads: table.heads(),
        more: table.more(&found),
        people: found.rows,
        search,
        teams: teams::all(&mut conn).await?,
        invitations: accounts::invitations(&mut conn).await?,
        secret,
        links: Vec::new(),
        errors,
    })
}

pub(crate) async fn people(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    html(&people_asked(&app, &viewer, &asked, None, Errors::default()).await?)
}

async fn people_again(app: &App, viewer: &Viewer, failure: Failure) -> Result<Response, Failure> {
    match failure {
        failure @ Failure::Broken(_) => Err(failure),
        failure => again(&people_page(app, viewer, None, Errors::from(&failure)).await?, &failure),
    }
}

#[derive(Deserialize)]
pub(crate) struct Move {
    account: String,
    team: String,
}

pub(crate) async fn move_player(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Move>,
) -> Result<Response, Failure> {
    let moved = async { acts::move_player(&app, viewer.name(), &form.account, optional("team", &form.team)?).await };
    match moved.await {
        Ok(()) => tell(&app, &viewer, "/organise/people", "Moved.").await,
        Err(failure) => people_again(&app, &viewer, failure).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Lock {
    account: String,
    locked: String,
}

pub(crate) async fn lock(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Lock>,
) -> Result<Response, Failure> {
    match acts::lock_account(&app, viewer.name(), &form.account, form.locked == "yes").await {
        Ok(()) => tell(&app, &viewer, "/organise/people", "Done.").await,
        Err(failure) => people_again(&app, &viewer, failure).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Reset {
    account: String,
}

pub(crate) async fn reset(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Reset>,
) -> Result<Response, Failure> {
    match acts::reset_link(&app, viewer.name(), &form.account).await {
        Ok(secret) => {
            let told = (
                format!("Give this link to {}; it works once, for a day:", form.account),
                format!("/welcome/{secret}"),
            );
            html(&people_page(&app, &viewer, Some(told), Errors::default()).await?)
        }
        Err(failure) => people_again(&app, &viewer, failure).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Import {
    list: String,
}

pub(crate) async fn import(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Import>,
) -> Result<Response, Failure> {
    match acts::import(&app, viewer.name(), &form.list).await {
        Ok(made) => {
            let mut page = people_page(&app, &viewer, None, Errors::default()).await?;
            page.links = made.into_iter().map(|(name, secret)| (name, format!("/welcome/{secret}"))).collect();
            html(&page)
        }
        Err(failure) => people_again(&app, &viewer, failure).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Invite {
    note: String,
    uses: String,
}

pub(crate) async fn invite(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Invite>,
) -> Result<Response, Failure> {
    let uses = form.uses.trim().parse().unwrap_or(0);
    match acts::invite(&app, viewer.name(), &form.note, uses).await {
        Ok(code) => {
            let told = (format!("An invitation code for {uses}; it is not shown again:"), code);
            html(&people_page(&app, &viewer, Some(told), Errors::default()).await?)
        }
        Err(failure) => people_again(&app, &viewer, failure).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Announce {
    text: String,
}

pub(crate) async fn announce(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Announce>,
) -> Result<Response, Failure> {
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > 2000 {
        return Err(Failure::field("text", "1 to 2,000 characters"));
    }
    let mut tx = app.store.write().await?;
    settings::announce(&mut tx, &app.world.id(), app.now(), text).await?;
    audit::record(&mut tx, &app.world, viewer.name(), "announce", "", text).await?;
    tx.commit().await?;
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
pub(crate) struct SettingsForm {
    aggregation: String,
    team_size: String,
    #[serde(default)]
    teams_locked: String,
}

pub(crate) async fn settings(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<SettingsForm>,
) -> Result<Response, Failure> {
    let aggregation: Aggregation =
        parse(&form.aggregation).ok_or_else(|| Failure::field("aggregation", "not one of the choices"))?;
    let size: Option<u32> = optional("team_size", &form.team_size)?;
    let team_size = size.filter(|size| (1..=10).contains(size));
    let team_size = team_size.ok_or_else(|| Failure::field("team_size", "1 to 10"))?;
    let to = Competition { aggregation, team_size, teams_locked: form.teams_locked == "yes" };
    let mut tx = app.store.write().await?;
    settings::set_competition(&mut tx, &to).await?;
    let detail = serde_json::to_string(&to)?;
    audit::record(&mut tx, &app.world, viewer.name(), "save settings", "", &detail).await?;
    tx.commit().await?;
    tell(&app, &viewer, "/organise", "Saved.").await
}

/// What submissions of all teams are sorted by.
const SUBMISSIONS: &Listed = &[
    Column::row_of_time("received", "Received", table::by::RECEIVED),
    Column::text("team", "Team", table::by::TEAM),
    Column::number("round", "Round", table::by::ROUND),
    Column::text("kind", "Kind", table::by::KIND),
    Column::text("state", "State", table::by::STATE),
    Column::number("size", "Size", table::by::SIZE),
    Column::plain("Why"),
];

#[derive(Template)]
#[template(path = "organise_submissions.html")]
struct SubmissionsPage {
    page: Page,
    heads: Vec<Head>,
    lines: Vec<Line>,
    more: More,
    counts: Vec<(String, i64)>,
    state: String,
}

pub(crate) async fn submissions(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let sorted = Table::read(&asked, SUBMISSIONS, "received", &["state"])?;
    let mut conn = app.store.read().await?;
    let found = table::page(&mut conn, asked.get("state"), &sorted.ask()?).await?;
    let (heads, more) = (sorted.heads(), sorted.more(&found));
    let lines = lines(&mut conn, found.rows).await?;
    let counts = table::counts(&mut conn).await?;
    let mut page = Page::new(&app, &viewer, "All submissions");
    page.live = Some(5);
    html(&SubmissionsPage { page, heads, lines, more, counts, state: asked.get("state").to_owned() })
}

/// What jobs are sorted by.
const JOBS: &Listed = &[
    Column::row("kind", "What", jobs::by::KIND),
    Column::text("team", "Team", jobs::by::TEAM),
    Column::text("state", "State", jobs::by::STATE),
    Column::time("since", "Since", jobs::by::DUE),
    Column::number("attempts", "Begun so often", jobs::by::ATTEMPTS),
];

struct ShownJob {
    what: String,
    link: String,
    state: &'static str,
    due: When,
    job: JobLine,
}

impl From<JobLine> for ShownJob {
    fn from(job: JobLine) -> Self {
        let what = match job.kind.as_str() {
            "check" => "check of a submission".to_owned(),
            "record" => "recording by the laboratory".to_owned(),
            "house" => format!("attack of the house ({})", job.object),
            "rejudge" => "rejudging of a submission".to_owned(),
            _ => "a mail".to_owned(),
        };
        let link = match job.kind.as_str() {
            "mail" => "/organise/mail".to_owned(),
            "rejudge" => format!("/organise/rejudgings/{}", job.object),
            _ => format!("/organise/submissions/{}", job.subject),
        };
        let state = if job.begun == 1 { "running" } else { "queued" };
        Self { what, link, state, due: When(job.due_at), job }
    }
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    page: Page,
    heads: Vec<Head>,
    lines: Vec<ShownJob>,
    more: More,
}

pub(crate) async fn work(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let table = Table::read(&asked, JOBS, "since", &[])?;
    let found = jobs::page(&mut *app.store.read().await?, &table.ask()?).await?;
    let (heads, more) = (table.heads(), table.more(&found));
    let mut page = Page::new(&app, &viewer, "Jobs");
    page.live = Some(5);
    html(&JobsPage { page, heads, lines: found.rows.into_iter().map(ShownJob::from).collect(), more })
}

pub(crate) async fn submission(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let submission = table::by_id(&mut conn, &id).await?.ok_or(Failure::NotFound)?;
    html(&page_of(&app, &mut conn, &viewer, submission, "/organise/submissions").await?)
}

pub(crate) async fn file(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Failure> {
    let submission = table::by_id(&mut *app.store.read().await?, &id).await?.ok_or(Failure::NotFound)?;
    send(&app, &app.files.upload(&submission.id, &submission.file_name), &submission.file_name).await
}

pub(crate) async fn check_again(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::requeue(&app, viewer.name(), &id).await?;
    tell(&app, &viewer, &format!("/organise/submissions/{id}"), "It is checked and scored again.").await
}

pub(crate) async fn cancel(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::cancel(&app, viewer.name(), &id).await?;
    tell(&app, &viewer, &format!("/organise/submissions/{id}"), "It is cancelled.").await
}

pub(crate) async fn accept(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::decide(&app, viewer.name(), &id, true).await?;
    tell(&app, &viewer, &format!("/organise/submissions/{id}"), "It counts.").await
}

pub(crate) async fn refuse(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::decide(&app, viewer.name(), &id, false).await?;
    tell(&app, &viewer, &format!("/organise/submissions/{id}"), "It is refused.").await
}

struct MailLine {
    written: When,
    sent: Option<When>,
    mail: Mail,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    page: Page,
    mails: bool,
    waiting: i64,
    heads: Vec<Head>,
    lines: Vec<MailLine>,
    more: More,
}

/// What mails are sorted by.
const MAILS: &Listed = &[
    Column::row("to", "To", outbox::by::TO),
    Column::time("written", "Written", outbox::by::WRITTEN),
    Column::text("about", "About", outbox::by::ABOUT),
    Column::time("sent", "Sent", outbox::by::SENT),
    Column::number("attempts", "Attempts", outbox::by::ATTEMPTS),
    Column::plain("Why not yet"),
];

pub(crate) async fn mail(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    // Those that wait come first.
    let table = Table::read(&asked, MAILS, "sent", &[])?;
    let mut conn = app.store.read().await?;
    let found = outbox::page(&mut conn, &table.ask()?).await?;
    let line = |mail: Mail| MailLine { written: When(mail.created_at), sent: mail.sent_at.map(When), mail };
    html(&MailPage {
        page: Page::new(&app, &viewer, "Mail"),
        mails: app.options.post.is_some(),
        waiting: outbox::waiting(&mut conn).await?.0,
        heads: table.heads(),
        more: table.more(&found),
        lines: found.rows.into_iter().map(line).collect(),
    })
}

pub(crate) async fn mail_again(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let mut tx = app.store.write().await?;
    let count = outbox::retry(&mut tx, app.now()).await?;
    jobs::unwant_mail(&mut tx).await?;
    jobs::want(&mut tx, &app.world).await?;
    audit::record(&mut tx, &app.world, viewer.name(), "send mail again", "", &format!("{count} mails")).await?;
    tx.commit().await?;
    app.bell.ring();
    tell(&app, &viewer, "/organise/mail", "They are tried again now.").await
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    heads: Vec<Head>,
    entries: Vec<(When, Entry)>,
    more: More,
    actions: Vec<String>,
    action: String,
    account: String,
}

/// What the log is sorted by.
const ENTRIES: &Listed = &[
    Column::row_of_time("when", "When", audit::by::AT),
    Column::text("who", "Who", audit::by::ACCOUNT),
    Column::text("did", "Did", audit::by::ACTION),
    Column::text("to", "To", audit::by::SUBJECT),
    Column::plain("How"),
];

pub(crate) async fn audit(State(app): State<App>, viewer: Viewer, asked: Asked) -> Result<Response, Failure> {
    let table = Table::read(&asked, ENTRIES, "when", &["action", "account"])?;
    let (action, account) = (asked.get("action").to_owned(), asked.get("account").trim().to_owned());
    let mut conn = app.store.read().await?;
    let found = audit::page(&mut conn, &action, &account, &table.ask()?).await?;
    html(&AuditPage {
        page: Page::new(&app, &viewer, "Audit log"),
        heads: table.heads(),
        more: table.more(&found),
        entries: found.rows.into_iter().map(|entry| (When(entry.at), entry)).collect(),
        actions: audit::actions(&mut conn).await?,
        action,
        account,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_sent_as_it_is_changes_nothing() {
        let round = Round {
            id: "r".into(),
            number: 3,
            name: "three".into(),
            opens_at: 1_772_323_212_345,
            defence_at: 1_772_423_212_345,
            attack_at: 1_772_523_212_345,
            closes_at: 1_772_623_212_345,
            settings: Settings { freeze_at: Some(1_772_600_012_345), ..Settings::default() },
            seed: 9,
            settled_at: Some(1_772_523_212_346),
        };
        assert_eq!(RoundForm::of(&round).apply(&round).unwrap(), round);
        let form = RoundForm { closes_at: "2026-03-05T12:00".into(), ..RoundForm::of(&round) };
        assert_eq!(form.apply(&round).unwrap().closes_at, 1_772_712_000_000);
        let form = RoundForm { closes_at: "soon".into(), classes: "-1".into(), ..RoundForm::of(&round) };
        let Err(Failure::Invalid(wrong)) = form.apply(&round) else { panic!("nothing is wrong") };
        assert_eq!(wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(), ["closes_at", "classes"]);
    }
}
