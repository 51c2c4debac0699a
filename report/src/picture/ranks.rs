use serde_json::json;

use super::{Picture, field};
use crate::axes::apart;
use crate::canvas::{Anchor, Canvas, MARGIN, SERIES, px};
use crate::table::Table;

/// Who was where, round by round.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Whether the picture is for it.
    pub own: bool,
    /// Its rank after each round, from 1; none where it has none.
    pub ranks: Vec<Option<usize>>,
    /// What it has then.
    pub totals: Vec<Option<f64>>,
}

/// Lines with a name and a colour; the others are grey.
const NAMED: usize = 12;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
/// Room for names, to the right.
const NAMES: f64 = 190.0;
const TOP: f64 = 16.0;

/// Ranks over rounds: a line a team, best on top, its name at its end, the own one heavy. Of more than twelve teams the own and those that are
/// best at the end are coloured and named; all are in the table.
///
/// # Errors
/// Where nobody has a rank.
pub fn ranks(title: &str, rounds: &[String], teams: &[Ranked]) -> Result<Picture, String> {
    let last = teams.iter().flat_map(|team| team.ranks.iter().flatten()).copied().max();
    let Some(last) = last else { return Err("nobody has a rank yet".to_owned()) };
    let mut order: Vec<&Ranked> = teams.iter().filter(|team| team.ranks.iter().any(Option::is_some)).collect();
    order.sort_by_key(|team| (!team.own, end_of(team).map_or(usize::MAX, |(_, rank)| rank), team.name.clone()));
    let step = (700.0 / last as f64).clamp(3.0, 30.0);
    let height = step * last as f64;
    let named = order.len().min(NAMED);
    let height = height.max(17.0 * named as f64);
    let step = height / last as f64;
    let mut canvas = Canvas::new(WIDTH, TOP + height + 44.0);
    let right = WIDTH - NAMES;
    let x = |round: usize| match rounds.len() {
        1 => (LEFT + right) / 2.0,
        n => LEFT + 24.0 + (right - LEFT - 48.0) * round as f64 / (n - 1) as f64,
    };
    let y = |rank: usize| TOP + step * (rank as f64 - 0.5);
    canvas.path("axis", &format!("M{} {}V{}H{}", px(LEFT), px(TOP), px(TOP + height), px(right)));
    let every = (14.0 / step).ceil() as usize;
    for rank in (1..=last).filter(|rank| (rank - 1).is_multiple_of(every)) {
        canvas.text((LEFT - 8.0, y(rank) + 4.0), Anchor::End, "soft small", &rank.to_string());
    }
    canvas.upright((LEFT - 40.0, TOP + height / 2.0), Anchor::Middle, "soft", "rank");
    let lines: String =
        (0..rounds.len()).map(|at| format!("M{} {}V{}", px(x(at)), px(TOP), px(TOP + height))).collect();
    canvas.path("grid", &lines);
    let room = (right - LEFT) / rounds.len() as f64 - 6.0;
    for (at, round) in rounds.iter().enumerate() {
        canvas.fitted((x(at), TOP + height + 18.0), Anchor::Middle, "soft small", round, room);
    }
    // The grey ones under the others, the own on top of all.
    for (at, team) in order.iter().enumerate().rev() {
        let class = if at < NAMED { SERIES[at % SERIES.len()] } else { "grid" };
        let wide = if team.own { " style=\"stroke-width:4\"" } else { "" };
        let d = line(team, x, y);
        if !d.is_empty() {
            canvas.put(&format!("<path class=\"line {class}\"{wide} d=\"{d}\"/>"));
        }
        if at < NAMED {
            for (round, rank) in team.ranks.iter().enumerate().filter_map(|(round, rank)| Some((round, (*rank)?))) {
                let told = format!("{}, {}: rank {rank}", team.name, rounds[round]);
                canvas.dot(&format!("f{class}"), (x(round), y(rank)), if team.own { 6.0 } else { 4.0 }, &told);
            }
        }
    }
    let mut ends: Vec<(usize, f64, f64)> = order[..named]
        .iter()
        .enumerate()
        .filter_map(|(at, team)| end_of(team).map(|(round, rank)| (at, x(round), y(rank))))
        .collect();
    ends.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut places: Vec<f64> = ends.iter().map(|end| end.2).collect();
    apart(&mut places, 16.0, TOP + 4.0, TOP + height);
    for ((at, from, height), place) in ends.into_iter().zip(places) {
        let team = order[at];
        canvas.path("leader", &format!("M{} {}L{} {}", px(from + 7.0), px(height), px(right + 6.0), px(place)));
        let class = if team.own { "strong" } else { "" };
        canvas.fitted((right + 12.0, place + 4.0), Anchor::Start, class, &team.name, NAMES - 12.0 - MARGIN);
    }
    let mut table = Table::new(&["team", "round", "rank", "total"]);
    for team in &order {
        for (at, round) in rounds.iter().enumerate() {
            let rank = team.ranks.get(at).copied().flatten();
            let total = team.totals.get(at).copied().flatten();
            table.push([(&team.name).into(), round.into(), rank.map(|rank| rank as f64).into(), total.into()]);
        }
    }
    let reading = "A line a team, the best on top; where lines cross, teams changed places. Of many teams the own and the best are named.";
    Ok(Picture::drawn(
        title,
        finding(rounds, &order),
        reading,
        canvas,
        table,
        json!({
            "width": 480,
            "mark": { "type": "line", "point": true },
            "encoding": {
                "x": { "field": "round", "type": "ordinal", "title": "round", "sort": null },
                "y": { "field": "rank", "type": "quantitative", "title": "rank", "scale": { "reverse": true } },
                "color": field("team", "nominal", "team"),
                "tooltip": [field("team", "nominal", "team"), field("rank", "quantitative", "rank"), field("total", "quantitative", "total")]
            }
        }),
    ))
}

/// The last round that it has a rank in, and that rank.
fn end_of(team: &Ranked) -> Option<(usize, usize)> {
    team.ranks.iter().enumerate().rev().find_map(|(round, rank)| Some((round, (*rank)?)))
}

/// Broken where there is no rank.
fn line(team: &Ranked, x: impl Fn(usize) -> f64, y: impl Fn(usize) -> f64) -> String {
    let mut path = String::new();
    let mut before = false;
    for (round, rank) in team.ranks.iter().enumerate() {
        if let Some(rank) = rank {
            path += &format!("{}{} {}", if before { "L" } else { "M" }, px(x(round)), px(y(*rank)));
        }
        before = rank.is_some();
    }
    path
}

fn finding(rounds: &[String], order: &[&Ranked]) -> String {
    let last = rounds.len().saturating_sub(1);
    let rank = |team: &Ranked, round: usize| team.ranks.get(round).copied().flatten();
    let first: Vec<&str> =
        order.iter().filter(|team| rank(team, last) == Some(1)).map(|team| team.name.as_str()).collect();
    let named = rounds.get(last).cloned().unwrap_or_default();
    let mut told = match first.as_slice() {
        [] => format!("Nobody has a rank in {named} yet."),
        [one] => format!("{one} leads after {named}."),
        all => format!("{} lead after {named}.", all.join(" and ")),
    };
    let moved = |team: &&Ranked| {
        let (before, now) = (rank(team, last.checked_sub(1)?)?, rank(team, last)?);
        Some((before as i64 - now as i64, before, now, team.name.clone()))
    };
    let most = order.iter().filter_map(moved).max_by_key(|(won, ..)| *won);
    if let Some((_, before, now, name)) = most.filter(|(won, ..)| *won > 0) {
        told += &format!(" Most ranks since {} has {name} won, from {before} to {now}.", rounds[last - 1]);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str, ranks: &[Option<usize>]) -> Ranked {
        Ranked { name: name.to_owned(), own: name == "own", ranks: ranks.to_vec(), totals: vec![None; ranks.len()] }
    }

    #[test]
    fn who_leads_and_who_has_won_most() {
        let rounds = ["round 1".to_owned(), "round 2".to_owned()];
        let teams = [
            team("a", &[Some(1), Some(2)]),
            team("own", &[Some(3), Some(1)]),
            team("late", &[None, Some(3)]),
            team("never", &[None, None]),
        ];
        let picture = ranks("t", &rounds, &teams).unwrap();
        assert_eq!(picture.finding, "own leads after round 2. Most ranks since round 1 has own won, from 3 to 1.");
        assert_eq!(picture.table.rows().len(), 6, "who never had a rank has no line");
        let svg = picture.svg();
        assert_eq!(svg.matches("stroke-width:4").count(), 1);
        assert!(ranks("t", &rounds, &teams[3..]).is_err());
    }

    #[test]
    fn of_many_teams_twelve_are_named() {
        let teams: Vec<Ranked> = (1..=60).map(|at| team(&format!("team {at}"), &[Some(61 - at), Some(at)])).collect();
        let picture = ranks("t", &["one".to_owned(), "two".to_owned()], &teams).unwrap();
        let svg = picture.svg();
        assert_eq!((1..=60).filter(|at| svg.contains(&format!(">team {at}</text>"))).count(), 12);
        assert_eq!(picture.table.rows().len(), 120);
    }
}
