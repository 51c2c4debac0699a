//! Invariants of a set as it was written.

use wfkit_datasets::TraceSet;

use super::verification::broken;
use crate::{DefendedSet, Invariant, OverheadOptions, Violation};

/// Checks that what an observer sees of a defended set, `observed`, names every layer in the order in which they were applied.
pub fn check_composition(defended: &DefendedSet<'_>, observed: &TraceSet) -> Result<(), Violation> {
    let layers = defended.manifest().layers.iter().map(|layer| &layer.spec);
    let expected: Vec<&String> = defended.original().provenance().defenses.iter().chain(layers).collect();
    let found = &observed.provenance().defenses;
    if found.iter().eq(expected.iter().copied()) {
        return Ok(());
    }
    broken(Invariant::Composition, 0, format!("the set names the layers {found:?}, it is made by {expected:?}"))
}

/// Checks that a defended set that was written and read again, `written`, costs what the simulation says. Where the set shows
/// some paths only, it has what is sent over them.
pub fn check_overheads(defended: &DefendedSet<'_>, written: &TraceSet) -> Result<(), Violation> {
    let totals = |set: &TraceSet| {
        let bytes = set.traces().iter().map(|t| t.trace.in_bytes() + t.trace.out_bytes()).sum::<u64>();
        (bytes as f64, set.packets() as f64)
    };
    let replicas = f64::from(defended.manifest().replicas);
    if defended.spec().hides_paths() {
        let seen = || defended.traces().flat_map(|(_, trace)| trace.packets()).filter(|packet| packet.seen);
        let expected = (seen().map(|packet| f64::from(packet.size.unsigned_abs())).sum(), seen().count() as f64);
        let found = totals(written);
        if found == expected {
            return Ok(());
        }
        let detail = format!("{found:?} bytes and packets in the file, {expected:?} on the paths that are seen");
        return broken(Invariant::Overheads, 0, detail);
    }
    let ((bytes, packets), (bytes_after, packets_after)) = (totals(defended.original()), totals(written));
    let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
    for (what, before, after, reported) in [
        ("bytes", bytes, bytes_after, overheads.bandwidth.both.total),
        ("packets", packets, packets_after, overheads.packets.both.total),
    ] {
        let Some(reported) = reported else { continue };
        let found = after / (before * replicas) - 1.0;
        if (found - reported.value).abs() > 1e-9 * (1.0 + found.abs()) {
            let detail = format!("{found} more {what} in the file, {} in the report", reported.value);
            return broken(Invariant::Overheads, 0, detail);
        }
    }
    Ok(())
}
