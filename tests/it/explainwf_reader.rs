//! The cell logs of Jansen and Wails (PoPETs 2023), three simulation runs of 100 pages.

use std::collections::BTreeMap;

use wfkit_datasets::{Layer, TraceFormat, TraceSetInfo, read_traces};

use crate::shared::shared_data;

/// Expected numbers: CPython 3.11, `lzma` and `json`, keeping cells with command 3 of ports 8000..=8099.
#[test]
fn three_runs_are_one_set_of_three_sessions() {
    let Some(folder) = shared_data("explainwf") else { return };
    let read = read_traces(&folder).unwrap();
    assert_eq!(read.format, TraceFormat::CellLog);
    let info = TraceSetInfo::of(&read.set);
    assert_eq!((info.layer, info.classes, info.traces, info.sessions), (Layer::Cell, 100, 14_463, 3));
    let packets = info.packets_per_trace.unwrap();
    assert_eq!(packets.median, 732.0);
    assert_eq!(info.seconds.unwrap().median, 4.725_297);
    let mean = info.packets as f64 / info.traces as f64;
    assert!((mean - 1_119.176_934_246_007).abs() < 1e-9, "{mean}");

    let mut per_run: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for labelled in read.set.traces() {
        let run = labelled.key.session.as_deref().unwrap();
        *per_run.entry(run).or_default().entry(&labelled.key.class).or_default() += 1;
        assert!(labelled.trace.size().iter().all(|size| size.abs() == 514));
        assert_eq!(labelled.trace.size()[0], -514, "the first cells of a client are no RELAY cells");
        assert!(labelled.start_ns.unwrap() > 946_684_800_000_000_000, "the simulated clock starts with the year 2000");
    }
    let counts = |run: &str| {
        let classes = per_run[run].values();
        (classes.clone().min().copied().unwrap(), classes.clone().max().copied().unwrap(), classes.sum::<usize>())
    };
    assert_eq!(counts("run1"), (48, 50, 4822));
    assert_eq!(counts("run2"), (48, 50, 4820));
    assert_eq!(counts("run3"), (47, 50, 4821));

    let dropped: Vec<(&str, u64)> = read.dropped.iter().map(|(reason, &count)| (reason.as_str(), count)).collect();
    assert_eq!(
        dropped,
        [
            ("circuit to another port than 8000 to 8099", 148),
            ("file of no trace format", 1),
            ("line without a circuit", 3),
        ]
    );
    assert_eq!(read.set.provenance().sources.len(), 3);
    assert_eq!(read.set.provenance().sources[0], "run1/wget2-traces.log.xz");
}
