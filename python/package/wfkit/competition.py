"""Files and scores of a privacy competition, from both sides: what ``wfkit competition`` does with files.

A defender :func:`export`\\ s defended traces, and :func:`check`\\ s the file; the host :func:`split`\\ s it into train, test and
verification files; an attacker trains on the first (``wfkit.read``), :func:`read_test`\\ s the second, says how probable each
class is (:func:`write_attack`), and the host :func:`score`\\ s that. ``competition/README.md`` has the files and the rules.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _wfkit
from ._types import Path, TracesLike, as_traces
from ._wfkit import Traces, WfkitError

__all__ = ["Rules", "export", "check", "split", "read_test", "write_attack", "score"]


@dataclass(frozen=True)
class Rules:
    """Classes, named 1 to ``classes``; repetitions of a class, ``reps`` on average and less than ``deviation`` away from that; a
    trace has more packets than ``min_packets``. By default those of the competition of 2022.
    """

    classes: int = 100
    reps: int = 32
    deviation: int = 7
    min_packets: int = 5

    @property
    def _numbers(self) -> tuple[int, int, int, int]:
        return self.classes, self.reps, self.deviation, self.min_packets


RULES = Rules()


def export(traces: TracesLike, path: Path, rules: Rules = RULES) -> dict[str, Any]:
    """Writes a defence file (``.csv`` or ``.csv.zip``), and checks it.

    Returns the report of the check (``accepted``, ``problems``, ``warnings``, ``cost``), and under ``classes_file`` where the names of
    the classes were written, if they are not 1 to N already.
    """
    read = json.loads(_wfkit.export(as_traces(traces), os.fspath(path), rules._numbers))
    report: dict[str, Any] = read["report"] | {"classes_file": read["classes_file"]}
    return report


def check(path: Path, *, verif: Path | Sequence[Path] | None = None, rules: Rules = RULES) -> dict[str, Any]:
    """Holds a defence file against the rules, or, with the verification files, an attack file: ``accepted``, and all ``problems``."""
    report: dict[str, Any] = json.loads(_wfkit.check(os.fspath(path), None if verif is None else files(verif), rules._numbers))
    return report


def split(path: Path, folder: Path, *, team_id: int = 1, test_traces: int = 300, seed: int = 0) -> dict[str, Any]:
    """Parts a defence file: returns the names of the files under ``train``, ``test`` and ``verif``, and how many traces they have.

    Every class is on both sides, and traces with the same packets stay together where they can. Files that are there are replaced, but
    for the one that is read.
    """
    report: dict[str, Any] = json.loads(_wfkit.part(os.fspath(path), os.fspath(folder), team_id, test_traces, seed))
    return report


def read_test(path: Path) -> tuple[Traces, npt.NDArray[np.int64]]:
    """The traces of a test file, whose classes nobody is told, and their ids, shape ``(n_traces,)``."""
    traces, ids = _wfkit.captures(os.fspath(path))
    return traces, np.array(ids, np.int64)


def write_attack(
    path: Path,
    probabilities: Any,
    ids: Sequence[int] | npt.NDArray[np.int64],
    *,
    class_names: Sequence[str],
    team_id: int = 1,
    rules: Rules = RULES,
) -> None:
    """Writes an attack file: ``probabilities``, shape ``(n_traces, n_classes)``, of the traces with these ``ids``, a column for each of
    ``class_names``.
    """
    values = np.ascontiguousarray(np.asarray(probabilities, np.float64))
    if values.ndim != 2:
        raise WfkitError(f"probabilities have {values.ndim} axes: one row a trace and one column a class are expected")
    _wfkit.attack_file(os.fspath(path), team_id, [int(one) for one in ids], values, [str(name) for name in class_names], rules.classes)


def score(*, attack: Path | None = None, verif: Path | Sequence[Path] = (), defence: Path | None = None) -> dict[str, Any]:
    """The scores: of an attack on the teams whose verification files are given, of a defence, or of both.

    ``attack_score`` is ten times the ROC-AUC of a team's attacks, ``cost["utility"]`` is high where its own defence costs little, and
    ``total``, by which a round is won, is their product: a team defends and attacks.
    """
    read: dict[str, Any] = json.loads(
        _wfkit.competition_score(
            None if attack is None else os.fspath(attack), files(verif), None if defence is None else os.fspath(defence)
        )
    )
    return read


def files(paths: Path | Sequence[Path]) -> list[str]:
    return [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]
