//! A net and its numbers, in memory and as safetensors.

use std::collections::HashMap;
use std::fmt;

use burn_tensor::{Device, Tensor, TensorData};
use ndarray::Array2;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::Trace;

use super::device::device;
use super::layers::{Array, Flow, Layer, Mode, Start, layers_of};
use super::recipe::Architecture;
use crate::seed::unit;

/// Traces that are judged at once.
const BATCH: usize = 256;

/// The key of the metadata that says whose numbers these are.
const METADATA: &str = "wfkit";

/// The numbers of a net, array after array, in the order of its layers.
///
/// Stored as safetensors, with the names and shapes that PyTorch gives the arrays of the same `nn.Sequential`: place of the layer, a dot, and
/// `weight`, `bias`, `running_mean` or `running_var`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub(crate) struct Net {
    architecture: Architecture,
    classes: usize,
    arrays: Vec<Vec<f32>>,
}

/// Why bytes are no net.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NetError {
    /// The format is broken.
    #[error("not safetensors: {0}")]
    Format(String),
    /// They do not say what they are.
    #[error("the metadata do not tell which net it is and of how many classes")]
    Unnamed,
    /// An array is missing.
    #[error("array {0} is missing")]
    Missing(String),
    /// There are more arrays than the net has.
    #[error("array {0} is none of the net's")]
    Foreign(String),
    /// An array is of another kind.
    #[error("array {name} is {found}, the net has {expected}")]
    Other {
        /// Its name.
        name: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A number is none.
    #[error("array {0} has a number that is infinite or none")]
    NotFinite(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    net: Architecture,
    classes: usize,
}

impl Net {
    /// Before anything is learned.
    pub(super) fn start(architecture: Architecture, classes: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        Self::filled(architecture, classes, |_, array| start(array, rng))
    }

    /// With numbers by place and array.
    pub(super) fn filled(
        architecture: Architecture,
        classes: usize,
        mut fill: impl FnMut(usize, &Array) -> Vec<f32>,
    ) -> Self {
        let arrays = layers_of(architecture, classes).into_iter().flat_map(|layer| layer.arrays());
        Self { architecture, classes, arrays: arrays.enumerate().map(|(place, array)| fill(place, &array)).collect() }
    }

    /// Of tensors, in their order.
    pub(super) fn of(architecture: Architecture, classes: usize, tensors: &[Tensor<1>]) -> Self {
        let values = |tensor: &Tensor<1>| tensor.to_data().try_to_vec::<f32>().expect("nets are of f32");
        Self { architecture, classes, arrays: tensors.iter().map(values).collect() }
    }

    pub(crate) fn architecture(&self) -> Architecture {
        self.architecture
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.classes
    }

    /// How many numbers it has.
    pub(crate) fn size(&self) -> usize {
        self.arrays.iter().map(Vec::len).sum()
    }

    pub(super) fn tensors(&self, device: &Device) -> Vec<Tensor<1>> {
        let tensor = |values: &Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
        self.arrays.iter().map(tensor).collect()
    }

    /// Logarithms of class probabilities, shape `(n_traces, n_classes)`.
    pub(crate) fn log_probabilities(&self, traces: &[&Trace]) -> Array2<f64> {
        let device = device();
        Body::of(self.architecture, self.classes).judged(traces, &self.tensors(&device), &device)
    }

    /// As safetensors. The same net, the same bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> =
            self.arrays.iter().map(|values| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
        let named = named(self.architecture, self.classes).into_iter().zip(&bytes).map(|((name, array), bytes)| {
            let view = TensorView::new(Dtype::F32, array.shape, bytes);
            (name, view.expect("a net has as many numbers as its shapes say"))
        });
        let about = About { net: self.architecture, classes: self.classes };
        let about = serde_json::to_string(&about).expect("a name and a number are JSON");
        serialize(named, Some(HashMap::from([(METADATA.to_owned(), about)]))).expect("names and shapes are sound")
    }

    /// Of safetensors that [`to_bytes`](Self::to_bytes) made, or of others that say in their metadata what they are.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NetError> {
        let broken = |error: safetensors::SafeTensorError| NetError::Format(error.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let about = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
        let about: About = about.and_then(|about| serde_json::from_str(about).ok()).ok_or(NetError::Unnamed)?;
        Self::of_arrays(about.net, about.classes, bytes)
    }

    /// Of safetensors with the arrays of such a net, whatever their metadata.
    pub(crate) fn of_arrays(architecture: Architecture, classes: usize, bytes: &[u8]) -> Result<Self, NetError> {
        let found = SafeTensors::deserialize(bytes).map_err(|error| NetError::Format(error.to_string()))?;
        // A number of classes that is not in the bytes must not cost memory: every array is looked at before the next is thought of.
        let mut arrays = Vec::new();
        let expected = named(architecture, classes);
        for (name, array) in &expected {
            let view = found.tensor(name).map_err(|_| NetError::Missing(name.clone()))?;
            if (view.dtype(), view.shape()) != (Dtype::F32, &array.shape[..]) {
                let found = format!("{:?} {:?}", view.dtype(), view.shape());
                let expected = format!("F32 {:?}", array.shape);
                return Err(NetError::Other { name: name.clone(), found, expected });
            }
            let values = view.data().chunks_exact(4);
            let values: Vec<f32> = values.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes"))).collect();
            if values.iter().any(|value| !value.is_finite()) {
                return Err(NetError::NotFinite(name.clone()));
            }
            arrays.push(values);
        }
        // PyTorch counts the batches of a norm; nothing needs that.
        let is_foreign = |name: &String| {
            !name.ends_with(".num_batches_tracked") && expected.iter().all(|(expected, _)| expected != name)
        };
        if let Some(name) = found.names().into_iter().map(str::to_owned).find(is_foreign) {
            return Err(NetError::Foreign(name));
        }
        Ok(Self { architecture, classes, arrays })
    }
}

/// The layers of a net, and where the arrays of each begin.
pub(super) struct Body {
    architecture: Architecture,
    classes: usize,
    layers: Vec<(Layer, std::ops::Range<usize>)>,
}

impl Body {
    pub(super) fn of(architecture: Architecture, classes: usize) -> Self {
        let mut next = 0;
        let places = |layer: Layer| {
            let first = next;
            next += layer.arrays().len();
            (layer, first..next)
        };
        Self { architecture, classes, layers: layers_of(architecture, classes).into_iter().map(places).collect() }
    }

    /// Whether slopes move the array at each place.
    pub(super) fn is_learned(&self) -> Vec<bool> {
        self.layers.iter().flat_map(|(layer, _)| layer.arrays()).map(|array| array.is_learned).collect()
    }

    /// Scores of classes, shape `(n_traces, n_classes)`, whose softmax are probabilities.
    pub(super) fn scores(&self, x: Flow, arrays: &[Tensor<1>], mode: &mut Mode<'_>) -> Tensor<2> {
        let step = |x: Flow, (layer, places): &(Layer, std::ops::Range<usize>)| {
            layer.flow(x, &arrays[places.clone()], places.start, mode)
        };
        match self.layers.iter().fold(x, step) {
            Flow::Flat(scores) => scores,
            _ => unreachable!("every net ends in a row of scores"),
        }
    }

    /// Logarithms of class probabilities, shape `(n_traces, n_classes)`.
    pub(super) fn judged(&self, traces: &[&Trace], arrays: &[Tensor<1>], device: &Device) -> Array2<f64> {
        let of_batch = |traces: &[&Trace]| -> Vec<f32> {
            let scores = self.scores(self.shown(traces, device), arrays, &mut Mode::Judge);
            let logs = burn_tensor::activation::log_softmax(scores, 1).into_data();
            logs.try_to_vec().expect("nets are of f32")
        };
        let values: Vec<f64> = traces.chunks(BATCH).flat_map(of_batch).map(f64::from).collect();
        Array2::from_shape_vec((traces.len(), self.classes), values).expect("a row a trace, a column a class")
    }

    /// What the net sees of traces.
    pub(super) fn shown(&self, traces: &[&Trace], device: &Device) -> Flow {
        let (channel, length) = (self.architecture.channel(), self.architecture.length());
        let of_trace = |trace: &&Trace| channel.values(trace, length).into_iter().map(|value| value as f32);
        let values: Vec<f32> = traces.par_iter().flat_map_iter(of_trace).collect();
        match channel.shape(length)[..] {
            [length] => Flow::Line(Tensor::from_data(TensorData::new(values, [traces.len(), 1, length]), device)),
            [high, wide] if self.architecture == Architecture::Rf => {
                Flow::Plane(Tensor::from_data(TensorData::new(values, [traces.len(), 1, high, wide]), device))
            }
            [channels, length] => {
                Flow::Line(Tensor::from_data(TensorData::new(values, [traces.len(), channels, length]), device))
            }
            _ => unreachable!("tensors are lines or planes"),
        }
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Net({:?}, {} classes, {} numbers)", self.architecture, self.classes, self.size())
    }
}

impl From<Net> for Vec<u8> {
    fn from(net: Net) -> Self {
        net.to_bytes()
    }
}

impl TryFrom<Vec<u8>> for Net {
    type Error = NetError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, NetError> {
        Self::from_bytes(&bytes)
    }
}

/// Names and shapes of all arrays.
fn named(architecture: Architecture, classes: usize) -> Vec<(String, Array)> {
    let of_layer = |(place, layer): (usize, &Layer)| {
        layer.arrays().into_iter().map(move |array| (format!("{place}.{}", array.name), array)).collect::<Vec<_>>()
    };
    layers_of(architecture, classes).iter().enumerate().flat_map(of_layer).collect()
}

fn start(array: &Array, rng: &mut Xoshiro256PlusPlus) -> Vec<f32> {
    let n: usize = array.shape.iter().product();
    let (fan_in, fan_out) = (array.fans.0 as f64, array.fans.1 as f64);
    let mut between = |bound: f64| bound * (2.0 * unit(rng) - 1.0);
    let mut draw = || match array.start {
        Start::Zeros => 0.0,
        Start::Ones => 1.0,
        Start::Glorot => between((6.0 / (fan_in + fan_out)).sqrt()),
        Start::Uniform => between(1.0 / fan_in.sqrt()),
        // G. E. P. Box, M. E. Muller, Annals of Mathematical Statistics 29, 1958.
        Start::Normal => {
            let (a, b) = (1.0 - between(0.5).abs() * 2.0, between(std::f64::consts::PI));
            (2.0 / fan_out).sqrt() * (-2.0 * a.max(f64::MIN_POSITIVE).ln()).sqrt() * b.cos()
        }
    };
    (0..n).map(|_| draw() as f32).collect()
}
