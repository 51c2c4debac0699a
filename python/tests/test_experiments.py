import pickle

import numpy as np
import polars
import pyarrow
import pytest

import wfkit


def test_features_know_their_columns_and_labels(traces):
    features = wfkit.features(traces, "totals,kfp-size")
    assert features.shape == (len(traces), len(features.names)) == features.values.shape
    assert features.names[0].startswith("totals.")
    assert {"name", "unit", "information"} <= set(features.columns[0])
    assert np.asarray(features).sum() == features.values.sum()
    frame = polars.DataFrame(features)
    assert frame.columns[:3] == ["class", "rep", "session"] and frame.columns[6:] == features.names
    assert (frame[features.names[1]].to_numpy() == features.values[:, 1]).all()
    assert "<table>" in features._repr_html_()
    again = pickle.loads(pickle.dumps(features.extractor))
    assert (wfkit.features(traces, again).values == features.values).all()


def test_features_are_learned_from_the_training_part(traces):
    train, other = traces[:24], traces[24:]
    fitted = wfkit.features(other, "kfp-size", fit_on=train)
    assert (fitted.values == wfkit.FeatureExtractor.fit(train, "kfp-size").transform(other)).all()
    assert (fitted.values != wfkit.features(other, "kfp-size").values).any()


def test_the_order_of_rows_is_that_of_the_caller(traces):
    order = np.random.default_rng(1).permutation(len(traces))
    mixed = traces[order]
    features = wfkit.features(traces, "totals").values
    assert (wfkit.features(mixed, "totals").values == features[order]).all()
    assert wfkit.defend(mixed, "front:ft-1", seed=4).traces == wfkit.defend(traces, "front:ft-1", seed=4).traces[order]
    model = wfkit.train(traces, "kfp-size", trees=20)
    assert (model.predict_proba(mixed) == model.predict_proba(traces)[order]).all()
    assert wfkit.train(mixed, "kfp-size", trees=20).to_bytes() == model.to_bytes()
    one, other = (wfkit.evaluate(some, "kfp-size", folds=3, trees=20) for some in (traces, mixed))
    assert (other.probabilities == one.probabilities[order]).all()
    assert (other.truth == mixed.classes).all() and other.accuracy == one.accuracy


def test_a_defence_has_its_price_and_its_copies(traces):
    defended = wfkit.defend(traces, "front:ft-1", seed=7, replicas=3)
    assert len(defended.traces) == 3 * len(traces)
    assert defended.bandwidth_overhead > 0 and defended.latency_overhead == 0.0
    assert defended.traces.defences == ["front:ft-1"]
    assert len(set(defended.traces.origins)) == len(traces)
    assert defended.manifest["seed"] == 7
    assert wfkit.defend(traces, "front:ft-1", seed=7, replicas=3).traces == defended.traces
    assert wfkit.defend(traces, "front:ft-1", seed=8, replicas=3).traces != defended.traces
    # A defended set is taken where traces are.
    assert wfkit.features(defended, "totals").shape[0] == len(defended.traces)
    assert "bandwidth overhead" in defended._repr_html_()
    with pytest.raises(wfkit.WfkitError, match="did you mean|there is no"):
        wfkit.defend(traces, "frnt")


def test_an_evaluation_is_typed(traces):
    found = wfkit.evaluate(traces, "kfp-size", folds=4, seed=2, trees=30)
    scores = found.scores
    assert scores.traces == len(traces) and scores.classes == 4 and scores.chance_accuracy == 0.25
    assert scores.accuracy == (found.decisions == found.truth).mean() > 0.8
    interval = scores.intervals["accuracy"]
    assert interval.low < scores.accuracy < interval.high
    assert [fold.test for fold in found.folds] == [12] * 4 and found.learned_from == 0
    assert found.probabilities.shape == (48, 4) and found.rows.tolist() == list(range(48))
    assert found.confusion_matrix().sum() == 48 and np.trace(found.confusion_matrix()) == round(scores.accuracy * 48)
    assert len(scores.per_class) == 4 and scores.per_class[0].name == "page0"
    assert "kfp-size" in found._repr_html_() and "recall" in found._repr_html_()
    # The same seed, the same numbers.
    assert wfkit.evaluate(traces, "kfp-size", folds=4, seed=2, trees=30).scores == scores


def test_one_set_is_trained_on_and_another_tested(traces):
    found = wfkit.evaluate(traces[::2], "totals", test=traces[1::2])
    assert found.scores.traces == 24 and found.split == "train and test"
    with pytest.warns(wfkit.WfkitWarning, match="page3"):
        wfkit.evaluate(traces[:36], "totals", test=traces)


def test_probabilities_of_others_are_scored_like_our_own(traces):
    folds = wfkit.Folds(4, seed=5)
    ours = wfkit.evaluate(traces, "kfp-size", folds=folds, trees=30)
    theirs = wfkit.score(ours.probabilities, traces, folds=folds, name="theirs")
    assert theirs.scores == ours.scores
    assert [(f.name, f.train, f.test) for f in theirs.folds] == [(f.name, f.train, f.test) for f in ours.folds]
    # By columns, in any order.
    frame = polars.DataFrame(ours.probabilities, schema=ours.class_names).select(ours.class_names[::-1])
    assert wfkit.score(frame, traces, folds=folds).scores == ours.scores
    # Of some rows.
    some = ours.rows[::2]
    part = wfkit.score(ours.probabilities[::2], traces, rows=some, folds=folds)
    assert part.rows.tolist() == some.tolist() and part.scores.traces == 24
    # Classes alone.
    assert wfkit.score(ours.probabilities, traces.classes).accuracy == ours.accuracy


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda p: p[:5], "5 rows of probabilities for 48 traces|5 traces have"),
        (lambda p: p[:, :3], "3 columns of probabilities for 4 classes"),
        (lambda p: p * 2, "row 0: probabilities sum to 2, not to 1; take the softmax in double precision"),
        (lambda p: p * np.nan, "NaN is not a probability"),
        (lambda p: p[0], "1 axes"),
        (lambda p: np.vstack([p, p]), "96 rows of probabilities for 48 traces"),
    ],
)
def test_what_are_no_probabilities_is_refused(traces, change, text):
    p = np.full((len(traces), 4), 0.25)
    rows = range(len(traces)) if len(change(p)) < 48 else None
    with pytest.raises(wfkit.WfkitError, match=text):
        wfkit.score(change(p), traces, rows=rows)


def test_a_sheet_stands_side_by_side(traces, tmp_path):
    folds = wfkit.Folds(4)
    best, plain = (wfkit.evaluate(traces, name, folds=folds) for name in ("kfp-size", "totals"))
    sheet = wfkit.compare(plain, best)
    (test,) = sheet.comparisons
    assert (test.first, test.second) == ("totals", "kfp-size") and 0 <= test.p_accuracy <= 1 and test.p_log_loss is not None
    assert test.difference == pytest.approx(plain.accuracy - best.accuracy)
    text = str(sheet)
    assert all(len(line) <= 80 for line in text.splitlines()) and "kfp-size" in text
    for ending in ("md", "json", "html"):
        sheet.save(tmp_path / f"sheet.{ending}")
        assert "kfp-size" in (tmp_path / f"sheet.{ending}").read_text()
    with pytest.raises(wfkit.WfkitError, match="a score sheet is .md, .json or .html"):
        sheet.save(tmp_path / "sheet.txt")
    with pytest.raises(wfkit.WfkitError, match="not tested on the same traces in the same folds"):
        wfkit.compare(plain, wfkit.evaluate(traces, "totals", folds=3))


def test_models_are_files_and_pickles(traces, tmp_path):
    model = wfkit.train(traces, "kfp-size", seed=3, trees=20)
    model.save(tmp_path / "m.wfm")
    said = model.predict_proba(traces)
    for again in (wfkit.Model.load(tmp_path / "m.wfm"), pickle.loads(pickle.dumps(model))):
        assert (again.predict_proba(traces) == said).all()
        assert again.class_names == model.class_names and again.seed == 3
    # Labels of what is asked do not matter, nor whether two rows have one key.
    assert (model.predict_proba(traces[[4, 4]].with_classes(["x", "x"])) == said[[4, 4]]).all()
    with pytest.raises(wfkit.WfkitError, match="nonsense"):
        wfkit.train(traces, "nonsense")
    with pytest.raises(wfkit.WfkitError, match="duplicate|two traces have the key"):
        wfkit.train(traces[[0, 0, 20]], "totals")
    with pytest.raises(wfkit.WfkitError, match="not a model"):
        wfkit.Model.from_bytes(b"nonsense")


def test_batches_are_pure(traces):
    """What comes of a row does not depend on the rows beside it: parts, joined, are the whole."""
    table = pyarrow.table(traces)
    parts = [table.slice(0, 7), table.slice(7, 30), table.slice(37)]
    extractor = wfkit.FeatureExtractor.fit(traces, "kfp-size")
    model = wfkit.train(traces, "kfp-size", trees=10)
    profile = pickle.loads(pickle.dumps(wfkit.Profile.of(traces)))
    for spec in ("front:ft-1", "tamaraw:cell", "pad:mtu", "constant-rate:buflo"):
        whole = wfkit.defend(traces, spec, seed=9).traces
        joined = pyarrow.concat_tables(pyarrow.table(wfkit.defend_batch(part, spec, seed=9, profile=profile)) for part in parts)
        assert wfkit.Traces.from_arrow(joined) == whole, spec
    joined = pyarrow.concat_tables(pyarrow.table(wfkit.features_batch(part, extractor)) for part in parts)
    assert (joined.select(extractor.names).to_pandas().to_numpy() == extractor.transform(traces)).all()
    joined = pyarrow.concat_tables(pyarrow.table(wfkit.predict_batch(part, model)) for part in parts)
    assert (joined.select(model.class_names).to_pandas().to_numpy() == model.predict_proba(traces)).all()
    assert joined["class"].to_pylist() == traces.classes.tolist()


def test_lists_tell_what_there_is():
    assert {"name", "source", "description"} <= set(wfkit.attacks()[0])
    assert {"name", "source", "presets"} <= set(wfkit.defences()[0])
