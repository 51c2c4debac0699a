"""Typed results, which a notebook shows as tables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _wfkit
from ._types import Floats, Ints, Path, Texts
from ._wfkit import FeatureExtractor, Traces, WfkitError


@dataclass(frozen=True)
class Interval:
    """Where a number would lie for 95 % of choices of traces."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"[{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class ClassScores:
    """One class against all others."""

    name: str
    traces: int
    precision: float
    recall: float
    f1: float
    roc_auc: float | None


@dataclass(frozen=True)
class Confusion:
    """Traces of one class decided for another."""

    truth: str
    decision: str
    traces: int


@dataclass(frozen=True)
class Fold:
    """One round of learning and testing: numbers of traces, and how right the decisions were."""

    name: str
    train: int
    test: int
    accuracy: float | None
    roc_auc: float | None


@dataclass(frozen=True)
class Scores:
    """All scores of an attack. What is None has no value, and ``reason`` says why.

    Sources of the formulas stand in the documentation of the crate ``wfkit-metrics``. ``intervals`` are of 95 %: Wilson's for
    accuracy, bootstrap percentiles else, widened for the overlap of training parts (Nadeau and Bengio 2003).
    """

    traces: int
    classes: int
    chance_accuracy: float | None
    accuracy: float | None
    top_3_accuracy: float | None
    top_5_accuracy: float | None
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    roc_auc_macro_ovr: float | None
    roc_auc_weighted_ovr: float | None
    roc_auc_macro_ovo: float | None
    roc_auc_weighted_ovo: float | None
    log_loss: float | None
    brier: float | None
    expected_calibration_error: float | None
    reason: str | None
    intervals: dict[str, Interval]
    per_class: tuple[ClassScores, ...]
    most_confused: tuple[Confusion, ...]

    @classmethod
    def _of(cls, read: dict[str, Any]) -> Scores:
        intervals = {
            name: interval(value)
            for name, value in (read.get("intervals_95") or {}).items()
            if isinstance(value, dict) and "low" in value
        }
        per_class = tuple(
            ClassScores(one["class"], one["traces"], one["precision"], one["recall"], one["f1"], one.get("roc_auc"))
            for one in read["per_class"]
        )
        confused = tuple(Confusion(one["truth"], one["decision"], one["traces"]) for one in read["most_confused"])
        built: dict[str, Any] = {"intervals": intervals, "per_class": per_class, "most_confused": confused}
        plain: dict[str, Any] = {name: read.get(name) for name in cls.__dataclass_fields__ if name not in built}
        return cls(**plain, **built)


@dataclass(frozen=True)
class Comparison:
    """One attack tested against another on the same folds; p-values are corrected for the number of others (Holm 1979).

    ``difference`` is accuracy of the first less that of the second. ``p_log_loss`` is None with fewer than two folds.
    """

    first: str
    second: str
    difference: float
    interval: Interval | None
    test: str
    p_accuracy: float
    p_log_loss: float | None
    told: str


@dataclass(frozen=True)
class Evaluation:
    """An attack measured on traces that it has not learned from.

    ``probabilities``, shape ``(n_tested, n_classes)``, in the order of ``class_names``; ``rows``, ``truth`` and ``decisions``,
    shape ``(n_tested,)``, say which rows were tested, what they are and what they were taken for.
    """

    attack: str
    split: str
    seed: int
    _measured: _wfkit.Measured = field(repr=False, compare=False)

    @cached_property
    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = json.loads(self._measured._json())
        return parts

    @cached_property
    def scores(self) -> Scores:
        """All scores, with their intervals."""
        return Scores._of(self._parts["scores"])

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """One round of learning and testing each."""
        return tuple(
            Fold(one["name"], one["train"], one["test"], one.get("accuracy"), one.get("roc_auc"))
            for one in self._parts["folds"]
        )

    @property
    def accuracy(self) -> float | None:
        """Share of right decisions."""
        return self.scores.accuracy

    @property
    def learned_from(self) -> int:
        """Tested traces that were learned from, or copies of which were: scores are too high where there are any."""
        return int(self._parts["learned_from"])

    @property
    def class_names(self) -> list[str]:
        """The classes, in the order of the columns."""
        return self._measured.class_names

    @cached_property
    def probabilities(self) -> Floats:
        """What the attack said, shape ``(n_tested, n_classes)``."""
        return self._measured.probabilities

    @property
    def rows(self) -> Ints:
        """Which rows of the traces were tested, ascending, shape ``(n_tested,)``."""
        return self._measured.rows

    @property
    def truth(self) -> Texts:
        """The true class of each, shape ``(n_tested,)``."""
        return self._measured.truth

    @property
    def decisions(self) -> Texts:
        """The most probable class of each, shape ``(n_tested,)``."""
        decided: Texts = np.array(self.class_names)[self.probabilities.argmax(1)]
        return decided

    def confusion_matrix(self) -> Ints:
        """How many traces of each class (rows) were taken for each class (columns), shape ``(n_classes, n_classes)``."""
        places = {name: place for place, name in enumerate(self.class_names)}
        matrix = np.zeros((len(places), len(places)), np.int64)
        truth = np.array([places[name] for name in self.truth.tolist()], np.int64)
        np.add.at(matrix, (truth, self.probabilities.argmax(1)), 1)
        return matrix

    def __str__(self) -> str:
        return str(compare(self))

    def _repr_html_(self) -> str:
        scores = self.scores
        worst = sorted(scores.per_class, key=lambda one: one.recall)[:5]
        classes = table(
            ["class", "traces", "precision", "recall", "F1", "AUC"],
            [[c.name, str(c.traces), f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", number(c.roc_auc)] for c in worst],
        )
        return compare(self)._repr_html_() + f"<p>Classes of least recall:</p>{classes}"


@dataclass(frozen=True)
class Sheet:
    """A score sheet: attacks side by side on the same traces and folds. Print it, show it in a notebook, or :meth:`save` it."""

    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def head(self) -> list[str]:
        """The names of the columns; tests are there where there is something to test against."""
        tests = ["p acc.", "p loss"] if self.comparisons else []
        return ["attack", "accuracy [95 %]", "AUC", "log loss [95 %]", *tests]

    def rows(self) -> list[list[str]]:
        """The cells, as texts."""
        tests: list[Comparison | None] = [None, *self.comparisons]
        rows = [self._row(evaluation, test) for evaluation, test in zip(self.evaluations, tests, strict=True)]
        return [row[: len(self.head)] for row in rows]

    @staticmethod
    def _row(evaluation: Evaluation, test: Comparison | None) -> list[str]:
        scores = evaluation.scores
        return [
            evaluation.attack,
            beside(scores.accuracy, scores.intervals.get("accuracy")),
            number(scores.roc_auc_macro_ovr),
            beside(scores.log_loss, scores.intervals.get("log_loss")),
            "-" if test is None else p_value(test.p_accuracy),
            "-" if test is None else p_value(test.p_log_loss),
        ]

    def _notes(self) -> list[str]:
        first = self.evaluations[0]
        notes = [f"{first.scores.traces} traces of {first.scores.classes} classes, {first.split}, seed {first.seed}."]
        if self.comparisons:
            notes.append(f"p: against {first.attack}, {self.comparisons[0].test}; corrected (Holm).")
        for evaluation in self.evaluations:
            if evaluation.learned_from:
                notes.append(f"{evaluation.attack} has learned from {evaluation.learned_from} of the tested traces: its scores are too high.")
        return notes

    def to_markdown(self) -> str:
        """The sheet as a table of Markdown."""
        lines = ["| " + " | ".join(self.head) + " |", "|---" * len(self.head) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows()]
        return "\n".join([*lines, "", *self._notes()]) + "\n"

    def to_json(self) -> str:
        """All scores of all attacks, and the tests."""
        sheet = {
            "attacks": [
                {"attack": one.attack, "split": one.split, "seed": one.seed, "scores": one._parts["scores"]} for one in self.evaluations
            ],
            "comparisons": [vars(one) | {"interval": one.interval and vars(one.interval)} for one in self.comparisons],
        }
        return json.dumps(sheet, indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Writes the sheet as ``.md``, ``.json`` or ``.html``, told by the ending."""
        ending = os.path.splitext(os.fspath(path))[1]
        writers = {".md": self.to_markdown, ".json": self.to_json, ".html": self._repr_html_}
        if ending not in writers:
            raise WfkitError(f"{os.fspath(path)}: a score sheet is .md, .json or .html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(writers[ending]())

    def __str__(self) -> str:
        rows = [self.head, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return table(self.head, self.rows()) + notes


def compare(first: Evaluation, *others: Evaluation) -> Sheet:
    """Attacks side by side, the first tested against each of the others; all on the same traces in the same folds.

    Accuracy by the corrected resampled t-test over folds (Nadeau and Bengio 2003), over one split by McNemar's test; log loss by the
    former. p-values are corrected for the number of others (Holm 1979).

    >>> traces = wfkit.Traces.from_arrays(["a"] * 6 + ["b"] * 6, [[0, 1]] * 12, [[600, -n] for n in range(1, 13)])
    >>> folds = wfkit.Folds(3)
    >>> compare(wfkit.evaluate(traces, "kfp", folds=folds), wfkit.evaluate(traces, "totals", folds=folds)).comparisons[0].second
    'totals'
    """
    read = json.loads(_wfkit.compare(first._measured, [other._measured for other in others]))
    comparisons = tuple(
        Comparison(
            one["first"],
            one["second"],
            one["accuracy"]["difference"],
            interval(one["accuracy"]["interval_95"]) if one["accuracy"].get("interval_95") else None,
            one["accuracy"]["test"],
            one["accuracy"]["p_holm"],
            one["log_loss_corrected_t_test"].get("p_holm"),
            one["told"],
        )
        for one in read
    )
    return Sheet((first, *others), comparisons)


@dataclass(frozen=True)
class Features:
    """Features of traces: ``values``, shape ``(n_traces, n_features)``, float64, finite, and what each column is.

    NumPy takes it as an array; polars, pandas and pyarrow as a table with the labels of the traces before the features.
    """

    values: Floats
    extractor: FeatureExtractor
    traces: Traces = field(repr=False)

    @property
    def names(self) -> list[str]:
        """One name a column: the set, a dot, the feature."""
        return self.extractor.names

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Name, unit, information, definition and version of each column."""
        columns: list[dict[str, Any]] = json.loads(self.extractor._columns())
        return columns

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_traces, n_features)``."""
        return self.values.shape[0], self.values.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.array(self.values, dtype=dtype, copy=copy)
        return array

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return _wfkit.labelled_table(self.traces, self.names, self.values).__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        shown = self.names[:6]
        rows = [
            [str(label), *(f"{value:.6g}" for value in values[: len(shown)])]
            for label, values in zip(self.traces.classes[:5], self.values[:5], strict=True)
        ]
        return table(["class", *shown], rows) + f"<p>{self.shape[0]:,} traces, {self.shape[1]:,} features of {escape(self.extractor.sets)}</p>"


@dataclass(frozen=True)
class Explained:
    """What a feature, or a group of them, gives away.

    ``importance``: how much less probability the true class gets once it is permuted, ``deviation`` over repeats. ``auc``: of the value
    alone, one class against the rest, mean over classes. ``bits``: mutual information of value and class. ``direction``: whether the
    class has high values or low ones, where it is about one class.
    """

    name: str
    tells: str
    columns: int
    importance: float
    deviation: float
    auc: float
    bits: float
    direction: str | None


@dataclass(frozen=True)
class Explanation:
    """What features give away of all classes, or of one (``about``): see :func:`wfkit.explain`."""

    sets: str
    about: str | None
    _json: str = field(repr=False)

    @cached_property
    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = json.loads(self._json)
        return parts

    def _level(self, name: str) -> tuple[Explained, ...]:
        return tuple(Explained(**{"direction": None} | one) for one in self._parts[name])

    @property
    def traces(self) -> int:
        """How many traces were judged, each by the trees that did not learn from it."""
        return int(self._parts["traces"])

    @property
    def probability_of_true_class(self) -> float:
        """What their true class is given on average: what importances are taken from."""
        return float(self._parts["probability_of_true_class"])

    @property
    def auc_ceiling(self) -> float:
        """The largest AUC that one value alone can have: it puts each class in one place of a line."""
        return float(self._parts["auc_ceiling"])

    @cached_property
    def groups(self) -> tuple[Explained, ...]:
        """By what features tell of a trace (volume, size, time, order), the most important first."""
        return self._level("groups")

    @cached_property
    def definitions(self) -> tuple[Explained, ...]:
        """By definition, the most important first."""
        return self._level("definitions")

    @cached_property
    def features(self) -> tuple[Explained, ...]:
        """Every feature, the most important first."""
        return self._level("features")

    def _repr_html_(self) -> str:
        rows = [
            [one.name, one.tells, str(one.columns), f"{one.importance:.4f} ± {one.deviation:.4f}", f"{one.auc:.3f}", f"{one.bits:.2f}"]
            for one in (*self.groups, *self.features[:10])
        ]
        sure = f"The true class has a probability of {self.probability_of_true_class:.3f} on average; importance is what it loses."
        return table(["what", "tells", "columns", "importance", "AUC alone", "bits alone"], rows) + f"<p>{sure}</p>"


@dataclass(frozen=True)
class Defended:
    """Defended traces as they are observed, and what the defence costs.

    ``overheads`` and ``manifest`` are those of the program's reports; ratios are extra over original: 0.0 is none. Functions that
    take traces take this, too.
    """

    traces: Traces
    defence: str
    seed: int
    overheads: dict[str, Any] = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)

    @property
    def bandwidth_overhead(self) -> float | None:
        """Bytes on the wire of all traces, defended / original - 1, both directions."""
        return overhead(self.overheads["bandwidth"]["both"])

    @property
    def latency_overhead(self) -> float | None:
        """Time of the last normal packet, defended / original - 1, over all traces."""
        return overhead(self.overheads["latency"])

    def _repr_html_(self) -> str:
        rows = [
            ["bandwidth overhead", number(self.bandwidth_overhead)],
            ["latency overhead", number(self.latency_overhead)],
            ["traces", f"{len(self.traces):,}"],
            ["packets", f"{len(self.traces.size):,}"],
        ]
        return table([self.defence, ""], rows)


def overhead(summary: dict[str, Any]) -> float | None:
    """The ratio over all traces together."""
    total = summary["total"]
    return None if total is None else float(total["value"])


def interval(read: dict[str, float]) -> Interval:
    return Interval(read["low"], read["high"])


def beside(value: float | None, interval: Interval | None) -> str:
    """A number with its interval."""
    return "-" if value is None else f"{value:.3f} {interval or ''}".rstrip()


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def p_value(value: float | None) -> str:
    if value is None:
        return "-"
    return "<.001" if value < 0.001 else f"{value:.3f}"


def table(head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML."""
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
