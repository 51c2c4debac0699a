//! Random delays, order kept.

use wfkit_datasets::Trace;

use super::{DELAYS, delay_model, no_conflict, released};
use crate::{
    Arrivals, Assumptions, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws, Guarantees,
    Ledger, Needs, Parameter, Preset, StopRule,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "jitter",
    summary: "holds each packet back for a random time, in order; sizes stay, no packets are added",
    purpose: "what times give away by themselves; leaves sizes and order",
    cost: "no bytes; the time that you name",
    source: "a plain timing defence, defined here: packet i leaves at max(release of its predecessor, arrival + jitter)",
    published: &[],
    caveats: &["each packet draws its jitter on its own; what a late packet holds up is up to the delay model"],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "uniform",
            summary: "uniform from 0 to a maximum",
            parameters: &[Parameter::duration("max", 0, 20_000_000, "the longest jitter; 0s changes nothing"), DELAYS],
            check: no_conflict,
            build: |values, _| {
                let distribution = Distribution::Uniform { max_ns: values.duration_ns("max") };
                Ok(Box::new(Jitter { distribution, delays: delay_model(values) }))
            },
        },
        Preset {
            name: "exponential",
            summary: "exponential with a mean",
            parameters: &[Parameter::duration("mean", 0, 10_000_000, "the mean jitter; 0s changes nothing"), DELAYS],
            check: no_conflict,
            build: |values, _| {
                let distribution = Distribution::Exponential { mean_ns: values.duration_ns("mean") };
                Ok(Box::new(Jitter { distribution, delays: delay_model(values) }))
            },
        },
        Preset {
            name: "normal",
            summary: "normal with a mean and a standard deviation, drawn again below 0",
            parameters: &[
                Parameter::duration("mean", 0, 10_000_000, "the mean before the cut at 0"),
                Parameter::duration("sd", 0, 5_000_000, "the standard deviation before the cut"),
                DELAYS,
            ],
            check: no_conflict,
            build: |values, _| {
                let distribution =
                    Distribution::Normal { mean_ns: values.duration_ns("mean"), sd_ns: values.duration_ns("sd") };
                Ok(Box::new(Jitter { distribution, delays: delay_model(values) }))
            },
        },
    ],
};

#[derive(Debug)]
struct Jitter {
    distribution: Distribution,
    delays: DelayModel,
}

#[derive(Debug)]
enum Distribution {
    Uniform { max_ns: u64 },
    Exponential { mean_ns: u64 },
    Normal { mean_ns: u64, sd_ns: u64 },
}

impl Distribution {
    fn draw_ns(&self, draws: &mut Draws) -> u64 {
        match *self {
            Self::Uniform { max_ns } => draws.up_to(max_ns),
            Self::Exponential { mean_ns } => draws.exponential(mean_ns as f64).round() as u64,
            // The mean is not negative, so every other draw at least is kept.
            Self::Normal { mean_ns, sd_ns } => loop {
                let jitter = draws.normal(mean_ns as f64, sd_ns as f64).round();
                if jitter >= 0.0 {
                    break jitter as u64;
                }
            },
        }
    }
}

impl Defense for Jitter {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut arrivals = Arrivals::new(trace, self.delays);
        let release = |i: usize| {
            let due = arrivals.due(i).saturating_add(self.distribution.draw_ns(draws));
            let release = due.max(arrivals.not_before(i));
            arrivals.left(i, release);
            release
        };
        let mut times: Vec<u64> = (0..trace.len()).map(release).collect();
        if self.delays == DelayModel::None {
            in_order(trace, &mut times);
        }
        let releases: Vec<(u64, usize)> = times.into_iter().zip(0..).collect();
        Ok(released(trace, releases).finish(Ledger::default())?)
    }

    fn infers_delays(&self) -> bool {
        true
    }

    fn guarantees(&self) -> Guarantees {
        let identity = matches!(
            self.distribution,
            Distribution::Uniform { max_ns: 0 }
                | Distribution::Exponential { mean_ns: 0 }
                | Distribution::Normal { mean_ns: 0, sd_ns: 0 }
        );
        Guarantees {
            identity,
            sizes_untouched: true,
            no_padding: true,
            total_order: self.delays == DelayModel::Pessimistic,
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::NoPadding }
    }
}

/// Where packets wait for nothing, those of a direction take its times in order. Packet k gets the k-th of them, which is not
/// before it arrived: k times at least are of packets up to k.
fn in_order(trace: &Trace, times: &mut [u64]) {
    for direction in Direction::BOTH {
        let rows: Vec<usize> = (0..times.len()).filter(|&i| Direction::of(trace.size()[i]) == direction).collect();
        let mut sorted: Vec<u64> = rows.iter().map(|&row| times[row]).collect();
        sorted.sort_unstable();
        for (row, time) in rows.into_iter().zip(sorted) {
            times[row] = time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_one;

    const SECOND: u64 = 1_000_000_000;

    /// A packet each second, so that none waits for another.
    fn delays(spec: &str) -> Vec<f64> {
        let n = 20_000;
        let trace = Trace::new((0..n).map(|i| i * SECOND).collect(), vec![100; n as usize]).unwrap();
        let completion = defend_one(spec, &trace).completion_ns(n as usize);
        completion.iter().zip(trace.time_ns()).map(|(after, before)| (after - before) as f64 / 1e6).collect()
    }

    #[test]
    fn delays_have_the_distribution_that_was_asked_for() {
        let mean = |delays: &[f64]| delays.iter().sum::<f64>() / delays.len() as f64;
        let uniform = delays("jitter:uniform,max=20ms");
        assert!((mean(&uniform) - 10.0).abs() < 0.15 && uniform.iter().all(|&ms| ms <= 20.0));
        let exponential = delays("jitter:exponential,mean=10ms");
        // Half a normal distribution has the mean sd sqrt(2 / pi).
        let normal = delays("jitter:normal,mean=0s,sd=10ms");
        assert!((mean(&normal) - 7.979).abs() < 0.15);
        assert!((mean(&delays("jitter:normal,mean=50ms,sd=5ms")) - 50.0).abs() < 0.15);
        let above_mean = exponential.iter().filter(|&&ms| ms > 10.0).count() as f64 / exponential.len() as f64;
        assert!((mean(&exponential) - 10.0).abs() < 0.3 && (above_mean - 0.368).abs() < 0.011);
    }

    #[test]
    fn a_late_packet_holds_up_its_direction_or_both() {
        let trace = Trace::new(vec![0, 0, 0, 0], vec![10, -20, 30, -40]).unwrap();
        let order = |spec: &str| -> Vec<i32> { defend_one(spec, &trace).observe().size().to_vec() };
        assert_eq!(order("jitter,delays=pessimistic"), [10, -20, 30, -40]);
        let optimistic = order("jitter,delays=optimistic");
        let position = |size| optimistic.iter().position(|&s| s == size).unwrap();
        assert!(position(10) < position(30) && position(-20) < position(-40));
    }
}
