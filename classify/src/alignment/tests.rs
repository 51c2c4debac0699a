//! What alignments must do.

use serde::Deserialize;
use wfkit_datasets::Trace;
use wfkit_metrics::{Silent, Work};

use super::*;

/// What `tests/vectors/alignment/make_alignment.py` writes.
#[derive(Deserialize)]
struct Expected {
    seed: u64,
    read: Vec<Read>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Read {
    sizes: Vec<i32>,
    answers: Vec<Token>,
    bursts: Vec<Token>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    view: AlignmentView,
    params: Changed,
    classes: usize,
    labels: Vec<usize>,
    train: Vec<Vec<Token>>,
    test: Vec<Vec<Token>>,
    transitions: [[f64; 3]; 3],
    matches: [f64; 3],
    log_likelihoods: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Changed {
    rounds: usize,
    background: Option<usize>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../../tests/vectors/alignment/expected.json")).unwrap()
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs()
}

#[test]
fn log_likelihoods_are_those_of_the_definition() {
    let Expected { seed, cases, .. } = expected();
    for case in cases {
        let Changed { rounds, background } = case.params;
        let params = AlignmentParams { view: case.view, rounds, background, ..AlignmentParams::default() };
        let alphabet = Alphabet::fit(case.view, []);
        let labelled = Labelled { sequences: &slices(&case.train), labels: &case.labels, n_classes: case.classes };
        let work = Work::begin(&Silent, "alignment", 0);
        let model = fit::fit(&params, &alphabet, labelled, seed, &work);
        let moves = |chain: &Chain| [chain.transitions.as_flattened(), &chain.matches].concat();
        let expected_chain = Chain { transitions: case.transitions, matches: case.matches };
        for (found, expected) in moves(&model.chain).into_iter().zip(moves(&expected_chain)) {
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{}: {found} for {expected}", case.name);
        }
        let found = model.logs_of(&slices(&case.test));
        for (row, expected) in found.rows().into_iter().zip(case.log_likelihoods) {
            for (found, expected) in row.iter().zip(expected) {
                assert!(close(*found, expected), "{}: {found} for {expected}", case.name);
            }
        }
    }
}

#[test]
fn traces_are_read_by_the_definition() {
    for Read { sizes, answers, bursts } in expected().read {
        let trace = Trace::new(vec![0; sizes.len()], sizes).unwrap();
        assert_eq!(Alphabet::fit(AlignmentView::Answers, [&trace]).tokens(&trace), answers);
        assert_eq!(Alphabet::fit(AlignmentView::Bursts, [&trace]).tokens(&trace), bursts);
    }
}

fn trace(sizes: &[i32]) -> Trace {
    Trace::new(vec![0; sizes.len()], sizes.to_vec()).unwrap()
}

/// Answers as a trace: a request before each.
fn answers(cells: &[i32]) -> Trace {
    trace(&cells.iter().flat_map(|cells| [536, -(514 * cells + 22)]).collect::<Vec<_>>())
}

/// Traces of classes that are lists of answers, some of which are one larger, lost, or followed by another.
fn noisy(classes: usize, traces: usize, runs: usize, first: u64) -> (Vec<Trace>, Vec<usize>) {
    let unit = |a: u64, b: u64| (wfkit_metrics::seed::mix(a, b) >> 11) as f64 / (1u64 << 53) as f64;
    let of_row = |row: usize| {
        let class = (row % classes) as u64;
        let mut cells = Vec::new();
        for run in 0..runs as u64 {
            let answer = 1 + (unit(class, run) * 9.0) as i32;
            match unit(1_000_000 + first + row as u64, run) {
                u if u < 0.05 => {}
                u if u < 0.10 => cells.extend([answer, 1]),
                u if u < 0.25 => cells.push(answer + 1),
                _ => cells.push(answer),
            }
        }
        answers(&cells)
    };
    ((0..classes * traces).map(of_row).collect(), (0..classes * traces).map(|row| row % classes).collect())
}

fn refs(traces: &[Trace]) -> Vec<&Trace> {
    traces.iter().collect()
}

fn in_folds(folds: usize) -> Folds {
    Folds { folds, most_scored: usize::MAX, seed: 1 }
}

fn accuracy(model: &Alignment, traces: &[Trace], labels: &[usize]) -> f64 {
    let found = model.probabilities(&refs(traces));
    let is_right = |(row, &label): (ndarray::ArrayView1<'_, f64>, &usize)| row.iter().all(|&p| p <= row[label]);
    let right = found.rows().into_iter().zip(labels).filter(|&(row, label)| is_right((row, label))).count();
    right as f64 / labels.len() as f64
}

#[test]
fn one_trace_a_class_is_enough_to_know_it() {
    let (train, labels) = noisy(20, 1, 30, 0);
    let (test, test_labels) = noisy(20, 5, 30, 1000);
    let model = AlignmentParams::default().fit(&refs(&train), &labels, 20, 1).unwrap();
    let found = accuracy(&model, &test, &test_labels);
    assert!(found > 0.9, "{found}");
}

#[test]
fn labels_that_mean_nothing_are_not_learned() {
    let (train, mut labels) = noisy(1, 100, 20, 0);
    labels.iter_mut().enumerate().for_each(|(row, label)| *label = row % 5);
    let groups: Vec<usize> = (0..100).collect();
    let out_of_fold = AlignmentParams::default().out_of_fold(&refs(&train), &labels, 5, &groups, in_folds(4)).unwrap();
    let (sharpness, loss) = out_of_fold.sharpness(&labels);
    assert!((loss - 5f64.ln()).abs() < 0.1, "{loss} at {sharpness}");
}

#[test]
fn answers_that_are_split_or_merged_are_known_again() {
    let (train, labels) = noisy(10, 8, 20, 0);
    let own: Vec<i32> = vec![8, 9, 3, 7, 2, 9, 8, 4, 6, 9];
    let (mut more, mut labels) = (train, labels);
    for _ in 0..8 {
        more.push(answers(&own));
        labels.push(10);
    }
    let model = AlignmentParams::default().fit(&refs(&more), &labels, 11, 1).unwrap();
    let kinds = |cells: &[i32]| {
        let path = model.explain(10, &answers(cells)).unwrap();
        path.steps.iter().map(|step| step.kind).filter(|&kind| kind != StepKind::Match).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&own), []);
    assert_eq!(kinds(&[8, 9, 3, 7, 2, 4, 5, 8, 4, 6, 9]), [StepKind::Split]);
    assert_eq!(kinds(&[8, 9, 10, 2, 9, 8, 4, 6, 9]), [StepKind::Merge]);
    assert_eq!(kinds(&[8, 9, 3, 7, 2, 8, 4, 6, 9]), [StepKind::Loss]);
    assert_eq!(kinds(&[8, 9, 3, 7, 1, 2, 9, 8, 4, 6, 9]), [StepKind::Insertion]);
}

#[test]
fn steps_tell_directions_where_the_view_does() {
    let packets = [514, -514, -514, 514, 514, 514, -514].repeat(4);
    let trace = Trace::new(vec![0; packets.len()], packets).unwrap();
    let fit = |view| {
        let params = AlignmentParams { view, ..AlignmentParams::default() };
        params.fit(&[&trace, &trace], &[0, 0], 1, 1).unwrap().explain(0, &trace).unwrap()
    };
    let bursts = fit(AlignmentView::Bursts);
    assert_eq!(bursts.steps.len(), 16);
    for (at, step) in bursts.steps.iter().enumerate() {
        let outgoing = vec![at % 2 == 0];
        assert_eq!((&step.outgoing, &step.expected_outgoing), (&outgoing, &outgoing), "{step:?}");
    }
    let answers = fit(AlignmentView::Answers);
    assert!(answers.steps.iter().all(|step| step.outgoing == [false] && step.expected_outgoing == [false]));
}

#[test]
fn runs_that_are_not_looked_at_are_counted() {
    let turns = |runs: usize| {
        let packets = [514, -514].repeat(runs);
        Trace::new(vec![0; packets.len()], packets).unwrap()
    };
    let trace = turns(503);
    for (view, left_out) in [(AlignmentView::Answers, 3), (AlignmentView::Bursts, 506)] {
        let params = AlignmentParams { view, ..AlignmentParams::default() };
        let model = params.fit(&[&turns(3)], &[0], 1, 1).unwrap();
        assert_eq!((model.runs_left_out(&trace), model.runs_left_out(&turns(3))), (left_out, 0));
    }
}

#[test]
fn a_path_is_one_of_the_alignments_and_covers_everything_once() {
    let (train, labels) = noisy(4, 6, 25, 0);
    for view in [AlignmentView::Answers, AlignmentView::Bursts] {
        let model = AlignmentParams { view, ..AlignmentParams::default() }.fit(&refs(&train), &labels, 4, 1).unwrap();
        for trace in &train[..8] {
            let logs = model.log_likelihoods(trace);
            for (class, log) in logs.into_iter().enumerate() {
                let path = model.explain(class, trace).unwrap();
                assert!(path.log_probability() <= log + 1e-9, "{} for {log}", path.log_probability());
                let columns: Vec<usize> = path.steps.iter().flat_map(|step| step.columns.clone()).collect();
                let runs: Vec<usize> = path.steps.iter().flat_map(|step| step.runs.clone()).collect();
                assert_eq!(columns, (0..model.columns(class)).collect::<Vec<_>>());
                assert_eq!(runs, (0..model.alphabet.tokens(trace).len()).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn prefixes_lead_to_the_whole_and_never_gain() {
    let (train, labels) = noisy(4, 6, 25, 0);
    let params = AlignmentParams { background: Some(3), ..AlignmentParams::default() };
    let model = params.fit(&refs(&train), &labels, 4, 1).unwrap();
    let prefixes = model.prefix_log_likelihoods(&train[0]);
    let whole = model.log_likelihoods(&train[0]);
    assert_eq!(prefixes.nrows(), model.alphabet.tokens(&train[0]).len() + 1);
    for (class, whole) in whole.into_iter().enumerate() {
        let column = prefixes.column(class).to_vec();
        assert!(column[0].abs() < 1e-12 && column.is_sorted_by(|a, b| a >= b), "{column:?}");
        assert!(whole <= column[column.len() - 1] + 1e-9);
    }
    // The own class is known long before the end.
    let half = prefixes.row(prefixes.nrows() / 2);
    assert!((1..4).all(|class| half[0] > half[class]));
}

#[test]
fn a_band_loses_nothing() {
    for (long, gone) in [(300, 0), (480, 60), (200, 120)] {
        let (train, labels) = noisy(2, 3, long, 0);
        let model =
            AlignmentParams { rounds: 2, ..AlignmentParams::default() }.fit(&refs(&train), &labels, 2, 1).unwrap();
        let cut = Trace::new(vec![0; train[0].len() - 2 * gone], train[0].size()[2 * gone..].to_vec()).unwrap();
        let x = model.alphabet.tokens(&cut);
        for class in 0..2 {
            let (emissions, shared) = (model.emissions(class), model.shared());
            let in_band = Forward::default().log_likelihood(&x, &emissions, &shared);
            let whole = Forward::default().whole(&x, &emissions, &shared);
            assert!((in_band - whole).abs() <= 1e-9 * whole.abs(), "{in_band} for {whole}, {gone} of {long} gone");
            assert!(close(model.log_likelihoods(&cut)[class], whole));
        }
    }
}

#[test]
fn pages_that_nobody_monitors_go_to_the_class_of_everything_else() {
    // Four monitored classes; of 200 other pages one trace each, and another 100 to test.
    let (mut train, mut labels) = noisy(4, 8, 25, 0);
    let (pages, _) = noisy(304, 1, 25, 5000);
    train.extend(pages[4..204].iter().cloned());
    labels.resize(train.len(), 4);
    let (mut test, mut test_labels) = noisy(4, 8, 25, 9000);
    test.extend(pages[204..].iter().cloned());
    test_labels.resize(test.len(), 4);
    let found = |background| {
        let params = AlignmentParams { background, ..AlignmentParams::default() };
        accuracy(&params.fit(&refs(&train), &labels, 5, 1).unwrap(), &test, &test_labels)
    };
    let (with, without) = (found(Some(4)), found(None));
    assert!(with > 0.97 && with >= without, "{with} with, {without} without");
}

#[test]
fn traces_of_the_least_and_the_most_are_no_trouble() {
    let odd = [
        trace(&[1]),
        trace(&[-1]),
        trace(&[i32::MIN]),
        trace(&[i32::MAX; 3]),
        trace(&[-514; 40]),
        trace(&[536, -536].repeat(2000)),
        trace(&[536, -536]),
    ];
    let all: Vec<&Trace> = odd.iter().collect();
    for view in [AlignmentView::Answers, AlignmentView::Bursts] {
        let params = AlignmentParams { view, ..AlignmentParams::default() };
        let each: Vec<usize> = (0..odd.len()).collect();
        for (labels, n_classes) in [(vec![0; odd.len()], 1), (each.clone(), odd.len()), (each.clone(), odd.len() + 2)] {
            for background in [None, Some(0), Some(n_classes - 1)] {
                let params = AlignmentParams { background, ..params };
                let out_of_fold = params.out_of_fold(&all, &labels, n_classes, &each, in_folds(3)).unwrap();
                let model = params.fit(&all, &labels, n_classes, 1).unwrap();
                let model = model.with_sharpness(out_of_fold.sharpness(&labels).0);
                let found = model.probabilities(&all);
                assert!(found.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-9), "{found}");
                assert!(out_of_fold.scores.iter().all(|z| (-60.0..=0.0).contains(z)));
                for trace in &all {
                    assert!(model.prefix_log_likelihoods(trace).iter().all(|log| !log.is_nan()));
                    for class in 0..n_classes {
                        assert_eq!(model.explain(class, trace).is_some(), model.columns(class) > 0);
                    }
                }
            }
        }
    }
    let equal = [&odd[6]; 9];
    let model = AlignmentParams::default().fit(&equal, &[0, 1, 2, 0, 1, 2, 0, 1, 2], 3, 1).unwrap();
    assert!(model.probabilities(&equal).iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-9));
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let one = [&trace(&[-1])];
    let params = AlignmentParams::default();
    assert_eq!(params.fit(&[], &[], 2, 0).unwrap_err(), AlignmentError::Empty);
    let lengths = AlignmentError::Lengths { traces: 1, labels: 2, what: "labels" };
    assert_eq!(params.fit(&one, &[0, 0], 2, 0).unwrap_err(), lengths);
    assert_eq!(params.fit(&one, &[2], 2, 0).unwrap_err(), AlignmentError::Label { row: 0, label: 2, classes: 2 });
    let lengths = AlignmentError::Lengths { traces: 1, labels: 0, what: "groups" };
    assert_eq!(params.out_of_fold(&one, &[0], 1, &[], in_folds(3)).unwrap_err(), lengths);
    assert!(params.out_of_fold(&one, &[0], 1, &[0], in_folds(1)).is_err());
    for wrong in [
        AlignmentParams { prototypes: 0, ..params },
        AlignmentParams { concentration: 0.0, ..params },
        AlignmentParams { concentration: f64::NAN, ..params },
        AlignmentParams { background: Some(1), ..params },
    ] {
        assert!(matches!(wrong.fit(&one, &[0], 1, 0).unwrap_err(), AlignmentError::Params(_)), "{wrong:?}");
    }
}

#[test]
fn groups_are_never_torn_apart() {
    let labels: Vec<usize> = (0..60).map(|row| row % 3).collect();
    // Copies of ten loads a class, but all of class 2 is one group.
    let groups: Vec<usize> = (0..60).map(|row| if row % 3 == 2 { 999 } else { row / 6 * 3 + row % 3 }).collect();
    let folds = folds::deal(&labels, &groups, 3, 5);
    for a in 0..60 {
        assert_eq!(folds[a].is_none(), labels[a] == 2);
        for b in 0..60 {
            assert!(groups[a] != groups[b] || folds[a] == folds[b]);
        }
    }
    for class in 0..2 {
        let sizes: Vec<usize> = (0..3)
            .map(|fold| (0..60).filter(|&row| labels[row] == class && folds[row] == Some(fold)).count())
            .collect();
        assert!(sizes.iter().all(|size| (6..=8).contains(size)), "{sizes:?}");
    }
}

#[test]
fn of_many_rows_some_are_scored_by_the_same_models() {
    let (train, labels) = noisy(4, 12, 10, 0);
    let groups: Vec<usize> = (0..train.len()).collect();
    let scored = |most_scored| {
        let folds = Folds { most_scored, ..in_folds(3) };
        AlignmentParams::default().out_of_fold(&refs(&train), &labels, 4, &groups, folds).unwrap()
    };
    let (all, some) = (scored(usize::MAX), scored(17));
    assert_eq!((all.rows.len(), some.rows.len()), (48, 17));
    for (row, scores) in some.rows.iter().zip(some.scores.rows()) {
        let place = all.rows.binary_search(row).unwrap();
        assert_eq!(scores, all.scores.row(place));
    }
    assert!(scored(0).rows.is_empty());
}

#[test]
fn any_number_of_threads_learns_the_same() {
    let (train, labels) = noisy(7, 40, 25, 0);
    let groups: Vec<usize> = (0..train.len()).collect();
    let learned = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let params = AlignmentParams { background: Some(2), ..AlignmentParams::default() };
            let model = params.fit(&refs(&train), &labels, 7, 1).unwrap();
            let scores = params.out_of_fold(&refs(&train), &labels, 7, &groups, in_folds(3)).unwrap();
            (postcard::to_stdvec(&model).unwrap(), scores, model.log_likelihoods_of(&refs(&train)))
        })
    };
    let one = learned(1);
    assert!(one == learned(3) && one == learned(8));
}

#[test]
fn a_model_is_the_same_after_it_was_stored() {
    let (train, labels) = noisy(5, 6, 25, 0);
    let params = AlignmentParams { background: Some(4), ..AlignmentParams::default() };
    let model = params.fit(&refs(&train), &labels, 5, 1).unwrap().with_sharpness(0.9);
    let bytes = postcard::to_stdvec(&model).unwrap();
    let back: Alignment = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(back.probabilities(&refs(&train)), model.probabilities(&refs(&train)));
    assert_eq!(postcard::to_stdvec(&back).unwrap(), bytes);
}

#[test]
fn bytes_of_strangers_are_refused_or_do_no_harm() {
    let (train, labels) = noisy(3, 3, 8, 0);
    let params = AlignmentParams { rounds: 2, prototypes: 3, background: Some(2), ..AlignmentParams::default() };
    let bytes = postcard::to_stdvec(&params.fit(&refs(&train), &labels, 3, 1).unwrap()).unwrap();
    let mut read = 0;
    for at in 0..bytes.len() {
        for change in [0x01, 0x40, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let Ok(model) = postcard::from_bytes::<Alignment>(&changed) else { continue };
            if read % 16 == 0 {
                let found = model.probabilities(&refs(&train[..2]));
                assert!(found.iter().all(|p| (0.0..=1.0).contains(p)), "byte {at} changed by {change}: {found}");
                model.explain(0, &train[0]);
            }
            read += 1;
        }
        assert!(postcard::from_bytes::<Alignment>(&bytes[..at]).is_err());
    }
    assert!(read > 100, "some changes are harmless: {read}");
}
