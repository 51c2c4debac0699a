//! A defence of your own: simulated, checked, and written as a file that the program attacks.
//!
//! `cargo run --release -p wfkit-defend --example own_defence -- traces.parquet echoed.parquet`

use std::path::Path;

use wfkit_datasets::{LabelledTrace, Trace, TraceSet, read_traces, write_traces};
use wfkit_defend::{
    Assumptions, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DelayModel, Draws, Guarantees, Ledger,
    StopRule, check,
};

/// After each request the peer sends some packets that nobody needs: none, or one, two, .. each half as likely as the one before.
#[derive(Debug)]
struct Echo {
    size: i32,
    gap_ns: u64,
}

impl Defense for Echo {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        // What is sent, and which packet of the original it carries; none: padding.
        let mut sent: Vec<(u64, i32, Option<usize>)> = Vec::new();
        for (origin, (time_ns, size)) in trace.packets().enumerate() {
            sent.push((time_ns, size, Some(origin)));
            if size > 0 {
                let echoes = draws.geometric() - 1; // from 1 on, each half as likely as the one before
                sent.extend((1..=echoes).map(|nth| (time_ns + nth * self.gap_ns, -self.size, None)));
            }
        }
        draws.allow(sent.len())?;
        sent.sort_by_key(|&(time_ns, ..)| time_ns); // stable: packets of the original keep their order
        let mut builder = DefendedTraceBuilder::with_capacity(sent.len());
        for (time_ns, size, origin) in sent {
            match origin {
                Some(origin) => builder.whole(time_ns, size, origin, size.unsigned_abs()),
                None => builder.padding(time_ns, size),
            }
        }
        Ok(builder.finish(Ledger::default())?)
    }

    /// What it promises, and is held to below.
    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, sizes_untouched: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

/// Draws of each load: an attacker can draw the defence as often as he likes on loads of his own.
const COPIES: u64 = 3;

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else { return Err("give traces to read and a .parquet file to write".into()) };
    let set = read_traces(Path::new(input))?.set;
    let echo = Echo { size: 536, gap_ns: 5_000_000 };
    let (mut observed, mut bytes, mut bytes_before) = (Vec::new(), 0, 0);
    for (load, labelled) in (0..).zip(set.traces()) {
        for copy in 0..COPIES {
            // By the load and the copy, never by the class: what is drawn must not tell it.
            let mut draws = Draws::from_seed(COPIES * load + copy);
            let defended = echo.defend(&labelled.trace, &mut draws)?;
            check(&labelled.trace, &defended, &echo.guarantees())?;
            let seen = defended.observe(); // what an observer sees: no word of padding
            bytes += seen.in_bytes() + seen.out_bytes();
            bytes_before += labelled.trace.in_bytes() + labelled.trace.out_bytes();
            let mut key = labelled.key.clone();
            key.rep = key.rep * COPIES as i64 + copy as i64;
            let mut row = LabelledTrace::new(key, labelled.start_ns, seen);
            // Copies of one load are never both learned from and tested.
            row.origin = Some(labelled.trace.short_hash());
            observed.push(row);
        }
    }
    let mut provenance = set.provenance().clone();
    provenance.defenses.push("echo".into());
    write_traces(Path::new(output), &TraceSet::new(observed, provenance)?)?;
    println!("{} traces, {:.2} times the bytes, every one checked", set.len(), bytes as f64 / bytes_before as f64);
    Ok(())
}
