#!/usr/bin/env python3
"""Writes expected.json: log likelihoods of real traces by `profile_hmm.py`.

    python make_alignment.py FOLDER_OF_SAMPLE > expected.json

The traces are captures of the bundled sample (`datasets/data/sample`), real Tor traffic of a private test network, free to redistribute
(CC0), as tokens. Two of them are there as sizes of packets too.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[4] / "features/tests/vectors"))
from make_features import captured  # noqa: E402
from profile_hmm import Model  # noqa: E402

CASES = [
    # name, view, classes, training traces a class or of each class, tested traces a class, further parameters
    ("answers", "answers", 10, 12, 3, {}),
    ("bursts", "bursts", 3, 6, 2, {}),
    ("one trace a class", "answers", 10, 1, 2, {}),
    ("the last class is everything else", "answers", 4, 8, 2, {"background": 3}),
    ("some classes of one trace", "answers", 6, [6, 1, 6, 1, 1, 2], 2, {}),
    ("no round", "answers", 3, 4, 2, {"rounds": 0}),
]
SEED = 17


def main(folder):
    folder = Path(folder)
    cells = sorted({int(path.name.split("_")[1]) for path in folder.glob("*.pcap")})
    sizes = [[[int(s) for s in captured(folder / f"cell_{cell}_rep_{rep}.pcap")[1]] for rep in range(15)] for cell in cells]
    cases = []
    for name, view, classes, train, test, params in CASES:
        model = Model(view, 1500, **params)
        tokens = [[model.alphabet.tokens(one) for one in own] for own in sizes[:classes]]
        trained = train if isinstance(train, list) else [train] * classes
        x = [one for own, n in zip(tokens, trained) for one in own[:n]]
        labels = [label for label, n in enumerate(trained) for _ in range(n)]
        tested = [one for own, n in zip(tokens, trained) for one in own[n : n + test]]
        model.fit(x, labels, classes, SEED)
        cases.append(
            {
                "name": name,
                "view": view,
                "params": {"rounds": 12, "background": None, **params},
                "classes": classes,
                "labels": labels,
                "train": x,
                "test": tested,
                "transitions": model.t.tolist(),
                "matches": model.moves.tolist(),
                "log_likelihoods": model.log_likelihoods(tested).tolist(),
            }
        )
    read = [{"sizes": own[0], "answers": Model("answers", 1500).alphabet.tokens(own[0]), "bursts": Model("bursts", 1500).alphabet.tokens(own[0])} for own in sizes[:2]]
    made_by = {"python": platform.python_version(), "numpy": np.__version__}
    json.dump({"made_by": made_by, "seed": SEED, "read": read, "cases": cases}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main(sys.argv[1])
