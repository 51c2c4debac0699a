import csv
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest

import wfkit


@pytest.fixture(scope="module")
def evaluation(traces):
    return wfkit.evaluate(traces, "kfp-size", folds=3, trees=20)


def of_everything(traces, evaluation):
    defended = wfkit.defend(traces, "pad:mtu")
    behind = wfkit.evaluate(defended, "kfp-size", folds=3, trees=20)
    return {
        "waterfall": wfkit.plot.waterfall(traces, 1, defences="front:ft-1", seed=3),
        "cumulative": wfkit.plot.cumulative(traces),
        "sizes": wfkit.plot.sizes({"as they were": traces, "pad:mtu": defended}),
        "roc": wfkit.plot.roc(evaluation),
        "classes": wfkit.plot.classes(evaluation),
        "confusion": wfkit.plot.confusion(evaluation),
        "reliability": wfkit.plot.reliability(evaluation),
        "importance": wfkit.plot.importance(wfkit.explain(traces, "totals")),
        "curve": wfkit.plot.curve({"kfp-size": {5: 0.5, 10: evaluation}}, title="Few", x="traces"),
        "frontier": wfkit.plot.frontier(evaluation, [(defended, behind)]),
    }


def test_every_picture_says_what_it_shows_and_has_its_data(traces, evaluation, tmp_path):
    pictures = of_everything(traces, evaluation)
    assert set(pictures) == set(wfkit.plot.__all__) - {"Picture"}
    for name, picture in pictures.items():
        assert picture.title and picture.finding and picture.reading and picture.data, name
        drawn = ElementTree.fromstring(picture._repr_svg_())
        assert drawn.tag.endswith("svg") and picture.title in picture.svg(), name
        rows = list(csv.DictReader(io.StringIO(picture.csv())))
        assert len(rows) == len(picture.data) and list(rows[0]) == list(picture.data[0]), name
        for ending in ("svg", "csv", "json"):
            picture.save(tmp_path / f"{name}.{ending}")
        assert json.loads((tmp_path / f"{name}.json").read_text())["title"]["text"] == picture.title
        assert picture.title in repr(picture)
    with pytest.raises(wfkit.WfkitError, match="pictures are written as .svg, .csv or .json"):
        pictures["roc"].save(tmp_path / "roc.png")


def test_pictures_show_what_was_given(traces, evaluation):
    # All bytes of the trace are drawn.
    drawn = wfkit.plot.waterfall(traces, 1).data
    assert sum(row["bytes"] for row in drawn) == np.abs(traces[1].size).sum()
    padded = wfkit.plot.waterfall(traces, 1, defences=["pad:mtu"]).data
    behind = [row for row in padded if row["trace"] == "pad:mtu"]
    assert {row["kind"] for row in behind} == {"data", "padding"}
    assert sum(row["bytes"] for row in behind if row["kind"] == "data") == np.abs(traces[1].size).sum()
    assert wfkit.plot.waterfall(traces, -1).title == wfkit.plot.waterfall(traces, len(traces) - 1).title
    # The accuracies at the frontier are those that were measured.
    defended = wfkit.defend(traces, "pad:mtu")
    behind = wfkit.evaluate(defended, "kfp-size", folds=3, trees=20)
    points = {row["defence"]: row for row in wfkit.plot.frontier(evaluation, [(defended, behind)]).data}
    assert points["none"]["accuracy"] == pytest.approx(evaluation.accuracy, abs=1e-4)
    assert points["pad:mtu"]["accuracy"] == pytest.approx(behind.accuracy, abs=1e-4)
    assert points["pad:mtu"]["bandwidth_overhead"] == pytest.approx(defended.bandwidth_overhead, rel=1e-4)
    classes = {row["class"] for row in wfkit.plot.classes(evaluation).data}
    assert classes == set(traces.class_names)
    rows = [0, 1]
    names = {row["trace"] for row in wfkit.plot.cumulative(traces, rows).data}
    assert len(names) == 2


def test_what_cannot_be_shown_is_said(traces, evaluation):
    with pytest.raises(wfkit.WfkitError, match="row 900 of"):
        wfkit.plot.waterfall(traces, 900)
    with pytest.raises(wfkit.WfkitError, match="learns from training traces"):
        wfkit.plot.waterfall(traces, 0, defences="k-anonymous,k=2")
    with pytest.raises(wfkit.WfkitError, match="room for 6 lines"):
        wfkit.plot.cumulative(traces, range(7))
    with pytest.raises(wfkit.WfkitError, match="there is no trace"):
        wfkit.plot.sizes({"nothing": traces[:0]})
    other = wfkit.evaluate(wfkit.defend(traces, "pad:mtu"), "totals", folds=3)
    with pytest.raises(wfkit.WfkitError, match="several attacks"):
        wfkit.plot.frontier(evaluation, [(wfkit.defend(traces, "pad:mtu"), other)])


def test_an_explanation_says_what_matters():
    # Class a has one packet more, and all else is the same.
    sizes = [[600, -100, -100] if n % 2 else [600, -100] for n in range(24)]
    times = [list(range(len(size))) for size in sizes]
    traces = wfkit.Traces.from_arrays(["a" if n % 2 else "b" for n in range(24)], times, sizes)
    explanation = wfkit.explain(traces, "totals")
    assert explanation.groups[0].tells == "volume" and explanation.traces == 24
    found = {one.name: one for one in explanation.features}
    assert found["totals.in_packets"].auc == 1.0 and found["totals.in_packets"].bits == pytest.approx(1.0)
    assert found["totals.out_packets"].auc == 0.5
    about = wfkit.explain(traces, "totals", about="a")
    assert {one.name: one.direction for one in about.features}["totals.in_packets"] == "high"
    assert "<table>" in about._repr_html_()
    with pytest.raises(wfkit.WfkitError, match="no such class|there is no class"):
        wfkit.explain(traces, "totals", about="c")
