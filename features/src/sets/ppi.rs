//! `ppi`: the first 30 packets of the trace's first flow, as a flow monitor exports them: gaps, directions, sizes.
//!
//! As the column `PPI` of the data sets of CESNET (Luxemburk and Cejka, "Fine-grained TLS services classification with reject option", Computer
//! Networks 2023), whose tables are read as traces of one flow; and as NFStream's `splt_piat_ms`, `splt_direction` and `splt_ps`. Deviations: gaps are
//! seconds, as all times of features, where those are ms; sizes are of the layer of the trace.
//!
//! Where a trace tells the flows of its packets ([`PacketColumn::Flow`]), those of flow 0 count, else all.

use serde::{Deserialize, Serialize};
use wfkit_datasets::{PacketColumn, Trace};

use super::Extract;
use super::channels::direction;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::seconds;

const PACKETS: usize = 30;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ppi;

impl Extract for Ppi {
    fn columns(&self) -> Vec<Feature> {
        let gaps = Feature::numbered("gap", PACKETS, Unit::Seconds, FeatureInformation::Time);
        let directions = Feature::numbered("direction", PACKETS, Unit::Direction, FeatureInformation::Order);
        gaps.chain(directions)
            .chain(Feature::numbered("size", PACKETS, Unit::Bytes, FeatureInformation::Order))
            .collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let flows = trace.column(PacketColumn::Flow);
        let is_first = |packet: usize| flows.is_none_or(|flows| flows[packet] == 0);
        let mut packets = [(0, 0); PACKETS];
        let found = trace.packets().enumerate().filter(|&(packet, _)| is_first(packet)).map(|(_, packet)| packet);
        let length = packets.iter_mut().zip(found).map(|(place, packet)| *place = packet).count();
        let padded = |values: &mut dyn Iterator<Item = f64>, row: &mut Vec<f64>| {
            row.extend(values.chain([0.0; PACKETS]).take(PACKETS));
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
        let row = row(&Ppi, &golden::trace());
        assert_eq!((row.len(), &row[..4], row[12]), (90, &[0.0, 0.0, 0.2, 0.2][..], 0.0));
        assert_eq!((&row[30..35], row[42]), (&[1.0, 1.0, 1.0, -1.0, -1.0][..], 0.0));
        assert_eq!((&row[60..62], row[72]), (&[1.0, 1.0][..], 0.0));
    }

    #[test]
    fn the_first_flow_alone_counts_where_flows_are_told() {
        let trace = Trace::new(vec![0, 5, 1_000_000_000], vec![600, 77, -1448]).unwrap();
        let all = row(&Ppi, &trace);
        assert_eq!((&all[30..33], all[61]), (&[1.0, 1.0, -1.0][..], 77.0));
        let first = row(&Ppi, &trace.with_column(PacketColumn::Flow, vec![0, 1, 0]).unwrap());
        assert_eq!(
            (&first[..2], &first[30..33], &first[60..63]),
            (&[0.0, 1.0][..], &[1.0, -1.0, 0.0][..], &[600.0, 1448.0, 0.0][..])
        );
    }
}
