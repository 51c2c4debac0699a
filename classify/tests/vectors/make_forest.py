#!/usr/bin/env python3
"""Writes forest.json: how scikit-learn's forests score on data made by a recipe that tests/common/synthetic.rs shares.

    python -m venv V && V/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    V/bin/python make_forest.py > forest.json
    V/bin/python make_forest.py --time ROWS TEST FEATURES CLASSES      time and memory of one fit, as JSON
"""

import json
import platform
import resource
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

SEEDS = range(16)
SETS = [  # name, training rows, test rows, features, classes
    ("a", 2000, 6000, 60, 40),
    ("b", 900, 6000, 30, 15),
]


def finalise(z):
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(a, b, c):
    """Uniform in [0, 1), a function of three whole numbers."""
    mixed = finalise(finalise(finalise(np.uint64(a)) + np.uint64(b)) + np.uint64(c))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def make(first, rows, features, classes):
    """Rows `first..first+rows`: of every five features one is a count, a ratio, a heavy tail, mostly zero, and noise or constant."""
    row = np.arange(first, first + rows, dtype=np.uint64)
    y = (row % np.uint64(classes)).astype(np.int64)
    x = np.empty((rows, features))
    for j in range(features):
        centre = uniform(1, y.astype(np.uint64), j)
        u = [uniform(2 + k, row, j) for k in range(4)]
        noise = u[0] + u[1] + u[2] + u[3] - 2.0
        kind = j % 5
        if kind == 0:
            x[:, j] = np.maximum(np.floor(30.0 * centre + 24.0 * noise), 0.0)
        elif kind == 1:
            up = 1.0 + 4.0 * centre + 8.0 * u[0]
            x[:, j] = up / (up + 1.0 + 8.0 * u[1])
        elif kind == 2:
            x[:, j] = (centre + noise) / (0.05 + u[2])
        elif kind == 3:
            x[:, j] = np.where(u[3] < 0.85, 0.0, np.floor(20.0 * centre + 10.0 * noise))
        else:
            x[:, j] = 7.0 if j % 10 == 4 else np.floor(8.0 * u[1])
    return x, y


def split(train, test, features, classes):
    return *make(0, train, features, classes), *make(train, test, features, classes)


def forests():
    yield "random-forest", lambda seed: RandomForestClassifier(n_estimators=100, n_jobs=2, random_state=seed)
    yield "extra-trees", lambda seed: ExtraTreesClassifier(n_estimators=100, n_jobs=2, random_state=seed)
    yield "random-forest, max_depth 8, min_samples_leaf 5", lambda seed: RandomForestClassifier(
        n_estimators=100, max_depth=8, min_samples_leaf=5, n_jobs=2, random_state=seed)
    yield "random-forest, max_leaf_nodes 60", lambda seed: RandomForestClassifier(
        n_estimators=100, max_leaf_nodes=60, n_jobs=2, random_state=seed)


def vectors():
    sets = []
    for name, *shape in SETS:
        x, y, x_test, y_test = split(*shape)
        results = []
        for forest, new in forests():
            scores = []
            for seed in SEEDS:
                fitted = new(seed).fit(x, y)
                p = fitted.predict_proba(x_test)
                scores.append({
                    "accuracy": accuracy_score(y_test, p.argmax(axis=1)),
                    "roc_auc": roc_auc_score(y_test, p, multi_class="ovr"),
                    "log_loss": log_loss(y_test, np.clip(p, 1e-15, 1.0)),
                    "nodes": sum(tree.tree_.node_count for tree in fitted.estimators_),
                })
            column = {key: np.array([s[key] for s in scores]) for key in scores[0]}
            results.append({
                "forest": forest,
                **{key: {"mean": v.mean(), "sd": v.std(ddof=1)} for key, v in column.items()},
            })
        sets.append({
            "name": name, "train": shape[0], "test": shape[1], "features": shape[2], "classes": shape[3],
            "sum_of_values": float(np.concatenate([x, x_test]).sum(axis=0).sum()),
            "results": results,
        })
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()}
    return {"versions": versions, "seeds": len(SEEDS), "sets": sets}


def timing(*shape):
    x, y, x_test, y_test = split(*shape)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = []
    for forest, new in list(forests())[:2]:
        start, cpu = time.perf_counter(), time.process_time()
        fitted = new(0).fit(x, y)
        fit, fit_cpu = time.perf_counter() - start, time.process_time() - cpu
        start = time.perf_counter()
        p = fitted.predict_proba(x_test)
        out.append({
            "forest": forest, "fit_seconds": fit, "fit_cpu_seconds": fit_cpu, "predict_seconds": time.perf_counter() - start,
            "accuracy": accuracy_score(y_test, p.argmax(axis=1)),
            "extra_peak_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        })
    return out


if __name__ == "__main__":
    answer = timing(*map(int, sys.argv[2:])) if sys.argv[1:2] == ["--time"] else vectors()
    print(json.dumps(answer, indent=2))
