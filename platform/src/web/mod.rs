//! Pages and the API over HTTP. Every route stands in one table, with who may use it; nothing is served that is not in it.

mod api;
mod assets;
mod etag;
mod figure;
mod form;
mod guard;
mod live;
mod openapi;
mod pages;
mod people;
mod routes;
mod show;
mod table;
mod upload;
mod view;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

pub use routes::{RouteLine, route_table};

use crate::App;

/// Nothing comes from elsewhere, nothing is inline, nobody frames a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The whole site.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes::all() {
        router = router.route(route.path, route.handler);
    }
    let mut router = router
        .fallback(guard::nothing)
        .method_not_allowed_fallback(guard::not_this_way)
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(axum::middleware::from_fn(live::unless_seen))
        // An upload over a slow line takes its time.
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(900)))
        .layer(CatchPanicLayer::new());
    let headers = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "interest-cohort=()"),
    ];
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)));
    }
    if app.options.secure {
        let hsts = HeaderValue::from_static("max-age=31536000");
        router = router
            .layer(SetResponseHeaderLayer::if_not_present(HeaderName::from_static("strict-transport-security"), hsts));
    }
    router.with_state(app)
}
