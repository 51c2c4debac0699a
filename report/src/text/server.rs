//! What a competition server tells a player.

use std::path::{Path, PathBuf};

use wfkit_client::{
    Announcement, Board, FileProblem, Overall, Round, Score, Submission, Target, TeamOfAccount, TokenLine,
};

use super::Text;
use crate::words::score;

/// A time of the server without its seconds, and a dash for none.
fn minute(time: Option<&str>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.get(..16).unwrap_or(time).replace('T', " "))
}

/// All rounds, one a row.
pub fn rounds(rounds: &[Round]) -> Text {
    let mut text = Text::new();
    let line = |round: &Round| {
        [round.number.to_string(), round.name.clone(), round.phase.clone(), minute(round.phase_ends.as_deref())]
    };
    let lines: Vec<_> = rounds.iter().map(line).collect();
    text.table(["round", "name", "phase", "until (UTC)"], lines);
    text
}

/// What a round asks for and leaves its players.
pub fn round(round: &Round) -> Text {
    let mut text = Text::new();
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
    text.table(["round", &round.number.to_string()], rows);
    text.line(&round.rule);
    text
}

/// All submissions, one a row.
pub fn submissions(list: &[Submission]) -> Text {
    let mut text = Text::new();
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
    text.table(["submission", "round", "kind", "received (UTC)", "state"], lines);
    text
}

/// All about a submission.
pub fn submission(submission: &Submission) -> Text {
    let mut text = Text::new();
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
    text.table(["submission", &submission.id], rows);
    for (what, found) in [("problems", submission.problems()), ("warnings", submission.warnings())] {
        let lines: Vec<_> = found.iter().map(problem).collect();
        if !lines.is_empty() {
            text.table([what, "column", "times", "first places"], lines);
        }
    }
    let line = |one: &Score| {
        let [auc, accuracy] = [score(one.roc_auc), score(one.accuracy)];
        [one.attacker.clone(), one.defender.clone(), one.part.clone(), one.traces.to_string(), auc, accuracy]
    };
    let lines: Vec<_> = submission.scores.iter().map(line).collect();
    if !lines.is_empty() {
        text.table(["attacker", "defender", "part", "traces", "ROC-AUC", "accuracy"], lines);
    }
    text
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

/// The board of a round.
pub fn board(board: &Board) -> Text {
    let mut text = Text::new();
    let lines: Vec<_> = board
        .rows
        .iter()
        .map(|row| {
            let [utility, privacy, attack] = [score(row.utility), score(row.privacy), score(row.attack)];
            [rank(row.rank), row.name.clone(), two(row.total), utility, privacy, attack]
        })
        .collect();
    text.table(["rank", "team", "total", "utility", "privacy", "attack"], lines);
    let frozen = if board.frozen { ", frozen until the end" } else { "" };
    let part = if board.part == "all" { "all".to_owned() } else { format!("the {}", board.part) };
    text.line(format!("By {part} test traces{frozen}. {}", board.rule));
    text
}

/// The board over all rounds.
pub fn overall(board: &Overall) -> Text {
    let mut text = Text::new();
    let lines: Vec<_> = board
        .rows
        .iter()
        .map(|row| {
            let rounds: Vec<String> = row.totals.iter().map(|total| two(*total)).collect();
            [rank(row.rank), row.name.clone(), two(row.total), rounds.join(" ")]
        })
        .collect();
    text.table(["rank", "team", "total", "of each round"], lines);
    text.line(format!("The {} of {} rounds.", board.aggregation, board.rounds.len()));
    text
}

/// The tokens of an account, without what they are.
pub fn tokens(tokens: &[TokenLine]) -> Text {
    let mut text = Text::new();
    let row = |one: &TokenLine| [one.id.clone(), one.label.clone(), minute(Some(&one.made_at))];
    text.table(["token", "for", "made (UTC)"], tokens.iter().map(row));
    text
}

/// What was announced.
pub fn news(all: &[Announcement]) -> Text {
    let mut text = Text::new();
    text.table(["when (UTC)", "what"], all.iter().map(|one| [minute(Some(&one.at)), one.text.clone()]));
    text
}

/// A team, as its players see it.
pub fn team(team: &TeamOfAccount) -> Text {
    let seats = format!("{} of {}", team.members.len(), team.size);
    let row = [team.number.to_string(), team.name.clone(), team.members.join(", "), seats, team.code.clone()];
    let mut text = Text::new();
    text.table(["number", "team", "players", "seats", "code for partners"], [row]);
    text
}

/// Teams to attack, each with the files that were downloaded: to train on, to classify.
pub fn targets(targets: &[(Target, [PathBuf; 2])]) -> Text {
    let name = |file: &Path| file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let row = |(target, [train, test]): &(Target, [PathBuf; 2])| {
        [target.team_id.to_string(), target.name.clone(), name(train), name(test)]
    };
    let mut text = Text::new();
    text.table(["team", "name", "to train on", "to classify"], targets.iter().map(row));
    text
}
