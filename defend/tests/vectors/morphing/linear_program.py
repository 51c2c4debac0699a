"""Morphing matrices by the linear program of Wright, Coull and Monrose (NDSS 2009), for expected.json.

minimise sum_ij |i - j| A_ij x_j   subject to   A x = y, columns of A sum to 1, A >= 0

with x the shares of source sizes and y those of target sizes; solved for the mass P_ij = A_ij x_j. Run with

    python3 linear_program.py > expected.json
"""

import json
import random
import sys

import numpy
import scipy
from scipy.optimize import linprog


def solve(source, target):
    """The least mean number of bytes by which a size changes."""
    sizes, x = zip(*source)
    targets, y = zip(*target)
    x, y = numpy.array(x) / sum(x), numpy.array(y) / sum(y)
    cost = numpy.abs(numpy.subtract.outer(targets, sizes)).ravel()  # row i a target size, column j a source size
    rows = []
    for j in range(len(sizes)):  # what leaves j
        mass = numpy.zeros((len(targets), len(sizes)))
        mass[:, j] = 1
        rows.append(mass.ravel())
    for i in range(len(targets)):  # what comes to i
        mass = numpy.zeros((len(targets), len(sizes)))
        mass[i, :] = 1
        rows.append(mass.ravel())
    solved = linprog(cost, A_eq=numpy.array(rows), b_eq=numpy.concatenate([x, y]), bounds=(0, None), method="highs")
    assert solved.success, solved.message
    return solved.fun


def histogram(rng, bins):
    sizes = sorted(rng.sample(range(52, 1501, 8), bins))
    return [[size, rng.randint(1, 500)] for size in sizes]


def main():
    rng = random.Random(1)
    cases = [([[100, 1]], [[1448, 1]]), ([[100, 3], [1448, 1]], [[100, 1], [1448, 3]])]
    cases += [(histogram(rng, rng.randint(1, 30)), histogram(rng, rng.randint(1, 30))) for _ in range(40)]
    versions = f"Python {sys.version.split()[0]}, SciPy {scipy.__version__}, NumPy {numpy.__version__}"
    solved = [{"source": x, "target": y, "cost": solve(x, y)} for x, y in cases]
    print(json.dumps({"made_by": f"linear_program.py, {versions}", "cases": solved}))


main()
