//! What alignments must do.

use serde::Deserialize;
use wfkit_datasets::Trace;

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
        let model = fit::fit(&params, &alphabet, &slices(&case.train), &case.labels, case.classes, seed);
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
