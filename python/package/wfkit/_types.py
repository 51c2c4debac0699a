"""What functions take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ._wfkit import Traces

if TYPE_CHECKING:
    from ._splits import Folds

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Texts: TypeAlias = npt.NDArray[np.str_]
Path: TypeAlias = "str | os.PathLike[str]"


class ArrowTable(Protocol):
    """A table of polars, pandas, pyarrow or another that speaks Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class HasTraces(Protocol):
    """What was made of traces and has them, such as :class:`wfkit.Defended`."""

    @property
    def traces(self) -> Traces: ...


TracesLike: TypeAlias = "Traces | HasTraces | ArrowTable"
Progress: TypeAlias = "bool | None | Callable[[str, int, int], object]"
FoldsLike: TypeAlias = "int | Folds | Sequence[tuple[Any, Any]] | npt.NDArray[Any]"


def as_traces(traces: TracesLike) -> Traces:
    """The traces themselves, those of a defended set, or those of a table."""
    if isinstance(traces, Traces):
        return traces
    within = getattr(traces, "traces", None)
    if isinstance(within, Traces):
        return within
    if hasattr(traces, "__arrow_c_stream__") or hasattr(traces, "__arrow_c_array__"):
        return Traces.from_arrow(traces)
    raise TypeError(f"traces are expected, not {type(traces).__name__}: wfkit.read reads files, wfkit.Traces.from_arrays takes arrays")
