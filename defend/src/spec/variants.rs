//! Defences that papers define otherwise than published code runs them.

use serde::Serialize;
use wfkit_metrics::did_you_mean_one_of;

/// A defence as its paper has it, and as code has it that results were published with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variants {
    /// The defence.
    pub defense: &'static str,
    /// Its specification as in the paper.
    pub paper: &'static str,
    /// Its specifications as in code, those that change one thing first.
    pub code: &'static [Variant],
}

/// What code does instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// The specification.
    pub spec: &'static str,
    /// Whose code that is, and what it changes.
    pub what: &'static str,
}

/// All of them, by the name of the defence. Two specifications of one defence draw the same random numbers for a trace.
pub fn variants() -> &'static [Variants] {
    VARIANTS
}

/// The name of one of them, or `all`, as it is written.
///
/// # Errors
/// Another name.
pub fn variants_called(name: &str) -> Result<String, String> {
    let mut names: Vec<&str> = VARIANTS.iter().map(|variants| variants.defense).collect();
    if name == "all" || names.contains(&name) {
        return Ok(name.to_owned());
    }
    names.insert(0, "all");
    let meant = did_you_mean_one_of(name, names.iter().copied());
    let names = names.join(", ");
    Err(format!("`{name}` is in no published code otherwise than in its paper{meant}; there are {names}"))
}

const VARIANTS: &[Variants] = &[
    Variants {
        defense: "break-pad",
        paper: "break-pad:october,lengths=tor",
        code: &[Variant {
            spec: "break-pad:october,lengths=maybenot",
            what: "Maybenot's port: the relay's bursts follow a Pareto distribution with the sign of its parameter lost",
        }],
    },
    Variants {
        defense: "front",
        paper: "front:ft-1,budget=paper",
        code: &[
            Variant { spec: "front:ft-1,budget=code", what: "WFZoo: 1 to N - 1 packets, not N" },
            Variant {
                spec: "front:ft-1,budget=maybenot",
                what: "Maybenot's port: up to a number that is drawn itself",
            },
        ],
    },
    Variants {
        defense: "tamaraw",
        paper: "tamaraw:cell,tail=multiple",
        code: &[
            Variant { spec: "tamaraw:cell,tail=joint", what: "WFZoo: both ways go on until the later end" },
            Variant {
                spec: "tamaraw:cell,tail=geometric",
                what: "the authors' simulator: k more blocks of L with probability 2^-k",
            },
            Variant {
                spec: "tamaraw:cell,tail=geometric,delays=pessimistic",
                what: "the authors' simulator in full: each packet waits for all before it, too",
            },
        ],
    },
    Variants {
        defense: "wtf-pad",
        paper: "wtf-pad:normal-rcv,histograms=paper,states=paper",
        code: &[
            Variant {
                spec: "wtf-pad:normal-rcv,histograms=code,states=paper",
                what: "the authors' simulator: bursts use the histograms of gaps",
            },
            Variant {
                spec: "wtf-pad:normal-rcv,histograms=paper,states=code",
                what: "the authors' simulator: an infinite wait changes no state",
            },
            Variant {
                spec: "wtf-pad:normal-rcv,histograms=code,states=code",
                what: "the authors' simulator in full: both",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DefenseSpec;

    #[test]
    fn every_variant_is_another_setting_of_its_defence() {
        assert!(variants().is_sorted_by_key(|variants| variants.defense));
        for Variants { defense, paper, code } in variants() {
            let spec = |text: &str| -> DefenseSpec { text.parse().unwrap() };
            let specs: Vec<DefenseSpec> =
                std::iter::once(*paper).chain(code.iter().map(|code| code.spec)).map(spec).collect();
            for (i, spec) in specs.iter().enumerate() {
                assert_eq!(spec.layers().iter().map(|layer| layer.defense().name).collect::<Vec<_>>(), [*defense]);
                assert!(!specs[..i].contains(spec), "{spec}");
            }
        }
    }
}
