"""Traces that tests share: made up, the same each time."""

import numpy as np
import pytest

import wfkit


def made_up(classes=4, reps=12, seed=3, sessions=3):
    """Pages that differ in how much they answer, in sessions."""
    random = np.random.default_rng(seed)
    names, time, size, of_session, of_rep = [], [], [], [], []
    for number in range(classes):
        for rep in range(reps):
            n = 40 + 15 * number + int(random.integers(0, 12))
            gaps = random.integers(0, 9_000_000, n)
            gaps[0] = 0
            sizes = np.where(random.random(n) < 0.25, 600, -1448)
            sizes[0] = 500 + number
            names.append(f"page{number}")
            time.append(np.cumsum(gaps))
            size.append(sizes)
            of_session.append(f"day{rep % sessions}")
            of_rep.append(rep)
    return wfkit.Traces.from_arrays(names, time, size, sessions=of_session, reps=of_rep, layer="tcp")


@pytest.fixture(scope="session")
def traces():
    return made_up()
