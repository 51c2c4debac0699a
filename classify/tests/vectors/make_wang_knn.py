#!/usr/bin/env python3
"""Writes wang_knn.json: weights and neighbours of the k-NN attack on real traces, from its definition, with NumPy.

    python make_wang_knn.py FOLDER_OF_TORPCAPS > wang_knn.json

The traces are the first 100 packets of captures of torpcaps, Tor traffic of a private test network, free to redistribute (CC0); the
features are those of ../../../features/tests/vectors/make_features.py. Start weights and order are by formulae that the Rust test shares.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[3] / "features/tests/vectors"))
from make_features import captured, wang_clean  # noqa: E402

CLASSES, TRAIN, TEST, PACKETS, K = [2, 7, 17, 40, 63, 99], 8, 4, 100, 5


def main(folder):
    traces = []
    for rep in range(TRAIN + TEST):
        for label, cell in enumerate(CLASSES):
            time, size = captured(Path(folder) / f"cell_{cell}_rep_{rep}.pcap")
            traces.append((label, time[:PACKETS].astype(np.int64), size[:PACKETS].astype(np.int64)))
    n = TRAIN * len(CLASSES)
    sizes = sorted({s for _, _, size in traces[:n] for s in size.tolist() if abs(s) <= 1500})
    features = [wang_clean(time, size, sizes) for _, time, size in traces]
    x = np.array([list(f.values()) for f in features], dtype=float)
    y = np.array([label for label, _, _ in traces])
    train, labels = x[:n], y[:n]

    def difference(a, b):
        return np.where((a == -1) | (b == -1), 0.0, np.abs(a - b))

    w = 0.5 + (np.arange(x.shape[1]) * 7919 % 1000) / 1000
    for i in range(n):
        i = (i * 31 + 7) % n
        each = difference(train, train[i])
        total = each @ w
        own, others = np.flatnonzero((labels == labels[i]) & (np.arange(n) != i)), np.flatnonzero(labels != labels[i])
        good = own[np.argsort(total[own], kind="stable")[:K]]
        bad = others[np.argsort(total[others], kind="stable")[:K]]
        badness = (each[bad] <= each[good].max(axis=0)).sum(axis=0)
        overlap = (total[bad] <= total[good].max()).sum()
        least = badness == badness.min()
        if each[bad][:, least].sum() == 0:
            continue
        loss = np.where(least, 0.0, 0.01 * w * (badness / K) * (0.2 + overlap / K))
        before = total[bad].sum()
        w = w - loss
        w[least] += (before - (each[bad] @ w).sum()) / each[bad][:, least].sum()

    nearest = [np.argsort(difference(train, row) @ w, kind="stable")[:K].tolist() for row in x[n:]]
    learned = {name: float(f"{weight:.12g}") for name, weight in zip(features[0], w) if len(set(train[:, list(features[0]).index(name)]) - {-1.0}) > 1}
    json.dump(
        {
            "made_by": {"python": platform.python_version(), "numpy": np.__version__},
            "train": n,
            "traces": [{"label": label, "gap_ns": np.diff(time, prepend=0).tolist(), "size": size.tolist()} for label, time, size in traces],
            "weights": learned,
            "nearest": nearest,
        },
        sys.stdout,
        separators=(",", ":"),
    )


if __name__ == "__main__":
    main(sys.argv[1])
