"""Writes leakage.json: probabilities and features, and what numpy and scikit-learn make of them.

    python3 -m venv venv && venv/bin/pip install numpy scikit-learn
    venv/bin/python make_leakage.py

Every case holds `rows` (n_test, n_classes) of probabilities of the test rows and `truth`, their columns; `train`, `train_labels` and `test`,
features of a nearest-neighbour estimate; and the expected values. Features are scaled by the training rows; ties of votes go to the
class of the nearest.
"""

import json
from pathlib import Path

import numpy
import sklearn
from sklearn.metrics import log_loss, mutual_info_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

rng = numpy.random.default_rng(1967)


def entropy_bits(shares):
    shares = numpy.asarray(shares, dtype=float)
    shares = shares[shares > 0]
    return float(-(shares * numpy.log2(shares)).sum())


def cover_hart(error, classes):
    guess = (classes - 1) / classes
    return guess * (1 - numpy.sqrt(1 - min(error, guess) / guess))


def nearest(scaler, train, labels, test, truth, k):
    """Wrong decisions of the majority of k, ties to the class of the nearest."""
    model = KNeighborsClassifier(k, algorithm="brute").fit(scaler.transform(train), labels)
    _, order = model.kneighbors(scaler.transform(test))
    wrong = 0
    for neighbours, true in zip(order, truth):
        votes = [labels[neighbour] for neighbour in neighbours]
        most = max(votes.count(vote) for vote in votes)
        wrong += next(vote for vote in votes if votes.count(vote) == most) != true
    return int(wrong)


def case(classes, n_train, n_test, noise, sharpness):
    train_labels = [row % classes for row in range(n_train)]
    truth = rng.integers(0, classes, n_test).tolist()
    centres = rng.normal(size=(classes, 3)) * [1.0, 100.0, 0.01]
    scale = noise * numpy.array([1.0, 100.0, 0.01])
    train = centres[train_labels] + rng.normal(size=(n_train, 3)) * scale
    test = centres[truth] + rng.normal(size=(n_test, 3)) * scale
    distances = (((test[:, None, :] - centres[None]) / scale) ** 2).sum(axis=2)
    rows = numpy.exp(-distances * sharpness)
    rows = rows / rows.sum(axis=1, keepdims=True)
    counts = numpy.bincount(truth, minlength=classes)
    error = float((rows.argmax(axis=1) != numpy.array(truth)).mean())
    entropy = entropy_bits(counts / n_test)
    cross = log_loss(truth, rows, labels=list(range(classes))) / numpy.log(2)
    fano = entropy - entropy_bits([error, 1 - error]) - error * numpy.log2(classes - 1)
    scaler = StandardScaler().fit(train)
    k = round(float(numpy.log(n_train)))
    wrong = nearest(scaler, train, train_labels, test, truth, 1)
    # What the decisions themselves tell, which Fano's inequality bounds from below for these counts.
    decided = mutual_info_score(truth, rows.argmax(axis=1)) / numpy.log(2)
    return {
        "rows": rows.tolist(), "truth": truth,
        "train": train.tolist(), "train_labels": train_labels, "test": test.tolist(),
        "class_entropy_bits": entropy, "cross_entropy_bits": float(cross),
        "at_least_bits_by_cross_entropy": float(max(0, entropy - cross)),
        "error": error, "at_least_bits_by_error": float(max(0, fano)), "decided_bits": float(decided),
        "k": k, "nearest_wrong": wrong, "k_nearest_wrong": nearest(scaler, train, train_labels, test, truth, k),
        "cover_hart": float(cover_hart(wrong / n_test, classes)),
    }


cases = [case(2, 40, 30, 0.8, 0.5), case(5, 60, 80, 0.6, 0.5), case(12, 120, 90, 0.7, 3.0), case(12, 120, 90, 0.7, 0.02)]
text = json.dumps({"sklearn": sklearn.__version__, "numpy": numpy.__version__, "cases": cases})
Path(__file__).with_name("leakage.json").write_text(text + "\n")
