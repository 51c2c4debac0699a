"""Tables of speed and of padding sent: wfkit, Maybenot's simulator, Python. Called by `run`. CPU seconds of one thread, each printed by the program itself."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAIRS = [
    # wfkit, Maybenot, Python, rounds of each
    ("front", "maybenot:front", None, (40, 8, 0)),
    ("front,budget=maybenot", "maybenot:front,states=1", None, (40, 8, 0)),
    ("wtf-pad", None, None, (40, 0, 0)),
    ("tamaraw:cell", "maybenot:tamaraw", "tamaraw", (40, 8, 4)),
    ("regulator:heavy", "maybenot:regulator", "regulator", (40, 8, 1)),
    ("interspace", "maybenot:interspace", None, (40, 8, 0)),
    ("break-pad,lengths=maybenot", "maybenot:break-pad", None, (40, 8, 0)),
]


def run(command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    fields = text.strip().splitlines()[-1].split("\t")
    return [float(field.split()[0]) for field in fields[2:6]]  # traces/s, out, in, %


def repeated(paths, folder, packets):
    """The traces one after the other until there are so many packets."""
    lines, start = [], 0
    while len(lines) < packets:
        for path in paths:
            rows = sorted((int(row.split(",")[0]), row.split(",")[1]) for row in path.read_text().splitlines())
            lines += [f"{at - rows[0][0] + start},{way},1" for at, way in rows]
            start += rows[-1][0] - rows[0][0] + 1
    path = folder / f"{packets}.log"
    path.write_text("\n".join(lines[:packets]))
    return path


def main():
    traces, folder, wfkit = (Path(argument) for argument in sys.argv[1:])
    paths = sorted(traces.glob("**/*.log"))
    files = [str(path) for path in paths]
    count = sum(len(path.read_text().splitlines()) for path in paths)
    print(f"{len(paths)} traces, {count} packets. Traces a second of one core; padding packets a trace, out and in.\n")
    print("| defence | wfkit | Maybenot | ratio | Python | ratio | wfkit sends | Maybenot sends | Python sends |")
    print("|---|---|---|---|---|---|---|---|---|")
    for ours, theirs, python, (many, some, few) in PAIRS:
        own = run([wfkit, str(many), ours, "--", *files])
        row = [f"`{ours}`", f"{own[0]:.0f}"]
        sends = [f"{own[1]:.0f} + {own[2]:.0f}"]
        for peer in (
            run([wfkit, str(some), theirs, "--", *files]) if theirs else None,
            run([sys.executable, HERE / "in_python.py", python, str(few), *files]) if python else None,
        ):
            row += [f"{peer[0]:.3g}", f"{own[0] / peer[0]:.1f}"] if peer else ["", ""]
            sends.append(f"{peer[1]:.0f} + {peer[2]:.0f}" if peer else "")
        print("| " + " | ".join(row + sends) + " |", flush=True)
    print("\nThousand packets a second, by the packets of a trace:\n")
    print("| defence | 1 000 | 10 000 | 100 000 | 1 000 000 |\n|---|---|---|---|---|")
    for defence in ("jitter", "front", "wtf-pad", "tamaraw:cell", "regulator:heavy"):
        cells = []
        for packets in (10**3, 10**4, 10**5, 10**6):
            speed = run([wfkit, str(max(1, 10**6 // packets // 2)), defence, "--", str(repeated(paths, folder, packets))])[0]
            cells.append(f"{speed * packets / 1000:.0f}")
        print(f"| `{defence}` | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
