"""Traces that need not fit memory: files and tables part by part."""

import pyarrow
import pyarrow.parquet
import pytest

import wfkit


@pytest.fixture
def traces(traces, tmp_path):
    """The traces in the order of their keys, as files have them."""
    traces.write(tmp_path / "ordered.parquet", croissant=False)
    return wfkit.read(tmp_path / "ordered.parquet")


def table_of(traces, rows, kind=pyarrow.large_list):
    """A table of a chunk for every so many rows, with lists of 32 or of 64 bits."""
    table = pyarrow.table(traces)
    for name, values in (("time_ns", pyarrow.int64()), ("size", pyarrow.int32())):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(kind(values)))
    return pyarrow.Table.from_batches(table.to_batches(max_chunksize=rows), table.schema)


@pytest.mark.parametrize("kind", [pyarrow.list_, pyarrow.large_list])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_chunks_are_one_table(traces, tmp_path, kind, rows):
    table = table_of(traces, rows, kind)
    assert wfkit.Traces.from_arrow(table) == traces
    traces.write(tmp_path / "whole.parquet")
    counted = wfkit.write_parts(table, tmp_path / "parts.parquet")
    assert counted == {"traces": len(traces), "classes": 4, "packets": len(traces.size)}
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    reader = pyarrow.RecordBatchReader.from_batches(table.schema, iter(table.to_batches()))
    wfkit.write_parts(reader, tmp_path / "stream.csv", croissant=False)
    traces.write(tmp_path / "whole.csv", croissant=False)
    assert (tmp_path / "stream.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    extractor = wfkit.FeatureExtractor.fit(traces, "kfp-size")
    whole = pyarrow.record_batch(wfkit.features_batch(pyarrow.record_batch(traces), extractor))
    assert pyarrow.record_batch(wfkit.features_batch(table, extractor)).equals(whole)
    model = wfkit.train(traces, "totals", trees=5)
    whole = pyarrow.record_batch(wfkit.predict_batch(pyarrow.record_batch(traces), model))
    assert pyarrow.record_batch(wfkit.predict_batch(table, model)).equals(whole)


def test_a_file_comes_in_parts_and_goes_on(traces, tmp_path):
    path = tmp_path / "traces.parquet"
    traces.write(path)
    parts = wfkit.read_parts(path)
    assert (parts.traces, parts.packets) == (len(traces), len(traces.size))
    assert [len(part) for part in parts] == [len(traces)] and list(parts) == []
    profile = wfkit.Profile.of(traces)
    defended = (wfkit.defend_batch(part, "front:ft-1", seed=7, profile=profile) for part in wfkit.read_parts(path))
    wfkit.write_parts(defended, tmp_path / "defended.parquet")
    whole = wfkit.defend(traces, "front:ft-1", seed=7, progress=False).traces
    assert wfkit.read(tmp_path / "defended.parquet").size.tolist() == whole.size.tolist()


def test_a_large_row_group_of_another_tool_comes_in_parts(tmp_path):
    rows, packets = 90, 100_000
    size = pyarrow.array([1] * packets, pyarrow.int32())
    time = pyarrow.array([0] * packets, pyarrow.int64())
    one = [pyarrow.LargeListArray.from_arrays([0, packets], values) for values in (time, size)]
    columns = {"class": ["a"] * rows, "rep": list(range(rows)), "time_ns": pyarrow.chunked_array([one[0]] * rows), "size": pyarrow.chunked_array([one[1]] * rows)}
    path = tmp_path / "one.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=rows)
    assert pyarrow.parquet.ParquetFile(path).num_row_groups == 1
    parts = [(len(part), len(part.size), part.reps[0]) for part in wfkit.read_parts(path)]
    assert parts == [(41, 4_100_000, 0), (41, 4_100_000, 41), (8, 800_000, 82)]


def test_what_is_wrong_is_told_with_its_row(traces, tmp_path):
    out = tmp_path / "x.parquet"
    with pytest.raises(wfkit.WfkitError, match=r"row 1: the trace \(class page0, .*\) stands behind \(class page1"):
        wfkit.write_parts((traces[row : row + 1] for row in (20, 0)), out)
    with pytest.raises(wfkit.WfkitError, match="not even one without rows"):
        wfkit.write_parts(iter([]), out)
    table = table_of(traces, 5)
    short = pyarrow.array([[0]], pyarrow.large_list(pyarrow.int64()))
    one = table[5:6].set_column(table.schema.get_field_index("time_ns"), "time_ns", short)
    broken = pyarrow.concat_tables([table[:5], one, table[6:]])
    for take in (wfkit.Traces.from_arrow, lambda table: wfkit.write_parts(table, out)):
        with pytest.raises(wfkit.WfkitError, match=r"row 5: 1 times for \d+ sizes"):
            take(broken)
    with pytest.raises(TypeError):
        wfkit.write_parts(5, out)

    def fails():
        yield traces[:1]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        wfkit.write_parts(fails(), out)
    assert not out.exists()
    with pytest.raises(FileNotFoundError):
        wfkit.read_parts(tmp_path / "none.parquet")
    (tmp_path / "x.csv").write_text("class,rep\n")
    with pytest.raises(wfkit.WfkitError, match="no Parquet, which alone is read in parts"):
        wfkit.read_parts(tmp_path / "x.csv")


def test_no_rows_are_a_file(traces, tmp_path):
    assert wfkit.write_parts(traces[:0], tmp_path / "none.parquet") == {"traces": 0, "classes": 0, "packets": 0}
    assert sum(len(part) for part in wfkit.read_parts(tmp_path / "none.parquet")) == 0
    assert len(wfkit.Traces.from_arrow(pyarrow.table(traces)[:0])) == 0
