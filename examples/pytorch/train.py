"""A small network in PyTorch, trained on the folds that wfkit wrote, for a score sheet beside wfkit's own attacks.

    python train.py traces.parquet folds.csv theirs.csv

Traces are Parquet, one row a trace, with lists of times and signed sizes; folds say which trace is tested in which fold. Out
come the probabilities of every trace, said by the network that has not learned from its fold.
"""

import sys

import numpy as np
import pandas as pd
import torch
from torch import nn

KEY = ["class", "rep", "session"]
PACKETS = 600
EPOCHS = 30


def read(path):
    """The keys of the traces, and what the network sees of them: shape (traces, channels, packets)."""
    table = pd.read_parquet(path)
    x = np.zeros((len(table), 3, PACKETS), dtype=np.float32)
    for row, (times, sizes) in enumerate(zip(table.time_ns, table["size"])):
        n = min(len(sizes), PACKETS)
        sizes, times = np.asarray(sizes[:n], dtype=np.float32), np.asarray(times[:n], dtype=np.float64)
        x[row, 0, :n] = np.sign(sizes)
        x[row, 1, :n] = sizes / 1500
        x[row, 2, :n] = np.log1p(np.diff(times, prepend=0) / 1e6)  # gaps, in milliseconds
    return table[KEY], torch.from_numpy(x)


class Network(nn.Module):
    """Three convolutions over packets, then the mean and the maximum of what they find."""

    def __init__(self, classes):
        super().__init__()
        layers = []
        for before, after in [(3, 16), (16, 32), (32, 64)]:
            layers += [nn.Conv1d(before, after, 7, padding=3), nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(4)]
        self.packets = nn.Sequential(*layers)
        self.decide = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, classes))

    def forward(self, x):
        found = self.packets(x)
        return self.decide(torch.cat([found.mean(2), found.amax(2)], dim=1))


def train(x, y, classes, seed):
    torch.manual_seed(seed)
    network = Network(classes)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(32):
            if len(batch) > 1:  # one trace alone has no batch to be normalised by
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[batch]), y[batch], label_smoothing=0.05).backward()
                optimizer.step()
        schedule.step()
    return network.eval()


def main(traces, folds, out):
    torch.use_deterministic_algorithms(True)
    keys, x = read(traces)
    # Text, so that a class is `7` and not 7; a left join keeps the order of the traces, which is that of x.
    folds = pd.read_csv(folds, dtype={"class": str, "session": str})
    keys = keys.merge(folds, on=KEY, how="left", validate="one_to_one")
    assert keys.fold.notna().all(), "a trace without a fold"
    classes = sorted(keys["class"].unique())
    y = torch.tensor([classes.index(name) for name in keys["class"]])
    p = np.zeros((len(keys), len(classes)))
    for fold in sorted(keys.fold.unique()):
        tested = torch.from_numpy((keys.fold == fold).to_numpy(copy=True))
        network = train(x[~tested], y[~tested], len(classes), seed=int(fold))
        with torch.no_grad():
            # In double precision, so that rows sum to 1.
            p[tested.numpy()] = network(x[tested]).double().softmax(1).numpy()
        right = (p[tested.numpy()].argmax(1) == y[tested].numpy()).mean()
        print(f"fold {fold:.0f}: trained on {int((~tested).sum())}, tested on {int(tested.sum())}, accuracy {right:.3f}")
    pd.concat([keys[KEY], pd.DataFrame(p, columns=classes)], axis=1).to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
