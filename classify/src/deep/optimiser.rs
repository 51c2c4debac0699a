//! Steps down the slope.

use burn_tensor::Tensor;

use super::recipe::Rule;

const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam or Adamax, with what each array remembers: means of slopes, and of their squares or the largest of them.
pub(super) struct Optimiser {
    rule: Rule,
    steps: i32,
    memory: Vec<Option<(Tensor<1>, Tensor<1>)>>,
}

impl Optimiser {
    pub(super) fn new(rule: Rule, arrays: usize) -> Self {
        Self { rule, steps: 0, memory: vec![None; arrays] }
    }

    /// Begins a step, in which each array moves once at most.
    pub(super) fn begin(&mut self) {
        self.steps += 1;
    }

    /// The array at that place, after its move.
    pub(super) fn moved(&mut self, place: usize, value: Tensor<1>, slope: Tensor<1>, rate: f64) -> Tensor<1> {
        let slope = match self.rule {
            Rule::Adam { decay } => slope + value.clone() * decay,
            Rule::Adamax => slope,
        };
        let (mean, scale) = self.memory[place].take().unwrap_or_else(|| (slope.zeros_like(), slope.zeros_like()));
        let mean = mean * FIRST + slope.clone() * (1.0 - FIRST);
        let scale = match self.rule {
            Rule::Adam { .. } => scale * SECOND + slope.square() * (1.0 - SECOND),
            Rule::Adamax => (scale * SECOND).max_pair(slope.abs() + EPSILON),
        };
        let unbiased = mean.clone() / (1.0 - FIRST.powi(self.steps));
        let step = match self.rule {
            Rule::Adam { .. } => unbiased / ((scale.clone() / (1.0 - SECOND.powi(self.steps))).sqrt() + EPSILON),
            Rule::Adamax => unbiased / scale.clone(),
        };
        self.memory[place] = Some((mean, scale));
        value - step * rate
    }
}
