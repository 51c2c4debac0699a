//! Defences that traces do not allow to simulate, or whose definition is not known well enough.

use serde::Serialize;

/// A defence that is not simulated, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NotSimulated {
    /// Its name, as it would stand in a specification.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The paper that defines it.
    pub source: &'static str,
    /// Why a simulation over traces would not show what it does.
    pub reason: &'static str,
    /// What it would take.
    pub needed: &'static str,
}

/// All of them, by name.
pub fn not_simulated() -> &'static [NotSimulated] {
    NOT_SIMULATED
}

const NOT_SIMULATED: &[NotSimulated] = &[
    NotSimulated {
        name: "adaptive-tamaraw",
        summary: "Tamaraw with rates of a cluster of pages, chosen by an early classifier while the page loads",
        source: "Adaptive Tamaraw, 2025",
        reason: "the early classifier and the clusters are learned, and their definition is not public in a form that can be followed",
        needed: "the clustering and the classifier; tamaraw with rates of your own is the part that is defined",
    },
    NotSimulated {
        name: "alpaca",
        summary: "a server changes number and sizes of the objects of a page",
        source: "Cherubin, Hayes and Juarez, \"Website Fingerprinting Defenses at the Application Layer\", PoPETs 2017",
        reason: "it works on objects, and a trace shows packets: which of them belong to one object is not in it",
        needed: "object lists of the pages (HAR), and a model of how a browser loads them",
    },
    NotSimulated {
        name: "bimorphing",
        summary: "samples the sizes of pairs of bursts of another page",
        source: "Al-Naami et al., \"BiMorphing: A Bi-Directional Bursting Defense against Website Fingerprinting Attacks\", IEEE TDSC 2019",
        reason: "which page is imitated and how leftovers are sent is not settled by what is public",
        needed: "the authors' choice of target pages and their optimisation",
    },
    NotSimulated {
        name: "blanket",
        summary: "adds packets and delays at places that a generator has learned, the same for all pages",
        source: "Nasr, Bahramali and Houmansadr, \"Defeating DNN-Based Traffic Analysis Systems in Real-Time With Blind Adversarial Perturbations\" \
                 (BANP), USENIX Security 2021",
        reason: "its generator is trained against an attack; without the same attack and weights there is nothing to replay, and an attack that is \
                 trained on defended traces is not what it was made for",
        needed: "a neural attack to train against, and the generator's training",
    },
    NotSimulated {
        name: "dfd",
        summary: "lengthens outgoing bursts by a share of the burst before",
        source: "Abusnaina et al., \"DFD: Adversarial Learning-based Approach to Defend Against Website Fingerprinting\", IEEE INFOCOM 2020",
        reason: "its rates, and what counts as a burst, could not be established from public sources; published cost is 54 % of bandwidth",
        needed: "the authors' injection rates and their variation",
    },
    NotSimulated {
        name: "frugal",
        summary: "the client inserts packets where reinforcement learning puts them",
        source: "FRUGAL, 2025",
        reason: "its positions are learned against an attack and not published as parameters",
        needed: "the trained policy, or the attack and the training",
    },
    NotSimulated {
        name: "llama",
        summary: "a browser delays requests at random and repeats some",
        source: "Cherubin, Hayes and Juarez, \"Website Fingerprinting Defenses at the Application Layer\", PoPETs 2017",
        reason: "it works on requests and repeats whole responses; a trace does not say which packets are one response",
        needed: "object lists of the pages (HAR), and a model of how a browser loads them",
    },
    #[cfg(not(feature = "maybenot"))]
    NotSimulated {
        name: "maybenot",
        summary: "padding machines of the Maybenot framework in its own simulator: ports of published defences, or machines of yours",
        source: "Pulls and Witwer, \"Maybenot: A Framework for Traffic Analysis Defenses\", WPES 2023",
        reason: "this build lacks it: it was made without the feature `maybenot`",
        needed: "a build with the feature, which is on by default",
    },
    NotSimulated {
        name: "mockingbird",
        summary: "moves a trace towards random other ones in the space of bursts until a classifier is unsure",
        source: "Rahman, Imani, Mathews and Wright, \"Mockingbird: Defending Against Deep-Learning-Based Website Fingerprinting Attacks with \
                 Adversarial Traces\", IEEE TIFS 2021",
        reason: "it needs the whole trace before the first packet, half-duplex loads and a neural detector to move against",
        needed: "half-duplex traces and the detector",
    },
    NotSimulated {
        name: "rudolf",
        summary: "inserts packets where reinforcement learning puts them, at both ends",
        source: "RUDOLF, 2023",
        reason: "its policy is learned against an attack and not published as parameters",
        needed: "the trained policy, or the attack and the training",
    },
    NotSimulated {
        name: "surakav",
        summary: "sends bursts of the sizes that a generator draws, and the peer answers each of them at once",
        source: "Gong, Zhang, Zhang and Wang, \"Surakav: Generating Realistic Traces for a Strong Website Fingerprinting Defense\", IEEE S&P 2022",
        reason: "its bursts wait for each other, so every delay changes what comes after; its author removed the public simulator because it misled",
        needed: "the trained generator, and a closed loop: pages that are loaded again under the defence, not recorded traces",
    },
    NotSimulated {
        name: "walkie-talkie",
        summary: "a half-duplex browser whose bursts are padded to those of a decoy page too",
        source: "Wang and Goldberg, \"Walkie-Talkie: An Efficient Defense Against Passive Website Fingerprinting Attacks\", USENIX Security 2017",
        reason: "requests of an ordinary load overlap with responses; no recorded trace says how the same page loads half-duplex",
        needed: "traces of a half-duplex browser; random-wt has the padding of its random variant",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DefenseSpec, list};

    #[test]
    fn none_of_them_is_simulated_and_all_say_why() {
        assert!(NOT_SIMULATED.is_sorted_by_key(|defense| defense.name));
        for defense in not_simulated() {
            assert!(list().iter().all(|other| other.name != defense.name), "{}", defense.name);
            let error = format!("{}:any,key=1", defense.name).parse::<DefenseSpec>().unwrap_err().to_string();
            assert!(error.contains("is not simulated") && error.contains(defense.reason), "{error}");
        }
    }
}
