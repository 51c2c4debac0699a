//! A round between two teams: a defence is checked and split, an attack on it is scored.
//!
//! `cargo run --release -p wfkit-competition --example a_game`

use std::fmt::Write as _;

use ndarray::Array2;
use wfkit_competition::{
    Prediction, Rules, SplitOptions, Verif, capture_ids, check_attack, check_defense, read_captures, score, split,
    write_attack,
};
use wfkit_datasets::formats::ReadLimits;
use wfkit_metrics::{ClassMap, Probabilities};

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path();

    // The defending team uploads traces: two classes of four, which differ in what comes back.
    let mut traces = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for (class, rep) in (1..=2).flat_map(|class| (1..=4).map(move |rep| (class, rep))) {
        write!(traces, "{class},{rep},600,0.0\n{class},{rep},-{},0.{rep}\n", 1000 * class + rep)?;
    }
    let upload = out.join("defence.csv");
    std::fs::write(&upload, traces)?;
    let rules = Rules { classes: 2, reps_mean: 4, deviation: 1, min_packets: 1 };
    let defence = check_defense(&upload, &rules, &ReadLimits::UPLOAD, None)?.accepted()?;
    println!("the defence is accepted");

    // The platform keeps some back, without their class.
    let files = split(&defence, &SplitOptions { team_id: 7, test_traces: 2, seed: 0 }, out)?;

    // The attacking team says how likely each class is: here one that knows nothing.
    let test = read_captures(&files.test, &ReadLimits::UPLOAD)?;
    let nothing = Probabilities::new(ClassMap::from_labels(["1", "2"]), Array2::from_elem((test.len(), 2), 0.5))?;
    let file = out.join("attack.csv.zip");
    write_attack(&[Prediction { team_id: 7, capture_ids: &capture_ids(&test), probabilities: &nothing }], 2, &file)?;

    let truth = [Verif::named(&files.verif)];
    let attack = check_attack(&file, &truth, &rules, &ReadLimits::UPLOAD)?.accepted()?;
    println!("the attack is accepted");
    let scores = score(Some(&attack), Some(&defence))?;
    println!("attack score {:.2} of 10: who knows nothing gets 5", scores.attack_score);
    Ok(())
}
