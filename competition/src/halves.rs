//! Which half of a test set is scored while a round goes on.

use std::collections::BTreeMap;

use wfkit_metrics::seed::mix;

/// The rows of the public and of the private half, from the class and the capture id of each: of each class half of the traces, by chance;
/// the odd ones of classes go to either in turn. With the seed of the defence's split all who attack it have the same halves.
pub fn halves(truth: &[usize], capture_ids: &[i64], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut of_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &class) in truth.iter().enumerate() {
        of_class.entry(class).or_default().push(row);
    }
    let (mut public, mut private) = (Vec::new(), Vec::new());
    let mut to_public = true;
    for mut rows in of_class.into_values() {
        rows.sort_by_key(|&row| mix(seed, capture_ids[row] as u64));
        for row in rows {
            if to_public {
                public.push(row)
            } else {
                private.push(row)
            }
            to_public = !to_public;
        }
    }
    public.sort_unstable();
    private.sort_unstable();
    (public, private)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_disjoint_complete_and_balanced() {
        let truth: Vec<usize> = (0..31).map(|row| row % 4).collect();
        let ids: Vec<i64> = (0..31).map(|row| row * 7).collect();
        let (public, private) = halves(&truth, &ids, 3);
        let mut all: Vec<usize> = public.iter().chain(&private).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..31).collect::<Vec<_>>());
        assert!(public.len().abs_diff(private.len()) <= 1);
        for class in 0..4 {
            let of = |rows: &[usize]| rows.iter().filter(|&&row| truth[row] == class).count();
            assert!(of(&public).abs_diff(of(&private)) <= 1);
        }
        assert_eq!(halves(&truth, &ids, 3), (public.clone(), private));
        assert_ne!(halves(&truth, &ids, 4).0, public);
    }
}
