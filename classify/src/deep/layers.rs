//! What nets are made of. A net is a list of layers, as PyTorch's `nn.Sequential`, whose names and shapes of arrays it shares.

use burn_tensor::activation::{elu, relu};
use burn_tensor::module::{batch_norm, batch_norm_train, conv1d, conv2d, max_pool1d, max_pool2d};
use burn_tensor::ops::{ConvOptions, MaxPoolOptions};
use burn_tensor::{Tensor, TensorData};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::recipe::Architecture;
use crate::seed::unit;

/// Added to variances; PyTorch's.
const EPSILON: f64 = 1e-5;

/// The share of a new batch in the running mean and variance; PyTorch's.
const MOMENTUM: f64 = 0.1;

/// One step from the input to the scores of classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Layer {
    /// As long out as in: zeros on both sides, one more at the end for even kernels.
    Conv1d {
        inputs: usize,
        outputs: usize,
        kernel: usize,
        start: Start,
    },
    /// One zero on each side in both directions.
    Conv2d {
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
    },
    BatchNorm {
        channels: usize,
    },
    Elu,
    Relu,
    /// A last part that fills no window is padded where `same`, left out else.
    MaxPool1d {
        kernel: usize,
        stride: usize,
        same: bool,
    },
    MaxPool2d {
        kernel: [usize; 2],
    },
    Dropout {
        rate: f64,
    },
    /// From a plane to a line of so many channels.
    Line {
        channels: usize,
    },
    /// All channels in one row.
    Flatten,
    /// The mean of each channel.
    Average,
    Linear {
        inputs: usize,
        outputs: usize,
    },
}

/// What a number is before anything is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    Zeros,
    Ones,
    /// Between -b and b, with b^2 = 6 / (inputs + outputs), each times the kernel: X. Glorot, Y. Bengio, AISTATS 2010.
    Glorot,
    /// Between -b and b, with b^2 = 1 / inputs, the kernel included: PyTorch's.
    Uniform,
    /// Normal, of variance 2 / outputs, the kernel included: RF's.
    Normal,
}

/// One array of a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    /// Its name within the layer, PyTorch's.
    pub(super) name: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) start: Start,
    /// Numbers into one output, and out of one input, for the start.
    pub(super) fans: (usize, usize),
    /// Whether slopes move it; others are counted on the way.
    pub(super) is_learned: bool,
}

/// What flows: `(batch, n)`, `(batch, channels, length)` or `(batch, channels, height, width)`.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    Flat(Tensor<2>),
    Line(Tensor<3>),
    Plane(Tensor<4>),
}

/// Why numbers flow.
pub(super) enum Mode<'a> {
    /// To judge: nothing is dropped, and running means hold.
    Judge,
    /// To learn: `seen` gets running means and variances with the place of their array.
    Learn { rng: &'a mut Xoshiro256PlusPlus, seen: &'a mut Vec<(usize, Tensor<1>)> },
}

/// The layers of a net for so many classes.
pub(super) fn layers_of(architecture: Architecture, classes: usize) -> Vec<Layer> {
    match architecture {
        Architecture::Df | Architecture::TikTok => df(1, architecture.length(), classes, [0.7, 0.5]),
        Architecture::DfSized => df(3, architecture.length(), classes, [0.5, 0.3]),
        Architecture::Rf => rf(classes),
    }
}

/// As in the published code: four blocks of two convolutions, three dense layers, with so much dropped after the first two of these.
fn df(channels: usize, length: usize, classes: usize, dropped: [f64; 2]) -> Vec<Layer> {
    let mut layers = Vec::new();
    let (mut inputs, mut left) = (channels, length);
    for (block, outputs) in [32, 64, 128, 256].into_iter().enumerate() {
        let rise = if block == 0 { Layer::Elu } else { Layer::Relu };
        for inputs in [inputs, outputs] {
            layers.push(Layer::Conv1d { inputs, outputs, kernel: 8, start: Start::Glorot });
            layers.extend([Layer::BatchNorm { channels: outputs }, rise]);
        }
        layers.extend([Layer::MaxPool1d { kernel: 8, stride: 4, same: true }, Layer::Dropout { rate: 0.1 }]);
        (inputs, left) = (outputs, left.div_ceil(4));
    }
    layers.push(Layer::Flatten);
    for (inputs, rate) in [inputs * left, 512].into_iter().zip(dropped) {
        layers.extend([Layer::Linear { inputs, outputs: 512 }, Layer::BatchNorm { channels: 512 }]);
        layers.extend([Layer::Relu, Layer::Dropout { rate }]);
    }
    layers.push(Layer::Linear { inputs: 512, outputs: classes });
    layers
}

/// As in the published code, which reads the 64 channels of the last plane as 32 channels of twice the length.
fn rf(classes: usize) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (inputs, outputs, pool) in [(1, 32, [1, 3]), (32, 64, [2, 2])] {
        for inputs in [inputs, outputs] {
            layers.push(Layer::Conv2d { inputs, outputs, kernel: [3, 6] });
            layers.extend([Layer::BatchNorm { channels: outputs }, Layer::Relu]);
        }
        layers.extend([Layer::MaxPool2d { kernel: pool }, Layer::Dropout { rate: 0.1 }]);
    }
    layers.push(Layer::Line { channels: 32 });
    let mut inputs = 32;
    for (outputs, pooled) in [(128, false), (128, true), (256, false), (256, true), (512, false), (classes, false)] {
        layers.push(Layer::Conv1d { inputs, outputs, kernel: 3, start: Start::Uniform });
        layers.extend([Layer::BatchNorm { channels: outputs }, Layer::Relu]);
        if pooled {
            layers.extend([Layer::MaxPool1d { kernel: 3, stride: 3, same: false }, Layer::Dropout { rate: 0.3 }]);
        }
        inputs = outputs;
    }
    layers.push(Layer::Average);
    layers
}

impl Layer {
    /// Its arrays, in the order in which [`flow`](Self::flow) takes them.
    pub(super) fn arrays(&self) -> Vec<Array> {
        let of = |name, shape: &[usize], start, fans, is_learned| Array {
            name,
            shape: shape.to_vec(),
            start,
            fans,
            is_learned,
        };
        let weights = |shape: &[usize], start| {
            let kernel: usize = shape[2..].iter().product();
            let fans = (shape[1] * kernel, shape[0] * kernel);
            let bias = if start == Start::Uniform { Start::Uniform } else { Start::Zeros };
            vec![of("weight", shape, start, fans, true), of("bias", &shape[..1], bias, fans, true)]
        };
        match *self {
            Self::Conv1d { inputs, outputs, kernel, start } => weights(&[outputs, inputs, kernel], start),
            Self::Conv2d { inputs, outputs, kernel: [high, wide] } => {
                weights(&[outputs, inputs, high, wide], Start::Normal)
            }
            Self::Linear { inputs, outputs } => weights(&[outputs, inputs], Start::Glorot),
            Self::BatchNorm { channels } => {
                let each = |name, start, is_learned| of(name, &[channels], start, (1, 1), is_learned);
                vec![
                    each("weight", Start::Ones, true),
                    each("bias", Start::Zeros, true),
                    each("running_mean", Start::Zeros, false),
                    each("running_var", Start::Ones, false),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// What comes out of what goes in; `arrays` are its own, flat, of which the first is the `first` of the net.
    pub(super) fn flow(&self, x: Flow, arrays: &[Tensor<1>], first: usize, mode: &mut Mode<'_>) -> Flow {
        let array = |place: usize| arrays[place].clone();
        match (*self, x) {
            (Self::Conv1d { inputs, outputs, kernel, .. }, Flow::Line(x)) => {
                let padding = [((kernel - 1) / 2, kernel / 2)];
                let options = ConvOptions::new_with_padding([1], padding, [1], 1);
                Flow::Line(conv1d(x, array(0).reshape([outputs, inputs, kernel]), Some(array(1)), options))
            }
            (Self::Conv2d { inputs, outputs, kernel: [high, wide] }, Flow::Plane(x)) => {
                let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
                Flow::Plane(conv2d(x, array(0).reshape([outputs, inputs, high, wide]), Some(array(1)), options))
            }
            (Self::BatchNorm { .. }, Flow::Flat(x)) => Flow::Flat(normalised(x, arrays, first, mode)),
            (Self::BatchNorm { .. }, Flow::Line(x)) => Flow::Line(normalised(x, arrays, first, mode)),
            (Self::BatchNorm { .. }, Flow::Plane(x)) => Flow::Plane(normalised(x, arrays, first, mode)),
            (Self::Elu, Flow::Line(x)) => Flow::Line(elu(x, 1.0)),
            (Self::Relu, Flow::Flat(x)) => Flow::Flat(relu(x)),
            (Self::Relu, Flow::Line(x)) => Flow::Line(relu(x)),
            (Self::Relu, Flow::Plane(x)) => Flow::Plane(relu(x)),
            (Self::MaxPool1d { kernel, stride, same }, Flow::Line(x)) => {
                let length = x.dims()[2];
                let missing = ((length.div_ceil(stride) - 1) * stride + kernel).saturating_sub(length);
                let padding = if same { [(missing / 2, missing - missing / 2)] } else { [(0, 0)] };
                let options = MaxPoolOptions {
                    kernel_size: [kernel],
                    stride: [stride],
                    padding,
                    dilation: [1],
                    ceil_mode: false,
                };
                Flow::Line(max_pool1d(x, options))
            }
            (Self::MaxPool2d { kernel }, Flow::Plane(x)) => Flow::Plane(max_pool2d(x, MaxPoolOptions::new(kernel))),
            (Self::Dropout { rate }, Flow::Flat(x)) => Flow::Flat(dropped(x, rate, mode)),
            (Self::Dropout { rate }, Flow::Line(x)) => Flow::Line(dropped(x, rate, mode)),
            (Self::Dropout { rate }, Flow::Plane(x)) => Flow::Plane(dropped(x, rate, mode)),
            (Self::Line { channels }, Flow::Plane(x)) => {
                let [batch, of, high, wide] = x.dims();
                Flow::Line(x.reshape([batch, channels, of * high * wide / channels]))
            }
            (Self::Flatten, Flow::Line(x)) => {
                let [batch, channels, length] = x.dims();
                Flow::Flat(x.reshape([batch, channels * length]))
            }
            (Self::Average, Flow::Line(x)) => {
                let [batch, channels, _] = x.dims();
                Flow::Flat(x.mean_dim(2).reshape([batch, channels]))
            }
            (Self::Linear { inputs, outputs }, Flow::Flat(x)) => {
                let weight = array(0).reshape([outputs, inputs]).transpose();
                Flow::Flat(x.matmul(weight) + array(1).reshape([1, outputs]))
            }
            (layer, _) => unreachable!("no net has {layer:?} here"),
        }
    }
}

fn normalised<const D: usize>(x: Tensor<D>, arrays: &[Tensor<1>], first: usize, mode: &mut Mode<'_>) -> Tensor<D> {
    let [weight, bias, mean, variance] = [0, 1, 2, 3].map(|place| arrays[place].clone());
    match mode {
        Mode::Judge => batch_norm(x, weight, bias, mean, variance, EPSILON),
        Mode::Learn { seen, .. } => {
            let n = (x.dims().iter().product::<usize>() / x.dims()[1]) as f64;
            let normal = batch_norm_train(x, weight, bias, EPSILON);
            let running = |old: Tensor<1>, new: Tensor<1>| old.inner() * (1.0 - MOMENTUM) + new.inner() * MOMENTUM;
            seen.push((first + 2, running(mean, normal.mean)));
            seen.push((first + 3, running(variance, normal.variance * (n / (n - 1.0).max(1.0)))));
            normal.output
        }
    }
}

/// Each number 0 with that probability, the others larger for it: N. Srivastava et al., JMLR 15, 2014.
fn dropped<const D: usize>(x: Tensor<D>, rate: f64, mode: &mut Mode<'_>) -> Tensor<D> {
    let Mode::Learn { rng, .. } = mode else { return x };
    let kept = (1.0 / (1.0 - rate)) as f32;
    let n: usize = x.dims().iter().product();
    let mask: Vec<f32> = (0..n).map(|_| if unit(*rng) < rate { 0.0 } else { kept }).collect();
    let mask = Tensor::from_data(TensorData::new(mask, x.dims()), &x.device().inner());
    x * Tensor::from_inner(mask)
}
