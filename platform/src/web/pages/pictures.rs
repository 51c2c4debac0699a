//! Pictures of a submission, by `wfkit-report`: of an attack what it finds, class by class, beside what the house finds; of a defence traces of
//! the class that is asked for, beside undefended ones where these may be seen, and what attacks of the house find. They are drawn when they
//! are asked for, of what is kept anyway.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use wfkit_competition::{Match, read_defense};
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_datasets::{Trace, TraceSet};
use wfkit_metrics::{ClassScores, per_class_auc};
use wfkit_report::picture::{
    CurvePoint, Picture, Ranged, Series, ShownTrace, class_areas, confusion, cumulative, curve, ranges, roc, sizes,
    waterfall,
};

use super::submissions::own;
use crate::contest::Sight;
use crate::game::{Kind, Part, Phase, Round};
use crate::store::results::ScoreRow;
use crate::store::submissions::{State as Progress, Submission};
use crate::store::teams::Team;
use crate::store::{results, rounds, teams};
use crate::web::figure::{self, Figure, Named};
use crate::web::guard::Viewer;
use crate::web::view::{Page, html};
use crate::work::{AttackDetail, answers, matches_of, on_thread, open_upload, read_by_answers, upload_of};
use crate::{App, Failure, Files};

/// Pairs of classes that are listed as the worst.
const WORST: usize = 20;
/// Guesses that may be right, in a curve of them.
const MOST_GUESSES: usize = 20;
/// Traces of a class that are drawn one under the other, of either kind, and over each other.
const UNDER: usize = 3;
const OVER: usize = 6;

#[derive(Deserialize)]
pub(crate) struct Which {
    /// The class whose traces are shown; the first by default.
    class: Option<String>,
}

/// All pictures of a submission, as far as the viewer may see what they are of, and the classes that traces can be of.
async fn pictures(
    app: &App,
    viewer: &Viewer,
    submission: &Submission,
    class: Option<String>,
) -> Result<(Vec<Named>, Vec<String>), Failure> {
    if submission.state() != Progress::Done {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut conn = app.store.read().await?;
    let round = rounds::by_id(&mut conn, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    let team = teams::by_id(&mut conn, &submission.team_id).await?.ok_or(Failure::NotFound)?;
    let now = app.now();
    let over = round.phase(now) == Phase::Closed;
    let sight = Sight::of(&round, viewer.account.as_ref(), viewer.team.as_ref(), now);
    let part = if over { Part::All } else { Part::Public };
    let mut scores = results::of_submission(&mut conn, &submission.id).await?;
    scores.retain(|row| row.part == part.name());
    // What the house finds of a defence is a score of its team.
    let mut of_house = results::of_round(&mut conn, &round.id).await?;
    let pins = rounds::pins(&mut conn, &round.id).await?;
    of_house.retain(|row| {
        let pinned = pins.iter().any(|(_, defence)| *defence == row.submission_id);
        row.attacker != "team" && row.part == part.name() && pinned && sight.covers(&row.defender_id)
    });
    drop(conn);
    let seen = sight.covers(&submission.team_id);
    let _turn = app.pictures.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
    match submission.kind() {
        Kind::Attack if seen => {
            let matches = matches_of(app, submission, part).await?;
            let draw = move || Ok(of_attack(&matches, &scores, &of_house, &team.name));
            Ok((on_thread(draw).await?, Vec::new()))
        }
        Kind::Attack => Ok((Vec::new(), Vec::new())),
        Kind::Defence => {
            let files = app.files.clone();
            files.fetch(&[upload_of(&files, submission)], &app.world.id()).await?;
            let undefended = files.baseline(&round.id);
            // Teams have shares of what specifications run on, with labels: until the end each knows its own alone.
            let shows_undefended = !round.settings.specifications || over || viewer.organises();
            if shows_undefended {
                files.fetch_if_there(std::slice::from_ref(&undefended), &app.world.id()).await?;
            }
            if seen {
                files.fetch_if_there(&read_by_answers(&files, submission, &team), &app.world.id()).await?;
            }
            let defence = Defended { files, submission: submission.clone(), team, round, part };
            on_thread(move || {
                let (mut all, classes) = defence.traces(class, shows_undefended)?;
                if seen {
                    all.extend(defence.of_house(&scores)?);
                }
                Ok((all, classes))
            })
            .await
        }
    }
}

/// What attacks on one team find, this one and those of the house.
fn of_attack(matches: &[(Team, Match)], own: &[ScoreRow], of_house: &[ScoreRow], team: &str) -> Vec<Named> {
    let mut all = Vec::new();
    for (defender, one) in matches {
        let title = |what: &str| format!("{what}, on {}", defender.name);
        let on = |row: &&ScoreRow| row.defender_id == defender.id;
        let of_team = own.iter().filter(on).map(|row| area(row, team.to_owned(), true));
        let of_house = of_house.iter().filter(on).map(|row| area(row, format!("house ({})", row.attacker), false));
        let areas: Vec<Ranged> = of_team.chain(of_house).collect();
        let found = ranges(&title("What attacks find"), "macro one-vs-rest ROC-AUC", 0.5, &areas);
        // What cannot be drawn, such as a class without traces, is told by the scores.
        all.extend(found.ok().map(|picture| Named::new(format!("areas-{}", defender.number), picture)));
        all.extend(answered(one, &title, &defender.number.to_string()));
    }
    all
}

/// Pictures of what was said of test traces.
fn answered(one: &Match, title: &dyn Fn(&str) -> String, suffix: &str) -> Vec<Named> {
    let mut all = Vec::new();
    let mut add = |name: &str, picture: Result<Picture, String>| {
        all.extend(picture.ok().map(|picture| Named::new(format!("{name}-{suffix}"), picture)));
    };
    add("roc", roc(&title("Visits found against false alarms"), &one.probabilities, &one.truth));
    add("top", top_k(&title("Right among the first guesses"), one));
    add("classes", class_areas(&title("What is given away, class by class"), &class_scores(one)));
    let picture = confusion(&title("What is taken for what"), &one.probabilities, &one.truth);
    let listed = |picture: Picture| {
        let list = worst(&picture);
        Named::new(format!("confusion-{suffix}"), picture).with_list("Most often taken for another", list)
    };
    all.extend(picture.ok().map(listed));
    all
}

/// The worst pairs of the table of a confusion, in words.
fn worst(picture: &Picture) -> Vec<String> {
    let pair = |row: &Vec<wfkit_report::Cell>| -> Vec<String> { row.iter().map(|cell| cell.text()).collect() };
    let pairs = picture.table.rows().iter().map(pair).filter(|pair| pair[0] != pair[1]);
    let said = |pair: Vec<String>| {
        let share: f64 = pair[3].parse().unwrap_or(0.0);
        format!("{} for {}: {} traces, {share:.0} % of the class", pair[0], pair[1], pair[2])
    };
    pairs.take(WORST).map(said).collect()
}

fn area(row: &ScoreRow, name: String, own: bool) -> Ranged {
    let detail: AttackDetail = serde_json::from_str(&row.detail).unwrap_or_default();
    Ranged { name, own, value: row.roc_auc, interval: detail.interval.map(|one| (one.low, one.high)) }
}

/// How often the true class is among so many that are said to be most probable, beside guessing.
fn top_k(title: &str, one: &Match) -> Result<Picture, String> {
    let classes = one.probabilities.classes().len();
    let values = one.probabilities.values();
    // Of equals the first, as decisions are made.
    let place = |(row, &own): (usize, &usize)| {
        let said = values.row(row);
        let before = |(class, &other): (usize, &f64)| other > said[own] || (other == said[own] && class < own);
        said.iter().enumerate().filter(|&one| before(one)).count()
    };
    let places: Vec<usize> = one.truth.iter().enumerate().map(place).collect();
    if places.is_empty() {
        return Err("no trace was decided".to_owned());
    }
    let point = |guesses: usize, value: f64| CurvePoint { x: guesses as f64, value, interval: None };
    let most = classes.min(MOST_GUESSES);
    let found = |guesses: usize| places.iter().filter(|&&place| place < guesses).count() as f64 / places.len() as f64;
    let series = [
        Series { name: "attack".to_owned(), points: (1..=most).map(|k| point(k, found(k))).collect() },
        Series {
            name: "guessing".to_owned(),
            points: (1..=most).map(|k| point(k, k as f64 / classes as f64)).collect(),
        },
    ];
    curve(title, "guesses, the most probable first", "share of traces whose class is among them", &series, None)
}

fn class_scores(one: &Match) -> Vec<ClassScores> {
    let areas = per_class_auc(&one.probabilities, &one.truth).unwrap_or_default();
    let decisions = one.probabilities.argmax();
    let count = |of: &[usize], class: usize| of.iter().filter(|&&one| one == class).count();
    let score = |(class, name): (usize, &String)| {
        let right = one.truth.iter().zip(&decisions).filter(|&(&own, &taken)| own == class && taken == class).count();
        let (traces, taken) = (count(&one.truth, class), count(&decisions, class));
        let share = |of: usize| if of == 0 { 0.0 } else { right as f64 / of as f64 };
        let (precision, recall) = (share(taken), share(traces));
        let sum = precision + recall;
        ClassScores {
            class: name.clone(),
            traces: traces as u64,
            origins: traces as u64,
            precision,
            recall,
            f1: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 },
            roc_auc: areas.get(class).copied().flatten(),
        }
    };
    one.probabilities.classes().names().iter().enumerate().map(score).collect()
}

/// A defence whose pictures are drawn.
struct Defended {
    files: Files,
    submission: Submission,
    team: Team,
    round: Round,
    part: Part,
}

impl Defended {
    /// Traces of a class, and beside them undefended ones of the same class where there are some that may be seen; and all classes.
    fn traces(&self, class: Option<String>, shows_undefended: bool) -> Result<(Vec<Named>, Vec<String>), Failure> {
        let broken = |error: wfkit_datasets::formats::ReadError| Failure::Broken(error.to_string());
        let (name, file) = open_upload(&self.files, &self.submission)?;
        let set = read_defense(Source::reader(&name, &file), &ReadLimits::UPLOAD).map_err(broken)?;
        let path = self.files.baseline(&self.round.id);
        let undefended = match shows_undefended && path.exists() {
            true => Some(
                read_defense(Source::bytes("undefended.csv.zip", &std::fs::read(path)?), &ReadLimits::UPLOAD)
                    .map_err(broken)?,
            ),
            false => None,
        };
        let classes = set.classes().names().to_vec();
        let class = class.filter(|class| classes.contains(class)).or_else(|| classes.first().cloned());
        let Some(class) = class else { return Ok((Vec::new(), classes)) };
        let own = of_class(&set, &class, "defended");
        let before = undefended.as_ref().map(|set| of_class(set, &class, "undefended")).unwrap_or_default();
        if own.is_empty() {
            return Ok((Vec::new(), classes));
        }
        let title = |what: &str| format!("Class {class}: {what}");
        let under: Vec<ShownTrace<'_>> = before
            .iter()
            .take(UNDER)
            .chain(own.iter().take(UNDER))
            .map(|(name, trace)| ShownTrace { name, trace, padding: None })
            .collect();
        let most = if before.is_empty() { OVER } else { OVER / 2 };
        let over: Vec<(&str, &Trace)> = named(&before, most).chain(named(&own, most)).collect();
        let kept = [("undefended", &before), ("defended", &own)].into_iter().filter(|(_, traces)| !traces.is_empty());
        let collections: Vec<(&str, Vec<&Trace>)> = kept.map(|(name, of)| (name, bare(of))).collect();
        let all = vec![
            Named::new("waterfall", waterfall(&title("when what is sent"), &under)),
            Named::new("cumulative", cumulative(&title("bytes so far"), &over)),
            Named::new("sizes", sizes(&title("how large packets are"), &collections)),
        ];
        Ok((all, classes))
    }

    /// What attackers of the house find: all of them by their areas, and what is known of each.
    fn of_house(&self, scores: &[ScoreRow]) -> Result<Vec<Named>, Failure> {
        let areas: Vec<Ranged> =
            scores.iter().map(|row| area(row, format!("house ({})", row.attacker), true)).collect();
        let mut all = Vec::new();
        let found = ranges("What the house finds", "macro one-vs-rest ROC-AUC", 0.5, &areas);
        all.extend(found.ok().map(|picture| Named::new("house", picture)));
        // Those that take a moment are asked again, of the others areas by class are kept.
        let said = answers(&self.files, &self.submission, &self.team, self.part)?;
        for (name, one) in &said {
            all.extend(answered(one, &|what: &str| format!("{what}, by the house's {name}"), name));
        }
        let traces = said.first().map(|(_, one)| class_scores(one)).unwrap_or_default();
        for row in scores.iter().filter(|row| said.iter().all(|(name, _)| *name != row.attacker)) {
            let detail: AttackDetail = serde_json::from_str(&row.detail)?;
            let class = |(class, area): &(String, f64)| ClassScores {
                class: class.clone(),
                traces: traces.iter().find(|one| one.class == *class).map_or(0, |one| one.traces),
                origins: 0,
                precision: f64::NAN,
                recall: f64::NAN,
                f1: f64::NAN,
                roc_auc: Some(*area),
            };
            let areas: Vec<ClassScores> = detail.per_class.iter().map(class).collect();
            let title = format!("What is given away, class by class, by the house's {}", row.attacker);
            let known = |picture| Named::new(format!("classes-{}", row.attacker), picture).with_columns(3);
            all.extend(class_areas(&title, &areas).ok().map(known));
        }
        Ok(all)
    }
}

/// The traces of a class, each under a name that says what it is.
fn of_class<'a>(set: &'a TraceSet, class: &str, what: &str) -> Vec<(String, &'a Trace)> {
    let of_class = set.traces().iter().filter(|one| one.key.class == class);
    of_class.map(|one| (format!("{what}, rep {}", one.key.rep), &one.trace)).collect()
}

fn named<'a>(of: &'a [(String, &'a Trace)], most: usize) -> impl Iterator<Item = (&'a str, &'a Trace)> {
    of.iter().take(most).map(|(name, trace)| (name.as_str(), *trace))
}

fn bare<'a>(named: &[(String, &'a Trace)]) -> Vec<&'a Trace> {
    named.iter().map(|(_, trace)| *trace).collect()
}

#[derive(Template)]
#[template(path = "pictures.html")]
struct PicturesPage {
    page: Page,
    id: String,
    pictures: Vec<Figure>,
    /// Each with whether it is the one that is shown.
    classes: Vec<(String, bool)>,
}

pub(crate) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(Which { class }): Query<Which>,
) -> Result<Response, Failure> {
    let submission = own(&mut *app.store.read().await?, &viewer, &id).await?;
    let (all, classes) = pictures(&app, &viewer, &submission, class.clone()).await?;
    let chosen = class.filter(|class| classes.contains(class)).or_else(|| classes.first().cloned());
    let base = format!("/submissions/{id}/pictures");
    let shown = |one: Named| {
        let query = match &chosen {
            Some(class) if ["waterfall", "cumulative", "sizes"].contains(&one.name.as_str()) => {
                format!("?class={}", escaped(class))
            }
            _ => String::new(),
        };
        Figure::new(one, &base, &query)
    };
    let pictures = all.into_iter().map(shown).collect();
    let classes =
        classes.into_iter().map(|class| (Some(&class) == chosen.as_ref(), class)).map(|(is, class)| (class, is));
    html(&PicturesPage {
        page: Page::new(&app, &viewer, "Pictures"),
        pictures,
        classes: classes.collect(),
        id: submission.id,
    })
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

pub(crate) async fn file(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, file)): Path<(String, String)>,
    Query(Which { class }): Query<Which>,
) -> Result<Response, Failure> {
    let submission = own(&mut *app.store.read().await?, &viewer, &id).await?;
    let (all, _) = pictures(&app, &viewer, &submission, class).await?;
    figure::file(all, &file)
}
