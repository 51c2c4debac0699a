"""Time and signed payload length of TCP packets with scapy: with_scapy.py FILE [PACKETS]"""

import sys

from scapy.all import IP, TCP, PcapReader

limit = int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize
events = []
packets = 0
for packet in PcapReader(sys.argv[1]):
    packets += 1
    if TCP in packet:
        ip = packet[IP]
        size = ip.len - ip.ihl * 4 - packet[TCP].dataofs * 4
        if size:
            events.append((float(packet.time), size if ip.src.startswith("10.") else -size))
    if packets == limit:
        break
print(f"{packets} packets, {len(events)} kept")
