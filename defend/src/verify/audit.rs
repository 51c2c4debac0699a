//! Auditing a defended set from its traces alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet};

use crate::{Copies, DefendError, DefenseSpec, Direction, Invariant, LeftAlone, Pipeline, Profile};

/// What the traces before and after a defence show, whoever made them.
///
/// Nothing says which bytes a packet carries, so a test asks whether there is any way to carry them: enough bytes each way
/// (conservation), and enough of them late enough (no time travel; for every packet as many bytes must leave from its
/// arrival on as arrived from then on). A defence that passes may still be wrong ([`cannot_show`](Self::cannot_show)); one that fails is.
///
/// A packet that is left out among padding hides behind it, unless it is known what the defence leaves alone: by the promises of the
/// layers that the defended set names or, where these are not known, because nine in ten of ten pairs or more leave it alone. Then each pair is
/// held to that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefendedAudit {
    /// Pairs of an original and a defended trace that were compared.
    pub pairs: usize,
    /// Originals without their defended traces.
    pub missing: Vec<String>,
    /// Defended traces without an original.
    pub unexpected: Vec<String>,
    /// What the defence left alone, and in how many pairs.
    pub kinds: BTreeMap<LeftAlone, usize>,
    /// What every pair is held to.
    pub held_to: LeftAlone,
    /// Where that comes from.
    pub held_to_by: HeldToBy,
    /// Broken invariants.
    pub violations: Vec<AuditViolation>,
    /// Pairs that do not leave alone what they are held to.
    pub unlike: Vec<AuditViolation>,
    /// Faults that these traces could have unseen.
    pub cannot_show: Vec<String>,
    /// Traces that keep no times of day, so that it is not known how late the first packet is.
    pub starts_unknown: usize,
    /// The least by which the first packet of such a trace must have been late, at most over all of them.
    pub least_start_delay_ns: u64,
    /// What was tested.
    pub tested: Vec<Invariant>,
    /// What traces alone cannot tell.
    pub untestable: Vec<Invariant>,
}

/// Why pairs are held to leaving something alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldToBy {
    /// The layers that the defended set names promise it.
    Layers,
    /// Nine in ten of the pairs do.
    OtherPairs,
    /// They are not.
    Nothing,
}

/// An invariant that a pair of traces breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditViolation {
    /// The defended trace.
    pub trace: String,
    /// What it breaks.
    pub invariant: Invariant,
    /// What was found.
    pub detail: String,
}

/// Sizes that simulators have written for padding in files of cells, and that give it away to any feature of sizes.
const MARKS: [u32; 2] = [888, 999];

impl DefendedAudit {
    /// Compares the sets; a trace has `copies` defended copies, under the keys of [`Copies::key`]; where no defended trace has a
    /// session, as in formats that do not keep it, by class and rep alone.
    ///
    /// A defended set whose provenance names a split with paths that are not seen is audited as
    /// [a part](Self::of_some_paths).
    pub fn of(original: &TraceSet, defended: &TraceSet, copies: Copies) -> Result<Self, DefendError> {
        let hides = |layer: &String| layer.parse::<DefenseSpec>().is_ok_and(|spec| spec.hides_paths());
        let partial = defended.provenance().defenses.iter().any(hides);
        Self::compare(original, defended, copies, partial)
    }

    /// As [`of`](Self::of) where the defended set shows some of several paths: bytes may be missing and the first packets too, so that only the
    /// keys and marks can be tested.
    pub fn of_some_paths(original: &TraceSet, defended: &TraceSet, copies: Copies) -> Result<Self, DefendError> {
        Self::compare(original, defended, copies, true)
    }

    fn compare(original: &TraceSet, defended: &TraceSet, copies: Copies, partial: bool) -> Result<Self, DefendError> {
        let by_key: HashMap<&TraceKey, &LabelledTrace> = defended.traces().iter().map(|t| (&t.key, t)).collect();
        let mut pairs = Vec::new();
        let mut missing = Vec::new();
        let mut met = HashSet::new();
        let sessions = keeps_sessions(defended);
        for labelled in original.traces() {
            for replica in 0..copies.each() {
                let mut key = copies.key(&labelled.key, replica)?;
                key.session.take_if(|_| !sessions);
                match by_key.get(&key).filter(|defended| met.insert(&defended.key)) {
                    Some(defended) => pairs.push((labelled, *defended)),
                    None => missing.push(key.to_string()),
                }
            }
        }
        let unexpected =
            defended.traces().iter().filter(|t| !met.contains(&t.key)).map(|t| t.key.to_string()).collect();
        let cell = cell_size(original);
        let found: Vec<PairAudit> = pairs.par_iter().map(|(a, b)| PairAudit::of(a, b, cell, partial)).collect();
        let (held_to, held_to_by) = match partial {
            true => (LeftAlone::Nothing, HeldToBy::Nothing),
            false => held_to(original, defended, &found),
        };
        let unlike = pairs.par_iter().zip(&found).filter(|(_, pair)| !pair.kept.is_as_much_as(held_to));
        let unlike = unlike.map(|((before, after), _)| unlike_violation(before, after, held_to)).collect();
        let mut kinds = BTreeMap::new();
        for pair in &found {
            *kinds.entry(pair.kept).or_default() += 1;
        }
        use Invariant as I;
        let tested = match partial {
            true => vec![I::Marks, I::Shape],
            false => vec![I::Conservation, I::NoTimeTravel, I::Marks, I::Shape],
        };
        let untestable = I::ALL.into_iter().filter(|invariant| !tested.contains(invariant)).collect();
        Ok(Self {
            pairs: found.len(),
            missing,
            unexpected,
            kinds,
            starts_unknown: found.iter().filter(|pair| pair.least_start_delay_ns.is_some()).count(),
            least_start_delay_ns: found.iter().filter_map(|pair| pair.least_start_delay_ns).max().unwrap_or(0),
            held_to,
            held_to_by,
            violations: found.into_iter().flat_map(|pair| pair.violations).collect(),
            unlike,
            cannot_show: cannot_show(held_to, partial).into_iter().map(str::to_owned).collect(),
            tested,
            untestable,
        })
    }

    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.violations.is_empty() && self.unlike.is_empty()
    }
}

/// What the pairs are held to, and by what.
fn held_to(original: &TraceSet, defended: &TraceSet, pairs: &[PairAudit]) -> (LeftAlone, HeldToBy) {
    if let Some(promised) = promised(original, defended).filter(|&kept| kept != LeftAlone::Nothing) {
        return (promised, HeldToBy::Layers);
    }
    let keep = |kept: LeftAlone| pairs.iter().filter(|pair| pair.kept.is_as_much_as(kept)).count();
    let most = [LeftAlone::Everything, LeftAlone::Packets, LeftAlone::Times, LeftAlone::Sizes]
        .into_iter()
        .find(|&kept| pairs.len() >= 10 && 10 * keep(kept) >= 9 * pairs.len());
    most.map_or((LeftAlone::Nothing, HeldToBy::Nothing), |kept| (kept, HeldToBy::OtherPairs))
}

/// What the layers that only the defended set names leave alone; not known where it names none, some learn, or packets of several paths come
/// together.
fn promised(original: &TraceSet, defended: &TraceSet) -> Option<LeftAlone> {
    let before = &original.provenance().defenses;
    let layers = defended.provenance().defenses.strip_prefix(before.as_slice())?;
    let spec: DefenseSpec = layers.join("+").parse().ok()?;
    if spec.needs_training() || spec.splits() {
        return None;
    }
    Some(Pipeline::new(&spec, &Profile::of(original), before.len(), 0).ok()?.keeps())
}

/// What a pair breaks that does not leave alone what it is held to.
fn unlike_violation(before: &LabelledTrace, after: &LabelledTrace, held_to: LeftAlone) -> AuditViolation {
    let (original, defended) = (&before.trace, &after.trace);
    let (had, has) = (original.len(), defended.len());
    let missing = || {
        let mut left: HashMap<(u64, i32), usize> = HashMap::new();
        defended.packets().for_each(|packet| *left.entry(packet).or_default() += 1);
        let gone = original.packets().enumerate().find(|(_, packet)| match left.get_mut(packet) {
            Some(number @ 1..) => {
                *number -= 1;
                false
            }
            _ => true,
        });
        gone.map_or_else(String::new, |(i, (time_ns, size))| {
            format!(": packet {i}, {size:+} B at {:.9} s, is not there", time_ns as f64 / 1e9)
        })
    };
    let (invariant, detail) = match held_to {
        LeftAlone::Packets => (
            Invariant::Conservation,
            format!(
                "every packet should be as it was, among others, and one is dropped, moved or resized{}",
                missing()
            ),
        ),
        LeftAlone::Everything | LeftAlone::Times | LeftAlone::Sizes if has < had => {
            (Invariant::Conservation, format!("{has} packets, the original has {had}, and nothing is joined"))
        }
        LeftAlone::Everything | LeftAlone::Times | LeftAlone::Sizes if has > had => {
            (Invariant::NoPadding, format!("{has} packets, the original has {had}, and nothing is added"))
        }
        LeftAlone::Times => (Invariant::TimesUntouched, "times and directions should be as they were".to_owned()),
        _ => (Invariant::SizesUntouched, "the sizes each way should be as they were, in their order".to_owned()),
    };
    AuditViolation { trace: after.key.to_string(), invariant, detail }
}

/// Faults that go unseen in traces that are held to this.
fn cannot_show(held_to: LeftAlone, partial: bool) -> Vec<&'static str> {
    const LABELS: &str = "which label belongs to which trace, where both would do";
    if partial {
        return vec!["anything but sizes that mark padding: what is missing may be on a path that is not seen", LABELS];
    }
    match held_to {
        LeftAlone::Everything => vec![LABELS],
        LeftAlone::Packets => vec!["padding that is dropped, sent twice, moved or of another direction", LABELS],
        LeftAlone::Times => vec!["padding of packets that is more or less than it should be", LABELS],
        LeftAlone::Sizes => {
            vec!["packets that are later than they should be, or sooner and not before they arrived", LABELS]
        }
        LeftAlone::Nothing => vec![
            "a packet that is dropped where as many bytes of padding go its way after it",
            "a packet that is sent twice",
            "packets of one direction that have changed places",
            "bytes moved to the other direction, as long as as many are left of each as there were",
            "packets that are sooner or later than they should be, but not before as many bytes arrived",
            "an end that is cut off behind the last bytes that are needed",
            LABELS,
        ],
    }
}

/// Whether a set says what was captured together: some formats have no room for it.
pub fn keeps_sessions(set: &TraceSet) -> bool {
    set.traces().iter().any(|labelled| labelled.key.session.is_some())
}

/// The one size of all packets, where they are cells: another size beside it stands out.
fn cell_size(original: &TraceSet) -> Option<u32> {
    let mut sizes = original.traces().iter().flat_map(|t| t.trace.size()).map(|size| size.unsigned_abs());
    let first = sizes.next()?;
    sizes.all(|size| size == first).then_some(first)
}

#[derive(Debug)]
struct PairAudit {
    kept: LeftAlone,
    violations: Vec<AuditViolation>,
    least_start_delay_ns: Option<u64>,
}

impl PairAudit {
    fn of(original: &LabelledTrace, defended: &LabelledTrace, cell: Option<u32>, partial: bool) -> Self {
        let mut violations = Vec::new();
        let mut broken = |invariant, detail| {
            violations.push(AuditViolation { trace: defended.key.to_string(), invariant, detail });
        };
        let (before, after) = (&original.trace, &defended.trace);
        let bytes = |trace: &Trace, way| match way {
            Direction::Outgoing => trace.out_bytes(),
            Direction::Incoming => trace.in_bytes(),
        };
        let mut conserved = !partial;
        for (way, name) in Direction::BOTH.into_iter().zip(["outgoing", "incoming"]) {
            let (had, has) = (bytes(before, way), bytes(after, way));
            if has < had && !partial {
                conserved = false;
                broken(Invariant::Conservation, format!("{has} {name} bytes, the original has {had}"));
            }
        }
        let shift_ns = match (original.start_ns, defended.start_ns) {
            (Some(before), Some(after)) => Some(i128::from(after) - i128::from(before)),
            _ => None,
        };
        let mut least_start_delay_ns = None;
        if conserved {
            let needed = least_start_delay(before, after);
            match shift_ns {
                None => least_start_delay_ns = Some(needed),
                Some(shift) if shift < i128::from(needed) => {
                    let detail = format!("some bytes leave {} ns before they arrived", i128::from(needed) - shift);
                    broken(Invariant::NoTimeTravel, detail);
                }
                Some(_) => {}
            }
        }
        let packets_of = |size: u32| after.size().iter().filter(|s| s.unsigned_abs() == size).count();
        if cell.is_some_and(|cell| packets_of(cell) > 0) {
            for (mark, packets) in MARKS.map(|mark| (mark, packets_of(mark))) {
                if packets > 0 && cell != Some(mark) {
                    broken(
                        Invariant::Marks,
                        format!("{packets} packets of size {mark} among cells mark padding for features"),
                    );
                }
            }
        }
        Self { kept: left_alone(before, after), violations, least_start_delay_ns }
    }
}

/// How late the first defended packet must have been, at least, for every byte to leave when it had arrived: from the time
/// of any packet on, as many bytes must leave in its direction as arrive. `after` has the bytes.
fn least_start_delay(before: &Trace, after: &Trace) -> u64 {
    let mut least = 0;
    for way in Direction::BOTH {
        let mut leaving = latest_first(after, way);
        let (mut sent, mut time_ns) = (0_u64, u64::MAX);
        let mut arrived = 0_u64;
        for (arrival, bytes) in latest_first(before, way) {
            arrived += bytes;
            while sent < arrived {
                let Some((time, bytes)) = leaving.next() else { break };
                sent += bytes;
                time_ns = time;
            }
            least = least.max(arrival.saturating_sub(time_ns));
        }
    }
    least
}

/// Times and bytes of the packets of one direction.
fn latest_first(trace: &Trace, way: Direction) -> impl Iterator<Item = (u64, u64)> {
    let packets = trace.time_ns().iter().zip(trace.size()).rev();
    packets
        .filter(move |&(_, &size)| Direction::of(size) == way)
        .map(|(&time, &size)| (time, u64::from(size.unsigned_abs())))
}

fn left_alone(before: &Trace, after: &Trace) -> LeftAlone {
    if before == after {
        return LeftAlone::Everything;
    }
    let sizes = |trace: &Trace, way| -> Vec<i32> {
        trace.size().iter().copied().filter(|&size| Direction::of(size) == way).collect()
    };
    if before.len() == after.len() {
        let ways = |trace: &Trace| -> Vec<Direction> { trace.size().iter().map(|&size| Direction::of(size)).collect() };
        if before.time_ns() == after.time_ns() && ways(before) == ways(after) {
            return LeftAlone::Times;
        }
        if Direction::BOTH.into_iter().all(|way| sizes(before, way) == sizes(after, way)) {
            return LeftAlone::Sizes;
        }
    }
    // Sorted, as packets at one time may have changed places.
    let sorted = |trace: &Trace| {
        let mut packets: Vec<(u64, i32)> = trace.packets().collect();
        packets.sort_unstable();
        packets
    };
    let after = sorted(after);
    let mut rest = after.iter();
    if sorted(before).iter().all(|packet| rest.any(|other| other == packet)) {
        LeftAlone::Packets
    } else {
        LeftAlone::Nothing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance};

    use super::*;
    use crate::defend;
    use crate::testing::{any_set, any_spec, labelled};

    fn set(packets: &[(u64, i32)], start_ns: Option<i64>) -> TraceSet {
        let (times, sizes) = packets.iter().copied().unzip();
        let mut trace = labelled(0, Trace::new(times, sizes).unwrap());
        trace.start_ns = start_ns;
        TraceSet::new(vec![trace], Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    const ORIGINAL: [(u64, i32); 4] = [(0, 100), (10, -200), (20, 300), (30, -400)];

    fn audit(defended: &[(u64, i32)]) -> DefendedAudit {
        DefendedAudit::of(&set(&ORIGINAL, Some(0)), &set(defended, Some(0)), Copies::ONE).unwrap()
    }

    fn broken(defended: &[(u64, i32)]) -> Vec<Invariant> {
        audit(defended).violations.iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn lost_bytes_early_bytes_and_marks_are_found() {
        assert_eq!(broken(&ORIGINAL), []);
        assert_eq!(broken(&[(0, 100), (10, -200), (20, 300), (30, -399)]), [Invariant::Conservation]);
        assert_eq!(broken(&[(0, 100), (10, -200), (19, 300), (30, -400)]), [Invariant::NoTimeTravel]);
        // Padding may go early; the last 300 bytes out may not.
        assert_eq!(broken(&[(0, 400), (10, -200), (20, 299), (30, -400)]), [Invariant::NoTimeTravel]);
        assert_eq!(broken(&[(0, 400), (10, -600), (20, 300), (40, -400)]), []);
        let cells = |packets: &[(u64, i32)]| {
            let audit = DefendedAudit::of(&set(&[(0, 1), (10, -1)], None), &set(packets, None), Copies::ONE).unwrap();
            audit.violations.iter().map(|violation| violation.invariant).collect::<Vec<_>>()
        };
        assert_eq!(cells(&[(0, 1), (5, 888), (10, -1)]), [Invariant::Marks]);
        assert_eq!(cells(&[(0, 1), (5, -1), (10, -1)]), []);
        assert_eq!(cells(&[(0, 888), (5, -888), (10, -888)]), []); // slots of this size
    }

    /// Ten traces, padded; the first of them has a fault that its padding hides.
    fn audit_of_ten(defended: &[(u64, i32)], layers: &[&str]) -> DefendedAudit {
        let ten = |first: &[(u64, i32)], rest: &[(u64, i32)], layers: &[&str]| {
            let mut provenance = Provenance::new(Layer::Tcp, vec![]);
            provenance.defenses = layers.iter().map(|&layer| layer.to_owned()).collect();
            let one = |rep: i64| {
                let (times, sizes) = if rep == 0 { first } else { rest }.iter().copied().unzip();
                LabelledTrace { start_ns: Some(0), ..labelled(rep, Trace::new(times, sizes).unwrap()) }
            };
            TraceSet::new((0..10).map(one).collect(), provenance).unwrap()
        };
        let padded = [(0, 100), (5, 900), (10, -200), (20, 300), (25, -900), (30, -400), (31, 900), (31, -900)];
        DefendedAudit::of(&ten(&ORIGINAL, &ORIGINAL, &[]), &ten(defended, &padded, layers), Copies::ONE).unwrap()
    }

    #[test]
    fn a_packet_that_is_dropped_among_padding_is_missed() {
        let dropped = [(0, 100), (5, 900), (10, -200), (25, -900), (30, -400), (31, 900), (31, -900)];
        let moved = [(0, 100), (5, 900), (10, -200), (21, 300), (25, -900), (30, -400), (31, 900), (31, -900)];
        let turned = [(0, 100), (5, 900), (10, 200), (20, 300), (25, -900), (30, -400), (31, 900), (31, -900)];
        let cut = [(0, 100), (5, 900), (10, -200), (20, 300), (25, -900)];
        for (fault, packet) in [(&dropped[..], 2), (&moved, 2), (&turned, 1), (&cut, 3)] {
            for (layers, by) in [(&["front:ft-1"][..], HeldToBy::Layers), (&[], HeldToBy::OtherPairs)] {
                let audit = audit_of_ten(fault, layers);
                assert_eq!((audit.held_to, audit.held_to_by), (LeftAlone::Packets, by));
                let [found] = &audit.unlike[..] else { panic!("{audit:?}") };
                assert_eq!((found.trace.as_str(), found.invariant), ("class a, rep 0", Invariant::Conservation));
                assert!(found.detail.contains(&format!("packet {packet},")) && !audit.passed(), "{found:?}");
            }
            // A defence that may move anything has an alibi, and what may be wrong is said.
            let audit = audit_of_ten(fault, &["tamaraw:ccs14"]);
            assert_eq!(audit.held_to_by, HeldToBy::OtherPairs, "it is the other pairs that tell");
        }
        // Padding that is sent twice is padding.
        let twice = [(0, 100), (5, 900), (5, 900), (10, -200), (20, 300), (25, -900), (30, -400)];
        let audit = audit_of_ten(&twice, &[]);
        assert!(audit.passed() && audit.cannot_show.iter().any(|fault| fault.contains("sent twice")), "{audit:?}");
        // One pair alone tells nothing of what is left alone.
        let alone = DefendedAudit::of(&set(&ORIGINAL, Some(0)), &set(&dropped, Some(0)), Copies::ONE).unwrap();
        assert_eq!((alone.passed(), alone.held_to_by), (true, HeldToBy::Nothing));
        assert!(alone.cannot_show.iter().any(|fault| fault.contains("dropped")), "{alone:?}");
    }

    #[test]
    fn traces_that_are_not_there_are_named() {
        let two = |key: &str| {
            let mut trace = labelled(0, Trace::new(vec![0], vec![1]).unwrap());
            trace.key.class = key.to_owned();
            TraceSet::new(vec![trace], Provenance::new(Layer::Tcp, vec![])).unwrap()
        };
        let audit = DefendedAudit::of(&two("a"), &two("b"), Copies::ONE).unwrap();
        assert_eq!(
            (audit.missing, audit.unexpected),
            (vec!["class a, rep 0".to_owned()], vec!["class b, rep 0".to_owned()])
        );
    }

    #[test]
    fn what_was_kept_is_told() {
        let kept = |defended: &[(u64, i32)]| *audit(defended).kinds.keys().next().unwrap();
        assert_eq!(kept(&ORIGINAL), LeftAlone::Everything);
        assert_eq!(kept(&[(0, 100), (10, 5), (10, -200), (20, 300), (30, -400), (40, -1)]), LeftAlone::Packets);
        assert_eq!(kept(&[(0, 500), (10, -500), (20, 500), (30, -500)]), LeftAlone::Times);
        assert_eq!(kept(&[(0, 100), (15, -200), (21, 300), (30, -400)]), LeftAlone::Sizes);
        assert_eq!(kept(&[(0, 500), (15, -500), (21, 500), (30, -500)]), LeftAlone::Nothing);
    }

    #[test]
    fn a_start_that_is_not_known_is_not_held_against_the_defence() {
        let late: Vec<(u64, i32)> = vec![(0, 100), (0, -200), (10, 300), (20, -400)];
        let audit = DefendedAudit::of(&set(&ORIGINAL, None), &set(&late, None), Copies::ONE).unwrap();
        assert!(audit.passed());
        assert_eq!((audit.starts_unknown, audit.least_start_delay_ns), (1, 10));
        assert!(!DefendedAudit::of(&set(&ORIGINAL, Some(5)), &set(&late, Some(14)), Copies::ONE).unwrap().passed());
        assert!(DefendedAudit::of(&set(&ORIGINAL, Some(5)), &set(&late, Some(15)), Copies::ONE).unwrap().passed());
    }

    proptest! {
        #[test]
        fn what_wfkit_defends_passes(set in any_set(), spec in any_spec(), seed: u64) {
            let mut traces = set.traces().to_vec();
            for trace in &mut traces {
                trace.start_ns = Some(1_000);
            }
            let set = TraceSet::new(traces, set.provenance().clone()).unwrap();
            let audit = DefendedAudit::of(&set, &defend(&set, &spec, seed).unwrap().observe(), Copies::ONE).unwrap();
            prop_assert!(audit.passed(), "{audit:?}");
        }
    }
}
