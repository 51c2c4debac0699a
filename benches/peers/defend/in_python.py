"""Tamaraw and RegulaTor over cells, packet by packet as the published simulators go, written from the definitions.

    python3 in_python.py DEFENCE ROUNDS TRACE.log...    prints CPU seconds and padding packets a trace and round, as `defend_speed` does
"""

import sys
import time

import numpy as np


def read(path):
    rows = sorted((int(line.split(",")[0]), 1 if line.split(",")[1] == "s" else -1) for line in open(path))
    return np.array([[(at - rows[0][0]) / 1e9, way] for at, way in rows])


def tamaraw(trace, rng):
    """14/4 ms, L = 100: each direction has a queue of its own, both go on until all is sent, and then to a multiple of L."""
    intervals = {1: 0.014, -1: 0.004}
    arrivals = {way: list(trace[trace[:, 1] == way][:, 0]) for way in intervals}
    end = 0.0
    for way, interval in intervals.items():
        slot = -1
        for arrival in arrivals[way]:
            slot = max(slot + 1, int(np.ceil(arrival / interval - 1e-9)))
        end = max(end, slot * interval)
    defended = []
    for way, interval in intervals.items():
        waiting, slot = arrivals[way], 0
        while waiting or slot * interval <= end or slot % 100:
            now = slot * interval
            carries = bool(waiting) and waiting[0] <= now + 1e-12
            if carries:
                waiting.pop(0)
            defended.append((now, way, not carries))
            slot += 1
    return np.array(sorted(defended))


def regulator(trace, rng):
    """Heavy: R=277 D=0.940 T=3.55 N=3550 U=3.95 C=1.77; ten packets a second in and five out until the eleventh incoming packet."""
    rate0, decay, threshold, most, upload, cap = 277.0, 0.940, 3.55, 3550, 3.95, 1.77
    incoming = list(trace[trace[:, 1] < 0][:, 0])
    outgoing = list(trace[trace[:, 1] > 0][:, 0])
    if not incoming:
        return np.array([(at, 1, 0) for at in outgoing])
    start = incoming[min(10, len(incoming) - 1)]
    defended = [(at, -1, 1) for at in np.arange(incoming[0], start, 0.1)]
    budget = rng.integers(0, most + 1)
    surge = now = start
    slots = []
    while incoming:
        rate = max(rate0 * decay ** (now - surge), 1.0)
        queue = 0
        while queue < len(incoming) and incoming[queue] <= now:
            queue += 1
        if queue > threshold * rate:
            surge, rate = now, rate0
        if queue:
            incoming.pop(0)
            defended.append((now, -1, 0))
            slots.append(now)
        elif budget > 0:
            budget -= 1
            defended.append((now, -1, 1))
            slots.append(now)
        now += 1.0 / rate
    due = [at for at in np.arange(0.0, start, 0.2)] + [slots[int(i)] for i in np.arange(0, len(slots), upload)]
    for at in due:
        while outgoing and outgoing[0] + cap < at:
            defended.append((outgoing.pop(0) + cap, 1, 0))
        if outgoing and outgoing[0] <= at:
            outgoing.pop(0)
            defended.append((at, 1, 0))
        else:
            defended.append((at, 1, 1))
    defended += [(at + cap, 1, 0) for at in outgoing]
    return np.array(sorted(defended))


if __name__ == "__main__":
    name, rounds, traces = sys.argv[1], int(sys.argv[2]), [read(path) for path in sys.argv[3:]]
    rng = np.random.default_rng(1)
    defence = {"tamaraw": tamaraw, "regulator": regulator}[name]
    started = time.process_time()
    out = incoming = 0
    for _ in range(rounds):
        for trace in traces:
            defended = defence(trace, rng)
            padding = defended[defended[:, 2] == 1]
            out += int((padding[:, 1] > 0).sum())
            incoming += int((padding[:, 1] < 0).sum())
    seconds, runs = time.process_time() - started, rounds * len(traces)
    share = 100 * (out + incoming) / (rounds * sum(map(len, traces)))
    print(f"{name}\t{seconds:.3f} s\t{runs / seconds:.1f} traces/s\t{out / runs:.1f} out\t{incoming / runs:.1f} in\t{share:.1f} %")
