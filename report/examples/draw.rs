//! A picture of a trace, as SVG on standard output: `cargo run --release -p wfkit-report --example draw > trace.svg`

use wfkit_datasets::Trace;
use wfkit_report::picture::{ShownTrace, waterfall};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plain = Trace::new(vec![0, 80_000_000, 90_000_000, 95_000_000], vec![586, -1_500, -1_500, -400])?;
    // The same with two packets that carry nothing.
    let padded = Trace::new(
        vec![0, 40_000_000, 80_000_000, 90_000_000, 95_000_000, 130_000_000],
        vec![586, -1_500, -1_500, -1_500, -400, -1_500],
    )?;
    let padding = [0, 1_500, 0, 0, 0, 1_500];
    let picture = waterfall(
        "One load, and what a defence makes of it",
        &[
            ShownTrace { name: "as it was", trace: &plain, padding: None },
            ShownTrace { name: "padded", trace: &padded, padding: Some(&padding) },
        ],
    );
    eprintln!("{}\n{}", picture.finding, picture.table.csv());
    println!("{}", picture.svg());
    Ok(())
}
