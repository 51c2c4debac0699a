"""Times alignment in ten folds and on made traces; see `scale`."""

import datetime
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 3
TRACES_EACH = 30
MADE_EACH = 100
RUNS = 40


def timed(command):
    """Seconds of the clock and of the processors."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(programs, captures, work, *classes):
    wfkit, work = f"{programs}/wfkit", Path(work)
    traces = work / "traces.parquet"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([wfkit, "capture", "import", captures, "--out", work / "all.parquet", "--quiet"], **quiet)
    subprocess.run([wfkit, "dataset", "sample", work / "all.parquet", "--traces-each", str(TRACES_EACH), "--out", traces, "--quiet"], **quiet)
    counts = json.loads((work / "traces.report.json").read_text())["counts"]

    print(f"{datetime.date.today()}; medians of {ROUNDS}")
    print(f"\n{counts['traces']:,} traces of {counts['classes']} classes in ten folds\n")
    print("| attack | seconds | CPU seconds |\n|---|---:|---:|")
    for attack in ("alignment", "best"):
        rounds = [timed([wfkit, "evaluate", traces, "--attack", attack, "--folds", "10", "--quiet"]) for _ in range(ROUNDS)]
        print(f"| {attack} | {statistics.median(r[0] for r in rounds):.1f} | {statistics.median(r[1] for r in rounds):.1f} |")

    print(f"\n{MADE_EACH} traces a class of about {RUNS} answers to learn from\n")
    print("| classes | traces | fit, CPU seconds | a trace scored, ms | more memory, MB | model, MB |\n|---:|---:|---:|---:|---:|---:|")
    for number in map(int, classes):
        made = [f"{programs}/examples/alignment_speed", "--synthetic", str(number), str(MADE_EACH), str(RUNS)]
        found = json.loads(subprocess.run(made, check=True, capture_output=True, text=True).stdout)
        score = 1000 * found["predict"] / found["test"]
        print(f"| {number} | {found['train']} | {found['fit']:.1f} | {score:.2f} | {found['memory_mb']:.0f} | {found['model_mb']:.1f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
