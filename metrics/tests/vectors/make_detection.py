"""Writes detection.json: what scikit-learn and SciPy say of random scores with ties, at several base rates, and of pairs of attacks.

    python3 -m venv venv && venv/bin/pip install numpy scipy scikit-learn
    venv/bin/python make_detection.py

A base rate is a sample weight of the negatives.
"""

import json
from pathlib import Path

import numpy
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

rng = numpy.random.default_rng(20261121)


def detection(n, positives, digits, skill):
    positive = numpy.zeros(n, dtype=bool)
    positive[rng.choice(n, positives, replace=False)] = True
    score = numpy.round(rng.normal(size=n) + skill * positive, digits)
    by_rate = []
    for rate in [positives / n, 0.5, 0.05, 0.001]:
        weight = numpy.where(positive, rate / positives, (1 - rate) / (n - positives))
        precision, recall, _ = precision_recall_curve(positive, score, sample_weight=weight)
        precision, recall = precision[:-1], recall[:-1]
        sure = recall[precision >= 0.97 - 1e-12]
        by_rate.append({
            "base_rate": rate,
            "average_precision": average_precision_score(positive, score, sample_weight=weight),
            "precision_at_recall_50": precision[recall >= 0.5 - 1e-12].max(),
            "recall_at_precision_97": sure.max() if len(sure) else 0.0,
        })
    fpr, tpr, _ = roc_curve(positive, score, drop_intermediate=False)
    return {
        "positive": positive.tolist(),
        "score": score.tolist(),
        "roc_auc": roc_auc_score(positive, score),
        "tpr_at": [[limit, tpr[fpr <= limit].max()] for limit in [0.001, 0.01, 0.1, 0.5]],
        "by_rate": by_rate,
    }


def comparison(folds, test_over_train, shift):
    """The corrected t-test from its definition, with SciPy's distribution."""
    differences = rng.normal(shift, 0.02, size=folds)
    error = numpy.sqrt(differences.var(ddof=1) * (1 / folds + test_over_train))
    statistic = differences.mean() / error
    return {
        "differences": differences.tolist(),
        "test_over_train": test_over_train,
        "statistic": statistic,
        "p_value": 2 * stats.t.sf(abs(statistic), folds - 1),
    }


def mcnemar(n, a, b):
    first, second = rng.random(n) < a, rng.random(n) < b
    few, n_discordant = int(min((first & ~second).sum(), (second & ~first).sum())), int((first != second).sum())
    return {
        "first": first.tolist(),
        "second": second.tolist(),
        "p_value": stats.binomtest(few, n_discordant, 0.5).pvalue if n_discordant else 1.0,
    }


if __name__ == "__main__":
    vectors = {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit_learn": sklearn.__version__,
        "detections": [
            detection(50, 20, 1, 1.0), detection(200, 5, 1, 2.0), detection(300, 290, 2, 0.5), detection(40, 20, 0, 0.0),
            detection(500, 100, 6, 3.0), detection(3, 1, 0, 5.0),
        ],
        "comparisons": [
            comparison(10, 1 / 9, 0.01), comparison(5, 0.25, 0.0), comparison(2, 1.0, 0.1), comparison(30, 0.1, -0.02),
            comparison(10, 1 / 9, 0.2),
        ],
        "mcnemar": [mcnemar(100, 0.9, 0.8), mcnemar(30, 0.5, 0.5), mcnemar(2000, 0.7, 0.6), mcnemar(8, 0.99, 0.01)],
    }
    text = json.dumps(vectors, separators=(",", ":"), default=float)
    Path(__file__).with_name("detection.json").write_text(text.replace('{"positive"', '\n{"positive"').replace('{"first"', '\n{"first"') + "\n")
