//! The attacks that have names.

use serde::Serialize;

use crate::deep::Architecture;

/// An attack that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AttackInfo {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Where it is from.
    pub source: &'static str,
    /// What it does, in one line.
    pub description: &'static str,
    /// What it costs, beside the forest of `kfp-175` over the same traces.
    pub cost: &'static str,
    /// What to use it for.
    pub purpose: &'static str,
    /// The feature sets that it takes from traces; none if it is given features, or chooses.
    pub features: Option<&'static str>,
    #[serde(skip)]
    pub(super) classifier: Classifier,
}

/// What learns, before options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Classifier {
    Forest(usize),
    ExtraTrees,
    NearestLeaves,
    WangKnn,
    Svm,
    Boosting,
    Alignment,
    Net(Architecture),
    Best,
    BestWithNet,
}

/// The attacks of this build that have a name of their own: all of [`every_attack`] with the feature `deep`, else those without a net. Beside
/// them, a list of feature sets (`kfp-core,cumul`) is a forest of 100 trees over all of them.
pub fn attacks() -> &'static [AttackInfo] {
    if cfg!(feature = "deep") { &ATTACKS } else { &ATTACKS[..ATTACKS.len() - NETS] }
}

/// All attacks that have a name of their own; those with a neural net come last.
pub fn every_attack() -> &'static [AttackInfo] {
    &ATTACKS
}

/// How many attacks, the last ones, need a build with nets.
const NETS: usize = 5;

/// The feature sets that `best` chooses from, by log loss out of bag.
pub(super) const CANDIDATES: [&str; 8] = [
    "totals",
    "cumul",
    "kfp-175,cumul",
    "kfp-size,cumul",
    "kfp-size,requests",
    "kfp-size,cumul,requests",
    "requests,ngram-cells",
    "kfp-size,requests,ngram-cells",
];

const ATTACKS: [AttackInfo; 23] = [
    AttackInfo {
        name: "best",
        aliases: &[],
        source: "wfkit: feature sets chosen out of bag, a forest, extra-trees and an alignment, joined by weights that suit what was held back",
        description: "the feature sets that do best out of bag into 250 + 250 trees, pooled with alignment where it adds something, calibrated",
        cost: "15 times",
        purpose: "the strongest answer where probabilities matter; start here",
        features: None,
        classifier: Classifier::Best,
    },
    AttackInfo {
        name: "alignment",
        aliases: &[],
        source: "wfkit: a profile hidden Markov model a class over the sequence of answers, after Durbin et al., Biological Sequence Analysis, 1998",
        description: "each trace aligned with what each class answers, one after the other; classes share how sizes vary",
        cost: "5 times; grows with the square of the answers",
        purpose: "traffic of requests and answers, few traces a class; wfkit plot alignment shows what gives a class away",
        features: None,
        classifier: Classifier::Alignment,
    },
    AttackInfo {
        name: "totals",
        aliases: &[],
        source: "the floor that any other attack must beat",
        description: "packets, bytes and duration into a forest of 100 trees",
        cost: "a tenth",
        purpose: "what volume alone gives away; stands beside every score",
        features: Some("totals"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "sequence",
        aliases: &[],
        source: "example attack of the Secret Race Strolling competition, EPFL, 2022",
        description: "signed sizes in order, padded with 0, into a forest of 260 trees",
        cost: "3 to 10 times, by the length of traces",
        purpose: "the competition's baseline",
        features: Some("sequence"),
        classifier: Classifier::Forest(260),
    },
    AttackInfo {
        name: "sequence-1500",
        aliases: &[],
        source: "as sequence",
        description: "sequence of the first 1,500 packets at most",
        cost: "3 times",
        purpose: "comparison with published numbers",
        features: Some("sequence-1500"),
        classifier: Classifier::Forest(260),
    },
    AttackInfo {
        name: "kfp-175",
        aliases: &["kfp"],
        source: "J. Hayes, G. Danezis: k-fingerprinting, USENIX Security 2016; features as in its code, 100 trees for 1,000",
        description: "counts, order, rates and gaps as published into a forest of 100 trees",
        cost: "1",
        purpose: "the reference among forests; closed world",
        features: Some("kfp-175"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "kfp-knn",
        aliases: &[],
        source: "J. Hayes, G. Danezis: k-fingerprinting, USENIX Security 2016; 100 trees for 1,000",
        description: "the 3 nearest traces by the leaves that they share in the forest of kfp-175",
        cost: "1.2",
        purpose: "open world with few false alarms: the 3 nearest must agree",
        features: Some("kfp-175"),
        classifier: Classifier::NearestLeaves,
    },
    AttackInfo {
        name: "kfp-core",
        aliases: &[],
        source: "as kfp-175",
        description: "kfp-175 without the columns that mean different things in different traces",
        cost: "1",
        purpose: "explanations: every column means one thing",
        features: Some("kfp-core"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "kfp-size",
        aliases: &[],
        source: "as kfp-175, and the size features of its text",
        description: "kfp-core and statistics of packet sizes",
        cost: "1",
        purpose: "traces that keep their packet sizes; a fast default",
        features: Some("kfp-size"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "cumul",
        aliases: &["cumul-svm"],
        source: "A. Panchenko et al.: Website fingerprinting at Internet scale, NDSS 2016; C and gamma fixed, pairs coupled",
        description: "104 numbers on the cumulated sizes into support vector machines, one a pair of classes",
        cost: "5 to 10 times; grows with the square of the classes",
        purpose: "a second opinion that is no forest; strong where traces are shifted little",
        features: Some("cumul"),
        classifier: Classifier::Svm,
    },
    AttackInfo {
        name: "cumul-forest",
        aliases: &[],
        source: "as cumul, a forest in place of its SVM",
        description: "104 numbers on the cumulated sizes into a forest of 100 trees",
        cost: "0.7",
        purpose: "cumul where time is short",
        features: Some("cumul"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "cumul-common",
        aliases: &[],
        source: "as cumul-forest, sampled as most published code does",
        description: "cumul-forest that starts at the first packet",
        cost: "0.7",
        purpose: "comparison with published code",
        features: Some("cumul-common"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "ngram",
        aliases: &[],
        source: "S. Siby et al.: Encrypted DNS => privacy?, NDSS 2020",
        description: "counts of sizes, of bursts and of pairs of either into a forest of 100 trees",
        cost: "3 times",
        purpose: "traces that keep the sizes of records, such as DNS over HTTPS",
        features: Some("ngram"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "wang-knn",
        aliases: &[],
        source: "T. Wang et al.: Effective attacks and provable defenses for website fingerprinting, USENIX Security 2014",
        description: "the 5 nearest traces by a weighted distance over the features of wang-knn; weights learned by WLLCC",
        cost: "5 to 10 times; grows with the square of the traces",
        purpose: "the classic nearest neighbours; open world: the 5 nearest must agree",
        features: Some("wang-knn"),
        classifier: Classifier::WangKnn,
    },
    AttackInfo {
        name: "wang-knn-forest",
        aliases: &[],
        source: "as wang-knn, a forest in place of its neighbours",
        description: "the features of wang-knn into a forest of 100 trees",
        cost: "3 times",
        purpose: "wang-knn where time is short",
        features: Some("wang-knn"),
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "boosting",
        aliases: &["gradient-boosting"],
        source: "J. Friedman: Greedy function approximation, Annals of Statistics 29, 2001; by hessboost, not tuned",
        description: "the features of kfp-size into 60 rounds of trees of depth 4, one a class and round",
        cost: "5 times",
        purpose: "a second opinion that is no forest, where there is time",
        features: Some("kfp-size"),
        classifier: Classifier::Boosting,
    },
    AttackInfo {
        name: "forest",
        aliases: &[],
        source: "L. Breiman: Random forests, Machine Learning 45, 2001",
        description: "a forest of 100 trees over a feature matrix",
        cost: "by the number of features",
        purpose: "features that you made yourself",
        features: None,
        classifier: Classifier::Forest(100),
    },
    AttackInfo {
        name: "extra-trees",
        aliases: &[],
        source: "P. Geurts, D. Ernst, L. Wehenkel: Extremely randomized trees, Machine Learning 63, 2006",
        description: "100 trees with random thresholds over a feature matrix",
        cost: "half of forest",
        purpose: "features that you made yourself, many of them weak",
        features: None,
        classifier: Classifier::ExtraTrees,
    },
    AttackInfo {
        name: "df",
        aliases: &["deep-fingerprinting"],
        source: "P. Sirinam et al.: Deep fingerprinting, CCS 2018; stopped early, PyTorch's batch norm",
        description: "directions of the first 5,000 packets into a convolutional net; needs `--features deep`",
        cost: "thousands of times without a GPU",
        purpose: "comparison with published numbers; many traces a class",
        features: None,
        classifier: Classifier::Net(Architecture::Df),
    },
    AttackInfo {
        name: "tik-tok",
        aliases: &[],
        source: "M. S. Rahman et al.: Tik-Tok, PETS 2020; as df",
        description: "df on direction times time; needs `--features deep`",
        cost: "thousands of times without a GPU",
        purpose: "as df, where times tell something",
        features: None,
        classifier: Classifier::Net(Architecture::TikTok),
    },
    AttackInfo {
        name: "rf",
        aliases: &["robust-fingerprinting"],
        source: "M. Shen et al.: Subverting website fingerprinting defenses, USENIX Security 2023; stopped early",
        description: "packets in 1,800 slots of time and either direction into a convolutional net; needs `--features deep`",
        cost: "thousands of times without a GPU",
        purpose: "defended page loads, many traces a class",
        features: None,
        classifier: Classifier::Net(Architecture::Rf),
    },
    AttackInfo {
        name: "df-sized",
        aliases: &[],
        source: "wfkit: the net of df at 256 packets",
        description: "size, cumulated size and gap of the first 256 packets into the net of df; needs `--features deep`",
        cost: "100 times",
        purpose: "a net that small sets and processors can bear",
        features: None,
        classifier: Classifier::Net(Architecture::DfSized),
    },
    AttackInfo {
        name: "best+deep",
        aliases: &[],
        source: "as best, with the net of df-sized in the pool",
        description: "best, and a neural net that is asked like any other member of the pool; needs `--features deep`",
        cost: "100 times and more",
        purpose: "to see whether a net finds what the others do not: on torpcaps it does not",
        features: None,
        classifier: Classifier::BestWithNet,
    },
];
