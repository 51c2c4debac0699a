//! The table of routes: method, path, who may, what answers.

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::pages::{
    account, boards, collected, compare, home, matches, organise, pictures, plots, rejudgings, rounds, submissions,
    teams,
};
use super::{api, assets, etag, openapi, people};
use crate::App;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Everybody.
    Anyone,
    /// Whoever is signed in.
    Account,
    /// Whoever is in a team.
    Player,
    /// Organisers.
    Organiser,
}

pub(crate) struct Route {
    pub(crate) post: bool,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    /// Whether answers have an `ETag`.
    pub(crate) tagged: bool,
    pub(crate) handler: MethodRouter<App>,
}

/// A route, for tests and readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteLine {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with `{names}` for what varies.
    pub path: &'static str,
    /// `anyone`, `account`, `player` or `organiser`.
    pub need: &'static str,
    /// Whether answers have an `ETag`, and 304 is one.
    pub tagged: bool,
}

/// All routes, in their order.
pub fn route_table() -> Vec<RouteLine> {
    let line = |route: &Route| RouteLine {
        method: if route.post { "POST" } else { "GET" },
        path: route.path,
        tagged: route.tagged,
        need: match route.need {
            Need::Anyone => "anyone",
            Need::Account => "account",
            Need::Player => "player",
            Need::Organiser => "organiser",
        },
    };
    all().iter().map(line).collect()
}

fn get<H: Handler<T, App>, T: 'static>(path: &'static str, need: Need, handler: H) -> Route {
    Route { post: false, path, need, tagged: false, handler: on(MethodFilter::GET, handler) }
}

/// As [`get`], tagged: whoever has the answer already is told so.
fn tagged<H: Handler<T, App>, T: 'static>(path: &'static str, need: Need, handler: H) -> Route {
    let handler = on(MethodFilter::GET, handler).layer(axum::middleware::from_fn(etag::tag));
    Route { post: false, path, need, tagged: true, handler }
}

/// Forms are small.
fn post<H: Handler<T, App>, T: 'static>(path: &'static str, need: Need, handler: H) -> Route {
    let handler = on(MethodFilter::POST, handler).layer(DefaultBodyLimit::max(64 << 10));
    Route { post: true, path, need, tagged: false, handler }
}

/// Uploads are limited where they are received.
fn upload<H: Handler<T, App>, T: 'static>(path: &'static str, need: Need, handler: H) -> Route {
    let handler = on(MethodFilter::POST, handler).layer(DefaultBodyLimit::disable());
    Route { post: true, path, need, tagged: false, handler }
}

pub(crate) fn all() -> Vec<Route> {
    use Need::{Account, Anyone, Organiser, Player};
    vec![
        get("/", Anyone, home::home),
        get("/rules", Anyone, home::rules),
        get("/kit.zip", Anyone, assets::kit),
        get("/healthz", Anyone, home::health),
        get("/metrics", Organiser, home::metrics),
        get("/assets/{name}", Anyone, assets::asset),
        get("/register", Anyone, account::register_form),
        post("/register", Anyone, account::register),
        get("/sign-in", Anyone, account::sign_in_form),
        post("/sign-in", Anyone, account::sign_in),
        post("/sign-out", Account, account::sign_out),
        get("/welcome/{secret}", Anyone, account::welcome_form),
        post("/welcome/{secret}", Anyone, account::welcome),
        get("/forgot", Anyone, account::forgot_form),
        post("/forgot", Anyone, account::forgot),
        get("/confirm/{secret}", Anyone, account::confirm_form),
        post("/confirm/{secret}", Anyone, account::confirm),
        get("/account", Account, account::account),
        post("/account/confirm", Account, account::confirm_again),
        post("/account/password", Account, account::password),
        post("/account/tokens", Account, account::new_token),
        post("/account/tokens/{id}/revoke", Account, account::revoke_token),
        post("/account/sessions/{id}/end", Account, account::end_session),
        post("/account/sessions/end-others", Account, account::end_other_sessions),
        get("/teams", Anyone, teams::list),
        get("/teams/{team}", Anyone, teams::one),
        get("/team", Account, teams::own),
        post("/team/create", Account, teams::create),
        post("/team/join", Account, teams::join),
        post("/team/leave", Player, teams::leave),
        post("/team/code", Player, teams::renew_code),
        get("/rounds/{round}", Anyone, rounds::one),
        tagged("/rounds/{round}/matches", Anyone, matches::page),
        get("/rounds/{round}/sample.csv", Anyone, home::sample),
        get("/rounds/{round}/try", Account, rounds::try_form),
        upload("/rounds/{round}/try", Account, rounds::try_file),
        get("/rounds/{round}/defence", Player, rounds::defence_form),
        upload("/rounds/{round}/defence", Player, rounds::defence),
        post("/rounds/{round}/specification", Player, rounds::specification),
        post("/rounds/{round}/recording", Player, rounds::recording),
        get("/rounds/{round}/attack", Player, rounds::attack_form),
        upload("/rounds/{round}/attack", Player, rounds::attack),
        get("/rounds/{round}/targets/{team}/{part}", Player, rounds::target),
        tagged("/rounds/{round}/leaderboard", Anyone, boards::round),
        tagged("/rounds/{round}/leaderboard.csv", Anyone, boards::round_csv),
        tagged("/rounds/{round}/leaderboard.json", Anyone, boards::round_json),
        tagged("/rounds/{round}/matrix", Anyone, boards::matrix),
        tagged("/rounds/{round}/matrix.csv", Anyone, boards::matrix_csv),
        tagged("/rounds/{round}/matrix.json", Anyone, boards::matrix_json),
        tagged("/rounds/{round}/chart.svg", Anyone, boards::chart),
        get("/rounds/{round}/pictures", Anyone, plots::round),
        get("/rounds/{round}/pictures/{name}", Anyone, plots::round_file),
        get("/leaderboard/pictures/{name}", Anyone, plots::overall_file),
        tagged("/leaderboard", Anyone, boards::overall),
        tagged("/leaderboard.csv", Anyone, boards::overall_csv),
        tagged("/leaderboard.json", Anyone, boards::overall_json),
        get("/submissions", Player, submissions::list),
        get("/submissions/{id}", Player, submissions::one),
        get("/submissions/{id}/file", Player, submissions::file),
        get("/submissions/{id}/compare", Player, compare::page),
        get("/submissions/{id}/pictures", Player, pictures::page),
        get("/submissions/{id}/pictures/{name}", Player, pictures::file),
        post("/submissions/{id}/choose", Player, submissions::choose),
        get("/organise", Organiser, organise::overview),
        get("/organise/rounds/new", Organiser, organise::new_round),
        get("/organise/rounds/{round}", Organiser, organise::round),
        post("/organise/rounds/{round}", Organiser, organise::save_round),
        upload("/organise/rounds/{round}/baseline", Organiser, organise::baseline),
        get("/organise/rounds/{round}/truth/{team}", Organiser, organise::truth),
        get("/organise/rounds/{round}/submissions.zip", Organiser, collected::download),
        get("/organise/pictures", Organiser, plots::organise),
        get("/organise/pictures/{name}", Organiser, plots::organise_file),
        get("/organise/people", Organiser, organise::people),
        post("/organise/people/move", Organiser, organise::move_player),
        post("/organise/people/lock", Organiser, organise::lock),
        post("/organise/people/reset", Organiser, organise::reset),
        post("/organise/people/import", Organiser, organise::import),
        post("/organise/invitations", Organiser, organise::invite),
        post("/organise/announcements", Organiser, organise::announce),
        post("/organise/settings", Organiser, organise::settings),
        get("/organise/submissions", Organiser, organise::submissions),
        get("/organise/submissions/{id}", Organiser, organise::submission),
        get("/organise/submissions/{id}/file", Organiser, organise::file),
        post("/organise/submissions/{id}/again", Organiser, organise::check_again),
        post("/organise/submissions/{id}/cancel", Organiser, organise::cancel),
        get("/organise/jobs", Organiser, organise::work),
        post("/organise/submissions/{id}/accept", Organiser, organise::accept),
        post("/organise/submissions/{id}/refuse", Organiser, organise::refuse),
        get("/organise/rejudgings", Organiser, rejudgings::list),
        post("/organise/rejudgings", Organiser, rejudgings::begin),
        get("/organise/rejudgings/{id}", Organiser, rejudgings::one),
        post("/organise/rejudgings/{id}/apply", Organiser, rejudgings::apply),
        post("/organise/rejudgings/{id}/drop", Organiser, rejudgings::drop),
        get("/organise/mail", Organiser, organise::mail),
        post("/organise/mail/again", Organiser, organise::mail_again),
        get("/organise/audit", Organiser, organise::audit),
        get("/api/v1/openapi.json", Anyone, openapi::document),
        post("/api/v1/register", Anyone, people::register),
        post("/api/v1/sign-in", Anyone, people::sign_in),
        post("/api/v1/sign-out", Account, people::sign_out),
        post("/api/v1/password", Account, people::password),
        post("/api/v1/forgot", Anyone, people::forgot),
        post("/api/v1/welcome", Anyone, people::welcome),
        post("/api/v1/confirm", Anyone, people::confirm),
        post("/api/v1/confirm-again", Account, people::confirm_again),
        get("/api/v1/tokens", Account, people::tokens),
        post("/api/v1/tokens", Account, people::new_token),
        post("/api/v1/tokens/{id}/revoke", Account, people::revoke_token),
        get("/api/v1/announcements", Anyone, people::announcements),
        get("/api/v1/me", Account, api::me),
        get("/api/v1/teams", Anyone, people::all_teams),
        get("/api/v1/team", Player, people::own_team),
        post("/api/v1/team/create", Account, people::create_team),
        post("/api/v1/team/join", Account, people::join_team),
        post("/api/v1/team/leave", Player, people::leave_team),
        post("/api/v1/team/code", Player, people::renew_code),
        get("/api/v1/rounds", Anyone, api::rounds),
        get("/api/v1/rounds/{round}", Anyone, api::round),
        upload("/api/v1/rounds/{round}/defences", Player, api::defence),
        post("/api/v1/rounds/{round}/specifications", Player, api::specification),
        post("/api/v1/rounds/{round}/recordings", Player, api::recording),
        upload("/api/v1/rounds/{round}/attacks", Player, api::attack),
        get("/api/v1/rounds/{round}/targets", Player, api::targets),
        get("/api/v1/rounds/{round}/targets/{team}/{part}", Player, rounds::target),
        tagged("/api/v1/rounds/{round}/leaderboard", Anyone, boards::round_json),
        tagged("/api/v1/rounds/{round}/matches", Anyone, matches::list),
        tagged("/api/v1/rounds/{round}/matrix", Anyone, boards::matrix_json),
        tagged("/api/v1/leaderboard", Anyone, boards::overall_json),
        get("/api/v1/submissions", Player, api::submissions),
        get("/api/v1/submissions/{id}", Player, api::submission),
        get("/api/v1/submissions/{id}/file", Player, submissions::file),
        post("/api/v1/submissions/{id}/choose", Player, api::choose),
    ]
}
