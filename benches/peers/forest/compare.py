"""Runs both sides in turn and prints medians and ratios; see `run`."""

import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import log_loss, roc_auc_score

import sets

TREES = 100
SEEDS = 5
MEASURES = [
    ("fit", "training, CPU s"),
    ("predict", "predict_proba of the test rows, CPU s"),
    ("leaves", "leaf ids of the test rows, CPU s"),
    ("knn", "3 nearest by leaves, CPU s"),
    ("memory_mb", "peak memory over the data, MB"),
    ("model_mb", "model, MB"),
]


def run(command):
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)


def scores(folder, name):
    y = np.fromfile(folder / "test.y", "<u4")
    p = np.fromfile(folder / name, "<f8").reshape(len(y), -1)
    labels = np.arange(p.shape[1])
    return (np.mean(p.argmax(axis=1) == y), roc_auc_score(y, p, multi_class="ovr", labels=labels),
            log_loss(y, np.clip(p, 1e-3, 1.0) / np.clip(p, 1e-3, 1.0).sum(axis=1, keepdims=True), labels=labels))


def compare(program, work, name, runs):
    folder = work / name
    if not (folder / "test.y").exists():
        sets.write(name, folder)
    sides = {"exact": [], "histogram": [], "scikit-learn": []}
    quality = {side: [] for side in sides}
    for seed in range(max(runs, SEEDS)):
        for side in sides:
            if side == "scikit-learn":
                result, file = run([sys.executable, "scikit_learn.py", folder, TREES, seed]), "theirs.p"
            else:
                result, file = run([program, folder, TREES, side, seed]), "ours.p"
            if seed < runs:
                sides[side].append(result)
            if seed < SEEDS:
                quality[side].append(scores(folder, file))
    kind, rows, test, features, classes = sets.SETS[name]
    print(f"\n### {name}: {rows:,} rows x {features:,} columns x {classes} classes, {test:,} test rows, {TREES} trees\n")
    print("| | wfkit, exact | wfkit, histogram | scikit-learn | ratio, exact | ratio, histogram |\n|---|---:|---:|---:|---:|---:|")
    for key, title in MEASURES:
        ours, binned, theirs = (statistics.median(result[key] for result in sides[side]) for side in sides)
        print(f"| {title} | {ours:.4g} | {binned:.4g} | {theirs:.4g} | {theirs / ours:.1f} | {theirs / binned:.1f} |")
    for i, title in enumerate(["accuracy", "ROC-AUC, one against the rest", "log loss, probabilities at least 0.001"]):
        cells = [np.array([score[i] for score in quality[side]]) for side in sides]
        row = " | ".join(f"{cell.mean():.4f} (sd {cell.std(ddof=1):.4f})" for cell in cells)
        print(f"| {title}, {SEEDS} seeds | {row} | | |", flush=True)


OTHERS = {"rafor": 100, "smartcore": 10, "linfa": 10, "xgboost": 5, "lightgbm": 5}  # trees; the slow ones get few


def others(program, work):
    """One run each of other forests on the k-fp set, and of wfkit's with as many trees."""
    folder = work / "k-fp"
    if not (folder / "test.y").exists():
        sets.write("k-fp", folder)
    binary = program.parents[2] / "others/release/other-forests"
    print("\n### k-fp, others\n\n| | trees | training, CPU s | wfkit | ratio | accuracy | wfkit | peak memory over the data, MB |\n|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, trees in OTHERS.items():
        side = [sys.executable, "boosters.py", name] if name in ("xgboost", "lightgbm") else [binary, name]
        theirs, ours = run([*side, folder, trees, 0]), run([program, folder, trees, "exact", 0])
        accuracy = scores(folder, "ours.p")[0]
        print(f"| {name} | {trees} | {theirs['fit']:.3g} | {ours['fit']:.3g} | {theirs['fit'] / ours['fit']:.1f} "
              f"| {theirs['accuracy']:.3f} | {accuracy:.3f} | {theirs['memory_mb']:.0f} |", flush=True)


def main(program, work, runs="3", *names):
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    print(f"{datetime.date.today()}, {model}; scikit-learn {sklearn.__version__}, numpy {np.__version__}; medians of {runs}")
    for name in names or [*sets.SETS, "others"]:
        if name == "others":
            others(Path(program).absolute(), Path(work))
        else:
            compare(program, Path(work), name, int(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
