//! What a resample draws as one: a trace, all copies of a load, a whole session.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::distributions::{Z_95, student_t_95};
use crate::seed::mix;

/// Fewer sessions than this say too little of how sessions differ.
pub const LEAST_SESSIONS: usize = 5;

/// What rows have in common; each of shape `(n_rows,)`, any numbers. None where rows have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinship<'a> {
    /// The origin of every row: copies of one load have the same.
    pub groups: Option<&'a [usize]>,
    /// The session of every row.
    pub sessions: Option<&'a [usize]>,
}

impl Kinship<'_> {
    /// The first list that is not of so many rows: its length.
    pub(crate) fn misfit(&self, rows: usize) -> Option<usize> {
        [self.groups, self.sessions].into_iter().flatten().map(<[usize]>::len).find(|&len| len != rows)
    }
}

/// What resamples draw: units, in strata that are drawn apart.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    /// Of each stratum its units, of each unit its rows, both in the order of their first row; strata by their first class.
    strata: Vec<Vec<Vec<usize>>>,
    rows: usize,
    /// The origin of every row, numbered by its first row.
    pub(crate) origin_of: Vec<usize>,
    /// How many origins there are.
    pub(crate) origins: usize,
    /// Units are whole sessions.
    pub(crate) by_session: bool,
}

impl Units {
    /// The units of rows of these classes.
    ///
    /// Origins are units. Classes are strata, because their number of traces is a choice of the experiment and not of chance, so that no
    /// resample lacks a class and macro averages mean the same in all of them; classes that share a unit are one stratum.
    /// Where there are sessions, five at least in every stratum, and not each origin is one, sessions are the units, each with all its origins.
    pub(crate) fn of(truth: &[usize], classes: usize, kinship: Kinship<'_>) -> Self {
        let rows = truth.len();
        let every_row: Vec<usize> = (0..rows).collect();
        let (origin_of, origins) = numbered(kinship.groups.unwrap_or(&every_row));
        let by_origin = strata(truth, classes, &origin_of, origins);
        let by_session = kinship.sessions.map(|sessions| {
            let (unit_of, units) = joined(&origin_of, origins, sessions);
            (strata(truth, classes, &unit_of, units), units)
        });
        let enough = |strata: &[Vec<Vec<usize>>]| strata.iter().all(|units| units.len() >= LEAST_SESSIONS);
        match by_session {
            Some((strata, units)) if units < origins && enough(&strata) => {
                Self { strata, rows, origin_of, origins, by_session: true }
            }
            _ => Self { strata: by_origin, rows, origin_of, origins, by_session: false },
        }
    }

    /// How many units there are.
    pub(crate) fn len(&self) -> usize {
        self.strata.iter().map(Vec::len).sum()
    }

    /// What units are called, where they are more than single traces.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match (self.by_session, self.origins < self.rows) {
            (true, _) => Some("session"),
            (false, true) => Some("origin"),
            (false, false) => None,
        }
    }

    /// The rows of the first stratum of a single unit, which no resample varies.
    pub(crate) fn alone(&self) -> Option<&[usize]> {
        self.strata.iter().find(|units| units.len() == 1).map(|units| units[0].as_slice())
    }

    /// How often every row occurs in each of `resamples` resamples, shape `(n_rows,)` each: as many units as a stratum has are drawn from it
    /// with replacement. Resample `i` depends on the seed and `i` alone.
    pub(crate) fn resamples(&self, resamples: usize, seed: u64) -> impl Iterator<Item = Vec<u32>> {
        (0..resamples).map(move |resample| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(seed, resample as u64));
            let mut times = vec![0; self.rows];
            for units in &self.strata {
                for _ in 0..units.len() {
                    for &row in &units[rng.random_range(0..units.len())] {
                        times[row] += 1;
                    }
                }
            }
            times
        })
    }

    /// What distances of percentiles from a score are multiplied by: 1, but for sessions, which are few, t/z sqrt(m/(m - s)) with m
    /// sessions in s strata and Student's t at m - s degrees of freedom, because m drawn out of m have the variance (m - s)/m of new ones and
    /// percentiles take it as known.
    pub(crate) fn widening(&self) -> f64 {
        if !self.by_session {
            return 1.0;
        }
        let (units, freedom) = (self.len() as f64, (self.len() - self.strata.len()) as f64);
        student_t_95(freedom) / Z_95 * (units / freedom).sqrt()
    }

    /// How many independent traces a share of right rows is worth: the number of origins; of sessions no more than that, but
    /// n/d (z/t)^2 with d the design effect, the variance between sessions over that of independent traces (E. Korn, B. Graubard, "Confidence
    /// intervals for proportions with small expected number of positive counts estimated from survey data", Survey Methodology 24, 1998).
    pub(crate) fn worth(&self, right: impl Fn(usize) -> bool) -> f64 {
        let origins = self.origins as f64;
        if !self.by_session {
            return origins;
        }
        let rows = self.rows as f64;
        let of_unit = |unit: &Vec<usize>| (unit.iter().filter(|&&row| right(row)).count() as f64, unit.len() as f64);
        let units: Vec<(f64, f64)> = self.strata.iter().flatten().map(of_unit).collect();
        let share = units.iter().map(|unit| unit.0).sum::<f64>() / rows;
        let freedom = (self.len() - self.strata.len()) as f64;
        let squares: f64 = units.iter().map(|(right, all)| (right - share * all).powi(2)).sum();
        let variance = squares * self.len() as f64 / freedom / (rows * rows);
        let plain = share * (1.0 - share);
        let effective = if variance > 0.0 { (plain / variance).min(origins) } else { origins };
        effective * (Z_95 / student_t_95(freedom)).powi(2)
    }
}

/// Numbers by first occurrence, and how many there are.
pub(crate) fn numbered(names: &[usize]) -> (Vec<usize>, usize) {
    let mut numbers = std::collections::HashMap::new();
    let of_row = names.iter().map(|&name| {
        let next = numbers.len();
        *numbers.entry(name).or_insert(next)
    });
    let of_row = of_row.collect();
    (of_row, numbers.len())
}

/// Groups, joined where rows have the same other name.
fn joined(group_of: &[usize], groups: usize, names: &[usize]) -> (Vec<usize>, usize) {
    let (name_of, n_names) = numbered(names);
    let mut parent: Vec<usize> = (0..groups + n_names).collect();
    for (&group, &name) in group_of.iter().zip(&name_of) {
        join(&mut parent, group, groups + name);
    }
    let roots: Vec<usize> = group_of.iter().map(|&group| root(&mut parent, group)).collect();
    numbered(&roots)
}

/// Units in strata: of one class, or of all classes that share units.
fn strata(truth: &[usize], classes: usize, unit_of: &[usize], units: usize) -> Vec<Vec<Vec<usize>>> {
    let mut parent: Vec<usize> = (0..classes).collect();
    let mut class_of_unit = vec![None; units];
    for (&class, &unit) in truth.iter().zip(unit_of) {
        join(&mut parent, *class_of_unit[unit].get_or_insert(class), class);
    }
    let mut rows_of_unit = vec![Vec::new(); units];
    for (row, &unit) in unit_of.iter().enumerate() {
        rows_of_unit[unit].push(row);
    }
    let mut strata = vec![Vec::new(); classes];
    for (rows, class) in rows_of_unit.into_iter().zip(class_of_unit) {
        let class = class.expect("a unit has a row, and that a class");
        strata[root(&mut parent, class)].push(rows);
    }
    strata.retain(|units| !units.is_empty());
    strata
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b)] = a.min(b);
}

fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(truth: &[usize], groups: Option<&[usize]>, sessions: Option<&[usize]>) -> Units {
        Units::of(truth, 6, Kinship { groups, sessions })
    }

    #[test]
    fn every_class_keeps_its_number_of_traces() {
        let truth = [0, 2, 2, 0, 2, 3];
        for times in of(&truth, None, None).resamples(20, 1) {
            let drawn = |class| truth.iter().zip(&times).filter(|&(&c, _)| c == class).map(|(_, &n)| n).sum::<u32>();
            assert_eq!([drawn(0), drawn(1), drawn(2), drawn(3), drawn(4)], [2, 0, 3, 1, 0]);
        }
    }

    #[test]
    fn a_resample_depends_on_seed_and_index_alone() {
        let truth: Vec<usize> = (0..50).map(|row| row % 3).collect();
        let units = of(&truth, None, None);
        let few: Vec<_> = units.resamples(5, 7).collect();
        let many: Vec<_> = units.resamples(9, 7).collect();
        assert_eq!(few, many[..5]);
        assert_ne!(few[0], few[1]);
        assert_ne!(few, units.resamples(5, 8).collect::<Vec<_>>());
        // Groups of one row each are rows, whatever their numbers.
        let singles: Vec<usize> = (0..50).rev().collect();
        assert_eq!(of(&truth, Some(&singles), None).resamples(5, 7).collect::<Vec<_>>(), few);
    }

    #[test]
    fn copies_are_drawn_together_and_what_spans_classes_as_one() {
        let truth = [0, 0, 0, 0, 1, 1, 2, 2];
        let groups = [5, 5, 7, 8, 1, 2, 3, 4];
        let units = of(&truth, Some(&groups), None);
        assert_eq!((units.len(), units.origins, units.kind()), (7, 7, Some("origin")));
        for times in units.resamples(20, 3) {
            assert_eq!(times[0], times[1]);
            assert_eq!(times[0] + times[2] + times[3], 3);
        }
        let across = of(&truth, Some(&[0, 1, 2, 3, 3, 4, 5, 6]), None);
        for times in across.resamples(20, 3) {
            assert_eq!(times[3], times[4]);
            assert_eq!(times[6] + times[7], 2);
        }
        assert_eq!(of(&truth, Some(&[0, 0, 0, 0, 1, 2, 3, 4]), None).alone(), Some(&[0, 1, 2, 3][..]));
    }

    #[test]
    fn sessions_are_units_where_there_are_five() {
        let truth: Vec<usize> = (0..40).map(|row| row % 2).collect();
        let sessions = |n: usize| (0..40).map(|row| row / 2 % n).collect::<Vec<_>>();
        assert!(!of(&truth, None, Some(&sessions(4))).by_session);
        let five = of(&truth, None, Some(&sessions(5)));
        assert_eq!((five.by_session, five.len(), five.origins, five.kind()), (true, 5, 40, Some("session")));
        for times in five.resamples(10, 0) {
            assert_eq!(times[0], times[11]);
        }
        // Student's t at 4 degrees of freedom is 2.776.
        assert!((five.widening() - 2.776_445 / 1.959_964 * 1.25f64.sqrt()).abs() < 1e-5);
        let every_row: Vec<usize> = (0..40).collect();
        assert!(!of(&truth, None, Some(&every_row)).by_session);
        // Two sessions of a class of their own say nothing of how sessions differ.
        let apart: Vec<usize> = (0..40).map(|row| if row % 2 == 0 { row % 10 } else { 100 + row / 2 % 2 }).collect();
        assert!(!of(&truth, None, Some(&apart)).by_session);
    }
}
