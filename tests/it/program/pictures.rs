//! Pictures as pixels, wherever one is written.

use super::support::Folder;

fn is_png(folder: &Folder, name: &str) -> bool {
    folder.bytes(name).starts_with(b"\x89PNG\r\n\x1a\n")
}

#[test]
#[cfg(feature = "png")]
fn every_picture_is_also_a_png() {
    let folder = Folder::with_traces();
    folder.wfkit("plot cumulative traces.parquet --out a.png").succeeds();
    folder.wfkit("evaluate traces.parquet --attack totals --folds 2 --picture b.PNG --quiet").succeeds();
    folder.wfkit(
        "evaluate --matrix traces.parquet traces.parquet --attack totals --picture c.png --allow-duplicates --quiet",
    );
    assert!(is_png(&folder, "a.png") && is_png(&folder, "b.PNG"));
    let first = folder.bytes("a.png");
    folder.wfkit("plot cumulative traces.parquet --out a.png").succeeds();
    assert_eq!(folder.bytes("a.png"), first, "the same bytes");
}

#[test]
fn a_wrong_ending_is_told_before_the_work() {
    let folder = Folder::with_traces();
    for wrong in ["--picture p.pdf", "--sheet s.html"] {
        let error = folder.wfkit(&format!("evaluate traces.parquet {wrong}")).shows_wrong_usage();
        assert!(error.contains("written as"), "{error}");
    }
    assert!(
        folder.wfkit("plot sizes traces.parquet --out p.pdf").fails().contains("written as .svg, .png, .csv or .json")
    );
}
