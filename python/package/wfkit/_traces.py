"""What :class:`wfkit.Traces` has in Python."""

from __future__ import annotations

import collections
import html as escape
import os
import tempfile
import warnings
from typing import Any

import numpy as np

from ._wfkit import Traces, WfkitError, WfkitWarning, read

NS_IN_S = 1e9


def restore(
    offsets: Any, time: Any, size: Any, classes: Any, reps: Any, labels: Any, start_ns: Any, provenance: str, known: Any = ()
) -> Traces:
    """Traces from a pickle, older ones of which have no columns of packets."""
    return Traces._from_columns(classes, offsets, time, size, reps.tolist(), labels, start_ns, provenance, list(known))


def from_arrays(
    classes: Any,
    time: Any,
    size: Any,
    offsets: Any,
    unit: str,
    labels: tuple[Any, Any, Any, Any, Any],
    layer: str,
    columns: Any,
) -> Traces:
    """See :meth:`wfkit.Traces.from_arrays`."""
    reps, sessions, origins, pages, start_ns = labels
    if unit not in ("ns", "s"):
        raise WfkitError(f"unit is ns or s, not {unit}")
    names = class_names(classes)
    if offsets is None:
        if len(time) != len(names) or len(size) != len(names):
            raise WfkitError(
                f"{len(time)} arrays of times and {len(size)} of sizes for {len(names)} traces; for flat arrays of all packets give offsets"
            )
        for row, (times, sizes) in enumerate(zip(time, size, strict=True)):
            if len(times) != len(sizes):
                raise WfkitError(f"row {row}: {len(times)} times for {len(sizes)} sizes")
        lengths = np.fromiter((len(times) for times in time), np.int64, len(names))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        time = np.concatenate([np.asarray(times) for times in time]) if names else np.zeros(0, np.int64)
        size = np.concatenate([np.asarray(sizes) for sizes in size]) if names else np.zeros(0, np.int32)
    offsets = np.ascontiguousarray(offsets, np.int64)
    if offsets.shape != (len(names) + 1,) or (np.diff(offsets) < 1).any():
        raise WfkitError(f"{offsets.shape[0]} offsets for {len(names)} traces: one more than traces, and each trace has a packet at least")
    times = nanoseconds(np.asarray(time), unit)
    if offsets[0] != 0 or offsets[-1] != len(times):
        raise WfkitError(f"offsets go from {offsets[0]} to {offsets[-1]}, but there are {len(times)} packets")
    # From the first packet of each trace.
    times = times - np.repeat(times[offsets[:-1]], np.diff(offsets))
    return Traces._from_columns(
        names,
        offsets,
        times,
        signed_bytes(np.asarray(size)),
        None if reps is None else [int(rep) for rep in reps],
        [texts(labels) for labels in (sessions, origins, pages)],
        None if start_ns is None else [None if start is None else int(start) for start in start_ns],
        layer,
        [(str(name), *packet_column(str(name), values, offsets)) for name, values in named(columns)],
    )


def named(columns: Any) -> list[tuple[Any, Any]]:
    """Columns by their names, of a dictionary or a table."""
    if columns is None:
        return []
    if not hasattr(columns, "keys"):
        raise WfkitError(f"columns is {type(columns).__name__}: values by the name of a column are expected, such as columns={{'flow': ..}}")
    return [(name, columns[name]) for name in columns.keys()]


def packet_column(name: str, values: Any, offsets: Any) -> tuple[Any, list[bool] | None]:
    """A value of each packet, -1 where it is not known, and which traces have any, where some have not."""
    lengths = np.diff(offsets)
    is_numbers = isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype != object
    if is_numbers or not any(one is None or np.ndim(one) > 0 for one in values):
        flat, known = np.asarray(values), None
        if flat.shape != (offsets[-1],):
            raise WfkitError(f"{flat.shape[0]} values of {name} for {offsets[-1]} packets")
    else:
        if len(values) != len(lengths):
            raise WfkitError(f"{len(values)} arrays of {name} for {len(lengths)} traces")
        for row, (one, length) in enumerate(zip(values, lengths, strict=True)):
            if one is not None and len(one) != length:
                raise WfkitError(f"row {row}: {len(one)} values of {name} for {length} packets")
        known = [one is not None for one in values]
        each = [np.full(length, -1) if one is None else np.asarray(one) for one, length in zip(values, lengths, strict=True)]
        flat = np.concatenate(each) if each else np.zeros(0, np.int32)
    if flat.dtype == object:
        flat = np.asarray([-1 if value is None else value for value in flat.tolist()])
    if len(flat) == 0:
        flat = flat.astype(np.int32)
    if flat.dtype.kind == "f":
        flat = np.where(np.isnan(flat), -1, flat)
    if flat.dtype.kind not in "iuf" or not ((flat == np.rint(flat)) & (flat >= -1) & (flat < 2**15)).all():
        raise WfkitError(f"{name} holds what is no whole number of -1 (not known) to 32767")
    return np.ascontiguousarray(flat, np.int32), known


def class_names(classes: Any) -> list[str]:
    """Texts and whole numbers as texts; what is missing is NaN or None in arrays."""
    names = []
    for row, name in enumerate(classes):
        if name is None or (isinstance(name, (float, np.floating)) and not float(name).is_integer()):
            raise WfkitError(f"row {row}: {name} names no class: a text or a whole number is expected")
        names.append(str(name))
    return names


def texts(labels: Any) -> list[str | None] | None:
    return None if labels is None else [None if label is None else str(label) for label in labels]


def nanoseconds(times: Any, unit: str) -> Any:
    """Whole nanoseconds."""
    if unit == "ns":
        if times.dtype.kind not in "iu":
            raise WfkitError(f"times are {times.dtype}: whole nanoseconds are expected, or unit='s'")
        return np.ascontiguousarray(times, np.int64)
    if times.dtype.kind not in "iuf" or not np.isfinite(times).all():
        raise WfkitError("times are no finite numbers")
    return np.rint(times.astype(np.float64) * NS_IN_S).astype(np.int64)


def signed_bytes(sizes: Any) -> Any:
    """Whole bytes."""
    if sizes.dtype.kind not in "iuf" or (sizes != np.rint(sizes)).any() or (np.abs(sizes) >= 2**31).any():
        raise WfkitError("sizes are whole numbers of signed bytes below 2^31")
    return np.ascontiguousarray(sizes, np.int32)


def from_wflib(x: Any, y: Any) -> Traces:
    """See :meth:`wfkit.Traces.from_wflib`."""
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or y.shape != (len(x),):
        raise WfkitError(f"arrays: X has the shape {x.shape} and y {y.shape}: (n_traces, length) and (n_traces,) are expected")
    names = class_names(y.tolist())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "arrays.npz")
        # Traces of a file come in the order of their classes: the number of the row as class keeps that of the arrays.
        np.savez(path, X=x, y=np.arange(len(x)))
        with warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            try:
                traces = read([path], None, "tcp", None, None, None, None, None, [], None)
            except WfkitError as error:
                raise WfkitError(str(error).replace(path, "arrays")) from None
    for warning in met:
        warnings.warn(str(warning.message).replace(path, "arrays"), warning.category, stacklevel=3)
    rows = traces.classes.astype(np.int64)
    if traces.dropped:
        left_out = np.setdiff1d(np.arange(len(x)), rows)
        some = ", ".join(str(row) for row in left_out[:10]) + (", .." if len(left_out) > 10 else "")
        reasons = "; ".join(f"{count} {reason}" for reason, count in traces.dropped.items())
        warnings.warn(f"arrays: rows {some} are left out ({reasons}): leave them out of your arrays, too, where rows are to agree", WfkitWarning, stacklevel=3)
    counted: collections.Counter[str] = collections.Counter()
    reps = []
    for name in names:
        reps.append(counted[name])
        counted[name] += 1
    return Traces.from_arrays(
        [names[row] for row in rows], traces.time, traces.size, offsets=traces.offsets, reps=[reps[row] for row in rows], layer=traces.layer
    )


def html(traces: Traces) -> str:
    """A table for a notebook."""
    info = traces.info()

    def median(name: str, unit: str) -> str:
        summary = info[name]
        return "-" if summary is None else f"{summary['median']:,.6g} {unit}"

    rows = {
        "traces": f"{info['traces']:,} of {info['classes']:,} classes",
        "packets": f"{info['packets']:,}, median of a trace {median('packets_per_trace', '')}",
        "bytes": f"median of a trace {median('bytes', 'B')}",
        "duration": f"median of a trace {median('seconds', 's')}",
        "sessions": f"{info['sessions']:,}",
        "layer": traces.layer,
        "defences": " + ".join(traces.defences) or "none",
    }
    if traces.columns:
        rows["of packets"] = "time, size, " + ", ".join(traces.columns)
    cells = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{escape.escape(text)}</td></tr>" for name, text in rows.items())
    return f"<table>{cells}</table>"
