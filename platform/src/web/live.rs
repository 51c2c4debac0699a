//! Pages that follow what happens: htmx asks for them again ([`Page::live`](super::view::Page)), says what it has seen, and hears that
//! nothing is new, or gets the page and puts the part that is live into place. Without scripts a page is loaded again whole.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

/// What stands in a template where the page tells what it is.
const MARK: &str = "(what this page is)";
/// The header by which a page tells, and says that it was seen.
const SEEN: HeaderName = HeaderName::from_static("x-seen");

/// A page; one that is live knows what it is.
pub(super) fn page(text: String) -> Response {
    if !text.contains(MARK) {
        return Html(text).into_response();
    }
    let digest = &crate::digest(&text)[..16];
    let mut response = Html(text.replace(MARK, digest)).into_response();
    response.headers_mut().insert(SEEN, HeaderValue::from_str(digest).expect("hexadecimal digits are"));
    response
}

/// Answers that nothing is new (204) where a page is what was seen before.
pub(super) async fn unless_seen(request: Request, next: Next) -> Response {
    let seen = request.headers().get(SEEN).cloned();
    let response = next.run(request).await;
    match seen {
        Some(seen) if response.headers().get(SEEN) == Some(&seen) => StatusCode::NO_CONTENT.into_response(),
        _ => response,
    }
}
