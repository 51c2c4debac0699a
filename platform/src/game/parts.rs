//! Which half of a test set is scored at once, and which at the end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wfkit_competition::Match;
use wfkit_metrics::seed::mix;

/// A part of a test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Half of it, whose scores are shown while the round goes on: uploading again and again to learn labels learns these only.
    Public,
    /// The other half.
    Private,
    /// All of it.
    All,
}

impl Part {
    /// Each of them.
    pub const EACH: [Self; 3] = [Self::Public, Self::Private, Self::All];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::All => "all",
        }
    }
}

/// The rows of the public and of the private half: of each class half of the traces, by chance; the odd ones of classes go to either
/// in turn. The seed is the one of the defence's split, so that all who attack it have the same halves.
pub fn halves(one: &Match, seed: i64) -> (Vec<usize>, Vec<usize>) {
    let mut of_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &class) in one.truth.iter().enumerate() {
        of_class.entry(class).or_default().push(row);
    }
    let (mut public, mut private) = (Vec::new(), Vec::new());
    let mut to_public = true;
    for mut rows in of_class.into_values() {
        rows.sort_by_key(|&row| mix(seed as u64, one.capture_ids[row] as u64));
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
    use ndarray::Array2;
    use wfkit_metrics::{ClassMap, Probabilities};

    use super::*;

    #[test]
    fn halves_are_disjoint_complete_and_balanced() {
        let truth: Vec<usize> = (0..31).map(|row| row % 4).collect();
        let classes = ClassMap::from_labels(["1", "2", "3", "4"]);
        let one = Match {
            team_id: 1,
            capture_ids: (0..31).map(|row| row * 7).collect(),
            probabilities: Probabilities::new(classes, Array2::from_elem((31, 4), 0.25)).unwrap(),
            truth: truth.clone(),
        };
        let (public, private) = halves(&one, 3);
        let mut all: Vec<usize> = public.iter().chain(&private).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..31).collect::<Vec<_>>());
        assert!(public.len().abs_diff(private.len()) <= 1);
        for class in 0..4 {
            let of = |rows: &[usize]| rows.iter().filter(|&&row| truth[row] == class).count();
            assert!(of(&public).abs_diff(of(&private)) <= 1);
        }
        assert_eq!(halves(&one, 3), (public.clone(), private));
        assert_ne!(halves(&one, 4).0, public);
    }
}
