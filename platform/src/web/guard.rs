//! Who asks, whether they may, and how a failure looks: around every request.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::routes::{self, Need};
use super::view::{self, AgainAt};
use crate::store::accounts::{self, Account};
use crate::store::teams::{self, Team};
use crate::{App, Failure, Millis};

/// The cookie of a session.
pub(crate) const COOKIE: &str = "wfkit_session";

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Viewer {
    pub(crate) account: Option<Account>,
    pub(crate) team: Option<Team>,
    /// The secret of the session and what its forms must send back; none with a token.
    pub(crate) session: Option<(String, String)>,
    /// The id of the session, and when it was last seen.
    pub(crate) session_id: String,
    seen_at: Millis,
    /// Roughly what asks.
    pub(crate) browser: String,
    pub(crate) notice: Option<String>,
    /// Where from, for rate limits.
    pub(crate) address: String,
    /// Whether this is the API: failures are problem documents then.
    pub(crate) api: bool,
}

impl Viewer {
    pub(crate) fn account(&self) -> Result<&Account, Failure> {
        self.account.as_ref().ok_or(Failure::SignIn)
    }

    pub(crate) fn team(&self) -> Result<&Team, Failure> {
        self.team.as_ref().ok_or_else(no_team)
    }

    pub(crate) fn organises(&self) -> bool {
        self.account.as_ref().is_some_and(Account::organises)
    }

    pub(crate) fn name(&self) -> &str {
        self.account.as_ref().map_or("nobody", |account| &account.name)
    }

    pub(crate) fn csrf(&self) -> &str {
        self.session.as_ref().map_or("", |(_, csrf)| csrf)
    }

    /// Whether a form came from a page of this session; without a session there is nothing to protect that the check of
    /// origins does not.
    pub(crate) fn check_csrf(&self, sent: &str) -> Result<(), Failure> {
        match &self.session {
            Some((_, csrf)) if csrf != sent => {
                Err(Failure::Forbidden("The form is too old, or from elsewhere. Load the page again.".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn no_team() -> Failure {
    Failure::Forbidden("This is for teams. Make or join one first.".to_owned())
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl IntoResponse for Failure {
    /// Only carries the failure: the guard gives it its form.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

pub(crate) async fn nothing() -> Failure {
    Failure::NotFound
}

pub(crate) async fn not_this_way() -> Response {
    let mut response = Failure::Bad("This address takes other methods.".to_owned()).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

fn needs() -> &'static HashMap<(bool, &'static str), Need> {
    static NEEDS: OnceLock<HashMap<(bool, &'static str), Need>> = OnceLock::new();
    NEEDS.get_or_init(|| routes::all().into_iter().map(|route| ((route.post, route.path), route.need)).collect())
}

pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let api = path.starts_with("/api/");
    let browser = rough_browser(request.headers().get(header::USER_AGENT));
    let mut viewer = Viewer { api, address: address(&app, &request), browser, ..Viewer::default() };
    let asked = Asked {
        headers: request.headers().clone(),
        method: request.method().clone(),
        path: request.extensions().get::<MatchedPath>().cloned(),
    };
    let response = match admit(&app, &mut viewer, &asked).await {
        // No name, id or choice has a zero byte, and PostgreSQL would stumble over it.
        Ok(()) if request.uri().to_string().contains("%00") => Failure::NotFound.into_response(),
        Ok(()) => {
            see(&app, &viewer).await;
            request.extensions_mut().insert(viewer.clone());
            next.run(request).await
        }
        Err(Failure::SignIn) if !api && request.method() == Method::GET => {
            let next = path.bytes().map(|byte| match byte {
                b'/' | b'-' | b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            });
            Redirect::to(&format!("/sign-in?next={}", next.collect::<String>())).into_response()
        }
        Err(failure) => failure.into_response(),
    };
    finish(&app, &viewer, response).await
}

/// Notes now and then that a session is used.
async fn see(app: &App, viewer: &Viewer) {
    if viewer.session_id.is_empty() || app.now() - viewer.seen_at < accounts::SEEN {
        return;
    }
    let noted = async {
        let mut tx = app.store.write().await?;
        accounts::see_session(&mut tx, &viewer.session_id, app.now()).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!("session: {error}");
    }
}

/// The kind of browser and system, and nothing that tells more: enough to know one's own again.
fn rough_browser(agent: Option<&HeaderValue>) -> String {
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let first =
        |marks: &[(&str, &'static str)]| marks.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    // Each browser says that it is those that came before it.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "another program".to_owned(),
    }
}

/// What is asked, without the body.
struct Asked {
    headers: HeaderMap,
    method: Method,
    path: Option<MatchedPath>,
}

/// Who asks, and whether they may ask this.
async fn admit(app: &App, viewer: &mut Viewer, asked: &Asked) -> Result<(), Failure> {
    let headers = &asked.headers;
    let mut conn = app.store.read().await?;
    if let Some(token) = bearer_of(headers) {
        let account = accounts::by_token(&mut conn, token).await?.ok_or(Failure::SignIn)?;
        viewer.account = Some(account);
    } else {
        if !matches!(asked.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            check_origin(headers)?;
        }
        if let Some(secret) = cookie(headers, COOKIE)
            && let Some((session, account)) = accounts::session(&mut conn, secret, app.now()).await?
        {
            viewer.account = Some(account);
            viewer.notice = session.notice;
            (viewer.session_id, viewer.seen_at) = (session.id, session.seen_at);
            viewer.session = Some((secret.to_owned(), session.csrf));
        }
        // A form of another site could send a body with the cookie; a token it has not.
        if viewer.api && viewer.session.is_some() && asked.method != Method::GET && asked.method != Method::HEAD {
            return Err(Failure::Forbidden(
                "Changes over the API take a token, not the cookie of a session.".to_owned(),
            ));
        }
    }
    if let Some(account) = &viewer.account {
        viewer.team = teams::of_account(&mut conn, &account.id).await?;
    }
    // What is in no table is answered by the fallback.
    let Some(matched) = &asked.path else { return Ok(()) };
    let post = match asked.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        // No route takes it, whoever asks.
        _ => return Ok(()),
    };
    let Some(need) = needs().get(&(post, matched.as_str())) else { return Ok(()) };
    match need {
        Need::Anyone => Ok(()),
        _ if viewer.account.is_none() => Err(Failure::SignIn),
        Need::Account => Ok(()),
        Need::Player if viewer.team.is_some() => Ok(()),
        Need::Player => Err(no_team()),
        Need::Organiser if viewer.organises() => Ok(()),
        // Not even that there is such a page.
        Need::Organiser => Err(Failure::NotFound),
    }
}

/// A browser says where a request comes from; one that says nothing is none, and has no cookies of others.
fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let foreign = || Failure::Forbidden("The form was sent from another site.".to_owned());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(foreign()),
        None => {}
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let host = text("host").unwrap_or_default();
    let same = origin.split_once("://").is_some_and(|(_, origin)| origin == host && !host.is_empty());
    if same { Ok(()) } else { Err(foreign()) }
}

/// The token that a program sends.
pub(crate) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}

/// The cookie of a new session, or of one that ends.
pub(crate) fn session_cookie(app: &App, secret: &str) -> HeaderValue {
    let age = if secret.is_empty() { 0 } else { accounts::SESSION / 1000 };
    let secure = if app.options.secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).expect("secrets are letters and digits")
}

fn address(app: &App, request: &Request) -> String {
    if app.options.behind_proxy
        && let Some(text) = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok())
        && let Some(last) = text.rsplit(',').next()
    {
        return last.trim().chars().take(64).collect();
    }
    request.extensions().get::<ConnectInfo<SocketAddr>>().map_or("here".to_owned(), |info| info.0.ip().to_string())
}

/// Failures get their form, notices are forgotten once they were shown, nothing personal is kept by caches.
async fn finish(app: &App, viewer: &Viewer, mut response: Response) -> Response {
    let failure = match response.extensions_mut().remove::<Arc<Failure>>() {
        // Of an extractor of the framework, in plain text.
        None if is_bare(&response) => Some(Arc::new(Failure::Bad("The request cannot be read.".to_owned()))),
        failure => failure,
    };
    if let Some(failure) = &failure {
        let (status, allow) = (response.status(), response.headers_mut().remove(header::ALLOW));
        let mut detail = failure.to_string();
        if let Failure::Busy(why) = &**failure {
            tracing::warn!("{why}");
        }
        if let Failure::Broken(why) = &**failure {
            let number = app.world.id();
            tracing::error!(number, "{why}");
            let _ = write!(detail, " Organisers find it in the log under {number}.");
        }
        response = match viewer.api {
            true => view::problem(failure, status, &detail),
            false => view::failure_page(app, viewer, failure, status, &detail),
        };
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
    }
    if let Some(AgainAt(at)) = response.extensions_mut().remove::<AgainAt>() {
        let seconds = ((at - app.now() + 999) / 1000).max(1);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if let (Some((secret, _)), true, true) = (&viewer.session, viewer.notice.is_some(), is_page) {
        let cleared = async {
            let mut tx = app.store.write().await?;
            accounts::set_notice(&mut tx, secret, None).await?;
            tx.commit().await
        };
        if let Err(error) = cleared.await {
            tracing::warn!("notice: {error}");
        }
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether it is a failure that has no form yet.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && (kind.is_empty() || kind.starts_with(b"text/plain"))
}

/// Goes to a page, which then tells something.
pub(crate) async fn tell(app: &App, viewer: &Viewer, to: &str, notice: &str) -> Result<Response, Failure> {
    if let Some((secret, _)) = &viewer.session {
        let mut tx = app.store.write().await?;
        accounts::set_notice(&mut tx, secret, Some(notice)).await?;
        tx.commit().await?;
    }
    Ok(Redirect::to(to).into_response())
}

/// A place on this site only: anything else is the start page.
pub(crate) fn safe_next(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_here() {
        assert_eq!(safe_next("/rounds/1?x=1"), "/rounds/1?x=1");
        for next in ["//evil.example", "///evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "", "x"]
        {
            assert_eq!(safe_next(next), "/", "{next:?}");
        }
    }

    #[test]
    fn browsers_are_told_roughly() {
        let rough = |agent: &str| rough_browser(Some(&HeaderValue::from_str(agent).unwrap()));
        assert_eq!(rough("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150.0";
        assert_eq!(rough(edge), "Edge on Windows");
        assert_eq!(
            (rough("curl/8.1"), rough_browser(None)),
            ("another program".to_owned(), "another program".to_owned())
        );
    }

    #[test]
    fn forms_come_from_here() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|&(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
            check_origin(&headers.collect()).is_ok()
        };
        assert!(check(&[]));
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("sec-fetch-site", "same-site")]));
        assert!(check(&[("origin", "http://a.example:80"), ("host", "a.example:80")]));
        assert!(!check(&[("origin", "http://b.example"), ("host", "a.example")]));
        assert!(!check(&[("origin", "null"), ("host", "a.example")]));
    }
}
