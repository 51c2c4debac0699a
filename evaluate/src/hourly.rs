//! What a defence would cost whoever made these captures, in megabytes an hour and milliseconds.

use rayon::prelude::*;
use serde::Serialize;
use wfkit_datasets::{Findings, Trace, TraceSet};
use wfkit_defend::{DefendOptions, DefendedSet, DefendedTrace, DefenseSpec, Limit, OverheadOptions, defend_with};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::{ExperimentError, Setting};

/// What an hour of such traffic costs under a defence: the median of its draws, and the lowest and highest of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourlyCost {
    /// The specification of the defence, or `none`.
    pub defence: String,
    /// How often it was drawn; once where nothing is left to chance.
    pub draws: usize,
    /// Megabytes (10^6 bytes) that an hour of the undefended traffic becomes; null where the traffic lasts no time at all.
    pub megabytes_an_hour: Option<Spread>,
    /// More bytes, over the bytes without it: what `defend` and `sweep` call bandwidth overhead.
    pub bandwidth_overhead: Spread,
    /// How long packets are held back, in milliseconds: half of them at most, 95 % at most, the longest.
    pub delay_ms_median: Spread,
    /// Of 95 % at most.
    pub delay_ms_95: Spread,
    /// Of the longest.
    pub delay_ms_longest: Spread,
    /// How much later the last packet of a capture is through, in seconds, on average.
    pub ends_later_s: Spread,
    /// The most that is sent within a tenth of a second, both ways, in Mbit/s.
    pub peak_mbit_s: Spread,
    /// Share of the seconds with traffic in which nothing but padding is sent.
    pub only_padding_share: Spread,
}

/// A number over the draws of a defence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Of one draw at least. The median of an even number is the mean of the middle two.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let (first, last) = (values[0], values[values.len() - 1]);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median, lowest: first, highest: last }
    }

    /// The median, and the span where there is one.
    pub fn in_words(&self, number: impl Fn(f64) -> String) -> String {
        let (median, lowest, highest) = (number(self.median), number(self.lowest), number(self.highest));
        if lowest == highest { median } else { format!("{median} [{lowest}, {highest}]") }
    }
}

/// What one draw costs.
#[derive(Debug)]
struct OneDraw {
    megabytes_an_hour: Option<f64>,
    bandwidth_overhead: f64,
    delay_ms: [f64; 3],
    ends_later_s: f64,
    peak_mbit_s: f64,
    only_padding_share: f64,
}

impl HourlyCost {
    /// OneDraw n is what `wfkit defend` makes with the seed and n added to it.
    ///
    /// # Errors
    /// What defences refuse.
    pub fn of_draws(
        set: &TraceSet,
        spec: &DefenseSpec,
        draws: u16,
        limit: Limit,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let mut costs = Vec::new();
        for draw in 0..draws {
            setting.go_on()?;
            let seed = setting.seed.wrapping_add(draw.into());
            let defended = defend_with(set, spec, &DefendOptions { seed, limit, ..DefendOptions::default() })?;
            costs.push(OneDraw::of(&defended));
            if !defended.is_left_to_chance() {
                break;
            }
        }
        Ok(Self::of(spec.to_string(), &costs))
    }

    /// The undefended traffic.
    pub fn of_nothing(set: &TraceSet) -> Self {
        Self::of("none".to_owned(), &[OneDraw::of_nothing(set)])
    }

    fn of(defence: String, draws: &[OneDraw]) -> Self {
        let over = |value: fn(&OneDraw) -> f64| Spread::of(draws.iter().map(value).collect());
        let megabytes: Option<Vec<f64>> = draws.iter().map(|draw| draw.megabytes_an_hour).collect();
        Self {
            defence,
            draws: draws.len(),
            megabytes_an_hour: megabytes.map(Spread::of),
            bandwidth_overhead: over(|draw| draw.bandwidth_overhead),
            delay_ms_median: over(|draw| draw.delay_ms[0]),
            delay_ms_95: over(|draw| draw.delay_ms[1]),
            delay_ms_longest: over(|draw| draw.delay_ms[2]),
            ends_later_s: over(|draw| draw.ends_later_s),
            peak_mbit_s: over(|draw| draw.peak_mbit_s),
            only_padding_share: over(|draw| draw.only_padding_share),
        }
    }
}

/// The costs of no defence and of several.
#[derive(Debug, Clone, PartialEq)]
pub struct HourlyCosts(pub Vec<HourlyCost>);

impl HourlyCosts {
    /// Of this traffic under each of these, drawn so often.
    ///
    /// # Errors
    /// What defences refuse.
    pub fn of<'a>(
        set: &TraceSet,
        specs: impl IntoIterator<Item = &'a DefenseSpec>,
        draws: u16,
        limit: Limit,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let mut costs = vec![HourlyCost::of_nothing(set)];
        for spec in specs {
            costs.push(HourlyCost::of_draws(set, spec, draws, limit, setting)?);
        }
        Ok(Self(costs))
    }

    /// What they are, for a report of this traffic, which is called so.
    pub fn findings(&self, set: &TraceSet, called: &str) -> Findings {
        let reason = "what a defence hides is measured against traces of others: wfkit sweep";
        let privacy = PrivacyReport::unmeasured("none", reason);
        let mut findings = Findings::new(Utility::of(&set.volumes()), privacy);
        findings.count_set(set);
        let extras = &mut findings.utility.extras;
        extras.set("traffic", called).set("reason", "null where the traffic lasts no time").set("costs", &self.0);
        findings
    }
}

impl OneDraw {
    fn of_nothing(set: &TraceSet) -> Self {
        let traces = || set.traces().iter().map(|labelled| &labelled.trace);
        let bytes: u64 = traces().map(|trace| trace.in_bytes() + trace.out_bytes()).sum();
        Self {
            megabytes_an_hour: an_hour(bytes, traces()),
            bandwidth_overhead: 0.0,
            delay_ms: [0.0; 3],
            ends_later_s: 0.0,
            peak_mbit_s: traces().map(peak_mbit_s).fold(0.0, f64::max),
            only_padding_share: 0.0,
        }
    }

    fn of(defended: &DefendedSet<'_>) -> Self {
        let originals = || defended.traces().map(|(original, _)| &original.trace);
        let volumes = defended.volumes();
        let bytes = volumes.iter().map(|volume| volume.in_bytes + volume.out_bytes).sum::<f64>();
        let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
        let later = defended.traces().map(|(original, after)| {
            let end = after.completion_ns(original.trace.len()).into_iter().max().unwrap_or(0);
            end.saturating_sub(original.trace.duration_ns()) as f64 / 1e9
        });
        let seconds = defended.traces().map(|(_, after)| seconds(after));
        let (alone, all) = seconds.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let ms = |seconds: Option<f64>| seconds.unwrap_or(0.0) * 1e3;
        let peaks: Vec<f64> =
            defended.traces().collect::<Vec<_>>().par_iter().map(|(_, after)| peak_mbit_s(&after.observe())).collect();
        Self {
            megabytes_an_hour: an_hour(bytes as u64, originals()),
            bandwidth_overhead: overheads.bandwidth.both.total.map_or(0.0, |total| total.value),
            delay_ms: [overheads.delay.p50_s, overheads.delay.p95_s, overheads.delay.max_s].map(ms),
            ends_later_s: later.sum::<f64>() / defended.original().len().max(1) as f64,
            peak_mbit_s: peaks.into_iter().fold(0.0, f64::max),
            only_padding_share: if all > 0 { alone as f64 / all as f64 } else { 0.0 },
        }
    }
}

/// Megabytes that `bytes` are for each hour of the original traces.
fn an_hour<'a>(bytes: u64, originals: impl Iterator<Item = &'a Trace>) -> Option<f64> {
    let hours = originals.map(Trace::duration_ns).sum::<u64>() as f64 / 3.6e12;
    (hours > 0.0).then(|| bytes as f64 / 1e6 / hours)
}

/// The most within any tenth of a second that begins with a packet.
fn peak_mbit_s(trace: &Trace) -> f64 {
    const WINDOW_NS: u64 = 100_000_000;
    let (times, sizes) = (trace.time_ns(), trace.size());
    let (mut end, mut inside, mut most) = (0, 0_u64, 0_u64);
    for start in 0..times.len() {
        while end < times.len() && times[end] - times[start] < WINDOW_NS {
            inside += u64::from(sizes[end].unsigned_abs());
            end += 1;
        }
        most = most.max(inside);
        inside -= u64::from(sizes[start].unsigned_abs());
    }
    most as f64 * 8.0 / 0.1 / 1e6
}

/// Seconds with nothing but padding, and seconds with any packet.
fn seconds(after: &DefendedTrace) -> (usize, usize) {
    let mut with_data: Vec<(u64, bool)> =
        after.packets().map(|packet| (packet.time_ns / 1_000_000_000, !packet.is_padding())).collect();
    with_data.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 |= same && next.1;
        same
    });
    (with_data.iter().filter(|(_, data)| !data).count(), with_data.len())
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, TraceKey};
    use wfkit_defend::defend;

    use super::*;

    /// An hour with 1 MB at once, and one packet at its end.
    fn set() -> TraceSet {
        let trace = Trace::new(vec![0, 1, 3_600_000_000_000], vec![400_000, -500_000, -100_000]).unwrap();
        let key = TraceKey { class: "mine".into(), rep: 0, session: None };
        let traces = vec![LabelledTrace::new(key, None, trace)];
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    fn draw(set: &TraceSet, spec: &str) -> OneDraw {
        OneDraw::of(&defend(set, &spec.parse().unwrap(), 0).unwrap())
    }

    #[test]
    fn an_hour_costs_what_it_is() {
        let set = set();
        let nothing = OneDraw::of_nothing(&set);
        assert_eq!((nothing.megabytes_an_hour, nothing.peak_mbit_s), (Some(1.0), 72.0));
        let padded = draw(&set, "pad:multiple,to=500000B");
        assert_eq!((padded.megabytes_an_hour, padded.delay_ms[2]), (Some(1.5), 0.0));
        assert!((padded.bandwidth_overhead - 0.5).abs() < 1e-12);
        assert_eq!((padded.peak_mbit_s, padded.only_padding_share), (80.0, 0.0));
        let held = draw(&set, "hold:quantise,tick=7s");
        assert!(held.delay_ms[1] > 0.0 && held.megabytes_an_hour == Some(1.0));
    }

    #[test]
    fn seconds_of_padding_alone_are_counted() {
        let cost = draw(&set(), "front,n-client=1000,n-server=1000,w-min=5s,w-max=5s");
        assert!(cost.only_padding_share > 0.5 && cost.bandwidth_overhead > 0.0, "{cost:?}");
    }

    #[test]
    fn the_median_of_draws_has_their_span_beside_it() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), Spread { median: 2.0, lowest: 1.0, highest: 3.0 });
        assert_eq!(Spread::of(vec![4.0, 1.0]).median, 2.5);
        let whole = |value: f64| format!("{value:.0}");
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]).in_words(whole), "2 [1, 3]");
        assert_eq!(Spread::of(vec![2.0]).in_words(whole), "2");
    }
}
