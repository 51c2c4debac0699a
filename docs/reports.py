"""The fields of stage reports: those that reports of the pages' commands have, with what the code says of each."""

import json
import re
from pathlib import Path

# Where the types are that reports are made of.
CRATES = ("metrics", "evaluate", "defend", "classify", "competition", "features", "capture", "datasets", "src")
STRUCT = re.compile(r"pub(?:\(crate\))? struct (?P<name>\w+)(?:<[^>]*>)? \{\n(?P<body>.*?)\n\}", re.S)
FIELD = re.compile(r"(?P<about>(?:^ *(?:///|#\[).*\n)*)^ *pub(?:\(crate\))? (?P<name>\w+): (?P<type>[^\n]+?),?$", re.M)


def read(folder):
    """All stage reports below a folder."""
    found = []
    for path in sorted(Path(folder).rglob("*.report.json")):
        report = json.loads(path.read_text())
        if "stage" in report:
            found.append(report)
    return found


def structs(root):
    """Of every struct the words of its fields: name to field to words."""
    found = []
    for crate in CRATES:
        for path in sorted((root / crate).rglob("*.rs")):
            if "tests" in path.parts or "target" in path.parts:
                continue
            for struct in STRUCT.finditer(path.read_text()):
                fields = {}
                for field in FIELD.finditer(struct["body"]):
                    words = " ".join(line.strip()[3:].strip() for line in field["about"].splitlines() if line.strip().startswith("///"))
                    name = re.search(r'rename = "([^"]+)"', field["about"])
                    fields[name[1] if name else field["name"]] = plain(words)
                found.append(fields)
    return found


def plain(words):
    """Without links of rustdoc."""
    words = re.sub(r"\[`?([^\]`]+)`?\]\([^)]*\)", r"`\1`", words)
    words = words.replace("`None`", "`null`")
    return re.sub(r"\[`?([\w:]+)`?\]", r"`\1`", words).replace("<", "&lt;").replace("|", "\\|")


def about(names, known):
    """The words of the structs that these fields are of: those that have most of them and fewest others, one after the other, as fields of
    several stand side by side in a report."""
    left, words = set(names), {}
    while left:
        best = max(known, key=lambda fields: (len(left & fields.keys()), -len(fields)), default={})
        shared = left & best.keys()
        if not shared or (len(shared) < 2 and len(shared) < len(best)):
            break
        words |= {name: best[name] for name in shared}
        left -= shared
    return words


def functions(root):
    """Of the functions that compute scores the first sentence: name to words."""
    found = {}
    for path in sorted((root / "metrics/src").rglob("*.rs")):
        for one in re.finditer(r"(?P<about>(?:^ *///.*\n)+)(?:^ *#\[.*\n)*^ *pub fn (?P<name>\w+)", path.read_text(), re.M):
            words = " ".join(line.strip()[3:].strip() for line in one["about"].splitlines())
            found[one["name"]] = plain(re.split(r"(?<=\w[.)])\s", words)[0])
    return found


# What commands set by hand, without a type of its own.
WORDS = {
    "model_bytes": "Bytes of the model file.",
    "microseconds_a_trace": "Computing the features of a trace.",
    "constant": "Columns that have one value in all traces.",
    "feature_auc": "What each feature gives away alone: its mean area of one class against the rest.",
    "overlap_compared": "By what traces were compared for whether they were learned from.",
    "against_trivial": "Whether the attack beats totals, with a test.",
    "by_session": "The same attacks with whole sessions kept apart.",
    "defence": "The specification of the defence.",
    "network_model": "What the simulation takes the network for.",
    "split": "How traces were split into those learned from and those tested.",
    "stages": "The reports of all stages, as each stands beside its output.",
    "parameters": "Every parameter of the layer with its value, see the defences.",
    "measured": "Whether this was measured.",
    "groups": "Into how many groups of sessions.",
    "why": "Why it was not measured.",
    "attacks": "The scores of each attack.",
    "together": "What no two folds share: copies of a load, visits of a page.",
    "traces_of_folds": "Traces in each fold.",
    "calibration": "How probabilities were calibrated.",
    "reliability": "How often the attack is right, by how sure it is.",
    "value": "Its value.",
    "holds": "Whether the bound holds here.",
    "told": "The same in words.",
    "standing": "Where it stands beside chance and the attack.",
    "p_holm": "The p value, corrected for the number of comparisons (Holm 1979).",
    "title": "The title of the picture.",
    "finding": "What the picture shows, in words.",
    "model": "What the model says of itself.",
    "train_seconds": "Training, on the wall.",
    "predict_seconds": "Predicting, on the wall.",
}


def walk(value, path, fields, known, words=""):
    """Every field below a value: dotted name, what it is, an example."""
    name = path.rpartition(".")[2]
    words = words or WORDS.get(name, "")
    if name == "parameters" or path == "stages":
        fields[path] = (words, "")
    elif isinstance(value, dict) and value:
        of = about(value, known)
        for name, inner in value.items():
            walk(inner, f"{path}.{name}" if path else name, fields, known, of.get(name, ""))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        fields.setdefault(path, (words, "a list"))
        for inner in value:
            walk(inner, f"{path}[]", fields, known)
    else:
        old = fields.get(path, ("", ""))
        fields[path] = (old[0] or words, old[1] or example(value))


def example(value):
    text = json.dumps(value)
    return f"`{text if len(text) <= 40 else text[:37] + '..'}`".replace("|", "\\|")


def page(written, root):
    """A chapter: what each stage reports."""
    known, scores = structs(root), functions(root)
    for fields in known:
        for name, words in fields.items():
            if see := re.fullmatch(r"See `(?:\w+::)*(\w+)`\.", words):
                fields[name] = scores.get(see[1], words)
    stages = {}
    for report in written:
        fields = stages.setdefault(report["stage"], {})
        walk({key: value for key, value in report.items() if key not in ("counts", "dropped")}, "", fields, known)
        for map_of in ("counts", "dropped"):
            for name, value in report.get(map_of, {}).items():
                fields.setdefault(f"{map_of}: {name}", ("", f"`{value}`"))
    # What most of them have stands once.
    everything = {name: row for fields in stages.values() for name, row in fields.items()}
    common = {name: row for name, row in everything.items() if 2 * sum(name in fields for fields in stages.values()) > len(stages)}
    lines = [
        "# Reports",
        "",
        "Every command that makes something writes a stage report beside it: `traces.parquet` has `traces.report.json`. It is one JSON document, and what `--format json`",
        "prints. A value that is missing is `null`, and a `reason` beside it or further out says why. The fields below are those of the reports that the",
        "commands of this handbook wrote, with what the code says of them; options bring others. `[]` is each of a list.",
        "",
        "## In most reports",
        "",
        "Those of the scores (`privacy`) where the stage runs an attack.",
        "",
        *table(common),
    ]
    for stage in sorted(stages):
        lines += ["", f"## `{stage}`", "", *table({name: row for name, row in stages[stage].items() if name not in common})]
    return "\n".join(lines) + "\n"


def table(fields):
    rows = [f"| `{name}` | {words} | {seen} |" for name, (words, seen) in fields.items()]
    return ["| field | what it is | such as |", "|---|---|---|", *rows]
