//! arti as the client, with and without machines of Maybenot on live circuits.

use std::fs;
use std::path::Path;
use std::process::Command;

use wfkit_lab::{ClientProgram, NetworkConfig, Node};

use crate::collect::{pair_in, rows};
use crate::program::{can_run, has_arti, lab, text};

/// What comes with the program: it answers each cell that is sent with 5 to 15 of padding, 20 to 80 ms apart.
const MACHINE: &str = include_str!("../../arti/machines/echo");

/// Two queries; the bytes of each, both ways, and whether only the client and its guard are in the recording.
fn queries(folder: &Path, name: &str, more: &str) -> Vec<u64> {
    let (plan, set) = (folder.join(format!("{name}.toml")), folder.join(name));
    let text_of_plan = format!("classes = [5, 9]\nreps = 1\nseed = 1\n[network]\nrelays = 4\nclients = 1\n{more}");
    fs::write(&plan, text_of_plan).unwrap();
    let arguments = ["collect", plan.to_str().unwrap(), "--client", "arti", "--out", set.to_str().unwrap()];
    let output = lab(folder, &arguments);
    assert!(output.status.success(), "{}", text(&output));
    let config = NetworkConfig { relays: 4, clients: 1, client: ClientProgram::Arti, ..NetworkConfig::default() };
    let nodes = config.nodes().unwrap();
    let address = |name: &str| nodes.iter().find(|node: &&Node| node.name == name).unwrap().address;
    let mut rows = rows(&set);
    rows.sort_by(|a, b| a.class.cmp(&b.class));
    assert_eq!(rows.len(), 2);
    let bytes = |row: &wfkit_lab::Row| {
        assert!(row.guard.starts_with("relay") && row.requests > 1 && row.circuit_seconds > 0.0, "{row:?}");
        let (packets, _, bytes) = pair_in(&set.join(&row.path), address("client0"), address(&row.guard), 9001);
        assert_eq!(packets, row.packets);
        assert!(bytes > row.answer_bytes, "{bytes} for {row:?}");
        bytes
    };
    rows.iter().map(bytes).collect()
}

#[test]
fn arti_makes_the_same_queries_and_pads_them_where_a_machine_runs() {
    if !can_run() || !has_arti() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plain = queries(folder.path(), "plain", "");
    let machine = format!("client = \"arti\"\n[maybenot]\nmachines = [\"{}\"]\n", MACHINE.trim());
    let padded = queries(folder.path(), "padded", &machine);
    // At least one run of padding, of five cells of 536 bytes at least.
    for (plain, padded) in plain.into_iter().zip(padded) {
        assert!(padded > plain + 5 * 536, "{padded} with, {plain} without");
    }
}

#[test]
fn what_needs_arti_is_refused_without_it_by_the_command_that_builds_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    fs::write(&plan, "network.client = \"arti\"\n").unwrap();
    let set = folder.path().join("set");
    let refused = |arguments: &[&str]| {
        let mut command = Command::new(crate::program::LAB);
        command.args(arguments).env("WFKIT_LAB_ARTI", folder.path().join("none")).env("TMPDIR", folder.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        text(&output)
    };
    let said = refused(&["collect", plan.to_str().unwrap(), "--out", set.to_str().unwrap()]);
    assert!(said.contains("client = \"arti\" needs wfkit-lab-arti") && said.contains("lab/setup --arti"), "{said}");
    assert!(refused(&["up", "--client", "arti"]).contains("lab/setup --arti"));
    assert!(!set.exists());
}
