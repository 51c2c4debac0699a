"""Dask with two workers, each of which is killed once in the middle: the same bytes as on one machine."""

import pathlib
import subprocess
import sys

import pyarrow.parquet
import wfkit

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples" / "dask_workers.py"


def test_killed_workers_do_not_show(traces, tmp_path):
    traces.write(tmp_path / "traces.parquet")
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "traces.parquet"), str(tmp_path / "out"), "--kill"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "out"
    for name in ("features", "predicted", "defended"):
        assert (out / f"{name}.killed").exists(), f"{name}: no worker was killed"

    traces = wfkit.read(tmp_path / "traces.parquet")
    extractor = wfkit.FeatureExtractor.fit(traces, "kfp-size")
    model = wfkit.train(traces, "kfp-size", seed=7)
    found = pyarrow.parquet.read_table(out / "features.parquet").select(extractor.names).to_pandas().to_numpy(float)
    assert found.tobytes() == extractor.transform(traces).tobytes()
    found = pyarrow.parquet.read_table(out / "predicted.parquet").select(model.class_names).to_pandas().to_numpy(float)
    assert found.tobytes() == model.predict_proba(traces).tobytes()

    # pandas keeps no metadata of a schema, such as the layer; packets and labels are all there.
    found = wfkit.Traces.from_arrow(pyarrow.parquet.read_table(out / "defended.parquet"))
    whole = wfkit.defend(traces, "front:ft-1", seed=7).traces
    assert found.time.tobytes() == whole.time.tobytes() and found.size.tobytes() == whole.size.tobytes()
    assert found.offsets.tobytes() == whole.offsets.tobytes()
    assert found.origins.tolist() == whole.origins.tolist() and found.classes.tolist() == whole.classes.tolist()
