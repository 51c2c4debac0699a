"""Expected feature values, computed from the definitions with NumPy: a second way, for the Rust to agree with.

    python make_features.py FOLDER_OF_TORPCAPS > features.json

needs Python 3.11 and NumPy. Generated traces cover the edges; the captured ones come from torpcaps (CC0), the real Tor traffic of a
test network: TCP payload sizes, outgoing towards port 9001, packets without payload left out.
"""

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


# ---- the file -----------------------------------------------------------------------------------------------------------


def main(folder):
    traces = list(generated())
    traces += [(name, *captured(Path(folder) / f"{name}.pcap")) for name in CAPTURES]
    pairs = Counter(s for _, _, size in traces for s in size.tolist())
    commonest = sorted(pairs, key=lambda s: (-pairs[s], s))[:10]
    sets = {
        "totals": totals,
        "kfp-175": kfp_175,
        "kfp-core": kfp_core,
        "kfp-size": lambda t, s: kfp_size(t, s, commonest),
        "cumul": lambda t, s: cumul(t, s, False),
        "cumul-common": lambda t, s: cumul(t, s, True),
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
                record["features"][set_name] = [float(f"{float(v):.12g}") for v in features.values()]
        records.append(record)

    def compact(value):
        return json.dumps(value, separators=(",", ":")).replace(".0,", ",").replace(".0]", "]")

    print('{"made_by":' + compact({"python": platform.python_version(), "numpy": np.__version__}) + ",")
    print('"commonest":' + compact(commonest) + ",")
    print('"columns":' + compact(columns) + ",")
    print('"traces":[')
    print(",\n".join(compact(record) for record in records))
    print("]}")


main(sys.argv[1])
