"""Descriptions of data sets in Croissant, beside what is written."""

import json
import os
import pathlib
import subprocess

import pytest

import wfkit

SAMPLE = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.zip"])
def test_a_description_stands_beside(traces, tmp_path, ending):
    if ending != ".parquet":
        traces = wfkit.Traces.from_arrays(traces.classes, traces.time, traces.size, offsets=traces.offsets)
    path = tmp_path / f"made{ending}"
    traces.write(path)
    described = json.loads((tmp_path / "made.croissant.json").read_text())
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert described["distribution"][0]["contentSize"] == f"{path.stat().st_size} B"
    assert f"{len(traces)} traces of 4 classes, {len(traces.size)} packets" in described["description"]
    assert "license" not in described
    (tmp_path / "made.croissant.json").unlink()
    traces.write(path, croissant=False)
    assert not (tmp_path / "made.croissant.json").exists()


def test_the_licence_goes_along(tmp_path):
    sample = wfkit.read(SAMPLE, progress=False)
    sample.write(tmp_path / "a.parquet")
    again = wfkit.read(tmp_path / "a.parquet")
    for number, some in enumerate([again[5:9], again[[7, 3]], wfkit.defend(again[:20], "pad:mtu", progress=False).traces]):
        some.write(tmp_path / f"{number}.parquet")
        assert "publicdomain/zero" in json.loads((tmp_path / f"{number}.croissant.json").read_text())["license"]


def test_the_bytes_are_those_of_the_program(tmp_path):
    program = os.environ.get("WFKIT", "")
    if not os.access(program, os.X_OK):
        pytest.skip("the program is not built")
    wfkit.read(SAMPLE, progress=False).write(tmp_path / "a.parquet")
    (tmp_path / "of_program").mkdir()
    (tmp_path / "of_python").mkdir()
    subprocess.run([program, "--quiet", "dataset", "convert", tmp_path / "a.parquet", "--out", tmp_path / "of_program" / "b.parquet"], check=True, stdout=subprocess.DEVNULL)
    wfkit.read(tmp_path / "a.parquet").write(tmp_path / "of_python" / "b.parquet")
    for name in ("b.parquet", "b.croissant.json"):
        assert (tmp_path / "of_python" / name).read_bytes() == (tmp_path / "of_program" / name).read_bytes(), name


def test_no_description_outlives_the_file_that_it_is_of(traces, tmp_path):
    path, beside = tmp_path / "made.parquet", tmp_path / "made.croissant.json"
    traces.write(path)
    traces.write(path, croissant=False)
    assert beside.exists(), "the same bytes are described by it"
    traces[:5].write(path, croissant=False)
    assert not beside.exists()
    traces.write(path)
    wfkit.write_parts(traces[:3], path, croissant=False)
    assert not beside.exists()
    traces.write(path)
    beside.write_text(json.dumps({**json.loads(beside.read_text()), "creator": "me"}))
    with pytest.warns(wfkit.WfkitWarning, match="describes another file"):
        traces[:5].write(path, croissant=False)
    assert json.loads(beside.read_text())["creator"] == "me"
