//! DynaFlow: one sequence of slots both ways, whose interval changes now and then, ended at few places.

use std::collections::VecDeque;

use super::shaper::{Sender, Shape, Shaped, Shaper};
use super::{DELAYS, PACKET_SIZE, STOP, no_conflict};
use crate::{Defense, DefenseError, DefenseInfo, Direction, Draws, Needs, Parameter, ParameterValues, Preset, Profile};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "dynaflow",
    summary: "sends one outgoing and three incoming packets in turn at an interval chosen from two now and then, until a slot number of a \
              sparse set",
    purpose: "a rate that adapts, with a bound for the number of slots",
    cost: "two to six times the bytes, a fifth more time",
    source: "Lu, Bhat, Kwon and Devadas, \"DynaFlow: An Efficient Website Fingerprinting Defense Based on Dynamically-Adjusting \
             Flows\", WPES 2018, and the authors' simulation",
    published: &[
        "bandwidth 141 %, latency 6 % simulated; 123 % and 379 % measured on Tor (Mathews et al., IEEE S&P 2023)",
    ],
    caveats: &[
        "latency measured on Tor was sixty times what was simulated",
        "what is left to see is which intervals were chosen and where it ended, and nothing else",
        "the authors' simulation sends all packets in one order: delays=pessimistic",
        "the interval is chosen by the mean time between the arrivals of the last packets sent, shortened by what must be waiting since the \
         last of them; with ten or fewer of them the mean is the interval in use",
        "a slot carries `size` bytes, headers included; the paper's cells hold 498 bytes of data",
        "by default stops with the last normal packet of the trace, which a deployment cannot know",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "wpes18",
            summary: "12 ms at first, 1.2 or 5 ms chosen at the slots 400, 1200, 2000 and 2800, ends 20 % apart",
            parameters: &parameters(800, 4, 1_200_000),
            check: no_conflict,
            build,
        },
        Preset {
            name: "wpes18-seven",
            summary: "the same with seven choices, ends 10 % apart",
            parameters: &parameters(800, 7, 1_100_000),
            check: no_conflict,
            build,
        },
        Preset {
            name: "wpes18-weak",
            summary: "a choice every 100 slots, ends 0.2 % apart: little padding, much to see",
            parameters: &parameters(100, 1_000, 1_002_000),
            check: no_conflict,
            build,
        },
    ],
};

const fn parameters(every: u64, changes: u64, m: u64) -> [Parameter; 11] {
    [
        duration("start", 12_000_000, "the interval to begin with"),
        duration("fast", 1_200_000, "one interval to choose from"),
        duration("slow", 5_000_000, "the other one"),
        Parameter::count("first", 1, 400, "the slot at which the interval is chosen first (a)"),
        Parameter::count("every", 1, every, "slots between later choices (b)"),
        Parameter::count("changes", 0, changes, "how often the interval is chosen (k)"),
        Parameter::count("memory", 1, 100, "how many normal packets a choice looks back at (M)"),
        Parameter::ratio("m", 1_001_000, m, "the number of slots is one of the rounded powers of this"),
        PACKET_SIZE,
        DELAYS,
        STOP,
    ]
}

const fn duration(key: &'static str, ns: u64, meaning: &'static str) -> Parameter {
    Parameter::duration(key, 1_000, ns, meaning)
}

fn build(values: &ParameterValues, profile: &Profile) -> Result<Box<dyn Defense>, String> {
    Ok(Box::new(Shaped(DynaFlow {
        start_ns: values.duration_ns("start"),
        allowed_ns: [values.duration_ns("fast"), values.duration_ns("slow")],
        first: values.count("first"),
        every: values.count("every"),
        changes: values.count("changes"),
        memory: values.count("memory") as usize,
        m: values.ratio("m"),
        shape: Shape::new(values, profile)?,
    })))
}

#[derive(Debug)]
struct DynaFlow {
    start_ns: u64,
    allowed_ns: [u64; 2],
    first: u64,
    every: u64,
    changes: u64,
    memory: usize,
    m: f64,
    shape: Shape,
}

/// The smallest of the rounded powers of `m` (above 1) that is at least `slots`.
fn end_index(m: f64, slots: u64) -> u64 {
    let mut power = 1.0_f64;
    while (power.round() as u64) < slots {
        power *= m;
    }
    power.round() as u64
}

/// Slots ahead for which a choice has to do, as the authors' simulation has it: what waits is spread over them.
const AHEAD: f64 = 400.0;

impl DynaFlow {
    /// Whether the interval is chosen anew after this slot.
    fn chooses_after(&self, slot: u64) -> bool {
        let since = slot.checked_sub(self.first);
        since.is_some_and(|since| since.is_multiple_of(self.every) && since / self.every < self.changes)
    }

    /// The allowed interval nearest to what the packets need that arrived at `recent` and were sent until `now`.
    fn choice(&self, recent: &VecDeque<u64>, now: u64, interval: u64) -> u64 {
        let (Some(&first), Some(&last)) = (recent.front(), recent.back()) else { return interval };
        let enough = recent.len() > 10 || recent.len() == self.memory;
        let gaps = recent.len().max(2) as f64 - 1.0;
        let mean = if enough { last.saturating_sub(first) as f64 / gaps } else { interval as f64 };
        let mean = mean.max(1.0);
        let waiting = now.saturating_sub(last) as f64 / mean;
        let needed = mean * AHEAD / (AHEAD + waiting);
        let distance = |allowed: &u64| (*allowed as f64 - needed).abs();
        self.allowed_ns.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("there are two")
    }
}

impl Sender for DynaFlow {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, _: &mut Draws) -> Result<(), DefenseError> {
        let mut recent = VecDeque::new();
        let (mut slot, mut now, mut interval) = (0_u64, start_ns, self.start_ns);
        // How many slots it has if nothing more comes.
        let mut end = None;
        loop {
            if !shaper.over(now) {
                end = None;
            } else if *end.get_or_insert_with(|| end_index(self.m, slot)) == slot {
                return Ok(());
            }
            let way = if slot.is_multiple_of(4) { Direction::Outgoing } else { Direction::Incoming };
            if let Some(carried) = shaper.send(way, now)? {
                recent.push_back(carried.arrival_ns);
                if recent.len() > self.memory {
                    recent.pop_front();
                }
            }
            if self.chooses_after(slot) {
                interval = self.choice(&recent, now, interval);
            }
            slot += 1;
            now += interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::Trace;

    use super::*;
    use crate::Value;
    use crate::testing::{any_trace, defend_one};

    proptest! {
        #[test]
        fn it_ends_at_a_power_of_m_and_takes_its_turns(trace in any_trace(), m in 1_010_000_u64..3_000_000) {
            let defended = defend_one(&format!("dynaflow,m={}", Value::Ratio(m)), &trace).observe();
            let m = m as f64 / 1e6;
            let n = defended.len() as u64;
            prop_assert!((0..2_000).any(|i| m.powi(i).round() as u64 == n), "{n}");
            for (i, size) in defended.size().iter().enumerate() {
                prop_assert_eq!(*size, if i % 4 == 0 { 536 } else { -536 });
            }
        }

        /// The best attack sees the choices and the end, for all the rest follows from them.
        #[test]
        fn choices_and_end_are_all_there_is_to_see(
            trace in any_trace(), first in 1_u64..20, every in 1_u64..20, changes in 0_u64..6,
        ) {
            let spec = format!("dynaflow,first={first},every={every},changes={changes},start=9ms,fast=1ms,slow=5ms");
            let observed = defend_one(&spec, &trace).observe();
            let (times, end) = (observed.time_ns(), observed.len() as u64);
            let chosen: Vec<u64> = (0..changes)
                .map(|change| first + change * every)
                .filter(|slot| slot + 1 < end)
                .map(|slot| times[slot as usize + 1] - times[slot as usize])
                .collect();
            prop_assert!(chosen.iter().all(|interval| [1_000_000, 5_000_000].contains(interval)));
            prop_assert_eq!(observed, seen(first, every, &chosen, end));
        }
    }

    /// A trace of `end` slots made of the choices alone.
    fn seen(first: u64, every: u64, chosen: &[u64], end: u64) -> Trace {
        let mut now = 0;
        let packet = |slot: u64| {
            let at = now;
            let change = slot.checked_sub(first).map(|since| (since / every) as usize);
            now += change.and_then(|change| chosen.get(change).or(chosen.last())).copied().unwrap_or(9_000_000);
            (at, if slot.is_multiple_of(4) { 536 } else { -536 })
        };
        let (times, sizes) = (0..end).map(packet).unzip();
        Trace::new(times, sizes).unwrap()
    }

    #[test]
    fn two_loads_with_the_same_choices_and_end_look_the_same() {
        let a = Trace::new(vec![0, 1_000_000, 300_000_000], vec![300, -20_000, 100]).unwrap();
        let b = Trace::new(vec![0, 5_000_000, 290_000_000], vec![50, -18_900, -900]).unwrap();
        assert_eq!(defend_one("dynaflow", &a).observe(), defend_one("dynaflow", &b).observe());
    }

    fn gaps_us(spec: &str, trace: &Trace) -> Vec<u64> {
        let times: Vec<u64> = defend_one(spec, trace).packets().map(|p| p.time_ns / 1_000).collect();
        times.windows(2).map(|w| w[1] - w[0]).collect()
    }

    #[test]
    fn the_interval_changes_after_the_chosen_slots_to_the_nearest() {
        // A packet each 4 ms: nearest to 5 ms. A quarter of the slots is theirs, so soon many wait, which makes it nearest to 1.2 ms.
        let trace = Trace::new((0..500).map(|i| i * 4_000_000).collect(), vec![100; 500]).unwrap();
        let gaps = gaps_us("dynaflow,first=40,every=80,m=1.001,size=600B", &trace);
        assert!(gaps[..40].iter().all(|&gap| gap == 12_000));
        assert!(gaps[40..120].iter().all(|&gap| gap == 5_000), "{:?}", &gaps[40..]);
    }

    #[test]
    fn what_waits_shortens_the_interval() {
        let dynaflow = DynaFlow {
            start_ns: 12_000_000,
            allowed_ns: [1_200_000, 5_000_000],
            first: 1,
            every: 1,
            changes: 1,
            memory: 100,
            m: 1.2,
            shape: Shape { size: 1, delays: crate::DelayModel::Optimistic, stop: crate::StopRule::Oracle },
        };
        // One each 4 ms. After 1.6 s without sending any, 400 wait: 2 ms are needed.
        let recent: VecDeque<u64> = (0..100).map(|i| i * 4_000_000).collect();
        let last = 99 * 4_000_000;
        assert_eq!(dynaflow.choice(&recent, last, 12_000_000), 5_000_000);
        assert_eq!(dynaflow.choice(&recent, last + 1_600_000_000, 12_000_000), 1_200_000);
        // Ten are not enough to tell: 12 ms.
        let few: VecDeque<u64> = recent.into_iter().take(10).collect();
        assert_eq!(dynaflow.choice(&few, 9 * 4_000_000, 12_000_000), 5_000_000);
    }

    #[test]
    fn the_interval_changes_as_often_as_it_may() {
        // 200 packets 1 ms apart and 100 of them 10 ms apart, by turns.
        let mut now = 0;
        let mut after = |ms: u64| {
            now += ms * 1_000_000;
            now
        };
        let times: Vec<u64> =
            (0..900).map(|i| if i == 0 { 0 } else { after(if i % 300 < 200 { 1 } else { 10 }) }).collect();
        let trace = Trace::new(times, vec![-500; 900]).unwrap();
        let changes = |spec: &str| gaps_us(spec, &trace).windows(2).filter(|pair| pair[0] != pair[1]).count();
        let many = changes("dynaflow,memory=12,size=500B,first=20,every=20,changes=1000");
        assert!(many > 3, "{many}");
        assert_eq!(changes("dynaflow,memory=12,size=500B,first=20,every=20,changes=1"), 1);
        assert_eq!(changes("dynaflow,memory=12,size=500B,first=20,every=20,changes=0"), 0);
    }

    #[test]
    fn ends_are_rounded_powers() {
        assert_eq!([1, 2, 3, 4, 5].map(|n| end_index(1.5, n)), [1, 2, 3, 5, 5]); // 1 1.5 2.25 3.375 5.06
    }
}
