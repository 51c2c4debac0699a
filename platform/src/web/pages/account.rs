//! Registering, signing in, the own account.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::acts::{self, Newcomer, Person};
use crate::store::accounts::{self, ApiToken, SessionLine};
use crate::web::form::Checked;
use crate::web::guard::{Viewer, safe_next, session_cookie, tell};
use crate::web::people::ON_ITS_WAY;
use crate::web::show::When;
use crate::web::view::{Errors, Page, again, html};
use crate::world::counted;
use crate::{App, Failure, Registration};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    page: Page,
    errors: Errors,
    name: String,
    email: String,
    code: bool,
    closed: bool,
}

fn register_page(app: &App, viewer: &Viewer, errors: Errors, name: &str, email: &str) -> RegisterPage {
    RegisterPage {
        page: Page::new(app, viewer, "Register"),
        errors,
        name: name.to_owned(),
        email: email.to_owned(),
        code: app.options.registration == Registration::Invitation,
        closed: app.options.registration == Registration::Closed,
    }
}

pub(crate) async fn register_form(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&register_page(&app, &viewer, Errors::default(), "", ""))
}

pub(crate) async fn register(
    State(app): State<App>,
    viewer: Viewer,
    Checked(newcomer): Checked<Newcomer>,
) -> Result<Response, Failure> {
    match acts::register(&app, &newcomer, &viewer.address).await {
        Ok(person) => signed_in(&app, &viewer, &person, "/team").await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => {
            again(&register_page(&app, &viewer, Errors::from(&failure), &newcomer.name, &newcomer.email), &failure)
        }
    }
}

async fn signed_in(app: &App, viewer: &Viewer, person: &Person, to: &str) -> Result<Response, Failure> {
    let secret = acts::begin_session(app, &person.id, &viewer.browser).await?;
    Ok(([(header::SET_COOKIE, session_cookie(app, &secret))], Redirect::to(to)).into_response())
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    errors: Errors,
    name: String,
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

pub(crate) async fn sign_in_form(
    State(app): State<App>,
    viewer: Viewer,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Failure> {
    let page = Page::new(&app, &viewer, "Sign in");
    html(&SignInPage { page, errors: Errors::default(), name: String::new(), next: safe_next(&next).to_owned() })
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<SignIn>,
) -> Result<Response, Failure> {
    let next = safe_next(&form.next);
    match acts::sign_in(&app, &form.name, &form.password, &viewer.address).await {
        Ok(person) => signed_in(&app, &viewer, &person, next).await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => {
            let page = Page::new(&app, &viewer, "Sign in");
            let form =
                SignInPage { page, errors: Errors::from(&failure), name: form.name.clone(), next: next.to_owned() };
            again(&form, &failure)
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

pub(crate) async fn sign_out(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    if let Some((secret, _)) = &viewer.session {
        let mut tx = app.store.write().await?;
        accounts::end_session(&mut tx, secret).await?;
        tx.commit().await?;
    }
    Ok(([(header::SET_COOKIE, session_cookie(&app, ""))], Redirect::to("/")).into_response())
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    page: Page,
    errors: Errors,
}

pub(crate) async fn welcome_form(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&WelcomePage { page: Page::new(&app, &viewer, "Set a password"), errors: Errors::default() })
}

#[derive(Deserialize)]
pub(crate) struct Welcome {
    password: String,
    again: String,
}

pub(crate) async fn welcome(
    State(app): State<App>,
    viewer: Viewer,
    Path(secret): Path<String>,
    Checked(form): Checked<Welcome>,
) -> Result<Response, Failure> {
    match acts::use_reset_link(&app, &secret, &form.password, &form.again).await {
        Ok(()) => Ok(Redirect::to("/sign-in").into_response()),
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => {
            let page = Page::new(&app, &viewer, "Set a password");
            again(&WelcomePage { page, errors: Errors::from(&failure) }, &failure)
        }
    }
}

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage {
    page: Page,
    errors: Errors,
    mails: bool,
}

fn forgot_page(app: &App, viewer: &Viewer, errors: Errors) -> ForgotPage {
    let page = Page::new(app, viewer, "A new password");
    ForgotPage { page, errors, mails: app.options.post.is_some() }
}

pub(crate) async fn forgot_form(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&forgot_page(&app, &viewer, Errors::default()))
}

#[derive(Deserialize)]
pub(crate) struct Forgot {
    who: String,
}

pub(crate) async fn forgot(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Forgot>,
) -> Result<Response, Failure> {
    match acts::forgot(&app, &form.who, &viewer.address).await {
        Ok(()) => {
            let mut page = Page::new(&app, &viewer, "A new password");
            page.notice = Some(ON_ITS_WAY.to_owned());
            html(&ForgotPage { page, errors: Errors::default(), mails: true })
        }
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&forgot_page(&app, &viewer, Errors::from(&failure)), &failure),
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    page: Page,
    errors: Errors,
}

pub(crate) async fn confirm_form(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&ConfirmPage { page: Page::new(&app, &viewer, "Your address"), errors: Errors::default() })
}

pub(crate) async fn confirm(
    State(app): State<App>,
    viewer: Viewer,
    Path(secret): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    match acts::confirm(&app, &secret).await {
        Ok(()) => tell(&app, &viewer, "/account", "The address is confirmed.").await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => {
            let page = Page::new(&app, &viewer, "Your address");
            again(&ConfirmPage { page, errors: Errors::from(&failure) }, &failure)
        }
    }
}

pub(crate) async fn confirm_again(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    acts::confirm_again(&app, viewer.account()?).await?;
    tell(&app, &viewer, "/account", "The mail is on its way.").await
}

/// A session, to its owner.
struct SessionShown {
    id: String,
    since: When,
    seen: When,
    browser: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    errors: Errors,
    name: String,
    email: String,
    tokens: Vec<(ApiToken, When)>,
    sessions: Vec<SessionShown>,
    /// A token that was just made; nothing shows it again.
    secret: Option<String>,
    /// Whether the address is still to be confirmed.
    unconfirmed: bool,
}

async fn account_page(
    app: &App,
    viewer: &Viewer,
    errors: Errors,
    secret: Option<String>,
) -> Result<AccountPage, Failure> {
    let account = viewer.account()?;
    let mut conn = app.store.read().await?;
    let tokens = accounts::tokens(&mut conn, &account.id).await?;
    let session = |one: SessionLine| SessionShown {
        here: one.id == viewer.session_id,
        since: When(one.created_at),
        seen: When(one.seen_at),
        browser: if one.browser.is_empty() { "not known".to_owned() } else { one.browser },
        id: one.id,
    };
    let sessions = accounts::sessions(&mut conn, &account.id, app.now()).await?.into_iter().map(session).collect();
    Ok(AccountPage {
        page: Page::new(app, viewer, "Your account"),
        errors,
        name: account.name.clone(),
        email: account.email.clone(),
        tokens: tokens.into_iter().map(|token| (token.clone(), When(token.created_at))).collect(),
        sessions,
        secret,
        unconfirmed: app.options.post.is_some() && account.confirmed_at.is_none(),
    })
}

pub(crate) async fn account(State(app): State<App>, viewer: Viewer) -> Result<Response, Failure> {
    html(&account_page(&app, &viewer, Errors::default(), None).await?)
}

#[derive(Deserialize)]
pub(crate) struct Password {
    old: String,
    password: String,
    again: String,
}

pub(crate) async fn password(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Password>,
) -> Result<Response, Failure> {
    let account = viewer.account()?;
    match acts::change_password(&app, account, &form.old, &form.password, &form.again).await {
        Ok(()) => signed_in(&app, &viewer, &Person::from(account), "/account").await,
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&account_page(&app, &viewer, Errors::from(&failure), None).await?, &failure),
    }
}

/// What a token is for, from a form or the API.
#[derive(Deserialize)]
pub(crate) struct Label {
    pub(crate) label: String,
}

pub(crate) async fn new_token(
    State(app): State<App>,
    viewer: Viewer,
    Checked(form): Checked<Label>,
) -> Result<Response, Failure> {
    match acts::new_token(&app, &Person::from(viewer.account()?), &form.label).await {
        Ok(secret) => html(&account_page(&app, &viewer, Errors::default(), Some(secret)).await?),
        Err(failure @ Failure::Broken(_)) => Err(failure),
        Err(failure) => again(&account_page(&app, &viewer, Errors::from(&failure), None).await?, &failure),
    }
}

pub(crate) async fn revoke_token(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let mut tx = app.store.write().await?;
    if !accounts::delete_token(&mut tx, &viewer.account()?.id, &id).await? {
        return Err(Failure::NotFound);
    }
    tx.commit().await?;
    tell(&app, &viewer, "/account", "The token no longer works.").await
}

pub(crate) async fn end_session(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let mut tx = app.store.write().await?;
    if !accounts::end_session_of(&mut tx, &viewer.account()?.id, &id).await? {
        return Err(Failure::NotFound);
    }
    tx.commit().await?;
    match id == viewer.session_id {
        true => Ok(([(header::SET_COOKIE, session_cookie(&app, ""))], Redirect::to("/")).into_response()),
        false => tell(&app, &viewer, "/account", "That session has ended.").await,
    }
}

pub(crate) async fn end_other_sessions(
    State(app): State<App>,
    viewer: Viewer,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<Response, Failure> {
    let secret = viewer.session.as_ref().map_or("", |(secret, _)| secret);
    let mut tx = app.store.write().await?;
    let count = accounts::end_other_sessions(&mut tx, &viewer.account()?.id, secret).await?;
    tx.commit().await?;
    tell(&app, &viewer, "/account", &format!("{} ended.", counted(count as i64, "other session"))).await
}
