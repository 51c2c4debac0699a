//! What whoever is handed a job does with it: begin it, do it, end it.

use std::time::Duration;

use tokio::sync::watch;

use super::outcome::Outcome;
use super::{Done, HouseAttacker, Job, SCORER, attack, defence, house};
use crate::game;
use crate::post::{self, Letter};
use crate::store::results::{self, ScoreRow};
use crate::store::submissions::{self, Ended, State, Submission};
use crate::store::{Conn, Writing, accounts, house as house_table, jobs, mail, rejudgings, rounds, teams};
use crate::{App, Failure, Millis};

/// How often a job may take its worker along before it is left alone.
const MOST_ATTEMPTS: i64 = 25;
/// How often an attack of the house that waits looks whether it may begin.
const LOOK: Duration = Duration::from_secs(1);

/// Does a job, whoever may have begun it before; false where it has ended, or where somebody else began it meanwhile, whose end then counts.
///
/// # Errors
/// What the database refuses: it is to be handed out again. Work that fails is none, and ends with a reason.
pub async fn handed(app: &App, id: &str) -> Result<bool, Failure> {
    let worker = app.world.id();
    let mut tx = app.store.write().await?;
    let Some(job) = jobs::begin(&mut tx, id, &worker).await? else { return Ok(false) };
    if job.attempts > MOST_ATTEMPTS {
        tracing::error!(subject = job.subject, "begun {MOST_ATTEMPTS} times, and never came to an end");
        give_up(app, tx, &job, &worker).await?;
        return Ok(true);
    }
    match job.kind() {
        Some(jobs::Kind::Check | jobs::Kind::Record) => check(app, tx, &job, &worker).await,
        Some(jobs::Kind::House) => attack_of_house(app, tx, &job, &worker).await,
        Some(jobs::Kind::Rejudge) => rejudge(app, tx, &job, &worker).await,
        Some(jobs::Kind::Mail) => post::send(app, tx, &job, &worker).await,
        None => Err(Failure::Broken(format!("{job:?} is of a later version"))),
    }
}

/// Returns when no check waits for a worker: attacks of the house are for when nobody waits.
///
/// # Errors
/// A process that is told to stop meanwhile; another one is to be handed the attack.
pub(super) async fn wait_for_checks(app: &App, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
    while jobs::check_waits(&mut *app.store.read().await?).await? {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return Err(Failure::Broken("the server stops".to_owned())),
        }
    }
    Ok(())
}

/// Ends what nobody brings to an end.
async fn give_up(app: &App, mut tx: Writing, job: &jobs::Job, worker: &str) -> Result<(), Failure> {
    let now = app.now();
    let gone = |what: &str| format!("{what} was begun several times and never came to an end.");
    let failed =
        || Ended { state: State::Failed, reason: Some(gone("The check")), outcome: None, scorer: SCORER.to_owned() };
    jobs::end(&mut tx, &job.id, worker).await?;
    match job.kind() {
        Some(jobs::Kind::Check | jobs::Kind::Record) => {
            submissions::end(&mut tx, &job.subject, &failed(), now).await?;
        }
        Some(jobs::Kind::House) => {
            let of = (job.subject.clone(), job.object.clone());
            house_table::end(&mut tx, &of, Some(&gone("The attack")), now).await?;
        }
        Some(jobs::Kind::Rejudge) => rejudgings::end(&mut tx, &job.object, &job.subject, &failed(), "[]").await?,
        Some(jobs::Kind::Mail) => mail::give_up(&mut tx, &job.subject).await?,
        None => {}
    }
    Ok(tx.commit().await?)
}

/// Where to write what a job came to, which ends there; nowhere if somebody else began it meanwhile, whose end then counts.
async fn ending(app: &App, job: &jobs::Job, worker: &str) -> Result<Option<Writing>, Failure> {
    let mut tx = app.store.write().await?;
    Ok(jobs::end(&mut tx, &job.id, worker).await?.then_some(tx))
}

async fn check(app: &App, mut tx: Writing, job: &jobs::Job, worker: &str) -> Result<bool, Failure> {
    submissions::begin(&mut tx, &job.subject, app.now()).await?;
    let submission = submission_of(&mut tx, job).await?;
    tx.commit().await?;
    let (ended, scores) = concluded(app, &submission).await?;
    let Some(mut tx) = ending(app, job, worker).await? else { return Ok(false) };
    submissions::end(&mut tx, &submission.id, &ended, app.now()).await?;
    results::replace(&mut tx, &submission.id, &scores).await?;
    queue_house(app, &mut tx, &submission, ended.state, app.now()).await?;
    tell_of(app, &mut tx, &submission, &ended).await?;
    tx.commit().await?;
    app.bell.ring();
    Ok(true)
}

async fn submission_of(conn: &mut Conn, job: &jobs::Job) -> Result<Submission, Failure> {
    let submission = submissions::by_id(conn, &job.subject).await?;
    submission.ok_or_else(|| Failure::Broken(format!("no submission {}", job.subject)))
}

/// The mail to whoever uploaded it.
pub(crate) async fn tell_of(app: &App, conn: &mut Conn, submission: &Submission, ended: &Ended) -> Result<(), Failure> {
    let round = rounds::by_id(conn, &submission.round_id).await?;
    let account = accounts::by_id(conn, &submission.account_id).await?;
    let (Some(round), Some(account)) = (round, account) else { return Ok(()) };
    let letter = Letter::Checked {
        kind: submission.kind().name(),
        round: round.number,
        state: ended.state.name(),
        reason: ended.reason.as_deref(),
        submission: &submission.id,
    };
    app.write_to(conn, &account, &letter).await
}

/// After a defence was checked: what is now to attack it. Scores of a defence that does not count any more are gone already.
pub(crate) async fn queue_house(
    app: &App,
    conn: &mut Conn,
    submission: &Submission,
    state: State,
    now: Millis,
) -> sqlx::Result<()> {
    if submission.kind() == game::Kind::Attack {
        return Ok(());
    }
    // Whoever attacks it now attacks what was.
    jobs::unwant(conn, &[jobs::Kind::House], &submission.id).await?;
    match state {
        State::Done => {
            for attacker in &app.options.house {
                house_table::queue(conn, &submission.id, attacker.name(), now).await?;
            }
            jobs::want(conn, &app.world).await?;
        }
        _ => house_table::forget(conn, &submission.id).await?,
    }
    Ok(())
}

async fn attack_of_house(app: &App, mut tx: Writing, job: &jobs::Job, worker: &str) -> Result<bool, Failure> {
    let of = (job.subject.clone(), job.object.clone());
    house_table::begin(&mut tx, &of).await?;
    let submission = submission_of(&mut tx, job).await?;
    let team = teams::by_id(&mut tx, &submission.team_id).await?;
    tx.commit().await?;
    let team = team.ok_or_else(|| Failure::Broken(format!("submission {} without a team", submission.id)))?;
    let result = match HouseAttacker::by_name(&job.object) {
        Some(attacker) => Job::House(Box::new(house::Slowly { submission, team, attacker })).perform(app).await,
        None => Err(Failure::Broken(format!("no house attacker is called {}", job.object))),
    };
    let failed = result.as_ref().err().map(|failure| {
        tracing::error!(submission = job.subject, attacker = job.object, "{failure:?}");
        match failure {
            Failure::TooLarge(limit) => limit.as_str(),
            _ => "The server could not run it. Organisers see why, and can have the defence checked again.",
        }
    });
    let Some(mut tx) = ending(app, job, worker).await? else { return Ok(false) };
    house_table::end(&mut tx, &of, failed, app.now()).await?;
    let scores = result.map(|done| done.scores).unwrap_or_default();
    results::replace_house(&mut tx, &of, &scores).await?;
    tx.commit().await?;
    Ok(true)
}

/// As [`check`], beside what counts.
async fn rejudge(app: &App, mut tx: Writing, job: &jobs::Job, worker: &str) -> Result<bool, Failure> {
    let submission = submission_of(&mut tx, job).await?;
    tx.commit().await?;
    let (ended, scores) = concluded(app, &submission).await?;
    let Some(mut tx) = ending(app, job, worker).await? else { return Ok(false) };
    rejudgings::end(&mut tx, &job.object, &submission.id, &ended, &serde_json::to_string(&scores)?).await?;
    tx.commit().await?;
    Ok(true)
}

/// What work came to, whatever it came to.
async fn concluded(app: &App, submission: &Submission) -> Result<(Ended, Vec<ScoreRow>), Failure> {
    let scorer = SCORER.to_owned();
    match perform(app, submission).await {
        Ok(done) => {
            let outcome = Some(serde_json::to_string(&done.outcome)?);
            Ok((Ended { state: done.state, reason: done.reason, outcome, scorer }, done.scores))
        }
        Err(Failure::TooLarge(limit)) => {
            tracing::error!(submission = submission.id, "{limit}");
            let mut outcome = Outcome::default();
            outcome.refuse(limit);
            let reason = Some(outcome.sentence());
            let outcome = Some(serde_json::to_string(&outcome)?);
            Ok((Ended { state: State::Refused, reason, outcome, scorer }, Vec::new()))
        }
        Err(failure) => {
            tracing::error!(submission = submission.id, "{failure:?}");
            let reason = "The server could not check it. Organisers see why, and can have it checked again.".to_owned();
            let trouble = match failure {
                Failure::Broken(why) => why,
                other => other.to_string(),
            };
            let outcome = Outcome { trouble: Some(trouble), ..Outcome::default() };
            let outcome = Some(serde_json::to_string(&outcome)?);
            Ok((Ended { state: State::Failed, reason: Some(reason), outcome, scorer }, Vec::new()))
        }
    }
}

async fn perform(app: &App, submission: &Submission) -> Result<Done, Failure> {
    let job = match submission.kind() {
        game::Kind::Defence => Job::Defence(Box::new(defence::gather(app, submission).await?)),
        game::Kind::Attack => Job::Attack(Box::new(attack::gather(app, submission).await?)),
    };
    job.perform(app).await
}
