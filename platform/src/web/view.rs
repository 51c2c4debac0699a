//! What every page has, and failures as pages and as problem documents.

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::guard::Viewer;
use super::live;
use crate::game::{Phase, Round};
use crate::store::{Conn, rounds};
use crate::{App, Failure, Millis};

/// What every page has.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) competition: String,
    pub(crate) title: String,
    pub(crate) name: Option<String>,
    pub(crate) in_team: bool,
    pub(crate) organises: bool,
    pub(crate) csrf: String,
    pub(crate) notice: Option<String>,
    /// How often what is live on it is to be loaded again by itself, in seconds, while there is something to follow.
    pub(crate) live: Option<u32>,
}

impl Page {
    pub(crate) fn new(app: &App, viewer: &Viewer, title: impl Into<String>) -> Self {
        Self {
            competition: app.options.title.clone(),
            title: title.into(),
            name: viewer.account.as_ref().map(|account| account.name.clone()),
            in_team: viewer.team.is_some(),
            organises: viewer.organises(),
            csrf: viewer.csrf().to_owned(),
            notice: viewer.notice.clone(),
            live: None,
        }
    }
}

/// What was wrong with a form, above it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Errors(pub(crate) Vec<(&'static str, String)>);

impl Errors {
    /// What is wrong with a field, if anything.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }
}

impl From<&Failure> for Errors {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Invalid(fields) => Self(fields.clone()),
            other => Self(vec![("", other.to_string())]),
        }
    }
}

pub(crate) fn html(template: &impl Template) -> Result<Response, Failure> {
    let text = template.render().map_err(|error| Failure::Broken(format!("template: {error}")))?;
    Ok(live::page(text))
}

/// A form again, with what was wrong; other failures are pages of their own.
pub(crate) fn again(template: &impl Template, failure: &Failure) -> Result<Response, Failure> {
    let mut response = html(template)?;
    *response.status_mut() = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    note_again_at(&mut response, failure);
    Ok(response)
}

/// When what was too often may be tried again: the guard makes a header of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AgainAt(pub(crate) Millis);

fn note_again_at(response: &mut Response, failure: &Failure) {
    if let Failure::TooMany { again_at, .. } = failure {
        response.extensions_mut().insert(AgainAt(*again_at));
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    page: Page,
    status: u16,
    detail: &'a str,
}

pub(crate) fn failure_page(
    app: &App,
    viewer: &Viewer,
    failure: &Failure,
    status: StatusCode,
    detail: &str,
) -> Response {
    let page = Page::new(app, viewer, failure.title());
    let text = FailurePage { page, status: status.as_u16(), detail }.render();
    let text = text.unwrap_or_else(|_| failure.to_string());
    let mut response = (status, Html(text)).into_response();
    note_again_at(&mut response, failure);
    response
}

/// A failure as RFC 9457 has it.
pub(crate) fn problem(failure: &Failure, status: StatusCode, detail: &str) -> Response {
    let mut document = serde_json::json!({
        "type": "about:blank",
        "title": failure.title(),
        "status": status.as_u16(),
        "detail": detail,
    });
    match failure {
        Failure::Invalid(fields) => {
            let fields: serde_json::Map<_, _> =
                fields.iter().map(|(name, message)| ((*name).to_owned(), message.clone().into())).collect();
            document["errors"] = fields.into();
        }
        Failure::TooMany { again_at, .. } => document["again_at"] = crate::world::iso(*again_at).into(),
        _ => {}
    }
    let mut response = (status, Json(document)).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    note_again_at(&mut response, failure);
    response
}

/// The round of a number, unless it is planned and the viewer does not organise.
pub(crate) async fn round(app: &App, conn: &mut Conn, viewer: &Viewer, number: i64) -> Result<Round, Failure> {
    let round = rounds::by_number(conn, number).await?.ok_or(Failure::NotFound)?;
    if round.phase(app.now()) == Phase::Planned && !viewer.organises() {
        return Err(Failure::NotFound);
    }
    Ok(round)
}
