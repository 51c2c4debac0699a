//! `wfkit defend cost`: what a defence would cost whoever made these captures, in megabytes an hour and milliseconds.

use std::path::PathBuf;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use wfkit_capture::has_captures;
use wfkit_datasets::{Trace, TraceSet};
use wfkit_defend::{DefendedSet, DefendedTrace, DefenseSpec, OverheadOptions, defend, grid};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::cli;
use crate::commands::capture::import_captures;
use crate::context::{Context, count_set, digests};
use crate::input::read_traces;
use crate::printer::percent;

/// What an hour of such traffic costs under a defence. Null where the traffic lasts no time at all.
#[derive(Debug, Serialize)]
struct HourlyCost {
    defence: String,
    /// Megabytes (10^6 bytes) that an hour of the undefended traffic becomes.
    megabytes_an_hour: Option<f64>,
    /// Share of these bytes that carries nothing.
    padding_share: f64,
    /// How long packets are held back, in milliseconds: half of them at most, 95 % at most, the longest.
    delay_ms_median: f64,
    delay_ms_95: f64,
    delay_ms_longest: f64,
    /// How much later the last packet of a capture is through, in seconds, on average.
    ends_later_s: f64,
    /// The most that is sent within a tenth of a second, both ways, in Mbit/s.
    peak_mbit_s: f64,
    /// Share of the seconds with traffic in which nothing but padding is sent.
    only_padding_share: f64,
}

pub(super) fn run(options: &cli::DefendCost, context: &Context<'_>) -> Result<()> {
    let specs: Vec<DefenseSpec> =
        options.defences.iter().map(|pattern| grid(pattern)).collect::<Result<Vec<_>, _>>()?.concat();
    let set = read(&options.paths, &options.import, context)?;
    let mut costs = vec![HourlyCost::of_nothing(&set)];
    for spec in &specs {
        costs.push(HourlyCost::of(&defend(&set, spec, context.seed)?));
    }
    let reason = "what a defence hides is measured against traces of others: wfkit sweep";
    let privacy = PrivacyReport::unmeasured("none", reason);
    let mut report = context.stage("defend cost", digests(&options.paths)?, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, &set);
    report.utility.extras.set("reason", "null where the traffic lasts no time");
    report.utility.extras.set("costs", &costs);
    context.finish(&mut report, None)?;
    if context.printer.is_json() {
        return context.printer.document(&report);
    }
    print(&set, &costs, context)
}

/// Captures, with everything of the client's in one trace a file, whatever its name; or traces.
fn read(paths: &[PathBuf], import: &cli::Import, context: &Context<'_>) -> Result<TraceSet> {
    if !paths.iter().all(|path| has_captures(path)) {
        return Ok(read_traces(paths, context)?.set);
    }
    let mut import = import.clone();
    import.flows = cli::Flows::All;
    if import.label.is_none() && import.labels.is_none() {
        import.label = Some("^(?<class>.*)$".to_owned());
    }
    Ok(import_captures(paths, &import, context)?.set)
}

fn print(set: &TraceSet, costs: &[HourlyCost], context: &Context<'_>) -> Result<()> {
    let seconds = set.traces().iter().map(|t| t.trace.duration_ns()).sum::<u64>() as f64 / 1e9;
    let bytes: u64 = set.traces().iter().map(|t| t.trace.in_bytes() + t.trace.out_bytes()).sum();
    let (n, s) = (set.len(), if set.len() == 1 { "" } else { "s" });
    context
        .printer
        .line(&format!("{n} trace{s}, {seconds:.1} s and {:.2} MB together, cost with:", bytes as f64 / 1e6))?;
    let row = |cost: &HourlyCost| {
        [
            cost.defence.clone(),
            cost.megabytes_an_hour.map_or_else(|| "-".to_owned(), |megabytes| format!("{megabytes:.0}")),
            percent(cost.padding_share),
            format!("{:.0} / {:.0} / {:.0}", cost.delay_ms_median, cost.delay_ms_95, cost.delay_ms_longest),
            format!("{:.1} s", cost.ends_later_s),
            format!("{:.1}", cost.peak_mbit_s),
            percent(cost.only_padding_share),
        ]
    };
    let rows: Vec<_> = costs.iter().map(row).collect();
    context.printer.table(
        [
            "defence",
            "MB an hour",
            "of it padding",
            "ms of delay: median / 95 % / longest",
            "ends later",
            "peak Mbit/s",
            "seconds of padding alone",
        ],
        &rows,
    )?;
    context.printer.line(
        "An hour is an hour of what you do now: loads that take longer under a defence count as if they took no longer. Delays are of \
         the simulation; a deployed defence waits longer. What a defence hides: wfkit sweep.",
    )
}

impl HourlyCost {
    fn of_nothing(set: &TraceSet) -> Self {
        let traces = || set.traces().iter().map(|labelled| &labelled.trace);
        let bytes: u64 = traces().map(|trace| trace.in_bytes() + trace.out_bytes()).sum();
        Self {
            defence: "none".to_owned(),
            megabytes_an_hour: an_hour(bytes, traces()),
            padding_share: 0.0,
            delay_ms_median: 0.0,
            delay_ms_95: 0.0,
            delay_ms_longest: 0.0,
            ends_later_s: 0.0,
            peak_mbit_s: traces().map(peak_mbit_s).fold(0.0, f64::max),
            only_padding_share: 0.0,
        }
    }

    fn of(defended: &DefendedSet<'_>) -> Self {
        let originals = || defended.traces().map(|(original, _)| &original.trace);
        let volumes = defended.volumes();
        let bytes = volumes.iter().map(|volume| volume.in_bytes + volume.out_bytes).sum::<f64>();
        let normal: u64 = originals().map(|trace| trace.in_bytes() + trace.out_bytes()).sum();
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
            defence: defended.spec().to_string(),
            megabytes_an_hour: an_hour(bytes as u64, originals()),
            padding_share: if bytes > 0.0 { 1.0 - normal as f64 / bytes } else { 0.0 },
            delay_ms_median: ms(overheads.delay.p50_s),
            delay_ms_95: ms(overheads.delay.p95_s),
            delay_ms_longest: ms(overheads.delay.max_s),
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

    use super::*;

    /// An hour with 1 MB at once, and one packet at its end.
    fn set() -> TraceSet {
        let trace = Trace::new(vec![0, 1, 3_600_000_000_000], vec![400_000, -500_000, -100_000]).unwrap();
        let key = TraceKey { class: "mine".into(), rep: 0, session: None };
        let traces = vec![LabelledTrace::new(key, None, trace)];
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn an_hour_costs_what_it_is() {
        let set = set();
        let nothing = HourlyCost::of_nothing(&set);
        assert_eq!((nothing.megabytes_an_hour, nothing.peak_mbit_s), (Some(1.0), 72.0));
        let padded = HourlyCost::of(&defend(&set, &"pad:multiple,to=500000B".parse().unwrap(), 0).unwrap());
        assert_eq!((padded.megabytes_an_hour, padded.delay_ms_longest), (Some(1.5), 0.0));
        assert!((padded.padding_share - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((padded.peak_mbit_s, padded.only_padding_share), (80.0, 0.0));
        let held = HourlyCost::of(&defend(&set, &"hold:quantise,tick=7s".parse().unwrap(), 0).unwrap());
        assert!(held.delay_ms_95 > 0.0 && held.megabytes_an_hour == Some(1.0));
    }

    #[test]
    fn seconds_of_padding_alone_are_counted() {
        let set = set();
        let spec = "front,n-client=1000,n-server=1000,w-min=5s,w-max=5s".parse().unwrap();
        let cost = HourlyCost::of(&defend(&set, &spec, 0).unwrap());
        assert!(cost.only_padding_share > 0.5 && cost.padding_share > 0.0, "{cost:?}");
    }
}
