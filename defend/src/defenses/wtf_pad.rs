//! WTF-PAD: adaptive padding that fills the gaps of a load with dummy bursts.

use wfkit_datasets::Trace;

use super::{no_conflict, one_cell, with_padding};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws,
    Guarantees, Kind, Ledger, Needs, Parameter, Preset, StopRule,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "wtf-pad",
    summary: "fills unusually long gaps with padding bursts drawn from histograms of gaps; delays nothing",
    source: "Juarez, Imani, Perry, Diaz and Wright, \"Toward an Efficient Website Fingerprinting Defense\", ESORICS 2016",
    published: &[
        "bandwidth 54 %, latency 0 (Holland and Hopper, PoPETs 2022); 64 % (Sirinam et al., CCS 2018); 33 % (Gong and Wang, USENIX Security \
         2020), all with one histogram for both states",
    ],
    caveats: &[
        "normal-rcv-code is what published data sets hold: the public simulator lets both states share the histogram of gaps",
        "histograms are fixed normal distributions cut at 0, not fitted to the traces",
        "stops with the last normal packet of the trace, which a deployment cannot know; padding due later is not drawn",
        "padding does not count as a packet that the other machine has seen",
    ],
    needs: Needs { sizes: false, times: true, set: false },
    presets: &[
        Preset {
            name: "normal-rcv",
            summary: "the authors' setting normal_rcv, with a histogram for each state, as in the paper",
            parameters: &[SIZE],
            check: no_conflict,
            build: |values, _| Ok(Box::new(WtfPad::new(values.size("size"), true))),
        },
        Preset {
            name: "normal-rcv-code",
            summary: "the same with the histogram of gaps in both states, as in the published code",
            parameters: &[SIZE],
            check: no_conflict,
            build: |values, _| Ok(Box::new(WtfPad::new(values.size("size"), false))),
        },
    ],
};

const SIZE: Parameter = Parameter {
    key: "size",
    kind: Kind::Size,
    min: 1,
    default: DefaultValue::Derived {
        rule: "a packet with one Tor cell: cell as the set's, tcp and tls 536B, ip 588B, frame 602B",
        derive: one_cell,
    },
    meaning: "size of a padding packet",
};

/// A normal distribution in s, and how many other tokens there are for each that stands for no packet.
struct Shape {
    mean: f64,
    deviation: f64,
    others: f64,
}

/// A machine: it starts when its endpoint sends or receives a normal packet, and pads in the direction in which the endpoint sends.
struct Setting {
    pads: Direction,
    after: Direction,
    burst: Shape,
    gap: Shape,
}

/// The authors' `normal_rcv`. Of a gap 1 of N tokens stands for no packet, N the packets of a burst; of a burst 1 of c + 1.
const NORMAL_RCV: [Setting; 4] = {
    use Direction::{Incoming, Outgoing};
    const fn shape(others: f64, mean: f64, deviation: f64) -> Shape {
        Shape { mean, deviation, others }
    }
    [
        Setting {
            pads: Outgoing,
            after: Outgoing,
            burst: shape(9.0, 0.001_564_159, 0.052_329_599),
            gap: shape(20.0, 0.061_295_99, 0.039_953_75),
        },
        Setting {
            pads: Outgoing,
            after: Incoming,
            burst: shape(9.0, 0.000_012_874_6, 0.000_922_722_9),
            gap: shape(20.0, 0.000_136_852_3, 0.000_923_319_0),
        },
        Setting {
            pads: Incoming,
            after: Incoming,
            burst: shape(19.0, 0.000_036_001_21, 0.027_534_85),
            gap: shape(33.0, 0.013_259_97, 0.097_376_1),
        },
        Setting {
            pads: Incoming,
            after: Outgoing,
            burst: shape(19.0, 0.000_004_053_116, 0.012_643_29),
            gap: shape(33.0, 0.013_259_97, 0.012_645_403_6),
        },
    ]
};

const BINS: usize = 30;
/// Tokens of all bins together, but for rounding.
const TOKENS: f64 = 1_000.0;

/// Tokens for waiting times, used up and filled again.
#[derive(Debug, Clone)]
struct Histogram {
    /// Tokens of each bin, the last of them for no packet at all.
    full: [u32; BINS + 1],
    left: [u32; BINS + 1],
    top_ns: f64,
}

impl Histogram {
    /// Bins up to four deviations above the mean, each as wide as all before it.
    fn new(shape: &Shape) -> Self {
        let top_ns = (shape.mean + 4.0 * shape.deviation) * 1e9;
        let mut histogram = Self { full: [0; BINS + 1], left: [0; BINS + 1], top_ns };
        let below = |ns: f64| normal_below((ns / 1e9 - shape.mean) / shape.deviation);
        let all = below(top_ns) - below(0.0);
        for bin in 0..BINS {
            let share = (below(histogram.edge_ns(bin + 1)) - below(histogram.edge_ns(bin))) / all;
            histogram.full[bin] = (TOKENS * share).round() as u32;
        }
        let others: u32 = histogram.full.iter().sum();
        histogram.full[BINS] = (f64::from(others) / shape.others).round() as u32;
        histogram.left = histogram.full;
        histogram
    }

    /// Where a bin begins.
    fn edge_ns(&self, bin: usize) -> f64 {
        if bin == 0 { 0.0 } else { self.top_ns / (1_u64 << (BINS - bin)) as f64 }
    }

    fn bin_of(&self, ns: u64) -> usize {
        (0..BINS - 1).find(|&bin| (ns as f64) < self.edge_ns(bin + 1)).unwrap_or(BINS - 1)
    }

    /// A waiting time, uniform within the bin of a token; none for no packet. The token stays until [`use_up`](Self::use_up).
    fn draw(&mut self, draws: &mut Draws) -> Option<u64> {
        let mut token = draws.up_to(u64::from(self.left.iter().sum::<u32>()) - 1);
        for bin in 0..BINS {
            match token.checked_sub(u64::from(self.left[bin])) {
                Some(rest) => token = rest,
                None => return Some(draws.uniform(self.edge_ns(bin), self.edge_ns(bin + 1)).round() as u64),
            }
        }
        self.take(BINS);
        None
    }

    /// Takes a token for the time that really passed: of its bin, else of the next lower one that has any, else of a higher.
    fn use_up(&mut self, ns: u64) {
        let bin = self.bin_of(ns);
        let lower = (0..=bin).rev();
        if let Some(bin) = lower.chain(bin + 1..BINS).find(|&bin| self.left[bin] > 0) {
            self.take(bin);
        }
    }

    fn take(&mut self, bin: usize) {
        self.left[bin] -= 1;
        if self.left[..BINS].iter().all(|&tokens| tokens == 0) {
            self.left = self.full;
        }
    }
}

/// The share of the standard normal distribution below `z`, within 1.5e-7 (Abramowitz and Stegun, "Handbook of Mathematical
/// Functions", 1964, 7.1.26).
fn normal_below(z: f64) -> f64 {
    const A: [f64; 5] = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let erf = 1.0 - t * A.iter().rev().fold(0.0, |sum, a| sum * t + a) * (-x * x).exp();
    if z < 0.0 { (1.0 - erf) / 2.0 } else { (1.0 + erf) / 2.0 }
}

#[derive(Debug)]
struct WtfPad {
    size: u32,
    machines: Vec<Machine>,
}

#[derive(Debug, Clone)]
struct Machine {
    pads: Direction,
    after: Direction,
    burst: Histogram,
    gap: Histogram,
}

impl WtfPad {
    fn new(size: u32, own_histograms: bool) -> Self {
        let machine = |setting: &Setting| Machine {
            pads: setting.pads,
            after: setting.after,
            burst: Histogram::new(if own_histograms { &setting.burst } else { &setting.gap }),
            gap: Histogram::new(&setting.gap),
        };
        Self { size, machines: NORMAL_RCV.iter().map(machine).collect() }
    }
}

/// The most padding packets of one machine.
const MAX_PADDING: u64 = 1 << 20;

impl Machine {
    /// When it pads, given the normal packets that start it.
    fn padding_times(&mut self, starts: &[u64], end: u64, draws: &mut Draws) -> Result<Vec<u64>, DefenseError> {
        let mut padding = Vec::new();
        for (i, &start) in starts.iter().enumerate() {
            let next_start = starts.get(i + 1).copied();
            let stop = next_start.unwrap_or(end);
            let (mut now, mut in_gap) = (start, false);
            loop {
                let histogram = if in_gap { &mut self.gap } else { &mut self.burst };
                match histogram.draw(draws) {
                    None if in_gap => in_gap = false,
                    None => break,
                    Some(wait) if now.saturating_add(wait) >= stop => {
                        if next_start.is_some() {
                            histogram.use_up(stop - now);
                        }
                        break;
                    }
                    Some(wait) => {
                        histogram.use_up(wait);
                        now += wait;
                        padding.push(now);
                        in_gap = true;
                    }
                }
                if padding.len() as u64 > MAX_PADDING {
                    return Err(DefenseError::TooManySlots { limit: MAX_PADDING });
                }
            }
        }
        Ok(padding)
    }
}

impl Defense for WtfPad {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut padding = Vec::new();
        for machine in &self.machines {
            let starts = trace.packets().filter(|(_, size)| Direction::of(*size) == machine.after);
            let starts: Vec<u64> = starts.map(|(time_ns, _)| time_ns).collect();
            let times = machine.clone().padding_times(&starts, trace.duration_ns(), draws)?;
            padding.extend(times.into_iter().map(|time_ns| (time_ns, machine.pads.signed(self.size))));
        }
        padding.sort_by_key(|&(time, _)| time);
        Ok(with_padding(trace, &padding).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, sizes_untouched: true, ends_with_data: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_many;

    #[test]
    fn the_normal_distribution_is_that_of_tables() {
        for (z, below) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.0, 0.158_655_3), (1.959_964, 0.975), (4.0, 0.999_968_3)]
        {
            assert!((normal_below(z) - below).abs() < 2e-7, "{z}");
        }
    }

    #[test]
    fn tokens_follow_the_distribution_and_one_in_ten_is_no_packet() {
        for setting in &NORMAL_RCV {
            let histogram = Histogram::new(&setting.burst);
            let others: u32 = histogram.full[..BINS].iter().sum();
            assert!((990..=1_010).contains(&others));
            let none = f64::from(histogram.full[BINS]) / f64::from(others + histogram.full[BINS]);
            assert!((none - 1.0 / (setting.burst.others + 1.0)).abs() < 0.001, "{none}");
        }
        // Half of the packets of a normal distribution around 61 ms come within 61 ms (of its part above 0: 53 %).
        let mut histogram = Histogram::new(&NORMAL_RCV[0].gap);
        let mut draws = Draws::from_seed(1);
        let waits: Vec<u64> = (0..20_000).filter_map(|_| histogram.draw(&mut draws)).collect();
        assert!((waits.len() as f64 / 20_000.0 - 20.0 / 21.0).abs() < 0.1);
        histogram.left = histogram.full;
        let mut one = || {
            histogram.left = histogram.full;
            histogram.draw(&mut draws)
        };
        let waits: Vec<u64> = (0..20_000).filter_map(|_| one()).collect();
        let within = waits.iter().filter(|&&ns| ns < 61_295_990).count() as f64 / waits.len() as f64;
        // The cut leaves (0.5 - 0.0625) / 0.9375 = 46.7 %; bins are wide there.
        assert!((within - 0.467).abs() < 0.06, "{within}");
    }

    #[test]
    fn a_token_is_taken_from_the_nearest_bin_that_has_one() {
        let mut histogram = Histogram::new(&NORMAL_RCV[0].gap);
        histogram.left = [0; BINS + 1];
        (histogram.left[3], histogram.left[20]) = (1, 2);
        histogram.use_up(histogram.edge_ns(10) as u64 + 1);
        assert_eq!((histogram.left[3], histogram.left[20]), (0, 2));
        histogram.use_up(histogram.edge_ns(10) as u64 + 1);
        assert_eq!((histogram.left[3], histogram.left[20]), (0, 1));
        histogram.use_up(0);
        assert_eq!(histogram.left, histogram.full, "filled again");
    }

    #[test]
    fn a_burst_is_padded_nine_times_in_ten_and_a_wait_that_a_packet_ends_is_not() {
        // One outgoing packet and then a silence of half a minute: only the two machines that follow it pad.
        let trace = Trace::new(vec![0, 30_000_000_000], vec![1, -1]).unwrap();
        let traces = defend_many("wtf-pad,size=1B", &trace, 1_000);
        let padded = traces.iter().filter(|t| t.observe().out_packets() > 1).count() as f64 / 1_000.0;
        assert!((padded - 0.9).abs() < 0.03, "{padded}");
        // Packets each 10 ns leave no time.
        let busy = Trace::new((0..1_000).map(|i| 10 * i).collect(), vec![1; 1_000]).unwrap();
        let added = defend_many("wtf-pad,size=1B", &busy, 1)[0].len() - 1_000;
        assert!(added < 60, "{added}");
    }

    #[test]
    fn the_published_code_waits_longer_before_a_burst() {
        let [own, shared] = [true, false].map(|own| WtfPad::new(1, own).machines.remove(0));
        assert_eq!(shared.burst.full, shared.gap.full);
        assert_ne!(own.burst.full, own.gap.full);
        assert_eq!(own.gap.full, shared.gap.full);
    }
}
