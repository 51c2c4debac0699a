//! `wfkit defend` and `wfkit sweep` with machines of Maybenot.

use serde_json::Value;

use super::support::Folder;

/// Two machines, one with a + in it.
const FILE: &str = "# from maybenot-machines\n02eNpjYEAHjOgCAAA0AAI=\n\n02eNpti1EJACAQQzcjWEjMYCEjGsUCojiUg+Pex2CPbe0HxCz4JCVJoJvF7SEjt+qUtnY+gDUNIg==\n";
const TEXT: &str =
    "02eNpjYEAHjOgCAAA0AAI=;02eNpti1EJACAQQzcjWEjMYCEjGsUCojiUg-Pex2CPbe0HxCz4JCVJoJvF7SEjt-qUtnY-gDUNIg==";

#[test]
fn machines_of_a_file_are_kept_in_the_specification() {
    let folder = Folder::with_traces();
    folder.write("machines.txt", FILE);
    let spec = "maybenot:machines,client=@machines.txt,server=@machines.txt,delay=5ms";
    folder.report(&format!("defend traces.parquet --defence {spec} --verify --attack totals --out d.parquet"));
    let whole = format!("maybenot:machines,client={TEXT},server={TEXT},delay=5ms");
    assert_eq!(folder.traces("d.parquet").set.provenance().defenses, [whole]);
    // The file is not needed again.
    std::fs::remove_file(folder.path("machines.txt")).unwrap();
    let verified = folder.wfkit("defend verify traces.parquet d.parquet --format json").succeeds().stdout;
    assert!(verified.contains("determinism"), "{verified}");

    // A pipe can be read once.
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || std::fs::write(pipe, FILE));
    folder.wfkit("defend lint maybenot:machines,client=@pipe traces.parquet").succeeds();
    writer.join().unwrap().unwrap();

    let missing = folder.wfkit("defend lint maybenot:machines,client=@machines.txt traces.parquet");
    assert!(missing.shows_wrong_usage().contains("machines.txt: "));
    folder
        .wfkit("defend traces.parquet --defence maybenot:machines,client=02eAAAA --out x.parquet")
        .shows_wrong_usage();
}

#[test]
fn the_second_engine_is_listed_described_linted_and_swept() {
    let folder = Folder::with_traces();
    let listed = folder.wfkit("defend list").succeeds().stdout;
    assert!(listed.contains("maybenot:regulator") && listed.contains("maybenot:machines"));
    let described = folder.wfkit("defend describe maybenot:tamaraw --format json").succeeds().stdout;
    let described: Value = serde_json::from_str(&described).unwrap();
    assert_eq!(described["presets"].as_array().unwrap().len(), 8);
    folder.wfkit("defend lint maybenot:front,n=40,w-min=100ms,w-max=2s traces.parquet").succeeds();

    let report = folder.report(
        "defend traces.parquet --defence maybenot:tamaraw,rho-out=20ms,rho-in=20ms --attack totals --out d.parquet",
    );
    let time = report.utility.extras.get("time_overhead").unwrap();
    assert_eq!(time["models"].as_array().unwrap().len(), 1);
    assert_eq!(time["models"][0]["delay_model"], "aggregate");
    let manifest: Value = serde_json::from_str(&folder.text("d.manifest.json")).unwrap();
    assert_eq!(manifest["layers"][0]["delay_model"], "aggregate");
    assert_eq!(manifest["layers"][0]["stop_rule"], "soft:2s");

    // One thread or two, the same bytes.
    let on = |threads: u8| {
        let out = format!("t{threads}.csv");
        folder.report(&format!(
            "defend traces.parquet --defence maybenot:interspace --threads {threads} --attack totals --out {out}"
        ));
        folder.bytes(&out)
    };
    assert_eq!(on(1), on(2));
    folder
        .wfkit("sweep traces.parquet --defence maybenot:front,n=20|40,w-max=2s --attack totals --draws 1 --out s")
        .succeeds();
    assert!(folder.text("s/sweep.csv").contains("maybenot:front,n=40,w-max=2s"));
}
