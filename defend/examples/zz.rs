#![allow(clippy::all, missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use std::fs;
use std::path::Path;
use wfkit_datasets::*;
use wfkit_defend::*;
fn trace(text: &str) -> Trace {
    let packet = |line: &str| {
        let f: Vec<&str> = line.split(',').collect();
        (f[0].parse::<u64>().unwrap(), if f[1] == "s" { 1 } else { -1 })
    };
    let mut packets: Vec<(u64, i32)> = text.lines().map(packet).collect();
    packets.sort_by_key(|(time, _)| *time);
    let start = packets[0].0;
    let (times, sizes) = packets.into_iter().map(|(time, size)| (time - start, size)).unzip();
    Trace::new(times, sizes).unwrap()
}
fn main() {
    let mut a = std::env::args().skip(1);
    let r: u64 = a.next().unwrap().parse().unwrap();
    let specs: Vec<String> = a.by_ref().take_while(|x| x != "--").collect();
    let files: Vec<String> = a.collect();
    let traces = (0..)
        .zip(&files)
        .map(|(rep, file)| LabelledTrace {
            key: TraceKey { class: "a".into(), rep, session: None },
            start_ns: None,
            trace: trace(&fs::read_to_string(Path::new(file)).unwrap()),
        })
        .collect();
    let set = TraceSet::new(traces, Provenance::new(Layer::Unknown, vec![])).unwrap();
    let profile = Profile::of(&set);
    for spec in &specs {
        let p = Pipeline::new(&spec.parse().unwrap(), &profile, 0, 1).unwrap();
        let (mut all, mut var, mut zero) = ([0.0f64; 4], [0.0f64; 4], [0usize; 2]);
        let (mut sp, mut sn, mut lat, mut dur) = (0.0, 0.0, 0.0, 0.0);
        for t in set.traces() {
            let mut rows: Vec<[f64; 4]> = vec![];
            for k in 0..r {
                let d = p.defend(&t.key, &t.trace, k).unwrap();
                let mut c = [0.0; 4];
                for q in d.packets() {
                    if q.is_padding() {
                        c[usize::from(q.size < 0)] += 1.0;
                    }
                }
                for w in 0..2 {
                    zero[w] += usize::from(c[w] == 0.0);
                }
                c[2] = d.completion_ns(t.trace.len()).into_iter().max().unwrap() as f64 / 1e9;
                c[3] = d.packets().last().unwrap().time_ns as f64 / 1e9 - c[2];
                sp += c[0] + c[1];
                sn += t.trace.len() as f64;
                lat += c[2];
                dur += t.trace.duration_ns() as f64 / 1e9;
                rows.push(c);
            }
            for i in 0..4 {
                let m = rows.iter().map(|x| x[i]).sum::<f64>() / r as f64;
                let v = rows.iter().map(|x| (x[i] - m).powi(2)).sum::<f64>() / (r - 1).max(1) as f64 / r as f64;
                all[i] += m / set.len() as f64;
                var[i] += v / (set.len() * set.len()) as f64;
            }
        }
        let n = (set.len() as u64 * r) as f64;
        println!(
            "{spec:45} out {:.1}±{:.1} in {:.1}±{:.1} last {:.2}±{:.2} tail {:.2} bw {:.1} % lat {:.1} % zero {:.3} {:.3}",
            all[0],
            var[0].sqrt(),
            all[1],
            var[1].sqrt(),
            all[2],
            var[2].sqrt(),
            all[3],
            100. * sp / sn,
            100. * (lat / dur - 1.),
            zero[0] as f64 / n,
            zero[1] as f64 / n
        );
    }
}
