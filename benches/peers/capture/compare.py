"""Times readers of captures side by side and prints tables: compare.py FOLDER READ_SPEED

CPU seconds (user and system) of each command, median of five rounds in which all take their turn; slow readers get the
first packets of a file only. Packets a second are of the whole process, its start included.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 5


def cpu_and_memory(command, threads=None):
    environment = dict(os.environ, **({"RAYON_NUM_THREADS": str(threads)} if threads else {}))
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command}: exit status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def wall(command, threads):
    import time

    started = time.monotonic()
    cpu_and_memory(command, threads)
    return time.monotonic() - started


def main(folder, read_speed):
    captures, python, here = folder / "captures", Path(sys.executable), Path(__file__).parent
    files = {"s96": (4_000_000, "s96.pcap"), "s64": (4_000_000, "s64.pcap"), "full": (2_000_000, "full.pcap"),
             "s96ng": (4_000_000, "s96.pcapng")}
    first = captures / "first.pcap"
    subprocess.run(["tcpdump", "-r", captures / "s96.pcap", "-w", first, "-c", "200000"], check=True, stderr=subprocess.DEVNULL)
    commands = {}
    for name, (packets, file) in files.items():
        path = captures / file
        for mode in ["bytes", "records", "import", "reassemble"]:
            commands[f"wfkit {mode}", name] = ([read_speed, mode, path], packets)
        if name != "s96ng":
            commands["libpcap loop in C", name] = ([folder / "pcap_loop", path], packets)
            commands["tcpdump -r -w", name] = (["tcpdump", "-r", path, "-w", "/dev/null"], packets)
    fields = [part for field in ["frame.time_epoch", "ip.src", "ip.dst", "tcp.len"] for part in ["-e", field]]
    commands["tshark, 4 fields", "s96"] = (["tshark", "-n", "-r", first, "-T", "fields", *fields], 200_000)
    commands["dpkt", "s96"] = ([python, here / "with_dpkt.py", captures / "s96.pcap", "200000"], 200_000)
    commands["scapy", "s96"] = ([python, here / "with_scapy.py", captures / "s96.pcap", "20000"], 20_000)

    for path in {path for command, _ in commands.values() for path in command if str(path).startswith(str(captures))}:
        subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    seconds = {key: [] for key in commands}
    memory = {key: 0 for key in commands}
    for _ in range(ROUNDS):
        for key, (command, _) in commands.items():
            cpu, megabytes = cpu_and_memory(command, threads=1)
            seconds[key].append(cpu)
            memory[key] = max(memory[key], megabytes)

    speed = {key: commands[key][1] / statistics.median(times) / 1e6 for key, times in seconds.items()}
    print("| million packets a CPU second, one thread | " + " | ".join(files) + " | memory on s96, MB | against wfkit import on s96 |")
    print("|---|" + "---:|" * (len(files) + 2))
    for who in dict.fromkeys(who for who, _ in commands):
        cells = [f"{speed[who, name]:.3g}" if (who, name) in speed else "" for name in files]
        ratio = speed["wfkit import", "s96"] / speed[who, "s96"]
        print(f"| {who} | " + " | ".join(cells) + f" | {memory[who, 's96']:.0f} | {ratio:.3g} |")

    size = (captures / "full.pcap").stat().st_size
    read, imported = (statistics.median(seconds[f"wfkit {mode}", "full"]) for mode in ["bytes", "import"])
    print(f"\nfull-size packets: {size / imported / 1e6:.0f} MB/s, {read / imported:.0%} of reading alone ({size / read / 1e6:.0f} MB/s)")

    small = [read_speed, "import", *sorted((captures / "small").iterdir())]
    one, two = (statistics.median(wall(small, threads) for _ in range(ROUNDS)) for threads in [1, 2])
    print(f"3,600 small files, wall seconds: {one:.2f} with one thread, {two:.2f} with two ({one / two:.2f} times)")
    halves = [read_speed, "import", *[captures / f"s96_{half}.pcap" for half in range(4)]]
    for half in range(4):
        (captures / f"s96_{half}.pcap").exists() or os.link(captures / "s96.pcap", captures / f"s96_{half}.pcap")
    one, two = (statistics.median(wall(halves, threads) for _ in range(ROUNDS)) for threads in [1, 2])
    print(f"4 files of 4 million packets, wall seconds: {one:.2f} with one thread, {two:.2f} with two ({one / two:.2f} times)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
