//! Padding machines: Spring, Interspace, Break-Pad and, which also hold packets back, Scrambler.

mod break_pad;
mod law;
mod machine;
mod scrambler;
mod spring;

pub(super) use self::break_pad::INFO as BREAK_PAD;
pub(super) use self::scrambler::INFO as SCRAMBLER;
pub(super) use self::spring::{INTERSPACE, SPRING};

use wfkit_datasets::Trace;

use self::machine::{Limit, Machine, run};
use super::with_padding;
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DelayModel, Direction, Draws, Guarantees, Ledger, Parameter,
    ParameterValues, PerDirection, StopRule,
};

/// What all machines have in common.
const CAVEATS: [&str; 3] = [
    "both ends hear each other at once, at the client's link: a relay would answer half a round trip later",
    "stops with the last normal packet of the trace, which a deployment cannot know",
    "the limits are those of one load: a circuit that carries more than it may pad more",
];

const N: Parameter = Parameter::count("n", 1, 1500, "padding packets that an end may send whatever else it sends");

const SHARE: Parameter = Parameter::ratio(
    "share",
    1,
    500_000,
    "beyond them, the largest share of padding in what an end has sent, at most 1",
);

/// Two machines, made anew for every trace.
#[derive(Debug)]
struct Machines {
    make: fn(Limit, &mut Draws) -> PerDirection<Machine>,
    limit: Limit,
    size: u32,
}

impl Machines {
    fn boxed(make: fn(Limit, &mut Draws) -> PerDirection<Machine>, values: &ParameterValues) -> Box<dyn Defense> {
        let limit = Limit { allowed: values.count("n"), share: values.ratio("share") };
        Box::new(Self { make, limit, size: values.size("size") })
    }
}

impl Defense for Machines {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let machines = (self.make)(self.limit, draws);
        let padding = run(trace, &machines, draws)?;
        let signed = |(time_ns, way): (u64, Direction)| (time_ns, way.signed(self.size));
        let padding: Vec<(u64, i32)> = padding.into_iter().map(signed).collect();
        Ok(with_padding(trace, &padding).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, sizes_untouched: true, ends_with_data: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}
