//! Where machines come from: ports of defences, made anew for every trace, or texts of the user.

use maybenot::Machine;
use maybenot::action::Action;
use maybenot_machines::{StaticMachine, get_machine};
use rand_for_maybenot::Xoshiro256StarStar;
use rand_for_maybenot::rand_core::SeedableRng;

use super::simulation::guarded;
use crate::{DefenseError, Draws, PerDirection};

/// The machines of both ends.
#[derive(Debug)]
pub(super) enum Recipe {
    /// Of a port; some draw parameters when they are made.
    Port(PerDirection<StaticMachine>),
    /// As they are.
    Given(PerDirection<Vec<Machine>>),
}

impl Recipe {
    /// The machines of one trace: those of the client (outgoing) and of the peer (incoming).
    pub(super) fn make(&self, draws: &mut Draws) -> Result<PerDirection<Vec<Machine>>, DefenseError> {
        let mut rng = Xoshiro256StarStar::seed_from_u64(draws.up_to(u64::MAX));
        match self {
            Self::Given(machines) => Ok(machines.clone()),
            Self::Port(PerDirection { outgoing, incoming }) => guarded(|| PerDirection {
                outgoing: get_machine(&[*outgoing], &mut rng),
                incoming: get_machine(&[*incoming], &mut rng),
            }),
        }
    }

    /// What they can do, or why they cannot be made. No draw of a parameter changes it.
    pub(super) fn abilities(&self) -> Result<Abilities, String> {
        let PerDirection { outgoing, incoming } = self.make(&mut Draws::from_seed(0)).map_err(|e| e.to_string())?;
        let mut abilities = Abilities::default();
        for action in outgoing.iter().chain(&incoming).flat_map(|machine| &machine.states).filter_map(|s| s.action) {
            abilities.pad |= matches!(action, Action::SendPadding { .. });
            abilities.block |= matches!(action, Action::BlockOutgoing { .. });
        }
        Ok(abilities)
    }
}

/// What machines can do to traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Abilities {
    pub(super) pad: bool,
    pub(super) block: bool,
}

/// The machines of a text: as Maybenot writes them, with `-` for `+`, joined by `;`.
pub(super) fn read(text: &str) -> Result<Vec<Machine>, String> {
    let written = text.split(';').filter(|machine| !machine.is_empty());
    let machine = |(number, text): (usize, &str)| {
        text.replace('-', "+").parse().map_err(|error| format!("machine {number}: {error}"))
    };
    (1..).zip(written).map(machine).collect()
}
