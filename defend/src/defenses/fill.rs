//! Padding of silences and of bursts: Tor's connection padding, and Random-WT.

use wfkit_datasets::Trace;

use super::{PADDING_SIZE, no_conflict, with_padding};
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws, Guarantees, Ledger,
    Needs, Parameter, ParameterValues, Preset, StopRule, Value,
};

pub(super) const NETFLOW: DefenseInfo = DefenseInfo {
    name: "netflow",
    summary: "one padding packet after a silence, so that flow records do not end within a connection",
    purpose: "what Tor does today: against records of flows, not against this",
    cost: "almost nothing",
    source: "Perry, \"Tor Padding Specification\" (padding-spec), section 2, connection-level padding, The Tor Project",
    published: &[],
    caveats: &[
        "made against flow records, not against fingerprinting",
        "each side draws its silence uniformly; Tor takes the larger of two draws",
        "stops with the last normal packet of the trace",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "tor",
        summary: "after 1.5 to 9.5 s without a packet either way",
        parameters: &[
            duration("low", 1_500, "the shortest silence"),
            duration("high", 9_500, "the longest"),
            PADDING_SIZE,
        ],
        check,
        build: |values, _| {
            let silence_ns = (values.duration_ns("low") as f64, values.duration_ns("high") as f64);
            Ok(Box::new(Netflow { silence_ns, size: values.size("size") }))
        },
    }],
};

pub(super) const RANDOM_WT: DefenseInfo = DefenseInfo {
    name: "random-wt",
    summary: "lengthens every burst by a random number of padding packets and adds fake pairs of bursts",
    purpose: "bursts of random lengths, for page loads",
    cost: "four fifths more bytes, half more time",
    source: "Wang and Goldberg, \"Walkie-Talkie: An Efficient Defense Against Passive Website Fingerprinting Attacks\", USENIX Security 2017; \
             parameters of Gong et al., WFDefProxy, IEEE TIFS 2023",
    published: &["bandwidth 88 %, latency 59 % simulated; 82 %, 37 % measured on Tor (WFDefProxy)"],
    caveats: &[
        "Walkie-Talkie makes the browser half-duplex first; traces of ordinary browsers have many short bursts, so padding costs more, and \
         its latency is missing",
        "a burst is a run of packets of one direction; its padding leaves with its last packet, a fake pair with the last packet of the pair \
         before it",
    ],
    needs: Needs { sizes: false, times: false, set: false, classes: false },
    presets: &[Preset {
        name: "wfdefproxy",
        summary: "up to 4 packets out and 45 in a burst, and with probability 0.4 a pair of up to 8 and 90",
        parameters: &[
            count("real-out", 4, "the most padding packets of an outgoing burst"),
            count("real-in", 45, "the most of an incoming one"),
            count("fake-out", 8, "the most packets of a fake outgoing burst"),
            count("fake-in", 90, "the most of a fake incoming one"),
            Parameter::ratio("fake", 0, 400_000, "probability of a fake pair after a pair"),
            PADDING_SIZE,
        ],
        check: no_conflict,
        build: |values, _| {
            Ok(Box::new(RandomWt {
                real: (values.count("real-out"), values.count("real-in")),
                fake: (values.count("fake-out"), values.count("fake-in")),
                probability: values.ratio("fake"),
                size: values.size("size"),
            }))
        },
    }],
};

const fn duration(key: &'static str, ms: u64, meaning: &'static str) -> Parameter {
    Parameter::duration(key, 1_000_000, ms * 1_000_000, meaning)
}

const fn count(key: &'static str, count: u64, meaning: &'static str) -> Parameter {
    Parameter::count(key, 0, count, meaning)
}

fn check(values: &ParameterValues) -> Result<(), String> {
    let (low, high) = (values.duration_ns("low"), values.duration_ns("high"));
    if low > high {
        return Err(format!("low ({}) is above high ({})", Value::Duration(low), Value::Duration(high)));
    }
    Ok(())
}

/// What all defences that only add packets promise.
fn padding_only() -> Guarantees {
    Guarantees { times_untouched: true, sizes_untouched: true, ends_with_data: true, ..Guarantees::default() }
}

const ASSUMPTIONS: Assumptions = Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle };

#[derive(Debug)]
struct Netflow {
    silence_ns: (f64, f64),
    size: u32,
}

impl Defense for Netflow {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut padding = Vec::new();
        for gap in trace.time_ns().windows(2) {
            let mut now = gap[0];
            loop {
                let [out, inc] = [(); 2].map(|()| draws.uniform(self.silence_ns.0, self.silence_ns.1).round() as u64);
                let due = now.saturating_add(out.min(inc));
                if due >= gap[1] {
                    break;
                }
                now = due;
                let way = if out <= inc { Direction::Outgoing } else { Direction::Incoming };
                draws.allow(padding.len())?;
                padding.push((now, way.signed(self.size)));
            }
        }
        Ok(with_padding(trace, &padding).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        padding_only()
    }

    fn assumptions(&self) -> Assumptions {
        ASSUMPTIONS
    }
}

#[derive(Debug)]
struct RandomWt {
    /// Outgoing and incoming.
    real: (u64, u64),
    fake: (u64, u64),
    probability: f64,
    size: u32,
}

impl RandomWt {
    /// Up to `most` padding packets.
    fn add(
        &self,
        padding: &mut Vec<(u64, i32)>,
        (time_ns, way): (u64, Direction),
        most: u64,
        draws: &mut Draws,
    ) -> Result<(), DefenseError> {
        let packets = draws.up_to(most) as usize;
        draws.allow(padding.len().saturating_add(packets))?;
        padding.extend(std::iter::repeat_n((time_ns, way.signed(self.size)), packets));
        Ok(())
    }
}

impl Defense for RandomWt {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let (times, sizes) = (trace.time_ns(), trace.size());
        let mut padding = Vec::new();
        for last in 0..trace.len() {
            let way = Direction::of(sizes[last]);
            if sizes.get(last + 1).is_some_and(|&next| Direction::of(next) == way) {
                continue;
            }
            match way {
                Direction::Outgoing => self.add(&mut padding, (times[last], way), self.real.0, draws)?,
                Direction::Incoming => {
                    self.add(&mut padding, (times[last], way), self.real.1, draws)?;
                    if draws.unit() < self.probability {
                        self.add(&mut padding, (times[last], Direction::Outgoing), self.fake.0, draws)?;
                        self.add(&mut padding, (times[last], Direction::Incoming), self.fake.1, draws)?;
                    }
                }
            }
        }
        Ok(with_padding(trace, &padding).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        let nothing = self.real == (0, 0) && (self.fake == (0, 0) || self.probability == 0.0);
        Guarantees { identity: nothing, ..padding_only() }
    }

    fn assumptions(&self) -> Assumptions {
        ASSUMPTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_many;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_silence_is_broken_within_its_bounds_and_a_short_one_is_not() {
        let trace = Trace::new(vec![0, SECOND, 1_000 * SECOND], vec![1, -1, 1]).unwrap();
        let mut outgoing = 0;
        let mut all = 0;
        for defended in defend_many("netflow,size=1B", &trace, 50) {
            let packets: Vec<(u64, i32)> = defended.packets().map(|p| (p.time_ns, p.size)).collect();
            assert_eq!(packets[1].0, SECOND, "a second is no silence");
            let gaps: Vec<u64> = packets[1..].windows(2).map(|w| w[1].0 - w[0].0).collect();
            let inner = &gaps[..gaps.len() - 1];
            assert!(inner.iter().all(|gap| (1_500..=9_500).contains(&(gap / 1_000_000))));
            outgoing += packets[2..packets.len() - 1].iter().filter(|(_, size)| *size > 0).count();
            all += inner.len();
        }
        // The smaller of two draws: 1.5 + 8/3 s in the mean, so 239 a trace; either side sends half of them.
        assert!((all as f64 / 50.0 - 239.0).abs() < 4.0, "{all}");
        assert!((outgoing as f64 / all as f64 - 0.5).abs() < 0.02);
    }

    #[test]
    fn bursts_grow_by_half_their_most_and_pairs_are_faked() {
        let trace = Trace::new(vec![0; 4], vec![9, 9, -9, -9]).unwrap();
        let traces = defend_many("random-wt,size=1B", &trace, 4_000);
        let mean = |out: bool| {
            let padding = traces.iter().flat_map(DefendedTrace::packets).filter(|p| p.is_padding());
            padding.filter(|p| (p.direction() == Direction::Outgoing) == out).count() as f64 / 4_000.0
        };
        // 2 + 0.4 * 4 and 22.5 + 0.4 * 45
        assert!((mean(true) - 3.6).abs() < 0.15 && (mean(false) - 40.5).abs() < 1.5, "{} {}", mean(true), mean(false));
        assert_eq!(defend_many("random-wt,real-out=0,real-in=0,fake=0", &trace, 1)[0].observe(), trace);
    }
}
