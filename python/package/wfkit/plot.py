"""Pictures, as ``wfkit plot`` and the page of a run have them: each with its finding in words and its data.

A notebook shows a :class:`wfkit.Picture` by itself; ``picture.save("x.svg")`` writes it, or its data (``.csv``), or a
specification of Vega-Lite (``.json``).

>>> import wfkit
>>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0, 9]], [[600, -1448], [20, -40]])
>>> wfkit.plot.sizes(traces).title
'How large packets are'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _wfkit
from ._results import Defended, Evaluation, Explanation
from ._types import TracesLike, as_traces
from ._wfkit import Picture, Traces, WfkitError

__all__ = [
    "Picture",
    "classes",
    "confusion",
    "cumulative",
    "curve",
    "frontier",
    "importance",
    "reliability",
    "roc",
    "sizes",
    "waterfall",
]

# Lines that one picture has room for.
LINES = 6


def waterfall(traces: TracesLike, row: int = 0, *, defences: str | Sequence[str] = (), seed: int = 0) -> Picture:
    """When what was sent: one trace, and what defences make of it, with padding marked.

    ``row`` is the trace, counted from 0. The defences are those that :func:`wfkit.defend` takes, and draw as they do with this
    ``seed``.
    """
    specs = [defences] if isinstance(defences, str) else list(defences)
    taken = as_traces(traces)
    if not -len(taken) <= row < len(taken):
        raise WfkitError(f"row {row} of {len(taken)} traces")
    return _wfkit.waterfall(taken, int(row) % len(taken), specs, seed)


def cumulative(traces: TracesLike | Mapping[str, TracesLike], rows: Sequence[int] | Any | None = None) -> Picture:
    """Bytes over time: a line a trace, for up to six.

    Of traces: those in ``rows``, by default the first of each of the first six classes. Of a mapping: the first trace of each
    value under its name, such as ``{"as it was": traces[3:4], "FRONT": defended.traces[3:4]}``.
    """
    if isinstance(traces, Mapping):
        named = [(str(name), as_traces(value)) for name, value in traces.items()]
        return _wfkit.cumulative("Bytes over time", lines(named))
    taken = as_traces(traces)
    labels = taken.labels
    if rows is None:
        firsts = [int(np.flatnonzero(labels == place)[0]) for place in range(min(LINES, len(taken.class_names)))]
        return _wfkit.cumulative("Bytes over time, one trace of each class", [(f"class {taken[row].label}", taken[[row]]) for row in firsts])
    chosen = [taken[int(row)] for row in rows]
    one_each = len({trace.label for trace in chosen}) == len(chosen)
    names = [f"class {trace.label}" + ("" if one_each else f", rep {trace.rep}") for trace in chosen]
    return _wfkit.cumulative("Bytes over time", lines([(name, taken[[int(row)]]) for name, row in zip(names, rows, strict=True)]))


def lines(named: list[tuple[str, Traces]]) -> list[tuple[str, Traces]]:
    if len(named) > LINES:
        raise WfkitError(f"{len(named)} traces are given, and there is room for {LINES} lines")
    return named


def sizes(traces: TracesLike | Mapping[str, TracesLike]) -> Picture:
    """How large packets are: of traces, or of several sets under their names, the first of which the others are compared with."""
    sets = traces if isinstance(traces, Mapping) else {"as they were": traces}
    return _wfkit.sizes([(str(name), as_traces(value)) for name, value in sets.items()])


def roc(evaluation: Evaluation) -> Picture:
    """Visits found against false alarms, mean over classes with a band, also with a logarithmic axis."""
    return _wfkit.said("roc", evaluation._measured)


def classes(evaluation: Evaluation) -> Picture:
    """ROC-AUC of each class against all others, in order."""
    return _wfkit.said("classes", evaluation._measured)


def confusion(evaluation: Evaluation) -> Picture:
    """Which class is taken for which; classes that are taken for each other stand beside each other."""
    return _wfkit.said("confusion", evaluation._measured)


def reliability(evaluation: Evaluation) -> Picture:
    """How often an attack is right against how sure it is."""
    return _wfkit.said("reliability", evaluation._measured)


def importance(explanation: Explanation, *, top: int = 12) -> Picture:
    """What gives classes away (:func:`wfkit.explain`): groups of features, and the first ``top`` of them."""
    of = "the classes" if explanation.about is None else f"class {explanation.about}"
    return _wfkit.importances(f"What gives {of} away: {explanation.sets}", explanation._json, top)


def curve(
    series: Mapping[str, Mapping[float, Evaluation | float]],
    *,
    title: str,
    x: str,
    y: str = "accuracy",
    chance: float | None = None,
) -> Picture:
    """Shares over how much was learned from, seen or waited for: a line a series.

    ``series`` has a mapping a line, from the place on the axis ``x`` to an evaluation, of which the accuracy is shown with its
    interval, or to a number from 0 to 1. ``chance``: where guessing would be; by default that of the evaluations, where they
    agree.
    """
    drawn: list[tuple[str, list[tuple[float, float, tuple[float, float] | None]]]] = []
    guesses = set()
    for name, points in series.items():
        line: list[tuple[float, float, tuple[float, float] | None]] = []
        for place, value in sorted(points.items()):
            if isinstance(value, Evaluation):
                guesses.add(value.scores.chance_accuracy)
                line.append((float(place), accuracy_of(value), interval_of(value)))
            else:
                line.append((float(place), float(value), None))
        drawn.append((name, line))
    if chance is None and len(guesses) == 1:
        chance = guesses.pop()
    return _wfkit.curve(title, x, y, drawn, chance)


def frontier(undefended: Evaluation, defended: Sequence[tuple[Defended, Evaluation]]) -> Picture:
    """Cost against protection: what an attack finds without a defence, and behind each, over what each costs.

    ``defended`` has pairs of what :func:`wfkit.defend` gave and of the same attack measured on it.
    """
    attacks = {one.attack for one in (undefended, *(evaluation for _, evaluation in defended))}
    if len(attacks) > 1:
        raise WfkitError(f"the points are of several attacks ({', '.join(sorted(attacks))}), which one axis cannot tell apart: draw one picture each")
    points = [point("none", 0.0, 0.0, undefended)]
    points += [point(one.defence, one.bandwidth_overhead or 0.0, one.latency_overhead or 0.0, evaluation) for one, evaluation in defended]
    return _wfkit.costs("Cost against protection", undefended.attack, points, undefended.scores.chance_accuracy or 0.0)


def point(
    name: str, bandwidth: float, latency: float, evaluation: Evaluation
) -> tuple[str, float, float, float, tuple[float, float] | None, float | None]:
    return name, bandwidth, latency, accuracy_of(evaluation), interval_of(evaluation), evaluation.scores.roc_auc_macro_ovr


def accuracy_of(evaluation: Evaluation) -> float:
    if evaluation.accuracy is None:
        raise WfkitError(f"{evaluation.attack} has no accuracy to show: {evaluation.scores.reason}")
    return evaluation.accuracy


def interval_of(evaluation: Evaluation) -> tuple[float, float] | None:
    found = evaluation.scores.intervals.get("accuracy")
    return None if found is None else (found.low, found.high)
