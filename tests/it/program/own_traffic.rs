//! What a user's own capture would cost under defences, and traces written as captures.

use wfkit_datasets::sample;

use super::support::Folder;

#[test]
fn a_capture_of_any_name_is_told_its_cost_an_hour() {
    let folder = Folder::new();
    folder.write("evening.pcap", std::fs::read(sample().join("cell_17_rep_0.pcap")).unwrap());
    let options = "--defence pad:mtu --defence jitter:uniform,max=50ms|100ms --defence front";
    let told = folder.wfkit(&format!("defend cost evening.pcap {options}")).succeeds().stdout;
    for part in ["1 trace, ", "MB an hour", "jitter:uniform,max=50ms", "front:ft-1"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let report = folder.report(&format!("defend cost evening.pcap {options}"));
    let costs = report.utility.extras.get("costs").unwrap().as_array().unwrap().clone();
    let number = |row: usize, key: &str| costs[row][key]["median"].as_f64().unwrap();
    let seconds = report.utility.utility.median_seconds.unwrap();
    let bytes = report.utility.utility.median_in_bytes.unwrap() + report.utility.utility.median_out_bytes.unwrap();
    assert!((number(0, "megabytes_an_hour") - bytes / 1e6 / seconds * 3600.0).abs() < 1e-9);
    let more = number(1, "megabytes_an_hour") / number(0, "megabytes_an_hour") - 1.0;
    assert!((number(1, "bandwidth_overhead") - more).abs() < 1e-6);
    assert_eq!((number(1, "delay_ms_longest"), number(2, "bandwidth_overhead")), (0.0, 0.0));
    assert!(number(3, "delay_ms_median") > number(2, "delay_ms_median") && number(2, "delay_ms_median") > 0.0);

    // Many draws of what is left to chance, with their span; one of what is not.
    assert_eq!((costs[1]["draws"].as_u64(), costs[4]["draws"].as_u64()), (Some(1), Some(20)));
    let megabytes = &costs[4]["megabytes_an_hour"];
    let [low, median, high] = ["lowest", "median", "highest"].map(|of| megabytes[of].as_f64().unwrap());
    assert!(
        low < median && median < high && told.contains(&format!("{median:.0} [{low:.0}, {high:.0}]")),
        "{megabytes} {told}"
    );

    // The same of traces, and what `defend` says of them.
    folder.wfkit("capture import evening.pcap --label (?<class>.*) --out traces.parquet").succeeds();
    let again = folder.report(&format!("defend cost traces.parquet {options}"));
    assert_eq!(again.utility.extras.get("costs").unwrap(), &serde_json::Value::from(costs.clone()));
    let defended = folder.report("defend traces.parquet --defence pad:mtu --attack totals --out d.parquet");
    let overhead = &defended.utility.extras.get("overheads").unwrap()["bandwidth"]["both"]["total"]["value"];
    assert!((overhead.as_f64().unwrap() - number(1, "bandwidth_overhead")).abs() < 1e-12);
    folder.wfkit("defend cost evening.pcap").shows_wrong_usage();
    folder.wfkit("defend cost evening.pcap --defence frost").shows_wrong_usage();
}

#[test]
fn defended_traces_go_out_as_captures_and_come_back() {
    let folder = Folder::with_traces();
    folder.wfkit("defend traces.parquet --defence front+pad:mtu --attack totals --out d.parquet").succeeds();
    folder.wfkit("dataset convert d.parquet --pcap captures --out d.csv").succeeds();
    assert_eq!(folder.files("captures").len(), 200 + 1);
    folder.wfkit("capture import captures --out back.parquet").succeeds();
    // A capture has packets, and says nothing of the load that they defend.
    let mut defended = folder.traces("d.parquet").set.traces().to_vec();
    defended.iter_mut().for_each(|labelled| labelled.origin = None);
    assert_eq!(folder.traces("back.parquet").set.traces(), defended);
    let told = folder.wfkit("dataset convert d.parquet").shows_wrong_usage();
    assert!(told.contains("--out"), "{told}");
}
