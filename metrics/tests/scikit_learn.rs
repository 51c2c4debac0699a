//! Every score against scikit-learn's, on the cases of `vectors/scores.json` (written by `vectors/make_scores.py`).

use ndarray::Array2;
use serde::Deserialize;
use wfkit_metrics::{
    Average, ClassMap, Probabilities, ScoreOptions, Scores, accuracy, binary_roc_auc, brier, confusion_matrix,
    expected_calibration_error, log_loss, macro_f1, macro_precision, macro_recall, per_class_auc,
    per_class_auc_of_score, roc_auc_ovo, roc_auc_ovr, top_k_accuracy, worst_class,
};

#[derive(Deserialize)]
struct Vectors {
    numpy: String,
    scikit_learn: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    truth: Vec<usize>,
    rows: Vec<Vec<f64>>,
    score: Vec<f64>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    accuracy: f64,
    /// For k = 1 to 5.
    top_k_accuracy: Vec<f64>,
    macro_precision: f64,
    macro_recall: f64,
    macro_f1: f64,
    /// Precision, recall, F1 and traces of every class that has a trace.
    per_class: Vec<[f64; 4]>,
    worst_class: (usize, f64, u64),
    confusion: Vec<(usize, usize, u64)>,
    roc_auc: Vec<Option<f64>>,
    roc_auc_macro_ovr: f64,
    roc_auc_weighted_ovr: f64,
    roc_auc_macro_ovo: f64,
    roc_auc_weighted_ovo: f64,
    roc_auc_of_score: Vec<Option<f64>>,
    log_loss: f64,
    brier: f64,
    expected_calibration_error: f64,
}

fn cases() -> Vec<Case> {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/scores.json")).expect("valid vectors");
    assert!(!vectors.numpy.is_empty() && !vectors.scikit_learn.is_empty());
    assert_eq!(vectors.cases.len(), 14);
    vectors.cases
}

impl Case {
    fn probabilities(&self) -> Probabilities {
        let (n, classes) = (self.rows.len(), self.rows[0].len());
        let rows = Array2::from_shape_vec((n, classes), self.rows.concat()).expect("equal rows");
        Probabilities::new(ClassMap::from_labels((0..classes).map(|class| class.to_string())), rows)
            .expect("rows are distributions")
    }

    #[track_caller]
    fn close(&self, score: &str, ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() <= 1e-12, "{}: {score} is {ours}, scikit-learn's {theirs}", self.name);
    }

    #[track_caller]
    fn close_or_none(&self, score: &str, ours: &[Option<f64>], theirs: &[Option<f64>]) {
        assert_eq!(ours.len(), theirs.len());
        for (class, pair) in ours.iter().zip(theirs).enumerate() {
            match pair {
                (Some(ours), Some(theirs)) => self.close(&format!("{score} of class {class}"), *ours, *theirs),
                (None, None) => {}
                _ => panic!("{}: {score} of class {class}: {pair:?}", self.name),
            }
        }
    }
}

#[test]
fn decisions() {
    for case in cases() {
        let (p, truth, expected) = (case.probabilities(), &case.truth, &case.expected);
        case.close("accuracy", accuracy(&p, truth).unwrap(), expected.accuracy);
        for (k, &theirs) in (1..).zip(&expected.top_k_accuracy) {
            case.close(&format!("top-{k} accuracy"), top_k_accuracy(&p, truth, k).unwrap(), theirs);
        }
        case.close("macro precision", macro_precision(&p, truth).unwrap(), expected.macro_precision);
        case.close("macro recall", macro_recall(&p, truth).unwrap(), expected.macro_recall);
        case.close("macro F1", macro_f1(&p, truth).unwrap(), expected.macro_f1);

        let worst = worst_class(&p, truth).unwrap();
        case.close("recall of the worst class", worst.recall, expected.worst_class.1);
        assert_eq!((worst.class, worst.traces), (expected.worst_class.0.to_string(), expected.worst_class.2));

        let matrix = confusion_matrix(&p, truth).unwrap();
        let cells = matrix.indexed_iter().filter(|&(_, &traces)| traces > 0);
        let cells: Vec<_> = cells.map(|((class, decision), &traces)| (class, decision, traces)).collect();
        assert_eq!(cells, expected.confusion, "{}", case.name);
    }
}

#[test]
fn areas() {
    for case in cases() {
        let (p, truth, expected) = (case.probabilities(), &case.truth, &case.expected);
        case.close_or_none("ROC-AUC", &per_class_auc(&p, truth).unwrap(), &expected.roc_auc);
        let (macro_ovr, weighted_ovr) = (expected.roc_auc_macro_ovr, expected.roc_auc_weighted_ovr);
        case.close("macro ovr", roc_auc_ovr(&p, truth, Average::Macro).unwrap(), macro_ovr);
        case.close("weighted ovr", roc_auc_ovr(&p, truth, Average::Weighted).unwrap(), weighted_ovr);
        let (macro_ovo, weighted_ovo) = (expected.roc_auc_macro_ovo, expected.roc_auc_weighted_ovo);
        case.close("macro ovo", roc_auc_ovo(&p, truth, Average::Macro).unwrap(), macro_ovo);
        case.close("weighted ovo", roc_auc_ovo(&p, truth, Average::Weighted).unwrap(), weighted_ovo);
    }
}

#[test]
fn areas_of_one_score() {
    for case in cases() {
        let classes = case.rows[0].len();
        let ours = per_class_auc_of_score(&case.score, &case.truth, classes).unwrap();
        case.close_or_none("ROC-AUC of one score", &ours, &case.expected.roc_auc_of_score);
        let binary = |class| {
            let positive: Vec<bool> = case.truth.iter().map(|&truth| truth == class).collect();
            binary_roc_auc(&case.score, &positive).ok()
        };
        let ours: Vec<Option<f64>> = (0..classes).map(binary).collect();
        case.close_or_none("binary ROC-AUC", &ours, &case.expected.roc_auc_of_score);
    }
}

#[test]
fn confidence() {
    for case in cases() {
        let (p, truth, expected) = (case.probabilities(), &case.truth, &case.expected);
        case.close("log loss", log_loss(&p, truth).unwrap(), expected.log_loss);
        case.close("Brier score", brier(&p, truth).unwrap(), expected.brier);
        let ours = expected_calibration_error(&p, truth).unwrap();
        case.close("calibration error", ours, expected.expected_calibration_error);
    }
}

#[test]
fn all_at_once() {
    for case in cases() {
        let (p, expected) = (case.probabilities(), &case.expected);
        let scores =
            Scores::compute(&p, &case.truth, &ScoreOptions { bootstrap: 40, seed: 0, ..ScoreOptions::default() })
                .unwrap();
        for (name, ours, theirs) in [
            ("accuracy", scores.accuracy, expected.accuracy),
            ("top-3 accuracy", scores.top_3_accuracy, expected.top_k_accuracy[2]),
            ("top-5 accuracy", scores.top_5_accuracy, expected.top_k_accuracy[4]),
            ("macro precision", scores.macro_precision, expected.macro_precision),
            ("macro recall", scores.macro_recall, expected.macro_recall),
            ("macro F1", scores.macro_f1, expected.macro_f1),
            ("macro ovr", scores.roc_auc_macro_ovr, expected.roc_auc_macro_ovr),
            ("weighted ovr", scores.roc_auc_weighted_ovr, expected.roc_auc_weighted_ovr),
            ("macro ovo", scores.roc_auc_macro_ovo, expected.roc_auc_macro_ovo),
            ("weighted ovo", scores.roc_auc_weighted_ovo, expected.roc_auc_weighted_ovo),
            ("log loss", scores.log_loss, expected.log_loss),
            ("Brier score", scores.brier, expected.brier),
            ("calibration error", scores.expected_calibration_error, expected.expected_calibration_error),
        ] {
            case.close(name, ours.unwrap(), theirs);
        }
        assert_eq!(scores.reason, None);
        let absent = expected.roc_auc.iter().enumerate().filter(|(_, area)| area.is_none());
        let absent: Vec<String> = absent.map(|(class, _)| class.to_string()).collect();
        assert_eq!(scores.skipped_classes, absent, "{}", case.name);

        assert_eq!(scores.per_class.len(), expected.per_class.len());
        for (ours, &[precision, recall, f1, traces]) in scores.per_class.iter().zip(&expected.per_class) {
            case.close("precision", ours.precision, precision);
            case.close("recall", ours.recall, recall);
            case.close("F1", ours.f1, f1);
            assert_eq!(ours.traces as f64, traces);
            let class: usize = ours.class.parse().unwrap();
            assert!((ours.roc_auc.unwrap() - expected.roc_auc[class].unwrap()).abs() <= 1e-12);
        }
    }
}
