"""Writes calibration.json: sigmoids and isotonic curves of scikit-learn, and temperatures found by SciPy, on random probabilities with ties.

    python3 -m venv venv && venv/bin/pip install numpy scipy scikit-learn
    venv/bin/python make_calibration.py
"""

import json
from pathlib import Path

import numpy
import scipy
import sklearn
from scipy.optimize import minimize_scalar
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

rng = numpy.random.default_rng(20261121)
FLOORS = 10.0 ** (numpy.arange(-12, -1) / 2)


def normalised(columns):
    sums = columns.sum(axis=1, keepdims=True)
    return numpy.where(sums > 0, columns / numpy.where(sums > 0, sums, 1), 1 / columns.shape[1])


def one_vs_rest(fit, train, labels, test):
    return normalised(numpy.stack([fit(train[:, c], labels == c, test[:, c]) for c in range(train.shape[1])], axis=1))


def sigmoid(scores, positive, test):
    return _SigmoidCalibration().fit(scores, positive).predict(test)


def isotonic(scores, positive, test):
    return IsotonicRegression(out_of_bounds="clip").fit(scores, positive).predict(test)


def tempered(rows, temperature, floor):
    powers = (rows + floor / rows.shape[1]) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def least_loss(rows, labels):
    """The least mean log loss over temperatures and floors."""
    def loss(floor):
        of = lambda t: -numpy.log(tempered(rows, numpy.exp(t), floor)[numpy.arange(len(labels)), labels]).mean()
        return minimize_scalar(of, bounds=(numpy.log(0.05), numpy.log(20)), method="bounded", options={"xatol": 1e-10}).fun
    return min(loss(floor) for floor in FLOORS)


def case(n, classes, trees, skill):
    def draw(n):
        labels = rng.integers(0, classes, size=n)
        alpha = numpy.full((n, classes), 0.5)
        alpha[numpy.arange(n), labels] += skill
        return numpy.array([rng.multinomial(trees, rng.dirichlet(a)) for a in alpha]) / trees, labels
    (train, labels), (test, _) = draw(n), draw(20)
    return {
        "train": train.tolist(), "labels": labels.tolist(), "test": test.tolist(),
        "platt": one_vs_rest(sigmoid, train, labels, test).tolist(),
        "isotonic": one_vs_rest(isotonic, train, labels, test).tolist(),
        "least_loss": least_loss(train, labels),
    }


if __name__ == "__main__":
    vectors = {"numpy": numpy.__version__, "scipy": scipy.__version__, "scikit_learn": sklearn.__version__,
               "cases": [case(60, 3, 10, 2.0), case(200, 6, 37, 4.0), case(80, 2, 5, 0.5), case(150, 10, 100, 1.0)]}
    text = json.dumps(vectors, separators=(",", ":"), default=float)
    Path(__file__).with_name("calibration.json").write_text(text.replace('{"train"', '\n{"train"') + "\n")
