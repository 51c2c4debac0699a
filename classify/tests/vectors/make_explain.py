#!/usr/bin/env python3
"""Writes explain.json: what scikit-learn says single features and permuted features give away, and trees with weighted classes.

    python -m venv V && V/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    V/bin/python make_explain.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

rng = np.random.default_rng(20261121)
CLASSES = 4
# With these no two splits are equally good, so that there is but one tree.
TREE = {"max_depth": 4, "min_samples_leaf": 24}
TREE_REPEATS, FOREST_REPEATS, SEEDS = 2000, 20, 16


def draw(rows):
    """Four classes of unequal size; features that tell all, tell one class, tie, do not vary, are noise, repeat the first."""
    y = rng.choice(CLASSES, rows, p=[0.4, 0.3, 0.2, 0.1])
    first = y + rng.normal(0, 0.6, rows)
    x = np.column_stack([
        first, (y == 2) * 2 + rng.normal(0, 0.7, rows), rng.poisson(1 + (y == 1) * 2, rows), np.full(rows, 7.0),
        rng.normal(0, 1, rows), first + rng.normal(0, 0.5, rows),
    ])
    return x.round(3), y


def bins_of(values, bins):
    """Bin of the middle of the places that equal values take in rising order."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return (bins * (2 * start + counts) // (2 * len(values)))[inverse]


def entropy(parts):
    p = np.unique(parts, return_counts=True)[1] / len(parts)
    return -(p * np.log(p)).sum()


def bits(bins, y):
    """Mutual information adjusted for chance, in bits."""
    if len(np.unique(bins)) == 1:
        return 0.0
    most = min(entropy(bins), entropy(y))
    return max(0.0, adjusted_mutual_info_score(y, bins, average_method="min") * most / np.log(2))


def alone(x, y, bins):
    binned = [bins_of(column, bins) for column in x.T]
    return {
        "bins": bins,
        "auc_by_class": [[roc_auc_score(y == c, column) for c in range(CLASSES)] for column in x.T],
        "plain_bits": [mutual_info_score(y, b) / np.log(2) for b in binned],
        "bits": [bits(b, y) for b in binned],
        "bits_by_class": [[bits(b, y == c) for c in range(CLASSES)] for b in binned],
    }


def sure(model, x, y, of=None):
    p = model.predict_proba(x)[np.arange(len(y)), y]
    return p.mean() if of is None else p[y == of].mean()


def scorers():
    return {"all": sure, **{str(c): lambda model, x, y, c=c: sure(model, x, y, c) for c in range(CLASSES)}}


def of_tree(x, y, x_test, y_test):
    tree = DecisionTreeClassifier(random_state=0, **TREE).fit(x, y)
    found = permutation_importance(tree, x_test, y_test, scoring=scorers(), n_repeats=TREE_REPEATS, random_state=1)
    told = lambda name: {"mean": found[name].importances_mean.tolist(), "sd": found[name].importances.std(axis=1, ddof=1).tolist()}
    return {"sure": {name: score(tree, x_test, y_test) for name, score in scorers().items()}, "lost": {name: told(name) for name in found}}


def of_forest(x, y, x_test, y_test):
    lost = []
    for seed in range(SEEDS):
        forest = RandomForestClassifier(100, random_state=seed, n_jobs=2).fit(x, y)
        found = permutation_importance(forest, x_test, y_test, scoring=sure, n_repeats=FOREST_REPEATS, random_state=seed)
        lost.append(found.importances_mean)
    return {"mean": np.mean(lost, axis=0).tolist(), "sd": np.std(lost, axis=0, ddof=1).tolist()}


def weighted(x, y, x_test):
    """Class probabilities of one tree on all rows and features, under weights that are whole numbers when scaled."""
    cases = []
    for name, weights in [("balanced", "balanced"), ("each", {0: 0.5, 1: 1.0, 2: 4.0, 3: 2.5})]:
        tree = DecisionTreeClassifier(random_state=0, class_weight=weights, **TREE).fit(x, y)
        cases.append({"weights": name, "probabilities": tree.predict_proba(x_test).tolist()})
    return cases


if __name__ == "__main__":
    (x, y), (x_test, y_test) = draw(240), draw(150)
    # No test value lies on a threshold, the middle of two training values: thresholds are rounded differently.
    x_test[:, [0, 1, 4, 5]] += 0.00025
    # Whole ratios between the balanced weights: 60, 40, 30 and 20 rows are as 6, 4, 3 and 2.
    sizes = [60, 40, 30, 20]
    counted = np.concatenate([np.flatnonzero(y_all == c)[:n] for y_all in [y] for c, n in enumerate(sizes)])
    vectors = {
        "numpy": np.__version__, "scikit_learn": sklearn.__version__,
        "train": {"x": x.tolist(), "labels": y.tolist()}, "test": {"x": x_test.round(5).tolist(), "labels": y_test.tolist()},
        "alone": [{"rows": n, **alone(x[:n], y[:n], bins)} for n, bins in [(240, 16), (240, 5), (40, 16)]],
        "seeds": SEEDS, "tree_repeats": TREE_REPEATS,
        "tree": of_tree(x, y, x_test, y_test), "forest": of_forest(x, y, x_test, y_test),
        "weighted_rows": counted.tolist(), "weighted": weighted(x[counted], y[counted], x_test),
    }
    text = json.dumps(vectors, separators=(",", ":"), default=float)
    for key in ["train", "test", "alone", "tree", "forest", "weighted_rows", "weighted", "seeds"]:
        text = text.replace(f',"{key}":', f',\n"{key}":')
    Path(__file__).with_name("explain.json").write_text(text + "\n")
