//! Attacks by neural nets: `df`, `tik-tok`, `rf`, `df-sized`, `best+deep`, and nets of others.

use super::support::Folder;

#[cfg(not(feature = "deep"))]
#[test]
fn without_nets_their_attacks_say_how_to_have_them() {
    let folder = Folder::with_traces();
    for attack in ["df", "tik-tok", "rf", "df-sized", "best+deep"] {
        let error = folder.wfkit(&format!("evaluate traces.parquet --attack {attack}")).shows_wrong_usage();
        assert!(error.contains("cargo install --path . --features deep"), "{attack}: {error}");
    }
    let listed = folder.wfkit("attacks").succeeds().stdout;
    assert!(listed.contains("tik-tok") && listed.contains("--features deep"), "{listed}");
    folder.write("net.onnx", "anything");
    let error = folder.wfkit("predict net.onnx traces.parquet --out p.csv").fails();
    assert!(error.contains("--features deep"), "{error}");
}

#[test]
fn epochs_are_for_nets() {
    let folder = Folder::with_traces();
    let error = folder.wfkit("evaluate traces.parquet --attack kfp --epochs 3").fails();
    assert!(error.contains("attack kfp-175 has no epochs to count"), "{error}");
    folder.wfkit("train traces.parquet --attack totals --out m.wfm").succeeds();
    folder.write("w.safetensors", "anything");
    let error = folder.wfkit("predict m.wfm traces.parquet --weights w.safetensors --out p.csv").fails();
    assert!(error.contains("a model of totals has not the weights of one net"), "{error}");
    let error = folder.wfkit("predict m.wfm traces.parquet --channel tam --out p.csv").fails();
    assert!(error.contains("--channel is for nets of .onnx files"), "{error}");
}

#[cfg(feature = "deep")]
mod built {
    use std::sync::Mutex;

    use wfkit_classify::{Attack, AttackOptions, Samples};
    use wfkit_metrics::Observer;

    use super::*;

    /// The losses that a net tells, epoch by epoch.
    #[derive(Default)]
    struct Losses(Mutex<Vec<f64>>);

    impl Observer for Losses {
        fn about(&self, what: &str) {
            let loss = what.split("log loss ").nth(1).and_then(|told| told.split(',').next());
            self.0.lock().unwrap().push(loss.unwrap().parse().unwrap());
        }
    }

    /// Every net takes a few steps on recorded traces of three classes, from all of which it learns.
    #[test]
    fn the_loss_on_recorded_traces_falls() {
        let set = Folder::with_traces().traces("traces.parquet").set;
        let classes: Vec<String> = set.classes().names().iter().take(3).cloned().collect();
        let rows: Vec<usize> = (0..set.len()).filter(|&row| classes.contains(&set.traces()[row].key.class)).collect();
        let few = set.select(&rows);
        for name in ["df", "tik-tok", "rf", "df-sized"] {
            let attack = Attack::by_name(name, &AttackOptions { epochs: Some(6), ..AttackOptions::default() }).unwrap();
            let losses = Losses::default();
            attack.fit_watched(Samples::Traces(&few), 1, &losses).unwrap();
            let losses = losses.0.into_inner().unwrap();
            let last = losses[losses.len() - 2..].iter().sum::<f64>() / 2.0;
            assert!(last < 0.9 * losses[0], "{name}: {losses:?}");
        }
    }

    #[test]
    fn a_net_is_trained_saved_and_asked() {
        let folder = Folder::with_traces();
        folder.wfkit("dataset split traces.parquet --test-percent 25 --out parts").succeeds();
        folder
            .wfkit("train parts/train.parquet --attack df-sized --epochs 20 --out m.wfm --weights w.safetensors")
            .succeeds();
        folder.wfkit("predict m.wfm parts/test.parquet --out p.csv").succeeds();
        let report = folder.report_beside("p.report.json", "predict m.wfm parts/test.parquet --out p.csv");
        assert!(report.privacy.accuracy.unwrap() > 0.4, "10 classes: {:?}", report.privacy.accuracy);
        folder.wfkit("predict m.wfm parts/test.parquet --weights w.safetensors --out q.csv").succeeds();
        let order = |path: &str| -> Vec<String> {
            let best = |line: &str| {
                let row: Vec<f64> = line.split(',').rev().take(10).map(|p| p.parse().unwrap()).collect();
                let largest = row.iter().copied().fold(0.0, f64::max);
                row.iter().position(|&p| p == largest).unwrap().to_string()
            };
            folder.text(path).lines().skip(1).map(best).collect()
        };
        assert_eq!(order("p.csv"), order("q.csv"), "the same numbers, calibrated and not");
        // Models are the same bytes for the same seed.
        folder.wfkit("train parts/train.parquet --attack df-sized --epochs 20 --out n.wfm --threads 1").succeeds();
        assert!(folder.bytes("m.wfm") == folder.bytes("n.wfm"));
        folder.write("bad.safetensors", "anything");
        let error = folder.wfkit("predict m.wfm parts/test.parquet --weights bad.safetensors --out q.csv").fails();
        assert!(
            error.contains("bad.safetensors: not the weights of df-sized for 10 classes: not safetensors"),
            "{error}"
        );
    }

    #[test]
    fn best_takes_a_net_among_its_members_and_comes_back_from_a_file() {
        let folder = Folder::with_traces();
        folder.wfkit("train traces.parquet --attack best+deep --epochs 2 --out m.wfm").succeeds();
        folder.wfkit("predict m.wfm traces.parquet --allow-duplicates --out p.parquet").succeeds();
    }

    #[test]
    fn a_net_of_somebody_else_is_asked() {
        let folder = Folder::with_traces();
        folder.write("small.onnx", include_bytes!("../../../classify/tests/vectors/deep/small.onnx"));
        folder.wfkit("predict small.onnx traces.parquet --out p.csv").succeeds();
        let said = folder.text("p.csv");
        assert!(said.lines().next().unwrap().ends_with("10,news,shop"), "{}", &said[..80]);
        folder.write("two.txt", "a\nb\n");
        let error = folder.wfkit("predict small.onnx traces.parquet --onnx-classes two.txt --out p.csv").fails();
        assert!(
            error.contains("small.onnx: the model answers with 3 numbers a trace, and there are 2 classes"),
            "{error}"
        );
    }
}
