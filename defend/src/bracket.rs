//! What a defence costs in time, over all delay models.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::{LabelledTrace, TraceSet};

use crate::{
    CausalityReport, DefendError, DefendedTrace, DefenseSpec, DelayModel, OverheadOptions, Overheads, Pipeline, Profile,
};

/// The time overhead under every delay model: what a simulation knows is the span of these, not one of them.
///
/// Measurements on Tor lie above the optimistic and the pessimistic one (Gong, Zhang, Zhang and Wang, "WFDefProxy: Real World
/// Implementation and Evaluation of Website Fingerprinting Defenses", IEEE TIFS 2023).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeBracket {
    /// Traces that the models were compared on.
    pub traces: usize,
    /// Lowest and highest latency overhead (sum over sum) of the models that could be run; `None` where no trace has a duration.
    pub latency: Option<[f64; 2]>,
    /// Shortest and longest mean delay of a packet.
    pub mean_delay_s: Option<[f64; 2]>,
    /// Each model. One entry where nothing is held back, so that there is nothing to assume.
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
    /// Defends the set under each model, whatever `delays` the specification gives. Of a set of more than 500 traces some are taken, at
    /// equal steps through the set.
    pub fn of(set: &TraceSet, spec: &DefenseSpec, seed: u64) -> Result<Self, DefendError> {
        Self::of_some(set, spec, seed, COMPARED)
    }

    /// As [`of`](Self::of), on about `most` of the traces where there are more (0 is taken for 1).
    pub fn of_some(set: &TraceSet, spec: &DefenseSpec, seed: u64, most: usize) -> Result<Self, DefendError> {
        let profile = Profile::of(set);
        let own = [own_model(&Pipeline::new(spec, &profile, set.provenance().defenses.len(), seed)?)];
        let models: &[DelayModel] = if spec.delays() { &DelayModel::ALL } else { &own };
        let traces: Vec<_> = set.traces().iter().step_by(set.len().div_ceil(most.max(1)).max(1)).collect();
        let cost = |&delay_model: &DelayModel| {
            let spec = spec.clone().only_delays(delay_model);
            let pipeline = Pipeline::new(&spec, &profile, set.provenance().defenses.len(), seed)?;
            let defended = traces.par_iter().map(|t| pipeline.defend(&t.key, &t.trace, 0));
            Ok(match defended.collect::<Result<Vec<_>, DefendError>>() {
                Ok(defended) => ModelCost::of(delay_model, &traces, &defended),
                // Longer loads can need more slots than there may be.
                Err(DefendError::Trace { trace, error, .. }) => {
                    let reason = Some(format!("the trace ({trace}): {error}"));
                    ModelCost {
                        latency: None,
                        mean_delay_s: None,
                        bandwidth: None,
                        too_soon: None,
                        delay_model,
                        reason,
                    }
                }
                Err(fault) => return Err(fault),
            })
        };
        let models = models.iter().map(cost).collect::<Result<Vec<_>, DefendError>>()?;
        let span = |of: fn(&ModelCost) -> Option<f64>| {
            let values: Vec<f64> = models.iter().filter_map(of).collect();
            let low = values.iter().copied().min_by(f64::total_cmp)?;
            let high = values.iter().copied().max_by(f64::total_cmp)?;
            Some([low, high])
        };
        let traces = traces.len();
        Ok(Self { traces, latency: span(|cost| cost.latency), mean_delay_s: span(|cost| cost.mean_delay_s), models })
    }
}

/// The delay model of a specification that leaves no choice.
fn own_model(pipeline: &Pipeline) -> DelayModel {
    let mut models = pipeline.manifest().layers.iter().map(|layer| layer.assumptions.delay_model);
    models.find(|&model| model != DelayModel::None).unwrap_or(DelayModel::None)
}

impl ModelCost {
    fn of(delay_model: DelayModel, traces: &[&LabelledTrace], defended: &[DefendedTrace]) -> Self {
        let pairs: Vec<_> = traces.iter().map(|t| &t.trace).zip(defended).collect();
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
    use wfkit_datasets::{Layer, Provenance, Trace};

    use super::*;
    use crate::testing::labelled;

    #[test]
    fn the_bracket_holds_every_model() {
        let ms = 1_000_000;
        let trace = Trace::new(vec![0, ms, 2 * ms, 3 * ms, 5 * ms], vec![10, -10, 10, -10, -10]).unwrap();
        let set = TraceSet::new(vec![labelled(0, trace)], Provenance::new(Layer::Tcp, vec![])).unwrap();
        let spec = "tamaraw,rho-out=7ms,rho-in=7ms,size=10B,l=1".parse().unwrap();
        let bracket = TimeBracket::of(&set, &spec, 1).unwrap();
        // One a slot: out 0 and 7 ms; in 7, 14, 21 ms. The second response answers the request at 7 ms: it is there at 8 ms.
        let latency: Vec<f64> = bracket.models.iter().map(|cost| cost.latency.unwrap()).collect();
        assert_eq!(latency[..2], [21.0 / 5.0 - 1.0; 2]);
        assert_eq!(bracket.latency.unwrap()[0], 21.0 / 5.0 - 1.0);
        assert!(bracket.latency.unwrap()[1] > bracket.latency.unwrap()[0], "{bracket:?}");
        assert_eq!(bracket.models[3].too_soon, Some(0.0));
        let none = TimeBracket::of(&set, &"front".parse().unwrap(), 1).unwrap();
        assert_eq!((none.models.len(), none.latency), (1, Some([0.0, 0.0])));
    }
}
