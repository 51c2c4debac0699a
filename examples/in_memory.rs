//! The libraries without the program and without a file: captures to traces, a defence, an attack on what is then seen.
//!
//! `cargo run --release --example in_memory` does so with the bundled captures.

use wfkit_capture::{ImportOptions, import};
use wfkit_classify::Samples;
use wfkit_datasets::sample;
use wfkit_defend::defend;
use wfkit_evaluate::{DRAWS_TRAIN, Observer, Setting, attack, attack_defended, cross_validate};

/// Says what is done on standard error.
struct Talk;

impl Observer for Talk {
    #[expect(clippy::print_stderr, reason = "an example")]
    fn begin(&self, work: &str, steps: u64) {
        eprintln!("{work}: {steps} folds");
    }
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = Setting { seed: 7, observer: &Talk };
    let set = import(&[sample().to_owned()], &ImportOptions::default(), &|_, _| {})?.set;
    println!("{} traces of {} classes", set.len(), set.classes().len());

    let attack = attack("kfp-size")?;
    let undefended = cross_validate(&attack, &set, 5, setting)??;
    println!("undefended: accuracy {:.3}", undefended.scores.accuracy.unwrap_or(f64::NAN));

    let defended = defend(&set, &"tamaraw:cell".parse()?, setting.seed)?;
    let found = attack_defended(&defended, &defended.observe(), &attack, (5, DRAWS_TRAIN), setting)?.measured?;
    println!("{}: accuracy {:.3}", defended.spec(), found.scores.accuracy.unwrap_or(f64::NAN));

    // The same attack as a model, asked for one trace.
    let fitted = attack.fit(Samples::Traces(&set), setting.seed)?;
    let said = fitted.predict(Samples::Traces(&set.select(&[0])))?;
    println!("the first trace is of class {}", said.classes().names()[said.argmax()[0]]);
    Ok(())
}
