//! `wfkit init`, `run FILE.toml` and `rerun`; completions and manual pages.

use super::support::Folder;

/// A run that takes little.
const SHORT: &str = "attack = \"totals\"\ndefence = [\"pad:mtu\"]\nfolds = 2\n";

fn with_captures() -> Folder {
    let folder = Folder::new();
    folder.captures("c", &[17, 48], 0..6);
    folder
}

#[test]
fn init_writes_a_file_of_all_options_with_their_defaults_and_replaces_none() {
    let folder = with_captures();
    folder.wfkit("init c").succeeds();
    let file = folder.text("wfkit.toml");
    for line in [
        "input = \"c\"",
        "# attack = \"kfp-size\"",
        "# folds = 5",
        "# seed = 0",
        "[captures]",
        "# layer = \"tcp\"",
        "# One of: frame, ip,",
    ] {
        assert!(file.lines().any(|written| written.starts_with(line)), "{line} is not in\n{file}");
    }
    assert!(file.lines().all(|line| line.len() <= 110), "{file}");
    assert!(folder.wfkit("init").fails().contains("it is there already"));
    assert_eq!(folder.text("wfkit.toml"), file);

    // Every default, said aloud, is the default.
    let commented =
        |line: &str| line.trim_start_matches("# ").split(" = ").nth(1).is_some_and(|value| !value.contains("VALUE"));
    let said: String = file
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) && commented(line) => {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .filter(|line| {
            !["label =", "labels =", "trim =", "packet-columns ="].iter().any(|without| line.starts_with(without))
        })
        .collect();
    folder.write("said.toml", &said);
    let ran = folder.wfkit("run said.toml --out a --attack totals --folds 2 --defence pad:mtu --quiet").succeeds();
    let plain = folder.wfkit("run c --out b --attack totals --folds 2 --defence pad:mtu --quiet").succeeds();
    assert_eq!(ran.stdout.replace("a/", "b/").replace("report a", "report b"), plain.stdout);
}

#[test]
fn a_file_says_what_options_say_and_options_come_first() {
    let folder = with_captures();
    folder.write(
        "here/p.toml",
        format!("input = \"../c\"\nout = \"out\"\nseed = 3\n{SHORT}[captures]\nlayer = \"ip\"\ninner = true\n"),
    );
    folder.wfkit("run here/p.toml --quiet").succeeds();
    folder.wfkit("run here/p.toml --quiet --seed 4 --out other").succeeds();
    let by_options =
        "run c --seed 3 --attack totals --defence pad:mtu --folds 2 --layer ip --inner --out by-options --quiet";
    folder.wfkit(by_options).succeeds();
    for name in ["traces.parquet", "probabilities.parquet", "defended-pad-mtu.parquet"] {
        let name =
            folder.files("by-options").into_iter().find(|file| file == name).unwrap_or_else(|| "traces.parquet".into());
        assert_eq!(folder.bytes(&format!("here/out/{name}")), folder.bytes(&format!("by-options/{name}")), "{name}");
    }
    let seed = |run: &str| -> serde_json::Value {
        serde_json::from_str(&folder.text(&format!("{run}/run.report.json"))).unwrap()
    };
    assert_eq!((&seed("here/out")["seed"], &seed("other")["seed"]), (&3.into(), &4.into()));
    assert_eq!(seed("here/out")["options"], seed("by-options")["options"], "what reports tell of options");
    assert_eq!(seed("here/out")["options"]["layer"], "ip");
}

#[test]
fn mistakes_are_told_with_their_lines_all_at_once() {
    let folder = with_captures();
    for (text, says) in [
        ("folds = 5\nattak = \"best\"\n", "p.toml:2: `attak` is no option (did you mean `attack`?)"),
        ("\n\nattack = \"bst\"\n", "p.toml:3: invalid value 'bst' for '--attack <NAME>'"),
        ("folds = \"five\"\n", "p.toml:1: invalid value 'five' for '--folds <K>'"),
        ("folds = 5\n[captures]\nfolds = 5\n", "p.toml:3: `folds` belongs above [captures]"),
        ("layer = \"ip\"\n", "p.toml:1: `layer` belongs below [captures]"),
        ("folds = \n", "p.toml:1: "),
        ("[other]\nx = 1\n", "p.toml:1: `other` is no option"),
        ("out = 2026-01-01\n", "p.toml:1: `out` is no moment"),
    ] {
        folder.write("p.toml", text);
        let error = folder.wfkit("run p.toml").shows_wrong_usage();
        assert!(error.contains(says), "{says}\n{error}");
        assert!(error.len() < 600, "{error}");
    }
    folder.write("p.toml", "attak = 1\nfolds = 1\n");
    let error = folder.wfkit("run p.toml").shows_wrong_usage();
    assert!(error.contains("p.toml:1: ") && error.contains("p.toml:2: "), "{error}");
    assert!(
        folder.wfkit("run missing.toml").shows_wrong_usage().contains("missing.toml: cannot read the pipeline file")
    );
    assert!(!folder.path("out").exists());
}

#[test]
fn rerun_makes_every_byte_again_and_says_what_differs() {
    let folder = with_captures();
    folder.write("p.toml", format!("input = \"c\"\nseed = 7\n{SHORT}"));
    folder.wfkit("run p.toml --quiet").succeeds();
    folder.write("out/notes.txt", "mine");
    let again = folder.wfkit("rerun out").succeeds();
    assert!(again.stdout.contains("made again, the same bytes") && !folder.path("out.again-1").exists(), "{again:?}");
    assert!(again.stderr.contains("1 other files in out are not of wfkit run"), "{again:?}");

    folder.wfkit("rerun out --out kept --quiet").succeeds();
    assert_eq!(folder.bytes("kept/model.wfm"), folder.bytes("out/model.wfm"));
    assert!(folder.wfkit("rerun out --out kept").fails().contains("kept: it is there already"));

    let mut model = folder.bytes("out/model.wfm");
    model.pop();
    folder.write("out/model.wfm", model);
    let told = folder.wfkit("rerun out --quiet").fails();
    assert!(told.contains("model.wfm differs") && told.contains("1 of "), "{told}");
    assert!(folder.path("out.again-1/model.wfm").exists(), "to look at");

    folder.write("c/cell_17_rep_0.pcap", folder.bytes("c/cell_48_rep_0.pcap"));
    assert!(folder.wfkit("rerun out").fails().contains("it is not what out was made of"));
    assert!(folder.wfkit("rerun c").fails().contains("pipeline.toml: not found; wfkit run writes it"));
}

#[test]
fn shells_and_manuals_know_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.wfkit(&format!("completions {shell}")).succeeds().stdout;
        assert_eq!(script, folder.wfkit_at(Some(60), &format!("completions {shell}")).succeeds().stdout);
        assert!(script.contains("competition") && script.contains("few-shot"), "{shell}");
    }
    folder.wfkit("man --out man1").succeeds();
    let pages = folder.files("man1");
    for page in ["wfkit.1", "wfkit-evaluate.1", "wfkit-capture-import.1", "wfkit-competition-score.1"] {
        assert!(pages.iter().any(|written| written == page), "{page} is not in {pages:?}");
    }
    assert!(folder.text("man1/wfkit-evaluate.1").contains("few"), "options are in it");
}
