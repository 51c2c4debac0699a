"""Runs the commands that a page shows, and compares what it shows of their output.

Fences of a page, in order, in one empty folder:

    ```console      lines that begin with `$ ` are run by bash (a `\\` at the end goes on in the next line); lines below are what it prints,
                    where `...` as a line stands for any lines, ` ... ` and a `...` at an end for anything. Nothing shown: only the exit status is looked at.
    ```sh           a script, run as a whole; the first command that fails fails it

Comments of HTML around them, which readers do not see:

    <!-- before: COMMAND -->            run there, as what a reader already has
    <!-- fails -->                      the next fence's last command ends with an error
    <!-- not run: WHY -->               the next fence is shown only

Standard output and standard error are compared together, as a terminal of 80 columns shows them. REPOSITORY is the folder of the project, EXAMPLES
that of its built examples.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(?P<kind>[a-z]*)[^\n]*\n(?P<body>.*?)^```$|^<!-- (?P<word>before|fails|not run)(?:: (?P<rest>.*?))? -->$", re.M | re.S)
LIMIT = 600  # seconds of one command, for busy machines


class Wrong(Exception):
    """A command that did not do what its page says."""


@dataclass
class Step:
    """A command of a page, the line where it stands, and what it has to print (None: anything)."""

    line: int
    command: str
    shown: str | None = None
    fails: bool = False


@dataclass
class Page:
    """The commands of a page in order, and what is shown only, with why."""

    steps: list[Step] = field(default_factory=list)
    not_run: list[tuple[int, str]] = field(default_factory=list)


def parse(text):
    """What of a page is run."""
    page, fails, skipped = Page(), False, None
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["word"] == "before":
            page.steps.append(Step(line, found["rest"]))
        elif found["word"] == "fails":
            fails = True
        elif found["word"] == "not run":
            if not found["rest"]:
                raise Wrong(f"line {line}: `not run` needs a reason")
            skipped = found["rest"]
        elif found["kind"] in ("console", "sh"):
            if skipped:
                page.not_run.append((line, skipped))
            else:
                steps = [*console(found["body"], line + 1)] if found["kind"] == "console" else [Step(line, "set -e\n" + found["body"])]
                steps[-1].fails = fails
                page.steps += steps
            fails, skipped = False, None
    return page


def console(body, line):
    """The commands of a `console` fence, each with the output below it."""
    steps, going_on = [], False
    for at, text in enumerate(body.splitlines(), line):
        if going_on:
            steps[-1].command += "\n" + text
        elif text.startswith("$ "):
            steps.append(Step(at, text[2:]))
        elif not steps:
            raise Wrong(f"line {at}: output without a command: {text!r}")
        else:
            steps[-1].shown = (steps[-1].shown or "") + text + "\n"
            continue
        going_on = text.endswith("\\")
    if not steps:
        raise Wrong(f"line {line}: a console without a command")
    return steps


def matches(shown, printed):
    """Whether `printed` is what a page shows: `...` is anything, and spaces are one, since tables are as wide as what is in them."""
    pattern = ""
    for line in lines(shown):
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", line)) + "\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines(printed))) is not None


def lines(text):
    return [" ".join(line.split()) for line in text.rstrip("\n").split("\n")]


def known(reference):
    """The options of every command, by the page that `wfkit reference` makes: name to options."""
    found, name = {"wfkit": set()}, "wfkit"
    for line in reference.splitlines():
        if heading := re.fullmatch(r"#+ `(wfkit [^`]*)`", line):
            name = heading[1]
            found[name] = set()
        elif line.startswith("| `"):
            found[name] |= set(re.findall(r"--[a-z][a-z0-9-]*", line.split("|")[1]))
    return found


def unknown(text, reference):
    """Commands of wfkit that a page shows and does not run, with an option or a name that the program does not have."""
    of, faults = known(reference), []
    for line in re.findall(r"(?:^|&& |; |\$ )(wfkit [^#\n;&|]*)", "\n".join(fence["body"] or "" for fence in FENCE.finditer(text) if fence["kind"] in ("sh", "console")), re.M):
        words = re.sub(r"'[^']*'", "QUOTED", line).split()
        names = [" ".join(words[:count]) for count in range(1, len(words) + 1)]
        name = max((one for one in names if one in of), key=len)
        options = of[name] | of["wfkit"] | {"--help", "--version"}
        faults += [f"{line.strip()}: {name} has no {word}" for word in words if word.startswith("--") and word.partition("=")[0] not in options]
        if name == "wfkit" and len(words) > 1 and not words[1].startswith("-"):
            faults.append(f"{line.strip()}: there is no command {words[1]}")
    return faults


def run(page, folder, environment):
    """Runs the steps of a page in `folder`; raises Wrong at the first that differs."""
    for step in page.steps:
        done = subprocess.run(["bash", "-c", step.command], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, stdin=subprocess.DEVNULL)
        if step.fails != (done.returncode != 0):
            raise Wrong(f"line {step.line}: {step.command}\nended with status {done.returncode}:\n{done.stdout}")
        if step.shown is not None and not matches(step.shown, done.stdout):
            raise Wrong(f"line {step.line}: {step.command}\nshould print\n{step.shown}\nbut printed\n{done.stdout}")


def environment(wfkit: Path, examples: Path, repository: Path, python: Path | None):
    """The environment of all commands: this program on the path, 80 columns, no settings of the caller."""
    folders = [str(wfkit.parent)] + ([str(python.parent)] if python else []) + [os.environ["PATH"]]
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "RUSTUP_HOME", "RAYON_NUM_THREADS")}
    return kept | {"PATH": ":".join(folders), "COLUMNS": "80", "REPOSITORY": str(repository), "EXAMPLES": str(examples), "PYTHONWARNINGS": "error", "NO_COLOR": "1"}
