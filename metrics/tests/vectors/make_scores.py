"""Writes scores.json: random probabilities and what scikit-learn scores them.

    python3 -m venv venv && venv/bin/pip install numpy scikit-learn
    venv/bin/python make_scores.py

Every case holds `rows` (n_traces, n_classes), the true column of each row, one more `score` of each row (a feature, say), and
the expected values. Rows are stored as a model gave them; they are brought to sum 1 before scoring where they are float32.
"""

import json
from pathlib import Path

import numpy
import sklearn
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

BINS = 15
rng = numpy.random.default_rng(20220913)


def truth_of(n, n_classes, imbalance=0.0):
    """At least one trace of every class; `imbalance` 0 is balanced."""
    shares = numpy.arange(1, n_classes + 1) ** -float(imbalance)
    rest = rng.choice(n_classes, size=n - n_classes, p=shares / shares.sum())
    truth = numpy.concatenate([numpy.arange(n_classes), rest])
    return rng.permutation(truth)


def smooth(truth, n_classes, skill):
    """Continuous rows that know the truth a little."""
    alpha = numpy.full((len(truth), n_classes), 0.6)
    alpha[numpy.arange(len(truth)), truth] += skill
    rows = numpy.array([rng.dirichlet(a) for a in alpha])
    return rows / rows.sum(axis=1, keepdims=True)


def votes(truth, n_classes, skill, trees):
    """Rows of votes of so many trees: many ties, many zeros."""
    return numpy.array([rng.multinomial(trees, row) for row in smooth(truth, n_classes, skill)]) / trees


def roc_aucs(truth, rows):
    """One-vs-rest by class; None for classes without a trace."""
    return [
        float(roc_auc_score(truth == c, rows[:, c])) if (truth == c).any() else None for c in range(rows.shape[1])
    ]


def ovr(truth, rows, average):
    """scikit-learn's own where it has one (three classes or more, none absent), else from its binary areas."""
    n_classes = rows.shape[1]
    areas, support = roc_aucs(truth, rows), numpy.bincount(truth, minlength=n_classes)
    present = [c for c in range(n_classes) if areas[c] is not None]
    weights = support[present] if average == "weighted" else None
    mean = numpy.average([areas[c] for c in present], weights=weights)
    if n_classes > 2 and len(present) == n_classes:
        own = roc_auc_score(truth, rows, multi_class="ovr", average=average, labels=range(n_classes))
        assert abs(own - mean) < 1e-15
        return float(own)
    return float(mean)


def ovo(truth, rows, average):
    if rows.shape[1] == 2:
        return float(numpy.mean(roc_aucs(truth, rows)))
    return float(roc_auc_score(truth, rows, multi_class="ovo", average=average, labels=range(rows.shape[1])))


def top_k(truth, rows, k):
    """scikit-learn prefers the last of tied classes; with the columns turned round that is the first."""
    n_classes = rows.shape[1]
    if k >= n_classes:
        return 1.0
    if n_classes == 2:
        return float(accuracy_score(truth, rows.argmax(axis=1)))
    turned = n_classes - 1 - truth
    return float(top_k_accuracy_score(turned, rows[:, ::-1], k=k, labels=range(n_classes)))


def calibration_error(truth, rows):
    """Guo et al. 2017, bins ((m - 1) / M, m / M]; not part of scikit-learn."""
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == truth
    error = 0.0
    for m in range(1, BINS + 1):
        inside = (confidence > (m - 1) / BINS) & (confidence <= (m / BINS if m < BINS else numpy.inf))
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


def case(name, truth, rows, float32=False):
    truth = numpy.asarray(truth)
    rows = numpy.asarray(rows, dtype="float32").astype("float64") if float32 else numpy.asarray(rows)
    n, n_classes = rows.shape
    score = numpy.round(rng.normal(size=n) + truth / n_classes, 1)
    scored = rows / rows.sum(axis=1, keepdims=True) if float32 else rows
    labels, present = range(n_classes), numpy.unique(truth)
    decided = scored.argmax(axis=1)
    by_class = precision_recall_fscore_support(truth, decided, labels=present, average=None, zero_division=0.0)
    averages = precision_recall_fscore_support(truth, decided, labels=present, average="macro", zero_division=0.0)
    worst = int(numpy.argmin(by_class[1]))
    return {
        "name": name,
        "truth": truth.tolist(),
        "rows": rows.tolist(),
        "score": score.tolist(),
        "expected": {
            "accuracy": float(accuracy_score(truth, decided)),
            "top_k_accuracy": [top_k(truth, scored, k) for k in range(1, 6)],
            "macro_precision": float(averages[0]),
            "macro_recall": float(averages[1]),
            "macro_f1": float(averages[2]),
            "per_class": [list(map(float, row)) for row in zip(*by_class)],
            "worst_class": [int(present[worst]), float(by_class[1][worst]), int(by_class[3][worst])],
            # Only the cells that count something: [true class, decision, traces].
            "confusion": [
                [int(t), int(d), int(count)]
                for (t, d), count in numpy.ndenumerate(confusion_matrix(truth, decided, labels=labels))
                if count
            ],
            "roc_auc": roc_aucs(truth, scored),
            "roc_auc_macro_ovr": ovr(truth, scored, "macro"),
            "roc_auc_weighted_ovr": ovr(truth, scored, "weighted"),
            "roc_auc_macro_ovo": ovo(truth, scored, "macro"),
            "roc_auc_weighted_ovo": ovo(truth, scored, "weighted"),
            "roc_auc_of_score": [
                float(roc_auc_score(truth == c, score)) if (truth == c).any() else None for c in labels
            ],
            "log_loss": float(log_loss(truth, scored, labels=labels)),
            "brier": float(brier_score_loss(truth, scored, labels=labels, scale_by_half=False)),
            "expected_calibration_error": calibration_error(truth, scored),
        },
    }


def cases():
    t = truth_of(40, 2)
    yield case("two classes", t, smooth(t, 2, 1.0))
    t = truth_of(60, 2, imbalance=3)
    yield case("two unbalanced classes with ties", t, votes(t, 2, 0.5, 10))
    t = truth_of(60, 3)
    yield case("three classes", t, smooth(t, 3, 1.0))
    t = truth_of(90, 5, imbalance=1)
    yield case("five classes, ten trees", t, votes(t, 5, 1.0, 10))
    t = truth_of(300, 20, imbalance=1)
    yield case("twenty unbalanced classes", t, votes(t, 20, 4.0, 100))
    t = truth_of(160, 100)
    yield case("a hundred classes, many of one trace", t, votes(t, 100, 20.0, 20))
    t = truth_of(70, 4)
    yield case("float32 rows", t, smooth(t, 4, 1.0), float32=True)
    t = truth_of(50, 7)
    yield case("uniform rows", t, numpy.full((50, 7), 1 / 7))
    t = truth_of(50, 5)
    yield case("one-hot rows, all right", t, numpy.eye(5)[t])
    t = truth_of(50, 5)
    yield case("one-hot rows, some wrong", t, numpy.eye(5)[numpy.where(rng.random(50) < 0.3, rng.permutation(t), t)])
    t = truth_of(80, 6)
    t = t[(t != 2) & (t != 5)]
    yield case("two of six classes absent", t, votes(t, 6, 0.5, 10))
    t = numpy.array([1, 3] * 10)
    yield case("two of four classes present", t, votes(t, 4, 1.0, 20))
    t = truth_of(30, 2)
    edges = rng.integers(0, BINS + 1, size=30) / BINS
    yield case("confidence on the edges of the bins", t, numpy.stack([edges, 1 - edges], axis=1))
    yield case("one trace a class", numpy.arange(6), smooth(numpy.arange(6), 6, 0.5))


if __name__ == "__main__":
    vectors = {"numpy": numpy.__version__, "scikit_learn": sklearn.__version__, "cases": list(cases())}
    lines = json.dumps(vectors, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('"expected"', '\n"expected"')
    Path(__file__).with_name("scores.json").write_text(lines + "\n")
