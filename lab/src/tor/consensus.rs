//! What a consensus says of relays (dir-spec, the flavour `microdesc`).

use std::net::Ipv4Addr;

/// Flags that a relay has whom clients take for a guard.
const OF_GUARDS: [&str; 5] = ["Fast", "Guard", "Stable", "V2Dir", "Valid"];

/// A consensus, as far as it tells whether a network can be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Consensus {
    /// From when it holds, in seconds of Unix time.
    pub(crate) valid_from: Option<i64>,
    /// How many relays it names.
    pub(crate) relays: usize,
    /// Those that clients may choose as guards.
    pub(crate) guards: Vec<Ipv4Addr>,
}

impl Consensus {
    /// From the text of one, perhaps of a half that is still being written.
    pub(crate) fn read(text: &str) -> Self {
        let mut consensus = Self::default();
        let mut address: Option<Ipv4Addr> = None;
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                Some("valid-after") => {
                    let time = words.collect::<Vec<_>>().join("T") + "Z";
                    consensus.valid_from = time.parse().ok().map(jiff::Timestamp::as_second);
                }
                // r nickname identity date time address ..
                Some("r") => {
                    consensus.relays += 1;
                    address = words.nth(4).and_then(|word| word.parse().ok());
                }
                Some("s") => {
                    let flags: Vec<_> = words.collect();
                    if OF_GUARDS.iter().all(|flag| flags.contains(flag)) {
                        consensus.guards.extend(address);
                    }
                }
                _ => {}
            }
        }
        consensus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stable_relays_are_guards() {
        let text = "network-status-version 3 microdesc\nvalid-after 2026-01-02 03:04:05\nvalid-until 2026-01-02 06:04:05\n\
                    r relay0 AAAA 2038-01-01 00:00:00 198.18.0.4 9001 0\ns Fast Guard HSDir Running V2Dir Valid\nw Bandwidth=10000\n\
                    r relay1 BBBB 2038-01-01 00:00:00 198.18.0.5 9001 0\ns Fast Guard HSDir Running Stable V2Dir Valid\n\
                    r auth0 CCCC 2038-01-01 00:00:00 198.18.0.1 9001 9030\ns Authority Fast HSDir Running Stable V2Dir Valid\n";
        let expected =
            Consensus { valid_from: Some(1_767_323_045), relays: 3, guards: vec![Ipv4Addr::new(198, 18, 0, 5)] };
        assert_eq!(Consensus::read(text), expected);
        assert_eq!(Consensus::read(""), Consensus::default());
        assert_eq!(Consensus::read("valid-after x\nr\ns Guard\n"), Consensus { relays: 1, ..Consensus::default() });
    }
}
