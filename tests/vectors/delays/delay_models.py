"""Latency overhead of Tamaraw (14/4 ms, one cell a slot) under the delay models, written packet by packet from the definitions.

Independent of wfkit: fractions of a slot as integers in ns, one cell a slot, no queue of bytes. CPython 3, standard library.
usage: python3 delay_models.py FOLDER    (the maybenot-gen sample of Surakav, *.log of `ns,s|r,size`)
"""
import glob
import sys

RHO = {+1: 14_000_000, -1: 4_000_000}


def read(path):
    rows = [line.strip().split(",") for line in open(path) if line.strip()]
    packets = sorted(((int(r[0]), +1 if r[1] == "s" else -1) for r in rows), key=lambda p: p[0])
    return [(t - packets[0][0], way) for t, way in packets]


def causes(packets):
    first_out = next((i for i, p in enumerate(packets) if p[1] > 0), None)
    answer = None if first_out is None else next((p[0] for p in packets[first_out:] if p[1] < 0), None)
    rtt = None if answer is None else answer - packets[first_out][0]
    found = []
    for i, (t, way) in enumerate(packets):
        earlier = range(i - 1, -1, -1)
        if way > 0:
            found.append(next((j for j in earlier if packets[j][1] < 0), None))
        else:
            found.append(next((j for j in earlier if packets[j][1] > 0 and packets[j][0] + rtt <= t), None) if rtt is not None else None)
    return found


def last_release(packets, model):
    cause = causes(packets) if model == "inferred" else None
    free = {+1: 0, -1: 0}
    due = {+1: 0, -1: 0}
    release = []
    end = 0
    for i, (t, way) in enumerate(packets):
        if cause is not None and cause[i] is not None:
            j = cause[i]
            t = t + release[j] - packets[j][0]
        if model == "inferred":
            due[way] = t = max(due[way], t)
        if model == "pessimistic":
            t = max(t, end)
        slot = max(-(-t // RHO[way]), free[way])
        free[way] = slot + 1
        release.append(slot * RHO[way])
        end = max(end, release[-1])
    return end


traces = [read(path) for path in sorted(glob.glob(sys.argv[1] + "/**/*.log", recursive=True))]
before = sum(packets[-1][0] for packets in traces)
for model in ("optimistic", "pessimistic", "inferred"):
    print(model, sum(last_release(packets, model) for packets in traces) / before - 1)
