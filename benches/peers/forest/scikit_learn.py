"""The scikit-learn side: `python scikit_learn.py DIR TREES SEED` prints what forest_speed prints, and writes DIR/theirs.p."""

import json
import pickle
import re
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier


def memory_mb(what):
    return int(re.search(what + r":\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def each(call):
    """CPU seconds of one call, from as many as take half a second."""
    start, calls = time.process_time(), 0
    while time.process_time() - start < 0.5:
        call()
        calls += 1
    return (time.process_time() - start) / calls


def knn(train, test, k=3):
    """The vectorised form, a test row at a time."""
    found = np.empty((len(test), k), dtype=np.int64)
    for i, leaves in enumerate(test):
        distance = (train != leaves).sum(axis=1)
        found[i] = np.argpartition(distance, k)[:k]
    return found


def main(folder, trees, seed):
    folder = Path(folder)
    n_train, n_test, features, _ = map(int, (folder / "shape.txt").read_text().split())
    x = np.fromfile(folder / "train.x", "<f8").reshape(n_train, features)
    x_test = np.fromfile(folder / "test.x", "<f8").reshape(n_test, features)
    y = np.fromfile(folder / "train.y", "<u4")

    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory so far is forgotten
    before = memory_mb("VmRSS")
    forest = RandomForestClassifier(n_estimators=int(trees), n_jobs=2, random_state=int(seed))
    start = time.process_time()
    forest.fit(x, y)
    fit = time.process_time() - start
    memory = memory_mb("VmHWM") - before
    train_leaves, test_leaves = forest.apply(x), forest.apply(x_test)
    some = test_leaves[:200]
    forest.predict_proba(x_test).astype("<f8").tofile(folder / "theirs.p")
    print(json.dumps({
        "fit": fit,
        "predict": each(lambda: forest.predict_proba(x_test)),
        "leaves": each(lambda: forest.apply(x_test)),
        "knn": each(lambda: knn(train_leaves, some)) * len(test_leaves) / len(some),
        "memory_mb": memory,
        "model_mb": len(pickle.dumps(forest)) / 1e6,
        "nodes": sum(tree.tree_.node_count for tree in forest.estimators_),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
