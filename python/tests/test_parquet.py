"""Parquet files of wfkit open in pyarrow, pandas, polars and DuckDB, and can be worked with there."""

import duckdb
import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

import wfkit


@pytest.fixture
def file(traces, tmp_path):
    """The traces in a file, which has several classes."""
    path = tmp_path / "traces.parquet"
    traces.write(path)
    assert len(set(traces.classes)) > 1
    return path


def counted(traces):
    """Traces of each class."""
    names = pyarrow.table(traces)["class"].to_pylist()
    return {name: names.count(name) for name in names}


def test_pyarrow_filters_sorts_and_takes(traces, file):
    table = pyarrow.parquet.read_table(file)
    assert table.schema.field("class").type == pyarrow.string()
    assert table.schema.field("size").type == pyarrow.large_list(pyarrow.field("element", pyarrow.int32()))
    name = table["class"][0].as_py()
    assert table.filter(pyarrow.compute.field("class") == name).num_rows == counted(traces)[name]
    assert table.sort_by([("class", "descending")])["class"].to_pylist() == sorted(table["class"].to_pylist(), reverse=True)
    assert table.take([1, 0])["rep"].to_pylist() == table["rep"].to_pylist()[1::-1]
    assert pyarrow.parquet.read_table(file, filters=[("class", "=", name)]).num_rows == counted(traces)[name]
    assert table.group_by("class").aggregate([("rep", "count")]).num_rows == len(counted(traces))


def test_pandas_polars_and_duckdb_say_the_same(traces, file):
    frame = pandas.read_parquet(file)
    assert frame.groupby("class").size().to_dict() == counted(traces)
    assert frame["size"].map(len).sum() == len(traces.size)
    table = polars.read_parquet(file)
    assert dict(table.group_by("class").len().iter_rows()) == counted(traces)
    assert table["size"].list.len().sum() == len(traces.size)
    rows = duckdb.sql(f"select class, count(*), sum(len(size)) from '{file}' group by class").fetchall()
    assert {name: count for name, count, _ in rows} == counted(traces)
    assert sum(packets for _, _, packets in rows) == len(traces.size)


@pytest.mark.parametrize("columns", [(), ("flow", "proto")])
def test_row_groups_are_bounded_by_bytes_of_packets(columns, tmp_path):
    each = [10, 3_000_000, 3_000_000, 10, 20, 7_000_000, 10]
    offsets = np.cumsum([0, *each])
    packets = int(offsets[-1])
    known = {name: np.zeros(packets, int) for name in columns}
    large = wfkit.Traces.from_arrays(["a"] * len(each), np.zeros(packets, int), np.ones(packets, int), offsets=offsets, columns=known)
    path = tmp_path / "large.parquet"
    large.write(path, croissant=False)
    file = pyarrow.parquet.ParquetFile(path)
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    # 12 bytes a packet of times and sizes, 4 of each column more: 64 MB at most, but for a trace that has more by itself.
    ends = np.cumsum(rows)
    bytes_of = [int(offsets[end] - offsets[end - n]) * (12 + 4 * len(columns)) for end, n in zip(ends, rows, strict=True)]
    assert sum(rows) == len(each) and all(n == 1 or size <= 64_000_000 for n, size in zip(rows, bytes_of, strict=True))
    assert [len(part) for part in wfkit.read_parts(path)] and wfkit.read(path) == large


def test_columns_of_packets_open_too(traces, file, tmp_path):
    table = pyarrow.parquet.read_table(file)
    flows = pyarrow.array([[0] * len(sizes) for sizes in table["size"].to_pylist()], pyarrow.large_list(pyarrow.int32()))
    path = tmp_path / "flows.parquet"
    pyarrow.parquet.write_table(table.append_column("flow", flows), path)
    back = wfkit.read(path)
    assert (len(back), int(back.size.sum())) == (len(traces), int(traces.size.sum()))
    assert not back.dropped
