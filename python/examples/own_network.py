"""A network of your own beside `best`, on the same folds: from an npz to a score sheet, with PyTorch.

    python own_network.py CW.npz sheet.md
"""

import sys

import numpy as np
import torch
from torch import nn

import wfkit

PACKETS, EPOCHS = 500, 15


def network(classes):
    """A small convolution over directions."""
    layers = []
    for before, after in [(1, 16), (16, 32), (32, 64)]:
        layers += [nn.Conv1d(before, after, 7, padding=3), nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(4)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, classes))


def learned(x, y, classes, seed):
    torch.manual_seed(seed)
    model = network(classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(32):
            if len(batch) > 1:  # one trace alone has no batch to be normalised by
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
    return model.eval()


def main(path, sheet, attack="best"):
    traces = wfkit.read(path)
    folds = wfkit.Folds(5, seed=1)
    x = torch.from_numpy(traces.tensor("direction", PACKETS))  # (traces, channels, packets), no copy
    y = torch.from_numpy(traces.labels)
    classes = len(traces.class_names)
    p = np.zeros((len(traces), classes))
    for train, test in folds.split(traces):
        model = learned(x[train], y[train], classes, seed=1)
        with torch.no_grad():
            p[test] = model(x[test]).double().softmax(1).numpy()  # in double precision, so that rows sum to 1
    mine = wfkit.score(p, traces, folds=folds, name="mine")
    result = wfkit.compare(mine, wfkit.evaluate(traces, attack, folds=folds))
    print(result)
    result.save(sheet)


if __name__ == "__main__":
    main(*sys.argv[1:])
