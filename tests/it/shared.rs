//! The reference data that stands beside the project, where it is there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder `name` of the reference data, or `None` after saying aloud that the test is skipped.
///
/// Looked for in `$WFKIT_SHARED_DATA`, else in `../shared/data` beside the project. Where `$WFKIT_REQUIRE_SHARED_DATA` is
/// set (as in CI), its absence fails the test.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WFKIT_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("WFKIT_REQUIRE_SHARED_DATA").is_none(),
        "reference data required, but {} is not there",
        folder.display()
    );
    // Not `eprintln!`: the test runner would swallow it.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: the reference data `{name}` is not beside the project");
    None
}
