//! Two submissions of a team beside each other.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::submissions::{Line, ScoreLine, cost, lines, own, scores};
use crate::store::submissions::{self, Submission};
use crate::store::{Conn, rounds};
use crate::web::guard::Viewer;
use crate::web::view::{Page, html};
use crate::work::Outcome;
use crate::world::utc;
use crate::{App, Failure};

#[derive(Deserialize)]
pub(crate) struct With {
    /// The id of the other; without it the page asks.
    with: Option<String>,
}

/// A line of the comparison.
struct Compared {
    what: String,
    one: String,
    other: String,
    /// Other less one, where both are numbers.
    difference: String,
}

/// What can be chosen: its id, when it was received, its state.
struct Choice {
    id: String,
    round: i64,
    at: String,
    state: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    page: Page,
    id: String,
    one: Line,
    other: Option<Line>,
    choices: Vec<Choice>,
    compared: Vec<Compared>,
}

pub(crate) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(With { with }): Query<With>,
) -> Result<Response, Failure> {
    let mut conn = app.store.read().await?;
    let one = own(&mut conn, &viewer, &id).await?;
    let other = match with.as_deref() {
        Some(with) => Some(own(&mut conn, &viewer, with).await?),
        None => None,
    };
    if let Some(other) = &other
        && other.kind() != one.kind()
    {
        return Err(Failure::Bad("A defence and an attack have nothing to compare.".to_owned()));
    }
    let all = submissions::of_team(&mut conn, &one.team_id).await?;
    let like: Vec<Submission> = all.into_iter().filter(|two| two.kind() == one.kind() && two.id != one.id).collect();
    let mut choices = Vec::new();
    for (line, two) in lines(&mut conn, like.clone()).await?.into_iter().zip(like) {
        let chosen = other.as_ref().is_some_and(|other| other.id == two.id);
        choices.push(Choice { id: line.id, round: line.round, at: utc(two.received_at), state: line.state, chosen });
    }
    let compared = match &other {
        Some(other) => compared(&app, &mut conn, &viewer, &one, other).await?,
        None => Vec::new(),
    };
    let other = match other {
        Some(other) => Some(lines(&mut conn, vec![other]).await?.remove(0)),
        None => None,
    };
    let one = lines(&mut conn, vec![one]).await?.remove(0);
    html(&ComparePage { page: Page::new(&app, &viewer, "Two submissions"), id, one, other, choices, compared })
}

/// All that is known of a submission, in the order of the page.
async fn known(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    submission: &Submission,
) -> Result<Vec<(String, String)>, Failure> {
    let outcome: Outcome = submission.outcome.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let round = rounds::by_id(conn, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    let mut known = vec![
        ("Bytes of the file".to_owned(), submission.bytes.to_string()),
        ("Rows".to_owned(), outcome.rows.to_string()),
        ("Traces".to_owned(), outcome.traces.to_string()),
        ("Warnings".to_owned(), outcome.warnings.len().to_string()),
    ];
    for (name, value, over) in cost(&outcome) {
        known.push((name.to_owned(), value));
        if !over.is_empty() {
            known.push((format!("{name}, against undefended"), over));
        }
    }
    if let Some(split) = &outcome.split {
        known.push(("Traces with an identical twin".to_owned(), split.twins.to_string()));
    }
    for score in scores(conn, &round, submission, viewer, app.now()).await? {
        let ScoreLine { attacker, defender, part, accuracy, roc_auc, true_positives, gain, hits, .. } = score;
        let of = |number: &str| format!("{number}, {attacker} on {defender}, {part}");
        known.push((of("ROC-AUC"), roc_auc));
        known.push((of("Over the control"), gain));
        known.push((of("Hits over the control"), hits));
        known.push((of("True positives at 1 % false"), true_positives));
        known.push((of("Accuracy"), accuracy));
    }
    Ok(known)
}

async fn compared(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    one: &Submission,
    other: &Submission,
) -> Result<Vec<Compared>, Failure> {
    let (ones, others) = (known(app, conn, viewer, one).await?, known(app, conn, viewer, other).await?);
    let mut names: Vec<&String> = ones.iter().map(|(name, _)| name).collect();
    for (name, _) in &others {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let value = |list: &[(String, String)], name: &String| {
        list.iter().find(|(known, _)| known == name).map_or("–".to_owned(), |(_, value)| value.clone())
    };
    let line = |name: &String| {
        let (one, other) = (value(&ones, name), value(&others, name));
        Compared { difference: difference(&one, &other), what: name.clone(), one, other }
    };
    Ok(names.into_iter().map(line).collect())
}

/// Other less one, with as many decimals as they have.
fn difference(one: &str, other: &str) -> String {
    let number = |text: &str| text.trim_end_matches(" %").replace(',', "").parse::<f64>().ok();
    let (Some(a), Some(b)) = (number(one), number(other)) else { return String::new() };
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, rest)| rest.trim_end_matches(" %").len());
    let (decimals, unit) = (decimals(one).max(decimals(other)), if one.ends_with('%') { " points" } else { "" });
    format!("{:+.decimals$}{unit}", b - a)
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn differences_have_the_decimals_of_what_they_are_of() {
        assert_eq!(difference("0.9123", "0.9000"), "-0.0123");
        assert_eq!(difference("1,234,567", "1,234,000"), "-567");
        assert_eq!(difference("+12 %", "+20 %"), "+8 points");
        assert_eq!(difference("–", "0.5"), "");
        assert_eq!(difference("3", "3"), "+0");
    }
}
