//! What each net looks at, and how it learns.

use serde::{Deserialize, Serialize};
use wfkit_features::Channel;

/// Nets that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Architecture {
    /// P. Sirinam, M. Imani, M. Juarez, M. Wright: Deep Fingerprinting, CCS 2018.
    Df,
    /// M. S. Rahman, P. Sirinam, N. Mathews, K. G. Gangadhara, M. Wright: Tik-Tok, PETS 2020: DF's net on direction times time.
    TikTok,
    /// M. Shen, K. Ji, Z. Gao, Q. Li, L. Zhu, K. Xu: Subverting website fingerprinting defenses with robust traffic representation,
    /// USENIX Security 2023.
    Rf,
    /// DF's net on three numbers of each of the first 256 packets.
    DfSized,
}

/// How the numbers of a net move.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(not(feature = "deep"), allow(dead_code))]
pub(super) enum Rule {
    /// D. P. Kingma, J. Ba: Adam: a method for stochastic optimization, ICLR 2015, section 7.1.
    Adamax,
    /// Adam of the same paper; `decay` times each number is added to its slope.
    Adam {
        /// Per step.
        decay: f64,
    },
}

/// How the size of steps falls, with `t` in `[0, 1)` the share of the epochs behind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(not(feature = "deep"), allow(dead_code))]
pub(super) enum Rate {
    /// Not at all.
    Constant(f64),
    /// first x last^t.
    Exponential {
        /// At the first epoch.
        first: f64,
        /// The share that is left after the last.
        last: f64,
    },
    /// first x (1 + cos(pi t)) / 2.
    Cosine {
        /// At the first epoch.
        first: f64,
    },
}

/// How a net learns.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(not(feature = "deep"), allow(dead_code))]
pub(super) struct Recipe {
    pub(super) rule: Rule,
    pub(super) rate: Rate,
    /// Traces of a step.
    pub(super) batch: usize,
    /// Epochs at most.
    pub(super) epochs: usize,
    /// Epochs without a smaller loss after which learning ends.
    pub(super) patience: usize,
}

#[cfg_attr(not(feature = "deep"), allow(dead_code))]
impl Architecture {
    /// Its name, that of the attack.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Df => "df",
            Self::TikTok => "tik-tok",
            Self::Rf => "rf",
            Self::DfSized => "df-sized",
        }
    }

    /// What it is shown.
    pub(super) fn channel(self) -> Channel {
        match self {
            Self::Df => Channel::Direction,
            Self::TikTok => Channel::DirectionTime,
            Self::Rf => Channel::Tam,
            Self::DfSized => Channel::Sized,
        }
    }

    /// Packets of a trace that it looks at; RF looks at slots of time.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Df | Self::TikTok | Self::Rf => 5000,
            Self::DfSized => 256,
        }
    }

    /// As published; that of `df-sized` is one of three that were tried on one split of torpcaps.
    pub(super) fn recipe(self) -> Recipe {
        let df = Recipe { rule: Rule::Adamax, rate: Rate::Constant(0.002), batch: 128, epochs: 30, patience: 10 };
        match self {
            Self::Df => df,
            Self::TikTok => Recipe { epochs: 100, ..df },
            Self::Rf => Recipe {
                rule: Rule::Adam { decay: 1e-3 },
                rate: Rate::Exponential { first: 5e-4, last: 0.2 },
                batch: 200,
                epochs: 30,
                patience: 10,
            },
            Self::DfSized => Recipe {
                rule: Rule::Adam { decay: 0.0 },
                rate: Rate::Cosine { first: 0.001 },
                batch: 32,
                epochs: 40,
                patience: 12,
            },
        }
    }
}

#[cfg_attr(not(feature = "deep"), allow(dead_code))]
impl Rate {
    /// The size of steps once a share `t` of the epochs is behind.
    pub(super) fn at(self, t: f64) -> f64 {
        match self {
            Self::Constant(rate) => rate,
            Self::Exponential { first, last } => first * last.powf(t),
            Self::Cosine { first } => first * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0,
        }
    }
}
