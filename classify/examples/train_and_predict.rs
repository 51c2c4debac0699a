//! An attack learns from some sessions, and is asked for the others.
//!
//! `cargo run --release -p wfkit-classify --example train_and_predict -- datasets/data/lab/secretstroll/traces.parquet`

use std::path::PathBuf;

use wfkit_classify::{Attack, AttackOptions, FittedAttack, Samples};
use wfkit_datasets::read_traces;

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of traces with sessions")?;
    let set = read_traces(&PathBuf::from(path))?.set;
    let last =
        set.traces().iter().filter_map(|labelled| labelled.key.session.clone()).max().ok_or("there are no sessions")?;
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..set.len()).partition(|&row| set.traces()[row].key.session.as_ref() == Some(&last));
    let (train, test) = (set.select(&train), set.select(&test));

    let fitted = Attack::by_name("kfp-size", &AttackOptions::default())?.fit(Samples::Traces(&train), 42)?;
    let fitted = FittedAttack::from_bytes(&fitted.to_bytes()?)?; // as from a model file
    let said = fitted.predict(Samples::Traces(&test))?;

    let truth = Samples::Traces(&test).labels(said.classes());
    let right = said.argmax().into_iter().zip(truth).filter(|&(said, truth)| Some(said) == truth).count();
    println!("learned from {} traces; of {} in session {last} it names {right}", train.len(), test.len());
    let first = &test.traces()[0].key;
    for (class, p) in said.classes().names().iter().zip(said.values().row(0)).filter(|&(_, &p)| p > 0.05) {
        println!("{first}: {p:.2} {class}");
    }
    Ok(())
}
