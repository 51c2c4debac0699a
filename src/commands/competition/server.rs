//! What a team does on the pages of a competition server, as commands.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wfkit_client::{Against, Client, Competition, SignIn, Submission, TeamOfAccount, config_file};
use wfkit_report::text;
use wfkit_terminal::{new_password, password};

use crate::cli::{self, UploadKind};
use crate::context::Context;

pub(super) fn run(command: &cli::Server, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Server::Register { who, email, code } => {
            let server = Competition::at(&who.server)?;
            let password = new_password()?;
            let client = server.register(&who.name, email, &password, code.as_deref())?;
            keep(&client, context)?;
            context.printer.note("Next: `wfkit competition team create NAME`, or `team join CODE`");
            Ok(())
        }
        cli::Server::Login { who } => {
            let server = Competition::at(&who.server)?;
            let client = server.sign_in(&who.name, &password("Password")?)?;
            keep(&client, context)
        }
        cli::Server::Logout => {
            let place = place()?;
            signed_in()?.sign_out()?;
            Ok(SignIn::forget(&place)?)
        }
        cli::Server::Password { link: Some(link) } => {
            let told = Competition::at(site_of(link)?)?.set_password(link, &new_password()?)?;
            context.printer.line(&told)
        }
        cli::Server::Forgot { server, name } => context.printer.line(&Competition::at(server)?.forgot(name)?),
        cli::Server::Confirm { link: Some(link) } => {
            context.printer.line(&Competition::at(site_of(link)?)?.confirm(link)?)
        }
        cli::Server::Confirm { link: None } => context.printer.line(&signed_in()?.confirm_again()?),
        cli::Server::Tokens { what: None } => {
            let tokens = signed_in()?.tokens()?;
            context.printer.shown(&tokens, || text::tokens(&tokens))
        }
        cli::Server::Tokens { what: Some(cli::Tokens::Create { label }) } => {
            context.printer.line(&signed_in()?.new_token(label)?)
        }
        cli::Server::Tokens { what: Some(cli::Tokens::Revoke { id }) } => {
            context.printer.line(&signed_in()?.revoke_token(id)?)
        }
        cli::Server::News => news(context),
        cli::Server::Password { link: None } => {
            let client = signed_in()?;
            let old = password("Old password")?;
            keep(&client.change_password(&old, &new_password()?)?, context)
        }
        cli::Server::Team { what } => team(what.as_ref(), context),
        cli::Server::Rounds { round: None } => {
            let rounds = signed_in()?.rounds()?;
            context.printer.shown(&rounds, || text::rounds(&rounds))
        }
        cli::Server::Rounds { round: Some(number) } => {
            let round = signed_in()?.round((*number).into())?;
            context.printer.shown(&round, || text::round(&round))
        }
        cli::Server::Submit { kind: UploadKind::Attack, spec: Some(_), .. }
        | cli::Server::Submit { kind: UploadKind::Attack, secretstroll: Some(_), .. } => {
            bail!("--spec and --secretstroll are for defences: an attack is a file")
        }
        cli::Server::Submit { secretstroll: Some(path), round, no_wait, .. } => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            let submission = signed_in()?.defend_live((*round).into(), &text)?;
            context.printer.note(&format!("{} is submission {}", path.display(), submission.id));
            followed(&signed_in()?, submission, *no_wait, context)
        }
        cli::Server::Submit { spec: Some(spec), round, no_wait, .. } => {
            let submission = signed_in()?.defend_by((*round).into(), &spec.to_string())?;
            context.printer.note(&format!("{spec} is submission {}", submission.id));
            followed(&signed_in()?, submission, *no_wait, context)
        }
        cli::Server::Submit { kind, file, round, team, no_wait, .. } => {
            let file = file.as_deref().unwrap_or(Path::new(""));
            submit(*kind, file, (*round).into(), team.map(i64::from), *no_wait, context)
        }
        cli::Server::Download { round: Some(number), out, .. } => download((*number).into(), out, context),
        cli::Server::Download { submission, out, .. } => {
            let id = submission.as_deref().unwrap_or_default();
            signed_in()?.download_submission(id, out)?;
            context.printer.note(&format!("{} is written", out.display()));
            Ok(())
        }
        cli::Server::Status { submission: None } => {
            let all = signed_in()?.submissions()?;
            context.printer.shown(&all, || text::submissions(&all))
        }
        cli::Server::Status { submission: Some(id) } => show(&signed_in()?.submission(id)?, context),
        cli::Server::Choose { submission } => show(&signed_in()?.choose(submission)?, context),
        cli::Server::Leaderboard { round: None } => {
            let board = signed_in()?.overall()?;
            context.printer.shown(&board, || text::overall(&board))
        }
        cli::Server::Leaderboard { round: Some(number) } => {
            let board = signed_in()?.board((*number).into())?;
            context.printer.shown(&board, || text::board(&board))
        }
    }
}

/// The address of the server that a link is of.
fn site_of(link: &str) -> Result<&str> {
    let end = link.find("/welcome/").or_else(|| link.find("/confirm/"));
    let end =
        end.with_context(|| format!("{link} is not the link of such a mail: it has /welcome/ or /confirm/ in it"))?;
    Ok(&link[..end])
}

fn news(context: &Context<'_>) -> Result<()> {
    let sign_in = SignIn::read(&place()?)?;
    let all = Competition::at(&sign_in.server)?.announcements()?;
    if all.is_empty() && !context.printer.is_json() {
        context.printer.note("The organisers have announced nothing.");
        return Ok(());
    }
    context.printer.shown(&all, || text::news(&all))
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
    context.printer.note(&format!(
        "{} is signed in at {}; the token is in {}",
        kept.name,
        kept.server,
        place.display()
    ));
    Ok(())
}

fn team(what: Option<&cli::Team>, context: &Context<'_>) -> Result<()> {
    let client = signed_in()?;
    let team: TeamOfAccount = match what {
        None => client.team()?,
        Some(cli::Team::Create { name }) => client.create_team(name)?,
        Some(cli::Team::Join { code }) => client.join_team(code)?,
        Some(cli::Team::Code) => client.renew_code()?,
        Some(cli::Team::Leave) => {
            client.leave_team()?;
            context.printer.note("You left the team.");
            return Ok(());
        }
    };
    context.printer.shown(&team, || text::team(&team))
}

fn submit(
    kind: UploadKind,
    file: &Path,
    round: i64,
    team: Option<i64>,
    no_wait: bool,
    context: &Context<'_>,
) -> Result<()> {
    if kind == UploadKind::Defence && team.is_some() {
        bail!("--team is for attacks: a defence is against everybody");
    }
    let client = signed_in()?;
    let length = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    let bar = context.printer.progress("bytes sent", length);
    let mut sent = |bytes| bar.set_position(bytes);
    let uploaded = match kind {
        UploadKind::Defence => client.defend(round, file, &mut sent),
        UploadKind::Attack => client.attack(round, team.map_or(Against::All, Against::Team), file, &mut sent),
    };
    bar.finish_and_clear();
    let submission = uploaded?;
    context.printer.note(&format!("{} is submission {}", file.display(), submission.id));
    followed(&client, submission, no_wait, context)
}

/// Waits until a submission is checked, unless nobody wants to, and shows it; one that was refused ends the command.
fn followed(client: &Client, mut submission: Submission, no_wait: bool, context: &Context<'_>) -> Result<()> {
    if !no_wait {
        let mut said = None;
        submission = client.wait_for(submission, &mut |waiting| {
            let now = (waiting.state.clone(), waiting.ahead);
            if said.as_ref() != Some(&now) {
                let ahead = waiting.ahead.filter(|&ahead| ahead > 0).map(|ahead| format!(", {ahead} before it"));
                context.printer.note(&format!("{}{}", waiting.state, ahead.unwrap_or_default()));
                said = Some(now);
            }
        })?;
    }
    show(&submission, context)?;
    if submission.is_open() || submission.state == "done" {
        return Ok(());
    }
    bail!("the {} was {}: {}", submission.kind, submission.state, submission.reason.unwrap_or_default())
}

fn download(round: i64, folder: &Path, context: &Context<'_>) -> Result<()> {
    let client = signed_in()?;
    let targets = client.targets(round)?;
    if targets.is_empty() {
        bail!("there is nobody to attack in round {round} (yet): matches are drawn when the attack phase begins");
    }
    let files = targets.iter().map(|target| Ok((target.clone(), client.download_target(target, folder)?)));
    let files = files.collect::<Result<Vec<_>>>()?;
    context.printer.shown(&targets, || text::targets(&files))
}

fn show(submission: &Submission, context: &Context<'_>) -> Result<()> {
    context.printer.shown(submission, || text::submission(submission))
}
