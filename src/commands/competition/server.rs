//! What a team does on the pages of a competition server, as commands.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wfkit_client::{
    Against, Client, Competition, FileProblem, Round, Score, SignIn, Submission, TeamOfAccount, config_file,
};

use crate::cli::{self, UploadKind};
use crate::context::Context;
use crate::printer::score;

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
        cli::Server::Tokens { what: None } => tokens(context),
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
        cli::Server::Rounds { round: None } => rounds(context),
        cli::Server::Rounds { round: Some(number) } => round(&signed_in()?.round((*number).into())?, context),
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
        cli::Server::Status { submission: None } => submissions(context),
        cli::Server::Status { submission: Some(id) } => show(&signed_in()?.submission(id)?, context),
        cli::Server::Choose { submission } => show(&signed_in()?.choose(submission)?, context),
        cli::Server::Leaderboard { round: None } => overall(context),
        cli::Server::Leaderboard { round: Some(number) } => board((*number).into(), context),
    }
}

/// The address of the server that a link is of.
fn site_of(link: &str) -> Result<&str> {
    let end = link.find("/welcome/").or_else(|| link.find("/confirm/"));
    let end =
        end.with_context(|| format!("{link} is not the link of such a mail: it has /welcome/ or /confirm/ in it"))?;
    Ok(&link[..end])
}

fn tokens(context: &Context<'_>) -> Result<()> {
    let tokens = signed_in()?.tokens()?;
    if context.printer.is_json() {
        return context.printer.document(&tokens);
    }
    let lines: Vec<_> =
        tokens.iter().map(|one| [one.id.clone(), one.label.clone(), minute(Some(&one.made_at))]).collect();
    context.printer.table(["token", "for", "made (UTC)"], &lines)
}

fn news(context: &Context<'_>) -> Result<()> {
    let sign_in = SignIn::read(&place()?)?;
    let all = Competition::at(&sign_in.server)?.announcements()?;
    if context.printer.is_json() {
        return context.printer.document(&all);
    }
    if all.is_empty() {
        context.printer.note("The organisers have announced nothing.");
        return Ok(());
    }
    let lines: Vec<_> = all.iter().map(|one| [minute(Some(&one.at)), one.text.clone()]).collect();
    context.printer.table(["when (UTC)", "what"], &lines)
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

/// Asked for without showing it, or a line of standard input where that is no terminal.
fn password(what: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{what}: ")).context("the terminal gives no password");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input has no password")?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => bail!("no password: standard input is no terminal, and has no line with one"),
        password => Ok(password.to_owned()),
    }
}

/// On a terminal twice, since nobody sees it.
fn new_password() -> Result<String> {
    let new = password("New password")?;
    if std::io::stdin().is_terminal() && password("The same again")? != new {
        bail!("the passwords differ: nothing was sent");
    }
    Ok(new)
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
    if context.printer.is_json() {
        return context.printer.document(&team);
    }
    let seats = format!("{} of {}", team.members.len(), team.size);
    let row = [team.number.to_string(), team.name, team.members.join(", "), seats, team.code];
    context.printer.table(["number", "team", "players", "seats", "code for partners"], &[row])
}

/// A time of the server without its seconds, and a dash for none.
fn minute(time: Option<&str>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.get(..16).unwrap_or(time).replace('T', " "))
}

fn rounds(context: &Context<'_>) -> Result<()> {
    let rounds = signed_in()?.rounds()?;
    if context.printer.is_json() {
        return context.printer.document(&rounds);
    }
    let line = |round: &Round| {
        [round.number.to_string(), round.name.clone(), round.phase.clone(), minute(round.phase_ends.as_deref())]
    };
    let lines: Vec<_> = rounds.iter().map(line).collect();
    context.printer.table(["round", "name", "phase", "until (UTC)"], &lines)
}

fn round(round: &Round, context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(round);
    }
    let rules = &round.rules;
    let off = rules.deviation.saturating_sub(1);
    let [least, most] = [rules.reps_mean.saturating_sub(off).max(1), rules.reps_mean + off];
    let mut rows = vec![
        ["name".to_owned(), round.name.clone()],
        ["phase".to_owned(), format!("{} until {}", round.phase, minute(round.phase_ends.as_deref()))],
        ["opening".to_owned(), minute(Some(&round.opens_at))],
        ["defence".to_owned(), minute(Some(&round.defence_at))],
        ["attack".to_owned(), minute(Some(&round.attack_at))],
        ["closed".to_owned(), minute(Some(&round.closes_at))],
        ["classes".to_owned(), rules.classes.to_string()],
        ["traces of a class".to_owned(), format!("{least} to {most}, each of more than {} packets", rules.min_packets)],
        ["test traces".to_owned(), round.test_traces.to_string()],
        ["score".to_owned(), round.profile.clone()],
    ];
    for (kind, slots) in [("defences left", round.defence_slots), ("attacks left", round.attack_slots)] {
        if let Some(slots) = slots {
            let hours = round.limits.window_hours;
            let left = format!("{} accepted, {} in all, in {hours} hours", slots.accepted_left, slots.total_left);
            rows.push([kind.to_owned(), left]);
        }
    }
    context.printer.table(["round", &round.number.to_string()], &rows)?;
    context.printer.line(&round.rule)
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
    let mut rows = Vec::new();
    for target in &targets {
        let [train, test] = client.download_target(target, folder)?;
        rows.push([target.team_id.to_string(), target.name.clone(), shown(&train), shown(&test)]);
    }
    if context.printer.is_json() {
        return context.printer.document(&targets);
    }
    context.printer.table(["team", "name", "to train on", "to classify"], &rows)
}

fn shown(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn submissions(context: &Context<'_>) -> Result<()> {
    let list = signed_in()?.submissions()?;
    if context.printer.is_json() {
        return context.printer.document(&list);
    }
    let line = |one: &Submission| {
        let kind = match one.against {
            Some(team) => format!("{} on team {team}", one.kind),
            None => one.kind.clone(),
        };
        let state = match one.counts {
            Some(true) => format!("{}, counts", one.state),
            _ => one.state.clone(),
        };
        [one.id.clone(), one.round.to_string(), kind, minute(Some(&one.received_at)), state]
    };
    let lines: Vec<_> = list.iter().map(line).collect();
    context.printer.table(["submission", "round", "kind", "received (UTC)", "state"], &lines)
}

fn show(submission: &Submission, context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(submission);
    }
    let mut rows = vec![
        ["round".to_owned(), submission.round.to_string()],
        ["kind".to_owned(), submission.kind.clone()],
        ["state".to_owned(), submission.state.clone()],
        ["received (UTC)".to_owned(), minute(Some(&submission.received_at))],
    ];
    if let Some(counts) = submission.counts {
        rows.push(["counts".to_owned(), if counts { "yes" } else { "no" }.to_owned()]);
    }
    if let Some(reason) = &submission.reason {
        rows.push(["reason".to_owned(), reason.clone()]);
    }
    context.printer.table(["submission", &submission.id], &rows)?;
    for (what, found) in [("problems", submission.problems()), ("warnings", submission.warnings())] {
        let lines: Vec<_> = found.iter().map(problem).collect();
        if !lines.is_empty() {
            context.printer.table([what, "column", "times", "first places"], &lines)?;
        }
    }
    let line = |one: &Score| {
        let [auc, accuracy] = [score(one.roc_auc), score(one.accuracy)];
        [one.attacker.clone(), one.defender.clone(), one.part.clone(), one.traces.to_string(), auc, accuracy]
    };
    let lines: Vec<_> = submission.scores.iter().map(line).collect();
    if lines.is_empty() {
        return Ok(());
    }
    context.printer.table(["attacker", "defender", "part", "traces", "ROC-AUC", "accuracy"], &lines)
}

fn problem(problem: &FileProblem) -> [String; 4] {
    let place = |(row, value): &(u64, String)| match row {
        0 => value.clone(),
        row => format!("row {row}: {value}"),
    };
    let places: Vec<String> = problem.examples.iter().take(5).map(place).collect();
    [problem.kind.clone(), problem.column.clone(), problem.count.to_string(), places.join(", ")]
}

fn two(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

fn rank(rank: Option<usize>) -> String {
    rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string())
}

fn board(number: i64, context: &Context<'_>) -> Result<()> {
    let board = signed_in()?.board(number)?;
    if context.printer.is_json() {
        return context.printer.document(&board);
    }
    let lines: Vec<_> = board
        .rows
        .iter()
        .map(|row| {
            let [utility, privacy, attack] = [score(row.utility), score(row.privacy), score(row.attack)];
            [rank(row.rank), row.name.clone(), two(row.total), utility, privacy, attack]
        })
        .collect();
    context.printer.table(["rank", "team", "total", "utility", "privacy", "attack"], &lines)?;
    let frozen = if board.frozen { ", frozen until the end" } else { "" };
    let part = if board.part == "all" { "all".to_owned() } else { format!("the {}", board.part) };
    context.printer.line(&format!("By {part} test traces{frozen}. {}", board.rule))
}

fn overall(context: &Context<'_>) -> Result<()> {
    let board = signed_in()?.overall()?;
    if context.printer.is_json() {
        return context.printer.document(&board);
    }
    let lines: Vec<_> = board
        .rows
        .iter()
        .map(|row| {
            let rounds: Vec<String> = row.totals.iter().map(|total| two(*total)).collect();
            [rank(row.rank), row.name.clone(), two(row.total), rounds.join(" ")]
        })
        .collect();
    context.printer.table(["rank", "team", "total", "of each round"], &lines)?;
    context.printer.line(&format!("The {} of {} rounds.", board.aggregation, board.rounds.len()))
}
