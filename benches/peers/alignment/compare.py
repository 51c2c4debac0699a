"""Runs both sides in turn and prints medians and ratios; see `run`."""

import datetime
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[3] / "classify/tests/vectors/alignment"))
from profile_hmm import Model  # noqa: E402


def in_numpy(given):
    largest = max(abs(size) for sizes in given["train"] for size in sizes)
    start = time.process_time()
    model = Model("answers", largest)
    train = [model.alphabet.tokens(sizes) for sizes in given["train"]]
    model.fit(train, given["labels"], given["classes"], given["seed"])
    fitted = time.process_time()
    logs = model.log_likelihoods([model.alphabet.tokens(sizes) for sizes in given["test"]])
    return fitted - start, time.process_time() - fitted, logs


def main(program, traces, work, runs):
    ours, theirs, differences = [], [], []
    for _ in range(int(runs)):
        ours.append(json.loads(subprocess.run([program, traces, work], check=True, capture_output=True, text=True).stdout))
        given = json.loads((Path(work) / "ours.json").read_text())
        *times, logs = in_numpy(given)
        theirs.append(times)
        differences.append(np.max(np.abs(logs / np.array(given["log_likelihoods"]) - 1)))
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    print(f"{datetime.date.today()}, {model}; numpy {np.__version__}; medians of {runs}; CPU seconds of one thread")
    print(f"\n{ours[0]['train']:,} traces of {given['classes']} classes to learn from, {ours[0]['test']:,} to score\n")
    print("| | wfkit | NumPy | ratio |\n|---|---:|---:|---:|")
    for name, key, place in (("fit", "fit", 0), ("score", "predict", 1)):
        own, other = statistics.median(run[key] for run in ours), statistics.median(run[place] for run in theirs)
        print(f"| {name} | {own:.3f} | {other:.2f} | {other / own:.0f} |")
    print(f"\nLog likelihoods differ by {max(differences):.1e} at most, of themselves.")
    assert max(differences) < 1e-8, "not the same definition"


if __name__ == "__main__":
    main(*sys.argv[1:])
