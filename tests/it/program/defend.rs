//! `wfkit defend`: options of the simulation, copies, manifests, and the commands about defences.

use serde_json::Value;
use wfkit_datasets::{LabelledTrace, Trace, TraceSet, write_traces};
use wfkit_metrics::StageReport;

use super::support::Folder;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn options_of_the_simulation_are_part_of_what_is_kept() {
    let folder = Folder::with_traces();
    let options = "--delay inferred --stop soft:300ms --link 1Mbit/s,20Mbit/s --verify --attack totals";
    let report = folder.report(&format!("defend traces.parquet --defence tamaraw:cell {options} --out d.parquet"));
    let layers =
        ["tamaraw:cell,delays=inferred,stop=soft:300ms", "link:fifo,rate-out=1Mbit/s,rate-in=20Mbit/s,delays=inferred"];
    assert_eq!(folder.traces("d.parquet").set.provenance().defenses, layers);
    let manifest = json(&folder.text("d.manifest.json"));
    assert_eq!(manifest["layers"][0]["spec"], layers[0]);
    assert_eq!(manifest["layers"][0]["delay_model"], "inferred");
    assert_eq!(manifest["layers"][0]["stop_rule"], "soft:300ms");
    assert_eq!(manifest["causality"]["answers"].as_u64().map(|n| n > 1_000), Some(true));
    let checked = [
        "I4 causality",
        "I6 schedule",
        "I7 link-rate",
        "I11 determinism",
        "I13 composition",
        "I14 overheads",
        "I15 labels",
    ];
    for invariant in checked {
        assert!(manifest["invariants"].as_array().unwrap().contains(&Value::from(invariant)), "{invariant}");
    }
    // The time overhead of all models, whichever was chosen.
    let time = report.utility.extras.get("time_overhead").unwrap();
    let latency: Vec<f64> =
        time["models"].as_array().unwrap().iter().map(|model| model["latency"].as_f64().unwrap()).collect();
    let [low, high] = [&time["latency"][0], &time["latency"][1]].map(|end| end.as_f64().unwrap());
    assert_eq!(latency.len(), 4);
    assert!(latency.iter().all(|latency| (low..=high).contains(latency)) && low < high, "{time}");

    let unmoved = folder.wfkit("defend traces.parquet --defence front --delay none --attack totals --out f.parquet");
    assert!(unmoved.succeeds().stderr.contains("--delay changes nothing"));
    for wrong in ["--delay late", "--stop soft:4", "--stop never", "--link 10", "--replicas 0"] {
        folder.wfkit(&format!("defend traces.parquet --defence front --out d.parquet {wrong}")).shows_wrong_usage();
    }
}

#[test]
fn copies_are_trained_on_and_their_originals_are_not_tested_with_them() {
    let folder = Folder::with_traces();
    let command = "defend traces.parquet --defence front --replicas 3 --attack totals --out d.parquet";
    let report = folder.report(command);
    assert_eq!(report.counts["traces"], 600);
    let learned_from = |report: &StageReport| {
        let told = report.privacy.extras.get("split").unwrap().as_str().unwrap().to_owned();
        (report.privacy.extras.get("draws_train").unwrap().as_u64().unwrap(), told)
    };
    assert!(learned_from(&report).1.contains("trained on 8 draws of each load, tested on the first draw of others"));
    let (copies, originals) = (folder.traces("d.parquet").set, folder.traces("traces.parquet").set);
    assert_eq!(copies.len(), 3 * originals.len());
    for (copies, original) in copies.traces().chunks(3).zip(originals.traces()) {
        for (copy, r) in copies.iter().zip(0..) {
            assert_eq!((&copy.key.class, copy.key.rep), (&original.key.class, 3 * original.key.rep + r));
            assert_eq!(copy.key.session, original.key.session);
            assert_eq!(copy.origin, Some(original.origin_of_copies()));
        }
        assert_ne!(copies[0].trace, copies[1].trace);
    }
    let once = folder.report("defend traces.parquet --defence front --attack totals --out one.parquet");
    assert_eq!(once.counts["traces"], 200);
    assert_eq!(folder.traces("one.parquet").set.traces()[0].trace, copies.traces()[0].trace);
    folder.wfkit("defend verify traces.parquet d.parquet").succeeds();

    // As many as are asked for, those that are written at least; one where all would be the same.
    let draws = |options: &str| {
        learned_from(&folder.report(&format!("defend traces.parquet --attack totals --out d.parquet {options}"))).0
    };
    assert_eq!(draws("--defence front --draws-train 2"), 2);
    assert_eq!(draws("--defence front --draws-train 2 --replicas 3"), 3);
    assert_eq!((draws("--defence front"), draws("--defence pad:mtu")), (8, 1));
    // More draws, more is found: the attack learns what is always there.
    let found = |draws: u32| {
        let options = format!("--attack cumul-forest --draws-train {draws}");
        let report =
            folder.report(&format!("defend traces.parquet --defence front:n=300,w-max=5s {options} --out d.parquet"));
        report.privacy.extras.get("log_loss").unwrap().as_f64().unwrap()
    };
    assert!(found(8) < found(1));
}

#[test]
fn defences_describe_themselves() {
    let folder = Folder::new();
    let listed = folder.wfkit("defend list").succeeds().stdout;
    let all = json(&folder.wfkit("defend list --format json").succeeds().stdout);
    for defence in all.as_array().unwrap() {
        let name = defence["name"].as_str().unwrap();
        let described = folder.wfkit(&format!("defend describe {name}")).succeeds().stdout;
        assert_eq!(&json(&folder.wfkit(&format!("defend describe {name} --format json")).succeeds().stdout), defence);
        assert!(described.contains("Source: "), "{described}");
        for preset in defence["presets"].as_array().unwrap() {
            let preset = format!("{name}:{}", preset["name"].as_str().unwrap());
            assert!(listed.contains(&preset) && described.contains(&preset), "{preset}");
        }
    }
    let described = folder.wfkit("defend describe tamaraw:ccs14").succeeds().stdout;
    for part in ["rho-out", "40ms", "duration", "CCS 2014", "196 %", "oracle|soft:duration"] {
        assert!(described.contains(part), "{part}: {described}");
    }
    assert!(listed.contains("Not simulated: ") && listed.contains("surakav"), "{listed}");
    let described = folder.wfkit("defend describe surakav").succeeds().stdout;
    for part in ["IEEE S&P 2022", "Not simulated: its bursts wait for each other", "Needed: the trained generator"] {
        assert!(described.contains(part), "{part}: {described}");
    }
    assert_eq!(json(&folder.wfkit("defend describe surakav --format json").succeeds().stdout)["name"], "surakav");
    let refused = folder.wfkit("defend traces.parquet --defence front+surakav --out d.parquet").shows_wrong_usage();
    assert!(refused.contains("surakav is not simulated: its bursts wait"), "{refused}");
    assert!(folder.wfkit("defend describe nope").shows_wrong_usage().contains("pad, front, tamaraw"));
}

#[test]
fn parameters_that_cannot_work_are_told_before_the_run() {
    let folder = Folder::with_traces();
    let told = folder.wfkit("defend lint constant-rate,size=100B,rho=1s traces.parquet").succeeds().stdout;
    assert!(told.contains("warning") && told.contains("a median trace brings 1.5 kB"), "{told}");
    let told = folder.wfkit("defend lint pad:mtu traces.parquet").succeeds().stdout;
    assert!(told.contains("nothing to say against it on 200 traces"), "{told}");
    let cannot = folder.wfkit("defend lint constant-rate,rho=1us traces.parquet --format json");
    assert!(format!("{cannot:?}").contains("exit status Some(1)"), "{cannot:?}");
    assert_eq!(json(&cannot.stdout)["findings"][0]["severity"], "error");
}

/// The set with its first trace changed.
fn changed(set: &TraceSet, change: impl Fn(&mut Vec<u64>, &mut Vec<i32>)) -> TraceSet {
    let mut traces: Vec<LabelledTrace> = set.traces().to_vec();
    let (mut times, mut sizes) = (traces[0].trace.time_ns().to_vec(), traces[0].trace.size().to_vec());
    change(&mut times, &mut sizes);
    traces[0].trace = Trace::new(times, sizes).unwrap();
    TraceSet::new(traces, set.provenance().clone()).unwrap()
}

#[test]
fn a_defended_set_is_audited_with_and_without_its_manifest() {
    let folder = Folder::with_traces();
    folder.wfkit("defend traces.parquet --defence front+jitter --attack totals --out d.parquet --seed 4").succeeds();
    let verified = folder.wfkit("defend verify traces.parquet d.parquet --format json").succeeds();
    let verified = json(&verified.stdout);
    assert_eq!((&verified["passed"], &verified["audit"]["pairs"]), (&true.into(), &200.into()));
    for test in ["output_hash", "input_hash", "reproduced"] {
        assert_eq!(verified["manifest"][test]["passed"], true, "{test}");
    }

    // A format without sessions and starts.
    folder.wfkit("defend traces.parquet --defence jitter --attack totals --out c.csv").succeeds();
    let text = folder.wfkit("defend verify traces.parquet c.csv").succeeds().stdout;
    assert!(text.contains("yes: 200 traces, packet by packet"), "{text}");
    // It cannot say which traces are copies of one load, so holds none.
    let refused =
        folder.wfkit("defend traces.parquet --defence jitter --attack totals --replicas 2 --out n.csv").fails();
    assert!(refused.contains("this format does not tell copies"), "{refused}");

    // Planted: a file that was touched is not what its manifest says, though its traces are possible.
    let set = folder.traces("d.parquet").set;
    let verify = |set: &TraceSet, name: &str| {
        write_traces(&folder.path(name), set).unwrap();
        let ran = folder.wfkit(&format!("defend verify traces.parquet {name} --format json"));
        (json(&ran.stdout), ran.stderr)
    };
    let later = changed(&set, |times, _| *times.last_mut().unwrap() += 1);
    let (found, _) = verify(&later, "d.parquet");
    assert_eq!(found["audit"]["violations"], Value::Array(vec![]));
    assert_eq!(found["manifest"]["output_hash"]["passed"], false);
    assert_eq!(found["manifest"]["reproduced"]["passed"], false);
    // Without a manifest the same is all right.
    assert_eq!(verify(&later, "other.parquet").0["passed"], true);

    // Planted in a set without manifest: lost bytes, bytes before their time, a lost trace.
    let lost = changed(&set, |_, sizes| sizes.iter_mut().for_each(|size| *size = size.signum()));
    let early = changed(&set, |times, _| times.fill(0));
    for (set, invariant) in [(&lost, "I1 conservation"), (&early, "I3 no-time-travel")] {
        let (found, stderr) = verify(set, "other.parquet");
        assert_eq!(found["audit"]["violations"][0]["invariant"], invariant, "{found}");
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
    let (found, stderr) = verify(&set.select(&(1..200).collect::<Vec<_>>()), "other.parquet");
    assert_eq!(found["audit"]["missing"].as_array().unwrap().len(), 1);
    assert!(stderr.contains("is missing"), "{stderr}");
}

/// As simulators write it: a line a cell, 1 out, -1 in, padding as 888.
#[test]
fn padding_that_is_marked_in_a_strangers_set_is_found() {
    let folder = Folder::new();
    let header = "cell_id,rep,direction_size,timestamp\n";
    folder.write("cells.csv", format!("{header}1,0,1,0.0\n1,0,-1,0.1\n1,0,-1,0.2\n"));
    folder.write("padded.csv", format!("{header}1,0,1,0.0\n1,0,-1,0.1\n1,0,-1,0.15\n1,0,-1,0.2\n"));
    folder.write("marked.csv", format!("{header}1,0,1,0.0\n1,0,-1,0.1\n1,0,-888,0.15\n1,0,-1,0.2\n"));
    let passed = folder.wfkit("defend verify cells.csv padded.csv").succeeds().stdout;
    assert!(passed.contains("every packet among others (padding only)") && passed.contains("I2 fifo"), "{passed}");
    let refused = folder.wfkit("defend verify cells.csv marked.csv");
    assert!(refused.stderr.contains("1 packets of size 888 among cells"), "{refused:?}");
}

#[test]
fn a_split_shows_some_paths_and_costs_what_all_of_them_carry() {
    let folder = Folder::with_traces();
    let command = "defend traces.parquet --defence trafficsliver:random,paths=3 --replicas 2 --verify --attack totals --out d.parquet";
    let report = folder.report(command);
    let overheads = report.utility.extras.get("overheads").unwrap();
    assert_eq!(overheads["bandwidth"]["both"]["total"]["value"], 0.0);
    let seen = overheads["seen_share"].as_f64().unwrap();
    assert!((0.25..0.42).contains(&seen), "{seen}");
    assert!(report.privacy.extras.get("view").unwrap().as_str().unwrap().contains("who sees all paths"));
    // Copies of a trace have one origin, so that no split of the set puts them on two sides.
    let copies = folder.traces("d.parquet").set;
    assert!(copies.traces().chunks(2).all(|pair| pair[0].origin.is_some() && pair[0].origin == pair[1].origin));
    // Whoever splits a load pays for all of it, in the competition too: what it costs is what it cost undefended.
    let score = |report: &StageReport| report.utility.utility.score.unwrap();
    let undefended = folder.report("dataset info traces.parquet");
    assert!((score(&report) - score(&undefended)).abs() < 0.01, "{} {}", score(&report), score(&undefended));
    let rules = "--classes 10 --reps 20 --deviation 5 --min-packets 1 --one-copy";
    let exported = folder.report(&format!("competition export d.parquet --out defence.csv.zip {rules}"));
    assert_eq!(score(&exported), score(&report));
    assert!(exported.utility.extras.get("seen").unwrap()["score"].as_f64().unwrap() > score(&report));
    assert!(exported.utility.extras.get("counted").unwrap().as_str().unwrap().starts_with("all paths"));
    let ran = folder.wfkit(
        "run traces.parquet --defence trafficsliver:random,paths=3 --attack totals --folds 2 --out out --format json",
    );
    let stages = json(&ran.succeeds().stdout)["stages"].clone();
    let score_of = |stage: &str| {
        let of_split = |one: &&Value| {
            one["stage"] == stage && one["utility"]["defence"].as_str().is_some_and(|name| name != "none")
        };
        stages.as_array().unwrap().iter().find(of_split).unwrap()["utility"]["score"].as_f64().unwrap()
    };
    assert_eq!(score_of("competition score"), score_of("defend"));
    let verified = json(&folder.wfkit("defend verify traces.parquet d.parquet --format json").succeeds().stdout);
    assert_eq!((&verified["passed"], &verified["manifest"]["reproduced"]["passed"]), (&true.into(), &true.into()));
    assert!(verified["audit"]["untestable"].as_array().unwrap().contains(&"I1 conservation".into()));
    folder.wfkit("defend traces.parquet --defence trafficsliver,see=6 --out d.parquet").shows_wrong_usage();
}

#[test]
fn a_fitted_defence_learns_from_other_traces_than_it_is_tested_on() {
    let folder = Folder::with_traces();
    folder.wfkit("dataset split traces.parquet --test-percent 50 --out parts").succeeds();
    let defend = "defend parts/test.parquet --defence k-anonymous,k=2 --attack totals --out d.parquet";
    let told = folder.wfkit(defend);
    assert!(
        told.stderr.contains("wfkit dataset split") && told.stderr.contains("--fit-on parts/train.parquet"),
        "{told:?}"
    );
    let report = folder.report(&format!("{defend} --fit-on parts/train.parquet --verify"));
    assert_eq!(report.privacy.extras.get("defence_learned_from").unwrap()["traces"], 100);
    let manifest = json(&folder.text("d.manifest.json"));
    assert_eq!(manifest["training"]["traces"], 100);
    assert_eq!(manifest["fit_on"][0]["path"], "parts/train.parquet");
    // Its database is needed to make it again.
    let verify = |more: &str| {
        let ran = folder.wfkit(&format!("defend verify parts/test.parquet d.parquet --format json{more}"));
        let manifest = &json(&ran.stdout)["manifest"];
        ["learned_from", "reproduced"].map(|test| manifest[test]["passed"].as_bool())
    };
    assert_eq!(verify(""), [None, None]);
    assert_eq!(verify(" --fit-on parts/train.parquet"), [Some(true), Some(true)]);
    assert_eq!(verify(" --fit-on parts/test.parquet"), [Some(false), None]);
    // What is tested must not be learned from, unless that is wanted.
    let refused = folder.wfkit("defend parts/test.parquet --defence decoy --fit-on traces.parquet --out d.parquet");
    assert!(refused.stderr.contains("100 of the traces to defend are among the training traces"), "{refused:?}");
    let own = folder
        .wfkit("defend parts/test.parquet --defence decoy --fit-on self --attack totals --out d.parquet")
        .succeeds();
    assert!(own.stderr.contains("as no deployed one could"));
    let unused = folder
        .wfkit("defend traces.parquet --defence front --fit-on parts/train.parquet --attack totals --out d.parquet");
    assert!(unused.succeeds().stderr.contains("--fit-on changes nothing"));
    assert!(folder.wfkit("run traces.parquet --defence morphing --out out").stderr.contains("wfkit defend --fit-on"));
}
