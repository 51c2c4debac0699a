"""Write the schemas of stage reports from reports that the tests made: `tests/schemas/write` collects them and calls this.

usage: infer.py REPORTS SCHEMAS PROGRAM

PROGRAM is the source file that holds the list of them.

A field is required where every report has it, or where enough of them were seen, every one of its stage; its type is what was seen. What a person wrote as a `description` stays. Objects
whose keys are data (classes, reasons, options) are maps: see MAPS.
"""

import collections
import json
import pathlib
import re
import sys

# Objects whose keys are names that data or options give, by their place; `*` is one step.
MAPS = (
    r"counts",
    r"dropped",
    r"options",
    r"(.*\.)?per_class",
    r"(.*\.)?causality",
    r"(.*\.)?parameters",
)

# So many objects tell which of their fields there always are.
ENOUGH = 10

# What every report has, but for the last two.
CORE = {
    "stage": "Name of the stage, such as `capture`.",
    "tool": "Name and version of the program.",
    "seed": "Seed of all that was random.",
    "inputs": "The files read, each with the SHA-256 of its bytes.",
    "counts": "How many traces, classes, packets and so on.",
    "dropped": "How many of what was read were left out, by reason.",
    "utility": "What the traffic costs its user.",
    "privacy": "What the traffic gives away.",
    "seconds": "How long the stage took.",
    "options": "Every option that decides what comes out, with its value or its default.",
    "problems": "What is wrong with single inputs, one sentence each; absent where nothing is.",
    "stages": "The reports of the stages of a run.",
    "utility.median_in_bytes": "Median incoming bytes of a trace.",
    "utility.median_out_bytes": "Median outgoing bytes of a trace.",
    "utility.median_seconds": "Median seconds from the first packet of a trace to its last.",
    "utility.score": "Utility of the competition: high where traffic costs little.",
    "privacy.roc_auc_macro_ovr": "Mean over classes of the area under the ROC curve, each class against all others.",
    "privacy.accuracy": "Share of traces whose most probable class is theirs.",
    "privacy.attack": "Name of the attack that measured both.",
    "privacy.reason": "Why a score is null; absent where none is.",
}


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


class Seen:
    """What was seen at one place."""

    def __init__(self, path=""):
        self.path = path
        self.kinds = set()
        self.objects = 0
        self.fields = {}
        self.times = collections.Counter()
        self.items = None
        self.values = None

    def is_map(self):
        return any(re.fullmatch(pattern, self.path) for pattern in MAPS)

    def add(self, value):
        self.kinds.add(kind(value))
        if isinstance(value, list):
            self.items = self.items or Seen(self.path)
            for item in value:
                self.items.add(item)
        elif isinstance(value, dict):
            self.objects += 1
            if self.is_map():
                self.values = self.values or Seen(self.path + ".*")
                for item in value.values():
                    self.values.add(item)
                return
            for name, item in value.items():
                path = f"{self.path}.{name}" if self.path else name
                self.fields.setdefault(name, Seen(path)).add(item)
                self.times[name] += 1

    def schema(self, known):
        kinds = set(self.kinds)
        if "number" in kinds:
            kinds.discard("integer")
        schema = {}
        told = known.get("description") or CORE.get(self.path)
        if told:
            schema["description"] = told
        if kinds - {"null"}:
            schema["type"] = sorted(kinds)[0] if len(kinds) == 1 else sorted(kinds)
        if self.values:
            schema["additionalProperties"] = self.values.schema(known.get("additionalProperties") or {})
        elif "object" in kinds and not self.is_map():
            before = known.get("properties", {})
            schema["properties"] = {name: seen.schema(before.get(name, {})) for name, seen in self.fields.items()}
            always = [name for name, n in self.times.items() if n == self.objects]
            is_known = lambda name: self.objects >= ENOUGH or (f"{self.path}.{name}" if self.path else name) in CORE
            schema["required"] = sorted(filter(is_known, always))
            schema["additionalProperties"] = False
        if self.items and self.items.kinds:
            schema["items"] = self.items.schema(known.get("items") or {})
        return schema


def main():
    reports, schemas, program = map(pathlib.Path, sys.argv[1:])
    stages = {}
    for path in sorted(reports.glob("*.json")):
        report = json.loads(path.read_text())
        stages.setdefault(report["stage"], Seen()).add(report)
    for stage, seen in sorted(stages.items()):
        path = schemas / f"{stage.replace(' ', '-')}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"The report of `{stage}`"}
        path.write_text(json.dumps(head | seen.schema(known), indent=1, ensure_ascii=False) + "\n")
        print(f"{path.name}: of {seen.objects} reports")
    stages = sorted((json.loads(path.read_text())["title"].split("`")[1], path.name) for path in schemas.glob("*.json"))
    rows = "".join(f'    ("{stage}", include_str!("schemas/{name}")),\n' for stage, name in stages)
    listed = f"const SCHEMAS: [(&str, &str); {len(stages)}] = [\n{rows}];"
    program.write_text(re.sub(r"const SCHEMAS: .*?\n\];", lambda _: listed, program.read_text(), flags=re.DOTALL))


main()
