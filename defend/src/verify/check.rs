//! Checking a defended trace against its original.

use std::cell::LazyCell;

use wfkit_datasets::Trace;

use crate::simulate::causality::answers;
use crate::simulate::transmission::transmission_ns;
use crate::{DefendedTrace, Direction, Guarantees, Invariant, PerDirection, SlotPlan, Violation};

/// Checks that `defended` is a defence of `original` that keeps `guarantees`; the first invariant that is broken is the error.
pub fn check(original: &Trace, defended: &DefendedTrace, guarantees: &Guarantees) -> Result<(), Violation> {
    check_carriage(original, defended, guarantees.mixed_paths)?;
    if guarantees.no_padding || guarantees.sizes_untouched || guarantees.times_untouched {
        check_untouched(original, defended, guarantees)?;
    }
    if guarantees.total_order {
        check_total_order(original, defended)?;
    }
    if guarantees.causal {
        check_causality(original, defended)?;
    }
    if guarantees.ends_with_data {
        check_end(defended)?;
    }
    if let Some(quiet_ns) = guarantees.quiet_ns {
        check_quiet(defended, quiet_ns)?;
    }
    if let Some(budget) = &guarantees.budget {
        check_budget(defended, budget)?;
    }
    if let Some(plan) = &guarantees.slots {
        check_slots(defended, plan, guarantees.pauses_after_ns)?;
    }
    if let Some(rate) = &guarantees.link_bits_per_second {
        check_link(defended, rate)?;
    }
    if guarantees.identity {
        check_identity(original, defended)?;
    }
    Ok(())
}

fn violation<T>(invariant: Invariant, packet: usize, detail: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { invariant, packet, detail: detail.into() })
}

// `try_for_each` where every packet passes: a `for` loop would copy each through memory, which took half of the time of a defence.

/// Conservation over all paths together, direction, capacity, no time travel and order per path and direction: what every
/// defence keeps.
fn check_carriage(original: &Trace, defended: &DefendedTrace, mixed_paths: bool) -> Result<(), Violation> {
    let (times, sizes) = (original.time_ns(), original.size());
    let mut carried = vec![0_u64; original.len()];
    let mut last = vec![PerDirection { outgoing: 0, incoming: 0 }; usize::from(defended.paths()) + 1];
    defended.packets().enumerate().try_for_each(|(i, packet)| {
        let last = &mut last[usize::from(packet.path)];
        let direction = packet.direction();
        let mut load = 0_u64;
        for piece in packet.carries {
            let origin = piece.origin as usize;
            if origin >= original.len() {
                return violation(Invariant::Conservation, origin, "the original has no such packet");
            }
            if Direction::of(sizes[origin]) != direction {
                return violation(Invariant::Direction, i, format!("carries original packet {origin} backwards"));
            }
            if packet.time_ns < times[origin] {
                let (left, arrived) = (packet.time_ns, times[origin]);
                let detail = format!("original packet {origin} leaves at {left} ns, arrived at {arrived} ns");
                return violation(Invariant::NoTimeTravel, i, detail);
            }
            if piece.origin < last[direction] && !mixed_paths {
                let detail = format!("original packet {origin} leaves after packet {}", last[direction]);
                return violation(Invariant::Fifo, i, detail);
            }
            last[direction] = piece.origin;
            load += u64::from(piece.bytes);
            carried[origin] += u64::from(piece.bytes);
        }
        if load > u64::from(packet.size.unsigned_abs()) {
            return violation(Invariant::Capacity, i, format!("{load} bytes in a packet of {}", packet.size));
        }
        Ok(())
    })?;
    let differs = |&origin: &usize| carried[origin] != u64::from(sizes[origin].unsigned_abs());
    match (0..original.len()).find(differs) {
        Some(origin) => {
            let detail = format!("{} bytes are carried, it has {}", carried[origin], sizes[origin].unsigned_abs());
            violation(Invariant::Conservation, origin, detail)
        }
        None => Ok(()),
    }
}

/// What defences of times only, of sizes only and by padding only leave alone.
fn check_untouched(original: &Trace, defended: &DefendedTrace, guarantees: &Guarantees) -> Result<(), Violation> {
    let mut next = 0;
    defended.packets().enumerate().try_for_each(|(i, packet)| {
        if packet.is_padding() {
            if guarantees.no_padding {
                return violation(Invariant::NoPadding, i, "a padding packet");
            }
            return Ok(());
        }
        let origin = packet.carries[0].origin as usize;
        if guarantees.sizes_untouched {
            let whole = packet.carries.len() == 1 && packet.carries[0].bytes == packet.size.unsigned_abs();
            if !whole || packet.size != original.size()[origin] {
                let detail = format!("size {}, {} pieces", packet.size, packet.carries.len());
                return violation(Invariant::SizesUntouched, i, detail);
            }
        }
        if guarantees.times_untouched {
            if origin != next || packet.carries.len() != 1 {
                let detail = format!("carries original packet {origin} where {next} is due");
                return violation(Invariant::TimesUntouched, i, detail);
            }
            if packet.time_ns != original.time_ns()[origin] {
                let detail = format!("at {} ns, was at {} ns", packet.time_ns, original.time_ns()[origin]);
                return violation(Invariant::TimesUntouched, i, detail);
            }
        }
        next += 1;
        Ok(())
    })
}

fn check_total_order(original: &Trace, defended: &DefendedTrace) -> Result<(), Violation> {
    let mut start: Vec<Option<u64>> = vec![None; original.len()];
    for packet in defended.packets() {
        for piece in packet.carries {
            start[piece.origin as usize].get_or_insert(packet.time_ns);
        }
    }
    let completion = defended.completion_ns(original.len());
    let early = |&i: &usize| start[i].is_some_and(|start| start < completion[i - 1]);
    match (1..original.len()).find(early) {
        Some(i) => {
            let detail = format!("starts before its predecessor is through ({} ns)", completion[i - 1]);
            violation(Invariant::TotalOrder, i, detail)
        }
        None => Ok(()),
    }
}

fn check_causality(original: &Trace, defended: &DefendedTrace) -> Result<(), Violation> {
    match answers(original, defended).find(|&(_, early_ns)| early_ns > 0) {
        Some((i, early_ns)) => {
            violation(Invariant::Causality, i, format!("leaves {early_ns} ns too soon after what it answers"))
        }
        None => Ok(()),
    }
}

fn check_end(defended: &DefendedTrace) -> Result<(), Violation> {
    let end = defended.packets().filter(|p| !p.is_padding()).map(|p| p.time_ns).max().unwrap_or(0);
    match defended.packets().position(|p| p.is_padding() && p.time_ns > end) {
        Some(i) => violation(Invariant::EndsWithData, i, format!("padding after the last normal packet ({end} ns)")),
        None => Ok(()),
    }
}

fn check_quiet(defended: &DefendedTrace, quiet_ns: u64) -> Result<(), Violation> {
    let mut normal_ns = 0;
    for (i, packet) in defended.packets().enumerate() {
        if !packet.is_padding() {
            normal_ns = packet.time_ns;
        } else if packet.time_ns - normal_ns > quiet_ns {
            let detail = format!("padding {} ns after the last normal packet", packet.time_ns - normal_ns);
            return violation(Invariant::EndsWithData, i, detail);
        }
    }
    Ok(())
}

fn check_budget(defended: &DefendedTrace, budget: &PerDirection<u64>) -> Result<(), Violation> {
    let mut sent = PerDirection { outgoing: 0, incoming: 0 };
    let mut last = PerDirection { outgoing: 0, incoming: 0 };
    for (i, packet) in defended.packets().enumerate().filter(|(_, p)| p.is_padding()) {
        sent[packet.direction()] += 1;
        last[packet.direction()] = i;
    }
    let ledger = defended.ledger();
    for direction in Direction::BOTH {
        let (drawn, dropped) = (ledger.padding_drawn[direction], ledger.padding_dropped[direction]);
        if drawn > budget[direction].saturating_mul(ledger.loads.max(1)) || sent[direction] + dropped != drawn {
            let (sent, budget) = (sent[direction], budget[direction]);
            let detail = format!("{sent} padding packets sent, {dropped} dropped, {drawn} drawn of at most {budget}");
            return violation(Invariant::Budget, last[direction], detail);
        }
    }
    Ok(())
}

fn check_slots(defended: &DefendedTrace, plan: &SlotPlan, pauses_after_ns: Option<u64>) -> Result<(), Violation> {
    let mut count = PerDirection { outgoing: 0_u64, incoming: 0 };
    let mut next = count;
    // Only where a slot is missing.
    let normal =
        LazyCell::new(|| defended.packets().filter(|p| !p.is_padding()).map(|p| p.time_ns).collect::<Vec<u64>>());
    // Whether nobody could know at that time that the load goes on.
    let may_pause = |time_ns: u64| {
        let last = normal.partition_point(|&normal| normal <= time_ns).checked_sub(1).map_or(0, |last| normal[last]);
        pauses_after_ns.is_some_and(|quiet| time_ns - last > quiet)
    };
    defended.packets().enumerate().try_for_each(|(i, packet)| {
        let direction = packet.direction();
        let interval = plan.interval_ns[direction];
        let due = next[direction].checked_mul(interval);
        if due.is_some_and(|due| due < packet.time_ns && may_pause(due)) && packet.time_ns.is_multiple_of(interval) {
            next[direction] = packet.time_ns / interval;
        } else if due != Some(packet.time_ns) {
            let (slot, time) = (next[direction], packet.time_ns);
            return violation(Invariant::Schedule, i, format!("slot {slot} of its direction, at {time} ns"));
        }
        if packet.size.unsigned_abs() != plan.size {
            return violation(Invariant::Schedule, i, format!("{} bytes in a slot of {}", packet.size, plan.size));
        }
        count[direction] += 1;
        next[direction] += 1;
        Ok(())
    })?;
    for direction in Direction::BOTH {
        let n = count[direction];
        if !n.is_multiple_of(plan.multiple) || n < plan.at_least[direction] {
            let (multiple, least) = (plan.multiple, plan.at_least[direction]);
            let detail = format!("{n} packets one way, neither below {least} nor off a multiple of {multiple} allowed");
            return violation(Invariant::End, defended.len() - 1, detail);
        }
    }
    Ok(())
}

fn check_link(defended: &DefendedTrace, bits_per_second: &PerDirection<u64>) -> Result<(), Violation> {
    let mut free_ns = PerDirection { outgoing: 0, incoming: 0 };
    for (i, packet) in defended.packets().enumerate() {
        let direction = packet.direction();
        if packet.time_ns < free_ns[direction] {
            let detail = format!("starts at {} ns, the link is free at {} ns", packet.time_ns, free_ns[direction]);
            return violation(Invariant::LinkRate, i, detail);
        }
        let takes_ns = transmission_ns(packet.size, bits_per_second[direction]);
        free_ns[direction] = packet.time_ns.saturating_add(takes_ns);
    }
    Ok(())
}

fn check_identity(original: &Trace, defended: &DefendedTrace) -> Result<(), Violation> {
    let packets = defended.packets().map(|p| (p.time_ns, p.size));
    let differs = packets.zip(original.packets()).position(|(after, before)| after != before);
    match differs {
        Some(i) => violation(Invariant::Identity, i, "differs from the original"),
        None if defended.len() != original.len() => {
            violation(Invariant::Identity, defended.len().min(original.len()), "the number of packets differs")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DefendedTraceBuilder, Ledger, Piece};

    /// Time, size, and the pieces as (origin, bytes).
    type Row = (u64, i32, &'static [(u32, u32)]);

    const NONE: &[(u32, u32)] = &[];

    /// Two requests and two responses.
    fn original() -> Trace {
        Trace::new(vec![0, 10, 20, 30], vec![100, -200, 300, -400]).unwrap()
    }

    fn defended(packets: &[Row], ledger: Ledger) -> DefendedTrace {
        let mut builder = DefendedTraceBuilder::default();
        for &(time_ns, size, pieces) in packets {
            let pieces: Vec<Piece> = pieces.iter().map(|&(origin, bytes)| Piece { origin, bytes }).collect();
            builder.packet(time_ns, size, &pieces);
        }
        builder.finish(ledger).unwrap()
    }

    fn broken(packets: &[Row], guarantees: Guarantees) -> (Invariant, usize) {
        let violation = check(&original(), &defended(packets, Ledger::default()), &guarantees).unwrap_err();
        (violation.invariant, violation.packet)
    }

    /// The original with one padding packet inside and one behind.
    const PADDED: [Row; 6] = [
        (0, 100, &[(0, 100)]),
        (10, -200, &[(1, 200)]),
        (15, 500, NONE),
        (20, 300, &[(2, 300)]),
        (30, -400, &[(3, 400)]),
        (40, -500, NONE),
    ];

    #[test]
    fn a_good_trace_keeps_them() {
        let guarantees =
            Guarantees { times_untouched: true, sizes_untouched: true, total_order: true, ..Guarantees::default() };
        assert_eq!(check(&original(), &defended(&PADDED, Ledger::default()), &guarantees), Ok(()));
    }

    #[test]
    fn each_path_is_in_order_and_all_of_them_carry_everything() {
        let split = |packets: &[(u16, u64, i32, u32)]| {
            let mut builder = DefendedTraceBuilder::split(packets.len(), 1);
            for &(path, time_ns, size, origin) in packets {
                builder.packet_on(path, time_ns, size, &[Piece { origin, bytes: size.unsigned_abs() }]);
            }
            builder.finish(Ledger::default()).unwrap()
        };
        let broken = |packets: &[(u16, u64, i32, u32)]| {
            check(&original(), &split(packets), &Guarantees::default()).map_err(|violation| violation.invariant)
        };
        let reordered = [(1, 0, 100, 0), (2, 20, 300, 2), (2, 35, -400, 3), (1, 40, -200, 1)];
        assert_eq!(broken(&reordered), Ok(()));
        assert_eq!(broken(&reordered.map(|(_, t, s, o)| (1, t, s, o))), Err(Invariant::Fifo));
        assert_eq!(broken(&reordered[..3]), Err(Invariant::Conservation));
    }

    #[test]
    fn lost_doubled_and_invented_bytes_are_found() {
        let any = Guarantees::default;
        let mut lost = PADDED;
        lost[3].2 = &[(2, 299)];
        assert_eq!(broken(&lost, any()), (Invariant::Conservation, 2));
        let mut packet_lost = PADDED;
        packet_lost[4].2 = NONE;
        assert_eq!(broken(&packet_lost, any()), (Invariant::Conservation, 3));
        let mut doubled = PADDED;
        doubled[2].2 = &[(0, 100)];
        assert_eq!(broken(&doubled, any()), (Invariant::Conservation, 0));
        let mut invented = PADDED;
        invented[2].2 = &[(4, 1)];
        assert_eq!(broken(&invented, any()), (Invariant::Conservation, 4));
    }

    #[test]
    fn bytes_that_go_backwards_or_do_not_fit_are_found() {
        let mut backwards = PADDED;
        backwards[2].2 = &[(1, 200)];
        assert_eq!(broken(&backwards, Guarantees::default()), (Invariant::Direction, 2));
        let mut overfull = PADDED;
        overfull[3].1 = 299;
        assert_eq!(broken(&overfull, Guarantees::default()), (Invariant::Capacity, 3));
    }

    #[test]
    fn time_travel_and_overtaking_are_found() {
        let mut early = PADDED;
        early[3].0 = 19;
        assert_eq!(broken(&early, Guarantees::default()), (Invariant::NoTimeTravel, 3));
        let mut overtaken = PADDED;
        (overtaken[0].1, overtaken[0].2) = (500, NONE);
        (overtaken[3].1, overtaken[3].2) = (500, &[(2, 300), (0, 100)]);
        assert_eq!(broken(&overtaken, Guarantees::default()), (Invariant::Fifo, 3));
        // In order each way, but the second request leaves before the first response is through.
        let mut crossed = PADDED;
        (crossed[1].1, crossed[1].2) = (-200, NONE);
        (crossed[4].1, crossed[4].2) = (-600, &[(1, 200), (3, 400)]);
        // The request at 20 answers the response at 10, which now comes with the next one, at 30.
        let causal = Guarantees { causal: true, ..Guarantees::default() };
        assert_eq!(broken(&crossed, causal), (Invariant::Causality, 2));
        let total_order = Guarantees { total_order: true, ..Guarantees::default() };
        assert_eq!(broken(&crossed, total_order), (Invariant::TotalOrder, 2));
        assert_eq!(check(&original(), &defended(&crossed, Ledger::default()), &Guarantees::default()), Ok(()));
    }

    #[test]
    fn what_should_be_left_alone_is_compared() {
        let times_untouched = || Guarantees { times_untouched: true, ..Guarantees::default() };
        let mut late = PADDED;
        late[4].0 = 31;
        assert_eq!(broken(&late, times_untouched()), (Invariant::TimesUntouched, 4));
        let mut late_and_joined = PADDED;
        late_and_joined[1].2 = NONE;
        (late_and_joined[4].1, late_and_joined[4].2) = (-600, &[(1, 200), (3, 400)]);
        assert_eq!(broken(&late_and_joined, times_untouched()), (Invariant::TimesUntouched, 3));
        let sizes_untouched = || Guarantees { sizes_untouched: true, ..Guarantees::default() };
        let mut larger = PADDED;
        larger[1].1 = -201;
        assert_eq!(broken(&larger, sizes_untouched()), (Invariant::SizesUntouched, 1));
        let mut sent_twice = PADDED;
        sent_twice[2] = (20, 300, &[(2, 100)]);
        sent_twice[3].2 = &[(2, 200)];
        assert_eq!(broken(&sent_twice, sizes_untouched()), (Invariant::SizesUntouched, 2));
        let no_padding = Guarantees { no_padding: true, ..Guarantees::default() };
        assert_eq!(broken(&PADDED, no_padding), (Invariant::NoPadding, 2));
        let ends_with_data = Guarantees { ends_with_data: true, ..Guarantees::default() };
        assert_eq!(broken(&PADDED, ends_with_data), (Invariant::EndsWithData, 5));
        let soft = |quiet| Guarantees { quiet_ns: Some(quiet), ..Guarantees::default() };
        assert_eq!(broken(&PADDED, soft(4)), (Invariant::EndsWithData, 2));
        assert_eq!(broken(&PADDED, soft(9)), (Invariant::EndsWithData, 5));
        assert_eq!(check(&original(), &defended(&PADDED, Ledger::default()), &soft(10)), Ok(()));
        let identity = || Guarantees { identity: true, ..Guarantees::default() };
        assert_eq!(broken(&PADDED, identity()), (Invariant::Identity, 2));
        let tail_only = [PADDED[0], PADDED[1], PADDED[3], PADDED[4], PADDED[5]];
        assert_eq!(broken(&tail_only, identity()), (Invariant::Identity, 4));
    }

    #[test]
    fn the_budget_is_kept_and_accounted_for() {
        let guarantees =
            |n| Guarantees { budget: Some(PerDirection { outgoing: n, incoming: n }), ..Guarantees::default() };
        let one_each = PerDirection { outgoing: 1, incoming: 1 };
        let ledger = Ledger { padding_drawn: one_each, ..Ledger::default() };
        let check = |ledger, n| check(&original(), &defended(&PADDED, ledger), &guarantees(n)).map_err(|v| v.invariant);
        assert_eq!(check(ledger, 1), Ok(()));
        assert_eq!(check(ledger, 0), Err(Invariant::Budget));
        assert_eq!(check(Ledger::default(), 1), Err(Invariant::Budget));
        assert_eq!(check(Ledger { padding_dropped: one_each, ..ledger }, 2), Err(Invariant::Budget));
    }

    #[test]
    fn slots_are_on_time_of_one_size_without_gaps_and_end_as_agreed() {
        let plan = |multiple, at_least| Guarantees {
            slots: Some(SlotPlan {
                interval_ns: PerDirection { outgoing: 20, incoming: 10 },
                size: 400,
                multiple,
                at_least: PerDirection { outgoing: at_least, incoming: 1 },
            }),
            ..Guarantees::default()
        };
        let slotted: [Row; 6] = [
            (0, 400, &[(0, 100)]),
            (0, -400, NONE),
            (10, -400, &[(1, 200)]),
            (20, 400, &[(2, 300)]),
            (20, -400, NONE),
            (30, -400, &[(3, 400)]),
        ];
        assert_eq!(check(&original(), &defended(&slotted, Ledger::default()), &plan(2, 2)), Ok(()));
        assert_eq!(broken(&slotted, plan(4, 1)), (Invariant::End, 5));
        assert_eq!(broken(&slotted, plan(1, 3)), (Invariant::End, 5));
        let mut off = slotted;
        off[5].0 = 31;
        assert_eq!(broken(&off, plan(1, 1)), (Invariant::Schedule, 5));
        let mut odd = slotted;
        odd[0].1 = 399;
        assert_eq!(broken(&odd, plan(1, 1)), (Invariant::Schedule, 0));
        // With a soft stop a slot may stay empty after a silence of more than 9.
        let mut paused = [slotted[0], slotted[1], slotted[2], slotted[3], slotted[4], slotted[5]];
        paused[5].0 = 50;
        let soft = |quiet| Guarantees { pauses_after_ns: Some(quiet), ..plan(1, 1) };
        assert_eq!(check(&original(), &defended(&paused, Ledger::default()), &soft(9)), Ok(()));
        assert_eq!(broken(&paused, soft(10)), (Invariant::Schedule, 5));
        assert_eq!(broken(&paused, plan(1, 1)), (Invariant::Schedule, 5));
        let gap = [slotted[0], slotted[1], slotted[2], slotted[3], slotted[5]];
        assert_eq!(broken(&gap, plan(1, 1)), (Invariant::Schedule, 4));
    }

    #[test]
    fn a_link_sends_one_packet_after_the_other() {
        // 500 bytes at 400 Gbit/s are out after 10 ns.
        let link = |giga: u64| {
            let rate = giga * 1_000_000_000;
            let rate = PerDirection { outgoing: rate, incoming: rate };
            Guarantees { link_bits_per_second: Some(rate), ..Guarantees::default() }
        };
        assert_eq!(broken(&PADDED, link(400)), (Invariant::LinkRate, 3));
        assert_eq!(check(&original(), &defended(&PADDED, Ledger::default()), &link(800)), Ok(()));
    }

    #[test]
    fn a_violation_says_what_and_where() {
        let mut lost = PADDED;
        lost[3].2 = &[(2, 299)];
        let violation = check(&original(), &defended(&lost, Ledger::default()), &Guarantees::default()).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "breaks the invariant `I1 conservation` (every byte of every original packet is carried exactly once) at packet 2: 299 bytes are carried, it has 300"
        );
    }
}
