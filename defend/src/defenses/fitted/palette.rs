//! Palette: one pattern of packets a time window for all pages of a set.

use wfkit_datasets::Trace;

use super::anonymity::AnonymitySets;
use super::schedule::Schedule;
use super::{Class, K, training};
use crate::defenses::{DELAYS, PACKET_SIZE};
use crate::{DefenseInfo, Direction, Needs, Parameter, ParameterValues, PerDirection, Preset};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "palette",
    summary: "every page of an anonymity set sends the same number of packets each way in every time window",
    purpose: "a service or a proxy that knows its pages, cheaper than supersequences",
    cost: "about twice the bytes, some time",
    source: "Shen, Ji, Wu, Liu, Gao, Li and Xu, \"Real-Time Website Fingerprinting Defense via Traffic Cluster Anonymization\", IEEE S&P 2024",
    published: &["bandwidth 87.2 % (as compared in FRUGAL, 2025, on page loads of Deep Fingerprinting, CCS 2018)"],
    caveats: &[
        "a simplification: sets are neighbours in mean bytes cut so that their patterns cost the least, where the paper clusters and refines traffic matrices; a pattern is \
         the most of what its classes need, where the paper regularises it online",
        "what a class needs in a window is a quantile over its training traces; what comes in a window leaves in the next, what does not fit later",
        "longer windows cost less and delay more; attacks on traffic matrices look at windows of 44 to 80 ms",
        "a load that is not through at the end of its pattern takes it again, and is counted as a misfit",
        "a class that the training traces do not have takes the smallest pattern that it fits; such traces are counted",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: true },
    presets: &[Preset {
        name: "envelope",
        summary: "the pattern that holds the quantile of every class",
        parameters: &[
            K,
            Parameter::duration("window", 1_000_000, 1_000_000_000, "length of a time window"),
            Parameter::ratio(
                "quantile",
                0,
                900_000,
                "share of the training traces of a class that need no more in a window; at most 1",
            ),
            PACKET_SIZE,
            DELAYS,
        ],
        check: |values| match values.ratio("quantile") {
            share if share > 1.0 => Err(format!("quantile ({share}) is above 1")),
            _ => Ok(()),
        },
        build: |values, profile| {
            let longest = training(profile).traces().iter().max_by_key(|labelled| labelled.trace.duration_ns());
            if let Some(longest) = longest {
                let windows = longest.trace.duration_ns() as f64 / values.duration_ns("window") as f64;
                profile.limit().allows_shape(windows, &format!("the trace ({})", longest.key))?;
            }
            let need = |class: &Class<'_>| need(class, values);
            let packets = |set: &[Pattern]| envelope(set).iter().map(PerDirection::total).sum::<u64>() as f64;
            Ok(Box::new(AnonymitySets::fit(values, profile, need, packets, |_, set| schedule(set, values))?))
        },
    }],
};

/// Packets each way, window by window.
type Pattern = Vec<PerDirection<u64>>;

/// Packets of `size` bytes that a trace fills in each window.
fn pattern(trace: &Trace, window_ns: u64, size: u32) -> Pattern {
    let mut bytes = vec![PerDirection::<u64>::default(); (trace.duration_ns() / window_ns) as usize + 1];
    for (time_ns, packet) in trace.packets() {
        bytes[(time_ns / window_ns) as usize][Direction::of(packet)] += u64::from(packet.unsigned_abs());
    }
    bytes.iter().map(|bytes| PerDirection::from_fn(|way| bytes[way].div_ceil(u64::from(size)))).collect()
}

/// For each window the quantile over the traces of a class.
fn need((_, traces): &Class<'_>, values: &ParameterValues) -> Pattern {
    let (window_ns, size, share) = (values.duration_ns("window"), values.size("size"), values.ratio("quantile"));
    let patterns: Vec<Pattern> = traces.iter().map(|trace| pattern(trace, window_ns, size)).collect();
    let quantile = |window: usize, way| {
        let mut needs: Vec<u64> = patterns.iter().map(|one| one.get(window).map_or(0, |need| need[way])).collect();
        needs.sort_unstable();
        // The smallest need that so many traces do not exceed.
        let rank = (share * needs.len() as f64).ceil() as usize;
        needs[rank.max(1) - 1]
    };
    let windows = patterns.iter().map(Vec::len).max().unwrap_or(0);
    (0..windows).map(|window| PerDirection::from_fn(|way| quantile(window, way))).collect()
}

/// For each window the most over the classes of a set.
fn envelope(set: &[Pattern]) -> Pattern {
    let windows = set.iter().map(Vec::len).max().unwrap_or(0);
    let most = |window: usize, way| set.iter().filter_map(|need| need.get(window)).map(|need| need[way]).max();
    (0..windows).map(|window| PerDirection::from_fn(|way| most(window, way).unwrap_or(0))).collect()
}

/// The packets of a window at equal steps through the next one, when all that came in it is there.
fn schedule(set: &[Pattern], values: &ParameterValues) -> Schedule {
    let window_ns = values.duration_ns("window");
    let pattern = envelope(set);
    let mut slots = Vec::new();
    for (window, packets) in (0..).zip(&pattern) {
        for way in Direction::BOTH {
            let slot = |i: u64| ((window + 1) * window_ns + i * window_ns / packets[way], way);
            slots.extend((0..packets[way]).map(slot));
        }
    }
    slots.sort_by_key(|(time_ns, way)| (*time_ns, *way == Direction::Incoming));
    Schedule::new(slots, (pattern.len() as u64 + 1) * window_ns, values.size("size"))
}

#[cfg(test)]
mod tests {
    use super::super::anonymity::tests::growing;
    use super::*;
    use crate::{DefenseSpec, defend};

    #[test]
    fn a_window_holds_the_quantile_of_the_traces() {
        let trace = |packets: usize| Trace::new(vec![0; packets], vec![-100; packets]).unwrap();
        let traces: Vec<Trace> = (1..=10).map(trace).collect();
        let class = ("a", traces.iter().collect::<Vec<_>>());
        let pattern = |quantile: &str| {
            let spec: DefenseSpec = format!("palette,k=1,size=100B,quantile={quantile}").parse().unwrap();
            let profile = crate::Profile::of(&growing(1));
            let values = spec.layers()[0].values(&profile);
            envelope(&[need(&class, &values)])
                .iter()
                .map(|window| (window.outgoing, window.incoming))
                .collect::<Vec<_>>()
        };
        assert_eq!((pattern("0.9"), pattern("1"), pattern("0.05")), (vec![(0, 9)], vec![(0, 10)], vec![(0, 1)]));
    }

    #[test]
    fn packets_of_a_window_are_spread_over_the_next() {
        let set = growing(1);
        let spec = "palette,k=1,window=40ms,size=1000B,quantile=1".parse::<DefenseSpec>().unwrap().fit(set.clone());
        let observed = defend(&set, &spec, 1).unwrap().observe();
        let packets: Vec<(u64, i32)> = observed.traces()[0].trace.packets().map(|(t, s)| (t / 1_000_000, s)).collect();
        // 400 B out within 40 ms, so one packet, and up to 2 x 1003 B in.
        assert_eq!(packets[..4], [(0, 1000), (0, -1000), (13, -1000), (26, -1000)], "{packets:?}");
    }
}
