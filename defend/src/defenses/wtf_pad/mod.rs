//! WTF-PAD: adaptive padding, which breaks unusually long gaps with padding bursts.

mod endpoint;
mod histogram;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use wfkit_datasets::Trace;

use self::endpoint::{After, Endpoint, Histograms, Rules};
use self::histogram::Histogram;
use super::{PADDING_SIZE, no_conflict, with_padding};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws,
    Guarantees, Kind, Ledger, Needs, Parameter, ParameterValues, PerDirection, Preset, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "wtf-pad",
    summary: "breaks unusually long gaps with padding bursts, timed by histograms of gaps; delays nothing",
    purpose: "padding in the gaps, once planned for Tor; deep attacks see through it",
    cost: "a third to two thirds more bytes; no delay",
    source: "Juarez, Imani, Perry, Diaz and Wright, \"Toward an Efficient Website Fingerprinting Defense\", ESORICS 2016, and its public \
             simulator",
    published: &[
        "normal-rcv: bandwidth 64 % (Sirinam et al., CCS 2018), 54 % (Holland and Hopper, PoPETs 2022), 63 % (Shen et al., USENIX Security 2023), \
         all on the traces of Sirinam et al.; 33 % (Gong and Wang, USENIX Security 2020); latency 0",
    ],
    caveats: &[
        "published data sets were made by a simulator in which both states of an end share the histograms of gaps, and an infinite wait \
         changes no state: histograms=code and states=code",
        "the histograms are normal distributions that the authors fitted to their traces, cut at 0, and not fitted to yours",
        "a silence costs what it lasts: traces with fewer packets a second cost more",
        "histograms are full at the start of every trace; where those of a whole set go on from trace to trace, as in the public simulator, they are \
         emptier and pad about a third less (41 % instead of 65 % on 14 loads of Sirinam et al.)",
        "a histogram holds as many tokens a bin as are expected of 10 000 draws; the public simulator draws them",
        "nothing is sent after the last normal packet of a direction, which a deployment cannot know",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "normal-rcv",
            summary: "the authors' setting normal_rcv: padding after what an endpoint sends and what it receives",
            parameters: &PARAMETERS,
            check: no_conflict,
            build: |values, _| Ok(Box::new(WtfPad::new(values, true))),
        },
        Preset {
            name: "normal",
            summary: "the authors' setting normal: padding only after what an endpoint sends",
            parameters: &PARAMETERS,
            check: no_conflict,
            build: |values, _| Ok(Box::new(WtfPad::new(values, false))),
        },
    ],
};

const PARAMETERS: [Parameter; 3] = [
    Parameter {
        key: "histograms",
        kind: Kind::Choice(&["paper", "code"]),
        min: 0,
        default: DefaultValue::Is(Value::Choice("code")),
        meaning: "each state has histograms of its own (paper), or both use those of gaps (the published code)",
    },
    Parameter {
        key: "states",
        kind: Kind::Choice(&["paper", "code"]),
        min: 0,
        default: DefaultValue::Is(Value::Choice("code")),
        meaning: "an infinite wait ends a fake burst (paper), or only that one wait (the published code)",
    },
    PADDING_SIZE,
];

/// Mean and deviation in s, and how many other tokens there are for each infinite one.
type Normal = (f64, f64, f64);

/// The distributions of an endpoint in the states of bursts and of gaps, after it sent and after it received. Of gaps one token in N is
/// infinite, N the packets of a burst; of bursts, one in 10 at the client and one in 20 at the server.
struct Setting {
    sent: [Normal; 2],
    received: [Normal; 2],
}

/// The authors' `normal_rcv`; `normal` lacks what follows receiving.
const NORMAL_RCV: PerDirection<Setting> = PerDirection {
    outgoing: Setting {
        sent: [(0.001_564_159, 0.052_329_599, 9.0), (0.061_295_99, 0.039_953_75, 20.0)],
        received: [(0.000_012_874_6, 0.000_922_722_9, 9.0), (0.000_136_852_3, 0.000_923_319_0, 20.0)],
    },
    incoming: Setting {
        sent: [(0.000_036_001_21, 0.027_534_85, 19.0), (0.013_259_97, 0.097_376_1, 33.0)],
        received: [(0.000_004_053_116, 0.012_643_29, 19.0), (0.013_259_97, 0.012_645_403_6, 33.0)],
    },
};

#[derive(Debug)]
struct WtfPad {
    size: u32,
    endpoints: PerDirection<Endpoint>,
}

impl WtfPad {
    fn new(values: &ParameterValues, after_received: bool) -> Self {
        let own = values.choice("histograms") == "paper";
        let rules = if values.choice("states") == "paper" { Rules::Paper } else { Rules::Code };
        let histograms = |[burst, gap]: [Normal; 2]| {
            let histogram = |(mean, deviation, others)| Histogram::normal(mean, deviation, others);
            Histograms { burst: own.then(|| histogram(burst)), gap: histogram(gap) }
        };
        let endpoint = |way| {
            let Setting { sent, received } = NORMAL_RCV[way];
            Endpoint::new(rules, histograms(sent), after_received.then(|| histograms(received)))
        };
        Self { size: values.size("size"), endpoints: PerDirection::from_fn(endpoint) }
    }
}

impl Defense for WtfPad {
    /// Goes through the packets in the order of time, padding before normal ones of the same time: each one changes the endpoint
    /// that sends it, and makes both ends wait anew. Padding that is due stays due.
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut link = Link {
            trace,
            endpoints: self.endpoints.clone(),
            due: PerDirection::from_fn(|_| BinaryHeap::new()),
            next_normal: PerDirection::from_fn(|way| next_of(trace, 0, way)),
        };
        let mut padding = Vec::new();
        for (packet, (time_ns, size)) in trace.packets().enumerate() {
            while let Some((due_ns, way)) = link.next_padding(time_ns) {
                link.send(due_ns, way, false, draws);
                padding.push((due_ns, way.signed(self.size)));
                draws.allow(padding.len())?;
            }
            let way = Direction::of(size);
            link.next_normal[way] = next_of(trace, packet + 1, way);
            link.send(time_ns, way, true, draws);
        }
        Ok(with_padding(trace, &padding).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, sizes_untouched: true, ends_with_data: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

/// Both ends, and what each of them will send.
struct Link<'a> {
    trace: &'a Trace,
    endpoints: PerDirection<Endpoint>,
    /// Times of padding.
    due: PerDirection<BinaryHeap<Reverse<u64>>>,
    /// The next normal packet.
    next_normal: PerDirection<Option<usize>>,
}

impl Link<'_> {
    /// Takes the earliest padding due at or before `time_ns`.
    fn next_padding(&mut self, time_ns: u64) -> Option<(u64, Direction)> {
        let due = PerDirection::from_fn(|way| self.due[way].peek().map(|due| due.0));
        let (due_ns, way) = due.first().filter(|&(due_ns, _)| due_ns <= time_ns)?;
        self.due[way].pop();
        Some((due_ns, way))
    }

    /// A packet leaves one end and reaches the other.
    fn send(&mut self, time_ns: u64, way: Direction, normal: bool, draws: &mut Draws) {
        self.endpoints[way].send(normal);
        for (end, after) in [(way, After::Sent), (way.opposite(), After::Received)] {
            // There is nothing to hide after the last packet of a direction.
            let Some(next_ns) = self.next_ns(end) else { continue };
            if let Some(wait_ns) = self.endpoints[end].wait(after, next_ns - time_ns, draws) {
                self.due[end].push(Reverse(time_ns + wait_ns));
            }
        }
    }

    /// When the next packet leaves an end.
    fn next_ns(&self, way: Direction) -> Option<u64> {
        let normal = self.next_normal[way].map(|packet| self.trace.time_ns()[packet])?;
        Some(self.due[way].peek().map_or(normal, |due| due.0.min(normal)))
    }
}

fn next_of(trace: &Trace, from: usize, way: Direction) -> Option<usize> {
    let later = trace.size()[from..].iter().position(|&size| Direction::of(size) == way)?;
    Some(from + later)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};

    const MS: u64 = 1_000_000;

    fn padded(spec: &str, trace: &Trace) -> f64 {
        let traces = defend_many(&format!("{spec},size=1B"), trace, 4_000);
        traces.iter().filter(|defended| defended.len() > trace.len()).count() as f64 / 4_000.0
    }

    #[test]
    fn a_gap_is_padded_as_often_as_waits_are_shorter() {
        // Shorter than 10 ms are 3.73 % of 98.44 % tokens around 61.3 ms, infinite ones included, and 7.59 % of 56.88 % around 1.6 ms.
        let trace = Trace::new(vec![0, 10 * MS], vec![1, 1]).unwrap();
        for (spec, expected) in
            [("wtf-pad", 0.0379), ("wtf-pad,histograms=paper", 0.1335), ("wtf-pad:normal,histograms=paper", 0.1335)]
        {
            let share = padded(spec, &trace);
            assert!((share - expected).abs() < 0.014, "{spec}: {share}");
        }
    }

    #[test]
    fn each_end_pads_after_what_it_receives_too() {
        // The server answers 1 s later: nothing is sent by it before, so padding is incoming and after the outgoing packet. Its waits
        // around 13 ms are infinite in one of 34 draws.
        let trace = Trace::new(vec![0, 1_000 * MS], vec![1, -1]).unwrap();
        let share = padded("wtf-pad", &trace);
        assert!((share - 33.0 / 34.0).abs() < 0.012, "{share}");
        assert_eq!(padded("wtf-pad:normal", &trace), 0.0, "it has sent nothing");
        let defended = defend_one("wtf-pad,size=1B", &trace);
        assert!(defended.packets().filter(|p| p.is_padding()).all(|p| p.direction() == Direction::Incoming));
    }

    #[test]
    fn without_room_there_is_no_padding() {
        let burst = Trace::new(vec![0; 500], vec![1; 500]).unwrap();
        assert_eq!(padded("wtf-pad", &burst), 0.0);
        let one = Trace::new(vec![0], vec![-1]).unwrap();
        assert_eq!(padded("wtf-pad", &one), 0.0);
    }

    #[test]
    fn long_silences_come_to_an_end() {
        let hours: Vec<u64> = (0..20).map(|i| i * 3_600_000 * MS).collect();
        let sizes = (0..20).map(|i| if i % 2 == 0 { 1 } else { -1 }).collect();
        let trace = Trace::new(hours, sizes).unwrap();
        for spec in ["wtf-pad", "wtf-pad,states=paper", "wtf-pad,histograms=paper,states=paper"] {
            assert!(defend_one(&format!("{spec},size=1B"), &trace).len() > 20, "{spec}");
        }
    }
}
