//! CS-BuFLO: packets of one size at random times around an adaptive interval, their number rounded up.

use super::shaper::{Sender, Shape, Shaped, Shaper};
use super::{DELAYS, PACKET_SIZE, STOP, no_conflict};
use crate::{
    DefaultValue, Defense, DefenseError, DefenseInfo, Direction, Draws, Kind, Needs, Parameter, ParameterValues,
    PerDirection, Preset, Profile, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "cs-buflo",
    summary: "sends packets of one size each way at intervals that follow the data and rounds their bytes up towards a power of two",
    purpose: "a constant rate that yields to congestion; as a reference",
    cost: "two to three times the bytes, three times the time",
    source: "Cai, Nithyanand and Johnson, \"CS-BuFLO: A Congestion Sensitive Website Fingerprinting Defense\", ACM WPES 2014, and the \
             constants of the authors' SSH implementation",
    published: &[
        "ctsp: bandwidth 180 %, time until the last packet 227 %; cpsp: 129 %, 171 % (200 sites, early termination; the paper)",
        "without early termination: ctsp 273 %, 251 %; cpsp 242 %, 252 % (50 sites; the paper)",
    ],
    caveats: &[
        "the published times are until the last packet, padding included; the latency reported here is until the last normal one",
        "the client sends for as long as the server does, so a load of few requests costs many times its outgoing bytes",
        "an interval is the time between two packets with data when no data came the other way between them; the median of the last \
         1000, each held within rho-min and rho-max, is rounded down to a power of two of microseconds",
        "early termination, where one side stops because the other has finished, is not simulated: each side rounds its own bytes",
        "nothing is known of congestion in a trace: the defence's reaction to it is not simulated",
        "stop=oracle stands for the browser's load event, stop=soft:2s is the paper's quiet time",
        "both directions start with the first packet of the trace",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "ctsp",
            summary: "client: total bytes reach a power of two; server: they reach a multiple of the power of two at or above its data",
            parameters: &parameters("total"),
            check: no_conflict,
            build,
        },
        Preset {
            name: "cpsp",
            summary: "client and server: bytes reach a multiple of the power of two at or above their data",
            parameters: &parameters("payload"),
            check: no_conflict,
            build,
        },
    ],
};

const fn parameters(client: &'static str) -> [Parameter; 9] {
    [
        duration("rho", 8_192, "the interval to begin with; each gap is uniform from 0 to twice the interval"),
        duration("rho-min", 4_096, "the shortest interval"),
        duration("rho-max", 32_768, "the longest interval; nothing where it is below rho-min"),
        Parameter::count(
            "first",
            1,
            30,
            "packets until the interval is chosen first, then after twice as many; 16384 bytes in the authors' implementation",
        ),
        end(
            "client",
            client,
            "what the client's bytes are rounded up to: a power of two, or a multiple of that at or above its data",
        ),
        end("server", "payload", "the same of the server"),
        PACKET_SIZE,
        DELAYS,
        STOP,
    ]
}

const fn duration(key: &'static str, us: u64, meaning: &'static str) -> Parameter {
    Parameter::duration(key, 1_000, us * 1_000, meaning)
}

const fn end(key: &'static str, end: &'static str, meaning: &'static str) -> Parameter {
    let default = DefaultValue::Is(Value::Choice(end));
    Parameter { key, kind: Kind::Choice(&["total", "payload"]), min: 0, default, meaning }
}

fn build(values: &ParameterValues, profile: &Profile) -> Result<Box<dyn Defense>, String> {
    let end = |key| if values.choice(key) == "total" { End::Total } else { End::Payload };
    let shortest = values.duration_ns("rho-min");
    Ok(Box::new(Shaped(CsBuflo {
        start_ns: values.duration_ns("rho"),
        range_ns: (shortest, values.duration_ns("rho-max").max(shortest)),
        first: values.count("first"),
        ends: PerDirection { outgoing: end("client"), incoming: end("server") },
        shape: Shape::new(values, profile)?,
    })))
}

#[derive(Debug)]
struct CsBuflo {
    start_ns: u64,
    range_ns: (u64, u64),
    first: u64,
    ends: PerDirection<End>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Total,
    Payload,
}

impl End {
    /// Whether a side may end after so many packets of `size` bytes that carried `payload` bytes: the last of them reached or
    /// crossed what it is rounded to.
    fn allows(self, packets: u64, size: u64, payload: u64) -> bool {
        let Some(before) = packets.checked_sub(1).map(|packets| packets * size) else { return false };
        let total = before + size;
        match self {
            Self::Total => before.checked_ilog2() < total.checked_ilog2(),
            Self::Payload => {
                let unit = payload.next_power_of_two().ilog2();
                before >> unit < total >> unit
            }
        }
    }
}

/// One side in one load: when it sends next, and what its interval is.
#[derive(Debug, Clone)]
struct Side {
    next_ns: u64,
    interval_ns: u64,
    sent: u64,
    payload: u64,
    /// The number of packets at which the interval is chosen anew.
    boundary: u64,
    /// When data was sent last, if none has come the other way since.
    last_data_ns: Option<u64>,
    gaps_ns: Vec<u64>,
}

/// The most times between packets that an interval is chosen from.
const MEMORY: usize = 1000;

impl CsBuflo {
    /// Books a packet with so much data, and chooses the next time.
    fn after(&self, side: &mut Side, now: u64, data: u64, draws: &mut Draws) {
        side.sent += 1;
        side.payload += data;
        if data > 0
            && let Some(last) = side.last_data_ns.replace(now)
        {
            side.gaps_ns.push((now - last).clamp(self.range_ns.0, self.range_ns.1));
        }
        if side.sent == side.boundary {
            side.boundary *= 2;
            let recent = side.gaps_ns.len().saturating_sub(MEMORY);
            if let Some(interval_ns) = power_of_two_us(&mut side.gaps_ns[recent..]) {
                side.interval_ns = interval_ns.clamp(self.range_ns.0, self.range_ns.1);
            }
            side.gaps_ns.clear();
            side.last_data_ns = None;
        }
        // A gap of 0 would let the loop stand still.
        side.next_ns = now.saturating_add(1 + draws.up_to(2 * side.interval_ns - 1));
    }
}

/// The largest power of two in microseconds that is not above the median, the upper one of an even number; none of none.
fn power_of_two_us(gaps_ns: &mut [u64]) -> Option<u64> {
    let middle = gaps_ns.len() / 2;
    let (_, median, _) = (!gaps_ns.is_empty()).then(|| gaps_ns.select_nth_unstable(middle))?;
    Some(1_000 << (*median / 1_000).max(1).ilog2())
}

impl Sender for CsBuflo {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, draws: &mut Draws) -> Result<(), DefenseError> {
        let side = Side {
            next_ns: start_ns,
            interval_ns: self.start_ns.clamp(self.range_ns.0, self.range_ns.1),
            sent: 0,
            payload: 0,
            boundary: self.first,
            last_data_ns: None,
            gaps_ns: Vec::new(),
        };
        let mut sides = PerDirection { outgoing: side.clone(), incoming: side };
        let mut now = start_ns;
        let size = u64::from(self.shape.size);
        loop {
            let due = |way: Direction| {
                let &Side { next_ns, sent, payload, .. } = &sides[way];
                let at = next_ns.max(now); // one that had finished goes on when more data comes
                let finished = shaper.over(at) && self.ends[way].allows(sent, size, payload);
                (!finished).then_some(at)
            };
            let Some((at, way)) = PerDirection::from_fn(due).first() else { return Ok(()) };
            now = at;
            let carried = shaper.send(way, now)?;
            if carried.is_some() {
                sides[way.opposite()].last_data_ns = None;
            }
            self.after(&mut sides[way], now, carried.map_or(0, |carried| carried.bytes), draws);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::Trace;

    use super::*;
    use crate::testing::{any_trace, defend_many, defend_one};

    const MS: u64 = 1_000_000;

    proptest! {
        #[test]
        fn bytes_reach_a_power_of_two_or_a_multiple_of_the_one_above_the_data(trace in any_trace(), size in 100_u64..2_000) {
            let power = |packets: u64| (0..64).any(|i| (1_u64 << i).div_ceil(size) == packets);
            let unit = |bytes: u64| bytes.next_power_of_two();
            let multiple = |packets: u64, bytes: u64| {
                let reached = packets * size / unit(bytes) * unit(bytes);
                reached >= bytes && reached > (packets - 1) * size
            };
            let count = |preset: &str| {
                let observed = defend_one(&format!("cs-buflo:{preset},size={size}B"), &trace).observe();
                (observed.out_packets() as u64, observed.in_packets() as u64)
            };
            let (outgoing, incoming) = count("ctsp");
            prop_assert!(power(outgoing) && multiple(incoming, trace.in_bytes()), "{outgoing} {incoming}");
            let (outgoing, incoming) = count("cpsp");
            prop_assert!(multiple(outgoing, trace.out_bytes()) && multiple(incoming, trace.in_bytes()));
            let (outgoing, incoming) = count("ctsp,server=total");
            prop_assert!(power(outgoing) && power(incoming));
        }
    }

    #[test]
    fn cells_that_only_count_end_at_a_power_of_two() {
        let trace = Trace::new(vec![0, 900 * MS], vec![1, -1]).unwrap();
        for defended in defend_many("cs-buflo:ctsp,server=total,size=1B", &trace, 50) {
            let observed = defended.observe();
            assert!(observed.out_packets().is_power_of_two() && observed.in_packets().is_power_of_two());
        }
    }

    #[test]
    fn gaps_are_uniform_up_to_twice_the_interval() {
        // No data between the ends, so that the interval stays.
        let trace = Trace::new(vec![0, 40_000 * MS], vec![10, 10]).unwrap();
        let defended = defend_many("cs-buflo,rho=10ms,size=100B", &trace, 1).remove(0);
        let incoming: Vec<u64> =
            defended.packets().filter(|p| p.direction() == Direction::Incoming).map(|p| p.time_ns).collect();
        let gaps: Vec<f64> = incoming.windows(2).map(|w| (w[1] - w[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // 4,000 gaps, standard error 0.09
        assert!((mean - 10.0).abs() < 0.3 && gaps.iter().all(|&gap| gap <= 20.0), "{mean}");
    }

    #[test]
    fn the_interval_follows_the_data_at_30_60_120_packets() {
        // A packet each 5 ms comes in: the median of the gaps is near the interval of 16 ms while it holds the queue up.
        let times = (0..2_000).map(|i| i * 5 * MS).collect();
        let trace = Trace::new(times, vec![-536; 2_000]).unwrap();
        let defended = defend_one("cs-buflo,rho=32768us", &trace);
        let incoming: Vec<u64> =
            defended.packets().filter(|p| p.direction() == Direction::Incoming).map(|p| p.time_ns).collect();
        let mean_ms = |range: std::ops::Range<usize>| {
            (incoming[range.end] - incoming[range.start]) as f64 / range.len() as f64 / 1e6
        };
        assert!((25.0..40.0).contains(&mean_ms(0..30)), "{}", mean_ms(0..30));
        // Gaps are held below 32.768 ms, so the median of gaps U(0, 65.5 ms) halves the interval at the latest the second time.
        assert!(mean_ms(1_000..1_900) < 9.0, "{}", mean_ms(1_000..1_900));
    }

    #[test]
    fn a_quiet_time_ends_a_load_and_data_starts_another() {
        let trace = Trace::new(vec![0, 60_000 * MS], vec![100, 100]).unwrap();
        let defended = defend_one("cs-buflo:cpsp,stop=soft:2s", &trace);
        let silent = |from: u64, to: u64| !defended.packets().any(|p| (from * MS..to * MS).contains(&p.time_ns));
        assert!(silent(3_000, 60_000) && !silent(1_900, 2_000) && !silent(60_000, 60_001));
    }

    #[test]
    fn the_interval_is_the_power_of_two_below_the_median() {
        assert_eq!(power_of_two_us(&mut [1, 5_000_000, 9_000_000]), Some(4_096_000));
        assert_eq!(power_of_two_us(&mut [1_024_000]), Some(1_024_000));
        assert_eq!(power_of_two_us(&mut [0]), Some(1_000));
        assert_eq!(power_of_two_us(&mut []), None);
    }
}
