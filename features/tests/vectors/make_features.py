"""Expected feature values, computed from the definitions with NumPy: a second way, for the Rust to agree with.

    python make_features.py FOLDER_OF_TORPCAPS > features.json

needs Python 3.11 and NumPy. Generated traces cover the edges; the captured ones come from torpcaps (CC0), the real Tor traffic of a
test network: TCP payload sizes, outgoing towards port 9001, packets without payload left out.
"""

import itertools
import json
import platform
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np

SECOND = 10**9
CAPTURES = ["cell_2_rep_0", "cell_7_rep_3", "cell_17_rep_1", "cell_40_rep_5", "cell_63_rep_2", "cell_99_rep_8"]


# ---- traces ---------------------------------------------------------------------------------------------------------


def generated():
    """(name, time_ns, signed size) of traces with the edges in them."""
    rng = np.random.default_rng(20160810)
    payloads = np.array([536, 1050, 1448, 116, 630, 1144, 210, 21])

    def random(n, mean_gap_s, p_out, tie=0.0):
        gaps = rng.exponential(mean_gap_s * SECOND, n).astype(np.int64)
        gaps[rng.random(n) < tie] = 0
        gaps[0] = 0
        signs = np.where(rng.random(n) < p_out, 1, -1)
        return np.cumsum(gaps), signs * rng.choice(payloads, n)

    yield "one outgoing packet", np.array([0]), np.array([536])
    yield "one incoming packet", np.array([0]), np.array([-1448])
    yield "two packets at once", np.array([0, 0]), np.array([536, -536])
    yield "no incoming packet", *random(7, 0.3, 1.0)
    yield "no outgoing packet", *random(45, 0.1, 0.0)
    yield "duration 0", np.zeros(33, dtype=int), rng.choice([-1448, -536, 536], 33)
    yield "whole seconds", np.array([0, 1, 1, 2, 3, 5, 8]) * SECOND, np.array([1, -1, -1, 1, -1, 1, -1])
    yield "idle for a day", np.array([0, 1, 86_400 * SECOND]), np.array([100, -1448, -20])
    yield "thirty packets", *random(30, 0.05, 0.5)
    yield "many ties", *random(200, 0.02, 0.3, tie=0.7)
    yield "cells", np.sort(rng.integers(0, 9 * SECOND, 400)) * np.r_[0, np.ones(399, dtype=int)], rng.choice([-1, 1], 400)
    yield "just short of a tail of concentrations", *random(620, 0.01, 0.4)
    yield "long", *random(1_450, 0.03, 0.2, tie=0.3)
    yield "over seventy blocks and twenty seconds", *random(1_999, 0.02, 0.15)


def captured(path):
    """One pcap file of raw IP packets: (time_ns, signed TCP payload size)."""
    data = path.read_bytes()
    magic, link = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    assert magic == 0xA1B2C3D4 and link == 101, path
    time_us, size, offset = [], [], 24
    while offset < len(data):
        seconds, micros, cut, _ = struct.unpack_from("<4I", data, offset)
        packet = data[offset + 16 : offset + 16 + cut]
        offset += 16 + cut
        ip_header = 4 * (packet[0] & 15)
        ip_total = struct.unpack_from(">H", packet, 2)[0]
        port_to = struct.unpack_from(">H", packet, ip_header + 2)[0]
        payload = ip_total - ip_header - 4 * (packet[ip_header + 12] >> 4)
        if payload > 0:
            time_us.append(seconds * 10**6 + micros)
            size.append(payload if port_to == 9001 else -payload)
    time_us = np.array(time_us)
    order = np.argsort(time_us, kind="stable")
    return (time_us[order] - time_us.min()) * 1_000, np.array(size)[order]


# ---- features: each returns {name: value} in column order -------------------------------------------------------------


def totals(time, size):
    out = size > 0
    return {
        "out_packets": out.sum(),
        "in_packets": (~out).sum(),
        "out_bytes": size[out].sum(),
        "in_bytes": -size[~out].sum(),
        "seconds": time[-1] / SECOND,
    }


def of(statistic, values):
    return statistic(values) if len(values) else 0.0


def concentration(size):
    padded = np.pad(size > 0, (0, -len(size) % 20))
    return padded.reshape(-1, 20).sum(axis=1)


def per_second(time):
    seconds = max(1, -(-int(time[-1]) // SECOND))
    until = np.searchsorted(time, np.arange(1, seconds + 1) * SECOND, side="right")
    return np.diff(until, prepend=0)


def kfp_summary(time, size):
    out = size > 0
    which = {"in": ~out, "out": out, "": np.ones(len(size), dtype=bool)}
    label = {"in": "in_", "out": "out_", "": ""}
    gaps = {d: np.diff(time[mask]) / SECOND for d, mask in which.items()}
    f = {}
    statistics = [("max", np.max), ("mean", np.mean), ("std", np.std), ("p75", lambda v: np.percentile(v, 75))]
    for name, statistic in statistics:
        for d in which:
            f[f"{label[d]}gap_{name}"] = of(statistic, gaps[d])
    for d, mask in which.items():
        for q in (25, 50, 75, 100):
            f[f"{label[d]}time_p{q}"] = of(lambda v: np.percentile(v / SECOND, q), time[mask])
    for d, mask in which.items():
        f[f"{label[d]}packets"] = mask.sum()
    for end, part in (("first30", out[:30]), ("last30", out[-30:])):
        f[f"{end}_in"], f[f"{end}_out"] = (~part).sum(), part.sum()
    conc, pps, position = concentration(size), per_second(time), np.arange(len(size))
    f["concentration_std"], f["concentration_mean"] = np.std(conc), np.mean(conc)
    f["per_second_mean"], f["per_second_std"] = np.mean(pps), np.std(pps)
    f["out_position_mean"], f["in_position_mean"] = of(np.mean, position[out]), of(np.mean, position[~out])
    f["out_position_std"], f["in_position_std"] = of(np.std, position[out]), of(np.std, position[~out])
    f["concentration_median"], f["per_second_median"] = np.median(conc), np.median(pps)
    f["per_second_min"], f["per_second_max"] = pps.min(), pps.max()
    f["concentration_max"] = conc.max()
    f["in_share"], f["out_share"] = np.mean(~out), np.mean(out)
    return f


def sums_between(values, edges):
    running = np.concatenate([[0], np.cumsum(values)])
    return np.diff(running[np.minimum(edges, len(values))])


def published_pieces(values, pieces):
    """Edges by repeated addition of len / pieces; one piece more where rounding leaves the last edge short."""
    edges = np.cumsum(np.concatenate([[0.0], np.full(pieces + 1, len(values) / pieces)]))
    return sums_between(values, np.floor(edges).astype(int))


def exact_pieces(values, pieces):
    return sums_between(values, np.arange(pieces + 1) * len(values) // pieces)


def with_pieces(summary, conc_pieces, pps_pieces):
    f = dict(summary)
    head = list(f.values())
    f |= {f"concentration_piece_{i:02}": v for i, v in enumerate(conc_pieces, 1)}
    f |= {f"per_second_piece_{i:02}": v for i, v in enumerate(pps_pieces, 1)}
    f["concentration_piece_sum"], f["per_second_piece_sum"] = np.sum(conc_pieces), np.sum(pps_pieces)
    f["gap_sum"], f["time_sum"], f["packet_sum"] = np.sum(head[:12]), np.sum(head[12:24]), np.sum(head[24:27])
    return f


def kfp_175(time, size):
    conc, pps = concentration(size), per_second(time)
    f = with_pieces(kfp_summary(time, size), published_pieces(conc, 70), published_pieces(pps, 20))
    tail = np.concatenate([conc, pps, np.zeros(32)])[:32]
    return f | {f"tail_{i:02}": v for i, v in enumerate(tail, 1)}


def kfp_core(time, size):
    conc, pps = concentration(size), per_second(time)
    return with_pieces(kfp_summary(time, size), exact_pieces(conc, 70), exact_pieces(pps, 20))


def kfp_size(time, size, commonest):
    f = kfp_core(time, size)
    for name, part in (("in_size", -size[size < 0]), ("out_size", size[size > 0]), ("size", abs(size))):
        f[f"{name}_sum"] = part.sum()
        statistics = (("mean", np.mean), ("std", np.std), ("var", np.var), ("max", np.max), ("min", np.min))
        for statistic_name, statistic in statistics:
            f[f"{name}_{statistic_name}"] = of(statistic, part)
        for q in (25, 50, 75):
            f[f"{name}_p{q}"] = of(lambda v: np.percentile(v, q), part)
    f["out_bytes_share"] = size[size > 0].sum() / abs(size).sum()
    f["distinct_sizes"] = len(np.unique(abs(size)))
    counts = Counter(size.tolist())
    return f | {f"common_size_{i:02}": counts[s] for i, s in enumerate(commonest, 1)}


def cumul(time, size, from_first_packet):
    f = {
        "in_packets": (size < 0).sum(),
        "out_packets": (size > 0).sum(),
        "in_bytes": -size[size < 0].sum(),
        "out_bytes": size[size > 0].sum(),
    }
    a, c = np.cumsum(abs(size)), np.cumsum(-size)
    if not from_first_packet:
        a, c = np.concatenate([[0], a]), np.concatenate([[0], c])
    points = np.interp(np.linspace(a[0], a[-1], 101), a, c)[1:]
    return f | {f"c_{i:03}": v for i, v in enumerate(points, 1)}


def cumul_paper(time, size):
    f = dict(list(cumul(time, size, False).items())[:4])
    a, c = np.concatenate([[0], np.cumsum(abs(size))]), np.concatenate([[0], np.cumsum(-size)])
    return f | {f"c_{i:03}": v for i, v in enumerate(np.interp(np.linspace(0, a[-1], 100), a, c), 1)}


def cumul_two_curves(time, size):
    f = dict(list(cumul(time, size, False).items())[:4])
    a = np.concatenate([[0], np.cumsum(abs(size))])
    points = np.linspace(0, a[-1], 51)[1:]
    for name, part in (("in", -np.minimum(size, 0)), ("out", np.maximum(size, 0))):
        curve = np.interp(points, a, np.concatenate([[0], np.cumsum(part)]))
        f |= {f"{name}_{i:02}": v for i, v in enumerate(curve, 1)}
    return f


# ---- bursts, n-grams, answers -----------------------------------------------------------------------------------------


def bursts(size):
    """Slices of the maximal runs of one direction."""
    turns = np.flatnonzero(np.diff(np.sign(size))) + 1
    edges = np.concatenate([[0], turns, [len(size)]])
    return [slice(a, b) for a, b in zip(edges, edges[1:])]


def in_cells(values, cell):
    """To the nearest cell, halves up, at least one."""
    values = np.asarray(values)
    return (np.sign(values) * np.maximum(1, np.floor(abs(values) / cell + (cell // 2) / cell))).astype(int)


def grams(size, cell):
    sums = np.array([size[burst].sum() for burst in bursts(size)])
    if cell:
        size, sums = in_cells(size, cell), in_cells(sums, cell)
    size, sums = size.tolist(), sums.tolist()
    one = lambda values: [(v,) for v in values]
    pairs = lambda values: list(zip(values, values[1:]))
    return {"size": one(size), "size_pair": pairs(size), "burst": one(sums), "burst_pair": pairs(sums)}


def commonest_in_traces(lists, at_least):
    in_traces = Counter(gram for grams_of_trace in lists for gram in set(grams_of_trace))
    kept = [gram for gram, traces in in_traces.items() if traces >= at_least]
    return sorted(sorted(kept, key=lambda gram: (-in_traces[gram], gram))[:1000])


def ngram(time, size, cell, vocabulary):
    counts = {kind: Counter(found) for kind, found in grams(size, cell).items()}
    return {
        kind + "".join(f"_{v:+}" for v in gram): counts[kind][gram]
        for kind, kept in vocabulary.items()
        for gram in kept
    }


def requests(time, size, cell):
    out = np.flatnonzero(size > 0)
    running = np.concatenate([[0], np.cumsum(-np.minimum(size, 0))])
    answers = np.diff(np.append(running[out], running[-1])) if len(out) else np.array([], dtype=int)
    answers = in_cells(answers[answers > 0], cell)
    before = np.append(running[out][:100], np.full(100, running[-1]))[:100]
    padded = lambda values, n: np.append(values, np.zeros(n))[:n]
    f = {"requests": len(out), "answers": len(answers)}
    f |= {f"in_before_{i:03}": v for i, v in enumerate(before, 1)}
    f |= {f"answer_{i:03}": v for i, v in enumerate(padded(answers, 100), 1)}
    f |= {f"largest_{i:02}": v for i, v in enumerate(padded(np.sort(answers)[::-1], 50), 1)}
    f |= {f"answers_of_{i:02}": (answers == i).sum() for i in range(1, 41)}
    return f | {"answers_of_more": (answers > 40).sum()}


def ngram_direction(time, size):
    text = "".join("o" if s > 0 else "i" for s in size)
    f = {}
    for n in range(1, 7):
        counts = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        for gram in itertools.product("io", repeat=n):
            f["gram_" + "".join(gram)] = counts["".join(gram)]
    for name, letter in (("out_burst", "o"), ("in_burst", "i")):
        lengths = Counter(min(len(list(run)), 61) for key, run in itertools.groupby(text) if key == letter)
        f |= {f"{name}_{i:02}": lengths[i] for i in range(1, 61)} | {f"{name}_more": lengths[61]}
    return f


def burst_list(time, size):
    sums = [size[burst].sum() for burst in bursts(size)]
    return {f"burst_{i:03}": v for i, v in enumerate((sums + [0] * 150)[:150], 1)}


def size_histogram(time, size, sizes):
    f = {f"size_{s:+}": (size == s).sum() for s in sizes}
    other = ~np.isin(size, sizes)
    return f | {"other_in": (other & (size < 0)).sum(), "other_out": (other & (size > 0)).sum()}


def appscanner(time, size):
    f = {}
    for name, part in (("in", -size[size < 0]), ("out", size[size > 0]), ("all", abs(size))):
        f[f"{name}_packets"] = len(part)
        part = part.astype(float)
        z = (part - part.mean()) / part.std() if len(part) and part.std() > 0 else None
        values = {
            "min": of(np.min, part),
            "max": of(np.max, part),
            "mean": of(np.mean, part),
            "mad": of(lambda v: np.median(abs(v - np.median(v))), part),
            "std": of(np.std, part),
            "var": of(np.var, part),
            "skew": 0 if z is None else np.mean(z**3),
            "kurtosis": 0 if z is None else np.mean(z**4) - 3,
        }
        values |= {f"p{q}": of(lambda v: np.percentile(v, q), part) for q in range(10, 100, 10)}
        f |= {f"{name}_{statistic}": value for statistic, value in values.items()}
    return f


# ---- the k-NN attack ----------------------------------------------------------------------------------------------------


def wang(time, size, published):
    padded = lambda values, n, padding: (list(values) + [padding] * n)[:n]
    out = np.flatnonzero(size > 0)
    f = {"packets": len(size), "out_packets": len(out), "in_packets": len(size) - len(out), "seconds": time[-1] / SECOND}
    f |= {f"out_position_{i:03}": v for i, v in enumerate(padded(out[:500], 500, -1), 1)}
    f |= {f"out_distance_{i:03}": v for i, v in enumerate(padded(np.diff(out, prepend=0)[:500], 500, -1), 1)}
    if published:
        blocks = [(size[i : i + 29] > 0).sum() for i in range(0, len(size) - 29, 30)]
    else:
        blocks = [(size[i : i + 30] > 0).sum() for i in range(0, len(size), 30)]
    f |= {f"block_{i:03}": v for i, v in enumerate(padded(blocks, 100, 0), 1)}
    # Cutting a text at every second incoming packet in a row leaves the outgoing ones between.
    pieces = "".join("o" if s > 0 else "i" for s in size).split("ii")
    found = [piece.count("o") for piece in pieces[:-1]] + [n for n in [pieces[-1].count("o")] if n]
    found = found if published else [n for n in found if n]
    f |= {"burst_max": max(found, default=-1), "burst_mean": np.mean(found) if found else -1}
    f["bursts"] = len(found) if found else -1
    f |= {f"bursts_over_{n}": sum(v > n for v in found) for n in (2, 5, 10, 15, 20, 50)}
    f |= {f"burst_{i:03}": v for i, v in enumerate(padded(found, 100, -1), 1)}
    f |= {f"size_and_1500_{i:02}": v for i, v in enumerate(padded(size[:10] + 1500, 10, -1), 1)}
    gaps = np.diff(time) / SECOND
    return f | {"gap_mean": of(np.mean, gaps), "gap_std": of(np.std, gaps)}


def wang_clean(time, size, sizes):
    present = set(size.tolist())
    return {f"has_{s:+}": s in present for s in sizes} | wang(time, size, False)


# ---- times --------------------------------------------------------------------------------------------------------------


def slots(time, size, n, slot, width):
    f = {}
    for name, mask in (("out", size > 0), ("in", size < 0)):
        counts = Counter(slot(t) for t in time[mask].tolist())
        f |= {f"{name}_{i + 1:0{width}}": counts[i] for i in range(n)}
    return f


def tam(time, size):
    horizon = 80 * SECOND
    return slots(time[:5000], size[:5000], 1800, lambda t: 1799 if t >= horizon else t * 1799 // horizon, 4)


def tam_pooled(time, size):
    return slots(time, size, 75, lambda t: min(t // (SECOND // 5), 74), 2)


def tam_cumulative(time, size):
    f = {}
    for name, mask in (("out", size > 0), ("in", size < 0)):
        before = np.searchsorted(time[mask], np.arange(1, 151) * (SECOND // 10), side="left")
        f |= {f"{name}_{i:03}": v for i, v in enumerate(before, 1)}
    return f


def inter_arrival(time, size):
    out = size > 0
    gaps, turns = np.diff(time), np.diff(out.astype(int))
    lists = {
        "gap": gaps,
        "in_gap": np.diff(time[~out]),
        "out_gap": np.diff(time[out]),
        "answer": gaps[turns == -1],
        "think": gaps[turns == 1],
    }
    f = {}
    for name, values in lists.items():
        values = values / SECOND
        statistics = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max}
        statistics |= {f"p{q}": (lambda v, q=q: np.percentile(v, q)) for q in (10, 25, 50, 75, 90)}
        f |= {f"{name}_{statistic}": of(function, values) for statistic, function in statistics.items()}
        bounds = (("1us", 1e-6), ("10us", 1e-5), ("100us", 1e-4), ("1ms", 1e-3))
        bounds += (("10ms", 1e-2), ("100ms", 1e-1), ("1s", 1.0), ("10s", 10.0))
        f |= {f"{name}_below_{bound}": of(np.mean, values < limit) for bound, limit in bounds}
    return f


def timing_lists(time, size):
    runs, t = bursts(size), time / SECOND
    medians = np.array([np.median(t[run]) for run in runs])
    starts = np.array([time[run][0] for run in runs])
    ends = np.array([time[run][-1] for run in runs])
    out = np.array([size[run][0] > 0 for run in runs])
    return {
        "median": medians,
        "median_gap": np.diff(medians),
        "variance": np.array([np.var((time[run] - time[run][0]) / SECOND) for run in runs]),
        "duration": (ends - starts) / SECOND,
        "start_gap": np.diff(starts) / SECOND,
        "in_start_gap": np.diff(starts[~out]) / SECOND,
        "out_start_gap": np.diff(starts[out]) / SECOND,
        "end_to_start": (starts[1:] - ends[:-1]) / SECOND,
    }


def timing_edges(traces):
    lists = [timing_lists(time, size) for _, time, size in traces]
    return {name: np.percentile(np.concatenate([l[name] for l in lists]), np.arange(0, 101, 5)) for name in lists[0]}


def tiktok_timing(time, size, edges):
    f = {}
    for name, values in timing_lists(time, size).items():
        bins = np.clip(np.searchsorted(edges[name], values, side="right"), 1, 20) - 1
        counts = np.bincount(bins, minlength=20) / max(1, len(values))
        f |= {f"{name}_{i:02}": v for i, v in enumerate(counts, 1)}
    return f


def wefde(time, size):
    padded = lambda values, n, padding: (list(values) + [padding] * n)[:n]
    out = size > 0
    which = {"all": np.ones(len(size), dtype=bool), "out": out, "in": ~out}
    f, n = {}, len(size)

    def group(name, values):
        f.update({f"{name}_{column}": value for column, value in values.items()})

    counts = {name: int(mask.sum()) for name, mask in which.items()}
    shares = {name: counts[name] / n for name in ("out", "in")}
    bytes_of = {"bytes": abs(size).sum(), "out_bytes": size[out].sum(), "in_bytes": -size[~out].sum()}
    by_five = lambda packets: (packets * 20 / n + 0.5) // 1 / 20
    group("packet_number", counts | {f"{name}_share": share for name, share in shares.items()})
    group("packet_number", {f"{name}_by_15": 15 * round(count / 15) for name, count in counts.items()})
    group("packet_number", {f"{name}_share_by_5": by_five(counts[name]) for name in shares} | bytes_of)

    statistics = {"max": np.max, "mean": np.mean, "std": np.std, "p75": lambda v: np.percentile(v, 75)}
    for name, statistic in statistics.items():
        group("packet_time", {f"{d}_gap_{name}": of(statistic, np.diff(time[mask]) / SECOND) for d, mask in which.items()})
    for d, mask in which.items():
        group("packet_time", {f"{d}_time_p{q}": of(lambda v: np.percentile(v / SECOND, q), time[mask]) for q in (25, 50, 75, 100)})

    for gram, count in ngram_direction(time, size).items():
        if gram.startswith("gram_") and len(gram) > len("gram_i"):
            group("ngram", {gram.removeprefix("gram_"): count})

    positions = {d: np.flatnonzero(which[d]) for d in ("out", "in")}
    for d, p in positions.items():
        group("transposition", {f"{d}_{i:03}": v for i, v in enumerate(padded(p, 300, -1), 1)})
        group("transposition", {f"{d}_std": of(np.std, p), f"{d}_mean": of(np.mean, p)})
    for d, p in positions.items():
        group("interval_knn", {f"{d}_{i:03}": v for i, v in enumerate(padded(np.diff(p), 300, -1), 1)})
    for d, p in positions.items():
        counts = Counter((np.diff(p) - 1).tolist())
        group("interval_icics", {f"{d}_{k:03}": counts[k] for k in range(300)} | {f"{d}_more": sum(v for k, v in counts.items() if k >= 300)})
    bins = {"0": (0, 0), "1": (1, 1), "2": (2, 2), "3_5": (3, 5), "6_8": (6, 8), "9_13": (9, 13), "more": (14, 10**9)}
    for d, p in positions.items():
        between = np.diff(p) - 1
        group("interval_wpes11", {f"{d}_{name}": ((between >= low) & (between <= high)).sum() for name, (low, high) in bins.items()})

    def listed(name, item, values, most, told):
        first = np.array(padded(values, most, 0))
        group(name, {f"{item}_{i:03}": v for i, v in enumerate(first, 1)} | told)
        group(name, {f"piece_{i:02}": v for i, v in enumerate(first.reshape(20, -1).sum(axis=1), 1)} | {"sum": first.sum()})

    blocks = np.pad(out, (0, -n % 30)).reshape(-1, 30).sum(axis=1)
    listed("packet_distribution", "block", blocks, 200, {"std": blocks.std(), "mean": blocks.mean(), "median": np.median(blocks), "max": blocks.max()})

    pieces = "".join("o" if s > 0 else "i" for s in size).split("ii")
    found = [piece.count("o") for piece in pieces if "o" in piece]
    group("burst", {"max": max(found, default=0), "mean": of(np.mean, found), "count": len(found)})
    group("burst", {f"over_{k}": sum(v > k for v in found) for k in (2, 5, 10, 15, 20, 50)})
    group("burst", {"std": of(np.std, found), "median": of(np.median, found)})
    group("first20", {f"size_{i:02}": v for i, v in enumerate(padded(size, 20, 0), 1)})
    group("first30", {"out": out[:30].sum(), "in": (~out[:30]).sum()})
    group("last30", {"out": out[-30:].sum(), "in": (~out[-30:]).sum()})
    pps = per_second(time)
    listed("per_second", "second", pps, 100, {"mean": pps.mean(), "std": pps.std(), "median": np.median(pps), "min": pps.min(), "max": pps.max()})
    group("cumul", cumul_two_curves(time, size))
    return f


# ---- the file -----------------------------------------------------------------------------------------------------------


def run_lengths(values):
    """Three or more equal values in a row as [value, how many]: most columns of most traces are padding."""
    written = []
    for value, run in itertools.groupby(values):
        run = list(run)
        written += run if len(run) < 3 else [[value, len(run)]]
    return written


def ppi(time, size):
    """The first 30 packets as CESNET's PPI has them, gaps in seconds."""
    first = slice(0, 30)
    rows = {"gap": np.diff(time, prepend=0)[first] / SECOND, "direction": np.sign(size)[first], "size": np.abs(size)[first]}
    return {f"{name}_{i + 1:02}": row[i] if i < len(row) else 0 for name, row in rows.items() for i in range(30)}


def main(folder):
    traces = list(generated())
    traces += [(name, *captured(Path(folder) / f"{name}.pcap")) for name in CAPTURES]
    pairs = Counter(s for _, _, size in traces for s in size.tolist())
    commonest = sorted(pairs, key=lambda s: (-pairs[s], s))[:10]
    all_sizes = [size for _, _, size in traces]
    cell = min(514, max(abs(size).max() for size in all_sizes))

    def vocabulary_of(cell):
        lists = [grams(size, cell) for size in all_sizes]
        return {kind: commonest_in_traces([found[kind] for found in lists], 2) for kind in lists[0]}

    vocabulary, cell_vocabulary = vocabulary_of(None), vocabulary_of(cell)
    sizes = commonest_in_traces([size.tolist() for size in all_sizes], 1)
    short_sizes = sorted({s for size in all_sizes for s in size.tolist() if abs(s) <= 1500})
    edges = timing_edges(traces)
    sets = {
        "totals": totals,
        "kfp-175": kfp_175,
        "kfp-core": kfp_core,
        "kfp-size": lambda t, s: kfp_size(t, s, commonest),
        "cumul": lambda t, s: cumul(t, s, False),
        "cumul-common": lambda t, s: cumul(t, s, True),
        "cumul-paper": cumul_paper,
        "cumul-two-curves": cumul_two_curves,
        "ngram": lambda t, s: ngram(t, s, None, vocabulary),
        "ngram-cells": lambda t, s: ngram(t, s, cell, cell_vocabulary),
        "requests": lambda t, s: requests(t, s, cell),
        "ngram-direction": ngram_direction,
        "bursts": burst_list,
        "size-histogram": lambda t, s: size_histogram(t, s, sizes),
        "appscanner": appscanner,
        "wang-knn": lambda t, s: wang_clean(t, s, short_sizes),
        "wang-knn-published": lambda t, s: wang(t, s, True),
        "tam": tam,
        "tam-pooled": tam_pooled,
        "tam-cumulative": tam_cumulative,
        "tiktok-timing": lambda t, s: tiktok_timing(t, s, edges),
        "inter-arrival": inter_arrival,
        "wefde": wefde,
        "ppi": ppi,
    }

    columns, records = {}, []
    for name, time, size in traces:
        record = {"name": name, "gap_ns": np.diff(time, prepend=0).tolist(), "size": size.tolist(), "features": {}}
        for set_name, extract in sets.items():
            features = extract(time.astype(np.int64), size.astype(np.int64))
            columns.setdefault(set_name, list(features))
            assert columns[set_name] == list(features)
            # Twelve digits say more than the comparison asks for. Every core column is a column of kfp-size too.
            if set_name != "kfp-core":
                record["features"][set_name] = run_lengths(float(f"{float(v):.12g}") for v in features.values())
        records.append(record)

    def compact(value):
        return json.dumps(value, separators=(",", ":")).replace(".0,", ",").replace(".0]", "]")

    print('{"made_by":' + compact({"python": platform.python_version(), "numpy": np.__version__}) + ",")
    print('"commonest":' + compact(commonest) + ",")
    print('"columns":' + compact(columns) + ",")
    print('"traces":[')
    print(",\n".join(compact(record) for record in records))
    print("]}")


if __name__ == "__main__":
    main(sys.argv[1])
