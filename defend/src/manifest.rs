//! How a set was defended, to be kept beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wfkit_datasets::TraceSet;

use crate::simulate::draws::Mixer;
use crate::{Assumptions, DefenseSpec, DefenseSpecError, Invariant};

/// How a set was defended: enough to do it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program and its version.
    pub tool: String,
    /// Names layers and parameters, those included that the set decided: equal definitions of one version simulate equally.
    pub definition: String,
    /// The seed.
    pub seed: u64,
    /// Defended copies of each trace.
    pub replicas: u32,
    /// Layers that the traces had been through before.
    pub layers_before: usize,
    /// What the layers learned from, where one learns from labelled traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingManifest>,
    /// The layers, the first applied first.
    pub layers: Vec<LayerManifest>,
    /// What every trace was held against, after every layer that promises it.
    pub invariants: Vec<Invariant>,
}

/// The training traces behind a [`Manifest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// How many.
    pub traces: usize,
    /// Of how many classes.
    pub classes: usize,
    /// A hash of their classes and packets, in the order of the set.
    pub content: String,
}

/// One layer of a [`Manifest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerManifest {
    /// The layer as it would be written on the command line.
    pub spec: String,
    /// Every parameter with its value, those included that the set decided.
    pub parameters: BTreeMap<String, String>,
    /// What the simulation takes for granted.
    #[serde(flatten)]
    pub assumptions: Assumptions,
    /// The paper that defines it.
    pub source: String,
}

impl TrainingManifest {
    /// Of these traces.
    pub fn of(training: &TraceSet) -> Self {
        let mut mixer = Mixer::new(0);
        for labelled in training.traces() {
            mixer.text(&labelled.key.class);
            mixer.bytes(&labelled.trace.content_hash());
        }
        let content = format!("{:016x}", mixer.state());
        Self { traces: training.len(), classes: training.classes().len(), content }
    }
}

impl Manifest {
    /// What limits the link: its layers, or nothing.
    pub fn network_model(&self) -> String {
        let links: Vec<&str> =
            self.layers.iter().map(|layer| &*layer.spec).filter(|spec| spec.starts_with("link")).collect();
        if links.is_empty() { "unlimited: only defences hold packets back".to_owned() } else { links.join("+") }
    }

    /// Of layers yet to be added.
    pub(crate) fn new(seed: u64, layers_before: usize, training: Option<&Arc<TraceSet>>) -> Self {
        Self {
            tool: concat!("wfkit ", env!("CARGO_PKG_VERSION")).to_owned(),
            definition: String::new(),
            seed,
            replicas: 1,
            layers_before,
            training: training.map(|training| TrainingManifest::of(training)),
            layers: Vec::new(),
            invariants: Vec::new(),
        }
    }

    /// Adds a layer, and names the whole anew.
    pub(crate) fn push(&mut self, layer: LayerManifest) {
        self.layers.push(layer);
        let mut mixer = Mixer::new(0);
        if let Some(training) = &self.training {
            mixer.text(&training.content);
        }
        for LayerManifest { spec, parameters, .. } in &self.layers {
            mixer.text(spec.split(',').next().unwrap_or_default());
            for (key, value) in parameters {
                mixer.text(key);
                mixer.text(value);
            }
        }
        self.definition = format!("{:016x}", mixer.state());
    }

    /// The specification of all layers.
    pub fn spec(&self) -> Result<DefenseSpec, DefenseSpecError> {
        let layers: Vec<&str> = self.layers.iter().map(|layer| layer.spec.as_str()).collect();
        layers.join("+").parse()
    }
}
