//! The inferred delay model for defences that do not follow it themselves.

use wfkit_datasets::Trace;

use crate::simulate::causality::{Arrivals, Causes};
use crate::{DefendedTrace, Defense, DefenseError, DelayModel, Draws};

/// Rounds after which delays may only grow, so that a defence whose draws move with its packets comes to an end.
const FREE_ROUNDS: usize = 200;

/// Rounds after which there is no hope.
const MOST_ROUNDS: usize = 2_000;

/// Packets that are defended in all rounds together: a trace of millions is given up after fewer.
const MOST_PACKETS: usize = 1 << 27;

/// Defends the trace again and again, each time as it would have arrived given what the last round held back, until nothing
/// moves: then every answer follows what it answers as in the trace, or later.
///
/// A defence that only looks at what has arrived gets at least one answer further each round, so there are at most as many
/// rounds as answers in a chain: the length of the trace over half its round trip.
pub(crate) fn replay(defense: &dyn Defense, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
    let causes = Causes::infer(trace);
    let mut times = trace.time_ns().to_vec();
    let rounds = MOST_ROUNDS.min(MOST_PACKETS / trace.len());
    for round in 0..rounds {
        let mut order: Vec<u32> = (0..trace.len() as u32).collect();
        order.sort_by_key(|&i| times[i as usize]); // stable: each direction stays in order
        let arrival = order.iter().map(|&i| times[i as usize]).collect();
        let size = order.iter().map(|&i| trace.size()[i as usize]).collect();
        let shifted = Trace::new(arrival, size).expect("the first packet answers nothing, so it is still at 0");
        let mut same_draws = draws.clone();
        let defended = defense.defend(&shifted, &mut same_draws)?.renumbered(&order);
        let through = defended.completion_ns(trace.len());
        let due = arrivals(trace, &causes, |i, _| through[i]);
        let settled = due.iter().zip(&times).all(|(due, time)| due <= time);
        if due == times || (settled && round >= FREE_ROUNDS) {
            *draws = same_draws;
            return Ok(defended);
        }
        // As if each packet were held back as long as in this round, however late it arrives: a guess for the whole trace, while what
        // has been seen is right for one answer more only.
        let guess = arrivals(trace, &causes, |i, due| due + (through[i] - times[i]));
        times = match round {
            ..FREE_ROUNDS => guess,
            _ => due.into_iter().zip(times).map(|(due, time)| due.max(time)).collect(),
        };
    }
    Err(DefenseError::Unsettled { rounds })
}

/// When each packet arrives, if packet i, which arrives at `due`, leaves at `left(i, due)`.
fn arrivals(trace: &Trace, causes: &Causes, left: impl Fn(usize, u64) -> u64) -> Vec<u64> {
    let mut arrivals = Arrivals::with_causes(trace, DelayModel::Inferred, Some(causes));
    let due = |i: usize| {
        let due = arrivals.due(i);
        arrivals.left(i, left(i, due).max(trace.time_ns()[i]));
        due
    };
    (0..trace.len()).map(due).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance, TraceSet};

    use super::*;
    use crate::testing::{any_trace, labelled};
    use crate::{DefenseSpec, Profile};

    proptest! {
        /// Slots follow the model themselves, in one reading.
        #[test]
        fn replaying_gives_what_following_the_arrivals_gives(trace in any_trace(), out_ms in 1_u32..60, in_ms in 1_u32..60) {
            let spec = format!("tamaraw,l=1,rho-out={out_ms}ms,rho-in={in_ms}ms,delays=inferred");
            let spec: DefenseSpec = spec.parse().unwrap();
            let set = TraceSet::new(vec![labelled(0, trace.clone())], Provenance::new(Layer::Tcp, vec![])).unwrap();
            let profile = Profile::of(&set);
            let layer = &spec.layers()[0];
            let tamaraw = (layer.preset().build)(&layer.values(&profile), &profile).unwrap();
            let own = tamaraw.defend(&trace, &mut Draws::from_seed(1)).unwrap();

            // The same with delays that only hold up their own direction, over and over.
            let spec = DefenseSpec::only_delays(spec.clone(), DelayModel::Optimistic);
            let layer = &spec.layers()[0];
            let optimistic = (layer.preset().build)(&layer.values(&profile), &profile).unwrap();
            let replayed = replay(&*optimistic, &trace, &mut Draws::from_seed(1)).unwrap();
            prop_assert_eq!(replayed, own);
        }
    }
}
