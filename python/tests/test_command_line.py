"""The program that comes with the package: the same command line, from the same wheel."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

import wfkit

SAMPLE = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"
SCRIPT = pathlib.Path(sys.executable).with_name("wfkit")
PROGRAM = os.environ.get("WFKIT", "")


def run(*words, program=(SCRIPT,), **options):
    return subprocess.run([*program, *map(str, words)], capture_output=True, text=True, **options)


def test_both_ways_to_call_it_say_the_version():
    for program in ((SCRIPT,), (sys.executable, "-m", "wfkit")):
        done = run("--version", program=program)
        assert (done.returncode, done.stdout) == (0, f"wfkit {wfkit.__version__}\n"), done.stderr


def test_help_and_mistakes_are_those_of_a_program(tmp_path):
    done = run("--help")
    assert done.returncode == 0 and "Usage: wfkit" in done.stdout
    done = run("features", "--sead", "1")
    assert done.returncode == 2 and "--seed" in done.stderr and done.stdout == ""
    done = run("dataset", "info", tmp_path / "absent.parquet")
    assert done.returncode == 1 and "absent.parquet" in done.stderr and "Traceback" not in done.stderr


def test_a_pipeline_goes_from_captures_to_a_report_and_again(tmp_path):
    done = run("run", SAMPLE, "--attack", "totals", "--out", "out", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(wfkit.read(tmp_path / "out" / "traces.parquet", progress=False)) == 200
    done = run("rerun", "out", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="SKIPPED: python: the program is not built, WFKIT names none")
def test_files_are_those_of_the_program(tmp_path):
    for program, out in (((SCRIPT,), "script"), ((PROGRAM,), "program")):
        done = run("run", SAMPLE, "--attack", "totals", "--seed", "7", "--out", out, "--quiet", program=program, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    # Of these alone every byte is data: reports tell seconds besides.
    made = [path.relative_to(tmp_path / "program") for path in (tmp_path / "program").rglob("*") if path.suffix in (".parquet", ".wfm")]
    assert {"traces.parquet", "features.parquet", "model.wfm", "probabilities.parquet"} <= set(map(str, made))
    for name in made:
        assert (tmp_path / "script" / name).read_bytes() == (tmp_path / "program" / name).read_bytes(), name


def test_parts_of_a_sweep_know_that_they_were_made_alike(traces, tmp_path):
    traces.write(tmp_path / "traces.parquet")
    plan = ["sweep", "traces.parquet", "--attack", "totals", "--defence", "front:ft-1", "--folds", "2", "--first", "4", "--quiet"]
    for part in ("1/2", "2/2"):
        done = run(*plan, "--shard", part, "--out", f"part-{part[0]}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = run("dataset", "merge", "part-1", "part-2", "--out", "all", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_it_at_once(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with subprocess.Popen([SCRIPT, "dataset", "info", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # Nothing comes out of it: the program waits once it has opened it.
        with pipe.open("w"):
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == -signal.SIGINT
