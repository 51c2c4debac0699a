"""A model of your own beside `best`, on the same folds: from an npz to a score sheet.

    python own_model.py CW.npz sheet.md

The model is a perceptron of scikit-learn over the directions of the first 500 packets; `own_network.py` is the same with PyTorch.
"""

import sys

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline

import wfkit


def main(path, sheet, attack="best"):
    traces = wfkit.read(path)
    print(traces)
    folds = wfkit.Folds(5, seed=1)

    x = traces.tensor("direction", 500)[:, 0]  # (traces, packets)
    y = traces.labels  # the place of each class in traces.class_names
    p = np.zeros((len(traces), len(traces.class_names)))
    for train, test in folds.split(traces):
        model = make_pipeline(StandardScaler(), MLPClassifier(64, max_iter=300, random_state=1))
        model.fit(x[train], y[train])
        # A class that a fold has nothing to learn of keeps a column of zeros.
        p[np.ix_(test, model.classes_)] = model.predict_proba(x[test])

    mine = wfkit.score(p, traces, folds=folds, name="mine")
    theirs = wfkit.evaluate(traces, attack, folds=folds)
    result = wfkit.compare(mine, theirs)
    print(result)
    result.save(sheet)


if __name__ == "__main__":
    main(*sys.argv[1:])
