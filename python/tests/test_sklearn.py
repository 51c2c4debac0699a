import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import wfkit

EXPECTED_TO_FAIL = {
    # Trees grow until leaves hold one class, where no weight changes what they say; scikit-learn's own pass by min_weight_fraction_leaf.
    "check_class_weight_classifiers": "weights of 10^7 to 1 do not outweigh a leaf of one class",
}
# As scikit-learn's own random forest.
EXPECTED_WITH_BOOTSTRAP = {
    "check_sample_weight_equivalence_on_dense_data": "a bootstrap draws others where rows are repeated or left out",
}
# How many checks passed when they were last looked at; fewer would mean that some no longer run.
CHECKS = 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("extra_trees", [False, True])
def test_the_forest_passes_the_checks_of_scikit_learn(extra_trees):
    forest = wfkit.ForestClassifier(20, extra_trees=extra_trees, random_state=0)
    expected = EXPECTED_TO_FAIL if extra_trees else EXPECTED_TO_FAIL | EXPECTED_WITH_BOOTSTRAP
    ran = check_estimator(forest, expected_failed_checks=expected, on_fail=None, on_skip=None)
    told = [(one["check_name"], one["status"], str(one["exception"])) for one in ran if one["status"] != "passed"]
    assert {name for name, status, _ in told if status != "skipped"} <= set(expected), told
    passed = sum(one["status"] == "passed" for one in ran)
    assert passed >= CHECKS, (passed, told)


def test_a_forest_is_an_estimator():
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 5))
    y = np.where(x[:, 0] + x[:, 1] > 0, "up", "down")
    forest = wfkit.ForestClassifier(50, random_state=1).fit(x, y)
    assert forest.classes_.tolist() == ["down", "up"] and forest.score(x, y) == 1.0
    assert (pickle.loads(pickle.dumps(forest)).predict_proba(x) == forest.predict_proba(x)).all()
    assert (clone(forest).fit(x, y).predict_proba(x) == forest.predict_proba(x)).all()
    assert forest.apply(x).shape == (120, 50)
    theirs = cross_val_score(RandomForestClassifier(50, random_state=1), x, y, cv=5).mean()
    ours = cross_val_score(wfkit.ForestClassifier(50, random_state=1), x, y, cv=5).mean()
    assert abs(ours - theirs) < 0.08
    assert make_pipeline(StandardScaler(), wfkit.ForestClassifier(10, random_state=0)).fit(x, y).score(x, y) > 0.9


def test_weights_of_rows_count():
    x = np.array([[0.0], [0.0], [0.0], [1.0]] * 20)
    y = np.array(["a", "b", "b", "c"] * 20)
    weights = np.where(y == "b", 1.0, 6.0)
    plain = wfkit.ForestClassifier(50, random_state=0).fit(x, y).predict_proba([[0.0]])[0]
    heavy = wfkit.ForestClassifier(50, random_state=0).fit(x, y, sample_weight=weights).predict_proba([[0.0]])[0]
    assert plain[1] > 0.55 and heavy[0] > 0.7
    # Of weight 0 is as not there, whole ratios are as repeated where every row is in every tree.
    extra = {"extra_trees": True, "random_state": 0}
    without = wfkit.ForestClassifier(**extra).fit(x[y != "a"], y[y != "a"])
    zero = wfkit.ForestClassifier(**extra).fit(x, y, sample_weight=(y != "a").astype(float))
    assert zero.predict_proba([[0.0]])[0, 0] == 0 and zero.predict_proba([[0.0]])[0, 1] == without.predict_proba([[0.0]])[0, 0]
    with pytest.raises(ValueError, match="[Nn]egative"):
        wfkit.ForestClassifier().fit(x, y, sample_weight=-weights)
    balanced = wfkit.ForestClassifier(50, class_weight="balanced", random_state=0).fit(x, y).predict_proba([[0.0]])[0]
    assert balanced[0] > plain[0]


def test_names_of_features_are_known():
    import pandas

    frame = pandas.DataFrame({"one": [0.0, 1, 2, 3], "two": [3.0, 2, 1, 0]})
    forest = wfkit.ForestClassifier(5, random_state=0).fit(frame, [0, 0, 1, 1])
    assert forest.feature_names_in_.tolist() == ["one", "two"]
    with pytest.raises(ValueError, match="feature names"):
        forest.predict(frame[["two", "one"]])


def test_an_attack_is_an_estimator_over_traces(traces):
    attack = wfkit.Attack("kfp-size", trees=20, seed=4)
    assert clone(attack).get_params() == attack.get_params()
    scores = cross_val_score(attack, traces, traces.classes, cv=wfkit.Folds(4, seed=4))
    assert len(scores) == 4 and scores.mean() > 0.8
    areas = cross_val_score(attack, traces, traces.classes, cv=wfkit.Folds(3, by="session"), scoring="roc_auc_ovr")
    assert len(areas) == 3 and areas.min() > 0.8
    said = cross_val_predict(attack, traces, traces.classes, cv=wfkit.Folds(4, seed=4), method="predict_proba")
    assert said.shape == (48, 4)
    search = GridSearchCV(attack, {"trees": [5, 10]}, cv=wfkit.Folds(3)).fit(traces, traces.classes)
    assert search.best_params_["trees"] in (5, 10)
    fitted = attack.fit(traces)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict_proba(traces) == fitted.predict_proba(traces)).all()
    assert (fitted.predict(traces) == traces.classes).mean() > 0.9


def test_classes_of_y_keep_their_type(traces):
    y = np.array([int(name[4:]) + 10 for name in traces.classes])
    fitted = wfkit.Attack("totals").fit(traces, y)
    assert fitted.classes_.tolist() == [10, 11, 12, 13] and fitted.predict(traces[:1]).dtype == y.dtype
    # Sorted as texts, not by value: what scikit-learn expects of classes_.
    texts = np.array(["9", "10"] * 24)
    assert wfkit.Attack("totals").fit(traces, texts).classes_.tolist() == ["10", "9"]


def test_folds_keep_together_what_belongs_together(traces):
    copies = wfkit.defend(traces, "front:ft-1", replicas=2).traces
    for train, test in wfkit.Folds(3).split(copies):
        assert not set(copies.origins[train]) & set(copies.origins[test])
        assert len(set(train) | set(test)) == len(copies)
    for train, test in wfkit.Folds(3, by="session").split(traces):
        assert not set(traces.sessions[train]) & set(traces.sessions[test])
    folds = wfkit.Folds(4, of=traces)
    features = wfkit.features(traces, "totals").values
    assert len(cross_val_score(wfkit.ForestClassifier(10, random_state=0), features, traces.classes, cv=folds)) == 4
    with pytest.raises(wfkit.WfkitError, match="folds of 48 traces, but there are 5 rows"):
        next(folds.split(features[:5]))
    with pytest.raises(wfkit.WfkitError, match="not by week"):
        next(wfkit.Folds(3, by="week").split(traces))


def test_folds_are_those_of_the_program(traces, tmp_path):
    folds = wfkit.Folds(4, seed=1)
    folds.write(tmp_path / "folds.csv", traces)
    lines = (tmp_path / "folds.csv").read_text().splitlines()
    assert lines[0] == "class,rep,session,fold,together" and len(lines) == 49
    of = folds.fold_of(traces)
    assert sorted(set(of)) == [1, 2, 3, 4]
    by_number = wfkit.evaluate(traces, "totals", folds=of, seed=1)
    assert (by_number.probabilities == wfkit.evaluate(traces, "totals", folds=folds, seed=1).probabilities).all()
    by_pairs = wfkit.evaluate(traces, "totals", folds=list(folds.split(traces)), seed=1)
    assert by_pairs.scores == by_number.scores


def test_folds_of_sessions_tell_of_pages_that_they_leave_untested(traces):
    # Every page of the background in every session.
    pages = [f"site{rep % 3}" if name == "page3" else None for name, rep in zip(traces.classes, traces.reps, strict=True)]
    names = ["unmonitored" if name == "page3" else name for name in traces.classes]
    sessions = [f"day{rep // 3}" for rep in traces.reps]
    world = wfkit.Traces.from_arrays(names, traces.time, traces.size, offsets=traces.offsets, sessions=sessions, pages=pages, layer="tcp")
    with pytest.warns(wfkit.WfkitWarning, match="8 traces are tested by no fold, .* shared_pages=True"):
        apart = wfkit.Folds(3, by="session").fold_of(world)
    assert (apart == 0).sum() == 8
    shared = wfkit.Folds(3, by="session", shared_pages=True)
    assert (shared.fold_of(world) > 0).all() and "shared_pages=True" in repr(shared)
    evaluation = wfkit.evaluate(world, "totals", folds=shared)
    assert evaluation.scores.traces == len(world) and evaluation.split.endswith("pages shared")
