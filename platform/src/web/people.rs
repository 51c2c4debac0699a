//! Accounts and teams over the API.

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::form::check_text;
use super::guard::{Viewer, bearer_of};
use super::pages::account::Label;
use crate::acts::{self, Newcomer, Person};
use crate::store::teams::Team;
use crate::store::{Conn, accounts, settings, teams};
use crate::world::iso;
use crate::{App, Failure};

/// A document that was sent.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Sent<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let read = Json::<Value>::from_request(request, app).await;
        match read {
            Ok(Json(document)) => {
                check_texts(&document)?;
                let document = serde_json::from_value(document);
                document.map(Self).map_err(|error| Failure::Bad(format!("The document cannot be read: {error}")))
            }
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Failure::TooLarge("The document is too large.".to_owned()))
            }
            Err(rejection) if rejection.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Err(Failure::Unsupported("This takes a document of the type application/json.".to_owned()))
            }
            Err(rejection) => Err(Failure::Bad(rejection.body_text())),
        }
    }
}

fn check_texts(document: &Value) -> Result<(), Failure> {
    match document {
        Value::String(text) => check_text(text),
        Value::Object(fields) => fields.values().try_for_each(check_texts),
        Value::Array(all) => all.iter().try_for_each(check_texts),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
pub(crate) struct Account {
    name: String,
    email: String,
    password: String,
    #[serde(default)]
    code: String,
}

pub(crate) async fn register(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Account>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Account { name, email, password, code } = sent;
    let newcomer = Newcomer { name, email, again: password.clone(), password, code };
    let person = acts::register(&app, &newcomer, &viewer.address).await?;
    Ok((StatusCode::CREATED, signed_in(&app, &person).await?))
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    name: String,
    password: String,
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<SignIn>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let person = acts::sign_in(&app, &sent.name, &sent.password, &viewer.address).await?;
    Ok((StatusCode::CREATED, signed_in(&app, &person).await?))
}

async fn signed_in(app: &App, person: &Person) -> Result<Json<Value>, Failure> {
    let token = acts::sign_in_token(app, person).await?;
    Ok(Json(json!({ "name": person.name, "token": token })))
}

pub(crate) async fn sign_out(
    State(app): State<App>,
    viewer: Viewer,
    headers: axum::http::HeaderMap,
) -> Result<Json<Value>, Failure> {
    let account = viewer.account()?;
    let token = bearer_of(&headers).ok_or(Failure::SignIn)?;
    let mut tx = app.store.write().await?;
    accounts::end_token(&mut tx, token).await?;
    tx.commit().await?;
    Ok(Json(json!({ "name": account.name })))
}

#[derive(Deserialize)]
pub(crate) struct Password {
    old: String,
    password: String,
}

pub(crate) async fn password(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Password>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let account = viewer.account()?;
    acts::change_password(&app, account, &sent.old, &sent.password, &sent.password).await?;
    Ok((StatusCode::CREATED, signed_in(&app, &Person::from(account)).await?))
}

#[derive(Deserialize)]
pub(crate) struct Forgot {
    who: String,
}

/// What is said whether there is such an account or not.
pub(crate) const ON_ITS_WAY: &str = "If there is such an account, a link is on its way to its address.";

pub(crate) async fn forgot(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Forgot>,
) -> Result<Json<Value>, Failure> {
    acts::forgot(&app, &sent.who, &viewer.address).await?;
    Ok(Json(json!({ "told": ON_ITS_WAY })))
}

#[derive(Deserialize)]
pub(crate) struct ByLink {
    secret: String,
    password: String,
}

pub(crate) async fn welcome(State(app): State<App>, Sent(sent): Sent<ByLink>) -> Result<Json<Value>, Failure> {
    acts::use_reset_link(&app, &sent.secret, &sent.password, &sent.password).await?;
    Ok(Json(json!({ "told": "The password is set. Sign in with it." })))
}

#[derive(Deserialize)]
pub(crate) struct Secret {
    secret: String,
}

pub(crate) async fn confirm(State(app): State<App>, Sent(sent): Sent<Secret>) -> Result<Json<Value>, Failure> {
    acts::confirm(&app, &sent.secret).await?;
    Ok(Json(json!({ "told": "The address is confirmed." })))
}

pub(crate) async fn confirm_again(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    acts::confirm_again(&app, viewer.account()?).await?;
    Ok(Json(json!({ "told": "The mail is on its way." })))
}

pub(crate) async fn tokens(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    let tokens = accounts::tokens(&mut *app.store.read().await?, &viewer.account()?.id).await?;
    let line =
        |token: &accounts::ApiToken| json!({ "id": token.id, "label": token.label, "made_at": iso(token.created_at) });
    Ok(Json(tokens.iter().map(line).collect()))
}

pub(crate) async fn new_token(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Label>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let token = acts::new_token(&app, &Person::from(viewer.account()?), &sent.label).await?;
    Ok((StatusCode::CREATED, Json(json!({ "label": sent.label.trim(), "token": token }))))
}

pub(crate) async fn revoke_token(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let mut tx = app.store.write().await?;
    if !accounts::delete_token(&mut tx, &viewer.account()?.id, &id).await? {
        return Err(Failure::NotFound);
    }
    tx.commit().await?;
    Ok(Json(json!({ "told": "The token no longer works." })))
}

pub(crate) async fn announcements(State(app): State<App>) -> Result<Json<Value>, Failure> {
    let all = settings::announcements(&mut *app.store.read().await?).await?;
    Ok(Json(all.iter().map(|one| json!({ "at": iso(one.at), "text": one.text })).collect()))
}

pub(crate) async fn all_teams(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    let mut conn = app.store.read().await?;
    let mut list = Vec::new();
    for team in teams::all(&mut conn).await? {
        let mut line = json!({ "number": team.number, "name": team.name });
        // Names of people are for those who are signed in.
        if viewer.account.is_some() {
            line["members"] = teams::members(&mut conn, &team.id).await?.into();
        }
        list.push(line);
    }
    Ok(Json(list.into()))
}

async fn described(conn: &mut Conn, team: &Team) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({
        "number": team.number,
        "name": team.name,
        "members": teams::members(conn, &team.id).await?,
        "size": settings::competition(conn).await?.team_size,
        "code": team.code,
    })))
}

pub(crate) async fn own_team(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    described(&mut *app.store.read().await?, viewer.team()?).await
}

#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

pub(crate) async fn create_team(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Named>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let team = acts::create_team(&app, &Person::from(viewer.account()?), &sent.name).await?;
    Ok((StatusCode::CREATED, described(&mut *app.store.read().await?, &team).await?))
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

pub(crate) async fn join_team(
    State(app): State<App>,
    viewer: Viewer,
    Sent(sent): Sent<Code>,
) -> Result<Json<Value>, Failure> {
    let team = acts::join_team(&app, &Person::from(viewer.account()?), &sent.code).await?;
    described(&mut *app.store.read().await?, &team).await
}

pub(crate) async fn leave_team(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    acts::leave_team(&app, &Person::from(viewer.account()?)).await?;
    Ok(Json(json!({ "team": null })))
}

pub(crate) async fn renew_code(State(app): State<App>, viewer: Viewer) -> Result<Json<Value>, Failure> {
    let team = viewer.team()?;
    let code = acts::renew_code(&app, &Person::from(viewer.account()?), team).await?;
    described(&mut *app.store.read().await?, &Team { code, ..team.clone() }).await
}
