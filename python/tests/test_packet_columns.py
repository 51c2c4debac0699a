"""What is known of packets beside time and size: flows, protocols, commands of cells."""

import os
import pathlib
import pickle
import subprocess

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

import wfkit

CASES = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "field-cases"
CAPTURES = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"
FLOWS = [[0, 1, 0], None, [2, -1]]
COMMANDS = [[3, 3, 9], [3], [-1, 3]]


@pytest.fixture
def told():
    """Three traces, of the second of which no flow is known, nor of the last packet."""
    return wfkit.Traces.from_arrays(
        ["a", "b", "c"],
        [[0, 5, 9], [0], [0, 3]],
        [[600, -1448, 40], [20], [7, -8]],
        reps=[1, 1, 1],
        layer="tcp",
        columns={"cell_cmd": COMMANDS, "flow": FLOWS},
    )


def test_columns_are_views_by_name(told):
    assert list(told.columns) == ["flow", "cell_cmd"]
    flow = told.column("flow")
    assert flow.dtype == np.int32 and not flow.flags.writeable and not flow.flags.owndata
    assert flow.tolist() == [0, 1, 0, -1, 2, -1]
    assert told.columns["flow"].__array_interface__["data"] == flow.__array_interface__["data"]
    assert told[1:].column("flow").__array_interface__["data"][0] == flow.__array_interface__["data"][0] + 3 * 4
    assert told[0].column("flow").tolist() == [0, 1, 0] and list(told[0].columns) == ["flow", "cell_cmd"]
    flat = wfkit.Traces.from_arrays(told.classes, told.time, told.size, offsets=told.offsets, columns={"flow": flow})
    assert flat.column("flow").tolist() == flow.tolist()
    assert "flow, cell_cmd" in told._repr_html_()
    with pytest.raises(wfkit.WfkitError, match="no trace tells proto of its packets; wfkit.read"):
        told.column("proto")
    with pytest.raises(wfkit.WfkitError, match="no column of packets is named .port"):
        told.column("port")
    none = wfkit.Traces.from_arrays(["a"], [[0]], [[1]])
    assert none.columns == {} and "of packets" not in none._repr_html_()


def test_rows_pickles_and_classes_keep_them(told):
    assert pickle.loads(pickle.dumps(told)) == told
    assert told[[2, 0, 2]].column("flow").tolist() == [2, -1, 0, 1, 0, 2, -1]
    assert told[::-1][::-1] == told and told[1:2][0].column("cell_cmd").tolist() == [3]
    assert told.with_classes(["x", "x", "x"]).column("cell_cmd").tolist() == told.column("cell_cmd").tolist()
    other = wfkit.Traces.from_arrays(
        told.classes, told.time, told.size, offsets=told.offsets, reps=told.reps, layer="tcp", columns={"flow": FLOWS}
    )
    assert other != told
    # Pickles of before have no columns.
    build, parts = told[:0].__reduce__()[0], wfkit.Traces.from_arrays(["a"], [[0]], [[1]]).__reduce__()[1]
    assert build(*parts[:-1]).columns == {}


def test_tables_have_them_as_lists_with_nulls(told):
    table = pyarrow.table(told)
    assert table["flow"].to_pylist() == [[0, 1, 0], None, [2, None]]
    assert table["cell_cmd"].to_pylist() == [[3, 3, 9], [3], [None, 3]]
    assert table["flow"].chunk(0).values.buffers()[1].address == told.column("flow").__array_interface__["data"][0]
    again = wfkit.Traces.from_arrow(table)
    assert again == told
    assert again.column("flow").__array_interface__["data"][0] == told.column("flow").__array_interface__["data"][0]
    # Rows that moved, chunks, other tools, other types.
    assert wfkit.Traces.from_arrow(table.take([2, 1, 0])) == told[::-1]
    assert wfkit.Traces.from_arrow(pyarrow.concat_tables([table[:1], table[1:]])) == told
    # polars loses what sizes are, which is in the metadata.
    assert polars.DataFrame(wfkit.Traces.from_arrow(polars.DataFrame(told))).equals(polars.DataFrame(told))
    assert polars.DataFrame(wfkit.Traces.from_arrow(polars.DataFrame(told).reverse())).equals(polars.DataFrame(told[::-1]))
    frame = pandas.DataFrame(table.to_pandas())
    assert wfkit.Traces.from_arrow(frame).column("flow").tolist() == told.column("flow").tolist()
    short = table.set_column(table.schema.get_field_index("flow"), "flow", table["flow"].cast(pyarrow.list_(pyarrow.int8())))
    assert wfkit.Traces.from_arrow(short) == told
    strange = table.set_column(table.schema.get_field_index("flow"), "flow", pyarrow.array(["x", "y", "z"]))
    assert list(wfkit.Traces.from_arrow(strange).columns) == ["cell_cmd"]


def test_values_that_no_packet_has_are_refused_by_row(told):
    table = pyarrow.table(told)
    at = table.schema.get_field_index("flow")
    for lists, text in [
        ([[0, 1, 0], None, [2]], "row 2: 1 values of flow for 2 packets"),
        ([[0, 1, 0], None, [2, 40_000]], "row 2, column flow: 40000 is none of -1"),
    ]:
        with pytest.raises(wfkit.WfkitError, match=text):
            wfkit.Traces.from_arrow(table.set_column(at, "flow", pyarrow.array(lists, pyarrow.large_list(pyarrow.int32()))))
    arrays = (["a", "b"], [[0, 5], [0]], [[600, -1448], [20]])
    for columns, text in [
        ({"flow": [[0], [0]]}, "row 0: 1 values of flow for 2 packets"),
        ({"flow": [[0, 1]]}, "1 arrays of flow for 2 traces"),
        ({"flow": np.zeros(2, int)}, "2 values of flow for 3 packets"),
        ({"flow": [[0, 0.5], [0]]}, "flow holds what is no whole number"),
        ({"flow": [[0, -2], [0]]}, "flow holds what is no whole number"),
        ({"ports": [[0, 1], [0]]}, "no column of packets is named .ports"),
    ]:
        with pytest.raises(wfkit.WfkitError, match=text):
            wfkit.Traces.from_arrays(*arrays, columns=columns)
    for columns in (
        {"flow": [[0, None], None]},
        {"flow": np.array([0.0, np.nan, np.nan])},
        pandas.DataFrame({"flow": [0, -1, -1]}, index=[7, 8, 9]),
        {"flow": polars.Series([[0, None], None])},
    ):
        assert wfkit.Traces.from_arrays(*arrays, columns=columns).column("flow").tolist() == [0, -1, -1]
    square = wfkit.Traces.from_arrays(["a", "b"], np.zeros((2, 2), int), np.ones((2, 2), int), columns={"flow": np.array([[0, 1], [2, 3]])})
    assert square.column("flow").tolist() == [0, 1, 2, 3]
    with pytest.raises(wfkit.WfkitError, match="columns is list: values by the name of a column are expected"):
        wfkit.Traces.from_arrays(*arrays, columns=[[0, 1], [0]])


def test_files_keep_them(told, tmp_path):
    told.write(tmp_path / "t.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    assert table["flow"].to_pylist() == [[0, 1, 0], None, [2, None]]
    assert wfkit.read(tmp_path / "t.parquet") == told
    parts = [part for part in wfkit.read_parts(tmp_path / "t.parquet")]
    assert parts[0] == told
    wfkit.write_parts((told[row : row + 1] for row in range(3)), tmp_path / "p.parquet")
    assert (tmp_path / "p.parquet").read_bytes() == (tmp_path / "t.parquet").read_bytes()
    # What pandas writes of it has NaN for null.
    pandas.read_parquet(tmp_path / "t.parquet").to_parquet(tmp_path / "pandas.parquet")
    assert wfkit.read(tmp_path / "pandas.parquet").column("flow").tolist() == told.column("flow").tolist()
    not_a_number = polars.col("flow", "cell_cmd").cast(polars.List(polars.Float64)).list.eval(polars.element().fill_null(float("nan")))
    polars.DataFrame(told).with_columns(not_a_number).write_parquet(tmp_path / "nan.parquet")
    nan = wfkit.read(tmp_path / "nan.parquet")
    assert {name: values.tolist() for name, values in nan.columns.items()} == {name: values.tolist() for name, values in told.columns.items()}
    with pytest.raises(wfkit.WfkitError, match="row 1: a table with the column flow, which the first one has not"):
        plain = wfkit.Traces.from_arrays(["a"], [[0]], [[1]])
        wfkit.write_parts(iter([plain, told[1:]]), tmp_path / "mixed.parquet")
    assert not (tmp_path / "mixed.parquet").exists()
    # The other way round they are null.
    wfkit.write_parts(iter([told[:1], wfkit.Traces.from_arrays(["d"], [[0]], [[1]])]), tmp_path / "mixed.parquet")
    assert wfkit.read(tmp_path / "mixed.parquet").column("flow").tolist() == [0, 1, 0, -1]


def test_captures_and_logs_of_cells_fill_them(tmp_path):
    captures = sorted(CAPTURES.rglob("*.pcap*"))[:6]
    plain = wfkit.read(captures, progress=False)
    kept = wfkit.read(captures, packet_columns=["flow", "proto"], progress=False)
    assert plain.columns == {} and list(kept.columns) == ["flow", "proto"]
    assert kept.size.tolist() == plain.size.tolist() and set(kept.column("proto").tolist()) == {6}
    assert kept[0].column("flow")[0] == 0 and (kept.column("flow") >= 0).all()
    with pytest.raises(wfkit.WfkitError, match="no column of packets is named .port"):
        wfkit.read(captures, packet_columns="port")
    log = wfkit.read(CASES / "formats" / "gwf_text.log")
    assert list(log.columns) == ["cell_cmd", "relay_cmd"] and set(log.column("cell_cmd").tolist()) == {3}
    program = os.environ.get("WFKIT", "")
    if not os.path.exists(program):
        pytest.skip(f"SKIPPED: no program at {program or 'WFKIT'} to compare with")
    kept.write(tmp_path / "ours.parquet", croissant=False)
    command = [program, "capture", "import", *map(str, captures), "--packet-columns", "flow,proto", "--out", tmp_path / "theirs.parquet", "--no-croissant"]
    subprocess.run(command, check=True, capture_output=True)
    theirs = pyarrow.parquet.read_table(tmp_path / "theirs.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "ours.parquet").equals(theirs, check_metadata=True)
    assert (tmp_path / "ours.parquet").read_bytes() == (tmp_path / "theirs.parquet").read_bytes()


def test_padding_has_those_of_the_packet_of_its_direction_before_it(traces):
    direction = np.where(traces.size > 0, 1, 2)
    told = wfkit.Traces.from_arrays(
        traces.classes,
        traces.time,
        traces.size,
        offsets=traces.offsets,
        reps=traces.reps,
        sessions=traces.sessions,
        layer="tcp",
        columns={"flow": direction, "proto": np.where(np.arange(len(direction)) % 2, 6, 17)},
    )
    without = wfkit.defend(traces, "front:ft-1", seed=7, progress=False).traces
    defended = wfkit.defend(told, "front:ft-1", seed=7, progress=False).traces
    assert defended.size.tolist() == without.size.tolist() and len(defended.size) > len(told.size)
    # Nothing tells padding: the direction has the flow that it has everywhere, and nothing is unknown.
    assert (defended.column("flow") == np.where(defended.size > 0, 1, 2)).all()
    assert set(defended.column("proto").tolist()) == {6, 17}
    for row in (0, 7):
        theirs, ours = told[row], defended[row]
        left = list(zip(theirs.time.tolist(), theirs.size.tolist(), theirs.column("proto").tolist(), strict=True))
        before = {}
        for time, size, proto in zip(ours.time.tolist(), ours.size.tolist(), ours.column("proto").tolist(), strict=True):
            out = size > 0
            if left and left[0][:2] == (time, size):
                assert left.pop(0)[2] == proto
            elif out in before:
                assert before[out] == proto
            before[out] = proto
        assert not left
    profile = wfkit.Profile.of(told)
    batch = wfkit.Traces.from_arrow(wfkit.defend_batch(told, "front:ft-1", seed=7, profile=profile))
    assert batch.columns.keys() == defended.columns.keys()
    assert all((batch.column(name) == defended.column(name)).all() for name in batch.columns)


def test_features_and_tensors_use_them(told):
    plain = wfkit.Traces.from_arrays(told.classes, told.time, told.size, offsets=told.offsets)
    of_first, of_all = (wfkit.features(some, "ppi:n=3", progress=False).values for some in (told, plain))
    # Packets of flow 0 alone, where flows are told.
    assert (of_first[1] == of_all[1]).all() and (of_first[0] != of_all[0]).any()
    tensor = told.tensor(["size", "flow", "relay_cmd"][:2], 3)
    assert tensor[:, 1].tolist() == [[1, 2, 1], [0, 0, 0], [3, 0, 0]]
    with pytest.raises(wfkit.WfkitError, match="no trace tells relay_cmd of its packets"):
        told.tensor("relay_cmd", 3)
    with pytest.raises(wfkit.WfkitError, match="there is no channel tam: direction, .*, flow, proto, cell_cmd, relay_cmd are"):
        told.tensor("tam", 3)
