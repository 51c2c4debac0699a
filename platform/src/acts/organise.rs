//! What organisers do. All of it is in the audit log.

use wfkit_competition::read_defense;
use wfkit_datasets::formats::{ReadLimits, Source};

use crate::game::{Kind, Round, draw};
use crate::store::rejudgings::{self, Rejudging};
use crate::store::results::ScoreRow;
use crate::store::submissions::{Ended, State};
use crate::store::{accounts, audit, jobs, rounds, settings, submissions, teams};
use crate::work::{candidates, queue_house, references, tell_of};
use crate::{App, Failure};

/// Makes a round, or changes one. What is past stays: once a round is settled, its rules, seed and matches stand, and only the end and
/// who sees what can be moved.
///
/// # Errors
/// A schedule or settings that make no sense, changes that come too late.
pub async fn save_round(app: &App, by: &str, round: &Round) -> Result<(), Failure> {
    let mut round = round.clone();
    let settings = &mut round.settings;
    // Medians may be those of the round before. Specifications run on the traffic itself, which must be new: of the old one teams know a
    // part with labels.
    if settings.specifications
        && settings.baseline.is_some()
        && round.settled_at.is_none()
        && !app.files.is_there(&app.files.baseline(&round.id)).await?
    {
        settings.measure_against(None);
    }
    save(app, by, &round).await
}

async fn save(app: &App, by: &str, round: &Round) -> Result<(), Failure> {
    round.check().map_err(|(field, message)| Failure::field(field, message))?;
    if round.name.trim().is_empty() || round.name.chars().count() > 60 {
        return Err(Failure::field("name", "1 to 60 characters"));
    }
    let mut tx = app.store.write().await?;
    let before = rounds::by_id(&mut tx, &round.id).await?;
    let begins = round.settings.recordings && before.as_ref().is_none_or(|before| !before.settings.recordings);
    if begins && app.options.lab.is_none() {
        // They would wait for ever, and the round with them.
        return Err(Failure::field("recordings", "this server has no laboratory: start it with --lab"));
    }
    if let Some(before) = &before {
        let mut allowed = round.clone();
        allowed.name = before.name.clone();
        allowed.closes_at = before.closes_at;
        let settings = &mut allowed.settings;
        settings.scores_during = before.settings.scores_during;
        settings.scores_after = before.settings.scores_after;
        settings.freeze_at = before.settings.freeze_at;
        settings.limits = before.settings.limits;
        allowed.settled_at = before.settled_at;
        if before.settled_at.is_some() && allowed != *before {
            let text =
                "Matches are drawn: only the name, the end, the freeze, limits and who sees scores can be changed.";
            return Err(Failure::Conflict(text.to_owned()));
        }
        let uploads = submissions::of_round(&mut tx, &round.id, Kind::Defence).await?;
        let ran = uploads.iter().any(|one| one.is_specification() && one.state() != State::Failed);
        if ran && round.settings.baseline != before.settings.baseline {
            let text = "Defences were run on the undefended traffic already: it stands.";
            return Err(Failure::Conflict(text.to_owned()));
        }
        if !uploads.is_empty()
            && (round.settings.rules, round.settings.test_traces)
                != (before.settings.rules, before.settings.test_traces)
        {
            return Err(Failure::Conflict("There are defences already: the rules of files stand.".to_owned()));
        }
    } else if rounds::by_number(&mut tx, round.number).await?.is_some() {
        return Err(Failure::field("number", "there is such a round"));
    }
    rounds::save(&mut tx, round).await?;
    let detail = serde_json::json!({
        "before": before.as_ref().map(described),
        "after": described(round),
    });
    audit::record(&mut tx, &app.world, by, "save round", &format!("round {}", round.number), &detail.to_string())
        .await?;
    tx.commit().await?;
    Ok(())
}

fn described(round: &Round) -> serde_json::Value {
    serde_json::json!({
        "name": round.name,
        "opens_at": crate::world::iso(round.opens_at),
        "defence_at": crate::world::iso(round.defence_at),
        "attack_at": crate::world::iso(round.attack_at),
        "closes_at": crate::world::iso(round.closes_at),
        "seed": round.seed,
        "settings": round.settings,
    })
}

/// Gives a round undefended traffic to measure utility against, from a file in the format of defences.
///
/// # Errors
/// A file that cannot be read, a round whose matches are drawn.
pub async fn set_baseline(app: &App, by: &str, round: &Round, file: Vec<u8>) -> Result<(), Failure> {
    let (path, unfinished) = (app.files.baseline(&round.id), app.files.incoming(&app.world.id()));
    let (beside, settings, seed) = (unfinished.clone(), round.settings.clone(), round.seed);
    let measured = tokio::task::spawn_blocking(move || {
        let set = read_defense(Source::bytes("baseline.csv.zip", &file), &ReadLimits::UPLOAD)
            .map_err(|error| Failure::field("file", error.to_string()))?;
        let mut settings = settings;
        settings.measure_against(Some(&set));
        settings.references = references(&set, &settings, seed, &beside.with_extension("parts"));
        if settings.baseline.is_none() {
            return Err(Failure::field("file", "has no traces"));
        }
        std::fs::write(&beside, &file)?;
        Ok::<_, Failure>(settings)
    });
    let settings = measured.await.map_err(|error| Failure::Broken(error.to_string()))??;
    let changed = Round { settings, ..round.clone() };
    // The file that is there stays where the round refuses another.
    let saved = save(app, by, &changed).await;
    match &saved {
        Ok(()) => {
            std::fs::rename(&unfinished, &path)?;
            app.files.keep(&path).await?;
        }
        Err(_) => std::fs::remove_file(&unfinished)?,
    }
    saved
}

/// The matches as they would be drawn now: attacker and defender by name. And the teams without one, with the reason.
///
/// # Errors
/// What the database refuses.
pub async fn preview(app: &App, round: &Round) -> Result<(Vec<(String, String)>, Vec<String>), Failure> {
    let mut conn = app.store.read().await?;
    let pins = candidates(&mut conn, round).await?;
    let all = teams::all(&mut conn).await?;
    let name = |id: &String| all.iter().find(|team| team.id == *id).map_or_else(String::new, |team| team.name.clone());
    let ids: Vec<String> = pins.keys().cloned().collect();
    let matches = draw(&ids, round.settings.matches_per_team, round.seed);
    let matches = matches.iter().map(|(attacker, defender)| (name(attacker), name(defender))).collect();
    let without = all.iter().filter(|team| !pins.contains_key(&team.id)).map(|team| team.name.clone()).collect();
    Ok((matches, without))
}

/// Moves a player into the team of a number, or out of all with none, at any time.
///
/// # Errors
/// No such account or team; a team that is full.
pub async fn move_player(app: &App, by: &str, account: &str, team: Option<i64>) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let unknown = || Failure::field("account", "no account has this name");
    let account = accounts::by_name(&mut tx, account).await?.ok_or_else(unknown)?;
    let before =
        teams::of_account(&mut tx, &account.id).await?.map_or("none".to_owned(), |team| team.number.to_string());
    match team {
        Some(number) => {
            let unknown = || Failure::field("team", "no team has this number");
            let team = teams::by_number(&mut tx, number).await?.ok_or_else(unknown)?;
            let others = teams::members(&mut tx, &team.id).await?.into_iter().filter(|name| *name != account.name);
            if others.count() >= settings::competition(&mut tx).await?.team_size as usize {
                return Err(Failure::Conflict(format!("Team {} is full: move somebody out of it first.", team.name)));
            }
            teams::join(&mut tx, &account.id, &team.id, app.now()).await?;
        }
        None => teams::leave(&mut tx, &account.id).await?,
    }
    let to = team.map_or("none".to_owned(), |team| team.to_string());
    audit::record(&mut tx, &app.world, by, "move player", &account.name, &format!("from team {before} to {to}"))
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Locks or unlocks an account; its sessions and tokens end.
///
/// # Errors
/// No such account; the own one.
pub async fn lock_account(app: &App, by: &str, account: &str, locked: bool) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let account = accounts::by_name(&mut tx, account).await?.ok_or(Failure::NotFound)?;
    if account.name == by {
        return Err(Failure::Conflict("You would lock yourself out.".to_owned()));
    }
    accounts::set_locked(&mut tx, &account.id, locked).await?;
    let action = if locked { "lock account" } else { "unlock account" };
    audit::record(&mut tx, &app.world, by, action, &account.name, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Has a submission checked and scored again. A defence that was refused can come in this way as long as its round is not settled.
///
/// # Errors
/// One that is being worked on.
pub async fn requeue(app: &App, by: &str, id: &str) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let submission = submissions::by_id(&mut tx, id).await?.ok_or(Failure::NotFound)?;
    if !submissions::requeue(&mut tx, id).await? {
        return Err(Failure::Conflict("It is being worked on.".to_owned()));
    }
    jobs::want(&mut tx, &app.world).await?;
    let before = format!("it was {}", submission.state().name());
    audit::record(&mut tx, &app.world, by, "check again", &format!("submission {id}"), &before).await?;
    tx.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Ends work on a submission that waits for it or has begun, without a result. Nothing of it counts, for limits neither.
///
/// # Errors
/// One whose work has ended.
pub async fn cancel(app: &App, by: &str, id: &str) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let submission = submissions::by_id(&mut tx, id).await?.ok_or(Failure::NotFound)?;
    if !submissions::cancel(&mut tx, id, app.now()).await? {
        return Err(Failure::Conflict("Nothing is being done with it.".to_owned()));
    }
    jobs::unwant(&mut tx, &[jobs::Kind::Check, jobs::Kind::Record], id).await?;
    let before = format!("it was {}", submission.state().name());
    audit::record(&mut tx, &app.world, by, "cancel", &format!("submission {id}"), &before).await?;
    tx.commit().await?;
    Ok(())
}

/// Has a defence count that the check left to organisers, or refuses it.
///
/// # Errors
/// One that is not held; matches that are drawn without it.
pub async fn decide(app: &App, by: &str, id: &str, accepts: bool) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let submission = submissions::by_id(&mut tx, id).await?.ok_or(Failure::NotFound)?;
    let round = rounds::by_id(&mut tx, &submission.round_id).await?.ok_or(Failure::NotFound)?;
    if accepts && round.settled_at.is_some() {
        return Err(Failure::Conflict("Matches are drawn without it.".to_owned()));
    }
    let mut outcome = submission.outcome()?;
    let (state, reason) = match accepts {
        true => {
            outcome.accepted_by = Some(by.to_owned());
            (State::Done, None)
        }
        false => {
            outcome.problems.append(&mut outcome.held);
            (State::Refused, Some(format!("Organisers refused it: {}", outcome.sentence())))
        }
    };
    let kept = serde_json::to_string(&outcome)?;
    if !submissions::decide(&mut tx, id, state, reason.as_deref(), &kept).await? {
        return Err(Failure::Conflict("It is not held.".to_owned()));
    }
    queue_house(app, &mut tx, &submission, state, app.now()).await?;
    let ended = Ended { state, reason, outcome: None, scorer: String::new() };
    tell_of(app, &mut tx, &submission, &ended).await?;
    let action = if accepts { "accept defence" } else { "refuse defence" };
    audit::record(&mut tx, &app.world, by, action, &format!("submission {id}"), "it was held").await?;
    tx.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Begins a rejudging of all defences or all attacks of a round; its id. Nothing counts differently until it is applied.
///
/// # Errors
/// A reason that is missing, a rejudging of the round that is open, nothing to judge.
pub async fn begin_rejudging(app: &App, by: &str, round: &Round, kind: Kind, reason: &str) -> Result<String, Failure> {
    let reason = reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(Failure::field("reason", "1 to 500 characters: others will want to know"));
    }
    let mut tx = app.store.write().await?;
    if rejudgings::all(&mut tx).await?.iter().any(|one| one.state == "open" && one.round_id == round.id) {
        return Err(Failure::Conflict("A rejudging of this round is open: apply or drop it first.".to_owned()));
    }
    let new = Rejudging {
        id: app.world.id(),
        round_id: round.id.clone(),
        kind: kind.name().to_owned(),
        reason: reason.to_owned(),
        account: by.to_owned(),
        created_at: app.now(),
        state: "open".to_owned(),
    };
    let count = rejudgings::begin(&mut tx, &new, kind).await?;
    if count == 0 {
        return Err(Failure::Conflict(format!("Round {} has no {}s that were checked.", round.number, kind.name())));
    }
    jobs::want(&mut tx, &app.world).await?;
    let detail = format!("{count} {}s: {reason}", kind.name());
    audit::record(&mut tx, &app.world, by, "begin rejudging", &format!("round {}", round.number), &detail).await?;
    tx.commit().await?;
    app.bell.ring();
    Ok(new.id)
}

/// Has the new states and scores of a rejudging count, all at once.
///
/// # Errors
/// A rejudging that is not open, or not done.
pub async fn apply_rejudging(app: &App, by: &str, id: &str) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    let all = rejudgings::list(&mut tx, id).await?;
    if all.iter().any(|one| one.state.is_none()) {
        return Err(Failure::Conflict("Some submissions are still being judged.".to_owned()));
    }
    if !rejudgings::close(&mut tx, id, "applied", app.now()).await? {
        return Err(Failure::Conflict("It is not open.".to_owned()));
    }
    for one in &all {
        let scores: Vec<ScoreRow> = one.scores.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        rejudgings::apply(&mut tx, one, &scores).await?;
        // What was checked again is attacked again.
        if let Some(submission) = submissions::by_id(&mut tx, &one.submission_id).await? {
            queue_house(app, &mut tx, &submission, submission.state(), app.now()).await?;
        }
    }
    let detail = format!("{} submissions", all.len());
    audit::record(&mut tx, &app.world, by, "apply rejudging", &format!("rejudging {id}"), &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Drops a rejudging: nothing has changed.
///
/// # Errors
/// A rejudging that is not open.
pub async fn drop_rejudging(app: &App, by: &str, id: &str) -> Result<(), Failure> {
    let mut tx = app.store.write().await?;
    if !rejudgings::close(&mut tx, id, "dropped", app.now()).await? {
        return Err(Failure::Conflict("It is not open.".to_owned()));
    }
    jobs::unwant_rejudging(&mut tx, id).await?;
    audit::record(&mut tx, &app.world, by, "drop rejudging", &format!("rejudging {id}"), "").await?;
    tx.commit().await?;
    Ok(())
}
