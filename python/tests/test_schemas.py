"""Reports are as `wfkit schema` says, by the validator that others use. `WFKIT` is the program; python/check sets it where it is built."""

import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

PROGRAM = os.environ.get("WFKIT", "")
SAMPLE = pathlib.Path(__file__).parents[2] / "datasets" / "data" / "sample"


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="SKIPPED: python: the program is not built, WFKIT names none")
def test_reports_are_valid(tmp_path):
    def run(*arguments):
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("run", SAMPLE, "--attack", "totals", "--folds", "2", "--defence", "pad:mtu", "--quiet")
    reports = sorted((tmp_path / "out").rglob("*.report.json"))
    assert len(reports) > 6
    for path in reports:
        report = json.loads(path.read_text())
        schema = json.loads(run("schema", report["stage"].replace(" ", "-")))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(report, schema)
