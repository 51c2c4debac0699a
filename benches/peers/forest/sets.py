"""Synthetic training and test sets, shaped like what attacks learn from. `python sets.py NAME DIR` writes one for the Rust side."""

import sys
from pathlib import Path

import numpy as np

SETS = {  # name: kind, training rows, test rows, features, classes
    "k-fp": ("k-fp", 9_000, 3_000, 175, 100),
    "sequence": ("sequence", 3_000, 3_000, 1_500, 100),
    "large": ("k-fp", 50_000, 5_000, 175, 95),
}


def k_fp(rng, rows, features, classes):
    """Of every seven features: two rounded counts, two ratios, one heavy tail, one mostly zero, one noise or constant.

    Each class has a centre a feature; a row strays from it by as much as the centres differ, so that single features say
    little and many together much.
    """
    y = np.arange(rows) % classes
    centre = np.random.default_rng(1).normal(size=(classes, features))[y]
    z = 0.55 * centre + rng.normal(size=(rows, features)) * (0.6 + 0.6 * rng.random((rows, 1)))
    kind = np.arange(features) % 7
    x = np.empty_like(z)
    x[:, kind <= 1] = np.round(np.exp(4.0 + z[:, kind <= 1]))
    x[:, kind == 2] = 1 / (1 + np.exp(-z[:, kind == 2]))
    x[:, kind == 3] = np.round(60 * np.exp(z[:, kind == 3])) / np.round(60 * np.exp(z[:, kind == 3]) + 90)
    x[:, kind == 4] = np.exp(2 * z[:, kind == 4])
    x[:, kind == 5] = np.where(z[:, kind == 5] > 1.2, np.round(10 * z[:, kind == 5]), 0)
    noise = rng.integers(0, 8, size=(rows, features))
    x[:, kind == 6] = noise[:, kind == 6]
    x[:, np.arange(features) % 14 == 6] = 7.0
    return x, y


def sequence(rng, rows, features, classes):
    """Signed packet sizes in order, padded with zeros: bursts whose lengths and sizes stray from those of the class."""
    y = np.arange(rows) % classes
    of_class = np.random.default_rng(2)
    length = of_class.integers(features // 3, features * 5 // 4, size=classes)
    sizes = of_class.choice([-1448, -1448, -1448, -595, -576, -1036, 52, 595, 583, 1119, 639], size=(classes, features * 2))
    palette = np.concatenate([np.arange(-1448, 0, 48), np.arange(52, 1448, 48)])
    x = np.zeros((rows, features))
    for i in range(rows):
        n = min(int(length[y[i]] * rng.normal(1, 0.08)), features)
        # Packets drop out and come in, so that later positions slip against each other.
        slip = np.cumsum(rng.choice([-1, 0, 1], p=[0.02, 0.96, 0.02], size=features)) + rng.integers(0, 2)
        at = np.clip(np.arange(features) + slip, 0, features * 2 - 1)
        row = np.where(rng.random(features) < 0.25, rng.choice(palette, size=features), sizes[y[i], at])
        x[i, :n] = row[:n]
    return x, y


def make(name):
    """x, y, x_test, y_test, number of classes."""
    kind, train, test, features, classes = SETS[name]
    make = {"k-fp": k_fp, "sequence": sequence}[kind]
    x, y = make(np.random.default_rng(3), train, features, classes)
    x_test, y_test = make(np.random.default_rng(4), test, features, classes)
    return x, y, x_test, y_test, classes


def write(name, folder):
    x, y, x_test, y_test, classes = make(name)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shape.txt").write_text(f"{len(x)} {len(x_test)} {x.shape[1]} {classes}\n")
    for file, values, kind in [("train.x", x, "<f8"), ("test.x", x_test, "<f8"), ("train.y", y, "<u4"), ("test.y", y_test, "<u4")]:
        values.astype(kind).tofile(folder / file)


if __name__ == "__main__":
    write(*sys.argv[1:])
