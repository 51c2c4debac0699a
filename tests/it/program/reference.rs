//! `wfkit reference`, and what commands say of the words that they print.

use super::support::Folder;

#[test]
fn the_reference_has_every_command_feature_attack_defence_and_invariant() {
    let folder = Folder::new();
    folder.wfkit("reference --out pages").succeeds();
    let page = |name: &str| folder.text(&format!("pages/{name}.md"));
    let commands = page("commands");
    let named = [
        "### `wfkit capture import`",
        "### `wfkit defend verify`",
        "### `wfkit competition score`",
        "## `wfkit evaluate`",
    ];
    for heading in named {
        assert!(commands.lines().any(|line| line == heading), "{heading}");
    }
    assert!(commands.contains("| `--folds <K>` | ") && commands.contains("Default: `kfp-size`."), "{commands}");
    assert!(!commands.contains("\n## `wfkit help`"));
    let features = page("features");
    assert!(
        features.contains(
            "| `in_gap_max` | 1 | seconds | time | largest of the gaps between successive incoming packets |"
        ),
        "{features}"
    );
    let listed = |command: &str, key: &str| {
        let listed = folder.wfkit(command).succeeds().stdout;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let rows = listed.get(key).unwrap_or(&listed).as_array().unwrap().clone();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (command, key, name) in [
        ("features list --format json", "sets", "features"),
        ("attacks --format json", "", "attacks"),
        ("defend list --format json", "", "defences"),
    ] {
        let text = page(name);
        for one in listed(command, key) {
            assert!(text.contains(&format!("`{one}`")), "{one} is not in {name}.md");
        }
    }
    let defences = page("defences");
    assert!(
        defences.contains("Parameters of `front:ft-1`") && defences.contains("Parameters of `front:ft-2`"),
        "{defences}"
    );
    let invariants = page("invariants");
    assert!(invariants.contains("| I3 | `no-time-travel` | nothing leaves before it arrived |"), "{invariants}");
    assert!((1..=15).all(|number| invariants.contains(&format!("| I{number} |"))), "{invariants}");
    // A cell that held a bar would shift its row.
    for (name, text) in [("commands", &commands), ("features", &features), ("defences", &page("defences"))] {
        let mut columns = 0;
        for line in text.lines() {
            let cells = line.replace("\\|", "").matches('|').count();
            if line.starts_with("|---") {
                columns = cells;
            } else if line.starts_with("| ") && columns > 0 {
                assert_eq!(cells, columns, "{name}.md: {line}");
            } else if !line.starts_with('|') {
                columns = 0;
            }
        }
    }
}

#[test]
fn features_invariants_and_totals_are_explained_where_they_are_printed() {
    let folder = Folder::with_traces();
    let table = folder.wfkit("features describe totals").succeeds().stdout;
    assert!(table.contains("number of outgoing packets") && table.contains("time of the last packet"), "{table}");
    folder.wfkit("defend traces.parquet --defence pad:mtu --attack totals --out d.parquet").succeeds();
    let verified = folder.wfkit("defend verify traces.parquet d.parquet").succeeds().stdout;
    let line = verified.lines().find(|line| line.contains("I3 no-time-travel")).unwrap_or(&verified);
    assert!(line.contains("tested") && line.contains("nothing leaves before it arrived"), "{verified}");
    let help = folder.wfkit("competition score --help").succeeds().stdout;
    assert!(help.contains("total = utility x attack score") && help.contains("Its traps:"), "{help}");
}
