//! Plain timing: packets wait for a clock, for company or for a token.

use wfkit_datasets::Trace;

use super::{no_conflict, released};
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws, Guarantees, Ledger,
    Needs, Parameter, Preset, StopRule,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "hold",
    summary: "holds packets back until a tick, until a batch is full or until there is a token; sizes stay, no packets are added",
    purpose: "what times give away, by ticks, batches or tokens; sizes stay",
    cost: "no bytes; up to a tick, or until a batch is full",
    source: "plain timing defences, defined here; batches are the threshold and timed mixes of Serjantov, Dingledine and Syverson, \"From a \
             Trickle to a Flood\", Information Hiding 2002",
    published: &[],
    caveats: &["later packets of a direction wait, answers to a late request do not"],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "quantise",
            summary: "until the next tick of one clock for both directions, which starts with the trace",
            parameters: &[Parameter::duration("tick", 1, 20_000_000, "time between ticks; 1ns changes nothing")],
            check: no_conflict,
            build: |values, _| Ok(Box::new(Hold::Quantise { tick_ns: values.duration_ns("tick") })),
        },
        Preset {
            name: "batch",
            summary: "until k packets of a direction wait or the first of them has waited long enough, then all leave",
            parameters: &[
                count("k", 5, "packets of a full batch; 1 changes nothing"),
                Parameter::duration("wait", 0, 50_000_000, "the longest that the first packet of a batch waits"),
            ],
            check: no_conflict,
            build: |values, _| {
                Ok(Box::new(Hold::Batch { k: values.count("k") as usize, wait_ns: values.duration_ns("wait") }))
            },
        },
        Preset {
            name: "token-bucket",
            summary: "until there is a token; each direction gets one an interval and keeps at most a bucket of them",
            parameters: &[
                Parameter::duration("interval", 1, 5_000_000, "time between tokens"),
                count("bucket", 10, "tokens that a direction keeps, and starts with: the longest burst"),
            ],
            check: no_conflict,
            build: |values, _| {
                Ok(Box::new(Hold::TokenBucket {
                    interval_ns: values.duration_ns("interval"),
                    bucket: values.count("bucket"),
                }))
            },
        },
    ],
};

const fn count(key: &'static str, count: u64, meaning: &'static str) -> Parameter {
    Parameter::count(key, 1, count, meaning)
}

#[derive(Debug)]
enum Hold {
    Quantise { tick_ns: u64 },
    Batch { k: usize, wait_ns: u64 },
    TokenBucket { interval_ns: u64, bucket: u64 },
}

impl Hold {
    /// When the packets of one direction leave, given when they arrive. Neither decreases.
    fn releases(&self, arrivals: &[u64]) -> Vec<u64> {
        match *self {
            Self::Quantise { tick_ns } => {
                arrivals.iter().map(|at| at.checked_next_multiple_of(tick_ns).unwrap_or(u64::MAX)).collect()
            }
            Self::Batch { k, wait_ns } => {
                let mut releases = Vec::with_capacity(arrivals.len());
                while let Some(&first) = arrivals.get(releases.len()) {
                    let waiting = &arrivals[releases.len()..];
                    let flush = first.saturating_add(wait_ns);
                    let in_time = waiting.iter().take(k).take_while(|&&at| at <= flush).count();
                    let leaves = if in_time == k { waiting[k - 1] } else { flush };
                    releases.extend(std::iter::repeat_n(leaves, in_time));
                }
                releases
            }
            // A packet may leave as soon as it would in a queue served each interval, or up to `bucket` - 1 intervals before that.
            Self::TokenBucket { interval_ns, bucket } => {
                let tolerance = (bucket - 1).saturating_mul(interval_ns);
                let mut due = 0_u64;
                let release = |&at: &u64| {
                    let leaves = at.max(due.saturating_sub(tolerance));
                    due = due.max(leaves).saturating_add(interval_ns);
                    leaves
                };
                arrivals.iter().map(release).collect()
            }
        }
    }
}

impl Defense for Hold {
    fn defend(&self, trace: &Trace, _: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut releases: Vec<(u64, usize)> = Vec::with_capacity(trace.len());
        for direction in Direction::BOTH {
            let rows: Vec<usize> = (0..trace.len()).filter(|&i| Direction::of(trace.size()[i]) == direction).collect();
            let arrivals: Vec<u64> = rows.iter().map(|&row| trace.time_ns()[row]).collect();
            releases.extend(self.releases(&arrivals).into_iter().zip(rows));
        }
        Ok(released(trace, releases).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            identity: matches!(self, Self::Quantise { tick_ns: 1 } | Self::Batch { k: 1, .. }),
            sizes_untouched: true,
            no_padding: true,
            total_order: matches!(self, Self::Quantise { .. }),
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::Optimistic, stop_rule: StopRule::NoPadding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_one;

    fn releases(spec: &str, trace: &Trace) -> Vec<u64> {
        defend_one(spec, trace).completion_ns(trace.len())
    }

    #[test]
    fn ticks_are_multiples_of_the_interval() {
        let trace = Trace::new(vec![0, 1, 10, 11, 20], vec![1, -1, 1, 1, -1]).unwrap();
        assert_eq!(releases("hold:quantise,tick=10ns", &trace), [0, 10, 10, 20, 20]);
        assert_eq!(defend_one("hold:quantise,tick=1ns", &trace).observe(), trace);
    }

    #[test]
    fn a_batch_leaves_full_or_in_time() {
        let trace = Trace::new(vec![0, 2, 3, 4, 5, 40, 60], vec![1, 1, -1, 1, 1, 1, 1]).unwrap();
        // Out: 0, 2, 4 are full at 4; 5 waits 10; 40 waits 10; 60 waits 10. In: 3 waits 10.
        assert_eq!(releases("hold:batch,k=3,wait=10ns", &trace), [4, 4, 13, 4, 15, 50, 70]);
        assert_eq!(defend_one("hold:batch,k=1", &trace).observe(), trace);
    }

    #[test]
    fn a_bucket_lets_its_tokens_through_at_once_and_then_one_an_interval() {
        let trace = Trace::new(vec![0, 0, 0, 0, 0, 100, 100, 100, 100], vec![1, 1, 1, 1, -1, 1, 1, 1, 1]).unwrap();
        let spec = "hold:token-bucket,interval=10ns,bucket=2";
        assert_eq!(releases(spec, &trace), [0, 0, 10, 20, 0, 100, 100, 110, 120]);
    }
}
