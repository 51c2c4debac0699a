//! Teams: making, joining, leaving.

use super::Person;
use super::addresses::check_confirmed;
use super::alike::alike;
use crate::game::Phase;
use crate::store::teams::{self, Team};
use crate::store::{Conn, attempts, audit, rounds, settings};
use crate::{App, Failure};

/// Whether players may change teams now: not once organisers locked them, and not while a round is played, since teams are what
/// matches are between.
async fn check_open(app: &App, conn: &mut Conn) -> Result<usize, Failure> {
    let competition = settings::competition(conn).await?;
    if competition.teams_locked {
        return Err(Failure::Conflict("Teams are locked. Organisers can still move players.".to_owned()));
    }
    let now = app.now();
    let played = |phase: Phase| matches!(phase, Phase::Defence | Phase::Attack);
    if let Some(round) = rounds::all(conn).await?.into_iter().find(|round| played(round.phase(now))) {
        let text =
            format!("Teams are locked while round {} is played. Organisers can still move players.", round.number);
        return Err(Failure::Conflict(text));
    }
    Ok(competition.team_size as usize)
}

pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || " ._'-".contains(c));
    let count = name.chars().count();
    if plain && (2..=40).contains(&count) && name.chars().any(char::is_alphanumeric) {
        return Ok(());
    }
    Err(Failure::field("name", "2 to 40 letters, digits, spaces or . _ ' -"))
}

/// Why a team cannot have a name that another one has, or that looks like it.
pub(super) async fn why_taken(conn: &mut Conn, name: &str) -> Result<Option<String>, Failure> {
    if teams::by_name(conn, name).await?.is_some() {
        return Ok(Some("another team has it".to_owned()));
    }
    let all = teams::all(conn).await?;
    let like = all.iter().find(|team| alike(&team.name, name));
    Ok(like.map(|team| {
        format!("it looks like that of team {}, {}: take one that nobody mistakes for it", team.number, team.name)
    }))
}

/// Makes a team with its founder in it. Whoever has no team may at any time: late teams only play rounds to come.
///
/// # Errors
/// A name that is no good, taken, or looks like another team's; a founder who has a team.
pub async fn create_team(app: &App, person: &Person, name: &str) -> Result<Team, Failure> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    check_name(&name)?;
    let mut tx = app.store.write().await?;
    check_confirmed(app, &mut tx, person).await?;
    if settings::competition(&mut tx).await?.teams_locked {
        return Err(Failure::Conflict("Teams are locked. Ask the organisers.".to_owned()));
    }
    if teams::of_account(&mut tx, &person.id).await?.is_some() {
        return Err(Failure::Conflict("You have a team. Leave it first.".to_owned()));
    }
    if let Some(told) = why_taken(&mut tx, &name).await? {
        return Err(Failure::field("name", told));
    }
    let (id, code) = (app.world.id(), app.world.code());
    let number = teams::insert(&mut tx, &id, &name, &code, app.now()).await?;
    teams::join(&mut tx, &person.id, &id, app.now()).await?;
    audit::record(&mut tx, &app.world, &person.name, "create team", &format!("team {number}"), &name).await?;
    tx.commit().await?;
    Ok(Team { id, number, name, code })
}

/// Joins the team of a code.
///
/// # Errors
/// A wrong code, a full team, a player who has one, teams that are locked.
pub async fn join_team(app: &App, person: &Person, code: &str) -> Result<Team, Failure> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    attempts::check(&mut tx, attempts::WRONG_CODES, &person.id, now).await?;
    let size = check_open(app, &mut tx).await?;
    check_confirmed(app, &mut tx, person).await?;
    if teams::of_account(&mut tx, &person.id).await?.is_some() {
        return Err(Failure::Conflict("You have a team. Leave it first.".to_owned()));
    }
    let Some(team) = teams::by_code(&mut tx, code).await? else {
        attempts::record(&mut tx, attempts::WRONG_CODES, &person.id, now).await?;
        tx.commit().await?;
        return Err(Failure::field("code", "no team has this code"));
    };
    if teams::members(&mut tx, &team.id).await?.len() >= size {
        return Err(Failure::Conflict(format!("Team {} is full.", team.name)));
    }
    teams::join(&mut tx, &person.id, &team.id, now).await?;
    audit::record(&mut tx, &app.world, &person.name, "join team", &format!("team {}", team.number), &team.name).await?;
    tx.commit().await?;
    Ok(team)
}

/// Leaves the team. It stays, with its submissions and scores.
///
/// # Errors
/// Nothing to leave, teams that are locked.
pub async fn leave_team(app: &App, person: &Person) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let team = teams::of_account(&mut tx, &person.id).await?.ok_or(Failure::NotFound)?;
    check_open(app, &mut tx).await?;
    teams::leave(&mut tx, &person.id).await?;
    audit::record(&mut tx, &app.world, &person.name, "leave team", &format!("team {}", team.number), &team.name)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Gives the team another code; the old one no longer works.
///
/// # Errors
/// What the database refuses.
pub async fn renew_code(app: &App, person: &Person, team: &Team) -> Result<String, Failure> {
    let code = app.world.code();
    let mut tx = app.store.write().await?;
    teams::set_code(&mut tx, &team.id, &code).await?;
    audit::record(&mut tx, &app.world, &person.name, "renew code", &format!("team {}", team.number), "").await?;
    tx.commit().await?;
    Ok(code)
}
