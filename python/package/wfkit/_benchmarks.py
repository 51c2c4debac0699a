"""Benchmarks with names: data, layer and folds that are fixed, so that numbers of two people compare."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.resources
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ._functions import evaluate, read, score
from ._results import Evaluation
from ._splits import Folds
from ._types import Path, TracesLike, as_traces
from ._wfkit import Traces, WfkitError


@cache
def registry() -> dict[str, Any]:
    """Sets, splits, and the folds of each set by each split."""
    known: dict[str, Any] = json.loads(importlib.resources.files("wfkit").joinpath("benchmarks.json").read_text("utf-8"))
    return known


def benchmarks() -> list[dict[str, Any]]:
    """The benchmarks that have names: what they are of, how many traces and classes, the layer, the split, and where the data are.

    >>> "sample@1/10-folds" in [one["id"] for one in wfkit.benchmarks()]
    True
    """
    known = registry()
    found = []
    for name in known["folds"]:
        data, split = name.split("/")
        found.append({"id": name} | {key: value for key, value in known["sets"][data].items() if key != "sha256"} | {"split": known["splits"][split]["about"]})
    return found


@dataclass(frozen=True)
class Benchmark:
    """A benchmark on its traces: see :func:`wfkit.benchmark`. ``folds`` are what to train and test by."""

    id: str
    about: str
    traces: Traces
    folds: Folds = field(repr=False)

    def evaluate(self, attack: str | Any = "best", **options: Any) -> Evaluation:
        """An attack on it; ``options`` are those of :func:`wfkit.evaluate`, but for folds."""
        return self._named(evaluate(self.traces, attack, folds=self.folds, **options))

    def score(self, probabilities: Any, *, name: str = "given", **options: Any) -> Evaluation:
        """Probabilities of your own model on it, shape ``(n_traces, n_classes)``; ``options`` are those of :func:`wfkit.score`."""
        return self._named(score(probabilities, self.traces, folds=self.folds, name=name, **options))

    def _named(self, evaluation: Evaluation) -> Evaluation:
        return dataclasses.replace(evaluation, split=f"benchmark {self.id}, {evaluation.split}")


def benchmark(id: str, data: Path | Sequence[Path] | TracesLike) -> Benchmark:
    """The benchmark of this name, on the data that you have of it.

    ``sample@1/10-folds`` is a set, its version, and a split. The name fixes the traces (by their content), their layer, the folds and
    their seed; other data are refused. ``data`` is where they are, or traces. Rows may be in any order.

    >>> lab = wfkit.benchmark("lab-secretstroll@1/4-sessions", "datasets/data/lab/secretstroll")  # doctest: +SKIP
    >>> wfkit.compare(lab.score(p, name="mine"), lab.evaluate("best"))  # doctest: +SKIP
    """
    known = registry()
    if id not in known["folds"]:
        raise WfkitError(f"there is no benchmark {id}: {', '.join(known['folds'])} are")
    of, split = id.split("/")
    about, how = known["sets"][of], known["splits"][split]
    if isinstance(data, (str, os.PathLike)) or isinstance(data, Sequence) and data and isinstance(data[0], (str, os.PathLike)):
        traces = read(data, layer=about["layer"])
    else:
        traces = as_traces(data)  # type: ignore[arg-type]
    found = {"traces": len(traces), "classes": len(traces.class_names), "layer": traces.layer}
    for name, value in found.items():
        if value != about[name]:
            raise WfkitError(f"{id}: {of} has {name} {about[name]}, and these data {value}; {of} is {about['where']}")
    digests = digests_of(traces)
    content = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    if content != about["sha256"]:
        raise WfkitError(f"{id}: these are other traces than {of}, though as many ({content[:12]}, not {about['sha256'][:12]}); {of} is {about['where']}")
    folds = Folds(how["folds"], by=how["by"], seed=how["seed"], shared_pages=how["shared_pages"])
    drawn = digest_of_folds(digests, folds.fold_of(traces).tolist())
    if drawn != known["folds"][id]:
        raise WfkitError(f"{id}: this version of wfkit draws other folds ({drawn[:12]}, not {known['folds'][id][:12]}): numbers would not compare")
    return Benchmark(id, about["about"], traces, folds)


def digests_of(traces: Traces) -> list[bytes]:
    """SHA-256 of each trace: class, rep, session and page, times and sizes."""
    offsets, time, size = traces.offsets, traces.time, traces.size
    columns = zip(traces.classes.tolist(), traces.reps.tolist(), traces.sessions.tolist(), traces.pages.tolist(), strict=True)
    digests = []
    for row, labels in enumerate(columns):
        packets = slice(offsets[row], offsets[row + 1])
        hashed = hashlib.sha256(json.dumps(labels).encode())
        hashed.update(time[packets].astype("<i8").tobytes())
        hashed.update(size[packets].astype("<i4").tobytes())
        digests.append(hashed.digest())
    return digests


def digest_of_folds(digests: list[bytes], folds: list[int]) -> str:
    """SHA-256 of which trace is in which fold."""
    return hashlib.sha256(b"".join(sorted(one + fold.to_bytes(2, "little") for one, fold in zip(digests, folds, strict=True)))).hexdigest()
