//! What a defence costs in time, over all delay models.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::LabelledTrace;

use crate::{
    CausalityReport, DefendError, DefendedSet, DefendedTrace, DelayModel, Load, OverheadOptions, Overheads, Pipeline,
};

/// The time overhead under every delay model: what a simulation knows is the span of these, not one of them.
///
/// It is a bracket around a value, the overhead under the model in use, and always holds it. The other models are run on some of the traces; what they
/// add to the time of these, in proportion to what the model in use adds, they are taken to add to all. (A few loads with long pauses have most of
/// the time of a set, and no more delay than others.)
///
/// Measurements on Tor lie above the optimistic and the pessimistic one (Gong, Zhang, Zhang and Wang, "WFDefProxy: Real World
/// Implementation and Evaluation of Website Fingerprinting Defenses", IEEE TIFS 2023).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeBracket {
    /// Traces that the models were compared on.
    pub traces: usize,
    /// Lowest and highest latency overhead (sum over sum) of all models that could be run, the one in use among them; `None` where no trace has a
    /// duration.
    pub latency: Option<[f64; 2]>,
    /// Shortest and longest mean delay of a packet, likewise.
    pub mean_delay_s: Option<[f64; 2]>,
    /// Each model on the traces that were compared. One entry where nothing is held back, so that there is nothing to assume.
    pub models: Vec<ModelCost>,
}

/// The time overhead under one delay model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCost {
    /// The model, for every layer.
    pub delay_model: DelayModel,
    /// Latency overhead, sum over sum.
    pub latency: Option<f64>,
    /// Mean delay of a packet.
    pub mean_delay_s: Option<f64>,
    /// Bandwidth overhead, sum over sum: slots go on as long as the load does.
    pub bandwidth: Option<f64>,
    /// Share of answers that come too soon.
    pub too_soon: Option<f64>,
    /// Why a number is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Traces that the models are compared on: a defence that is run over and over to infer delays takes up to a tenth of a
/// second for a page load.
const COMPARED: usize = 500;

impl TimeBracket {
    /// Around what the set costs: its first copies under each model, whatever `delays` the specification gives. Of a set of more than 500 traces
    /// some are taken, at equal steps through the set.
    pub fn of(defended: &DefendedSet<'_>) -> Result<Self, DefendError> {
        let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
        Self::around(&overheads, defended, COMPARED)
    }

    /// Around other `overheads` by the same defence, such as those of a part of the traces, on about `most` of the traces of `defended` where there are
    /// more (0 is taken for 1).
    pub fn around(overheads: &Overheads, defended: &DefendedSet<'_>, most: usize) -> Result<Self, DefendError> {
        let (set, spec) = (defended.original(), defended.spec());
        let step = set.len().div_ceil(most.max(1)).max(1);
        let (traces, own): (Vec<&LabelledTrace>, Vec<&DefendedTrace>) =
            defended.traces().step_by(step * defended.copies().each() as usize).unzip();
        let own = ModelCost::of(own_model(defended), &traces, &own);
        let profile = defended.spec().profile_of(set).within(defended.limit());
        let cost = |delay_model: DelayModel| {
            let spec = spec.clone().only_delays(delay_model);
            let layers = set.provenance().defenses.len();
            let pipeline = Pipeline::new(&spec, &profile, layers, defended.manifest().seed)?;
            let made = traces.par_iter().map(|labelled| pipeline.defend(&Load::of(labelled), 0));
            match made.collect::<Result<Vec<_>, DefendError>>() {
                Ok(made) => Ok(ModelCost::of(delay_model, &traces, &made.iter().collect::<Vec<_>>())),
                // Longer loads can need more packets than there may be.
                Err(DefendError::Trace { trace, error, .. }) => {
                    Ok(ModelCost::missing(delay_model, format!("the trace ({trace}): {error}")))
                }
                Err(fault) => Err(fault),
            }
        };
        let models = match spec.delays() {
            true => DelayModel::ALL.into_iter().map(cost).collect::<Result<Vec<_>, DefendError>>()?,
            false => vec![own.clone()],
        };
        let value = |estimate: Option<crate::Estimate>| estimate.map(|estimate| estimate.value);
        let span = |whole: Option<f64>, of: fn(&ModelCost) -> Option<f64>| {
            let whole = whole?;
            let of_all = |cost: &ModelCost| match (of(cost)?, of(&own)?) {
                (other, own) if own > 0.0 && whole > 0.0 => Some(whole * other / own),
                (other, _) => Some(other),
            };
            let ends = models.iter().filter_map(of_all).chain([whole]);
            Some(ends.fold([whole; 2], |[low, high], end| [low.min(end), high.max(end)]))
        };
        Ok(Self {
            traces: traces.len(),
            latency: span(value(overheads.latency.total), |cost| cost.latency),
            mean_delay_s: span(value(overheads.delay.mean_s), |cost| cost.mean_delay_s),
            models,
        })
    }
}

/// The delay model of a specification that leaves no choice.
fn own_model(defended: &DefendedSet<'_>) -> DelayModel {
    let mut models = defended.manifest().layers.iter().map(|layer| layer.assumptions.delay_model);
    models.find(|&model| model != DelayModel::None).unwrap_or(DelayModel::None)
}

impl ModelCost {
    fn missing(delay_model: DelayModel, reason: String) -> Self {
        let reason = Some(reason);
        Self { delay_model, latency: None, mean_delay_s: None, bandwidth: None, too_soon: None, reason }
    }

    fn of(delay_model: DelayModel, traces: &[&LabelledTrace], defended: &[&DefendedTrace]) -> Self {
        let pairs: Vec<_> = traces.iter().map(|t| &t.trace).zip(defended.iter().copied()).collect();
        let Overheads { latency, delay, bandwidth, .. } =
            Overheads::of(&pairs, &OverheadOptions { bootstrap: 0, seed: 0 });
        let causality = pairs.par_iter().map(|(before, after)| CausalityReport::of(before, after));
        let latency = latency.total.map(|estimate| estimate.value);
        let too_soon = causality.reduce(CausalityReport::default, |a, b| a + b).share();
        let missing = latency.is_none() || too_soon.is_none();
        Self {
            delay_model,
            latency,
            mean_delay_s: delay.mean_s.map(|estimate| estimate.value),
            bandwidth: bandwidth.both.total.map(|estimate| estimate.value),
            too_soon,
            reason: missing.then(|| "no trace has a duration, or none has an answer".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{Layer, Provenance, Trace, TraceSet};

    use super::*;
    use crate::testing::labelled;
    use crate::{DefenseSpec, defend};

    #[test]
    fn the_bracket_holds_every_model() {
        let ms = 1_000_000;
        let trace = Trace::new(vec![0, ms, 2 * ms, 3 * ms, 5 * ms], vec![10, -10, 10, -10, -10]).unwrap();
        let set = TraceSet::new(vec![labelled(0, trace)], Provenance::new(Layer::Tcp, vec![])).unwrap();
        let bracket = |spec: &str| {
            let spec: DefenseSpec = spec.parse().unwrap();
            TimeBracket::of(&defend(&set, &spec, 1).unwrap()).unwrap()
        };
        let tamaraw = bracket("tamaraw,rho-out=7ms,rho-in=7ms,size=10B,l=1");
        // One a slot: out 0 and 7 ms; in 7, 14, 21 ms. The second response answers the request at 7 ms: it is there at 8 ms.
        let latency: Vec<f64> = tamaraw.models.iter().map(|cost| cost.latency.unwrap()).collect();
        assert_eq!(latency[..2], [21.0 / 5.0 - 1.0; 2]);
        assert_eq!(tamaraw.latency.unwrap()[0], 21.0 / 5.0 - 1.0);
        assert!(tamaraw.latency.unwrap()[1] > tamaraw.latency.unwrap()[0], "{tamaraw:?}");
        assert_eq!(tamaraw.models[3].too_soon, Some(0.0));
        let none = bracket("front");
        assert_eq!((none.models.len(), none.latency), (1, Some([0.0, 0.0])));
    }

    /// Whatever the traces that are compared say of themselves: here only the first is, and it has no delay at all.
    #[test]
    fn the_bracket_holds_the_value_that_it_stands_beside() {
        let ms = 1_000_000;
        let quiet = Trace::new(vec![0, 70 * ms], vec![10, -10]).unwrap();
        let busy = Trace::new(vec![0, 1, 2, 3, 4 * ms], vec![10, -10, 10, -10, -10]).unwrap();
        let set =
            TraceSet::new(vec![labelled(0, quiet), labelled(1, busy)], Provenance::new(Layer::Tcp, vec![])).unwrap();
        for delays in ["none", "optimistic", "pessimistic", "inferred"] {
            let spec = format!("tamaraw,rho-out=7ms,rho-in=7ms,size=10B,l=1,delays={delays}");
            let defended = defend(&set, &spec.parse().unwrap(), 1).unwrap();
            let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
            for most in [1, 2, 500] {
                let bracket = TimeBracket::around(&overheads, &defended, most).unwrap();
                for (ends, value) in
                    [(bracket.latency, overheads.latency.total), (bracket.mean_delay_s, overheads.delay.mean_s)]
                {
                    let ([low, high], value) = (ends.unwrap(), value.unwrap().value);
                    assert!(low <= value && value <= high, "{value} in [{low}, {high}] of {most} under {delays}");
                }
            }
        }
    }
}
