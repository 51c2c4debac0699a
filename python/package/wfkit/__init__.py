"""Website fingerprinting from Python: traces, features, attacks, defences and their scores.

Traces come from captures and from the files of other tools (:func:`read`), from arrays (:meth:`Traces.from_arrays`) or from any
table that speaks Arrow (:meth:`Traces.from_arrow`). :func:`features`, :func:`defend`, :func:`train` and :func:`evaluate` do what the
commands of the same name do, with the same results for the same seed; :func:`score` judges what a model of your own says.
:func:`explain` says what gives classes away, :mod:`wfkit.plot` draws, and :mod:`wfkit.competition` plays.
:class:`Attack`, :class:`ForestClassifier` and :class:`Folds` work with scikit-learn.

>>> import wfkit
>>> traces = wfkit.Traces.from_arrays(["cat", "dog"], [[0, 4_000], [0, 9_000]], [[600, -1448], [600, -52]])
>>> wfkit.features(traces, "totals").values.shape
(2, 5)

Times are whole nanoseconds from the first packet of a trace. Sizes are signed bytes: positive is outgoing (client to network),
negative incoming. Everything random has a ``seed``: the same input and seed give the same bytes, on any number of threads
(``RAYON_NUM_THREADS`` says how many).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import competition, convert, plot
from ._benchmarks import Benchmark, benchmark, benchmarks
from ._functions import attacks, defences, defend, evaluate, explain, features, read, read_parts, score, train, write_parts
from ._results import (
    ClassScores,
    Comparison,
    Confusion,
    Defended,
    Evaluation,
    Explained,
    Explanation,
    Features,
    Fold,
    Interval,
    Scores,
    Sheet,
    compare,
)
from ._splits import Folds
from ._wfkit import (
    Batch,
    FeatureExtractor,
    Model,
    Parts,
    Picture,
    Profile,
    Trace,
    Traces,
    WfkitError,
    WfkitWarning,
    __version__,
    defend_batch,
    features_batch,
    predict_batch,
)

if TYPE_CHECKING:
    from ._estimators import Attack, ForestClassifier

__all__ = [
    "Attack",
    "Batch",
    "Benchmark",
    "ClassScores",
    "Comparison",
    "Confusion",
    "Defended",
    "Evaluation",
    "Explained",
    "Explanation",
    "FeatureExtractor",
    "Features",
    "Fold",
    "Folds",
    "ForestClassifier",
    "Interval",
    "Model",
    "Parts",
    "Picture",
    "Profile",
    "Scores",
    "Sheet",
    "Trace",
    "Traces",
    "WfkitError",
    "WfkitWarning",
    "__version__",
    "attacks",
    "benchmark",
    "benchmarks",
    "compare",
    "competition",
    "convert",
    "defences",
    "defend",
    "defend_batch",
    "evaluate",
    "explain",
    "features",
    "features_batch",
    "plot",
    "predict_batch",
    "read",
    "read_parts",
    "score",
    "train",
    "write_parts",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import, and whoever needs neither of these need not have it.
    if name in ("Attack", "ForestClassifier"):
        try:
            from . import _estimators
        except ModuleNotFoundError as error:
            raise ImportError(f"wfkit.{name} needs scikit-learn: pip install 'wfkit[sklearn]'") from error
        return getattr(_estimators, name)
    raise AttributeError(f"module 'wfkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
