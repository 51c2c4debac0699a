//! Nets of others, from ONNX files, run by tract.

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;
use thiserror::Error;
use tract_onnx::pb::{ModelProto, tensor_shape_proto::dimension::Value as Dimension, type_proto::Value as Kind};
use tract_onnx::prelude::*;
use wfkit_datasets::{Trace, caught};
use wfkit_features::Channel;
use wfkit_metrics::ClassMap;

use crate::attack::{About, FittedAttack, Sees};
use crate::learners::{Model, Shown};

/// Traces that are judged at once, where the file does not say.
const BATCH: usize = 32;

/// A row whose numbers are no less than 0 and sum to 1, but for this, is one of probabilities.
const NEAR: f32 = 1e-3;

/// What an ONNX file does not have to say.
#[derive(Debug, Clone, Default)]
pub struct OnnxOptions {
    /// What the net sees of a trace; by default what the file says under `channel` in its metadata.
    pub channel: Option<Channel>,
    /// The classes, in the order of its outputs; by default what the file says under `classes` in its metadata, a list in JSON.
    pub classes: Option<Vec<String>>,
}

/// Why an ONNX file says nothing of traces.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OnnxError {
    /// It cannot be read or run.
    #[error("not an ONNX model that can be run: {0}")]
    Model(String),
    /// Nothing says what it is to be shown.
    #[error(
        "the model does not tell what it is shown: say so by --channel ({}), or write it into its metadata under \"channel\"",
        Channel::ALL.map(Channel::name).join(", ")
    )]
    NoChannel,
    /// It says something that does not exist.
    #[error("the metadata of the model name channel {name:?}; there are {}", Channel::ALL.map(Channel::name).join(", "))]
    UnknownChannel {
        /// What it says.
        name: String,
    },
    /// Nothing says which classes it tells apart.
    #[error(
        "the model does not tell its classes: give them by --onnx-classes FILE, one a line in the order of its outputs, or write them into its \
         metadata under \"classes\", as a list in JSON"
    )]
    NoClasses,
    /// The list of classes is none.
    #[error("the classes of the model are no list of different names: {0}")]
    Classes(String),
    /// It has not one input, or one of another form.
    #[error(
        "the model takes {found}; expected one input of shape (batch, {}), as channel {channel} is",
        shape(expected)
    )]
    Input {
        /// What was found.
        found: String,
        /// The channel.
        channel: &'static str,
        /// The shape of one trace.
        expected: Vec<usize>,
    },
    /// It has not as many outputs as there are classes.
    #[error("the model answers with {found} numbers a trace, and there are {classes} classes")]
    Output {
        /// How many.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
}

fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// A net of somebody else.
struct Onnx {
    plan: Arc<TypedRunnableModel>,
    channel: Channel,
    /// Packets of a trace.
    length: usize,
    /// Of a batch, the batch first.
    shape: Vec<usize>,
    /// The class of each output.
    columns: Vec<usize>,
}

/// Numbers that a batch has at most.
const MOST: usize = 1 << 27;

/// An attack by the net of an ONNX file, which is shown traces as [`Channel`] has them, cut or padded to the length that its input has.
///
/// Its first output is one row of numbers a trace, one a class: probabilities, or scores whose softmax they are.
pub(super) fn read(bytes: &[u8], options: &OnnxOptions) -> Result<FittedAttack, OnnxError> {
    let damaged = || OnnxError::Model("it is damaged in a way that tract does not know".to_owned());
    caught(|| parsed(bytes, options)).ok_or_else(damaged)?
}

fn parsed(bytes: &[u8], options: &OnnxOptions) -> Result<FittedAttack, OnnxError> {
    let failed = |error: TractError| OnnxError::Model(format!("{error:#}"));
    let onnx = tract_onnx::onnx();
    let proto = onnx.proto_model_for_read(&mut &*bytes).map_err(failed)?;
    let metadata = |key: &str| proto.metadata_props.iter().find(|entry| entry.key == key).map(|entry| &*entry.value);
    let channel = match (options.channel, metadata("channel")) {
        (Some(channel), _) => channel,
        (None, Some(name)) => {
            let found = Channel::ALL.into_iter().find(|channel| channel.name() == name);
            found.ok_or_else(|| OnnxError::UnknownChannel { name: name.to_owned() })?
        }
        (None, None) => return Err(OnnxError::NoChannel),
    };
    let classes = match (&options.classes, metadata("classes")) {
        (Some(classes), _) => classes.clone(),
        (None, Some(list)) => serde_json::from_str(list).map_err(|error| OnnxError::Classes(error.to_string()))?,
        (None, None) => return Err(OnnxError::NoClasses),
    };
    let map = ClassMap::from_labels(&classes);
    let columns: Vec<usize> = classes.iter().filter_map(|class| map.index_of(class)).collect();
    if map.len() < classes.len() {
        return Err(OnnxError::Classes(format!(
            "{} of {} names are there twice",
            classes.len() - map.len(),
            classes.len()
        )));
    }
    let (name, dimensions) = input_of(&proto, bytes.len() as u64)?;
    let length = dimensions.last().copied().flatten().unwrap_or(0);
    let expected = channel.shape(length);
    let known: Option<Vec<usize>> = dimensions.iter().skip(1).copied().collect();
    let wrong = || OnnxError::Input {
        found: format!("{name} of shape ({})", of_dimensions(&dimensions)),
        channel: channel.name(),
        expected: expected.clone(),
    };
    let known = known.filter(|known| !known.is_empty() && length > 0).ok_or_else(wrong)?;
    // Ones in front of the shape, such as a channel alone, change nothing.
    let without_ones: Vec<usize> =
        known.iter().copied().skip_while(|&n| n == 1 && known.len() > expected.len()).collect();
    if without_ones != expected {
        return Err(wrong());
    }
    let batch = dimensions[0].unwrap_or(BATCH);
    if batch.saturating_mul(known.iter().product()) > MOST {
        return Err(OnnxError::Model(format!("a batch of {batch} traces has more than {MOST} numbers")));
    }
    let shape: Vec<usize> = std::iter::once(batch).chain(known).collect();
    let plan = onnx
        .model_for_proto_model(&proto)
        .and_then(|model| model.with_input_fact(0, f32::fact(&shape).into()))
        .and_then(|model| model.into_optimized())
        .and_then(|model| model.into_runnable())
        .map_err(failed)?;
    let net = Onnx { plan, channel, length, shape, columns };
    // Whatever it is, it shows now whether it answers.
    let said = net.scores(&[]).map_err(failed)?;
    if said.len() != batch * classes.len() {
        return Err(OnnxError::Output { found: said.len() / batch, classes: classes.len() });
    }
    let about = About {
        attack: "onnx".to_owned(),
        seed: 0,
        trained_on: vec![0; classes.len()],
        classes: map,
        features: Vec::new(),
        observed: None,
    };
    Ok(FittedAttack {
        about,
        sees: Sees::Packets,
        model: Box::new(net),
        calibrator: None,
        unless_unanimous: None,
        learned_from: Vec::new(),
    })
}

/// The name and shape of the one input that is no constant.
fn input_of(proto: &ModelProto, most: u64) -> Result<(String, Vec<Option<usize>>), OnnxError> {
    let graph = proto.graph.as_ref().ok_or_else(|| OnnxError::Model("there is no graph in it".to_owned()))?;
    // What is stored in the file is no larger than the file, whatever its shape says.
    let too_large =
        |dims: &[i64]| dims.iter().try_fold(1_u64, |n, &d| n.checked_mul(d.try_into().ok()?)).is_none_or(|n| n > most);
    if let Some(constant) = graph.initializer.iter().find(|constant| too_large(&constant.dims)) {
        return Err(OnnxError::Model(format!("array {:?} is larger than the file", constant.name)));
    }
    let is_given = |name: &str| graph.initializer.iter().all(|constant| constant.name != name);
    let inputs: Vec<_> = graph.input.iter().filter(|input| is_given(&input.name)).collect();
    let [input] = inputs[..] else {
        return Err(OnnxError::Model(format!("it takes {} inputs, not one", inputs.len())));
    };
    let Some(Kind::TensorType(tensor)) = input.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return Err(OnnxError::Model(format!("input {} is no tensor", input.name)));
    };
    let dimensions = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dimension| match dimension.value {
        Some(Dimension::DimValue(n)) => usize::try_from(n).ok().filter(|&n| n > 0),
        _ => None,
    });
    Ok((input.name.clone(), dimensions.collect()))
}

fn of_dimensions(dimensions: &[Option<usize>]) -> String {
    dimensions.iter().map(|n| n.map_or("any".to_owned(), |n| n.to_string())).collect::<Vec<_>>().join(", ")
}

impl Onnx {
    /// What it says of a batch at most, which is filled up with nothing.
    fn scores(&self, traces: &[&Trace]) -> TractResult<Vec<f32>> {
        let mut values: Vec<f32> = Vec::with_capacity(self.shape.iter().product());
        for trace in traces {
            values.extend(self.channel.values(trace, self.length).into_iter().map(|value| value as f32));
        }
        values.resize(self.shape.iter().product(), 0.0);
        let said = self.plan.run(tvec!(Tensor::from_shape(&self.shape, &values)?.into()))?;
        let said = said[0].cast_to::<f32>()?.into_owned();
        Ok(said.to_plain_array_view::<f32>()?.iter().copied().collect())
    }
}

/// A distribution: as it is where it is one, else the softmax; equal shares where numbers are none.
fn distribution(row: &[f32]) -> Vec<f64> {
    let values = || row.iter().map(|&value| f64::from(value));
    let is_distribution = row.iter().all(|&p| p >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < NEAR;
    let largest = values().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = match is_distribution {
        true => values().collect(),
        false => values().map(|value| (value - largest).exp()).collect(),
    };
    let sum: f64 = shares.iter().sum();
    if sum.is_finite() && sum > 0.0 {
        shares.into_iter().map(|share| share / sum).collect()
    } else {
        vec![1.0 / row.len() as f64; row.len()]
    }
}

impl Model for Onnx {
    fn predict(&self, Shown { traces, .. }: Shown<'_>) -> Array2<f64> {
        let of_batch = |traces: &[&Trace]| -> Vec<f64> {
            // A net that fails on numbers of the shape on which it ran says nothing: rows of numbers that are none have equal shares.
            let nothing = || vec![f32::NAN; self.shape[0] * self.columns.len()];
            let said = caught(|| self.scores(traces).ok()).flatten().unwrap_or_else(nothing);
            said.chunks(self.columns.len()).take(traces.len()).flat_map(distribution).collect()
        };
        let values: Vec<f64> = traces.par_chunks(self.shape[0]).flat_map_iter(of_batch).collect();
        let outputs = Array2::from_shape_vec((traces.len(), self.columns.len()), values).expect("a row a trace");
        let mut classes = Array2::zeros(outputs.dim());
        for (output, &class) in self.columns.iter().enumerate() {
            classes.column_mut(class).assign(&outputs.column(output));
        }
        classes
    }

    fn reads_traces(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        format!("net of an ONNX file, shown {} of shape ({})", self.channel.name(), shape(&self.shape[1..]))
    }
}

impl std::fmt::Debug for Onnx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}
