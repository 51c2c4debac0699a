//! How a net learns.

use burn_tensor::activation::log_softmax;
use burn_tensor::{Int, Tensor, TensorData};
use ndarray::Array2;
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_datasets::Trace;

use super::device::device;
use super::held_back::held_back;
use super::layers::Mode;
use super::net::{Body, Net};
use super::optimiser::Optimiser;
use super::recipe::{Architecture, Recipe};
use crate::alignment::OutOfFold;
use crate::learners::Training;
use crate::log_linear;
use crate::seed::{shuffle, stream};

/// A net, and how it came to be.
pub(super) struct Trained {
    pub(super) net: Net,
    /// What it says, as logarithms of probabilities, of the rows that were held back.
    pub(super) held_back: OutOfFold,
    /// The epochs that it learned for.
    pub(super) epochs: usize,
}

/// Numbers as they were after an epoch.
struct Best {
    loss: f64,
    epoch: usize,
    arrays: Vec<Tensor<1>>,
    scores: Array2<f64>,
}

/// Learns until the loss on what is held back, at the best temperature, has not fallen for some epochs, and keeps the numbers of the least loss;
/// where nothing can be held back, for all epochs.
///
/// The temperature, since a net becomes too sure before it stops becoming better, and sureness is mended afterwards.
pub(super) fn train(architecture: Architecture, recipe: &Recipe, training: &Training<'_>) -> Trained {
    let (device, classes) = (device(), training.n_classes);
    let body = Body::of(architecture, classes);
    let (mut learned, held) = held_back(training);
    let held_traces: Vec<&Trace> = held.iter().map(|&row| training.traces[row]).collect();
    let held_labels: Vec<usize> = held.iter().map(|&row| training.labels[row]).collect();
    let mut rng = stream(training.seed, 1);
    let mut arrays = Net::start(architecture, classes, &mut rng).tensors(&device);
    let mut optimiser = Optimiser::new(recipe.rule, arrays.len());
    let mut best: Option<Best> = None;
    training.observer.begin("epochs", recipe.epochs as u64);
    for epoch in 0..recipe.epochs {
        shuffle(&mut learned, &mut rng);
        let rate = recipe.rate.at(epoch as f64 / recipe.epochs as f64);
        let mut sum = 0.0;
        for rows in evenly(&learned, recipe.batch) {
            sum += step(&body, training, rows, rate, &mut arrays, &mut optimiser, &mut rng) * rows.len() as f64;
        }
        let scores = body.judged(&held_traces, &arrays, &device);
        let loss = log_linear::fit(&[scores.view()], &held_labels).loss;
        let held_back = loss.is_finite().then_some(loss);
        training.observer.about(&progress(epoch, recipe.epochs, sum / learned.len() as f64, held_back));
        training.observer.step();
        if best.as_ref().is_none_or(|best| best.loss.is_nan() || loss < best.loss) {
            best = Some(Best { loss, epoch, arrays: arrays.clone(), scores });
        } else if best.as_ref().is_some_and(|best| epoch - best.epoch >= recipe.patience) {
            break;
        }
    }
    training.observer.end();
    let best = best.expect("a recipe has an epoch at least");
    let net = Net::of(architecture, classes, &best.arrays);
    Trained { net, held_back: OutOfFold { rows: held, scores: best.scores }, epochs: best.epoch + 1 }
}

/// How far it is: the mean log loss of the rows as they were learned from, and that on what is held back at the best temperature, in nats.
fn progress(epoch: usize, of: usize, loss: f64, held_back: Option<f64>) -> String {
    let held_back = held_back.map_or_else(String::new, |loss| format!(", {loss:.3} held back"));
    format!("epoch {} of {of}: log loss {loss:.3}{held_back}", epoch + 1)
}

/// One step by what these rows say; their mean log loss before it.
fn step(
    body: &Body,
    training: &Training<'_>,
    rows: &[usize],
    rate: f64,
    arrays: &mut [Tensor<1>],
    optimiser: &mut Optimiser,
    rng: &mut Xoshiro256PlusPlus,
) -> f64 {
    let device = device();
    let is_learned = body.is_learned();
    let leaves: Vec<Tensor<1>> = arrays
        .iter()
        .zip(&is_learned)
        .map(|(array, &is_learned)| {
            let leaf = Tensor::from_inner(array.clone());
            if is_learned { leaf.require_grad() } else { leaf }
        })
        .collect();
    let traces: Vec<&Trace> = rows.iter().map(|&row| training.traces[row]).collect();
    let labels: Vec<i64> = rows.iter().map(|&row| training.labels[row] as i64).collect();
    let labels: Tensor<2, Int> = Tensor::from_data(TensorData::new(labels, [rows.len(), 1]), &device);
    let mut seen = Vec::new();
    let shown = body.shown(&traces, &device.autodiff());
    let scores = body.scores(shown, &leaves, &mut Mode::Learn { rng, seen: &mut seen });
    let loss = log_softmax(scores, 1).gather(1, Tensor::from_inner(labels)).mean().neg();
    let mut slopes = loss.backward();
    optimiser.begin();
    for (place, leaf) in leaves.iter().enumerate() {
        if let Some(slope) = leaf.grad_remove(&mut slopes) {
            arrays[place] = optimiser.moved(place, arrays[place].clone(), slope, rate);
        }
    }
    for (place, counted) in seen {
        arrays[place] = counted;
    }
    f64::from(loss.into_data().try_to_vec::<f32>().expect("nets are of f32")[0])
}

/// Parts of about equal size, none larger than `most`: no step is taken by a handful.
fn evenly(rows: &[usize], most: usize) -> impl Iterator<Item = &[usize]> {
    let parts = rows.len().div_ceil(most);
    (0..parts).map(move |part| &rows[rows.len() * part / parts..rows.len() * (part + 1) / parts])
}
