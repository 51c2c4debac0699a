//! Who leads: from everything that was uploaded and scored to ranks, as of any instant.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;
use wfkit_metrics::{Interval, Utility, VolumeSummary, pareto_front};

use super::profile::{Numbers, privacy_interval};
use super::{Aggregation, Counting, Part, Round, overheads};
use crate::Millis;

/// What a board is computed from. Nothing is kept of boards themselves, so none can disagree with the scores.
#[derive(Debug, Clone)]
pub struct Contest {
    /// The round.
    pub round: Round,
    /// Number and name of every team, by id.
    pub teams: BTreeMap<String, (i64, String)>,
    /// Its defences that passed the check.
    pub defences: Vec<Defence>,
    /// Which of them each team was pinned to, by team; empty until the round is settled.
    pub pins: BTreeMap<String, String>,
    /// Attacker and defender.
    pub matches: Vec<(String, String)>,
    /// Scores of attacks.
    pub attacks: Vec<Attack>,
}

/// A defence that passed the check.
#[derive(Debug, Clone)]
pub struct Defence {
    /// Its submission.
    pub id: String,
    /// Whose it is.
    pub team: String,
    /// When it was uploaded, or last chosen.
    pub chosen_at: Millis,
    /// What it costs.
    pub utility: Utility,
    /// And in detail.
    pub volumes: VolumeSummary,
}

/// The score of one attack on one team.
#[derive(Debug, Clone)]
pub struct Attack {
    /// Its submission; of a house attacker the attacked defence.
    pub submission: String,
    /// The attacking team, or nobody: then a house attacker of this name.
    pub by: Result<String, String>,
    /// The attacked team.
    pub on: String,
    /// When it was uploaded; of a house attacker when its score was first known, 0 of those that run with the check.
    pub at: Millis,
    /// When its team last chose it.
    pub chosen_at: Option<Millis>,
    /// Which part of the test set.
    pub part: Part,
    /// Macro one-vs-rest.
    pub roc_auc: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
    /// Share of traces told right.
    pub accuracy: f64,
}

/// The board of a round.
#[derive(Debug, Clone, Serialize)]
pub struct Board {
    /// The number of the round.
    pub round: i64,
    /// As of when, in milliseconds since 1970.
    pub as_of: Millis,
    /// Which part of the test set.
    pub part: Part,
    /// Best first; teams without a total last.
    pub rows: Vec<Row>,
}

/// The line of a team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The rank: of equals the same, none without a total.
    pub rank: Option<usize>,
    /// Ranks won since the round before.
    pub change: Option<i64>,
    /// The team's number.
    pub team: i64,
    /// Its name.
    pub name: String,
    /// Utility.
    pub utility: Option<f64>,
    /// Overheads of incoming bytes, outgoing bytes and time; below 0 for less than undefended traffic, which counts as 0.
    pub overheads: Option<[f64; 3]>,
    /// 1 - advantage of the best attack on it.
    pub privacy: Option<f64>,
    /// The 95 % interval of that, by that of the attack.
    pub privacy_interval: Option<(f64, f64)>,
    /// Whose that was.
    pub best_attacker: Option<String>,
    /// Its attacks.
    pub attack: Option<f64>,
    /// The 95 % interval of the mean area of its attacks, by those of each.
    pub roc_auc: Option<(f64, f64)>,
    /// Attacks that are scored.
    pub attacks_done: usize,
    /// Its matches.
    pub attacks_due: usize,
    /// The total.
    pub total: Option<f64>,
    /// Whether no other team has more utility without less privacy.
    pub on_front: bool,
}

/// Totals are compared as they are shown: what looks equal is equal.
fn shown(total: f64) -> i64 {
    (total * 1e4).round() as i64
}

impl Contest {
    /// The board as of an instant.
    pub fn board(&self, as_of: Millis, part: Part) -> Board {
        let mut rows: Vec<Row> = self.teams.iter().map(|(team, named)| self.row(team, named, as_of, part)).collect();
        let points: Vec<[f64; 2]> = rows
            .iter()
            .map(|row| {
                [row.utility.map_or(f64::NAN, |utility| -utility), row.privacy.map_or(f64::NAN, |privacy| -privacy)]
            })
            .collect();
        for (row, on_front) in rows.iter_mut().zip(pareto_front(&points)) {
            row.on_front = on_front;
        }
        rank(&mut rows, |row| row.total, |row| (row.team, &mut row.rank));
        Board { round: self.round.number, as_of, part, rows }
    }

    /// The defence that a team is judged by: the pinned one, before that the one it chose last.
    pub fn defence_of(&self, team: &str, as_of: Millis) -> Option<&Defence> {
        if self.round.settled_at.is_some() {
            let pinned = self.pins.get(team)?;
            return self.defences.iter().find(|defence| defence.id == *pinned);
        }
        let own = self.defences.iter().filter(|defence| defence.team == team && defence.chosen_at <= as_of);
        own.max_by(|a, b| (a.chosen_at, &a.id).cmp(&(b.chosen_at, &b.id)))
    }

    /// The attack of a match that counts: the last, or the one with the best public score.
    pub fn counting(&self, attacker: &str, defender: &str, as_of: Millis, part: Part) -> Option<&Attack> {
        let of = |part: Part| {
            self.attacks.iter().filter(move |attack| {
                attack.part == part
                    && attack.on == defender
                    && attack.at <= as_of
                    && attack.by.as_ref().is_ok_and(|by| by == attacker)
            })
        };
        let earlier = |a: &Attack, b: &Attack| (a.at, &a.submission).cmp(&(b.at, &b.submission));
        let chosen = match self.round.settings.counting {
            Counting::Last => of(Part::Public).max_by(|a, b| earlier(a, b)),
            Counting::Chosen => of(Part::Public).max_by(|a, b| {
                // What was chosen later than the board stands was not chosen yet.
                let chosen = |attack: &Attack| attack.chosen_at.filter(|&at| at <= as_of);
                chosen(a).cmp(&chosen(b)).then_with(|| earlier(a, b))
            }),
            Counting::Best => of(Part::Public).max_by(|a, b| {
                let by_score = a.roc_auc.partial_cmp(&b.roc_auc).unwrap_or(Ordering::Equal);
                by_score.then_with(|| earlier(b, a))
            }),
        }?;
        of(part).find(|attack| attack.submission == chosen.submission)
    }

    fn row(&self, team: &str, (number, name): &(i64, String), as_of: Millis, part: Part) -> Row {
        let defence = self.defence_of(team, as_of);
        let due: Vec<&str> = self.matches.iter().filter(|one| one.0 == team).map(|one| one.1.as_str()).collect();
        let done: Vec<Option<&Attack>> =
            due.iter().map(|defender| self.counting(team, defender, as_of, part)).collect();
        let best = defence.and_then(|defence| self.best_against(team, &defence.id, as_of, part));
        let over = defence
            .zip(self.round.settings.baseline.as_ref())
            .map(|(defence, baseline)| overheads(baseline, &defence.volumes));
        let attacks: Vec<Option<f64>> = done.iter().map(|attack| attack.map(|attack| attack.roc_auc)).collect();
        let scored = self.round.settings.profile.score(&Numbers {
            utility: defence.map(|defence| &defence.utility),
            overheads: over,
            attacks: &attacks,
            best_attacker: best.map(|attack| attack.roc_auc),
        });
        let settled = self.round.settled_at.is_some();
        Row {
            rank: None,
            change: None,
            team: *number,
            name: name.clone(),
            utility: scored.utility,
            overheads: over,
            privacy: scored.privacy,
            privacy_interval: best.and_then(|attack| attack.interval).map(privacy_interval),
            best_attacker: best.map(|attack| self.name_of(&attack.by)),
            attack: scored.attack.filter(|_| !due.is_empty()),
            roc_auc: mean_interval(&done),
            attacks_done: done.iter().flatten().count(),
            attacks_due: due.len(),
            total: scored.total.filter(|_| settled),
            on_front: false,
        }
    }

    /// The name of an attacker, for readers.
    pub fn name_of(&self, by: &Result<String, String>) -> String {
        match by {
            Ok(team) => self.teams.get(team).map_or_else(|| team.clone(), |(_, name)| name.clone()),
            Err(house) => format!("house ({house})"),
        }
    }

    /// The attack on a team that tells most, house attacks included. Teams are judged by the attack of theirs that counts.
    fn best_against(&self, team: &str, defence: &str, as_of: Millis, part: Part) -> Option<&Attack> {
        let house = self.attacks.iter().filter(|attack| {
            attack.by.is_err() && attack.part == part && attack.submission == defence && attack.at <= as_of
        });
        let matched = self.matches.iter().filter(|one| one.1 == team);
        let teams = matched.filter_map(|(attacker, _)| self.counting(attacker, team, as_of, part));
        house.chain(teams).max_by(|a, b| a.roc_auc.partial_cmp(&b.roc_auc).unwrap_or(Ordering::Equal))
    }
}

/// The mean area of attacks that are done, give or take: half widths of independent means add in squares.
fn mean_interval(done: &[Option<&Attack>]) -> Option<(f64, f64)> {
    let scored: Vec<&&Attack> = done.iter().flatten().collect();
    let n = scored.len() as f64;
    let mean = scored.iter().map(|attack| attack.roc_auc).sum::<f64>() / n;
    let squares: Option<f64> = scored
        .iter()
        .map(|attack| attack.interval.map(|interval| ((interval.high - interval.low) / 2.0).powi(2)))
        .sum();
    let half = squares?.sqrt() / n;
    (!scored.is_empty()).then(|| ((mean - half).max(0.0), (mean + half).min(1.0)))
}

/// Sorts rows by total, then number, and ranks them: equals share a rank, and the next one is as if they did not.
fn rank<R>(rows: &mut [R], total: impl Fn(&R) -> Option<f64>, place: impl Fn(&mut R) -> (i64, &mut Option<usize>)) {
    let mut keys: Vec<(std::cmp::Reverse<Option<i64>>, i64, usize)> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter_mut().enumerate() {
        let total = total(row).map(shown);
        keys.push((std::cmp::Reverse(total), place(row).0, index));
    }
    keys.sort();
    let mut order = vec![0; rows.len()];
    let mut shared = 0;
    for (position, (total, _, index)) in keys.iter().enumerate() {
        order[*index] = position;
        if position == 0 || keys[position - 1].0 != *total {
            shared = position + 1;
        }
        *place(&mut rows[*index]).1 = total.0.map(|_| shared);
    }
    // Cycles of the permutation, in place.
    for index in 0..rows.len() {
        while order[index] != index {
            let to = order[index];
            rows.swap(index, to);
            order.swap(index, to);
        }
    }
}

/// The line of a team over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverallRow {
    /// The rank.
    pub rank: Option<usize>,
    /// The team's number.
    pub team: i64,
    /// Its name.
    pub name: String,
    /// Its total of each round, in their order.
    pub totals: Vec<Option<f64>>,
    /// And of all.
    pub total: Option<f64>,
}

/// The board over all rounds.
pub fn overall(boards: &[Board], aggregation: Aggregation) -> Vec<OverallRow> {
    let mut teams: BTreeMap<i64, String> = BTreeMap::new();
    for row in boards.iter().flat_map(|board| &board.rows) {
        teams.insert(row.team, row.name.clone());
    }
    let mut rows: Vec<OverallRow> = teams
        .into_iter()
        .map(|(team, name)| {
            let of = |board: &Board| board.rows.iter().find(|row| row.team == team).and_then(|row| row.total);
            let totals: Vec<Option<f64>> = boards.iter().map(of).collect();
            let scored: Vec<f64> = totals.iter().copied().flatten().collect();
            let total = match aggregation {
                _ if scored.is_empty() => None,
                Aggregation::Sum => Some(scored.iter().sum()),
                Aggregation::Mean => Some(scored.iter().sum::<f64>() / scored.len() as f64),
                Aggregation::Best => scored.iter().copied().max_by(f64::total_cmp),
                Aggregation::Last => scored.last().copied(),
            };
            OverallRow { rank: None, team, name, totals, total }
        })
        .collect();
    rank(&mut rows, |row| row.total, |row| (row.team, &mut row.rank));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(team: i64, total: Option<f64>) -> OverallRow {
        OverallRow { rank: None, team, name: String::new(), totals: Vec::new(), total }
    }

    #[test]
    fn equals_share_a_rank_and_the_unscored_have_none() {
        let mut rows =
            vec![row(1, None), row(2, Some(5.0)), row(3, Some(7.0)), row(4, Some(5.000_000_1)), row(5, Some(1.0))];
        rank(&mut rows, |row| row.total, |row| (row.team, &mut row.rank));
        let ranks: Vec<_> = rows.iter().map(|row| (row.team, row.rank)).collect();
        assert_eq!(ranks, [(3, Some(1)), (2, Some(2)), (4, Some(2)), (5, Some(4)), (1, None)]);
    }

    #[test]
    fn rounds_become_one_number() {
        let board = |round, totals: &[(i64, Option<f64>)]| Board {
            round,
            as_of: 0,
            part: Part::All,
            rows: totals
                .iter()
                .map(|&(team, total)| Row {
                    rank: None,
                    change: None,
                    team,
                    name: team.to_string(),
                    utility: None,
                    overheads: None,
                    privacy: None,
                    privacy_interval: None,
                    best_attacker: None,
                    attack: None,
                    roc_auc: None,
                    attacks_done: 0,
                    attacks_due: 0,
                    total,
                    on_front: false,
                })
                .collect(),
        };
        let boards = [board(1, &[(1, Some(10.0)), (2, Some(20.0))]), board(2, &[(1, Some(30.0)), (2, None)])];
        let totals =
            |aggregation| overall(&boards, aggregation).iter().map(|row| (row.team, row.total)).collect::<Vec<_>>();
        assert_eq!(totals(Aggregation::Sum), [(1, Some(40.0)), (2, Some(20.0))]);
        assert_eq!(totals(Aggregation::Mean), [(1, Some(20.0)), (2, Some(20.0))]);
        assert_eq!(totals(Aggregation::Best), [(1, Some(30.0)), (2, Some(20.0))]);
        assert_eq!(totals(Aggregation::Last), [(1, Some(30.0)), (2, Some(20.0))]);
    }
}
