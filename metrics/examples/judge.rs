//! How good an attack is that says a probability for every class.
//!
//! `cargo run --release -p wfkit-metrics --example judge`

use ndarray::array;
use wfkit_metrics::{ClassMap, Probabilities, ScoreOptions, Scores};

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A row a visit; columns are in class order: mail, maps, news.
    let classes = ClassMap::from_labels(["mail", "maps", "news"]);
    let said =
        array![[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3], [0.0, 0.1, 0.9]];
    let truth = [0, 1, 0, 2, 1, 2];
    let options = ScoreOptions { bootstrap: 1000, seed: 1, ..ScoreOptions::default() };
    let scores = Scores::compute(&Probabilities::new(classes, said)?, &truth, &options)?;

    println!("accuracy {:.3}, and by chance {:.3}", scores.accuracy.unwrap_or(f64::NAN), 1.0 / 3.0);
    println!("ROC-AUC  {:.3}", scores.roc_auc_macro_ovr.unwrap_or(f64::NAN));
    println!("log loss {:.3} nats", scores.log_loss.unwrap_or(f64::NAN));
    if let Some(worst) = &scores.worst_class {
        println!("least well known: {}", worst.class);
    }
    Ok(())
}
