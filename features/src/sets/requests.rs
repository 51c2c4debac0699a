//! `requests`: what came in between one outgoing packet and the next.
//!
//! For services that are asked and answer, as Siby et al. (NDSS 2020) use bursts; here written down so that TCP's cutting of the
//! incoming stream into segments does not show at all, only that of the outgoing one, whose messages mostly fit one segment. Times
//! are not part of it.
//!
//! Let b_k be the incoming bytes after outgoing packet k and before the next (or the end). An *answer* is a b_k above 0.
//! - `requests`, `answers`: outgoing packets; answers. What comes before the first outgoing packet is no answer.
//! - `in_before_001` ...: incoming bytes so far when outgoing packet 1, 2, ... is sent; all of them where there is none.
//! - `answer_001` ...: the answers in order, in cells; 0 after the last.
//! - `largest_01` ...: the largest answers in cells, largest first; 0 after the last.
//! - `answers_of_01` ...: how many answers have 1, 2, ... cells; `answers_of_more`: how many have more.
//!
//! Cells: [`Cell`].

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::cell::Cell;
use crate::column::{Feature, FeatureInformation, Unit};

/// Outgoing packets, and answers, that have a column of their own.
const IN_ORDER: usize = 100;
/// Answers among the largest.
const LARGEST: usize = 50;
/// Cells of answers that are counted apart.
const CELLS: usize = 40;

/// How sizes are rounded, as learned from training traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Requests {
    cell: Cell,
}

impl Requests {
    pub(crate) fn fit(training: &[&Trace]) -> Self {
        Self { cell: Cell::fit(training) }
    }
}

impl Extract for Requests {
    fn columns(&self) -> Vec<Feature> {
        let mut columns = vec![
            Feature::one("requests", Unit::Packets, FeatureInformation::Volume),
            Feature::one("answers", Unit::Count, FeatureInformation::Order),
        ];
        columns.extend(Feature::numbered("in_before", IN_ORDER, Unit::Bytes, FeatureInformation::Order));
        columns.extend(Feature::numbered("answer", IN_ORDER, Unit::Cells, FeatureInformation::Order));
        columns.extend(Feature::numbered("largest", LARGEST, Unit::Cells, FeatureInformation::Size));
        columns.extend(Feature::numbered("answers_of", CELLS, Unit::Count, FeatureInformation::Size));
        columns.push(Feature::one("answers_of_more", Unit::Count, FeatureInformation::Size));
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let Answers { requests, in_before, in_bytes, answers } = Answers::of(trace);
        let answers: Vec<f64> = answers.into_iter().map(|bytes| self.cell.cells(bytes) as f64).collect();

        row.extend([requests as f64, answers.len() as f64]);
        row.extend(in_before.into_iter().chain([in_bytes; IN_ORDER]).take(IN_ORDER).map(|bytes| bytes as f64));
        row.extend(answers.iter().copied().chain([0.0; IN_ORDER]).take(IN_ORDER));

        let mut counts = [0.0; CELLS + 1];
        for &cells in &answers {
            counts[(cells as usize).min(CELLS + 1) - 1] += 1.0;
        }
        let mut largest = answers;
        largest.sort_unstable_by(|a, b| b.total_cmp(a));
        row.extend(largest.into_iter().chain([0.0; LARGEST]).take(LARGEST));
        row.extend(counts);
    }

    fn check(&self) -> Result<(), String> {
        self.cell.check()
    }
}

/// The exchange of a trace, in bytes.
struct Answers {
    requests: usize,
    /// Incoming bytes before the first outgoing packets, at most [`IN_ORDER`].
    in_before: Vec<i64>,
    in_bytes: i64,
    answers: Vec<i64>,
}

impl Answers {
    fn of(trace: &Trace) -> Self {
        let mut of = Self { requests: 0, in_before: Vec::with_capacity(IN_ORDER), in_bytes: 0, answers: Vec::new() };
        let mut since_request = 0;
        for &size in trace.size() {
            if size < 0 {
                of.in_bytes -= i64::from(size);
                since_request -= i64::from(size);
                continue;
            }
            of.end(since_request);
            since_request = 0;
            of.requests += 1;
            if of.in_before.len() < IN_ORDER {
                of.in_before.push(of.in_bytes);
            }
        }
        of.end(since_request);
        of
    }

    fn end(&mut self, answer: i64) {
        if self.requests > 0 && answer > 0 {
            self.answers.push(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    #[test]
    fn what_came_in_between_outgoing_packets() {
        let trace = Trace::new(vec![0; 8], vec![-100, 543, -1448, -80, 543, 543, -514, -40_000]).unwrap();
        let requests = Requests::fit(&[&trace]);
        let row = row(&requests, &trace);
        assert_eq!(row.len(), requests.columns().len());
        assert_eq!(row[..6], [3.0, 2.0, 100.0, 1628.0, 1628.0, 42_142.0]);
        assert_eq!(row[101], 42_142.0);
        assert_eq!(row[102..105], [3.0, 79.0, 0.0]);
        assert_eq!(row[202..205], [79.0, 3.0, 0.0]);
        assert_eq!((row[252..].iter().sum::<f64>(), row[254], row[292]), (2.0, 1.0, 1.0));
    }

    #[test]
    fn segments_do_not_show() {
        let of = |size: &[i32]| Trace::new(vec![0; size.len()], size.into()).unwrap();
        let (one, other) = (of(&[543, -1448, -152, 60]), of(&[543, -800, -400, -400, 60]));
        let requests = Requests::fit(&[&one]);
        assert_eq!(row(&requests, &one), row(&requests, &other));
    }

    #[test]
    fn without_outgoing_packets_there_is_no_answer() {
        let trace = Trace::new(vec![0], vec![-800]).unwrap();
        let row = row(&Requests::fit(&[]), &trace);
        assert_eq!((row[..3].to_vec(), row[102..].iter().sum::<f64>()), (vec![0.0, 0.0, 800.0], 0.0));
    }
}
