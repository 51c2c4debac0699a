//! Writes a large made-up set of traces, which never stands in memory: `cargo run --release -p wfkit-datasets --example made_up -- 100000 2000 OUT.parquet`
//! makes 100,000 traces of 2,000 packets in 100 classes, whose volumes tell a little of them.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, WriteError, write_parquet_in_parts};

const CLASSES: i64 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, traces, packets, out] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "TRACES PACKETS OUT")?;
    let (traces, packets): (i64, usize) = (traces.parse()?, packets.parse()?);
    let provenance = Provenance::new(Layer::Tcp, vec!["made up".to_owned()]);
    write_parquet_in_parts::<WriteError>(out.as_ref(), &provenance, |sink| {
        for class in 1..=CLASSES {
            let of_class = traces / CLASSES + i64::from(class <= traces % CLASSES);
            (0..of_class).try_for_each(|rep| sink.add(&made_up(class, rep, packets)))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Bursts of full packets in between requests, 10 ms apart.
fn made_up(class: i64, rep: i64, packets: usize) -> LabelledTrace {
    let mut random = Xoshiro256PlusPlus::seed_from_u64((class << 32 | rep) as u64);
    let (mut time_ns, mut size) = (Vec::with_capacity(packets), Vec::with_capacity(packets));
    let mut now = 0;
    while size.len() < packets {
        for at in 0..random.random_range(2..12 + class as u64 / 4) {
            time_ns.push(now);
            size.push(if at == 0 { 543 } else { -1448 });
            now += 1_000 * random.random_range(10..500);
        }
        now += 10_000_000;
    }
    time_ns.truncate(packets);
    size.truncate(packets);
    let trace = Trace::new(time_ns, size).expect("times ascend from 0");
    LabelledTrace::new(TraceKey { class: class.to_string(), rep, session: None }, None, trace)
}
