"""Folds that keep together what belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _wfkit
from ._types import FoldsLike, Ints, Path, TracesLike, as_traces
from ._wfkit import WfkitError

Rows = list[tuple[str, list[int], list[int]]]


class Folds:
    """Folds of a cross-validation: a splitter of scikit-learn, and what :func:`wfkit.evaluate` and :func:`wfkit.score` take.

    Copies of one load (``origins``) and, unless asked for, visits of one page of a background (``pages``) are never on both sides.

    Parameters
    ----------
    n_splits
        Number of folds, at least 2.
    by
        ``"class"``: stratified, each fold has its share of every class. ``"session"``: whole sessions are tested by what
        learned from the others, as an attacker would who trains before.
    seed
        Seed of the folds by class; the folds are those of ``wfkit evaluate --seed``.
    shared_pages
        Whether a page of the background may be learned from and tested, in different visits: as ``wfkit evaluate --shared-pages``. Where
        it may not, folds of sessions leave traces of such pages untested, which a warning tells.
    of
        The traces behind the rows, for ``split`` over something else than traces, such as a matrix of features.

    >>> traces = wfkit.Traces.from_arrays(["a"] * 4 + ["b"] * 4, [[0]] * 8, [[n] for n in range(1, 9)])
    >>> [test.tolist() for _, test in Folds(2).split(traces)]
    [[2, 3, 4, 6], [0, 1, 5, 7]]

    With scikit-learn: ``cross_val_score(wfkit.Attack("kfp"), traces, traces.classes, cv=Folds(5, by="session"))``.
    """

    def __init__(self, n_splits: int = 5, *, by: str = "class", seed: int = 0, shared_pages: bool = False, of: TracesLike | None = None) -> None:
        self.n_splits, self.by, self.seed, self.shared_pages, self.of = n_splits, by, seed, shared_pages, of

    def __repr__(self) -> str:
        of = "" if self.of is None else f", of={self.of!r}"
        shared = ", shared_pages=True" if self.shared_pages else ""
        return f"Folds({self.n_splits}, by={self.by!r}, seed={self.seed}{shared}{of})"

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[Ints, Ints]]:
        """Rows to train on and rows to test on, ascending, for each fold. ``y`` and ``groups`` are not looked at."""
        for _, train, test in self._rows(X):
            yield np.array(train, np.int64), np.array(test, np.int64)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def fold_of(self, traces: TracesLike | None = None) -> Ints:
        """The fold that tests each row, counted from 1, shape ``(n_traces,)``; 0 where none does."""
        traces = self._traces(traces)
        folds = np.zeros(len(as_traces(traces)), np.int64)
        for number, (_, test) in enumerate(self.split(traces), 1):
            folds[test] = number
        return folds

    def write(self, path: Path, traces: TracesLike | None = None) -> None:
        """Writes the folds as ``wfkit dataset split --folds`` does, for ``wfkit evaluate --split-file`` and ``wfkit score``."""
        traces = as_traces(self._traces(traces))
        _wfkit.write_folds(traces, self.fold_of(traces).tolist(), self.by, path)

    def _traces(self, traces: TracesLike | None) -> TracesLike:
        if self.of is not None:
            return self.of
        if traces is None:
            raise WfkitError("folds of what? Give the traces, or say Folds(.., of=traces)")
        return traces

    def _rows(self, X: Any) -> Rows:
        traces = as_traces(self._traces(X))
        if X is not None and len(traces) != (X.shape[0] if hasattr(X, "shape") else len(X)):
            raise WfkitError(f"folds of {len(traces)} traces, but there are {len(X)} rows")
        return _wfkit.split(traces, self.n_splits, self.by, self.seed, self.shared_pages)


def rows_of(folds: FoldsLike, traces: _wfkit.Traces, seed: int) -> tuple[Rows, str]:
    """Splits however they are given, and what to call them."""
    if isinstance(folds, (int, np.integer)):
        folds = Folds(int(folds), seed=seed)
    if isinstance(folds, Folds):
        kind = "stratified folds" if folds.by == "class" else "folds of whole sessions"
        shared = ", pages shared" if folds.shared_pages else ""
        return folds._rows(traces), f"{folds.n_splits} {kind}{shared}"
    if isinstance(folds, np.ndarray) and folds.ndim == 1:
        if len(folds) != len(traces):
            raise WfkitError(f"{len(folds)} numbers of folds for {len(traces)} traces")
        numbers = np.unique(folds)
        if len(numbers) < 2:
            raise WfkitError("fewer than two folds: there is nothing to train on")
        rows = [(f"fold {n}", np.flatnonzero(folds != n).tolist(), np.flatnonzero(folds == n).tolist()) for n in numbers]
        return rows, f"{len(numbers)} folds as given"
    pairs = [(f"split {n}", as_rows(train), as_rows(test)) for n, (train, test) in enumerate(folds, 1)]
    return pairs, f"{len(pairs)} splits as given"


def as_rows(rows: Any) -> list[int]:
    array = np.asarray(rows)
    return [int(row) for row in (np.flatnonzero(array) if array.dtype == bool else array)]
