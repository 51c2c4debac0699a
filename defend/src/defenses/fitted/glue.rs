//! GLUE: other pages' traffic between the pages of a session.

use wfkit_datasets::Trace;

use super::other_loads::Others;
use crate::defenses::front::Front;
use crate::defenses::{PADDING_SIZE, with_padding};
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Draws, Guarantees, Ledger, Needs,
    Parameter, Preset, StopRule, Value,
};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "glue",
    summary: "fills the time between the pages of a session with traffic of other pages, so that the pages are hard to find",
    purpose: "sessions of several pages, so that beginnings are hidden",
    cost: "3 % to 53 % more bytes, by the time between pages; no delay",
    source: "Gong and Wang, \"Zero-delay Lightweight Defenses against Website Fingerprinting\", USENIX Security 2020",
    published: &[
        "bandwidth 3 % to 13 %, 22 % to 44 %, 35 % to 53 % for short, normal and long times between pages; latency 0 % (the paper)",
    ],
    caveats: &[
        "for traces of whole sessions, several pages one after the other; a trace of one page gets the glue after it alone",
        "a silence of at least `silence` ends a page, as the client that knows its pages would tell",
        "glue is a training trace of another class, cut when the next page starts; when it is over another one follows",
        "it starts after a gap drawn between the 20th and the 80th percentile of the page's times between packets, 1 ms at least",
        "FRONT pads the first page alone, and what is due after it is dropped; a layer of FRONT before glue would be taken for the page, and \
         hide its silence",
        "the trace keeps its class: wfkit sessions makes sessions of page loads and attacks them, glued or not",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: true },
    presets: &[Preset {
        name: "gong20",
        summary: "FRONT on the first page, glue between pages, and 10 to 15 s of it after the last",
        parameters: &[
            Parameter::count("n", 0, 1_100, "FRONT's budget on the first page, each side's own; 0 leaves it out"),
            PADDING_SIZE,
            duration("silence", 1_000_000, 1_000, "the shortest silence between pages"),
            duration("tail-min", 0, 10_000, "the shortest time of glue after the last page"),
            duration("tail-max", 0, 15_000, "the longest"),
        ],
        check: |values| {
            let (low, high) = (values.duration_ns("tail-min"), values.duration_ns("tail-max"));
            if low > high {
                let (low, high) = (Value::Duration(low), Value::Duration(high));
                return Err(format!("tail-min ({low}) is above tail-max ({high})"));
            }
            Ok(())
        },
        build: |values, profile| {
            Ok(Box::new(Glue {
                front: Front::of_paper(values.count("n"), values.size("size")),
                others: Others::new(profile, 1, 1.0, 0),
                silence_ns: values.duration_ns("silence"),
                tail_ns: (values.duration_ns("tail-min"), values.duration_ns("tail-max")),
            }))
        },
    }],
};

const fn duration(key: &'static str, min: u64, ms: u64, meaning: &'static str) -> Parameter {
    Parameter::duration(key, min, ms * 1_000_000, meaning)
}

/// The shortest gap before glue, so that glue of packets at one time comes to an end.
const LEAST_GAP_NS: u64 = 1_000_000;

#[derive(Debug)]
struct Glue {
    front: Front,
    others: Others,
    silence_ns: u64,
    tail_ns: (u64, u64),
}

impl Glue {
    /// Adds glue from a page's end on, until before `until_ns`.
    fn fill(
        &self,
        padding: &mut Vec<(u64, i32)>,
        (end_ns, until_ns): (u64, u64),
        gaps: &[u64],
        class: Option<&str>,
        draws: &mut Draws,
    ) -> Result<(), DefenseError> {
        let mut now_ns = end_ns.saturating_add(gap(gaps, draws));
        while now_ns < until_ns {
            for other in self.others.draw(class, padding.len(), draws)? {
                let glue = other.packets().map(|(time_ns, size)| (time_ns.saturating_add(now_ns), size));
                padding.extend(glue.take_while(|(time_ns, _)| *time_ns < until_ns));
                now_ns = now_ns.saturating_add(other.duration_ns()).saturating_add(gap(gaps, draws));
            }
        }
        Ok(())
    }

    fn send(&self, class: Option<&str>, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let times = trace.time_ns();
        let (mut padding, mut ledger) = (Vec::new(), Ledger::default());
        let mut first = 0;
        for last in 0..times.len() {
            let next = times.get(last + 1).copied();
            if next.is_some_and(|next| next - times[last] < self.silence_ns) {
                continue;
            }
            if first == 0 {
                let page = (&times[..=last], &trace.size()[..=last]);
                self.front.pad_load(page, &mut padding, &mut ledger, draws)?;
            }
            let (low, high) = self.tail_ns;
            let until_ns = next.unwrap_or_else(|| times[last].saturating_add(low + draws.up_to(high - low)));
            let mut gaps: Vec<u64> = times[first..=last].windows(2).map(|pair| pair[1] - pair[0]).collect();
            gaps.sort_unstable();
            self.fill(&mut padding, (times[last], until_ns), &gaps, class, draws)?;
            first = last + 1;
        }
        padding.sort_by_key(|&(time, _)| time); // stable
        Ok(with_padding(trace, &padding).finish(ledger)?)
    }
}

/// A gap between the percentiles 20 and 80 of those of a page, in order.
fn gap(gaps: &[u64], draws: &mut Draws) -> u64 {
    let at = |percent: usize| gaps.get(gaps.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
    let (low, high) = (at(20), at(80));
    (low + draws.up_to(high - low)).max(LEAST_GAP_NS)
}

impl Defense for Glue {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        self.send(None, trace, draws)
    }

    fn defend_class(&self, class: &str, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        self.send(Some(class), trace, draws)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, sizes_untouched: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, TraceSet};

    use super::super::anonymity::tests::growing;
    use super::*;
    use crate::{DefenseSpec, defend};

    const SECOND: u64 = 1_000_000_000;

    /// Two pages of 5 packets, 20 s from one to the other.
    fn session(training: &TraceSet) -> TraceSet {
        let times = (0..10).map(|i| if i < 5 { i } else { i + 2_000 } * 10_000_000).collect();
        let trace = Trace::new(times, (0..10).map(|i| if i % 5 == 0 { 333 } else { -777 }).collect()).unwrap();
        let key = wfkit_datasets::TraceKey { class: "two pages".into(), rep: 0, session: None };
        let one = LabelledTrace::new(key, None, trace);
        TraceSet::new(vec![one], training.provenance().clone()).unwrap()
    }

    #[test]
    fn glue_fills_the_time_between_pages_and_after_the_last() {
        let training = growing(3);
        let set = session(&training);
        let page_ends = [40_000_000, 20_090_000_000_u64];
        for seed in 0..50 {
            let spec = "glue:n=0".parse::<DefenseSpec>().unwrap().fit(training.clone());
            let defended = defend(&set, &spec, seed).unwrap();
            let (_, trace) = defended.traces().next().unwrap();
            let glue: Vec<(u64, i32)> =
                trace.packets().filter(|p| p.is_padding()).map(|p| (p.time_ns, p.size)).collect();
            assert!(glue.iter().all(|(_, size)| ![333, -777].contains(size)));
            // None within a page; from 10 ms after it, the only gap there is, without a silence to the next page.
            let (between, after): (Vec<u64>, Vec<u64>) =
                glue.iter().map(|(t, _)| *t).partition(|t| *t < 20_050_000_000);
            for (times, end) in [(&between, page_ends[0]), (&after, page_ends[1])] {
                assert_eq!(times[0], end + 10_000_000);
                assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 20_000_000));
            }
            assert!(20_050_000_000 - between.last().unwrap() <= 20_000_000);
            let tail = after.last().unwrap() - page_ends[1];
            assert!((9_970_000_000..15 * SECOND).contains(&tail), "{tail}");
        }
    }

    #[test]
    fn front_pads_the_first_page_alone() {
        let training = growing(3);
        let set = session(&training);
        let sent = |n: u64, seed| {
            let spec = format!("glue:n={n},size=99B,tail-max=0s,tail-min=0s").parse::<DefenseSpec>().unwrap();
            let defended = defend(&set, &spec.fit(training.clone()), seed).unwrap();
            let (_, trace) = defended.traces().next().unwrap();
            trace.packets().filter(|p| p.is_padding() && p.size.abs() == 99).map(|p| p.time_ns).collect::<Vec<u64>>()
        };
        // The first page takes 40 ms: of windows of 1 s to 14 s one packet in some ten thousand falls into it.
        let times: Vec<u64> = (0..20).flat_map(|seed| sent(100_000, seed)).collect();
        assert!(times.len() > 20 && times.iter().all(|&time| time <= 40_000_000), "{times:?}");
        assert!((0..20).all(|seed| sent(0, seed).is_empty()));
    }

    #[test]
    fn a_short_silence_is_no_end_of_a_page() {
        let training = growing(3);
        let set = session(&training);
        let spec = "glue:n=0,silence=21s,tail-min=0s,tail-max=0s".parse::<DefenseSpec>().unwrap().fit(training);
        assert_eq!(defend(&set, &spec, 1).unwrap().observe().traces()[0].trace, set.traces()[0].trace);
    }

    #[test]
    fn gaps_are_those_of_the_middle() {
        let gaps: Vec<u64> = (0..=100).map(|ms| ms * 1_000_000).collect();
        let mut draws = Draws::from_seed(1);
        let drawn: Vec<u64> = (0..2_000).map(|_| gap(&gaps, &mut draws)).collect();
        let (low, high) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!((20_000_000..21_000_000).contains(low) && (79_000_000..=80_000_000).contains(high), "{low} {high}");
        assert_eq!(gap(&[], &mut draws), LEAST_GAP_NS);
    }
}
