//! A defence by specification: the server runs it on undefended traffic that nobody else has.
//!
//! Every team gets traces of its own, dealt out of the round's undefended traffic: what attackers train on of one team tells nothing
//! of the test traces of another.

use std::path::Path;

use wfkit_competition::{Rules, export_defense, read_defense};
use wfkit_datasets::TraceSet;
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_defend::{DefendOptions, DefenseSpec, Limit, defend_with};
use wfkit_metrics::seed::mix;

use crate::Failure;
use crate::files::Files;
use crate::game::Kind;
use crate::game::Round;
use crate::store::submissions::Submission;
use crate::store::{Conn, submissions};
use crate::world::counted;

/// Packets of a defended trace at most, and 32 times as many of all: more than an upload has.
const MOST_PACKETS: u64 = 1 << 18;

/// Which share of the undefended traffic a team has: teams have theirs in the order in which they first asked for one.
pub(super) async fn share_of(conn: &mut Conn, submission: &Submission) -> Result<usize, Failure> {
    let mut asked = submissions::of_round(conn, &submission.round_id, Kind::Defence).await?;
    asked.retain(Submission::is_specification);
    asked.sort_by(|a, b| (a.received_at, &a.id).cmp(&(b.received_at, &b.id)));
    let mut teams: Vec<&str> = Vec::new();
    for one in &asked {
        if !teams.contains(&one.team_id.as_str()) {
            teams.push(&one.team_id);
        }
    }
    let place = teams.iter().position(|team| *team == submission.team_id);
    place.ok_or_else(|| Failure::Broken(format!("specification {} is not among those of its round", submission.id)))
}

/// Makes the file that an upload would have been, unless it is there already. What is wrong with the defence, or with the traffic,
/// is told in words.
pub(super) fn simulate(
    files: &Files,
    round: &Round,
    submission: &Submission,
    share: usize,
    unfinished: &str,
) -> Result<Result<(), String>, Failure> {
    let place = files.defended(&submission.id);
    if place.exists() {
        // The same specification, seed and traffic give the same file.
        return Ok(Ok(()));
    }
    let text = std::fs::read_to_string(files.upload(&submission.id, &submission.file_name))?;
    let spec: DefenseSpec = match text.trim().parse() {
        Ok(spec) => spec,
        Err(error) => return Ok(Err(format!("{error}"))),
    };
    let traffic = std::fs::read(files.baseline(&round.id))?;
    let traffic = read_defense(Source::bytes("undefended.csv.zip", &traffic), &ReadLimits::UPLOAD)
        .map_err(|error| Failure::Broken(error.to_string()))?;
    let own = match dealt(&traffic, &round.settings.rules, round.seed, share) {
        Ok(own) => own,
        Err(teams) => {
            return Ok(Err(format!(
                "the organisers' undefended traffic is enough for {}, and others were earlier: upload traces, or ask them for more",
                counted(teams as i64, "team")
            )));
        }
    };
    let options =
        DefendOptions { seed: submission.seed as u64, limit: Limit::packets(MOST_PACKETS), ..DefendOptions::default() };
    let defended = match defend_with(&own, &spec, &options) {
        Ok(defended) => defended.observe(),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let folder = files.of_submission(&submission.id);
    let file = folder.join(format!("split.{unfinished}.csv.zip"));
    if let Err(error) = written(&defended, &file, &round.settings.rules) {
        let _ = std::fs::remove_file(&file);
        return Ok(Err(error));
    }
    std::fs::rename(&file, &place)?;
    Ok(Ok(()))
}

fn written(defended: &TraceSet, file: &Path, rules: &Rules) -> Result<(), String> {
    // Whether the rules are kept is checked as for every other file.
    export_defense(defended, file, rules).map(drop).map_err(|error| error.to_string())
}

/// The traces of one share: of each class as many as the rules ask for on average. Which ones, the seed decides. Or for how many shares
/// the traffic is enough, where that is too few.
fn dealt(traffic: &TraceSet, rules: &Rules, seed: i64, share: usize) -> Result<TraceSet, usize> {
    let each = usize::try_from(rules.reps_mean).unwrap_or(usize::MAX).max(1);
    let mut own = Vec::new();
    let mut enough = usize::MAX;
    for (number, class) in traffic.classes().names().iter().enumerate() {
        let of_class = |&index: &usize| traffic.traces()[index].key.class == *class;
        let mut places: Vec<usize> = (0..traffic.len()).filter(of_class).collect();
        let draw = mix(seed as u64, number as u64);
        places.sort_by_key(|&index| mix(draw, index as u64));
        enough = enough.min(places.len() / each);
        own.extend(places.into_iter().skip(share * each).take(each));
    }
    if traffic.is_empty() || share >= enough {
        return Err(if traffic.is_empty() { 0 } else { enough });
    }
    Ok(traffic.select(&own))
}
