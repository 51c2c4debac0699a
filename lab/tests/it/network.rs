//! Networks that really run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{can_run, lab, processes_that_mention, text};

/// What takes a moment, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A number in process.json of a network.
fn process(folder: &Path, name: &str, key: &str) -> String {
    let user = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(user.join(name).join("process.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value[key].to_string()
}

fn wait_until_gone(folder: &Path) {
    let started = Instant::now();
    while !processes_that_mention(folder).is_empty() {
        assert!(started.elapsed() < PATIENCE, "{:?} are left", processes_that_mention(folder));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_networks_run_beside_each_other_and_leave_nothing_however_they_end() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let up = |name| move || lab(folder, &["up", "--name", name, "--relays", "4"]);
        let threads = [scope.spawn(up("a")), scope.spawn(up("b"))];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for output in &outputs {
        assert!(output.status.success(), "{}", text(output));
    }
    assert!(text(&lab(folder, &["status", "--name", "a"])).contains("client0"));
    assert!(text(&lab(folder, &["up", "--name", "a"])).contains("a network `a` runs"));
    assert!(processes_that_mention(folder).len() > 20);

    // The inside is killed, and its daemons with it.
    assert!(Command::new("kill").args(["-9", &process(folder, "a", "inner")]).status().unwrap().success());
    let started = Instant::now();
    while text(&lab(folder, &["status", "--name", "a"])).contains("client0") {
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(text(&lab(folder, &["status", "--name", "b"])).contains("client0"), "the other network goes on");

    // The outside is killed, and all inside with it.
    assert!(Command::new("kill").args(["-9", &process(folder, "b", "pid")]).status().unwrap().success());
    wait_until_gone(folder);
    for name in ["a", "b"] {
        let down = lab(folder, &["down", "--name", name]);
        assert!(
            down.status.success() && text(&down).contains("no process is in any of its 15 namespaces"),
            "{}",
            text(&down)
        );
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing is left");
}

#[test]
fn what_cannot_be_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str]| {
        let output = lab(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        text(&output)
    };
    assert!(refused(&["up", "--relays", "2"]).contains("relays = 2"));
    assert!(refused(&["up", "--name", "../x"]).contains("../x"));
    assert!(refused(&["status"]).contains("no network `default` runs"));
    assert!(refused(&["--inside", "up"]).contains("leave it out"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
