//! Whether defended traffic can have carried the answers of the undefended.
//!
//! A defence adds traffic and moves it; it takes none away. Whoever uploads a few made-up packets a trace instead has defended nothing, tells
//! nothing and pays nothing. What every class carries without a defence is therefore the least that it carries with one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use wfkit_datasets::formats::{PacketTrace, Problems};
use wfkit_datasets::{TraceSet, volume};
use wfkit_metrics::{Summary, VolumeSummary, class_order};

/// What becomes of a defence that cannot have carried the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Implausible {
    /// It is refused.
    #[default]
    Refuse,
    /// It waits until an organiser accepts it.
    Hold,
    /// It takes part, with a warning.
    Flag,
}

/// What a round asks of the bytes of defended traffic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plausibility {
    /// What becomes of what is below.
    pub verdict: Implausible,
    /// Share of the undefended incoming bytes that defended traffic carries at least; above 0, and 1 at most.
    pub least_share: f64,
}

impl Default for Plausibility {
    /// 0.8: of every defence of the toolkit that shows all of its traffic no class has less than 1.0, of undefended traffic that was
    /// recorded again none less than 0.86.
    fn default() -> Self {
        Self { verdict: Implausible::Refuse, least_share: 0.8 }
    }
}

/// Incoming bytes of the undefended traces of a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Of the trace in the middle.
    pub median: f64,
    /// Of the smallest.
    pub least: f64,
}

impl Answers {
    /// Of the traces of each class.
    pub fn of(set: &TraceSet) -> BTreeMap<String, Self> {
        let mut bytes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for labelled in set.traces() {
            bytes.entry(&labelled.key.class).or_default().push(volume(&labelled.trace).in_bytes.abs());
        }
        let answers = |(class, bytes): (&str, Vec<f64>)| {
            let summary = Summary::of(bytes)?;
            Some((class.to_owned(), Self { median: summary.median, least: summary.minimum }))
        };
        bytes.into_iter().filter_map(answers).collect()
    }
}

/// Undefended traffic that defences are measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Of all traces.
    pub volumes: VolumeSummary,
    /// Of those of each class, by its name. Classes that are missing are not judged.
    pub answers: BTreeMap<String, Answers>,
    /// What is asked of the bytes of defended traffic.
    pub plausibility: Plausibility,
}

impl Baseline {
    /// `None` without traces.
    pub fn of(set: &TraceSet, plausibility: Plausibility) -> Option<Self> {
        Some(Self { volumes: VolumeSummary::of(&set.volumes())?, answers: Answers::of(set), plausibility })
    }

    /// What of these traces cannot have carried the answers, in problems that name every class: the median of a class below the least
    /// share of the undefended one, more than a tenth of its traces below that share of the smallest undefended one, and the median of
    /// all traces.
    pub(crate) fn judge(&self, traces: &[PacketTrace]) -> Problems {
        let share = self.plausibility.least_share;
        let mut of_class: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for packets in traces {
            let Some(trace) = &packets.trace else { continue };
            of_class.entry(&packets.key[0]).or_default().push(volume(trace).in_bytes.abs());
        }
        let mut low = Vec::new();
        let mut short = Vec::new();
        for (class, undefended) in &self.answers {
            let Some(bytes) = of_class.get(class.as_str()) else { continue };
            let median = Summary::of(bytes.iter().copied()).map_or(0.0, |summary| summary.median);
            if median < share * undefended.median {
                low.push((class.as_str(), format!("class {class}: {median:.0} of {:.0} bytes", undefended.median)));
            }
            let too_small = bytes.iter().filter(|&&bytes| bytes < share * undefended.least).count();
            if too_small > bytes.len() / 10 {
                let told =
                    format!("class {class}: {too_small} of {} below {:.0}", bytes.len(), share * undefended.least);
                short.push((class.as_str(), told));
            }
        }
        let mut problems = Problems::default();
        let mut record = |what: &dyn fmt::Display, mut found: Vec<(&str, String)>| {
            found.sort_by(|a, b| class_order(a.0, b.0));
            let classes: Vec<&str> = found.iter().map(|(class, _)| *class).collect();
            let kind = format!("{what}, which cannot have carried the answers: {}", named(&classes));
            for (_, told) in &found {
                problems.record(kind.clone(), "direction_size", 0, told);
            }
        };
        record(&format_args!("median of incoming bytes below {share} of undefended traffic"), low);
        record(
            &format_args!(
                "more than a tenth of the traces with incoming bytes below {share} of the smallest undefended one"
            ),
            short,
        );
        let all = of_class.into_values().flatten();
        if let Some(median) = Summary::of(all).map(|summary| summary.median)
            && problems.is_empty()
            && median < share * self.volumes.in_bytes.median
        {
            // Where classes are not known, or each is just above: of all traces.
            let kind = format!(
                "median of incoming bytes below {share} of undefended traffic, which cannot have carried the answers"
            );
            let told = format!("{median:.0} of {:.0} bytes", self.volumes.in_bytes.median);
            problems.record(kind, "direction_size", 0, told);
        }
        problems
    }
}

/// All of some classes in few words: runs of numbers by their ends.
fn named(classes: &[&str]) -> String {
    let number = |class: &str| class.parse::<u64>().ok();
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for &class in classes {
        match runs.last_mut() {
            Some((_, last)) if number(last).zip(number(class)).is_some_and(|(last, next)| last + 1 == next) => {
                *last = class;
            }
            _ => runs.push((class, class)),
        }
    }
    let run = |&(first, last): &(&str, &str)| match first == last {
        true => first.to_owned(),
        false => format!("{first} to {last}"),
    };
    let plural = if classes.len() == 1 { "class" } else { "classes" };
    format!("{plural} {}", runs.iter().map(run).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_by_the_ends_of_runs() {
        assert_eq!(named(&["1", "2", "3", "7", "9", "10"]), "classes 1 to 3, 7, 9 to 10");
        assert_eq!(named(&["4"]), "class 4");
        assert_eq!(named(&["a", "b"]), "classes a, b");
    }

    #[test]
    fn what_is_not_set_is_the_default() {
        let read: Plausibility = serde_json::from_str(r#"{"verdict": "hold"}"#).unwrap();
        assert_eq!(read, Plausibility { verdict: Implausible::Hold, ..Plausibility::default() });
    }
}
