"""The package says what the program says, byte by byte. `WFKIT` is the program; python/check sets it where it is built."""

import os
import pathlib
import subprocess

import pytest

import wfkit

PROGRAM = os.environ.get("WFKIT", "")
SAMPLE = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="SKIPPED: python: the program is not built, WFKIT names none")
def test_files_are_those_of_the_program(tmp_path):
    def run(*arguments):
        done = subprocess.run([PROGRAM, *map(str, arguments), "--quiet"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    traces = wfkit.read(SAMPLE, progress=False)
    traces.write(tmp_path / "traces.parquet")
    wfkit.defend(traces, "tamaraw:cell", seed=3, progress=False).traces.write(tmp_path / "defended.parquet")
    wfkit.train(traces, "kfp-size", seed=3, trees=30, progress=False).save(tmp_path / "model.wfm")
    wfkit.Folds(5, seed=3).write(tmp_path / "folds.csv", traces)

    run("capture", "import", SAMPLE, "--out", "p-traces.parquet")
    run("defend", "p-traces.parquet", "--defence", "tamaraw:cell", "--seed", 3, "--out", "p-defended.parquet")
    run("train", "p-traces.parquet", "--attack", "kfp-size", "--trees", 30, "--seed", 3, "--out", "p-model.wfm")
    run("dataset", "split", "p-traces.parquet", "--folds", 5, "--seed", 3, "--out", "p-folds.csv")
    for name in ("traces.parquet", "defended.parquet", "model.wfm", "folds.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / f"p-{name}").read_bytes(), name
