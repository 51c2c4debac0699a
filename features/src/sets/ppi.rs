//! `ppi`: the first 30 packets of the trace's first flow, as a flow monitor exports them: gaps, directions, sizes. `ppi:n=10` has 10, and so on up to 255.
//!
//! As the column `PPI` of the data sets of CESNET (Luxemburk and Cejka, "Fine-grained TLS services classification with reject option", Computer
//! Networks 2023), whose tables are read as traces of one flow; and as NFStream's `splt_piat_ms`, `splt_direction` and `splt_ps`. Deviations: gaps are
//! seconds, as all times of features, where those are ms; sizes are of the layer of the trace.
//!
//! Where a trace tells the flows of its packets ([`PacketColumn::Flow`]), those of flow 0 count, else all.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wfkit_datasets::{PacketColumn, Trace};

use super::Extract;
use super::channels::direction;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::seconds;

/// How many packets `ppi` looks at, from 1 to 255: one byte counts them in the exports of flow monitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PpiPackets(NonZero<u8>);

impl PpiPackets {
    /// What CESNET's data sets have.
    pub const USUAL: Self = Self(NonZero::new(30).expect("30 is not 0"));
}

impl fmt::Display for PpiPackets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PpiPackets {
    type Err = std::num::ParseIntError;

    fn from_str(n: &str) -> Result<Self, Self::Err> {
        n.parse().map(Self)
    }
}

/// Learns nothing. Stored as a number, or null where it is the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ppi(Option<NonZero<u8>>);

impl Ppi {
    pub(crate) fn of(packets: PpiPackets) -> Self {
        Self((packets != PpiPackets::USUAL).then_some(packets.0))
    }

    pub(crate) fn packets(self) -> PpiPackets {
        self.0.map_or(PpiPackets::USUAL, PpiPackets)
    }
}

impl Extract for Ppi {
    fn columns(&self) -> Vec<Feature> {
        let packets = self.packets().0.get().into();
        let gaps = Feature::numbered("gap", packets, Unit::Seconds, FeatureInformation::Time);
        let directions = Feature::numbered("direction", packets, Unit::Direction, FeatureInformation::Order);
        gaps.chain(directions)
            .chain(Feature::numbered("size", packets, Unit::Bytes, FeatureInformation::Order))
            .collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let wanted = usize::from(self.packets().0.get());
        let flows = trace.column(PacketColumn::Flow);
        let is_first = |packet: usize| flows.is_none_or(|flows| flows[packet] == 0);
        let mut packets = [(0, 0); u8::MAX as usize];
        let found = trace.packets().enumerate().filter(|&(packet, _)| is_first(packet)).map(|(_, packet)| packet);
        let length = packets[..wanted].iter_mut().zip(found).map(|(place, packet)| *place = packet).count();
        let padded = |values: &mut dyn Iterator<Item = f64>, row: &mut Vec<f64>| {
            row.extend(values.chain(std::iter::repeat(0.0)).take(wanted));
        };
        let packets = &packets[..length];
        let gap = |at: usize| packets[at].0 - packets[at.saturating_sub(1)].0;
        padded(&mut (0..length).map(|at| seconds(gap(at))), row);
        padded(&mut packets.iter().map(|&(_, size)| direction(size)), row);
        padded(&mut packets.iter().map(|&(_, size)| f64::from(size.unsigned_abs())), row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_first_packets() {
        let row = row(&Ppi::of(PpiPackets::USUAL), &golden::trace());
        assert_eq!((row.len(), &row[..4], row[12]), (90, &[0.0, 0.0, 0.2, 0.2][..], 0.0));
        assert_eq!((&row[30..35], row[42]), (&[1.0, 1.0, 1.0, -1.0, -1.0][..], 0.0));
        assert_eq!((&row[60..62], row[72]), (&[1.0, 1.0][..], 0.0));
    }

    #[test]
    fn any_number_of_packets_is_the_beginning_of_more() {
        let trace = Trace::new((0..300).map(|i| i * 7_000_000).collect(), (1..=300).collect()).unwrap();
        let of = |n: &str| row(&Ppi::of(n.parse().unwrap()), &trace);
        let most = of("255");
        for n in [1, 2, 10, 30, 31, 254, 255] {
            let some = of(&n.to_string());
            assert_eq!(some.len(), 3 * n);
            for list in 0..3 {
                assert_eq!(some[list * n..(list + 1) * n], most[list * 255..list * 255 + n], "{n}");
            }
        }
        assert_eq!(&most[..3], [0.0, 0.007, 0.007]);
        assert_eq!(&most[764..], [255.0]);
        for wrong in ["0", "256", "-1", "", "3.0"] {
            assert!(wrong.parse::<PpiPackets>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_usual_number_is_stored_as_before_there_were_others() {
        let stored = |n: &str| serde_json::to_string(&Ppi::of(n.parse().unwrap())).unwrap();
        assert_eq!((&*stored("30"), &*stored("10")), ("null", "10"));
        assert_eq!(serde_json::from_str::<Ppi>("null").unwrap().packets(), PpiPackets::USUAL);
        assert!(serde_json::from_str::<Ppi>("0").is_err());
    }

    #[test]
    fn the_first_flow_alone_counts_where_flows_are_told() {
        let trace = Trace::new(vec![0, 5, 1_000_000_000], vec![600, 77, -1448]).unwrap();
        let all = row(&Ppi::of(PpiPackets::USUAL), &trace);
        assert_eq!((&all[30..33], all[61]), (&[1.0, 1.0, -1.0][..], 77.0));
        let first = row(&Ppi::of(PpiPackets::USUAL), &trace.with_column(PacketColumn::Flow, vec![0, 1, 0]).unwrap());
        assert_eq!(
            (&first[..2], &first[30..33], &first[60..63]),
            (&[0.0, 1.0][..], &[1.0, -1.0, 0.0][..], &[600.0, 1448.0, 0.0][..])
        );
    }
}
