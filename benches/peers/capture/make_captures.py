"""Makes the captures of the reader benchmarks: TCP over IPv4 over Ethernet with time stamps in the TCP header.

    make_captures.py FOLDER          needs NumPy; the same bytes every time

s96.pcap    4 million packets, 2,000 flows, snap length 96
s64.pcap    the same, snap length 64: it cuts the TCP options
full.pcap   2 million packets, whole
s96.pcapng  s96.pcap as pcapng
small/      3,600 files of 60 packets
"""

import struct
import sys
from pathlib import Path

import numpy as np

HEADERS = 14 + 20 + 32
CHUNK = 200_000


def packets(n, flows, seed):
    """Flow, direction and payload length of each packet; two thirds of them come in and are mostly full."""
    rng = np.random.default_rng(seed)
    flow = rng.integers(0, flows, n)
    incoming = rng.random(n) < 2 / 3
    full = rng.random(n) < 0.7
    incoming_len = np.where(full, 1448, rng.integers(1, 1448, n))
    outgoing_len = np.where(full, 0, rng.integers(1, 700, n))
    return flow, incoming, np.where(incoming, incoming_len, outgoing_len)


def sequence_numbers(flow, incoming, payload):
    """The running sum of payload lengths in each direction of each flow, from 1000."""
    stream = flow * 2 + incoming
    order = np.argsort(stream, kind="stable")
    length = payload[order].astype(np.int64)
    before = np.cumsum(length) - length
    first = np.r_[True, np.diff(stream[order]) != 0]
    start = np.repeat(before[first], np.diff(np.r_[np.flatnonzero(first), len(order)]))
    seq = np.empty(len(order), np.int64)
    seq[order] = 1000 + before - start
    return seq


def headers(flow, incoming, payload, seq):
    """(n, 66) bytes: Ethernet, IPv4, TCP."""
    n = len(flow)
    head = np.zeros((n, HEADERS), np.uint8)
    big = lambda values, dtype: np.ascontiguousarray(values.astype(dtype)).view(np.uint8).reshape(n, -1)
    head[:, 12] = 8
    head[:, 14] = 0x45
    head[:, 16:18] = big(20 + 32 + payload, ">u2")
    head[:, 22] = 64
    head[:, 23] = 6
    client = big(0x0A000000 + flow, ">u4")
    server = big(np.full(n, 0xCB007105), ">u4")
    port = big(20000 + flow, ">u2")
    https = big(np.full(n, 443), ">u2")
    pick = lambda out, into: np.where(incoming[:, None], into, out)
    head[:, 26:30] = pick(client, server)
    head[:, 30:34] = pick(server, client)
    head[:, 34:36] = pick(port, https)
    head[:, 36:38] = pick(https, port)
    head[:, 38:42] = big(seq % 2**32, ">u4")
    head[:, 46] = 0x80
    head[:, 47] = 0x10
    head[:, 54:56] = 1
    head[:, 56:58] = [8, 10]
    return head


def records(time_us, wire_len, snap_len, head):
    """The records of a pcap file, joined."""
    captured = np.minimum(wire_len, snap_len)
    starts = np.concatenate([[0], np.cumsum(16 + captured)])
    out = np.zeros(starts[-1], np.uint8)
    meta = np.stack([time_us // 1_000_000, time_us % 1_000_000, captured, wire_len], 1).astype("<u4").view(np.uint8)
    at = starts[:-1, None]
    out[at + np.arange(16)] = meta
    kept = min(HEADERS, snap_len)
    out[at + 16 + np.arange(kept)] = head[:, :kept]
    return out


def write_pcap(path, n, flows, snap_len, seed=1):
    flow, incoming, payload = packets(n, flows, seed)
    seq = sequence_numbers(flow, incoming, payload)
    time_us = 1_700_000_000_000_000 + np.arange(n) * 50
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap_len, 1))
        for start in range(0, n, CHUNK):
            part = slice(start, start + CHUNK)
            head = headers(flow[part], incoming[part], payload[part], seq[part])
            file.write(records(time_us[part], HEADERS + payload[part], snap_len, head))


def write_pcapng(path, pcap):
    """The packets of a pcap file in enhanced packet blocks."""
    data = pcap.read_bytes()
    with open(path, "wb") as file:
        file.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
        file.write(struct.pack("<IIHHII", 1, 20, 1, 0, 96, 20))
        at, blocks = 24, []
        while at < len(data):
            seconds, fraction, captured, wire = struct.unpack_from("<IIII", data, at)
            ticks = seconds * 1_000_000 + fraction
            padding = -captured % 4
            length = 32 + captured + padding
            blocks.append(struct.pack("<IIIIIII", 6, length, 0, ticks >> 32, ticks & 0xFFFFFFFF, captured, wire))
            blocks.append(data[at + 16 : at + 16 + captured] + bytes(padding) + struct.pack("<I", length))
            at += 16 + captured
        file.write(b"".join(blocks))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    write_pcap(folder / "s96.pcap", 4_000_000, 2_000, 96)
    write_pcap(folder / "s64.pcap", 4_000_000, 2_000, 64)
    write_pcap(folder / "full.pcap", 2_000_000, 2_000, 65535)
    write_pcapng(folder / "s96.pcapng", folder / "s96.pcap")
    small = folder / "small"
    small.mkdir(exist_ok=True)
    for number in range(3_600):
        write_pcap(small / f"{number % 100}_{number // 100}.pcap", 60, 3, 96, seed=number)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
