"""A defence of your own in Python: made, checked by the program, attacked.

    python own_defence.py traces.parquet echoed.parquet

After each request the peer sends some packets that nobody needs: none, or one, two, .. each half as likely as the one before.
"""

import sys

import numpy as np

import wfkit

COPIES = 3  # an attacker can draw the defence as often as he likes on loads of his own
SIZE, GAP_NS = 536, 5_000_000


def echo(time, size, random):
    """The trace as an observer sees it: times in ns, signed sizes."""
    requests = time[size > 0]
    echoes = random.geometric(0.5, len(requests)) - 1
    padding = np.concatenate([at + GAP_NS * np.arange(1, n + 1) for at, n in zip(requests, echoes)] or [[]]).astype(np.int64)
    time = np.concatenate([time, padding])
    size = np.concatenate([size, np.full(len(padding), -SIZE, np.int32)])
    order = np.argsort(time, kind="stable")  # packets of the original keep their order
    return time[order], size[order]


def main(source, out):
    traces = wfkit.read(source)
    made = {name: [] for name in ("classes", "reps", "sessions", "start_ns", "origins", "time", "size")}
    for load, trace in enumerate(traces):
        for copy in range(COPIES):
            # By the load and the copy, never by the class: what is drawn must not tell it.
            time, size = echo(trace.time, trace.size, np.random.default_rng([load, copy]))
            made["classes"].append(trace.label)
            made["reps"].append(trace.rep * COPIES + copy)
            made["sessions"].append(trace.session)
            made["start_ns"].append(trace.start_ns)
            made["origins"].append(f"load {load}")  # copies of one load are never both learned from and tested
            made["time"].append(time)
            made["size"].append(size)
    defended = wfkit.Traces.from_arrays(**made, layer=traces.layer)
    defended.write(out)

    more = np.abs(defended.size).sum() / np.abs(traces.size).sum() / COPIES
    print(f"{len(traces)} traces, {more:.2f} times the bytes")
    for name, set_of_traces in (("before", traces), ("after", defended)):
        scores = wfkit.evaluate(set_of_traces, "kfp-size", folds=5, progress=False).scores
        print(f"{name}: accuracy {wfkit.evaluate(set_of_traces, 'kfp-size', folds=5, progress=False).accuracy}")


if __name__ == "__main__":
    main(*sys.argv[1:])
