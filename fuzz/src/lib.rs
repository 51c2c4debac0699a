//! What the targets share.

use std::path::PathBuf;

/// Lets panics of libraries pass that the readers catch themselves, and no others. The fuzzer aborts at every panic.
pub fn pass_caught_panics() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !wfkit_datasets::is_expected_panic() {
            abort(panic);
        }
    }));
}

/// A file with these bytes in memory; each run of a target has one of its own, and writes it anew.
pub fn file_of(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = PathBuf::from(format!("/dev/shm/wfkit-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("memory has room for a folder");
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("memory has room for a small file");
    path
}
