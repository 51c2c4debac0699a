#!/usr/bin/env python3
"""A sample attack: nearest neighbours over the totals of a trace. It is what every better attack must beat.

    python3 attack.py targets/ attack.csv.zip
"""

import csv
import io
import math
import pathlib
import re
import sys
import zipfile
from collections import Counter, defaultdict

NEIGHBOURS = 8


def rows(file):
    with zipfile.ZipFile(file) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    return csv.DictReader(io.StringIO(text))


def totals(file, key):
    """Bytes and packets of both directions and the time of each trace, as logarithms, by the values of the key columns."""
    traces = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    for row in rows(file):
        trace, size = traces[tuple(row[name] for name in key)], int(row["direction_size"])
        trace[0 if size > 0 else 1] += abs(size)
        trace[2 if size > 0 else 3] += 1
        trace[4] = max(trace[4], float(row["timestamp"]))
    return {name: [math.log1p(value) for value in trace] for name, trace in traces.items()}


def probabilities(train, trace, classes):
    near = sorted((math.dist(other, trace), name[0]) for name, other in train.items())[:NEIGHBOURS]
    votes = Counter()
    for distance, name in near:
        votes[name] += 1 / (distance + 1e-3)
    # No class is impossible.
    values = [votes[name] + 0.01 for name in classes]
    return [value / sum(values) for value in values]


def main():
    folder, out = pathlib.Path(sys.argv[1]), sys.argv[2]
    text = io.StringIO()
    writer, classes = csv.writer(text, lineterminator="\n"), None
    for file in sorted(folder.glob("team_*_train.csv.zip")):
        team = re.search(r"team_(\d+)_train", file.name)[1]
        train = totals(file, ("cell_id", "rep"))
        if classes is None:
            classes = [str(number + 1) for number in range(max(int(name[0]) for name in train))]
            writer.writerow(["team_id", "capture_id"] + [f"proba_class_{name}" for name in classes])
        test = totals(folder / f"team_{team}_test.csv.zip", ("capture_id",))
        for (capture,), trace in test.items():
            writer.writerow([team, capture] + probabilities(train, trace, classes))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("attack.csv", text.getvalue())


if __name__ == "__main__":
    main()
