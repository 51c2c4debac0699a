//! Pictures of a submission, by `wfkit-report`: of an attack what it finds, class by class; of a defence a trace of each class that is
//! asked for, and what attacks of the house find. They are drawn when they are asked for, of what is kept anyway.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use wfkit_competition::{Match, read_defense};
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_metrics::{ClassScores, per_class_auc};
use wfkit_report::picture::{Picture, ShownTrace, class_areas, confusion, roc, waterfall};

use super::submissions::own;
use crate::contest::Sight;
use crate::game::{Kind, Part, Phase};
use crate::store::submissions::{State as Progress, Submission};
use crate::store::{results, rounds};
use crate::web::guard::Viewer;
use crate::web::show::csv_field;
use crate::web::view::{Page, html};
use crate::work::{AttackDetail, matches_of, on_thread, open_upload, upload_of};
use crate::{App, Failure};

/// Rows of a table that a page shows; the CSV has all.
const ROWS: usize = 40;
/// Pictures are no documents of this site: what they have inside is style, and nothing else may be.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A picture under its name in addresses.
struct Named {
    name: String,
    picture: Picture,
    /// Columns of its table that are known: of an attack of the house areas are all that is kept.
    known: usize,
}

impl Named {
    fn new(name: impl Into<String>, picture: Picture) -> Self {
        Self { name: name.into(), known: picture.table.columns().len(), picture }
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.picture.table.columns().iter().take(self.known).copied()
    }

    fn rows(&self) -> impl ExactSizeIterator<Item = Vec<String>> {
        self.picture.table.rows().iter().map(|row| row.iter().take(self.known).map(|cell| cell.text()).collect())
    }

    fn csv(&self) -> String {
        let mut text = self.columns().collect::<Vec<_>>().join(",") + "\n";
        for row in self.rows() {
            text += &(row.iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(",") + "\n");
        }
        text
    }
}

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
    let now = app.now();
    let sight = Sight::of(&round, viewer.account.as_ref(), viewer.team.as_ref(), now);
    let seen = sight.covers(&submission.team_id);
    let part = if round.phase(now) == Phase::Closed { Part::All } else { Part::Public };
    let scores = results::of_submission(&mut conn, &submission.id).await?;
    drop(conn);
    let _turn = app.pictures.acquire().await.map_err(|error| Failure::Broken(error.to_string()))?;
    let mut all = Vec::new();
    let mut classes = Vec::new();
    match submission.kind() {
        Kind::Attack if seen => {
            for (team, one) in matches_of(app, submission, part).await? {
                let title = |what: &str| format!("{what}, on {}", team.name);
                let mut add = |name: &str, picture: Result<Picture, String>| {
                    // What cannot be drawn, such as a class without traces, is told by the scores.
                    all.extend(picture.ok().map(|picture| Named::new(format!("{name}-{}", team.number), picture)));
                };
                add("roc", roc(&title("Visits found against false alarms"), &one.probabilities, &one.truth));
                add("classes", class_areas(&title("What is given away, class by class"), &class_scores(&one)));
                add("confusion", confusion(&title("What is taken for what"), &one.probabilities, &one.truth));
            }
        }
        Kind::Attack => {}
        Kind::Defence => {
            let (files, copy) = (app.files.clone(), submission.clone());
            files.fetch(&[upload_of(&files, &copy)], &app.world.id()).await?;
            let shown = on_thread(move || {
                let (name, file) = open_upload(&files, &copy)?;
                let set = read_defense(Source::reader(&name, &file), &ReadLimits::UPLOAD)
                    .map_err(|error| Failure::Broken(error.to_string()))?;
                let classes = set.classes().names().to_vec();
                let class = class.filter(|class| classes.contains(class)).or_else(|| classes.first().cloned());
                let of_class = |one: &&wfkit_datasets::LabelledTrace| Some(&one.key.class) == class.as_ref();
                let traces: Vec<_> = set.traces().iter().filter(of_class).take(3).collect();
                let names: Vec<String> = traces.iter().map(|one| format!("repetition {}", one.key.rep)).collect();
                let shown: Vec<ShownTrace<'_>> = traces
                    .iter()
                    .zip(&names)
                    .map(|(one, name)| ShownTrace { name, trace: &one.trace, padding: None })
                    .collect();
                let title = format!("Class {}: when what is sent", class.unwrap_or_default());
                let picture = (!shown.is_empty()).then(|| waterfall(&title, &shown));
                Ok((picture, classes))
            });
            let (picture, names) = shown.await?;
            classes = names;
            all.extend(picture.map(|picture| Named::new("waterfall", picture)));
            for row in scores.iter().filter(|row| seen && row.part == part.name()) {
                let detail: AttackDetail = serde_json::from_str(&row.detail)?;
                let class = |(class, area): &(String, f64)| ClassScores {
                    class: class.clone(),
                    traces: 0,
                    origins: 0,
                    precision: f64::NAN,
                    recall: f64::NAN,
                    f1: f64::NAN,
                    roc_auc: Some(*area),
                };
                let areas: Vec<ClassScores> = detail.per_class.iter().map(class).collect();
                let title = format!("What the house's {} finds, class by class", row.attacker);
                let picture = class_areas(&title, &areas);
                let known = |picture| Named { known: 2, ..Named::new(format!("classes-{}", row.attacker), picture) };
                all.extend(picture.ok().map(known));
            }
        }
    }
    Ok((all, classes))
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

/// A picture on the page.
struct Shown {
    /// Name in addresses, with what is asked for.
    svg: String,
    csv: String,
    title: String,
    finding: String,
    reading: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    left_out: usize,
}

#[derive(Template)]
#[template(path = "pictures.html")]
struct PicturesPage {
    page: Page,
    id: String,
    pictures: Vec<Shown>,
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
    let query = |name: &str| match &chosen {
        Some(class) if name == "waterfall" => format!("?class={}", escaped(class)),
        _ => String::new(),
    };
    let shown = |one: Named| Shown {
        svg: format!("/submissions/{id}/pictures/{}.svg{}", one.name, query(&one.name)),
        csv: format!("/submissions/{id}/pictures/{}.csv{}", one.name, query(&one.name)),
        columns: one.columns().map(|name| name.replace('_', " ")).collect(),
        rows: one.rows().take(ROWS).collect(),
        left_out: one.picture.table.rows().len().saturating_sub(ROWS),
        title: one.picture.title,
        finding: one.picture.finding,
        reading: one.picture.reading,
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
    let Some((name, kind)) = file.rsplit_once('.').filter(|(_, kind)| ["svg", "csv"].contains(kind)) else {
        return Err(Failure::NotFound);
    };
    let (all, _) = pictures(&app, &viewer, &submission, class).await?;
    let found = all.into_iter().find(|one| one.name == name).ok_or(Failure::NotFound)?;
    Ok(match kind {
        "svg" => {
            let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CONTENT_SECURITY_POLICY, POLICY)];
            (headers, found.picture.svg()).into_response()
        }
        _ => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
            ];
            (headers, found.csv()).into_response()
        }
    })
}
