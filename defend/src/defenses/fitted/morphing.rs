//! Packets that take the sizes of another page: direct target sampling and traffic morphing.

use std::collections::BTreeMap;

use wfkit_datasets::Trace;

use super::{Class, classes, training};
use crate::defenses::no_conflict;
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, ParameterValues, PerDirection, Piece, Preset,
    Profile, StopRule, Value,
};

const DYER: &str = "Wright, Coull and Monrose, \"Traffic Morphing: An Efficient Defense Against Statistical Traffic Analysis\", NDSS 2009; end rule: \
                    Dyer, Coull, Ristenpart and Shrimpton, \"Peek-a-Boo, I Still See You: Why Efficient Traffic Analysis Countermeasures Fail\", \
                    IEEE S&P 2012";

pub(in crate::defenses) const TARGET_SAMPLING: DefenseInfo = DefenseInfo {
    name: "direct-target-sampling",
    summary: "draws the sizes of packets from those of a target page, then pads until the sizes of the whole load are like the target's",
    purpose: "history: sizes of another page; as a reference",
    cost: "up to twice the bytes; no delay",
    source: DYER,
    published: &[],
    caveats: &[
        "all pages take the sizes of one target, and the target itself does too",
        "sizes are those of the traces' own layer, without taking off headers: a packet that is cut costs no second header",
        "a direction that the target never uses keeps its sizes",
    ],
    needs: Needs { sizes: true, times: false, set: false, classes: true },
    presets: &[Preset {
        name: "dyer12",
        summary: "sizes of the target page, to an L1 distance of 0.3",
        parameters: &[TARGET, DISTANCE, GAP],
        check: no_conflict,
        build: |values, profile| Ok(Box::new(Sampling::new(values, profile, BTreeMap::new())?)),
    }],
};

pub(in crate::defenses) const MORPHING: DefenseInfo = DefenseInfo {
    name: "morphing",
    summary: "gives packets the sizes of a target page with the fewest bytes changed, then pads until the sizes of the whole load are like the target's",
    purpose: "history: sizes of another page; as a reference",
    cost: "up to twice the bytes; no delay",
    source: DYER,
    published: &[],
    caveats: &[
        "the morphing matrix minimises the mean bytes by which a size changes. Sizes are numbers, so the least is that of the monotone coupling, which \
         maps the quantiles of the page's sizes to those of the target's: no linear program has to be solved",
        "as published, packets may also shrink: the rest is sent in further packets of the target's sizes, at the same time",
        "a page that the training traces do not have is morphed as all of them together; such traces are counted",
        "sizes are those of the traces' own layer, without taking off headers",
    ],
    needs: Needs { sizes: true, times: false, set: false, classes: true },
    presets: &[Preset {
        name: "dyer12",
        summary: "sizes of the target page, to an L1 distance of 0.3",
        parameters: &[TARGET, DISTANCE, GAP],
        check: no_conflict,
        build: |values, profile| {
            let all = classes(training(profile));
            let target = Sizes::of(&target(values, &all)?.1);
            let matrix = |traces: &[&Trace]| {
                let source = Sizes::of(traces);
                PerDirection::from_fn(|way| Matrix::new(&source.each[way], &target.each[way]))
            };
            let everything: Vec<&Trace> = all.iter().flat_map(|(_, traces)| traces.iter().copied()).collect();
            let known = all.iter().map(|(class, traces)| (Some((*class).to_owned()), matrix(traces)));
            let matrices = known.chain([(None, matrix(&everything))]).collect();
            Ok(Box::new(Sampling::new(values, profile, matrices)?))
        },
    }],
};

const TARGET: Parameter = Parameter {
    key: "target",
    kind: Kind::Count,
    min: 1,
    default: DefaultValue::Derived {
        rule: "the class whose traces have the median of mean bytes",
        derive: |profile, _| {
            let classes = classes(training(profile));
            let bytes = |traces: &[&Trace]| traces.iter().map(|t| (t.in_bytes() + t.out_bytes()) as f64).sum::<f64>();
            let mean = |&class: &usize| bytes(&classes[class].1) / classes[class].1.len() as f64;
            let mut order: Vec<usize> = (0..classes.len()).collect();
            order.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
            Value::Count(order.get(classes.len().saturating_sub(1) / 2).map_or(1, |&class| class as u64 + 1))
        },
    },
    meaning: "the target page: the number of its class among the classes of the training traces, from 1",
};

const DISTANCE: Parameter = Parameter::ratio(
    "distance",
    10_000,
    300_000,
    "padding packets are added until the L1 distance of the shares of sizes from the target's is not above this; 2 adds none",
);

const GAP: Parameter = Parameter::duration("gap", 0, 10_000_000, "time from one of those padding packets to the next");

fn target<'a, 'b>(values: &ParameterValues, classes: &'b [Class<'a>]) -> Result<&'b Class<'a>, String> {
    let number = values.count("target");
    let missing = || format!("target is {number}, the training traces have {} classes", classes.len());
    classes.get(number as usize - 1).ok_or_else(missing)
}

/// Sizes and how often each occurs, ascending.
type Histogram = BTreeMap<u32, u64>;

/// The sizes of a page, each way.
#[derive(Debug, Default)]
struct Sizes {
    each: PerDirection<Histogram>,
}

impl Sizes {
    fn of(traces: &[&Trace]) -> Self {
        let mut sizes = Self::default();
        for &size in traces.iter().flat_map(|trace| trace.size()) {
            *sizes.each[Direction::of(size)].entry(size.unsigned_abs()).or_default() += 1;
        }
        sizes
    }
}

/// A size by its frequency; there is one.
fn draw(sizes: &Histogram, draws: &mut Draws) -> u32 {
    let total: u64 = sizes.values().sum();
    let mut left = draws.up_to(total - 1);
    let found = sizes.iter().find(|(_, count)| match left.checked_sub(**count) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    *found.expect("the draw is below the total").0
}

/// For each size of a page the sizes that it takes, with their weights: the columns of the morphing matrix.
#[derive(Debug, Default)]
struct Matrix(BTreeMap<u32, Histogram>);

impl Matrix {
    /// The coupling of two distributions on sizes with the least mean change: both in ascending order, each source packet goes
    /// where as many target packets are. Weights are counts of source times total of target, so they are whole.
    fn new(source: &Histogram, target: &Histogram) -> Self {
        let (sources, targets): (u64, u64) = (source.values().sum(), target.values().sum());
        let mut columns: BTreeMap<u32, Histogram> = BTreeMap::new();
        let mut rest = target.iter().map(|(&size, &count)| (size, count * sources)).peekable();
        for (&size, &count) in source {
            let mut mass = count * targets;
            while let Some((to, room)) = rest.peek_mut().filter(|_| mass > 0) {
                let moved = mass.min(*room);
                *columns.entry(size).or_default().entry(*to).or_default() += moved;
                mass -= moved;
                *room -= moved;
                if *room == 0 {
                    rest.next();
                }
            }
        }
        Self(columns)
    }

    /// The column of a size; one that the page did not have takes that of the next larger one it had, or of its largest.
    fn column(&self, size: u32) -> Option<&Histogram> {
        self.0.range(size..).next().or_else(|| self.0.last_key_value()).map(|(_, column)| column)
    }
}

#[derive(Debug)]
struct Sampling {
    target: Sizes,
    /// Of each class and of all together; none where sizes are drawn from the target whatever they were.
    matrices: BTreeMap<Option<String>, PerDirection<Matrix>>,
    distance: f64,
    gap_ns: u64,
}

impl Sampling {
    fn new(
        values: &ParameterValues,
        profile: &Profile,
        matrices: BTreeMap<Option<String>, PerDirection<Matrix>>,
    ) -> Result<Self, String> {
        let classes = classes(training(profile));
        let target = Sizes::of(&target(values, &classes)?.1);
        Ok(Self { target, matrices, distance: values.ratio("distance"), gap_ns: values.duration_ns("gap") })
    }

    fn morph(
        &self,
        trace: &Trace,
        matrix: Option<&PerDirection<Matrix>>,
        ledger: Ledger,
        draws: &mut Draws,
    ) -> Result<DefendedTrace, DefenseError> {
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        let mut sent = Balance::new(&self.target);
        let mut packets = 0;
        for (origin, (time_ns, size)) in trace.packets().enumerate() {
            let way = Direction::of(size);
            let sizes = &self.target.each[way];
            if sizes.is_empty() {
                builder.whole(time_ns, size, origin, size.unsigned_abs());
                sent.add(way, size.unsigned_abs());
                continue;
            }
            let mut left = size.unsigned_abs();
            let column = matrix.and_then(|matrix| matrix[way].column(left));
            let mut length = draw(column.unwrap_or(sizes), draws);
            while left > 0 {
                let bytes = left.min(length);
                builder.packet(time_ns, way.signed(length), &[Piece { origin: origin as u32, bytes }]);
                packets += 1;
                draws.allow(packets)?;
                sent.add(way, length);
                left -= bytes;
                length = draw(sizes, draws);
            }
        }
        let mut now_ns = trace.duration_ns();
        while sent.distance() > self.distance {
            let (way, size) = sent.most_missing();
            now_ns = now_ns.saturating_add(self.gap_ns);
            packets += 1;
            draws.allow(packets)?;
            builder.padding(now_ns, way.signed(size));
            sent.add(way, size);
        }
        Ok(builder.finish(ledger)?)
    }
}

impl Defense for Sampling {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let matrix = self.matrices.get(&None);
        let ledger = Ledger { unknown_class: u64::from(matrix.is_some()), ..Ledger::default() };
        self.morph(trace, matrix, ledger, draws)
    }

    fn defend_class(&self, class: &str, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        match self.matrices.get(&Some(class.to_owned())) {
            Some(matrix) => self.morph(trace, Some(matrix), Ledger::default(), draws),
            None => self.defend(trace, draws),
        }
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::default()
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

/// How the sizes that were sent differ from the target's: shares of (direction, size).
#[derive(Debug)]
struct Balance {
    /// Counts sent, and the target's share.
    bins: BTreeMap<(bool, u32), (f64, f64)>,
    sent: f64,
}

impl Balance {
    fn new(target: &Sizes) -> Self {
        let total: u64 = Direction::BOTH.into_iter().flat_map(|way| target.each[way].values()).sum();
        let bin = |way, (&size, &count): (&u32, &u64)| {
            ((way == Direction::Incoming, size), (0.0, count as f64 / total as f64))
        };
        let bins = Direction::BOTH.into_iter().flat_map(|way| target.each[way].iter().map(move |one| bin(way, one)));
        Self { bins: bins.collect(), sent: 0.0 }
    }

    fn add(&mut self, way: Direction, size: u32) {
        self.bins.entry((way == Direction::Incoming, size)).or_default().0 += 1.0;
        self.sent += 1.0;
    }

    /// Sum over sizes of how far the shares are apart, 0 to 2.
    fn distance(&self) -> f64 {
        self.bins.values().map(|(count, share)| (count / self.sent - share).abs()).sum()
    }

    /// What the share sent lacks most of; of equal ones outgoing and small first.
    fn most_missing(&self) -> (Direction, u32) {
        let missing = |(count, share): &(f64, f64)| share - count / self.sent;
        let most = self.bins.iter().reduce(|most, bin| if missing(bin.1) > missing(most.1) { bin } else { most });
        let (&(incoming, size), _) = most.expect("a packet was sent");
        (if incoming { Direction::Incoming } else { Direction::Outgoing }, size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;
    use crate::testing::{any_trace, labelled};
    use crate::{DefenseSpec, defend};
    use wfkit_datasets::{Layer, Provenance, TraceSet};

    /// Mean bytes by which a size changes.
    fn cost(matrix: &Matrix) -> f64 {
        let cells = || matrix.0.iter().flat_map(|(from, column)| column.iter().map(move |(to, mass)| (from, to, mass)));
        let total: u64 = cells().map(|(.., mass)| mass).sum();
        cells().map(|(from, to, mass)| f64::from(from.abs_diff(*to)) * *mass as f64).sum::<f64>() / total as f64
    }

    fn histogram(json: &Json) -> Histogram {
        let pairs = json.as_array().unwrap().iter();
        pairs.map(|pair| (pair[0].as_u64().unwrap() as u32, pair[1].as_u64().unwrap())).collect()
    }

    /// Expected: `defend/tests/vectors/morphing/linear_program.py`, the linear program of the paper solved by SciPy.
    #[test]
    fn the_coupling_costs_what_the_linear_program_says() {
        let vectors: Json =
            serde_json::from_str(include_str!("../../../tests/vectors/morphing/expected.json")).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            let (source, target) = (histogram(&case["source"]), histogram(&case["target"]));
            let (found, expected) = (cost(&Matrix::new(&source, &target)), case["cost"].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-6 * (1.0 + expected), "{found}, expected {expected}");
        }
    }

    fn any_histogram() -> impl Strategy<Value = Histogram> {
        prop::collection::btree_map(1..1500_u32, 1..1000_u64, 1..20)
    }

    proptest! {
        /// Columns are those of a matrix that makes the target of the source.
        #[test]
        fn what_is_morphed_has_the_sizes_of_the_target(source in any_histogram(), target in any_histogram()) {
            let matrix = Matrix::new(&source, &target);
            let (sources, targets): (u64, u64) = (source.values().sum(), target.values().sum());
            let mut made = Histogram::new();
            for (size, column) in &matrix.0 {
                prop_assert_eq!(column.values().sum::<u64>(), source[size] * targets);
                for (to, mass) in column {
                    *made.entry(*to).or_default() += mass;
                }
            }
            prop_assert!(made.iter().all(|(size, mass)| *mass == target[size] * sources));
        }

        #[test]
        fn sizes_come_near_to_the_target(trace in any_trace(), other in any_trace(), morph: bool) {
            let name = if morph { "morphing" } else { "direct-target-sampling" };
            let mut target = labelled(0, other.clone());
            target.key.class = "b".into();
            let timed = labelled(1, Trace::new(vec![0, 1], vec![100, -200]).unwrap());
            let set = vec![labelled(0, trace), timed, target];
            let set = TraceSet::new(set, Provenance::new(Layer::Tcp, vec![])).unwrap();
            let spec = format!("{name},target=2").parse::<DefenseSpec>().unwrap().fit(set.clone());
            let observed = defend(&set, &spec, 1).unwrap().observe();
            let mut balance = Balance::new(&Sizes::of(&[&other]));
            for &size in observed.traces()[0].trace.size() {
                balance.add(Direction::of(size), size.unsigned_abs());
            }
            prop_assert!(balance.distance() <= 0.3 + 1e-12, "{}", balance.distance());
        }
    }

    #[test]
    fn a_page_that_is_the_target_keeps_its_sizes_when_morphed() {
        let trace = |sizes: &[i32]| Trace::new((0..sizes.len() as u64).collect(), sizes.to_vec()).unwrap();
        let mut other = labelled(0, trace(&[50, -60]));
        other.key.class = "b".into();
        let same = trace(&[100, -1448, -1448, 200, -700]);
        let set = vec![labelled(0, same.clone()), other];
        let set = TraceSet::new(set, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let spec = "morphing,target=1".parse::<DefenseSpec>().unwrap().fit(set.clone());
        let defended = defend(&set, &spec, 1).unwrap().observe();
        assert_eq!(defended.traces()[0].trace, same);
        // 50 goes to 100 or 200, -60 to what the target has; 0.3 of L1 is far, so padding follows.
        assert!(defended.traces()[1].trace.len() > 3);
        let drawn = "direct-target-sampling,target=1".parse::<DefenseSpec>().unwrap().fit(set.clone());
        assert_ne!(defend(&set, &drawn, 1).unwrap().observe().traces()[0].trace, same);
    }
}
