//! Every picture and the page, of made-up data: as they were looked at, within their size, with names inside of the frame.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod answers;
mod made_up;
mod pages;
mod pictures;

use std::path::Path;

/// Compares with a file of `tests/snapshots`, or writes it where `WFKIT_SNAPSHOTS=write`.
fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("WFKIT_SNAPSHOTS").is_some_and(|how| how == "write") {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let differs = kept.lines().zip(text.lines()).find(|(a, b)| a != b);
    if let Some((kept, now)) = differs {
        panic!("{name} changed; report/tests/snapshots/write writes it anew\n before: {kept}\n now:    {now}");
    }
    assert_eq!(kept.len(), text.len(), "{name} has another end; report/tests/snapshots/write writes it anew");
}
