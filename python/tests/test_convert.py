"""Public sets in files of their layout, made here."""

import io
import pickle

import numpy as np
import pytest

import wfkit

h5py = pytest.importorskip("h5py")

CELL = np.dtype([("time", "<f8"), ("direction", "i1"), ("cell_cmd", "u1"), ("relay_cmd", "u1")], align=True)
CIRCUIT = np.dtype(
    [
        ("uuid", "S32"),
        ("domain", "S44"),
        ("shortest_private_suffix", "S44"),
        ("day", "u1"),
        ("port", "<u2"),
        ("len", "<u2"),
        ("cells", CELL, (5000,)),
    ],
    align=True,
)


def circuit(domain, suffix, day, port, cells):
    one = np.zeros((), CIRCUIT)
    one["uuid"], one["domain"], one["shortest_private_suffix"] = b"0" * 32, domain, suffix
    one["day"], one["port"], one["len"] = day, port, len(cells)
    for place, (time, direction) in enumerate(cells):
        one["cells"][place] = (time, direction, 3, 2)
    return one


@pytest.fixture
def gtt23(tmp_path):
    path = tmp_path / "gtt23.hdf5"
    circuits = np.array(
        [
            circuit(b"www.a.example", b"a.example", 1, 443, [(10.5, 1), (10.75, -1), (11.0, -1)]),
            circuit(b"com", b"", 1, 80, [(2.0, 1)]),
            circuit(b"b.example", b"b.example", 2, 443, [(0.0, 1), (3.0, -1), (1.0, -1)]),
            circuit(b"mail.a.example", b"a.example", 2, 443, [(0.0, 1), (0.25, -1)]),
            circuit(b"c.example", b"c.example", 2, 443, []),
        ]
    )
    with h5py.File(path, "w") as file:
        file.create_dataset("circuits", data=circuits, chunks=(2,), compression="gzip")
    return path


def test_circuits_of_gtt23(gtt23):
    with pytest.warns(wfkit.WfkitWarning) as warned:
        traces = wfkit.convert.gtt23(gtt23)
    assert sorted(str(one.message).split(": ", 1)[1] for one in warned) == [
        "1 rows are left out: times go back",
        "1 rows are left out: without a packet",
    ]
    assert traces.classes.tolist() == ["a.example", "com", "a.example"]
    assert traces.sessions.tolist() == ["day 1", "day 1", "day 2"]
    assert traces[0].time.tolist() == [0, 250_000_000, 500_000_000]
    assert traces[0].size.tolist() == [514, -514, -514]
    assert traces.layer == "cell"
    assert {name: set(values.tolist()) for name, values in traces.columns.items()} == {"cell_cmd": {3}, "relay_cmd": {2}}


def test_a_part_of_gtt23(gtt23):
    assert len(wfkit.convert.gtt23(gtt23, rows=range(2))) == 2
    assert wfkit.convert.gtt23(gtt23, rows=[0, 3], days=[2]).sessions.tolist() == ["day 2"]
    assert wfkit.convert.gtt23(gtt23, ports=[80]).class_names == ["com"]
    assert len(wfkit.convert.gtt23(gtt23, labels=["a.example"])) == 2
    with pytest.raises(wfkit.WfkitError, match="rows 3 to 7 of 5"):
        wfkit.convert.gtt23(gtt23, rows=range(3, 8))
    with pytest.raises(wfkit.WfkitError, match="no trace is left; none was chosen"):
        wfkit.convert.gtt23(gtt23, labels=["nowhere.example"])


def test_circuits_that_are_none(gtt23, tmp_path):
    with h5py.File(gtt23, "r+") as file:
        broken = file["circuits"][0]
        broken["cells"]["direction"][1] = 0
        file["circuits"][0] = broken
    with pytest.raises(wfkit.WfkitError, match="circuit 0, cell 1: direction 0"):
        wfkit.convert.gtt23(gtt23)
    other = tmp_path / "other.hdf5"
    with h5py.File(other, "w") as file:
        file["circuits"] = np.zeros(2, [("day", "u1")])
    with pytest.raises(wfkit.WfkitError, match="the table circuits has no column domain; it has day"):
        wfkit.convert.gtt23(other)
    other.write_bytes(b"no hdf5")
    with pytest.raises(wfkit.WfkitError, match="no HDF5, or a damaged one"):
        wfkit.convert.gtt23(other)
    with pytest.raises(FileNotFoundError):
        wfkit.convert.gtt23(tmp_path / "missing.hdf5")


def flows(path, channels, app="<i4", extra=(), table="D20220102"):
    dtype = np.dtype([("APP", app), ("PPI", "<i4", (channels, 30)), ("PPI_LEN", "<i4"), *extra])
    rows = np.zeros(2, dtype)
    rows["APP"] = [7, 3]
    rows["PPI"][0, :3, :4] = [[0, 12, 0, 250], [1, -1, -1, 1], [517, 1400, 0, 90]]
    rows["PPI"][1, :3, :2] = [[0, 3], [1, -1], [600, 700]]
    with h5py.File(path, "a") as file:
        file.create_dataset(f"flows/{table}", data=rows)
    return path


def test_flows_of_cesnet(tmp_path):
    path = flows(tmp_path / "flows.h5", 4, extra=[("TIME_FIRST", "<f8")])
    with pytest.raises(wfkit.WfkitError, match="the file does not say what they are called: names="):
        wfkit.convert.cesnet(path)
    with pytest.warns(wfkit.WfkitWarning, match="1 packets are left out: they carry nothing"):
        traces = wfkit.convert.cesnet(path, names={7: "video", 3: "mail"})
    assert traces.classes.tolist() == ["video", "mail"] and traces.layer == "tcp"
    assert traces.sessions.tolist() == ["2022-01-02"] * 2
    assert traces[0].time.tolist() == [0, 12_000_000, 262_000_000]
    assert traces[0].size.tolist() == [517, -1400, 90]
    assert wfkit.convert.cesnet(path, names=str, rows=[1]).class_names == ["3"]
    assert len(wfkit.convert.cesnet(path, names={7: "video", 3: "mail"}, apps=["mail"])) == 1
    with pytest.raises(wfkit.WfkitError, match="APP has 7, which names= does not know"):
        wfkit.convert.cesnet(path, names={3: "mail"})


@pytest.mark.filterwarnings("ignore:.*carry nothing")
def test_flows_of_udp_and_enumerations(tmp_path):
    path = flows(tmp_path / "quic.h5", 3, app=h5py.enum_dtype({"video": 7, "mail": 3}, basetype="i4"))
    traces = wfkit.convert.cesnet(path)
    assert traces.classes.tolist() == ["video", "mail"] and traces.layer == "udp"
    flows(path, 4, table="D20220103")
    assert len(wfkit.convert.cesnet(path, tables=["D20220102"])) == 2
    with pytest.raises(wfkit.WfkitError, match="TCP and UDP are not one set"):
        wfkit.convert.cesnet(path, names=str)
    with pytest.raises(wfkit.WfkitError, match="there is no table flows/D1"):
        wfkit.convert.cesnet(path, tables=["D1"])


@pytest.mark.filterwarnings("ignore:.*directions alone")
def test_vantage_points_of_swallow(tmp_path):
    for point, delay in [("D1", 0.1), ("D2", 0.3)]:
        folder = tmp_path / f"{point}-Undefence"
        folder.mkdir()
        for site in range(2):
            for visit in range(2):
                lines = [f"{n * delay}\t{1 if n % 2 == 0 else -1}" for n in range(4 + site)]
                (folder / f"{site}-{visit}").write_text("\n".join(lines) + "\n")
    points = wfkit.convert.swallow(tmp_path)
    assert list(points) == ["D1", "D2"]
    assert all(len(traces) == 4 and traces.class_names == ["0", "1"] for traces in points.values())
    assert points["D2"][0].size.tolist() == [514, -514, 514, -514]
    assert points["D2"][0].time.tolist() == [0, 300_000_000, 600_000_000, 900_000_000]
    assert list(wfkit.convert.swallow(tmp_path, points=["D2"])) == ["D2"]
    with pytest.raises(wfkit.WfkitError, match="there is no D3-Undefence; there are D1, D2"):
        wfkit.convert.swallow(tmp_path, points=["D3"])
    with pytest.raises(wfkit.WfkitError, match="the defence Front; there are Undefence"):
        wfkit.convert.swallow(tmp_path, defence="Front")


def test_pickles_of_arrays(tmp_path):
    path = tmp_path / "set.pkl"
    content = {"X": np.arange(6, dtype=np.int8).reshape(2, 3), "y": np.array(["a", "b"], object), "n": np.float64(2.5)}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(content, protocol))
        read = wfkit.convert.pickled(path)
        assert read["X"].tolist() == content["X"].tolist() and read["y"].tolist() == ["a", "b"] and read["n"] == 2.5
    saved = tmp_path / "set.npy"
    np.save(saved, content, allow_pickle=True)
    assert wfkit.convert.pickled(saved)["X"].tolist() == content["X"].tolist()
    np.save(saved, content["X"])
    assert wfkit.convert.pickled(saved).tolist() == content["X"].tolist()


class Program:
    def __reduce__(self):
        return print, ("this must not be run",)


@pytest.mark.parametrize("write", [pickle.dumps, lambda one: saved(one)], ids=["pickle", "npy"])
def test_a_pickle_that_runs_something_is_refused(tmp_path, write, capsys):
    path = tmp_path / "program.pkl"
    path.write_bytes(write([Program()]))
    with pytest.raises(wfkit.WfkitError, match="asks for builtins.print, .* nothing in it was run"):
        wfkit.convert.pickled(path)
    assert capsys.readouterr().out == ""
    path.write_bytes(b"\x80\x04broken")
    with pytest.raises(wfkit.WfkitError, match="no pickle of arrays, or a damaged one"):
        wfkit.convert.pickled(path)


def saved(one):
    file = io.BytesIO()
    np.save(file, np.array(one, object), allow_pickle=True)
    return file.getvalue()
