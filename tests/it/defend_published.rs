//! What defences cost here beside what papers say they cost, on traces made to ask as much of them.

#![expect(clippy::unwrap_used, reason = "a test may")]

use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceSet, read_traces};
use wfkit_defend::{
    DefendOptions, DefenseSpec, DelayModel, Direction, Estimate, OverheadOptions, Overheads, StopRule, defend,
    defend_with, list,
};

use crate::defend_samples::samples;
use crate::shared::shared_data;

const SURAKAV: &str = "maybenot-gen src environment data-gong-surakav";
const SIRINAM: &str = "maybenot-gen src environment data-df-wflib";
const BIG_ENOUGH: &str = "maybenot-gen src environment data-bigenough-standard";

fn overheads(set: &TraceSet, text: &str) -> Overheads {
    overheads_of_copies(set, text, 1)
}

/// Of several defended copies of each trace, for defences whose cost is drawn.
fn overheads_of_copies(set: &TraceSet, text: &str, copies: u32) -> Overheads {
    let spec: DefenseSpec = text.parse().unwrap();
    let options = DefendOptions { seed: 1, replicas: copies.try_into().unwrap(), ..DefendOptions::default() };
    defend_with(set, &spec, &options).unwrap().overheads(&OverheadOptions { bootstrap: 0, seed: 0 })
}

/// Bandwidth and latency, sum over sum, in per cent.
fn cost(set: &TraceSet, text: &str) -> (f64, f64) {
    let overheads = overheads(set, text);
    (per_cent(overheads.bandwidth.both.total), per_cent(overheads.latency.total))
}

fn per_cent(estimate: Option<Estimate>) -> f64 {
    100.0 * estimate.unwrap().value
}

/// Page loads of a simulated network, one of each of 100 pages.
fn page_loads() -> Option<TraceSet> {
    let log = read_traces(&shared_data("explainwf")?.join("run1").join("wget2-traces.log.xz")).unwrap();
    let mut classes = std::collections::BTreeSet::new();
    let first = |labelled: &&LabelledTrace| classes.insert(labelled.key.class.clone());
    let traces = log.set.traces().iter().filter(first).cloned().collect();
    Some(TraceSet::new(traces, Provenance::new(Layer::Cell, vec![])).unwrap())
}

/// Cells a second over all loads, the demand of a set.
fn demand(set: &TraceSet) -> f64 {
    set.packets() as f64 / set.traces().iter().map(|t| t.trace.duration_ns() as f64 / 1e9).sum::<f64>()
}

/// The set with all its times multiplied, so that it has this demand.
fn with_demand(set: &TraceSet, cells_a_second: f64) -> TraceSet {
    let factor = demand(set) / cells_a_second;
    let stretched = |labelled: &LabelledTrace| {
        let times = labelled.trace.time_ns().iter().map(|&t| (t as f64 * factor).round() as u64);
        LabelledTrace {
            trace: Trace::new(times.collect(), labelled.trace.size().to_vec()).unwrap(),
            ..labelled.clone()
        }
    };
    TraceSet::new(set.traces().iter().map(stretched).collect(), set.provenance().clone()).unwrap()
}

/// Slots a second and cells a second fix how bandwidth and latency overhead go together: (1 + bandwidth) / (1 + latency) is one over the other,
/// the tail left out. So every published pair tells the demand of its traces.
#[test]
fn slots_turn_latency_into_bandwidth() {
    let Some(loads) = page_loads() else { return };
    for (text, slots) in [
        ("tamaraw:cell", 1.0 / 0.014 + 1.0 / 0.004),
        ("tamaraw:cell,delays=pessimistic", 1.0 / 0.014 + 1.0 / 0.004),
        ("tamaraw:ccs14,size=514B", 1.0 / 0.040 + 1.0 / 0.012),
        ("constant-rate,size=514B,tau=0s", 2.0 / 0.020),
    ] {
        let overheads = overheads(&loads, text);
        let ratio = (100.0 + per_cent(overheads.bandwidth_without_tail.both.total))
            / (100.0 + per_cent(overheads.latency.total));
        let expected = slots / demand(&loads);
        assert!((ratio / expected - 1.0).abs() < 0.02, "{text}: {ratio} for {expected}");
    }
}

/// Published, optimistic and pessimistic: 90 %, 29 % and 107 %, 41 % (WFDefProxy, IEEE TIFS 2023), both of which tell a demand of 218 cells a second.
/// The sample of such traces has 179: as it is, it costs 14 % and 21 % of time. With that demand it costs what was published within 12 points.
#[test]
fn tamaraw_costs_what_was_published_on_loads_as_fast() {
    let Some(samples) = samples() else { return };
    let set = &samples[SURAKAV];
    let slots = 1.0 / 0.014 + 1.0 / 0.004;
    let told = |bandwidth: f64, latency: f64| slots * (100.0 + latency) / (100.0 + bandwidth);
    assert!((told(90.0, 29.0) - 218.5).abs() < 1.0 && (told(107.0, 41.0) - 218.5).abs() < 1.0);
    assert!((demand(set) - 179.0).abs() < 1.0, "{}", demand(set));
    let as_fast = with_demand(set, 218.5);
    for (text, bandwidth, latency) in [("tamaraw:cell", 90.0, 29.0), ("tamaraw:cell,delays=pessimistic", 107.0, 41.0)] {
        let (found_bandwidth, found_latency) = cost(&as_fast, text);
        assert!((found_bandwidth - bandwidth).abs() < 12.0, "{text}: {found_bandwidth}");
        assert!((found_latency - latency).abs() < 12.0, "{text}: {found_latency}");
    }
    // The simulated page loads have that demand as they are, and come in denser bursts.
    let Some(loads) = page_loads() else { return };
    assert!((demand(&loads) - 218.5).abs() < 2.0);
    for (text, bandwidth, latency) in [("tamaraw:cell", 90.0, 29.0), ("tamaraw:cell,delays=pessimistic", 107.0, 41.0)] {
        let (found_bandwidth, found_latency) = cost(&loads, text);
        assert!((1.0..1.3).contains(&((100.0 + found_bandwidth) / (100.0 + bandwidth))), "{text}: {found_bandwidth}");
        assert!((1.0..1.3).contains(&(found_latency / latency)), "{text}: {found_latency}");
    }
}

/// Published for 40 and 12 ms with one cell a slot: 196 %, 37 % (Holland and Hopper, 2022: 50 cells a second) and 163 %, 78 % with L = 50 (Gong and Wang,
/// 2020: 74). Slots of 750 bytes carry one and a half cells, and samples with 100 to 220 cells a second leave fewer of them empty.
#[test]
fn tamaraw_of_the_paper_costs_less_on_faster_loads_and_larger_slots() {
    let (Some(samples), Some(loads)) = (samples(), page_loads()) else { return };
    let (as_it_is, _) = cost(&samples[SURAKAV], "tamaraw:ccs14");
    let (one_cell, _) = cost(&samples[SURAKAV], "tamaraw:ccs14,size=514B");
    assert!(one_cell < as_it_is && as_it_is < 60.0, "{one_cell} {as_it_is}");
    for set in [&loads, &samples[SIRINAM], &samples[BIG_ENOUGH]] {
        let (bandwidth, latency) = cost(&with_demand(set, 50.1), "tamaraw:ccs14,size=514B,delays=pessimistic");
        assert!((140.0..200.0).contains(&bandwidth) && (10.0..40.0).contains(&latency), "{bandwidth} {latency}");
    }
}

/// Published: ctsp 180 %, cpsp 129 % with early termination, 273 % and 242 % without (Cai et al., WPES 2014). Early termination is not simulated.
#[test]
fn cs_buflo_costs_what_was_published() {
    let (Some(samples), Some(loads)) = (samples(), page_loads()) else { return };
    let cost = |set, text| {
        let overheads = overheads_of_copies(set, text, 10);
        (per_cent(overheads.bandwidth.both.total), per_cent(overheads.latency.total))
    };
    for set in [&samples[SURAKAV], &loads] {
        let ((ctsp, latency), (cpsp, _)) = (cost(set, "cs-buflo:ctsp"), cost(set, "cs-buflo:cpsp"));
        assert!((129.0..242.0).contains(&cpsp) && cpsp < ctsp && ctsp < 273.0, "{ctsp} {cpsp}");
        assert!((20.0..70.0).contains(&latency), "{latency}");
    }
    // Slower loads: an interval of 32.8 ms is the longest, and the client, which has one cell in seven, sends as long as the server.
    let overheads = overheads(&samples[SIRINAM], "cs-buflo:cpsp");
    assert!(
        per_cent(overheads.bandwidth.incoming.total) < 160.0 && per_cent(overheads.bandwidth.outgoing.total) > 1_000.0
    );
}

/// Published for these traces: heavy 80 %, 7 %; light 48 %, 9 % (Holland and Hopper, 2022, whose loads have 2101 packets; the sample's have 2795, so the
/// budget is less of them). The mean over loads is what was published, the sum is below it.
#[test]
fn regulator_costs_what_was_published_on_its_own_kind_of_loads() {
    let Some(samples) = samples() else { return };
    for (text, bandwidth, latency) in [("regulator:heavy", 79.7, 6.6), ("regulator:light", 48.3, 8.9)] {
        let overheads = overheads_of_copies(&samples[SIRINAM], text, 30);
        let (total, mean) = (per_cent(overheads.bandwidth.both.total), per_cent(overheads.bandwidth.both.mean));
        assert!((mean - bandwidth).abs() < 8.0 && (0.7..1.0).contains(&(total / bandwidth)), "{text}: {total} {mean}");
        assert!((per_cent(overheads.latency.total) - latency).abs() < 4.0, "{text}");
    }
}

/// The rule scales the rate with the volume. The simulated loads are half as large and four times as fast: scaled down, surges are slower than the load.
/// A rate by cells a second and a cap for its short loads bring the latency down to nothing; the budget does not matter.
#[test]
fn scaling_regulator_by_volume_fails_on_faster_loads() {
    let Some(loads) = page_loads() else { return };
    let latency = |parameters: &str| cost(&loads, &format!("regulator:heavy{parameters}")).1;
    let (plain, scaled) = (latency(""), latency(",scale=auto"));
    assert!(plain < 45.0 && scaled > 90.0, "{plain} {scaled}");
    assert!((latency(",n=1891") - plain).abs() < 2.0 && (latency(",rate=147") - scaled).abs() < 2.0);
    // 277 a second for 50 cells a second are 1213 for 219; the cap of 1.77 s is a third of a load of 5 s. (Draws move it by a point or two.)
    let (by_rate, capped) = (latency(",rate=1213"), latency(",rate=1213,cap=50ms"));
    assert!((20.0..40.0).contains(&by_rate) && capped < 5.0, "{by_rate} {capped}");
}

/// Published for these traces: latency 6 %, bandwidth 141 % over all, 461 % on average (Mathews et al., IEEE S&P 2023). The 14 loads of the sample are smaller
/// than its average, and between the two.
#[test]
fn dynaflow_costs_about_what_was_published() {
    let Some(samples) = samples() else { return };
    let overheads = overheads(&samples[BIG_ENOUGH], "dynaflow");
    assert!((per_cent(overheads.latency.total) - 6.0).abs() < 4.0);
    let (total, mean) = (per_cent(overheads.bandwidth.both.total), per_cent(overheads.bandwidth.both.mean));
    assert!(141.0 < total && total < mean && mean < 461.0, "{total} {mean}");
}

/// Every defence that delays follows every delay model, on real page loads; `defend` checks causality.
#[test]
fn every_defence_that_delays_offers_every_model() {
    let Some(samples) = samples() else { return };
    let set = samples[SURAKAV].select(&[0, 1, 2]);
    for defense in list() {
        let spec: DefenseSpec = defense.name.parse().unwrap();
        if !spec.delays() || defense.needs.sizes {
            continue;
        }
        let spec = if spec.needs_training() { spec.fit(set.clone()) } else { spec };
        for model in DelayModel::ALL {
            let spec = spec.clone().with_delays(model).with_stop(StopRule::Soft { quiet_ns: 1_500_000_000 });
            let defended = defend(&set, &spec, 1).unwrap();
            let assumed = defended.manifest().layers[0].assumptions.delay_model;
            assert!(assumed == model || assumed == DelayModel::None, "{spec}: {assumed}"); // none holds nothing back
            assert!(model != DelayModel::Inferred || defended.causality().too_soon == 0, "{spec}");
        }
    }
}

/// In no 100 ms do more bits start than the link sends in them and one packet.
#[test]
fn a_link_behind_padding_never_sends_more_than_its_rate() {
    let Some(folder) = shared_data("torpcaps") else { return };
    let set = wfkit_capture::import(&[folder], &wfkit_capture::ImportOptions::default(), &|_, _| {}).unwrap().set;
    let set = set.select(&(0..set.len()).step_by(50).collect::<Vec<_>>());
    let rate = 400_000.0;
    let cost = |link: &str| overheads(&set, &format!("pad:mtu+front:ft-1{link}"));
    let (free, limited) = (cost(""), cost("+link,rate=400kbit/s"));
    let one_packet = 10.0
        * 8.0
        * f64::from(
            set.traces().iter().flat_map(|t| t.trace.size()).map(|s| s.unsigned_abs()).max().unwrap().max(1448),
        );
    for way in Direction::BOTH {
        let peak = limited.peak_100ms_bits_per_second[way].defended as f64;
        assert!(peak <= rate + one_packet, "{peak}");
    }
    assert!(free.peak_100ms_bits_per_second.incoming.defended as f64 > rate + one_packet);
    assert_eq!(per_cent(free.latency.total), 0.0);
    assert!(
        per_cent(limited.latency.total) > 0.0 && limited.delayed_share > Some(0.1) && free.delayed_share == Some(0.0)
    );
    assert!(limited.first_response_delay.mean_s.unwrap().value >= 0.0);
}
