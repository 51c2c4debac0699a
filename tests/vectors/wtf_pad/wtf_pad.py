"""Padding packets of WTF-PAD, normal_rcv, as its public simulator sends them: packet by packet over a list, written from the definition.

    python3 wtf_pad.py [--lasting] ROUNDS TRACE.log...      lines of `nanoseconds,s|r,size`

Prints the mean number of padding packets a trace, outgoing and incoming, and their standard errors over the rounds. Made with CPython 3.11, no
packages, 60 rounds. Tokens are drawn, 10 000 a histogram, anew for every trace; with `--lasting` for every round, as the public simulator does.
"""

import bisect
import random
import statistics
import sys

INF = float("inf")
EDGES = [0.0] + [10.0 / 2**k for k in range(29, -1, -1)]
# (end, after): mean, deviation of gaps; both states use them. One infinite token to so many others.
GAPS = {
    (+1, "sent"): (0.06129599, 0.03995375, 20),
    (+1, "received"): (0.0001368523, 0.0009233190, 20),
    (-1, "sent"): (0.01325997, 0.0973761, 33),
    (-1, "received"): (0.01325997, 0.0126454036, 33),
}


class Histogram:
    def __init__(self, mean, deviation, others):
        self.full = [0] * 31
        for _ in range(10_000):
            seconds = random.gauss(mean, deviation)
            if seconds > 0:
                self.full[min(bisect.bisect_right(EDGES, seconds) - 1, 30)] += 1
        self.full[30] = -(-sum(self.full[:30]) // others)
        self.left = list(self.full)

    def draw(self):
        bin = random.choices(range(31), self.left)[0]
        return INF if bin == 30 else random.uniform(EDGES[bin], EDGES[bin + 1])

    def take(self, seconds):
        bin = min(bisect.bisect_right(EDGES, seconds) - 1, 30)
        order = list(range(bin, -1, -1)) + list(range(bin + 1, 31))
        self.left[next(i for i in order if self.left[i])] -= 1
        if not any(self.left):
            self.left = list(self.full)


def defend(trace, histograms):
    """The trace is a sorted list of (seconds, direction, is padding); it grows as it is gone through."""
    state = {+1: "burst", -1: "burst"}
    expired = {+1: False, -1: False}
    i = 0
    while i < len(trace):
        seconds, direction, padding = trace[i]
        if state[direction] == "wait" and not padding:
            state[direction] = "burst"
        elif state[direction] == "burst" and expired[direction]:
            state[direction] = "gap"
        elif state[direction] == "gap" and not padding:
            state[direction] = "wait"
        for end, after in ((direction, "sent"), (-direction, "received")):
            following = next((p for p in trace[i + 1 :] if p[1] == end), None)
            if state[end] == "wait" or following is None or following[0] <= seconds:
                continue
            histogram = histograms[end, after]
            wait, gap = histogram.draw(), following[0] - seconds
            if wait < gap:
                expired[end] = True
                bisect.insort_left(trace, (seconds + wait, end, True), lo=i + 1, key=lambda p: p[0])
            histogram.take(min(wait, gap))
        i += 1
    return trace


def read(path):
    packets = []
    for line in open(path):
        time, direction, _ = line.split(",")
        packets.append((int(time) / 1e9, +1 if direction == "s" else -1, False))
    packets.sort(key=lambda p: p[0])
    return packets


if __name__ == "__main__":
    random.seed(1)
    lasting = "--lasting" in sys.argv
    rounds, *paths = [argument for argument in sys.argv[1:] if argument != "--lasting"]
    traces = [read(path) for path in paths]
    counts = {+1: [], -1: []}
    for _ in range(int(rounds)):
        histograms = {key: Histogram(*value) for key, value in GAPS.items()}
        defended = []
        for trace in traces:
            if not lasting:
                histograms = {key: Histogram(*value) for key, value in GAPS.items()}
            defended.append(defend(list(trace), histograms))
        for way, means in counts.items():
            means.append(sum(p[2] and p[1] == way for trace in defended for p in trace) / len(traces))
    for way, means in counts.items():
        error = statistics.stdev(means) / len(means) ** 0.5
        print("out" if way > 0 else "in", statistics.mean(means), "+-", error)
