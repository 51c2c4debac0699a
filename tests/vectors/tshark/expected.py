"""What tshark finds in captures of one TCP connection each: writes expected.json.

    python3 expected.py SHARED_DATA > expected.json

Needs tshark (its version is written down) and Python 3.8 or later; independent of wfkit. The captures stay where they are: what is
kept of them is numbers. Outgoing is what goes to the port of the server: where the SYN goes, or else the lower port.

For each layer (frame, ip, and tcp without reassembly: segments with payload): packets, sums of sizes out and in, and a SHA-256
over each packet's time since the first (8 bytes, ns) and signed size (4 bytes), both little-endian, in the order of time. For
tcp with reassembly: the bytes of each direction, each counted once by its sequence number.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys

FIXTURES = """
gopacket_gopacket/pcapgo/tests/le/test301.pcapng
gopacket_gopacket/layers/testdata/linux_sll_oversized_addr.pcapng
gopacket_gopacket/pcapgo/tests/le/test300.pcapng
gopacket_gopacket/pcap/test_ethernet.pcap
rusticata_pcap-parser/assets/err-buffertoosmall.pcapng
secdev_scapy/test/pcaps/ssh_ed25519.pcap
secdev_scapy/test/pcaps/doip_functional_request.pcap.gz
secdev_scapy/test/pcaps/http_content_length.pcap
secdev_scapy/test/pcaps/tls_tcp_frag.pcap.gz
secdev_scapy/test/pcaps/tls_tcp_frag_withnss.pcap.gz
secdev_scapy/test/pcaps/dcerpc_msdrsr_cracknames.pcapng.gz
secdev_scapy/test/pcaps/http_tcp_psh.pcap.gz
the-tcpdump-group_tcpdump/tests/of10_p3295.pcap
the-tcpdump-group_tcpdump/tests/ssh.pcap
the-tcpdump-group_tcpdump/tests/mptcp-aa-v1.pcap
the-tcpdump-group_tcpdump/tests/mptcp-v1.pcap
the-tcpdump-group_tcpdump/tests/zmtp1.pcap
the-tcpdump-group_tcpdump/tests/pptp.pcap
the-tcpdump-group_tcpdump/tests/resp_2_inline.pcap
the-tcpdump-group_tcpdump/tests/bgp-shutdown-msg-variations.pcap
""".split()
# One of every fifth class.
CAPTURES = ["pcap-fixtures/" + name for name in FIXTURES] + [
    f"torpcaps/cell_{number}_rep_{number % 7}.pcap" for number in range(1, 101, 5)
]

FIELDS = "frame.time_epoch frame.len ip.len ipv6.plen tcp.len tcp.srcport tcp.dstport tcp.flags.syn tcp.flags.ack tcp.seq_raw".split()


def packets(path):
    command = ["tshark", "-r", path, "-Y", "tcp", "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in text.splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def ns(epoch):
    seconds, fraction = epoch.split(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])


def summary(rows):
    rows = sorted(rows, key=lambda row: row[0])
    digest = hashlib.sha256()
    for time, size in rows:
        digest.update(struct.pack("<Qi", time - rows[0][0], size))
    sizes = [size for _, size in rows]
    return {
        "packets": len(rows),
        "out_bytes": sum(size for size in sizes if size > 0),
        "in_bytes": -sum(size for size in sizes if size < 0),
        "sha256": digest.hexdigest(),
    }


def covered(segments):
    """Bytes that segments (sequence number, length) hold, each once; numbers count from the first of them and do not wrap."""
    if not segments:
        return 0
    origin = segments[0][0]
    spans = sorted(((seq - origin + 2**31) % 2**32, length) for seq, length in segments)
    total, end = 0, -1
    for start, length in spans:
        total += max(0, start + length - max(start, end))
        end = max(end, start + length)
    return total


def expected(path):
    found = list(packets(path))
    flag = lambda packet, name: packet["tcp.flags." + name] in ("1", "True")
    syns = [packet for packet in found if flag(packet, "syn") and not flag(packet, "ack")]
    ports = syns[0]["tcp.dstport"] if syns else min(found[0]["tcp.srcport"], found[0]["tcp.dstport"], key=int)
    sizes = {"frame": [], "ip": [], "tcp": []}
    streams = {1: [], -1: []}
    for packet in found:
        if not packet["tcp.len"]:
            continue  # tshark could not read the header
        sign = 1 if packet["tcp.dstport"] == ports else -1
        time = ns(packet["frame.time_epoch"])
        ip = int(packet["ip.len"]) if packet["ip.len"] else int(packet["ipv6.plen"]) + 40
        payload = int(packet["tcp.len"])
        sizes["frame"].append((time, sign * int(packet["frame.len"])))
        sizes["ip"].append((time, sign * ip))
        if payload > 0:
            sizes["tcp"].append((time, sign * payload))
            streams[sign].append((int(packet["tcp.seq_raw"]), payload))
    not_read = sum(not packet["tcp.len"] for packet in found)
    result = {"not_read_by_tshark": not_read, "server_port": int(ports), **{layer: summary(rows) for layer, rows in sizes.items()}}
    result["reassembled"] = {"out_bytes": covered(streams[1]), "in_bytes": covered(streams[-1])}
    return result


if __name__ == "__main__":
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    captures = {name: expected(os.path.join(sys.argv[1], name)) for name in CAPTURES}
    json.dump({"tshark": version, "captures": captures}, sys.stdout, indent=1)
    print()
