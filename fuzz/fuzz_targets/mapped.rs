//! Any text as a table of packets, by what its first line says of the columns.
#![no_main]

use wfkit_datasets::formats::{ColumnMap, read_all_traces_by};
use wfkit_fuzz::{file_of, pass_caught_panics};
use wfkit_metrics::Silent;

libfuzzer_sys::fuzz_target!(init: pass_caught_panics(), |bytes: &[u8]| {
    let Some((map, content)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else { return };
    let Ok(map) = map.parse::<ColumnMap>() else { return };
    let _ = read_all_traces_by(&[file_of("table.csv", content.as_bytes())], &map, &Silent);
});
