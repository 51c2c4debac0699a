//! Invariants of whole runs: what one trace alone cannot show.

use wfkit_datasets::{LabelledTrace, TraceKey, TraceSet};

use crate::{DefendedTrace, Invariant, Profile, Violation};

/// A second run gives the same packets, which carry the same.
pub(crate) fn check_determinism(first: &DefendedTrace, second: &DefendedTrace) -> Result<(), Violation> {
    if first == second {
        return Ok(());
    }
    let packet = first.packets().zip(second.packets()).position(|(a, b)| a != b);
    let packet = packet.unwrap_or(first.len().min(second.len()));
    broken(Invariant::Determinism, packet, "a second run with the same seed differs")
}

/// What a defence is told of a set, `profile`, is the same whatever the labels. Neither the layers nor their draws are given a key (a second run under another label
/// checks that); but for the class, where a layer declares to need it.
pub(crate) fn check_labels(set: &TraceSet, profile: &Profile) -> Result<(), Violation> {
    let relabel = |(i, labelled): (usize, &LabelledTrace)| LabelledTrace {
        key: TraceKey { class: "?".to_owned(), rep: i as i64, session: None },
        ..labelled.clone()
    };
    let traces = set.traces().iter().enumerate().map(relabel).collect();
    let relabelled = TraceSet::new(traces, set.provenance().clone()).expect("every rep is another");
    if Profile::of(&relabelled) == *profile {
        return Ok(());
    }
    broken(Invariant::Labels, 0, "what the defence is told of the set follows the labels")
}

pub(super) fn broken(invariant: Invariant, packet: usize, detail: impl Into<String>) -> Result<(), Violation> {
    Err(Violation { invariant, packet, detail: detail.into() })
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{Layer, Provenance, Trace};

    use super::*;
    use crate::defend;
    use crate::testing::{defend_many, labelled};
    use crate::{check_composition, check_overheads};

    fn set() -> TraceSet {
        let trace = |last| Trace::new(vec![0, 1_000_000_000, 2_000_000_000], vec![100, -200, last]).unwrap();
        let traces = vec![labelled(0, trace(-300)), labelled(1, trace(-400))];
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn another_realisation_is_not_the_same() {
        let trace = &set().traces()[0].trace.clone();
        let copies = defend_many("front", trace, 2);
        assert_eq!(check_determinism(&copies[0], &copies[0].clone()), Ok(()));
        assert_eq!(check_determinism(&copies[0], &copies[1]).unwrap_err().invariant, Invariant::Determinism);
    }

    #[test]
    fn a_profile_that_follows_the_labels_is_found() {
        let set = set();
        assert_eq!(check_labels(&set, &Profile::of(&set)), Ok(()));
        // As if the profile had been taken of one class alone, whose sizes are all equal.
        let one = TraceSet::new(vec![labelled(0, Trace::new(vec![0], vec![1]).unwrap())], set.provenance().clone());
        let violation = check_labels(&set, &Profile::of(&one.unwrap())).unwrap_err();
        assert_eq!(violation.invariant, Invariant::Labels);
    }

    #[test]
    fn a_file_that_differs_from_the_simulation_is_found() {
        let set = set();
        let defended = defend(&set, &"front+pad:mtu".parse().unwrap(), 1).unwrap();
        let written = defended.observe();
        assert_eq!(check_overheads(&defended, &written), Ok(()));
        assert_eq!(check_composition(&defended, &written), Ok(()));
        let fewer = written.select(&[0]);
        assert_eq!(check_overheads(&defended, &fewer).unwrap_err().invariant, Invariant::Overheads);
        let mut provenance = written.provenance().clone();
        provenance.defenses.reverse();
        let reversed = TraceSet::new(written.traces().to_vec(), provenance).unwrap();
        assert_eq!(check_composition(&defended, &reversed).unwrap_err().invariant, Invariant::Composition);
    }
}
