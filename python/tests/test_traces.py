import pathlib
import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

import wfkit

SAMPLE = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"


def test_captures_are_read_and_what_is_left_out_is_counted():
    sample = wfkit.read(SAMPLE, progress=False)
    assert (len(sample), len(sample.class_names), sample.layer) == (200, 10, "tcp")
    assert sample.class_names == sorted(sample.class_names, key=int)
    assert sum(sample.dropped.values()) > 0
    assert (sample.size[sample.offsets[:-1]] > 0).all()
    assert sample.info()["packets"] == len(sample.size) == sample.offsets[-1]


def test_columns_are_views_and_read_only(traces):
    assert traces.time.dtype == np.int64 and traces.size.dtype == np.int32
    assert not traces.time.flags.writeable and not traces.time.flags.owndata
    address = traces.size.__array_interface__["data"][0]
    assert traces.size.__array_interface__["data"][0] == address
    part = traces[5:9]
    first = int(traces.offsets[5])
    assert part.size.__array_interface__["data"][0] == address + 4 * first
    assert part.offsets[0] == 0 and part.offsets[-1] == len(part.size)
    # The numbers outlive the traces.
    size = wfkit.Traces.from_arrays(["a"], [[0, 1]], [[5, -6]]).size
    assert size.tolist() == [5, -6]


def test_arrow_is_the_same_memory(traces):
    table = pyarrow.table(traces)
    sizes = table["size"].chunk(0).values
    assert sizes.buffers()[1].address == traces.size.__array_interface__["data"][0]
    assert table.schema.field("class").type == pyarrow.string()
    assert table.schema.field("size").type == pyarrow.large_list(pyarrow.int32())
    # pyarrow sorts and filters by class.
    assert table.sort_by("class").num_rows == table.filter(pyarrow.compute.is_valid(table["class"])).num_rows == len(traces)
    again = wfkit.Traces.from_arrow(table)
    assert again == traces and again.layer == "tcp"
    assert again.size.__array_interface__["data"][0] == traces.size.__array_interface__["data"][0]


def test_polars_pandas_and_back(traces):
    frame = polars.DataFrame(traces)
    assert frame.height == len(traces)
    from_polars = wfkit.Traces.from_arrow(frame.reverse())
    assert from_polars.time.tolist() == traces[::-1].time.tolist()
    from_pandas = wfkit.Traces.from_arrow(pandas.DataFrame(pyarrow.table(traces).to_pandas()))
    assert from_pandas.size.tolist() == traces.size.tolist()
    assert from_pandas.sessions.tolist() == traces.sessions.tolist()
    record_batch = pyarrow.record_batch(traces)
    assert wfkit.Traces.from_arrow(record_batch) == traces


def test_rows_are_taken(traces):
    rows = [7, 0, 7]
    taken = traces[rows]
    assert [one.rep for one in (taken[0], taken[1], taken[2])] == [traces[7].rep, traces[0].rep, traces[7].rep]
    assert taken[0].size.tolist() == traces[7].size.tolist()
    mask = traces.classes == "page2"
    assert traces[mask].class_names == ["page2"] and len(traces[mask]) == mask.sum()
    assert traces[np.array([1, 2]), ...] == traces[1:3]
    assert traces[-1].rep == traces[len(traces) - 1].rep
    assert len(traces[[]]) == 0 and traces[5:5].size.tolist() == []
    with pytest.raises(IndexError, match="row 99 of 48 traces"):
        traces[99]
    with pytest.raises(IndexError, match="3 truth values for 48"):
        traces[[True, False, True]]
    with pytest.raises(TypeError, match="whole numbers"):
        traces[[0.5]]


def test_files_and_pickles_bring_everything_back(traces, tmp_path):
    copies = wfkit.defend(traces, "front:ft-1", replicas=2).traces
    for some in (traces, copies, traces[:0]):
        assert pickle.loads(pickle.dumps(some)) == some
    path = tmp_path / "t.parquet"
    copies.write(path)
    again = wfkit.read(path)
    # Files are in the order of class, session and repetition.
    key = lambda row: (copies.classes[row], copies.sessions[row], copies.reps[row])
    in_order = copies[sorted(range(len(copies)), key=key)]
    assert again == in_order and again.defences == copies.defences
    # pyarrow's own file says the same.
    pyarrow.parquet.write_table(pyarrow.table(copies), tmp_path / "p.parquet")
    assert wfkit.read(tmp_path / "p.parquet") == in_order


def test_arrays_of_wflib_are_read_as_their_file_is(tmp_path):
    x = np.array([[1e-4, -0.5, 0.7, 0], [1e-4, -0.2, 0, 0]])
    y = np.array([3, 0])
    np.savez(tmp_path / "CW.npz", X=x, y=y)
    with pytest.warns(wfkit.WfkitWarning, match="CW.npz: 2 traces have directions alone"):
        from_file = wfkit.read(tmp_path / "CW.npz")
    with pytest.warns(wfkit.WfkitWarning, match="^arrays: 2 traces have directions alone"):
        from_arrays = wfkit.Traces.from_wflib(x, y)
    # A file in the order of its classes, arrays in their own.
    assert from_file.classes.tolist() == ["0", "3"] and from_arrays.classes.tolist() == ["3", "0"]
    assert from_file == from_arrays[[1, 0]]
    assert from_arrays.size.tolist() == [514, -514, 514, 514, -514]
    assert from_file.layer == "cell"


@pytest.mark.filterwarnings("ignore:.*directions alone")
def test_rows_of_arrays_that_are_no_traces_are_told_by_number():
    x = np.array([[1.0, -2, 3], [0, 0, 0], [1, -1, 0], [3, -2, -1]])
    with pytest.warns(wfkit.WfkitWarning, match=r"arrays: rows 1, 3 are left out \(.*\): leave them out of your arrays, too"):
        traces = wfkit.Traces.from_wflib(x, np.array([5, 2, 2, 5]))
    assert traces.classes.tolist() == ["5", "2"] and traces.reps.tolist() == [0, 1]
    with pytest.raises(wfkit.WfkitError, match=r"X has the shape \(4, 3\) and y \(3,\)"):
        wfkit.Traces.from_wflib(x, [1, 2, 3])


def test_captures_that_are_not_like_the_others_are_told():
    cases = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "field-cases"
    with pytest.warns(wfkit.WfkitWarning) as told:
        wfkit.read(cases / "main-peer")
    assert [str(one.message).split(":")[0] for one in told] == ["site_rep_2.pcap", "site_rep_5.pcap"]
    assert "main peer that is not the one most files share" in str(told[0].message)


def test_seconds_start_at_zero():
    traces = wfkit.Traces.from_arrays(["a"], [[1.5, 1.75]], [[1, -2]], unit="s")
    assert traces.time.tolist() == [0, 250_000_000]
    flat = wfkit.Traces.from_arrays(["a", "b"], [0, 4, 9], [1, 2, -3], offsets=[0, 2, 3])
    assert flat.time.tolist() == [0, 4, 0] and flat[1].size.tolist() == [-3]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((["a"], [[0, 5]], [[1]]), "row 0: 2 times for 1 sizes"),
        ((["a"], [[5, 0]], [[1, 2]]), r"row 0, the trace \(class a, rep 1\): a negative time"),
        ((["a"], [[0, 9, 3]], [[1, 2, 3]]), "packet 2 at 3 ns is earlier"),
        ((["a"], [[0]], [[0]]), "size 0, which has no direction"),
        ((["a"], [[]], [[]]), "each trace has a packet at least"),
        ((["a"], [[0.5]], [[1]]), "whole nanoseconds are expected, or unit='s'"),
        ((["a", "b"], [[0]], [[1]]), "1 arrays of times"),
    ],
)
def test_what_is_no_trace_is_refused(arguments, text):
    with pytest.raises(wfkit.WfkitError, match=text):
        wfkit.Traces.from_arrays(*arguments)


def test_tables_that_are_no_traces_are_refused_by_column_and_row(traces):
    table = pyarrow.table(traces)
    refused = [
        (table.drop_columns("size"), "column size is missing: found class, rep"),
        (table.set_column(7, "size", pyarrow.array([[0.5]] * len(traces))), "column size holds .*whole numbers"),
        (table.set_column(1, "rep", pyarrow.array([None] * len(traces), pyarrow.int64())), "row 0, column rep: null"),
        (table.set_column(6, "time_ns", pyarrow.array([[0]] * len(traces))), "row 0: 1 times for"),
    ]
    for wrong, text in refused:
        with pytest.raises(wfkit.WfkitError, match=text):
            wfkit.Traces.from_arrow(wrong)
    with pytest.raises(TypeError, match="traces are expected, not int"):
        wfkit.features(3, "totals")


def test_errors_have_the_text_and_the_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.parquet"):
        wfkit.read(tmp_path / "nowhere.parquet")
    (tmp_path / "x.txt").write_text("hello\n")
    with pytest.raises(wfkit.WfkitError, match="x.txt: found"):
        wfkit.read(tmp_path / "x.txt")
    with pytest.raises(wfkit.WfkitError, match="there is no format nonsense: wang"):
        wfkit.read(tmp_path / "x.txt", format="nonsense")
    with pytest.raises(wfkit.WfkitError, match="there is no layer nonsense"):
        wfkit.read(SAMPLE, layer="nonsense")


def test_tensors_have_the_shape_of_a_convolution(traces):
    tensor = traces.tensor(["direction", "size"], 100)
    assert tensor.shape == (48, 2, 100) and tensor.dtype == np.float32 and tensor.flags.c_contiguous
    one = traces[3]
    n = min(len(one), 100)
    assert (tensor[3, 1, :n] == one.size[:n]).all() and not tensor[3, :, n:].any()
    assert traces.tensor("sized", 10).shape == (48, 3, 10)
    assert np.from_dlpack(tensor).shape == tensor.shape
    with pytest.raises(wfkit.WfkitError, match="there is no channel colour: direction, time"):
        traces.tensor("colour", 10)


def test_notebooks_show_a_table(traces):
    html = traces._repr_html_()
    assert "48 of 4 classes" in html and html.startswith("<table>")


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), 0.5])
def test_what_names_no_class_is_refused(missing):
    with pytest.raises(wfkit.WfkitError, match="row 1: .* names no class"):
        wfkit.Traces.from_arrays(["a", missing], [[0], [0]], [[1], [1]])
    assert wfkit.Traces.from_arrays([1, 2.0], [[0], [0]], [[1], [1]]).classes.tolist() == ["1", "2"]
    with pytest.raises(wfkit.WfkitError, match="names no class"):
        wfkit.Traces.from_wflib(np.array([[1, -1], [1, 1]]), np.array([0, np.nan]))


def test_a_file_of_which_nothing_is_left_says_why(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("label,PPI\n1,[]\n2,[]\n")
    with pytest.raises(wfkit.WfkitError, match="no trace in it, but 2 x flow without packets"):
        wfkit.read(path)


ODD = {
    "class as a category": lambda t: with_column(t, "class", t["class"].dictionary_encode()),
    "class as a string view": lambda t: with_column(t, "class", t["class"].cast(pyarrow.string_view())),
    "class as large text": lambda t: with_column(t, "class", t["class"].cast(pyarrow.large_string())),
    "class as bytes": lambda t: with_column(t, "class", t["class"].cast(pyarrow.binary())),
    "class by runs": lambda t: with_column(t, "class", pyarrow.compute.run_end_encode(t["class"].combine_chunks())),
    "rep of 32 bits without a sign": lambda t: with_column(t, "rep", t["rep"].cast(pyarrow.uint32())),
    "rep as floats": lambda t: with_column(t, "rep", t["rep"].cast(pyarrow.float64())),
    "rep as a decimal": lambda t: with_column(t, "rep", t["rep"].cast(pyarrow.decimal128(38, 0))),
    "rep as a category": lambda t: with_column(t, "rep", t["rep"].dictionary_encode()),
    "sizes of 16 bits": lambda t: with_column(t, "size", t["size"].cast(pyarrow.list_(pyarrow.int16()))),
    "sizes as floats": lambda t: with_column(t, "size", t["size"].cast(pyarrow.large_list(pyarrow.float32()))),
    "sizes as views": lambda t: with_column(t, "size", pyarrow.array(t["size"].to_pylist(), pyarrow.list_view(pyarrow.int32()))),
    "sizes as decimals": lambda t: with_column(t, "size", t["size"].cast(pyarrow.large_list(pyarrow.decimal128(12, 1)))),
    "times without a sign": lambda t: with_column(t, "time_ns", t["time_ns"].cast(pyarrow.large_list(pyarrow.uint64()))),
    "times as spans": lambda t: with_column(t, "time_ns", t["time_ns"].cast(pyarrow.large_list(pyarrow.duration("ns")))),
    "start as dates": lambda t: with_column(t, "start_ns", t["start_ns"].cast(pyarrow.timestamp("ns", "Europe/Zurich"))),
    "start as dates of ms": lambda t: with_column(t, "start_ns", t["start_ns"].cast(pyarrow.timestamp("ns")).cast(pyarrow.timestamp("ms"))),
    "session as a category": lambda t: with_column(t, "session", t["session"].dictionary_encode()),
    "what is missing as floats": lambda t: with_column(t, "page", pyarrow.array([float("nan")] * len(t), from_pandas=True)),
}


def with_column(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, values)


@pytest.fixture
def started(traces):
    """Some traces with a start."""
    some = traces[10:30]
    starts = [1_600_000_000_000_000_000 + row * 1_000_000_000 for row in range(19)] + [None]
    return wfkit.Traces.from_arrays(
        some.classes, some.time, some.size, offsets=some.offsets, reps=some.reps, sessions=some.sessions, start_ns=starts, layer="tcp"
    )


@pytest.mark.parametrize("what", ODD)
def test_tables_have_any_type_that_holds_the_numbers(started, what):
    # A part of a table, whose offsets do not begin at 0.
    table = ODD[what](pyarrow.table(started))[3:]
    assert wfkit.Traces.from_arrow(table) == started[3:]
    assert wfkit.Traces.from_arrow(pyarrow.concat_tables([table[:1], table[1:]])) == started[3:]
    assert len(wfkit.Traces.from_arrow(table[:0])) == 0


def test_classes_are_numbers_or_texts(traces):
    table = pyarrow.table(traces[:2])
    for classes, names in [([3, 20], ["3", "20"]), ([1.0, 2.0], ["1", "2"]), (["01", " 1"], ["1", "1"])]:
        assert wfkit.Traces.from_arrow(with_column(table, "class", pyarrow.array(classes))).classes.tolist() == names
    for classes, text in [
        ([0.5, 1.0], "column class holds Float64, of which 0.5 is no whole number"),
        ([1.0, float("nan")], "row 1, column class: null"),
        ([None, "a"], "row 0, column class: null"),
        ([True, False], "column class holds Boolean: text or whole numbers are expected"),
    ]:
        with pytest.raises(wfkit.WfkitError, match=text):
            wfkit.Traces.from_arrow(with_column(table, "class", pyarrow.array(classes)))
    for name, values, text in [
        ("rep", ["1", "2"], "column rep holds Utf8: whole numbers are expected"),
        ("rep", [2**64 - 1, 1], "column rep: .*18446744073709551615"),
        ("size", [[2**31], [1]], "column size: .*2147483648"),
        ("size", [["600"], ["1"]], "column size holds Utf8: whole numbers are expected"),
        ("size", [600, 1], "column size holds Int64: a list a trace is expected"),
        ("size", [[600, None], [1]], "row 0, column size: null in the list"),
        ("time_ns", [None, [0]], "row 0, column time_ns: null"),
        ("start_ns", ["2024-05-01", None], "column start_ns holds Utf8: whole ns since 1970, or dates with times, are expected"),
    ]:
        typed = pyarrow.array(values, pyarrow.uint64()) if values[0] == 2**64 - 1 else pyarrow.array(values)
        with pytest.raises(wfkit.WfkitError, match=text):
            wfkit.Traces.from_arrow(with_column(table, name, typed))


def test_frames_of_pandas_have_their_own_types():
    frame = pandas.DataFrame({"class": ["a", "b"], "rep": [1, 2], "time_ns": [[0, 5], [0]], "size": [[600, -1448], [20]]})
    expected = wfkit.Traces.from_arrow(frame)
    starts = pandas.to_datetime(["2024-05-01T12:00", None])
    for other in (
        frame.astype({"class": "category", "rep": "Int64"}),
        frame.astype({"class": "string", "rep": "uint8"}),
        frame.assign(size=[np.array([600, -1448], np.int16), np.array([20], np.int16)]),
        frame.assign(rep=[1.0, 2.0], time_ns=[np.array([0, 5], "m8[ns]"), np.array([0], "m8[ns]")]),
        frame.set_index("class"),
    ):
        assert wfkit.Traces.from_arrow(other) == expected
    assert wfkit.Traces.from_arrow(frame.assign(start_ns=starts)).start_ns.tolist() == [1_714_564_800_000_000_000, None]
    assert wfkit.Traces.from_arrow(frame.assign(session=[1.0, None])).sessions.tolist() == ["1", None]
    # Columns of objects without rows have no type.
    assert len(wfkit.Traces.from_arrow(frame[:0])) == 0
    with pytest.raises(wfkit.WfkitError, match="row 1, column rep: null"):
        wfkit.Traces.from_arrow(frame.assign(rep=[1, None]))


def test_frames_of_polars_have_their_own_types(traces):
    frame = polars.DataFrame(traces)
    for other in (
        frame.with_columns(polars.col("class").cast(polars.Categorical)),
        frame.with_columns(polars.col("class").cast(polars.Enum(sorted(set(frame["class"])))), polars.col("rep").cast(polars.UInt8)),
        frame.with_columns(polars.col("size").cast(polars.List(polars.Int16)), polars.col("session").cast(polars.Categorical)),
    ):
        assert wfkit.Traces.from_arrow(other) == wfkit.Traces.from_arrow(frame)
    single = wfkit.Traces.from_arrays(["a", "b"], [[0, 5], [0, 9]], [[1, -2], [3, -4]])
    array = polars.DataFrame(single).with_columns(polars.col("size").cast(polars.Array(polars.Int32, 2)))
    assert wfkit.Traces.from_arrow(array).size.tolist() == [1, -2, 3, -4]


def test_what_was_read_may_be_written_over(traces, tmp_path):
    for name in ("t.parquet", "t.csv", "t.csv.zip"):
        path = tmp_path / name
        traces.write(path)
        read = wfkit.read(path)
        read[:5].write(path)
        assert wfkit.read(path) == read[:5]
        # Nothing is lost where writing fails.
        before = path.read_bytes()
        twice = read[[0, 0]]
        with pytest.raises(wfkit.WfkitError):
            twice.write(path)
        assert path.read_bytes() == before
    path = tmp_path / "t.parquet"
    traces.write(path)
    whole = wfkit.read(path)
    wfkit.write_parts((part[::2] for part in wfkit.read_parts(path)), path)
    assert wfkit.read(path) == whole[::2]


@pytest.mark.parametrize("n", [0, 1])
def test_sets_without_a_trace_or_with_one_packet(n, tmp_path):
    few = wfkit.Traces.from_arrays(["a"] * n, [[0]] * n, [[600]] * n, layer="tcp")
    assert (len(few), few.time.tolist(), few.class_names) == (n, [0] * n, ["a"] * n)
    assert few.info()["traces"] == n and few._repr_html_() and few.labels.tolist() == [0] * n
    assert pickle.loads(pickle.dumps(few)) == few == wfkit.Traces.from_arrow(pyarrow.table(few))
    assert polars.DataFrame(few).height == n and few.tensor("direction", 3).shape == (n, 1, 3)
    assert wfkit.features(few, "totals,kfp-size", progress=False).values.shape[0] == n
    for name in ("t.parquet", "t.csv"):
        few.write(tmp_path / name)
    assert len(wfkit.read(tmp_path / "t.parquet")) == n
    if n:
        assert len(wfkit.defend(few, "front:ft-1", progress=False).traces) == n
