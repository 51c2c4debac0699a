import pathlib

import numpy as np
import pytest

import wfkit
from wfkit import competition

RULES = competition.Rules(classes=2, reps=8, deviation=3, min_packets=1)


@pytest.fixture
def traces():
    sizes = [[600, -1000 * (1 + n % 2) - n] for n in range(16)]
    return wfkit.Traces.from_arrays(["1" if n % 2 else "2" for n in range(16)], [[0, 5_000_000_000 + n] for n in range(16)], sizes, layer="tcp")


def test_a_round_from_both_sides(traces, tmp_path):
    upload = tmp_path / "defence.csv.zip"
    report = competition.export(traces, upload, RULES)
    assert report["accepted"] and report["traces"] == 16 and report["classes_file"] is None
    assert competition.check(upload, rules=RULES)["accepted"]
    part = competition.split(upload, tmp_path / "parts", team_id=4, test_traces=6, seed=1)
    assert (part["train_traces"], part["test_traces"]) == (10, 6)
    train = wfkit.read(part["train"])
    test, ids = competition.read_test(part["test"])
    assert len(train) == 10 and len(test) == len(ids) == 6
    model = wfkit.train(train, "totals", trees=20)
    attack = tmp_path / "attack.csv"
    competition.write_attack(attack, model.predict_proba(test), ids, class_names=model.class_names, team_id=4, rules=RULES)
    assert competition.check(attack, verif=part["verif"], rules=RULES)["accepted"]
    scores = competition.score(attack=attack, verif=part["verif"], defence=upload)
    assert scores["roc_auc_macro_ovr"] == 1.0 and scores["attack_score"] == 10.0
    assert scores["total"] == pytest.approx(10 * scores["cost"]["utility"]["score"])
    # Whoever knows nothing has half of it.
    competition.write_attack(attack, np.full((6, 2), 0.5), ids, class_names=["1", "2"], team_id=4, rules=RULES)
    assert competition.score(attack=attack, verif=[part["verif"]])["attack_score"] == 5.0


def test_classes_with_names_are_numbered_and_told(traces, tmp_path):
    named = traces.with_classes(["cat" if name == "1" else "dog" for name in traces.classes])
    report = competition.export(named, tmp_path / "defence.csv", RULES)
    assert report["accepted"] and "cat" in pathlib.Path(report["classes_file"]).read_text()


def test_what_is_wrong_is_said(traces, tmp_path):
    report = competition.export(traces[:3], tmp_path / "few.csv", RULES)
    assert not report["accepted"] and report["problems"]
    with pytest.raises(wfkit.WfkitError, match=r"shape \(2, 2\), for 3 ids and 2 classes"):
        competition.write_attack(tmp_path / "a.csv", np.full((2, 2), 0.5), [1, 2, 3], class_names=["1", "2"], rules=RULES)
    with pytest.raises(wfkit.WfkitError, match="not in the order of classes"):
        competition.write_attack(tmp_path / "a.csv", np.full((1, 2), 0.5), [1], class_names=["2", "1"], rules=RULES)
    upload = tmp_path / "team_4_train.csv.zip"
    competition.export(traces, upload, RULES)
    before = upload.read_bytes()
    with pytest.raises(wfkit.WfkitError, match="team_4_train.csv.zip: it is what is read, and would be lost; name another folder"):
        competition.split(upload, tmp_path, team_id=4, test_traces=6)
    assert upload.read_bytes() == before
    with pytest.raises(FileNotFoundError):
        competition.check(tmp_path / "missing.csv", rules=RULES)
