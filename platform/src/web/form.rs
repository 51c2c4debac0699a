//! Forms of pages: every one must come from a page of the session.

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::{HeaderValue, Method, header};
use serde::de::DeserializeOwned;

use super::guard::Viewer;
use crate::{App, Failure};

/// What browsers send forms as.
const FORM: &str = "application/x-www-form-urlencoded";

/// A form whose token was right. There is no other way to read one here.
pub(crate) struct Checked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Checked<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).map_or(FORM.as_bytes(), HeaderValue::as_bytes);
        if !kind.starts_with(FORM.as_bytes()) {
            return Err(Failure::Unsupported("This takes a form, as the page sends it.".to_owned()));
        }
        let viewer = Viewer::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|_| Failure::TooLarge("The form is too large, or broke off.".to_owned()))?;
        let fields: Vec<(String, String)> = parse(body.clone(), app).await?;
        for (_, value) in &fields {
            check_text(value)?;
        }
        let sent = fields.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value);
        viewer.check_csrf(sent)?;
        Ok(Self(parse(body, app).await?))
    }
}

async fn parse<T: DeserializeOwned>(body: Bytes, app: &App) -> Result<T, Failure> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    let kind = HeaderValue::from_static(FORM);
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    match Form::<T>::from_request(request, app).await {
        Ok(Form(value)) => Ok(value),
        Err(rejection) => Err(Failure::Bad(format!("The form cannot be read: {}", rejection.body_text()))),
    }
}

/// A zero byte is no text, and PostgreSQL stores none.
pub(crate) fn check_text(text: &str) -> Result<(), Failure> {
    match text.contains('\0') {
        true => Err(Failure::Bad("A text has a zero byte in it.".to_owned())),
        false => Ok(()),
    }
}

/// A field that may be left empty.
pub(crate) fn optional<T: std::str::FromStr>(name: &'static str, text: &str) -> Result<Option<T>, Failure> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Failure::field(name, "not a number")),
    }
}
