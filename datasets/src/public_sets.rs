//! The field's public sets: what they hold, who made them, where they are, and how they are read.

use serde::Serialize;

use crate::TraceSet;

/// A set that others have published, or that is bundled.
///
/// What is known of it is what its makers say; a digest is told for bundled sets alone, since no copy of the others was at hand when this was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PublicSet {
    /// Its name here.
    pub name: &'static str,
    /// What it is of.
    pub what: &'static str,
    /// Classes, and traces of all of them, of its closed world; `None` where its makers do not say.
    pub closed: Option<(usize, usize)>,
    /// What a trace shows.
    pub shows: &'static str,
    /// Authors, title, venue and year.
    pub source: &'static str,
    /// Its licence, or who says what it is.
    pub licence: &'static str,
    /// Where it is.
    pub place: &'static str,
    /// The format that it is read as, as `wfkit dataset convert --from` names it; `None` where it is told by content.
    pub format: Option<&'static str>,
    /// What else its readers should know.
    pub note: &'static str,
    /// [`TraceSet::digest`] of it, of bundled sets.
    pub digest: Option<&'static str>,
}

/// All that are known here.
pub const PUBLIC_SETS: [PublicSet; 15] = [
    PublicSet {
        name: "sample",
        what: "queries to a point-of-interest service through a private Tor network, on the client's link",
        closed: Some((10, 200)),
        shows: "captures; TCP payloads by default",
        source: "recorded for wfkit, 2026",
        licence: "CC0 1.0",
        place: "bundled: datasets/data/sample",
        format: None,
        note: "captures: wfkit capture import reads them, not wfkit dataset import",
        digest: Some(SAMPLE),
    },
    PublicSet {
        name: "lab-secretstroll",
        what: "queries of SecretStroll for ten map squares that are hard to tell apart, in four sessions",
        closed: Some((10, 800)),
        shows: "sizes and times of TCP payloads",
        source: "recorded by wfkit's laboratory (lab/sets/secretstroll.toml), 2026",
        licence: "CC0 1.0",
        place: "bundled: datasets/data/lab/secretstroll",
        format: None,
        note: "",
        digest: Some(SECRETSTROLL),
    },
    PublicSet {
        name: "lab-pages",
        what: "loads of 20 monitored pages and of 200 others, once each, from a synthetic site, in four sessions",
        closed: Some((21, 600)),
        shows: "sizes and times of TCP payloads",
        source: "recorded by wfkit's laboratory (lab/sets/pages.toml), 2026",
        licence: "CC0 1.0",
        place: "bundled: datasets/data/lab/pages",
        format: None,
        note: "an open world: the class `unmonitored` holds the others, with their pages",
        digest: Some(PAGES),
    },
    PublicSet {
        name: "torpcaps-xs",
        what: "20 classes of torpcaps, 16 traces each",
        closed: Some((20, 320)),
        shows: "sizes and times of TCP payloads",
        source: "recorded for wfkit, 2026",
        licence: "CC0 1.0",
        place: "bundled: datasets/data/torpcaps-xs",
        format: None,
        note: "",
        digest: Some(TORPCAPS_XS),
    },
    PublicSet {
        name: "torpcaps",
        what: "queries as in `sample`, of all 100 map squares; `sample` is a part of it",
        closed: Some((100, 3_228)),
        shows: "captures; TCP payloads by default",
        source: "recorded for wfkit, 2026",
        licence: "CC0 1.0",
        place: "not published yet (56 MB)",
        format: None,
        note: "captures: wfkit capture import reads them, not wfkit dataset import",
        digest: Some(TORPCAPS),
    },
    PublicSet {
        name: "wflib-cw",
        what: "page loads through Tor, closed world, as the Website Fingerprinting Library ships them",
        closed: Some((95, 105_730)),
        shows: "directions and times of cells",
        source: "traces of Sirinam, Imani, Juarez and Wright, Deep Fingerprinting, ACM CCS 2018; converted by the authors of WFlib",
        licence: "as its page says",
        place: "https://zenodo.org/records/13732130",
        format: Some("npz"),
        note: "X is direction times time, padded with zeros to 10,000; a first time of 0 makes the first packet a zero, too. On the same page: an open \
               world (146,446), WTF-PAD (105,730), FRONT (95,000), Walkie-Talkie (100 classes, 90,000), TrafficSliver (95,000), drift, and several tabs",
        digest: None,
    },
    PublicSet {
        name: "df95-timed",
        what: "the page loads of Deep Fingerprinting with their times",
        closed: Some((95, 95_000)),
        shows: "directions and times of cells",
        source: "Sirinam, Imani, Juarez and Wright, Deep Fingerprinting, ACM CCS 2018; times by Rahman, Sirinam, Mathews, Gangadhara and Wright, Tik-Tok, PoPETs 2020",
        licence: "as its page says",
        place: "https://zenodo.org/records/11631265",
        format: None,
        note: "the pickles of the first publication hold directions alone: no timing attack and no timing defence works on them",
        digest: None,
    },
    PublicSet {
        name: "countmamba",
        what: "page loads under several defences, ready made, RegulaTor and Tamaraw among them",
        closed: None,
        shows: "directions and times of cells",
        source: "the authors of CountMamba; underlying traces of Deep Fingerprinting, ACM CCS 2018",
        licence: "as its page says",
        place: "https://zenodo.org/records/14195051",
        format: Some("npz"),
        note: "",
        digest: None,
    },
    PublicSet {
        name: "wang14",
        what: "page loads through Tor: 100 monitored pages of 90 loads, and 9,000 others",
        closed: Some((100, 9_000)),
        shows: "directions and times of cells",
        source: "Wang, Cai, Nithyanand, Johnson and Goldberg, Effective Attacks and Provable Defenses for Website Fingerprinting, USENIX Security 2014",
        licence: "as its page says",
        place: "https://github.com/kdsec/wangknn-dataset (a mirror)",
        format: Some("wang"),
        note: "files page-instance are monitored, files page are the others",
        digest: None,
    },
    PublicSet {
        name: "awf",
        what: "page loads through Tor: up to 900 sites of 2,500 loads",
        closed: None,
        shows: "directions of cells",
        source: "Rimmer, Preuveneers, Juarez, Van Goethem and Joosen, Automated Website Fingerprinting through Deep Learning, NDSS 2018",
        licence: "as its page says",
        place: "https://distrinet.cs.kuleuven.be/software/tor-wf-dl/",
        format: Some("npz"),
        note: "no times",
        digest: None,
    },
    PublicSet {
        name: "goodenough",
        what: "page loads through Tor at several security levels, with the tools that searched for padding machines",
        closed: None,
        shows: "logs of Tor's circuit padding simulator",
        source: "Pulls, Towards Effective and Efficient Padding Machines for Tor, 2020",
        licence: "as its page says",
        place: "https://github.com/pylls/padding-machines-for-tor",
        format: Some("circpad"),
        note: "",
        digest: None,
    },
    PublicSet {
        name: "explainwf",
        what: "loads of Wikipedia pages in a simulated Tor network (Shadow)",
        closed: None,
        shows: "directions and times of cells",
        source: "Jansen and Wails, Data-Explainable Website Fingerprinting with Network Simulation, PoPETs 2023",
        licence: "approved for public release, distribution unlimited; its statement must stay with copies",
        place: "https://github.com/explainwf-popets2023/explainwf-popets2023.github.io",
        format: None,
        note: "read from its own files by content",
        digest: None,
    },
    PublicSet {
        name: "gtt23",
        what: "genuine circuits as exit relays saw them: 14 million of 1.1 million domains",
        closed: None,
        shows: "directions and times of cells",
        source: "Jansen, Wails and Johnson, A Measurement of Genuine Tor Traces for Realistic Website Fingerprinting, 2024",
        licence: "on request",
        place: "https://zenodo.org/records/10620519",
        format: None,
        note: "HDF5, which the Python package converts",
        digest: None,
    },
    PublicSet {
        name: "maybenot-loads",
        what: "eight page loads, as samples for Maybenot's tools",
        closed: None,
        shows: "times and sizes of packets",
        source: "the Maybenot repository; traffic of Gong, Zhang, Zhang and Wang, Surakav, IEEE S&P 2022",
        licence: "MIT or Apache-2.0",
        place: "https://github.com/maybenot-io/maybenot (crates/maybenot-cli/examples/data-gong-surakav)",
        format: Some("maybenot"),
        note: "",
        digest: None,
    },
    PublicSet {
        name: "wf4nym",
        what: "page loads over the Nym network, about 100 GB",
        closed: None,
        shows: "as its page says",
        source: "the authors of WF4NYM, 2025",
        licence: "as its page says",
        place: "https://zenodo.org/records/17840656",
        format: None,
        note: "not tried here",
        digest: None,
    },
];

const SAMPLE: &str = "c6dbfdd8425cbba0cdf15d2110fb0e54d27a7aa21ed597893b6165f2f4197653";
const SECRETSTROLL: &str = "8e6742b93ef7aeba30b82d26919242ae618c983a4e87d881682d8d0d4ce1e0f5";
const PAGES: &str = "b5b06b48a77fac008afe9287c8966c68f0bcecea469ad07720d4aac787c2ba17";
const TORPCAPS_XS: &str = "5bca06543561eae2b86409181e6840f146891ad8666c261d091fb46c1e4ea841";
const TORPCAPS: &str = "604448e42d511a47d6c621791eff219b3c1f21cdb28ce413ece8eef355d9e8cd";

/// The set of this name.
pub fn public_set(name: &str) -> Option<&'static PublicSet> {
    PUBLIC_SETS.iter().find(|set| set.name == name)
}

impl PublicSet {
    /// Whether it is captures, which are imported first.
    pub fn is_captures(&self) -> bool {
        self.shows.starts_with("captures")
    }

    /// What of `set` is not as the makers of this one say; a part of it is no fault, but should be known.
    pub fn differences(&self, set: &TraceSet) -> Vec<String> {
        let mut told = Vec::new();
        if let Some((classes, traces)) = self.closed {
            let found = (set.classes().len(), set.len());
            if found != (classes, traces) {
                told.push(format!(
                    "{}: {} classes and {} traces were read; as published it has {classes} and {traces}",
                    self.name, found.0, found.1
                ));
            }
        }
        if let Some(digest) = self.digest {
            let found = set.digest();
            if found != digest {
                told.push(format!("{}: SHA-256 of labels and packets is {found}, not {digest}", self.name));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_formats_known() {
        for (at, set) in PUBLIC_SETS.iter().enumerate() {
            assert_eq!(PUBLIC_SETS.iter().position(|other| other.name == set.name), Some(at));
            #[cfg(feature = "tables")]
            if let Some(format) = set.format {
                let known = crate::formats::FieldFormat::ALL.into_iter().any(|known| known.name() == format);
                assert!(known, "{format}");
            }
        }
        assert_eq!(public_set("nothing"), None);
    }
}
