//! The packet tables of the reference competition sets, as traces.

use wfkit_datasets::{read_traces, write_traces};

use crate::shared::shared_data;

#[test]
fn a_defence_file_is_a_trace_format() {
    let Some(folder) = shared_data("competition") else { return };
    for name in ["small-class-major", "small-rep-major"] {
        let read = read_traces(&folder.join(name).join("defence_input.csv")).unwrap();
        assert_eq!((read.set.classes().len(), read.set.len(), read.set.packets()), (4, 24, 397));

        let written = tempfile::tempdir().unwrap();
        for extension in ["csv", "csv.zip"] {
            let path = written.path().join(format!("out.{extension}"));
            write_traces(&path, &read.set).unwrap();
            assert_eq!(read_traces(&path).unwrap().set.traces(), read.set.traces());
        }

        let error = read_traces(&folder.join(name).join("split_intended_test.csv")).unwrap_err().to_string();
        assert!(error.contains("column cell_id is missing: found capture_id,direction_size,timestamp"), "{error}");
        let error = read_traces(&folder.join(name).join("split_intended_verif.csv")).unwrap_err().to_string();
        assert!(error.contains("found a competition's verification file"), "{error}");
    }
}
