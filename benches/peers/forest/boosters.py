"""XGBoost and LightGBM as random forests: `python boosters.py xgboost|lightgbm DIR TREES SEED` prints what other-forests prints."""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np


def memory_mb(what):
    return int(re.search(what + r":\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def model(library, trees, seed, columns):
    share = 1 / np.sqrt(columns)
    if library == "xgboost":
        import xgboost

        return xgboost.XGBRFClassifier(n_estimators=trees, n_jobs=2, random_state=seed, max_depth=0, max_leaves=0, subsample=0.63,
                                       colsample_bynode=share, min_child_weight=0, reg_lambda=0, tree_method="hist")
    import lightgbm

    return lightgbm.LGBMClassifier(boosting_type="rf", n_estimators=trees, n_jobs=2, random_state=seed, num_leaves=4096, subsample=0.63,
                                   subsample_freq=1, feature_fraction_bynode=share, min_child_samples=1, verbose=-1)


def main(library, folder, trees, seed):
    folder = Path(folder)
    n_train, n_test, columns, _ = map(int, (folder / "shape.txt").read_text().split())
    x = np.fromfile(folder / "train.x", "<f8").reshape(n_train, columns)
    x_test = np.fromfile(folder / "test.x", "<f8").reshape(n_test, columns)
    y, y_test = (np.fromfile(folder / f"{part}.y", "<u4") for part in ("train", "test"))
    forest = model(library, int(trees), int(seed), columns)
    Path("/proc/self/clear_refs").write_text("5")
    before, start = memory_mb("VmRSS"), time.process_time()
    forest.fit(x, y)
    fit, memory = time.process_time() - start, memory_mb("VmHWM") - before
    start = time.process_time()
    answers = forest.predict_proba(x_test).argmax(axis=1)
    print(json.dumps({"fit": fit, "predict": time.process_time() - start, "memory_mb": memory, "accuracy": float(np.mean(answers == y_test))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
