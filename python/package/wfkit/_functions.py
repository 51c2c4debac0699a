"""The functions of the package."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _wfkit
from ._progress import watcher
from ._results import Defended, Evaluation, Explanation, Features
from ._splits import Folds, rows_of
from ._types import FoldsLike, Path, Progress, TracesLike, as_traces
from ._wfkit import FeatureExtractor, Model, Parts, Traces, WfkitError


def read(
    path: Path | Sequence[Path],
    *paths: Path,
    format: str | None = None,
    layer: str = "tcp",
    label: str | None = None,
    labels: Path | None = None,
    client: str | None = None,
    flows: str | None = None,
    peer: str | None = None,
    packet_columns: str | Sequence[str] = (),
    progress: Progress = None,
) -> Traces:
    """Reads captures or traces, told by content: files, or folders of them.

    pcap and pcapng, plain or packed, and what ``tshark -T fields`` wrote, give one trace a file. Traces are wfkit's Parquet and CSV,
    the arrays of WFlib, Robust Fingerprinting, DF and Tik-Tok (``npz``, pickles, in which nothing is run), and the texts of
    Wang, k-FP, CUMUL, Maybenot, circpad and others: ``datasets/README.md`` lists them all, and the handbook's page of
    formats has their signs, units and what each loses.

    Parameters
    ----------
    path, paths
        One file or folder or several, which are joined.
    format
        What the file is, where its content does not tell: ``wang``, ``kfp``, ``npz`` ..; of captures nothing.
    layer
        Of captures: which sizes the traces have, ``frame``, ``ip``, ``tcp``, ``tls``, ``cell`` or ``udp``.
    label, labels
        Of captures: where class, rep and session come from, a pattern with the named groups ``class``, ``rep`` and ``session`` or
        ``"folders"``; or a CSV file with ``path, class, rep, session``.
    client, flows, peer
        Of captures: as ``wfkit capture import`` has them.
    packet_columns
        Of captures: what to keep of each packet beside time and size, ``flow`` and ``proto`` (:attr:`wfkit.Traces.columns`). Files of traces keep
        what they have.
    progress
        None: a bar in notebooks and terminals, where it takes longer than a second; False: none; or a function that is called with
        the work, the steps done and all steps.

    Warns with :class:`wfkit.WfkitWarning` of what may not be what was meant; what was left out is in ``traces.dropped``.
    """
    first = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    all_paths = [os.fspath(one) for one in (*first, *paths)]
    kept = [packet_columns] if isinstance(packet_columns, str) else list(packet_columns)
    return _wfkit.read(all_paths, format, layer, label, labels, client, flows, peer, kept, watcher(progress))


def read_parts(path: Path) -> Parts:
    """The traces of one of our Parquet files in parts, for what does not fit memory: an iterator of :class:`wfkit.Traces`, in the order of the file.

    A part has 4 million packets at most (50 MB), or one trace. Row groups may be as large as they like, also those that other tools wrote. ``.traces`` and
    ``.packets`` say how many there are. The file is in the order of class (numbers by value), session and rep, as all that wfkit writes.

    >>> import tempfile
    >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     traces.write(f"{folder}/t.parquet")
    ...     [len(part) for part in read_parts(f"{folder}/t.parquet")]
    [2]
    """
    return _wfkit.parts(path)


def write_parts(tables: Any, path: Path, *, croissant: bool = True) -> dict[str, int]:
    """Writes traces that need not fit memory, part by part, as :meth:`wfkit.Traces.write` does: the same traces give the same bytes.

    Parameters
    ----------
    tables
        Whatever speaks Arrow, such as a ``pyarrow.Table`` of any number of chunks or a ``pyarrow.RecordBatchReader``; or an iterator over traces or
        tables, such as :func:`wfkit.read_parts`, or what :func:`wfkit.defend_batch` makes of each of its parts. Columns are those of
        :meth:`wfkit.Traces.from_arrow`; rows are in the order of class (numbers by value), session and rep.
    path
        ``.parquet``, ``.csv`` or ``.csv.zip``. A file that is there is replaced when the new one is whole, also one that the tables are
        read from.
    croissant
        Whether a description in Croissant is written beside.

    Returns the numbers of ``traces``, ``classes`` and ``packets``.

    >>> import tempfile
    >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parts((traces[row : row + 1] for row in range(2)), f"{folder}/t.parquet")
    {'traces': 2, 'classes': 2, 'packets': 3}
    """
    written = _wfkit.write_parts(tables, path, croissant)
    return dict(zip(("traces", "classes", "packets"), written, strict=True))


def features(
    traces: TracesLike,
    sets: str | FeatureExtractor,
    *,
    fit_on: TracesLike | None = None,
    progress: Progress = None,
) -> Features:
    """Features of traces, by named sets (``"kfp-size"``, ``"cumul,totals"``; ``features/README.md`` has the sources).

    Some sets learn lengths or vocabularies: from ``fit_on``, by default from these traces. For an evaluation by hand give the
    training part, or an extractor that was fitted to it, or use :class:`wfkit.Attack`, which does so.

    >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    >>> features(traces, "totals").names[0]
    'totals.out_packets'
    """
    taken = as_traces(traces)
    if isinstance(sets, FeatureExtractor):
        if fit_on is not None:
            raise WfkitError("the extractor is fitted already: give the names of sets, or no fit_on")
        extractor = sets
    else:
        extractor = FeatureExtractor.fit(taken if fit_on is None else as_traces(fit_on), sets)
    return Features(extractor.transform(taken, watcher(progress)), extractor, taken)


def explain(
    traces: TracesLike,
    sets: str,
    *,
    about: str | None = None,
    trees: int = 100,
    repeats: int = 5,
    seed: int = 0,
) -> Explanation:
    """What features give classes away, and how much: of all classes, or of the one that it is ``about``.

    A forest is grown on the features, and each of them, and each group, is permuted ``repeats`` times: importance is the probability that
    the true class then loses, out of bag (Breiman 2001). Two features that say the same share their importance: ``auc`` and ``bits`` are of
    each alone.

    >>> traces = wfkit.Traces.from_arrays(["a"] * 4 + ["b"] * 4, [[0]] * 8, [[600 + n] for n in range(4)] + [[20 + n] for n in range(4)])
    >>> wfkit.explain(traces, "totals").groups[0].tells
    'volume'
    """
    return Explanation(sets, about, _wfkit.explain(as_traces(traces), sets, about, trees, repeats, seed))


def defend(
    traces: TracesLike,
    defence: str,
    *,
    seed: int = 0,
    replicas: int = 1,
    fit_on: TracesLike | None = None,
    progress: Progress = None,
) -> Defended:
    """Traces as an observer sees them behind a defence, ``name[:preset][,key=value]``, layers joined by ``+``.

    ``defend/README.md`` has names, presets and sources. ``replicas`` are independent draws of each trace, which know that they are of
    one load. Defences that learn take ``fit_on``, training traces. The same traces, defence and seed give the same bytes, and
    those of ``wfkit defend``.

    >>> traces = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0, 3]], [[600, -1448], [20, -40]], layer="tcp")
    >>> defended = defend(traces, "pad:mtu")
    >>> defended.traces.size.tolist(), round(defended.bandwidth_overhead, 2)
    ([1448, -1448, 1448, -1448], 1.75)
    """
    training = None if fit_on is None else as_traces(fit_on)
    observed, spec, manifest, overheads = _wfkit.defend(
        as_traces(traces), defence, seed, replicas, training, watcher(progress)
    )
    return Defended(observed, spec, seed, json.loads(overheads), json.loads(manifest))


def attack_spec(
    name: str,
    trees: int | None = None,
    balanced: bool = False,
    max_depth: int | None = None,
    min_samples_leaf: int | None = None,
    max_leaf_nodes: int | None = None,
    calibration: str | None = None,
    unmonitored: str | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "trees": trees,
        "balanced": balanced,
        "max_depth": max_depth,
        "min_samples_leaf": min_samples_leaf,
        "max_leaf_nodes": max_leaf_nodes,
        "calibration": calibration,
        "unmonitored": unmonitored,
    }


def train(traces: TracesLike, attack: str = "kfp-size", *, seed: int = 0, progress: Progress = None, **options: Any) -> Model:
    """Trains an attack on traces; :func:`attacks` lists the names, and a list of feature sets is a forest over them.

    ``options`` are those of :class:`wfkit.Attack`: ``trees``, ``balanced``, ``max_depth``, ``min_samples_leaf``, ``max_leaf_nodes``,
    ``calibration``, ``unmonitored``. ``model.save("m.wfm")`` writes what ``wfkit predict`` reads.

    >>> traces = wfkit.Traces.from_arrays(["a"] * 4 + ["b"] * 4, [[0]] * 8, [[600]] * 4 + [[20]] * 4)
    >>> train(traces, "totals", trees=10).predict_proba(traces[:1]).round(2).tolist()
    [[1.0, 0.0]]
    """
    return _wfkit.train(as_traces(traces), attack_spec(attack, **options), seed, watcher(progress))


def evaluate(
    traces: TracesLike,
    attack: str | Any = "kfp-size",
    *,
    folds: FoldsLike = 5,
    test: TracesLike | None = None,
    seed: int | None = None,
    progress: Progress = None,
    **options: Any,
) -> Evaluation:
    """An attack, trained and tested on every fold; or trained on ``traces`` and tested on ``test``.

    Parameters
    ----------
    attack
        A name, or a :class:`wfkit.Attack`.
    folds
        A number of stratified folds; :class:`wfkit.Folds`; the number of the fold of each trace, shape ``(n_traces,)``; or pairs of
        rows to train on and rows to test on.
    seed
        Of the folds, where they are a number, and of the attack and the intervals; by default that of :class:`wfkit.Folds`, else 0.
    options
        Those of :class:`wfkit.Attack`.

    >>> traces = wfkit.Traces.from_arrays(["a"] * 5 + ["b"] * 5, [[0]] * 10, [[600 + n] for n in range(5)] + [[n + 1] for n in range(5)])
    >>> evaluate(traces, "totals", folds=5).accuracy
    1.0
    """
    taken = as_traces(traces)
    if not isinstance(attack, str):
        parameters = dict(attack.get_params())
        attack, own = parameters.pop("name"), parameters.pop("seed")
        seed = own if seed is None else seed
        options = parameters | options
    seed = seed_of(folds) if seed is None else seed
    spec = attack_spec(attack, **options)
    if test is not None:
        measured = _wfkit.evaluate_on(taken, as_traces(test), spec, seed, watcher(progress))
        return Evaluation(measured.attack, "train and test", seed, measured)
    rows, split = rows_of(folds, taken, seed)
    measured = _wfkit.evaluate(taken, spec, rows, seed, watcher(progress))
    return Evaluation(measured.attack, split, seed, measured)


def score(
    probabilities: Any,
    truth: TracesLike | Sequence[str] | Any,
    *,
    classes: Sequence[str] | None = None,
    folds: FoldsLike | None = None,
    rows: Sequence[int] | Any | None = None,
    name: str = "given",
    seed: int | None = None,
) -> Evaluation:
    """Scores class probabilities of anybody's model, as those of wfkit's own attacks are.

    Parameters
    ----------
    probabilities
        Shape ``(n_tested, n_classes)``, rows sum to 1; or a table with a column for each class, named by it.
    truth
        The traces that they are of; or their classes, shape ``(n_traces,)``.
    classes
        The class of each column; by default the classes of the truth in their order (``traces.class_names``: numbers by value).
    folds
        How the model was trained and tested, as in :func:`evaluate`: intervals and tests need it.
    rows
        The row of the traces behind each row of probabilities; by default all rows, or those that the folds test.
    name
        What to call the model.
    seed
        Of the intervals; by default that of :class:`wfkit.Folds`, else 0.

    >>> truth = ["a", "a", "b", "b"]
    >>> score([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], truth).accuracy
    0.75
    """
    traces = truth if isinstance(truth, Traces) else labels_alone(truth)
    seed = seed_of(folds) if seed is None else seed
    columns = getattr(probabilities, "columns", None)
    if classes is None:
        classes = traces.class_names if columns is None else [str(column) for column in columns]
    array = probabilities.to_numpy() if hasattr(probabilities, "to_numpy") else probabilities
    values = np.ascontiguousarray(np.asarray(array, np.float64))
    if values.ndim != 2:
        raise WfkitError(f"probabilities have {values.ndim} axes: one row a trace and one column a class are expected")
    splits, split = (None, "folds not told") if folds is None else rows_of(folds, traces, seed)
    if rows is None:
        tested = sorted(row for _, _, test in splits or [] for row in test)
        if len(values) not in (len(traces), len(tested) or len(traces)):
            raise WfkitError(f"{len(values)} rows of probabilities for {len(traces)} traces: say by rows= which they are of")
        rows = range(len(traces)) if len(values) == len(traces) else tested
    numbers = [int(row) for row in rows]
    measured = _wfkit.given(traces, name, values, [str(one) for one in classes], numbers, splits, seed)
    return Evaluation(name, split, seed, measured)


def seed_of(folds: FoldsLike | None) -> int:
    return folds.seed if isinstance(folds, Folds) else 0


def labels_alone(truth: Any) -> Traces:
    """Traces of which nothing is known but their classes; each is its own load."""
    if hasattr(truth, "traces") or hasattr(truth, "__arrow_c_stream__") and hasattr(truth, "columns"):
        return as_traces(truth)
    labels = [str(label) for label in np.asarray(truth).tolist()]
    return Traces.from_arrays(labels, [[0]] * len(labels), [[row + 1] for row in range(len(labels))])


def attacks() -> list[dict[str, Any]]:
    """The attacks that have names: what each does, its source, cost and use.

    >>> "kfp-size" in [attack["name"] for attack in attacks()]
    True
    """
    read: list[dict[str, Any]] = json.loads(_wfkit.attacks())
    return read


def defences() -> list[dict[str, Any]]:
    """The defences: what each does, its source, published overheads, caveats and presets with their parameters.

    >>> "front" in [defence["name"] for defence in defences()]
    True
    """
    read: list[dict[str, Any]] = json.loads(_wfkit.defences())
    return read
