//! Clocks that were set while a capture ran, stamps that make no sense, and records that are not in the order of their
//! times: what a second reading of the capture has to know.

use std::collections::HashMap;

use crate::packet::Segment;

/// Captures have packets out of order by less than this without anything being wrong, in ns: several queues of a card are
/// read in turn.
const JITTER_NS: i64 = 1_000_000;

/// Further apart than this, in ns, are no two packets of a visit: 30 days.
const FAR_NS: i64 = 30 * 24 * 3600 * 1_000_000_000;

/// A clock is not set more often while a capture runs; what looks so is disorder.
const MOST_STEPS: usize = 16;

/// Runs that are told apart, at most.
const MOST_RUNS: usize = 10_000;

/// Records that a wrong stamp has at once, at most.
const FEW: u64 = 3;

/// Looks for times that are to be looked at closely. Costs a comparison a packet.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Of the last packet; the least number before the first.
    last_ns: i64,
    latest_ns: i64,
    is_odd: bool,
    backwards: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self { last_ns: i64::MIN, latest_ns: i64::MIN, is_odd: false, backwards: 0 }
    }
}

impl Watch {
    #[inline(always)]
    pub(crate) fn see(&mut self, time_ns: i64) {
        let step = time_ns.wrapping_sub(self.last_ns);
        if !(0..=FAR_NS).contains(&step) {
            self.look(time_ns);
        }
        self.last_ns = time_ns;
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self, time_ns: i64) {
        // The first packet comes here, too.
        if self.last_ns != i64::MIN {
            let latest = self.latest_ns.max(self.last_ns);
            self.backwards += u64::from(time_ns < self.last_ns);
            self.is_odd |= is_break(latest, time_ns);
            self.latest_ns = latest;
        }
        self.latest_ns = self.latest_ns.max(time_ns);
    }

    /// The time of the last packet.
    pub(crate) fn last_ns(&self) -> i64 {
        self.last_ns
    }

    /// Packets that are earlier than the one before.
    pub(crate) fn backwards(&self) -> u64 {
        self.backwards
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.is_odd
    }
}

#[inline(always)]
fn is_break(latest_ns: i64, time_ns: i64) -> bool {
    let step = time_ns.wrapping_sub(latest_ns);
    !(-JITTER_NS..=FAR_NS).contains(&step)
}

/// How the times of a capture are to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Corrections {
    /// From this record on, so many ns more.
    pub(crate) steps: Vec<(u64, i64)>,
    /// First and last of records whose times make no sense.
    pub(crate) senseless: Vec<(u64, u64)>,
    /// The times are right, and the order in the file is not.
    pub(crate) in_time_order: bool,
}

/// What becomes of the time of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Corrected {
    Time(i64),
    Senseless,
}

impl Corrections {
    pub(crate) fn are_needed(&self) -> bool {
        *self != Self::default()
    }

    pub(crate) fn apply(&self, record: u64, time_ns: i64) -> Corrected {
        if self.senseless.iter().any(|&(first, last)| (first..=last).contains(&record)) {
            return Corrected::Senseless;
        }
        let shift: i64 = self.steps.iter().take_while(|(first, _)| *first <= record).map(|(_, shift)| shift).sum();
        Corrected::Time(time_ns.saturating_add(shift))
    }

    /// One sentence about each kind of correction.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let [(first, _), ..] = self.senseless[..] {
            let n: u64 = self.senseless.iter().map(|(first, last)| last - first + 1).sum();
            let are = if n == 1 { "it is left out".to_owned() } else { format!("{n} such records are left out") };
            problems.push(format!("record {first}: its time is more than 30 days from those around it; {are}"));
        }
        if let [(first, shift), ..] = self.steps[..] {
            let back = if shift > 0 { "back" } else { "forward" };
            let seconds = shift.unsigned_abs() as f64 / 1e9;
            let others = match self.steps.len() {
                1 => String::new(),
                n => format!(", the first of {n} steps"),
            };
            problems.push(format!(
                "record {first}: the clock was set {back} by {seconds} s or more{others}; sequence numbers or the file tell \
                 the order, and times behind it go on from the record before"
            ));
        }
        if self.in_time_order {
            problems.push(
                "records are not in the order of their times, and sequence numbers say that the times are right: read \
                 in that order"
                    .to_owned(),
            );
        }
        problems
    }
}

/// Records in a row whose times do not jump.
#[derive(Debug, Clone)]
struct Run {
    first: u64,
    last: u64,
    start_ns: i64,
    earliest_ns: i64,
    latest_ns: i64,
    /// Segments that continue what the runs before sent in their direction, and those that do not.
    ahead: u64,
    behind: u64,
    /// The next run goes on where the one before this ended.
    is_excursion: bool,
}

impl Run {
    fn len(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether sequence numbers prove that it belongs where it is in the file.
    fn is_in_order(&self) -> bool {
        self.ahead > 0 && self.behind * 10 <= self.ahead
    }
}

/// Takes a capture apart where its times jump.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// By flow and sender: the number behind the last byte, and the run that was first to send some.
    ends: HashMap<(usize, usize), (u32, usize)>,
}

impl Runs {
    /// Takes a record with a time; where it is a segment, also its flow and sender.
    pub(crate) fn add(&mut self, record: u64, time_ns: i64, segment: Option<((usize, usize), &Segment<'_>)>) {
        let returns = match self.runs.as_mut_slice() {
            [.., before, run] if run.len() <= FEW => {
                let (back, gap) =
                    (before.latest_ns.saturating_sub(run.start_ns), time_ns.saturating_sub(run.latest_ns));
                let returns = back > 0 && gap >= back / 2 && !is_break(before.latest_ns, time_ns);
                run.is_excursion = returns;
                returns
            }
            _ => false,
        };
        let is_full = self.runs.len() == MOST_RUNS;
        match self.runs.last() {
            Some(run) if is_full || (!returns && !is_break(run.latest_ns, time_ns)) => {}
            _ => self.runs.push(Run {
                first: record,
                last: record,
                start_ns: time_ns,
                earliest_ns: time_ns,
                latest_ns: time_ns,
                ahead: 0,
                behind: 0,
                is_excursion: false,
            }),
        }
        let current = self.runs.len() - 1;
        let run = &mut self.runs[current];
        run.last = record;
        run.earliest_ns = run.earliest_ns.min(time_ns);
        run.latest_ns = run.latest_ns.max(time_ns);
        // Datagrams have no numbers.
        let Some((direction, segment)) = segment.filter(|(_, segment)| segment.payload_len > 1 && segment.flags.0 != 0)
        else {
            return;
        };
        let end = segment.seq.wrapping_add(segment.payload_len);
        let (known, first_run) = self.ends.entry(direction).or_insert((segment.seq, current));
        let is_ahead = segment.seq.wrapping_sub(*known) as i32 >= 0;
        if *first_run < current {
            if is_ahead {
                run.ahead += 1;
            } else {
                run.behind += 1;
            }
        }
        if (end.wrapping_sub(*known) as i32) > 0 {
            *known = end;
        }
    }

    pub(crate) fn corrections(self) -> Corrections {
        let mut corrections = Corrections::default();
        let main = self.main_era();
        let all: u64 = self.runs.iter().map(Run::len).sum();
        let is_elsewhere = |run: &Run| run.latest_ns < main.0 || run.earliest_ns > main.1;
        let elsewhere: u64 = self.runs.iter().filter(|run| is_elsewhere(run)).map(Run::len).sum();
        // More of them are another setting of the clock.
        let are_few = elsewhere <= FEW.max(all / 20);
        let mut before: Option<i64> = None;
        let mut shift = 0_i64;
        for run in &self.runs {
            if are_few && is_elsewhere(run) {
                corrections.senseless.push((run.first, run.last));
                continue;
            }
            let start = run.start_ns.saturating_add(shift);
            let Some(latest) = before else {
                before = Some(run.latest_ns);
                continue;
            };
            let mut returning = 0;
            if is_break(latest, start) {
                let is_far = start.saturating_sub(latest).unsigned_abs() > FAR_NS.unsigned_abs();
                if run.is_in_order() || (is_far && run.behind <= run.ahead) {
                    let step = latest.saturating_sub(start);
                    corrections.steps.push((run.first, step));
                    shift = shift.saturating_add(step);
                    if run.is_excursion {
                        returning = -step;
                        corrections.steps.push((run.last + 1, -step));
                    }
                } else {
                    corrections.in_time_order |= run.behind > 0;
                }
            }
            before = Some(latest.max(run.latest_ns.saturating_add(shift)));
            shift = shift.saturating_add(returning);
        }
        if corrections.steps.len() > MOST_STEPS {
            corrections.steps.clear();
        }
        corrections
    }

    /// From when to when the most records are that are not far from each other.
    fn main_era(&self) -> (i64, i64) {
        let mut runs: Vec<&Run> = self.runs.iter().collect();
        runs.sort_by_key(|run| run.earliest_ns);
        let mut eras: Vec<(i64, i64, u64)> = Vec::new();
        for run in runs {
            match eras.last_mut() {
                Some((_, end, len)) if run.earliest_ns.saturating_sub(*end) <= FAR_NS => {
                    *end = run.latest_ns.max(*end);
                    *len += run.len();
                }
                _ => eras.push((run.earliest_ns, run.latest_ns, run.len())),
            }
        }
        let most = eras.iter().map(|era| era.2).max().unwrap_or(0);
        eras.into_iter().find(|era| era.2 == most).map_or((i64::MIN, i64::MAX), |(start, end, _)| (start, end))
    }
}
