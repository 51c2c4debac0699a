//! Boards and their exports know what they are: who has one already is told that nothing is new (304). What they are is told from the bytes
//! that the one who asks would get, so that no tag knows more than its page: not behind a freeze, nor of what is not theirs to see.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Failure;

/// A text of the answer that says when it was made. It moves with the clock alone, and is no news.
#[derive(Debug, Clone)]
pub(super) struct MadeAt(pub(super) String);

/// Around a route whose answers are tagged.
pub(super) async fn tag(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || !reads {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Failure::Broken("a board could not be written".to_owned()).into_response();
    };
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if let Some(MadeAt(at)) = parts.extensions.remove::<MadeAt>() {
        text = text.replace(&at, "");
        // A page that follows what happens says what it is, which has that in it.
        if let Some(seen) = parts.headers.get("x-seen").and_then(|seen| seen.to_str().ok()) {
            text = text.replace(seen, "");
        }
    }
    // Weak: two answers of one tag may differ in when they were made.
    let tag = format!("W/\"{}\"", &crate::digest(&text)[..32]);
    let value = HeaderValue::from_str(&tag).expect("hexadecimal digits and quotes are");
    parts.headers.insert(header::ETAG, value);
    // The browser of one account may keep it, and asks each time whether it still holds.
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("Cookie, Authorization"));
    if known.is_some_and(|known| matches(&known, &tag)) {
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_DISPOSITION] {
            parts.headers.remove(name);
        }
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a tag is among those that somebody has, by the weak comparison of RFC 9110.
fn matches(known: &HeaderValue, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(known) = known.to_str() else { return false };
    known.trim() == "*" || known.split(',').any(|one| opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let is = |known: &str| matches(&HeaderValue::from_str(known).unwrap(), "W/\"ab\"");
        assert!(is("W/\"ab\"") && is("\"ab\"") && is("\"x\", W/\"ab\"") && is("*"));
        assert!(!is("\"a\"") && !is("ab") && !is(""));
    }
}
