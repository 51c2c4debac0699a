//! Who attacks whom.

use wfkit_metrics::seed::mix;

/// Matches as (attacker, defender): teams in a circle of random order, each attacks the next `each` ones, or all others where there
/// are fewer. So everyone attacks and is attacked equally often, nobody itself, and no match occurs twice. The same teams and
/// seed give the same matches, whatever the order of the teams.
pub fn draw<T: Clone + Ord>(teams: &[T], each: usize, seed: i64) -> Vec<(T, T)> {
    let mut circle: Vec<T> = teams.to_vec();
    circle.sort();
    for last in (1..circle.len()).rev() {
        let other = mix(seed as u64, last as u64) % (last as u64 + 1);
        circle.swap(last, other as usize);
    }
    let n = circle.len();
    let each = each.min(n.saturating_sub(1));
    let opponents = |i: usize| (1..=each).map(move |step| (i, (i + step) % n));
    (0..n).flat_map(opponents).map(|(i, j)| (circle[i].clone(), circle[j].clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everyone_attacks_and_is_attacked_equally_often() {
        for teams in 0..9_usize {
            for each in 1..5_usize {
                let all: Vec<usize> = (0..teams).collect();
                let matches = draw(&all, each, 42);
                let k = each.min(teams.saturating_sub(1));
                assert_eq!(matches.len(), teams * k);
                assert_eq!(matches.iter().collect::<BTreeSet<_>>().len(), matches.len(), "no match twice");
                assert!(matches.iter().all(|(attacker, defender)| attacker != defender));
                for team in 0..teams {
                    assert_eq!(matches.iter().filter(|one| one.0 == team).count(), k);
                    assert_eq!(matches.iter().filter(|one| one.1 == team).count(), k);
                }
            }
        }
    }

    #[test]
    fn the_seed_decides_and_the_order_does_not() {
        let drawn: BTreeSet<_> = (0..40).map(|seed| draw(&[1, 2, 3, 4, 5], 2, seed)).collect();
        assert!(drawn.len() > 15, "{} of 24 circles", drawn.len());
        assert_eq!(draw(&[1, 2, 3, 4, 5], 2, 7), draw(&[5, 3, 1, 2, 4], 2, 7));
    }
}
