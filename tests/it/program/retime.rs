//! The same traces with another round trip, on the sample.

use wfkit_datasets::Trace;

use super::support::Folder;

fn traces(folder: &Folder, name: &str) -> Vec<Trace> {
    folder.traces(name).set.traces().iter().map(|one| one.trace.clone()).collect()
}

#[test]
fn answers_come_later_and_the_way_back_gives_the_same_packets() {
    let folder = Folder::with_traces();
    let report = folder.report("dataset retime traces.parquet --from-rtt 300ms --rtt 500ms --out far.parquet");
    let told = report.utility.extras.get("retime").unwrap();
    assert_eq!((told["rtt_ms"].as_f64(), told["from_rtt"].as_str()), (Some(500.0), Some("as given")));
    let seconds = |name: &str| told[name].as_f64().unwrap();
    assert!(seconds("median_seconds_after") > seconds("median_seconds_before") + 0.2);
    assert_eq!(report.counts["packets clipped: gaps shorter than what was taken"], 0);
    let (before, after) = (traces(&folder, "traces.parquet"), traces(&folder, "far.parquet"));
    assert!(before.iter().zip(&after).all(|(before, after)| before.size() == after.size()));
    let first_answer = |trace: &Trace| trace.time_ns()[trace.size().iter().position(|&size| size < 0).unwrap()];
    assert!(before.iter().zip(&after).all(|(before, after)| first_answer(after) == first_answer(before) + 200_000_000));

    folder.wfkit("dataset retime far.parquet --from-rtt 500ms --rtt 300ms --out back.parquet").succeeds();
    assert_eq!(traces(&folder, "back.parquet"), before);
    let origins = |name: &str| -> Vec<Option<String>> {
        folder.traces(name).set.traces().iter().map(|one| one.origin.clone()).collect()
    };
    assert_eq!(origins("back.parquet"), origins("far.parquet"), "a copy of a copy is one of the load");
    let steps = ["retime:rtt=500ms,from-rtt=300ms", "retime:rtt=300ms,from-rtt=500ms"];
    assert_eq!(folder.traces("back.parquet").set.provenance().defenses, steps);
    let refused = folder.wfkit("evaluate --train traces.parquet --test far.parquet --attack totals").fails();
    assert!(refused.contains("are copies of a load that was trained on"), "{refused}");
}

#[test]
fn the_round_trip_is_measured_and_clipped_packets_are_told() {
    let folder = Folder::with_traces();
    let ran = folder.wfkit("dataset retime traces.parquet --rtt 80ms --out near.parquet").succeeds();
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.starts_with("round trip ") && told.contains(" (measured) -> 80 ms; median trace "), "{told}");
    assert!(ran.stderr.contains("came too soon"), "{}", ran.stderr);
    let report = folder.report("dataset retime traces.parquet --rtt 80ms --out near.parquet");
    let clipped = report.counts["packets clipped: gaps shorter than what was taken"];
    assert!(clipped > 0 && clipped < report.counts["packets"] / 10, "{clipped} of {}", report.counts["packets"]);
    let sessions = report.utility.extras.get("retime").unwrap()["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len() as u64, report.counts["sessions"]);
    assert!(sessions.iter().all(|one| (200.0..600.0).contains(&one["from_rtt_ms"].as_f64().unwrap())), "{sessions:?}");

    let message = folder.wfkit("dataset retime traces.parquet --rtt soon --out x.parquet").shows_wrong_usage();
    assert!(message.contains("not a time such as 80ms"), "{message}");
    folder.wfkit("dataset retime traces.parquet --rtt 80ms --from-rtt guessed --out x.parquet").shows_wrong_usage();
    let message = folder.wfkit("dataset retime traces.parquet --rtt 80ms --out x.csv").fails();
    assert!(message.contains("x.csv: only .parquet keeps"), "{message}");
    folder.write("out.csv", "cell_id,rep,direction_size,timestamp\n1,1,100,0\n1,1,90,0.5\n2,1,100,0\n2,1,80,0.1\n");
    let message = folder.wfkit("dataset retime out.csv --rtt 80ms --out x.parquet").fails();
    assert!(message.contains("out.csv: no trace has an incoming packet after an outgoing one"), "{message}");
    assert!(!folder.path("x.parquet").exists());
}
