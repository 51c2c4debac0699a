"""Time and signed payload length of TCP packets with dpkt: with_dpkt.py FILE [PACKETS]"""

import sys

import dpkt

limit = int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize
events = []
packets = 0
with open(sys.argv[1], "rb") as file:
    for time, data in dpkt.pcap.Reader(file):
        packets += 1
        ip = dpkt.ethernet.Ethernet(data).data
        if isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP):
            size = ip.len - ip.hl * 4 - ip.data.off * 4
            if size:
                events.append((time, size if ip.src[0] == 10 else -size))
        if packets == limit:
            break
print(f"{packets} packets, {len(events)} kept")
