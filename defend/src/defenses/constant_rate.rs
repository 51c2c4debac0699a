//! Constant rate (BuFLO): slots in both directions for a fixed time, longer if the data need it.

use wfkit_datasets::Trace;

use super::loads::silence_ns;
use super::slots::Slots;
use super::{DELAYS, STOP, delay_model, no_conflict};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Draws, Guarantees, Kind,
    Needs, Parameter, PerDirection, Preset, SlotPlan, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "constant-rate",
    summary: "sends packets of one size at a fixed interval both ways, until a time has passed and all data is sent",
    purpose: "the classic upper end; as a reference",
    cost: "three to five times the bytes; time by the rate",
    source: "BuFLO: Dyer, Coull, Ristenpart and Shrimpton, \"Peek-a-Boo, I Still See You: Why Efficient Traffic Analysis \
             Countermeasures Fail\", IEEE S&P 2012",
    published: &["bandwidth 93 % to 419 % over the paper's parameters (Cai, Zhang, Joshi and Johnson, ACM CCS 2012)"],
    caveats: &[
        "a load longer than tau shows how long it is",
        "stops with the last normal packet of the trace, which a deployment cannot know, unless stop=soft:W",
        "slots of both directions count from the first packet of the trace; a peer would start half a round trip later",
        "a slot of d bytes carries d bytes of the trace's sizes, headers they contain included; the paper's d includes 52 \
         bytes of headers",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "buflo",
        summary: "the paper's d = 1000 B, rho = 20 ms, tau = 10 s",
        parameters: &[
            Parameter::duration("rho", 1_000, 20_000_000, "time between packets"),
            Parameter {
                key: "rho-out",
                kind: Kind::Duration,
                min: 1_000,
                default: DefaultValue::Derived {
                    rule: "as rho",
                    derive: |_, values| Value::Duration(values.duration_ns("rho")),
                },
                meaning: "time between outgoing packets",
            },
            Parameter {
                key: "rho-in",
                kind: Kind::Duration,
                min: 1_000,
                default: DefaultValue::Derived {
                    rule: "as rho",
                    derive: |_, values| Value::Duration(values.duration_ns("rho")),
                },
                meaning: "time between incoming packets",
            },
            Parameter {
                key: "size",
                kind: Kind::Size,
                min: 1,
                default: DefaultValue::Is(Value::Size(1000)),
                meaning: "size of every packet (d)",
            },
            Parameter::duration("tau", 0, 10_000_000_000, "send at least this long: every slot before tau is used"),
            DELAYS,
            STOP,
        ],
        check: no_conflict,
        build: |values, profile| {
            let size = values.size("size");
            Slots::suits(size, profile)?;
            let interval_ns =
                PerDirection { outgoing: values.duration_ns("rho-out"), incoming: values.duration_ns("rho-in") };
            let slots = Slots { interval_ns, size, delays: delay_model(values), stop: values.stop("stop") };
            Ok(Box::new(ConstantRate { slots, tau_ns: values.duration_ns("tau") }))
        },
    }],
};

#[derive(Debug)]
struct ConstantRate {
    slots: Slots,
    tau_ns: u64,
}

impl ConstantRate {
    /// The slots before tau.
    fn before_tau(&self) -> PerDirection<u64> {
        PerDirection::from_fn(|way| self.tau_ns.div_ceil(self.slots.interval_ns[way]))
    }
}

impl Defense for ConstantRate {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let limit = draws.limit();
        let placement = self.slots.place(trace, limit)?;
        let before_tau = self.before_tau();
        self.slots
            .send(&placement, limit, |until_sent| PerDirection::from_fn(|way| until_sent[way].max(before_tau[way])))
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            total_order: self.slots.delays == DelayModel::Pessimistic,
            slots: Some(SlotPlan {
                interval_ns: self.slots.interval_ns,
                size: self.slots.size,
                multiple: 1,
                at_least: self.before_tau(),
            }),
            pauses_after_ns: Some(silence_ns(self.slots.stop)),
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.slots.delays, stop_rule: self.slots.stop }
    }

    fn infers_delays(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_one;

    const MS: u64 = 1_000_000;

    #[test]
    fn it_lasts_at_least_tau_and_as_long_as_the_data() {
        let trace = Trace::new(vec![0, 95 * MS], vec![100, -100]).unwrap();
        let length = |spec: &str| {
            let observed = defend_one(spec, &trace).observe();
            (observed.out_packets(), observed.in_packets(), observed.duration_ns() / MS)
        };
        // The response leaves at 100 ms.
        assert_eq!(length("constant-rate,tau=0s"), (6, 6, 100));
        assert_eq!(length("constant-rate,tau=100ms"), (6, 6, 100));
        assert_eq!(length("constant-rate,tau=101ms"), (6, 6, 100));
        assert_eq!(length("constant-rate,tau=121ms"), (7, 7, 120));
        assert_eq!(length("constant-rate,tau=121ms,rho-in=5ms"), (7, 25, 120));
    }

    #[test]
    fn traces_within_tau_look_all_the_same() {
        let short = Trace::new(vec![0], vec![1]).unwrap();
        let long = Trace::new(vec![0, MS, 900 * MS, 5_000 * MS], vec![300, -20_000, 700, -1]).unwrap();
        let spec = "constant-rate,tau=10s";
        assert_eq!(defend_one(spec, &short).observe(), defend_one(spec, &long).observe());
    }
}
