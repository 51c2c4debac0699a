"""Two attacks on the same traces as one: their probabilities averaged, and whether that names more traces than either alone."""

import csv
import math


def figures(first, second, names, widened_by):
    """Accuracies of two attacks and of their average, from files of probabilities that `wfkit evaluate --out` wrote.

    The interval is Wilson's of as many traces as are left after widening for cross-validation, as in wfkit's reports; p is McNemar's,
    exact and two-sided, of the average against the better one.
    """
    classes, (one, two) = None, ({}, {})
    for path, into in ((first, one), (second, two)):
        with open(path, newline="") as file:
            header, *rows = csv.reader(file)
        if classes not in (None, header[3:]):
            raise ValueError(f"{first} and {second} have other classes")
        classes = header[3:]
        into |= {tuple(row[:3]): [float(value) for value in row[3:]] for row in rows}
    if one.keys() != two.keys():
        raise ValueError(f"{first} and {second} hold other traces")
    average = {key: [(a + b) / 2 for a, b in zip(one[key], two[key], strict=True)] for key in one}
    right = [{key: classes[values.index(max(values))] == key[0] for key, values in of.items()} for of in (one, two, average)]
    accuracy = [sum(of.values()) / len(of) for of in right]
    better = right[0] if accuracy[0] >= accuracy[1] else right[1]
    won = sum(right[2][key] and not better[key] for key in better)
    lost = sum(better[key] and not right[2][key] for key in better)
    return {
        "names": names,
        "alone": accuracy[:2],
        "together": {"value": accuracy[2], "interval": wilson(accuracy[2], len(average) / widened_by**2)},
        "p": mcnemar(won, lost),
    }


def wilson(share, n, z=1.959963984540054):
    """95 % interval of a share of n."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"low": middle - half, "high": middle + half}


def mcnemar(won, lost):
    """Exact, two-sided p of so many pairs in which one alone was right."""
    n, k = won + lost, min(won, lost)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
