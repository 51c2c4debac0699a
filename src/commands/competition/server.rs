//! What a team does on the pages of a competition server, as commands.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use wfkit_client::{Against, Client, Competition, SignIn, Submission, Target, config_file};
use wfkit_report::text::{self, Text};
use wfkit_terminal::{new_password, password};

use crate::cli::{self, Server, Team, Tokens, UploadKind};
use crate::context::Context;

pub(super) fn run(command: &Server, context: &Context<'_>) -> Result<()> {
    let printer = context.printer;
    match command {
        Server::Register { who, email, code } => {
            let server = Competition::at(&who.server)?;
            let password = new_password()?;
            keep(&server.register(&who.name, email, &password, code.as_deref())?, context)?;
            printer.note("Next: `wfkit competition team create NAME`, or `team join CODE`");
            Ok(())
        }
        Server::Login { who } => {
            let server = Competition::at(&who.server)?;
            keep(&server.sign_in(&who.name, &password("Password")?)?, context)
        }
        Server::Logout => {
            let place = place()?;
            signed_in()?.sign_out()?;
            Ok(SignIn::forget(&place)?)
        }
        Server::Password { link: Some(link) } => {
            printer.line(&Competition::of_link(link)?.set_password(link, &new_password()?)?)
        }
        Server::Password { link: None } => {
            let client = signed_in()?;
            let old = password("Old password")?;
            keep(&client.change_password(&old, &new_password()?)?, context)
        }
        Server::Forgot { server, name } => printer.line(&Competition::at(server)?.forgot(name)?),
        Server::Confirm { link: Some(link) } => printer.line(&Competition::of_link(link)?.confirm(link)?),
        Server::Confirm { link: None } => printer.line(&signed_in()?.confirm_again()?),
        Server::Tokens { what: None } => shown(&signed_in()?.tokens()?[..], text::tokens, context),
        Server::Tokens { what: Some(Tokens::Create { label }) } => printer.line(&signed_in()?.new_token(label)?),
        Server::Tokens { what: Some(Tokens::Revoke { id }) } => printer.line(&signed_in()?.revoke_token(id)?),
        Server::News => news(context),
        Server::Team { what } => team(what.as_ref(), context),
        Server::Rounds { round: None } => shown(&signed_in()?.rounds()?[..], text::rounds, context),
        Server::Rounds { round: Some(number) } => shown(&signed_in()?.round((*number).into())?, text::round, context),
        Server::Submit(asked) => submit(asked, context),
        Server::Download { round: Some(number), out, .. } => download((*number).into(), out, context),
        Server::Download { submission, out, .. } => {
            signed_in()?.download_submission(submission.as_deref().unwrap_or_default(), out)?;
            printer.note(&format!("{} is written", out.display()));
            Ok(())
        }
        Server::Status { submission: None } => shown(&signed_in()?.submissions()?[..], text::submissions, context),
        Server::Status { submission: Some(id) } => shown(&signed_in()?.submission(id)?, text::submission, context),
        Server::Choose { submission } => shown(&signed_in()?.choose(submission)?, text::submission, context),
        Server::Leaderboard { round: None } => shown(&signed_in()?.overall()?, text::overall, context),
        Server::Leaderboard { round: Some(number) } => {
            shown(&signed_in()?.board((*number).into())?, text::board, context)
        }
    }
}

/// What the server answered.
fn shown<T: Serialize + ?Sized>(document: &T, text: fn(&T) -> Text, context: &Context<'_>) -> Result<()> {
    context.printer.shown(&document, || text(document))
}

/// The file that keeps a sign-in.
fn place() -> Result<PathBuf> {
    config_file(|name| std::env::var_os(name))
        .context("the environment names no home folder: set WFKIT_COMPETITION_FILE to a file that keeps the sign-in")
}

fn signed_in() -> Result<Client> {
    Ok(Client::of(&SignIn::read(&place()?)?)?)
}

fn keep(client: &Client, context: &Context<'_>) -> Result<()> {
    let (place, kept) = (place()?, client.to_keep());
    kept.keep(&place)?;
    let token = place.display();
    context.printer.note(&format!("{} is signed in at {}; the token is in {token}", kept.name, kept.server));
    Ok(())
}

fn news(context: &Context<'_>) -> Result<()> {
    let all = Competition::at(&SignIn::read(&place()?)?.server)?.announcements()?;
    if all.is_empty() && !context.printer.is_json() {
        context.printer.note("The organisers have announced nothing.");
        return Ok(());
    }
    shown(&all[..], text::news, context)
}

fn team(what: Option<&Team>, context: &Context<'_>) -> Result<()> {
    let client = signed_in()?;
    let team = match what {
        None => client.team()?,
        Some(Team::Create { name }) => client.create_team(name)?,
        Some(Team::Join { code }) => client.join_team(code)?,
        Some(Team::Code) => client.renew_code()?,
        Some(Team::Leave) => {
            client.leave_team()?;
            context.printer.note("You left the team.");
            return Ok(());
        }
    };
    shown(&team, text::team, context)
}

fn submit(asked: &cli::Submit, context: &Context<'_>) -> Result<()> {
    let (round, is_attack) = (asked.round.into(), asked.kind == UploadKind::Attack);
    let is_file = asked.spec.is_none() && asked.secretstroll.is_none();
    ensure!(is_file || !is_attack, "--spec and --secretstroll are for defences: an attack is a file");
    ensure!(is_attack || asked.team.is_none(), "--team is for attacks: a defence is against everybody");
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let (called, submission) = match (&asked.secretstroll, &asked.spec) {
        (Some(path), _) => {
            let text = read(path)?;
            (path.display().to_string(), signed_in()?.defend_live(round, &text)?)
        }
        (None, Some(spec)) => (spec.to_string(), signed_in()?.defend_by(round, &spec.to_string())?),
        (None, None) => {
            let file = asked.file.as_deref().unwrap_or(Path::new(""));
            let team = asked.team.map_or(Against::All, |team| Against::Team(team.into()));
            (file.display().to_string(), upload(file, round, is_attack.then_some(team), context)?)
        }
    };
    context.printer.note(&format!("{called} is submission {}", submission.id));
    follow(submission, asked.no_wait, context)
}

/// Uploads an attack on somebody, or a defence.
fn upload(file: &Path, round: i64, against: Option<Against>, context: &Context<'_>) -> Result<Submission> {
    let client = signed_in()?;
    let length = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    let bar = context.printer.progress("bytes sent", length);
    let mut sent = |bytes| bar.set_position(bytes);
    let uploaded = match against {
        None => client.defend(round, file, &mut sent),
        Some(against) => client.attack(round, against, file, &mut sent),
    };
    bar.finish_and_clear();
    Ok(uploaded?)
}

/// Waits until a submission is checked, unless nobody wants to, and shows it; one that was refused ends the command.
fn follow(mut submission: Submission, no_wait: bool, context: &Context<'_>) -> Result<()> {
    if !no_wait {
        let mut said = None;
        submission = signed_in()?.wait_for(submission, &mut |waiting| {
            let now = waiting.standing();
            if said.as_ref() != Some(&now) {
                context.printer.note(&now);
                said = Some(now);
            }
        })?;
    }
    shown(&submission, text::submission, context)?;
    submission.failure().map_or(Ok(()), |failure| bail!(failure))
}

fn download(round: i64, folder: &Path, context: &Context<'_>) -> Result<()> {
    let files = signed_in()?.download_targets(round, folder)?;
    let targets: Vec<&Target> = files.iter().map(|(target, _)| target).collect();
    ensure!(
        !targets.is_empty(),
        "there is nobody to attack in round {round} (yet): matches are drawn when the attack phase begins"
    );
    context.printer.shown(&targets, || text::targets(&files))
}
