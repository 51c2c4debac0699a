//! RegulaTor: surges of packets at a decaying rate.

use wfkit_datasets::Trace;

use super::queues::Queues;
use super::slots::{MAX_SLOTS, Slots};
use super::{DELAYS_IN_ORDER, delay_model, no_conflict, one_cell};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, Preset, Profile, StopRule, Value, Values,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "regulator",
    summary: "sends incoming packets in surges whose rate decays, padded within a budget, and outgoing ones in proportion to them",
    source: "Holland and Hopper, \"RegulaTor: A Straightforward Website Fingerprinting Defense\", PoPETs 2022",
    published: &[
        "light: bandwidth 48 %, latency 9 %; heavy: 80 %, 7 % (the paper, 2101 packets a load)",
        "heavy: 36 %, 32 % simulated, 58 %, 62 % measured on Tor (Gong et al., WFDefProxy, IEEE TIFS 2023)",
    ],
    caveats: &[
        "R and N suit loads of 2101 packets: set scale to the mean number of packets of your traces / 2101, or latency explodes",
        "a surge starts when the eleventh incoming packet arrives (the last one, where there are fewer); until then the peer sends ten \
         padding packets a second and holds normal ones, as the authors' simulator does",
        "stops with the last normal packet of the trace, which a deployment cannot know",
        "a slot carries `size` bytes: normal packets are cut and joined to fill it, and the queue is counted in such packets",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "light",
            summary: "the paper's light setting",
            parameters: &parameters(260, 860_000, 3_750_000, 2080, 4_020_000, 2_080),
            check: no_conflict,
            build,
        },
        Preset {
            name: "heavy",
            summary: "the paper's heavy setting",
            parameters: &parameters(277, 940_000, 3_550_000, 3550, 3_950_000, 1_770),
            check: no_conflict,
            build,
        },
    ],
};

const fn parameters(rate: u64, decay: u64, threshold: u64, budget: u64, upload: u64, cap_ms: u64) -> [Parameter; 9] {
    [
        Parameter {
            key: "rate",
            kind: Kind::Count,
            min: 1,
            default: DefaultValue::Is(Value::Count(rate)),
            meaning: "incoming packets a second as a surge begins (R)",
        },
        ratio(
            "decay",
            decay,
            0,
            "what is left of the rate after a second, at most 1 (D); the rate never falls below 1 a second",
        ),
        ratio("threshold", threshold, 0, "more packets waiting than this times the rate start a new surge (T)"),
        Parameter {
            key: "n",
            kind: Kind::Count,
            min: 0,
            default: DefaultValue::Is(Value::Count(budget)),
            meaning: "the padding packets of the surges are at most a number drawn uniformly from 0 to this (N)",
        },
        ratio("upload", upload, 10_000, "incoming packets for each outgoing one (U)"),
        Parameter {
            key: "cap",
            kind: Kind::Duration,
            min: 0,
            default: DefaultValue::Is(Value::Duration(cap_ms * 1_000_000)),
            meaning: "the longest an outgoing packet waits (C)",
        },
        ratio("scale", 1_000_000, 1_000, "R and N are multiplied by this: mean packets of a trace / 2101"),
        Parameter {
            key: "size",
            kind: Kind::Size,
            min: 1,
            default: DefaultValue::Derived {
                rule: "a packet with one Tor cell: cell as the set's, tcp and tls 536B, ip 588B, frame 602B",
                derive: one_cell,
            },
            meaning: "size of every packet",
        },
        DELAYS_IN_ORDER,
    ]
}

const fn ratio(key: &'static str, millionths: u64, min: u64, meaning: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Ratio, min, default: DefaultValue::Is(Value::Ratio(millionths)), meaning }
}

fn build(values: &Values, profile: &Profile) -> Result<Box<dyn Defense>, String> {
    let size = values.size("size");
    Slots::suits(size, profile)?;
    let scale = values.ratio("scale");
    Ok(Box::new(Regulator {
        rate: values.count("rate") as f64 * scale,
        decay: values.ratio("decay").min(1.0),
        threshold: values.ratio("threshold"),
        budget: (values.count("n") as f64 * scale).round() as u64,
        upload: values.ratio("upload"),
        cap_ns: values.duration_ns("cap"),
        size,
        delays: delay_model(values),
    }))
}

#[derive(Debug)]
struct Regulator {
    rate: f64,
    decay: f64,
    threshold: f64,
    budget: u64,
    upload: f64,
    cap_ns: u64,
    size: u32,
    delays: DelayModel,
}

const SECOND: u64 = 1_000_000_000;
/// Until the first surge: ten incoming packets a second, five outgoing.
const SETUP_IN_NS: u64 = SECOND / 10;
const SETUP_OUT_NS: u64 = SECOND / 5;
/// The incoming packet that starts the first surge, from 1.
const SURGE_PACKET: usize = 11;

impl Regulator {
    /// R D^t packets a second, t in s since the surge began, at least 1.
    fn rate_after(&self, since_ns: u64) -> f64 {
        (self.rate * self.decay.powf(since_ns as f64 / SECOND as f64)).max(1.0)
    }
}

/// When the first surge begins; at the end of a trace without an incoming packet.
fn first_surge_ns(trace: &Trace) -> u64 {
    let incoming = trace.packets().filter(|(_, size)| *size < 0).map(|(time_ns, _)| time_ns);
    incoming.take(SURGE_PACKET).last().unwrap_or(trace.duration_ns())
}

impl Defense for Regulator {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut queues = Queues::new(trace, self.delays);
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        let mut budget = draws.up_to(self.budget);
        let first_surge = first_surge_ns(trace);
        let mut surge = first_surge;
        let (mut next_in, mut next_out, mut now) = (0, Some(0), 0_u64);
        let mut owed = 0.0; // outgoing packets for the incoming ones sent
        let mut events = 0;
        while !queues.is_empty() {
            if events == MAX_SLOTS {
                return Err(DefenseError::TooManySlots { limit: MAX_SLOTS });
            }
            events += 1;
            let impatient =
                queues.head_arrival_ns(Direction::Outgoing).map(|at| at.saturating_add(self.cap_ns).max(now));
            let out = next_out.into_iter().chain(impatient).min();
            if let Some(out) = out.filter(|&out| out <= next_in) {
                now = out;
                let pieces = queues.take(Direction::Outgoing, now, self.size);
                builder.packet(now, Direction::Outgoing.signed(self.size), &pieces);
                if next_out.is_some_and(|next| next <= now) {
                    next_out = Some(now + SETUP_OUT_NS).filter(|&next| next < first_surge);
                }
                continue;
            }
            now = next_in;
            let in_setup = now < first_surge;
            let pieces = if in_setup { vec![] } else { queues.take(Direction::Incoming, now, self.size) };
            let padded = pieces.is_empty() && (in_setup || budget > 0);
            if padded && !in_setup {
                budget -= 1;
            }
            if padded || !pieces.is_empty() {
                builder.packet(now, Direction::Incoming.signed(self.size), &pieces);
                owed += if in_setup { 0.0 } else { 1.0 / self.upload };
            }
            while owed >= 1.0 {
                owed -= 1.0;
                let pieces = queues.take(Direction::Outgoing, now, self.size);
                builder.packet(now, Direction::Outgoing.signed(self.size), &pieces);
            }
            next_in = if in_setup {
                (now + SETUP_IN_NS).min(first_surge)
            } else {
                let waiting = queues.waiting_bytes(Direction::Incoming, now).div_ceil(u64::from(self.size));
                if waiting as f64 > self.threshold * self.rate_after(now - surge) {
                    surge = now;
                }
                now.saturating_add(((SECOND as f64 / self.rate_after(now - surge)).round() as u64).max(1))
            };
        }
        Ok(builder.finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            total_order: self.delays == DelayModel::Pessimistic,
            ends_with_data: true,
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::Oracle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};

    const MS: u64 = 1_000_000;

    fn incoming(defended: &DefendedTrace) -> Vec<(u64, bool)> {
        let packets = defended.packets().filter(|p| p.direction() == Direction::Incoming);
        packets.map(|p| (p.time_ns, p.is_padding())).collect()
    }

    #[test]
    fn ten_a_second_come_in_until_the_eleventh_packet_starts_a_surge() {
        let times: Vec<u64> = (0..20).map(|i| i * 50 * MS).collect();
        let trace = Trace::new(times, vec![-536; 20]).unwrap();
        let defended = incoming(&defend_one("regulator,n=0,decay=1,rate=100", &trace));
        // The eleventh arrives at 500 ms; until then padding at 0, 100, ... 400 ms.
        let setup: Vec<u64> = defended.iter().take_while(|(_, padding)| *padding).map(|(t, _)| t / MS).collect();
        assert_eq!(setup, [0, 100, 200, 300, 400]);
        let surge: Vec<u64> = defended[5..16].iter().map(|(t, _)| t / MS).collect();
        assert_eq!(surge, [500, 510, 520, 530, 540, 550, 560, 570, 580, 590, 600]);
        // Without a budget nothing is padded, and what comes later has a slot when it arrives.
        assert!(defended[5..].iter().all(|(_, padding)| !padding) && defended.len() == 25);
    }

    #[test]
    fn the_rate_decays_and_a_full_queue_starts_a_new_surge() {
        let regulator = Regulator {
            rate: 100.0,
            decay: 0.5,
            threshold: 3.0,
            budget: 0,
            upload: 4.0,
            cap_ns: SECOND,
            size: 100,
            delays: DelayModel::Optimistic,
        };
        assert_eq!([0, 1, 2, 10].map(|s| regulator.rate_after(s * SECOND)), [100.0, 50.0, 25.0, 1.0]);

        // 11 packets, nothing for 5 s, then 200 at once: more than 3 times the 3 a second that are left.
        let times = vec![0; 11].into_iter().chain(vec![5_000 * MS; 200]).collect();
        let trace = Trace::new(times, vec![-100; 211]).unwrap();
        let late: Vec<u64> = incoming(&defend_one("regulator,n=0,rate=100,decay=0.5,threshold=3,size=100B", &trace))
            .iter()
            .filter(|(time, _)| *time >= 5_000 * MS)
            .map(|(time, _)| *time)
            .collect();
        assert_eq!(late.len(), 200);
        let gap = |i: usize| late[i + 1] - late[i];
        let full = |i: usize| (199 - i) as f64 > 3.0 * 100.0 * 0.5_f64.powf((late[i] - late[0]) as f64 / 1e9);
        let surges: Vec<usize> = (1..199).filter(|&i| gap(i) < gap(i - 1)).collect();
        assert_eq!((gap(0), surges.len(), gap(surges[0])), (10 * MS, 1, 10 * MS));
        assert!(full(surges[0]) && !(1..surges[0]).any(full));
    }

    #[test]
    fn uploads_follow_downloads_and_lose_patience() {
        // From the surge on, at time 0, one packet goes out for every four that come in.
        let trace = Trace::new(vec![0; 101], [vec![-100; 100], vec![100]].concat()).unwrap();
        let defended = defend_one("regulator,upload=4,n=0,size=100B,rate=100,decay=1,cap=100s", &trace).observe();
        assert_eq!((defended.in_packets(), defended.out_packets()), (100, 25 + 1));
        // Without downloads a request waits for its cap.
        let times = [vec![0; 11], vec![50 * MS, 5_000 * MS]].concat();
        let trace = Trace::new(times, [vec![-100; 11], vec![77, -100]].concat()).unwrap();
        let defended = defend_one("regulator,n=0,cap=700ms", &trace);
        assert_eq!(defended.completion_ns(13)[11], 750 * MS);
    }

    #[test]
    fn the_budget_is_uniform_from_0_to_n() {
        // A surge and long after it one packet more: the budget is spent between them.
        let trace = Trace::new([vec![0; 11], vec![100 * SECOND]].concat(), vec![-100; 12]).unwrap();
        let traces = defend_many("regulator,n=50,rate=100,decay=1", &trace, 1_000);
        let spent: Vec<usize> =
            traces.iter().map(|t| incoming(t).iter().filter(|(_, padding)| *padding).count()).collect();
        let mean = spent.iter().sum::<usize>() as f64 / spent.len() as f64;
        // standard error 0.47
        assert!((mean - 25.0).abs() < 1.6 && spent.contains(&0) && spent.contains(&50), "{mean}");
        let scaled = defend_many("regulator,n=50,rate=100,decay=1,scale=2", &trace, 1_000);
        let most = scaled.iter().map(|t| incoming(t).iter().filter(|(_, padding)| *padding).count()).max();
        assert!((95..=100).contains(&most.unwrap()));
    }
}
