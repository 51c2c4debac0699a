"""What a set of raw IP captures holds, read with nothing but `struct`: writes JSON by file name.

    python3 expected.py FILE.pcap... > expected.json

Independent of wfkit on purpose. Knows only what the fixtures are: pcap, little-endian, microseconds, link type 101, IPv4,
TCP; the client is the end that talks to port 9001. Sizes are TCP payloads, positive from the client; packets without payload
do not count; times are ns since the first packet that does. `sha256` is over each packet's time (8 bytes) and size (4 bytes),
both little-endian. Python 3.8 or later.
"""

import hashlib
import json
import os
import struct
import sys


def packets(path):
    with open(path, "rb") as file:
        data = file.read()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data, 0)
    assert magic == 0xA1B2C3D4 and link == 101, path
    at = 24
    while at < len(data):
        seconds, micros, captured, _ = struct.unpack_from("<IIII", data, at)
        ip = data[at + 16 : at + 16 + captured]
        at += 16 + captured
        assert ip[0] >> 4 == 4 and ip[9] == 6, path
        total_len = struct.unpack_from(">H", ip, 2)[0]
        ip_header = (ip[0] & 15) * 4
        source_port, destination_port = struct.unpack_from(">HH", ip, ip_header)
        payload = total_len - ip_header - (ip[ip_header + 12] >> 4) * 4
        assert (source_port == 9001) != (destination_port == 9001), path
        if payload > 0:
            yield (seconds * 10**6 + micros) * 1000, payload if destination_port == 9001 else -payload


def summary(path):
    found = list(packets(path))
    start = found[0][0]
    digest = hashlib.sha256()
    for time, size in found:
        digest.update(struct.pack("<Qi", time - start, size))
    sizes = [size for _, size in found]
    return {
        "packets": len(found),
        "out_bytes": sum(size for size in sizes if size > 0),
        "in_bytes": -sum(size for size in sizes if size < 0),
        "first_sizes": sizes[:5],
        "duration_ns": found[-1][0] - start,
        "start_ns": start,
        "sha256": digest.hexdigest(),
    }


if __name__ == "__main__":
    json.dump({os.path.basename(path): summary(path) for path in sorted(sys.argv[1:])}, sys.stdout, indent=1)
    print()
