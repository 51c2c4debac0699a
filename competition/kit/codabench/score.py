#!/usr/bin/env python3
"""Scores an attack: python3 score.py INPUT OUTPUT, where INPUT/ref has truth.csv and INPUT/res the upload. Plain Python 3.

Numbers are those of `wfkit competition score`: macro one-vs-rest ROC-AUC, accuracy, 10 x ROC-AUC. Rows are told by `capture_id`, columns by
name; captures that the truth does not have are of the other half and are looked at for their form only.
"""

import csv
import io
import json
import math
import pathlib
import sys
import zipfile


def rows(path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(members) != 1:
                sys.exit(f"{path.name}: {len(members)} CSV files in it, expected 1")
            return list(csv.DictReader(io.StringIO(archive.read(members[0]).decode())))
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def upload(folder):
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".zip") and not path.name.startswith("."))
    if len(files) != 1:
        sys.exit(f"{len(files)} files (.csv or .csv.zip) in the upload, expected 1")
    return files[0]


def area(scores, positive):
    """Of one class against the rest: the share of pairs that are ranked right, ties half."""
    ranked = sorted(zip(scores, positive))
    wins, below, start = 0.0, 0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        own = sum(1 for _, is_positive in ranked[start:end] if is_positive)
        others = end - start - own
        wins += own * (below + others / 2)
        below += others
        start = end
    count = sum(positive)
    return wins / (count * (len(positive) - count))


def main():
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    truth = {row["capture_id"]: row["cell_id"] for row in rows(source / "ref" / "truth.csv")}
    expected = {row["capture_id"] for row in rows(source / "ref" / "captures.csv")}
    names = None
    said = {}
    path = upload(source / "res")
    for number, row in enumerate(rows(path), start=2):
        if names is None:
            names = [name for name in row if name.startswith("proba_class_")]
        capture = str(int(row["capture_id"]))
        if capture in said:
            sys.exit(f"{path.name}, row {number}: capture {capture} occurs twice")
        if capture not in expected:
            sys.exit(f"{path.name}, row {number}: there is no capture {capture}")
        values = [float(row[name]) for name in names]
        if not all(0 <= value <= 1 for value in values) or not math.isclose(sum(values), 1, abs_tol=1e-3):
            sys.exit(f"{path.name}, row {number}: no distribution: from 0 to 1, and 1 in sum")
        total = sum(values)
        said[capture] = [value / total for value in values]
    if missing := expected - said.keys():
        sys.exit(f"{path.name}: {len(missing)} captures are missing, such as {min(missing)}")
    classes = [name.removeprefix("proba_class_") for name in names]
    if unknown := set(truth.values()) - set(classes):
        sys.exit(f"{path.name}: no column proba_class_{min(unknown)}")
    captures = sorted(truth, key=int)
    own = [truth[capture] for capture in captures]
    areas = []
    for column, name in enumerate(classes):
        positive = [one == name for one in own]
        if any(positive) and not all(positive):
            areas.append(area([said[capture][column] for capture in captures], positive))
    right = sum(classes[said[capture].index(max(said[capture]))] == truth[capture] for capture in captures)
    roc_auc = sum(areas) / len(areas)
    scores = {"roc_auc": roc_auc, "accuracy": right / len(captures), "attack_score": 10 * roc_auc}
    out.mkdir(parents=True, exist_ok=True)
    (out / "scores.json").write_text(json.dumps(scores))


if __name__ == "__main__":
    main()
