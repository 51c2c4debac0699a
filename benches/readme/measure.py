"""What every measurement needs: the program, the data sets, where and when it was done."""

import datetime
import os
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA_SETS = tomllib.loads((HERE / "data_sets.toml").read_text())


class Failed(Exception):
    """A measurement that cannot be made; the text says why and what to do."""


def program():
    """The wfkit to measure: `$WFKIT`, else the one built in this checkout."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("WFKIT", target / "release/wfkit")).absolute()
    if not path.is_file():
        raise Failed(f"{path} is not there: build it with `cargo build --release`, or set WFKIT")
    return path


def folder_of(name):
    """Where a data set is, or a failure that says how to get it."""
    data = DATA_SETS[name]
    places = [ROOT / path for path in data["paths"]]
    if shared := os.environ.get("WFKIT_SHARED_DATA"):
        prefix = "../shared/data/"
        places = [Path(shared) / path.removeprefix(prefix) for path in data["paths"] if path.startswith(prefix)] + places
    for place in places:
        if place.is_dir():
            return place.resolve()
    raise Failed(f"the data set {name} is in none of {', '.join(data['paths'])}: {data['get']}")


def run(command, work, data):
    """Runs a command as the tables show it, in a folder of its own, and gives what it prints.

    `wfkit` is the program measured, DATA/ the folder of the data set, `benches/...` a script of this checkout.
    """
    words = []
    for word in shlex.split(command):
        if word == "wfkit":
            words.append(str(program()))
        elif data and word == f"{data}/":
            words.append(str(folder_of(data)))
        elif word.startswith("benches/"):
            words.append(str(ROOT / word))
        else:
            words.append(word)
    print(f"  {command}", file=sys.stderr, flush=True)
    where = ROOT if words[0] == "cargo" else work
    done = subprocess.run(words, cwd=where, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failed(f"`{command}` ended with exit status {done.returncode}")
    return done.stdout


def measured(commands, data, figures):
    """Runs commands in a temporary folder; what they print and left goes to `figures`, and comes back with its circumstances."""
    with tempfile.TemporaryDirectory() as work:
        start = time.monotonic()
        printed = [run(command, Path(work), data) for command in commands]
        seconds = time.monotonic() - start
        found = figures(Path(work), printed)
    return {
        "commands": commands,
        "data": data,
        "date": datetime.date.today().isoformat(),
        "seconds": round(seconds),
        "tool": version(),
        "machine": machine(),
        "figures": found,
    }


def version():
    """The program's version, and the commit that its checkout stands at; `+` where files differ from that commit."""
    path = program()
    name = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def git(*words):
        return subprocess.run(["git", "-C", path.parent, *words], capture_output=True, text=True, check=False)

    commit = git("rev-parse", "--short=9", "HEAD")
    if commit.returncode:
        return name
    changed = "+" if git("diff", "--quiet", "HEAD", "--", ":/").returncode else ""
    return f"{name} at {commit.stdout.strip()}{changed}"


def machine():
    """Cores and kind of processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    return f"{os.cpu_count()} cores of {model}"


def check_counts(data, counts, traces=None):
    """Fails where other data were read than the table of data sets names, or another number of `traces` of them."""
    wanted = DATA_SETS[data] | ({"traces": traces} if traces else {})
    for key in ("traces", "classes"):
        expected = wanted.get(key)
        if expected is not None and counts.get(key) != expected:
            raise Failed(f"{data} has {counts.get(key)} {key} here, {expected} expected: another or an incomplete copy")
