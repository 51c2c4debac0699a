//! Running the program. Networks need tor and namespaces; without them tests say so and do nothing, unless
//! `WFKIT_REQUIRE_LAB` is set.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const LAB: &str = env!("CARGO_BIN_EXE_wfkit-lab");

/// Runs it to its end; `folder` is where networks write, and marks their processes.
pub(crate) fn lab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(LAB).args(arguments).env("TMPDIR", folder).output().unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether networks can run here.
pub(crate) fn can_run() -> bool {
    let check = Command::new(LAB).arg("check").output().unwrap();
    if check.status.success() {
        return true;
    }
    assert!(std::env::var_os("WFKIT_REQUIRE_LAB").is_none(), "{}", text(&check));
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`: the test runner would swallow it.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no network can run here; `wfkit-lab check` says why");
    false
}

/// Whether there is a browser; `lab/setup --browser` brings one.
pub(crate) fn has_chromium() -> bool {
    let is_there = Command::new("chromium").arg("--version").output().is_ok_and(|said| said.status.success());
    if !is_there {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: there is no chromium; lab/setup --browser installs it");
    }
    is_there
}

/// Whether there is arti as a client; `lab/setup --arti` builds it. With `WFKIT_REQUIRE_ARTI` it must be there.
pub(crate) fn has_arti() -> bool {
    let said = text(&Command::new(LAB).arg("check").output().unwrap());
    let is_there = said.lines().any(|line| line.starts_with("has    wfkit-lab-arti: "));
    if !is_there {
        assert!(std::env::var_os("WFKIT_REQUIRE_ARTI").is_none(), "{said}");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: there is no wfkit-lab-arti; lab/setup --arti builds it");
    }
    is_there
}

/// Processes that mention a path.
pub(crate) fn processes_that_mention(path: &Path) -> Vec<PathBuf> {
    let path = path.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let mentions = |process: &PathBuf| {
        fs::read(process.join("environ")).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(path))
    };
    entries
        .filter(|process| process.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()))
        .filter(mentions)
        .collect()
}
