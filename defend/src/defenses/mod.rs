//! The defences, one a module.

mod constant_rate;
mod cs_buflo;
mod dynaflow;
mod fill;
mod fitted;
mod fixed_shape;
mod front;
mod hold;
mod jitter;
pub(crate) mod link;
mod loads;
mod machines;
#[cfg(feature = "maybenot")]
mod maybenot;
mod pad;
mod paths;
mod queues;
mod regulator;
mod shaper;
mod slots;
mod tamaraw;
mod wtf_pad;

use wfkit_datasets::Trace;

use crate::{
    DefaultValue, DefendedTraceBuilder, DefenseInfo, DelayModel, Kind, Parameter, ParameterValues, StopRule, Value,
};

/// All defences, in the order of the list.
pub(crate) const DEFENSES: &[DefenseInfo] = &[
    pad::INFO,
    front::INFO,
    tamaraw::INFO,
    constant_rate::INFO,
    jitter::INFO,
    cs_buflo::INFO,
    dynaflow::INFO,
    regulator::INFO,
    wtf_pad::INFO,
    machines::SPRING,
    machines::INTERSPACE,
    machines::BREAK_PAD,
    machines::SCRAMBLER,
    hold::INFO,
    fill::NETFLOW,
    fill::RANDOM_WT,
    fixed_shape::INFO,
    fitted::TARGET_SAMPLING,
    fitted::MORPHING,
    fitted::K_ANONYMOUS,
    fitted::SUPERSEQUENCE,
    fitted::PALETTE,
    fitted::DUMMY_QUERIES,
    fitted::DECOY,
    fitted::GLUE,
    paths::TRAFFICSLIVER,
    paths::HYWF,
    #[cfg(feature = "maybenot")]
    maybenot::INFO,
    link::INFO,
];

/// The parameter of defences that hold packets back.
const DELAYS: Parameter = Parameter {
    key: "delays",
    kind: Kind::Choice(&["none", "optimistic", "pessimistic", "inferred"]),
    min: 0,
    default: DefaultValue::Is(Value::Choice("optimistic")),
    meaning: "what waits for a packet that is held back: nothing, later packets of its direction, all later packets, or what \
              seems to answer it",
};

/// The parameter of defences that send padding packets.
const STOP: Parameter = Parameter {
    key: "stop",
    kind: Kind::Stop,
    min: 0,
    default: DefaultValue::Is(Value::Stop(StopRule::Oracle)),
    meaning: "what ends a load: oracle, its last normal packet; or soft:4s, so long a silence, after which it starts anew",
};

/// The default size of packets that look like all others.
const ONE_CELL: DefaultValue = DefaultValue::Derived {
    rule: "a packet with one Tor cell: cell as the set's, tcp and tls 536B, ip 588B, frame 602B",
    derive: |profile, _| Value::Size(profile.one_cell_packet()),
};

/// The parameter of defences that send padding packets of one size.
const PADDING_SIZE: Parameter =
    Parameter { key: "size", kind: Kind::Size, min: 1, default: ONE_CELL, meaning: "size of a padding packet" };

/// The parameter of defences all of whose packets have one size.
const PACKET_SIZE: Parameter = Parameter { meaning: "size of every packet", ..PADDING_SIZE };

/// The parameter of defences that make all loads rounds of a request and its response.
const EVERY: Parameter =
    Parameter::duration("every", 1_000_000, 100_000_000, "time between rounds: a request and its response");

fn delay_model(values: &ParameterValues) -> DelayModel {
    values.choice(DELAYS.key).parse().expect("the choices are the names of the models")
}

/// For presets whose values are free of each other.
fn no_conflict(_: &ParameterValues) -> Result<(), String> {
    Ok(())
}

/// The trace as it is, with padding packets (time, signed size) between its packets; `padding` is in the order of time.
/// At equal times normal packets go first.
fn with_padding(trace: &Trace, padding: &[(u64, i32)]) -> DefendedTraceBuilder {
    let mut builder = DefendedTraceBuilder::with_capacity(trace.len() + padding.len());
    let mut padding = padding.iter().peekable();
    for (origin, (time_ns, size)) in trace.packets().enumerate() {
        while let Some(&(time, size)) = padding.next_if(|(time, _)| *time < time_ns) {
            builder.padding(time, size);
        }
        builder.whole(time_ns, size, origin, size.unsigned_abs());
    }
    for &(time, size) in padding {
        builder.padding(time, size);
    }
    builder
}

/// The packets as they are, each at the time when it is let go, given with its number.
fn released(trace: &Trace, mut releases: Vec<(u64, usize)>) -> DefendedTraceBuilder {
    releases.sort_unstable(); // at equal times in the order of arrival
    let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
    for (time_ns, origin) in releases {
        let size = trace.size()[origin];
        builder.whole(time_ns, size, origin, size.unsigned_abs());
    }
    builder
}
