"""k-FP, CUMUL and TAM features: wfkit against vectorised NumPy, one thread each; see `run`.

    compare.py EXAMPLE [TRACES] [PACKETS]

EXAMPLE is the built extraction_speed. Generated traces of one shape (wfkit's always have 2,000 packets), in turns; the medians of CPU
seconds are compared. wfkit's are those of the whole process, which also makes its traces; NumPy's those of the extraction alone.
"""

import os
import statistics
import subprocess
import sys
import time

import numpy as np

SECOND = 10**9
ROUNDS = 5


def trace(seed, packets):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(0, 20_000_000, packets))
    sizes = rng.choice(np.array([1448, 536, 1050, 1448, 630, 1144, 116]), packets)
    return times - times[0], np.where(rng.random(packets) < 0.2, sizes, -sizes)


def pieces(values, n):
    running = np.concatenate([[0], np.cumsum(values)])
    return np.diff(running[np.arange(n + 1) * len(values) // n])


def statistics_of(values, functions):
    return [f(values) if len(values) else 0.0 for f in functions]


def p75(values):
    return np.percentile(values, 75)


def kfp_core(times, sizes):
    """The 141 numbers of kfp-core, without a loop over packets."""
    t, out = times / SECOND, sizes > 0
    lists = (t[~out], t[out], t)
    gaps = [np.diff(part) for part in lists]
    head = [f(gap) if len(gap) else 0.0 for f in (np.max, np.mean, np.std, p75) for gap in gaps]
    for part in lists:
        head.extend(np.percentile(part, [25, 50, 75, 100]) if len(part) else [0.0] * 4)
    head += [(~out).sum(), out.sum(), len(out)]
    for part in (out[:30], out[-30:]):
        head += [(~part).sum(), part.sum()]
    conc = np.pad(out, (0, -len(out) % 20)).reshape(-1, 20).sum(axis=1)
    seconds = max(1, int(-(-times[-1] // SECOND)))
    pps = np.bincount(np.maximum(0, (times - 1) // SECOND), minlength=seconds)
    position = np.arange(len(out))
    head += [conc.std(), conc.mean(), pps.mean(), pps.std()]
    for f in (np.mean, np.std):
        head += statistics_of(position[out], [f]) + statistics_of(position[~out], [f])
    head += [np.median(conc), np.median(pps), pps.min(), pps.max(), conc.max(), (~out).mean(), out.mean()]
    conc_pieces, pps_pieces = pieces(conc, 70), pieces(pps, 20)
    sums = [conc_pieces.sum(), pps_pieces.sum(), sum(head[:12]), sum(head[12:24]), sum(head[24:27])]
    return np.concatenate([head, conc_pieces, pps_pieces, sums])


def cumul(times, sizes):
    out = sizes > 0
    a, c = np.concatenate([[0], np.cumsum(abs(sizes))]), np.concatenate([[0], np.cumsum(-sizes)])
    totals = [(~out).sum(), out.sum(), -sizes[~out].sum(), sizes[out].sum()]
    return np.concatenate([totals, np.interp(np.linspace(0, a[-1], 101)[1:], a, c)])


def tam(times, sizes):
    slots = np.minimum(times[:5000] * 1799 // (80 * SECOND), 1799)
    out = sizes[:5000] > 0
    return np.concatenate([np.bincount(slots[part], minlength=1800) for part in (out, ~out)])


def numpy_rate(extract, traces):
    start = time.process_time()
    for times, sizes in traces:
        extract(times, sizes)
    return len(traces) / (time.process_time() - start)


def wfkit_rate(example, name):
    """Traces a CPU second of the whole process, which extracts the features of 1,000 traces nine times."""
    process = subprocess.Popen([example, name], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{example} {name}: exit status {status}")
    return 9_000 / (usage.ru_utime + usage.ru_stime)


def main():
    example, *sizes = sys.argv[1:]
    count, packets = (int(size) for size in (sizes + ["200", "2000"][len(sizes) :])[:2])
    traces = [trace(seed, packets) for seed in range(count)]
    sets = {"kfp-core": kfp_core, "cumul": cumul, "tam": tam}
    ours, theirs = {name: [] for name in sets}, {name: [] for name in sets}
    for _ in range(ROUNDS):
        for name, extract in sets.items():
            ours[name].append(wfkit_rate(example, name))
            theirs[name].append(numpy_rate(extract, traces))
    print(f"traces of {packets} packets, a core and second; NumPy {np.__version__}; medians of {ROUNDS} rounds")
    print(f"{'set':10} {'wfkit':>9} {'NumPy':>9} {'ratio':>7}")
    for name in sets:
        fast, slow = statistics.median(ours[name]), statistics.median(theirs[name])
        print(f"{name:10} {fast:9.0f} {slow:9.0f} {fast / slow:7.1f}")


main()
