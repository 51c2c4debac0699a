"""Benchmarks on the bundled data: the names fix traces and folds."""

import pathlib

import numpy as np
import pytest

import wfkit

DATA = pathlib.Path(__file__).parents[2] / "datasets" / "data"
WHERE = {"sample@1": "sample", "lab-secretstroll@1": "lab/secretstroll", "lab-pages@1": "lab/pages", "torpcaps-xs@1": "torpcaps-xs"}
BUNDLED = [one["id"] for one in wfkit.benchmarks() if one["id"].split("/")[0] in WHERE]


@pytest.mark.parametrize("name", BUNDLED)
def test_the_bundled_data_are_those_of_their_names(name):
    found = wfkit.benchmark(name, DATA / WHERE[name.split("/")[0]])
    tested = np.concatenate([test for _, test in found.folds.split(found.traces)])
    assert sorted(tested.tolist()) == list(range(len(found.traces)))


def test_a_benchmark_says_what_the_functions_say():
    sample = wfkit.benchmark("sample@1/5-folds", str(DATA / "sample"))
    totals = sample.evaluate("totals")
    assert totals.accuracy == wfkit.evaluate(sample.traces, "totals", folds=5).accuracy == 0.805
    mine = sample.score(totals.probabilities, name="mine")
    sheet = wfkit.compare(mine, totals)
    assert "benchmark sample@1/5-folds, 5 stratified folds, seed 0" in str(sheet)
    assert sheet.comparisons[0].difference == 0


def test_rows_may_be_in_any_order_and_nothing_else_may_differ():
    traces = wfkit.read(DATA / "sample")
    mixed = traces[np.random.default_rng(1).permutation(len(traces))]
    name = "sample@1/10-folds"
    in_order, other = wfkit.benchmark(name, traces), wfkit.benchmark(name, mixed)
    folds = {key: fold for key, fold in zip(keys(traces), in_order.folds.fold_of(traces).tolist(), strict=True)}
    assert folds == {key: fold for key, fold in zip(keys(mixed), other.folds.fold_of(mixed).tolist(), strict=True)}
    with pytest.raises(wfkit.WfkitError, match="has traces 200, and these data 199"):
        wfkit.benchmark(name, traces[:199])
    with pytest.raises(wfkit.WfkitError, match="has layer tcp, and these data ip"):
        wfkit.benchmark(name, wfkit.read(DATA / "sample", layer="ip"))
    size = traces.size.copy()
    size[0] += 1
    changed = wfkit.Traces.from_arrays(
        traces.classes, traces.time, size, offsets=traces.offsets, reps=traces.reps, sessions=traces.sessions, layer="tcp"
    )
    with pytest.raises(wfkit.WfkitError, match="other traces than sample@1, though as many .* datasets/data/sample"):
        wfkit.benchmark(name, changed)
    with pytest.raises(wfkit.WfkitError, match="there is no benchmark sample@2/10-folds: sample@1/5-folds"):
        wfkit.benchmark("sample@2/10-folds", traces)


def keys(traces):
    return list(zip(traces.classes.tolist(), traces.reps.tolist(), traces.sessions.tolist(), strict=True))
