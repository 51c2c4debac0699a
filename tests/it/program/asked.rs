//! What is asked for: what `--help` says of it, and what reports keep of it.

use super::support::Folder;

/// The long options below a heading of a help text.
fn below(heading: &str, help: &str) -> Vec<String> {
    let section = help.lines().skip_while(|line| *line != format!("{heading}:")).skip(1);
    let of_section = section.take_while(|line| line.is_empty() || line.starts_with(' '));
    let option = |line: &str| {
        let words = line.trim_start();
        let (_, name) = words.starts_with('-').then(|| words.split_once("--"))??;
        Some(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next()?.to_owned())
    };
    of_section.filter_map(option).collect()
}

#[test]
fn headings_are_of_their_own_options_alone() {
    let folder = Folder::new();
    folder.wfkit("reference --out pages").succeeds();
    let page = folder.text("pages/commands.md");
    let name = |line: &str| Some(line.trim_start_matches('#').strip_prefix(" `wfkit ")?.strip_suffix('`')?.to_owned());
    let commands: Vec<String> = page.lines().filter_map(name).collect();
    assert!(commands.iter().any(|name| name == "capture import"), "{commands:?}");
    let helps: Vec<(String, String)> = commands
        .into_iter()
        .map(|name| (name.clone(), folder.wfkit(&format!("{name} --help")).succeeds().stdout))
        .collect();
    for (heading, strangers) in [
        ("Reading captures", ["attack", "defence", "folds", "out", "draws", "most-packets"]),
        ("Everywhere", ["out", "attack", "folds", "defence", "input", "set"]),
        ("Other worlds (each adds its part to the report)", ["sheet", "picture", "out", "attack", "folds", "against"]),
    ] {
        let found: Vec<(&String, String)> = helps
            .iter()
            .flat_map(|(name, help)| below(heading, help).into_iter().map(move |option| (name, option)))
            .collect();
        assert!(!found.is_empty(), "{heading}");
        let wrong: Vec<_> = found.iter().filter(|(_, option)| strangers.contains(&option.as_str())).collect();
        assert!(wrong.is_empty(), "{heading}: {wrong:?}");
    }
}

#[test]
fn options_have_their_values_and_defaults_and_no_paths() {
    let folder = Folder::with_traces();
    let evaluated = "evaluate traces.parquet --attack totals --folds 2 --few-shot 1,2 --out p.csv --threads 2 --seed 3";
    let options = folder.report(evaluated).options;
    assert_eq!(options["attack"], "totals");
    assert_eq!(options["few-shot"], serde_json::json!([1, 2]));
    assert_eq!(options["class-weight"], "equal", "by default");
    for absent in ["out", "threads", "seed", "full", "shuffle-labels", "input", "help"] {
        assert!(!options.contains_key(absent), "{absent} in {options:?}");
    }
    let shuffled = "evaluate traces.parquet --attack totals --folds 2 --shuffle-labels";
    assert_eq!(folder.report(shuffled).options["shuffle-labels"], true);
    assert_eq!(folder.report("capture import SAMPLE --out b.csv").options["client"], "auto");
}
