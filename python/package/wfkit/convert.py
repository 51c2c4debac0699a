"""Public sets that need a library of their own to be read, as :class:`wfkit.Traces`.

==================  =====================================================================  ===========================
:func:`gtt23`       circuits of real users, seen at exit relays (GTT23), HDF5               cells of 514 bytes
:func:`cesnet`      flows of CESNET DataZoo (TLS, QUIC), HDF5 of PyTables                   first 30 packets of each
:func:`swallow`     one set of sites from eight vantage points (Swallow), folders           cells of 514 bytes
:func:`pickled`     arrays in a pickle, in which nothing is run                             as they are
==================  =====================================================================  ===========================

The first two need h5py: ``pip install 'wfkit[hdf5]'``. All else that the field has on disk is read by :func:`wfkit.read`.
"""

from __future__ import annotations

import collections
import io
import os
import pickle
import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ._functions import read
from ._types import Path
from ._wfkit import Traces, WfkitError, WfkitWarning

__all__ = ["cesnet", "gtt23", "pickled", "swallow"]

# Bytes of a Tor cell.
CELL = 514
# Rows that are read at once: a circuit has 80 kB.
ROWS = 1_000
NS_IN_MS, NS_IN_S = 1e6, 1e9


class Parts:
    """Traces that are put together, and what was left out, by reason."""

    def __init__(self) -> None:
        self.time: list[npt.NDArray[np.int64]] = []
        self.size: list[npt.NDArray[np.int32]] = []
        self.classes: list[str] = []
        self.sessions: list[str] = []
        self.start_ns: list[int | None] = []
        self.columns: dict[str, list[npt.NDArray[np.int64]]] = {}
        self.left_out: collections.Counter[str] = collections.Counter()

    def add(
        self, time: Any, size: Any, name: str, session: str, start_ns: int | None = None, columns: Mapping[str, Any] | None = None
    ) -> None:
        if len(time) == 0:
            self.left_out["without a packet"] += 1
        elif (np.diff(time) < 0).any():
            self.left_out["times go back"] += 1
        else:
            self.time.append(np.asarray(time, np.int64) - int(time[0]))
            self.size.append(np.asarray(size, np.int32))
            self.classes.append(name)
            self.sessions.append(session)
            self.start_ns.append(start_ns)
            for column, values in (columns or {}).items():
                self.columns.setdefault(column, []).append(np.asarray(values, np.int64))

    def traces(self, path: Path, layer: str, warned: Sequence[str] = ()) -> Traces:
        left_out = [f"{count} rows are left out: {reason}" for reason, count in sorted(self.left_out.items())]
        if not self.classes:
            raise WfkitError(f"{os.fspath(path)}: no trace is left; {'; '.join(left_out) or 'none was chosen'}")
        for message in [*left_out, *warned]:
            warnings.warn(f"{os.fspath(path)}: {message}", WfkitWarning, stacklevel=3)
        lengths = np.fromiter((len(one) for one in self.time), np.int64, len(self.time))
        counted: collections.Counter[tuple[str, str]] = collections.Counter()
        reps = []
        for key in zip(self.classes, self.sessions, strict=True):
            counted[key] += 1
            reps.append(counted[key])
        return Traces.from_arrays(
            self.classes,
            np.concatenate(self.time),
            np.concatenate(self.size),
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            reps=reps,
            sessions=self.sessions,
            start_ns=self.start_ns,
            layer=layer,
            columns={column: np.concatenate(values) for column, values in self.columns.items()},
        )


def gtt23(
    path: Path,
    *,
    rows: range | Sequence[int] | None = None,
    days: Collection[int] | None = None,
    ports: Collection[int] | None = None,
    labels: Collection[str] | None = None,
) -> Traces:
    """Circuits of GTT23 (Jansen, Wails and Johnson, A Measurement of Genuine Tor Traces for Realistic Website Fingerprinting, 2024).

    The class is the circuit's label: its shortest private suffix or, where that is empty, its domain. The session is the day of the
    measurement, ``day 1`` and on. Cells keep their times and directions, and their commands as ``cell_cmd`` and ``relay_cmd``
    (:attr:`wfkit.Traces.columns`), where the table has them. They were measured at **exit relays**, not at the client's link: what an attacker
    between client and guard sees has other times.

    Parameters
    ----------
    path
        ``gtt23.hdf5`` or a part of it: a table ``circuits`` of ``uuid, domain, shortest_private_suffix, day, port, len`` and ``cells`` of
        ``time, direction, cell_cmd, relay_cmd``.
    rows
        Circuits to look at, ascending, by default all. The whole set has 13.9 million and does not fit memory: take ``range(a, b)`` after
        ``range(a, b)``, and write each part, or choose by what follows.
    days, ports, labels
        Those with one of these alone.
    """
    with opened(path) as file:
        circuits = table_of(path, file, "circuits")
        fields = fields_of(path, "circuits", circuits, ["domain", "shortest_private_suffix", "day", "port", "len", "cells"])
        missing = {"time", "direction"} - set(fields["cells"].base.names or ())
        if missing:
            raise WfkitError(f"{os.fspath(path)}: cells have no {' and no '.join(sorted(missing))}: these are no circuits of GTT23")
        commands = [name for name in ("cell_cmd", "relay_cmd") if name in (fields["cells"].base.names or ())]
        parts = Parts()
        wanted = None if labels is None else set(labels)
        for row, circuit in rows_of(path, circuits, rows):
            label = text(circuit["shortest_private_suffix"]) or text(circuit["domain"])
            if days is not None and int(circuit["day"]) not in days:
                continue
            if ports is not None and int(circuit["port"]) not in ports or wanted is not None and label not in wanted:
                continue
            length = int(circuit["len"])
            if length > len(circuit["cells"]):
                raise WfkitError(f"{os.fspath(path)}: circuit {row} says that it has {length} cells, and there is room for {len(circuit['cells'])}")
            cells = circuit["cells"][:length]
            direction = cells["direction"].astype(np.int32)
            if not np.isin(direction, (1, -1)).all():
                place = int(np.flatnonzero(~np.isin(direction, (1, -1)))[0])
                raise WfkitError(f"{os.fspath(path)}: circuit {row}, cell {place}: direction {direction[place]}, neither 1 (from the client) nor -1")
            if not np.isfinite(cells["time"]).all():
                raise WfkitError(f"{os.fspath(path)}: circuit {row}: a time is no number")
            if not label:
                parts.left_out["neither domain nor suffix says the class"] += 1
                continue
            columns = {name: cells[name] for name in commands}
            parts.add(np.rint(cells["time"] * NS_IN_S), direction * CELL, label, f"day {int(circuit['day'])}", columns=columns)
    return parts.traces(path, "cell")


def cesnet(
    path: Path,
    *,
    names: Mapping[int, str] | Callable[[int], str] | None = None,
    tables: Sequence[str] | None = None,
    rows: range | Sequence[int] | None = None,
    apps: Collection[str] | None = None,
) -> Traces:
    """Flows of a database of CESNET DataZoo (Luxemburk et al., CESNET DataZoo, 2023): their first 30 packets.

    Times are the sums of the gaps (whole ms), sizes the bytes of transport payload, + from the client. The session is the day of the
    table. Acknowledgements are in none, retransmissions of TCP were taken out by the exporter.

    Parameters
    ----------
    path
        The HDF5 of PyTables: tables ``/flows/D20220101`` and on, with ``APP`` and ``PPI`` (gaps, directions, sizes and, for TCP, push flags).
    names
        What the numbers in ``APP`` are called, which the file does not say: ``dataset._tables_app_enum`` of the package ``cesnet-datazoo``, or
        ``str`` to keep the numbers. Not needed where the column is an enumeration with names.
    tables
        Days to read, such as ``["D20220101"]``; by default all.
    rows
        Rows of each table to look at, ascending, by default all. Sets have up to 10^8 flows: take a part after the other.
    apps
        Flows of these classes alone.
    """
    with opened(path) as file:
        if "flows" not in file:
            raise WfkitError(f"{os.fspath(path)}: there is no group /flows: this is no database of CESNET DataZoo")
        days = sorted(file["flows"]) if tables is None else [str(name).rsplit("/", 1)[-1] for name in tables]
        parts = Parts()
        zero, channels = 0, set()
        for day in days:
            table = table_of(path, file, f"flows/{day}")
            fields = fields_of(path, f"flows/{day}", table, ["APP", "PPI"])
            called = names_of(path, fields["APP"], names)
            channels.add(fields["PPI"].shape[0])
            if fields["PPI"].ndim != 2 or fields["PPI"].shape[0] not in (3, 4):
                raise WfkitError(f"{os.fspath(path)}: PPI has the shape {fields['PPI'].shape}: 3 or 4 rows of packets are expected (gaps, directions, sizes, push flags)")
            session = re.sub(r"^D(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", day)
            started = "TIME_FIRST" in (table.dtype.names or ()) and table.dtype["TIME_FIRST"].kind == "f"
            for row, flow in rows_of(path, table, rows):
                name = called(int(flow["APP"]))
                if apps is not None and name not in apps:
                    continue
                gaps, direction, sizes = (np.asarray(channel, np.int64) for channel in flow["PPI"][:3])
                there = direction != 0  # the rest is padding
                if not np.isin(direction[there], (1, -1)).all() or (gaps < 0).any() or (sizes < 0).any():
                    raise WfkitError(f"{os.fspath(path)}: flows/{day}, row {row}: PPI is no gaps, directions of 1 or -1, and sizes")
                time = np.cumsum(gaps) * int(NS_IN_MS)
                zero += int((there & (sizes == 0)).sum())
                there &= sizes > 0
                start = int(round(float(flow["TIME_FIRST"]) * NS_IN_S)) if started and np.isfinite(flow["TIME_FIRST"]) else None
                parts.add(time[there], (direction * sizes)[there], name, session, start)
    if len(channels) > 1:
        raise WfkitError(f"{os.fspath(path)}: some tables have push flags, and some have none: TCP and UDP are not one set; give tables=")
    warned = [f"{zero} packets are left out: they carry nothing"] if zero else []
    return parts.traces(path, "tcp" if channels == {4} else "udp", warned)


# Where the vantage points of Swallow were, and which browser asked when.
SWALLOW = {
    "D1": "Chicago, Tor Browser, 2024-07",
    "D2": "Singapore, Tor Browser, 2024-07",
    "D3": "London, Tor Browser, 2024-07",
    "D4": "Johannesburg, Tor Browser, 2024-07",
    "D5": "Mumbai, Tor Browser, 2024-07",
    "D6": "Chicago, Tor Browser, 2024-10",
    "D7": "Chicago, Chrome, 2024-07",
    "D8": "Chicago, Tor Browser, 2024-07, 4,000 unmonitored sites",
}


def swallow(folder: Path, *, points: Sequence[str] | None = None, defence: str = "Undefence") -> dict[str, Traces]:
    """The raw traces of Swallow (Shen et al., CCS 2025), a set each vantage point: ``{"D1": .., "D2": ..}``.

    Trained on one and tested on another: ``wfkit.evaluate(points["D1"], "best", test=points["D2"])``. Where each was stands in
    :data:`wfkit.convert.SWALLOW`. Classes are numbers of sites, the same at all points.

    Parameters
    ----------
    folder
        The folder ``Traces``, with a folder a point and defence, ``D1-Undefence`` and the like, of files ``SITE-VISIT`` (or ``SITE``, where it is
        not monitored): a line a cell, seconds, a tab, and 1 (out) or -1 (in). What ``SaveData`` has are counts by time, not traces.
    points
        Such as ``["D1", "D2"]``; by default all that are there.
    defence
        As the folders call it: ``Undefence``, ``WTF-PAD``, ``Front``, ..
    """
    root = os.fspath(folder)
    found: dict[str, dict[str, str]] = {}
    for name in sorted(os.listdir(root)):
        match = re.fullmatch(r"(D\d)-(.+)", name)
        if match and os.path.isdir(os.path.join(root, name)):
            found.setdefault(match[2], {})[match[1]] = os.path.join(root, name)
    if defence not in found:
        there = ", ".join(sorted(found)) or "none of any: a folder a point and defence, such as D1-Undefence, is expected"
        raise WfkitError(f"{root}: there is no vantage point with the defence {defence}; there are {there}")
    chosen = sorted(found[defence]) if points is None else list(points)
    missing = [point for point in chosen if point not in found[defence]]
    if missing:
        raise WfkitError(f"{root}: there is no {missing[0]}-{defence}; there are {', '.join(sorted(found[defence]))}")
    return {point: read(found[defence][point], format="wang", progress=False) for point in chosen}


# What arrays are made of in a pickle, by whichever NumPy wrote it; nothing else is called.
HARMLESS = {
    (module, name)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
    for name in ("_reconstruct", "scalar", "_frombuffer")
} | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")}


class ArraysAlone(pickle.Unpickler):
    """Reads arrays, numbers, texts, and lists and dictionaries of them, and refuses the rest: a pickle is a program."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        super().__init__(file, encoding="latin1")
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise WfkitError(
                f"{self.path}: the pickle asks for {module}.{name}, and arrays need none of it: nothing in it was run; save the arrays by "
                "numpy.savez, where you trust it"
            )
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise WfkitError(f"{self.path}: the pickle refers to something outside of it")


def pickled(path: Path) -> Any:
    """What a pickle has in it, if that is arrays, numbers, texts, and lists and dictionaries of them; nothing in it is run.

    Also a ``.npy`` of objects, as ``numpy.save`` makes it of dictionaries. Then :meth:`wfkit.Traces.from_wflib` or
    :meth:`wfkit.Traces.from_arrays` takes the arrays. The pickles of Deep Fingerprinting and Tik-Tok are read by :func:`wfkit.read`.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            file.seek(0)
            return unpickled(file, name)
        file.seek(0)
        content = io.BytesIO(file.read())
    version = np.lib.format.read_magic(content)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        _, _, dtype = reader(content)
        if not dtype.hasobject:
            return np.load(path, allow_pickle=False)
    except ValueError as error:
        raise WfkitError(f"{name}: {error}") from None
    array = unpickled(content, name)
    # A dictionary that was saved is an array of no axes with it inside.
    return array.item() if isinstance(array, np.ndarray) and array.shape == () else array


def unpickled(file: IO[bytes], name: str) -> Any:
    try:
        return ArraysAlone(file, name).load()
    except WfkitError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise WfkitError(f"{name}: no pickle of arrays, or a damaged one: {error}") from None


def opened(path: Path) -> Any:
    """A file of HDF5, to read."""
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ImportError("HDF5 needs h5py: pip install 'wfkit[hdf5]'") from error
    try:
        import hdf5plugin  # noqa: F401  (knows the compressions of Blosc, where it is there)
    except ModuleNotFoundError:
        pass
    os.stat(path)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise WfkitError(f"{os.fspath(path)}: no HDF5, or a damaged one: {error}") from None


def table_of(path: Path, file: Any, name: str) -> Any:
    """A table of records."""
    table = file.get(name)
    if table is None or not hasattr(table, "dtype"):
        raise WfkitError(f"{os.fspath(path)}: there is no table {name}; there are {', '.join(sorted(file)) or 'none'}")
    return table


def fields_of(path: Path, name: str, table: Any, needed: Sequence[str]) -> dict[str, Any]:
    """The types of the columns that are needed."""
    columns = table.dtype.names or ()
    missing = [column for column in needed if column not in columns]
    if missing:
        raise WfkitError(f"{os.fspath(path)}: the table {name} has no column {missing[0]}; it has {', '.join(columns) or 'no columns'}")
    return {column: table.dtype[column] for column in needed}


def rows_of(path: Path, table: Any, rows: range | Sequence[int] | None) -> Any:
    """Numbers and records, a block at a time."""
    chosen = range(len(table)) if rows is None else rows
    if len(chosen) and not (0 <= chosen[0] and chosen[-1] < len(table)):
        raise WfkitError(f"{os.fspath(path)}: rows {chosen[0]} to {chosen[-1]} of {len(table)}, counted from 0")
    for begin in range(0, len(chosen), ROWS):
        block = chosen[begin : begin + ROWS]
        at = slice(block.start, block.stop) if isinstance(block, range) and block.step == 1 else np.asarray(block)
        try:
            records = table[at]
        except OSError as error:
            raise WfkitError(f"{os.fspath(path)}: {error}; where it is packed by Blosc: pip install hdf5plugin") from None
        yield from zip(block, records, strict=True)


def names_of(path: Path, dtype: Any, names: Mapping[int, str] | Callable[[int], str] | None) -> Callable[[int], str]:
    """What the numbers of classes are called."""
    import h5py

    enumeration = h5py.check_enum_dtype(dtype)
    if names is None and enumeration is None:
        raise WfkitError(
            f"{os.fspath(path)}: APP has numbers, and the file does not say what they are called: names=dataset._tables_app_enum of the package "
            "cesnet-datazoo, or names=str to keep the numbers"
        )
    if callable(names):
        return names
    by_number = dict(names) if names is not None else {number: name for name, number in enumeration.items()}

    def called(number: int) -> str:
        if number not in by_number:
            raise WfkitError(f"{os.fspath(path)}: APP has {number}, which names= does not know")
        return by_number[number]

    return called


def text(value: Any) -> str:
    """A text of fixed length, without what fills it up."""
    return bytes(value).rstrip(b"\0 ").decode("ascii", "backslashreplace") if isinstance(value, bytes) else str(value)
