"""Tables as Markdown, and the marked places that show them."""

import os
import re

from measure import DATA_SETS, HERE, ROOT

RESULTS, TABLES = HERE / "results", HERE / "tables"
BLOCK = re.compile(r"^<!-- table (?P<name>[a-z-]+) -->\n(?P<body>.*?)^<!-- end (?P<end>[a-z-]+) -->$", re.M | re.S)


def number(value, digits=3):
    """.810 for 0.81: three digits carry all that the number of traces can tell."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def with_interval(score, digits=3):
    """.810 [.790, .830]"""
    interval = score.get("interval_95") or score.get("interval")
    text = number(score["value"], digits)
    return text if not interval else f"{text} [{number(interval['low'], digits)}, {number(interval['high'], digits)}]"


def percent(share):
    return f"{100 * share:.{0 if share >= 1 else 1}f} %"


def table(header, rows, left=1):
    """A Markdown table whose first `left` columns are text."""
    head, *lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([head, "|" + "---|" * left + "---:|" * (len(header) - left), *lines])


def size(data):
    """How much there is of a data set, where it has a fixed size."""
    return " of ".join(f"{data[key]:,} {key}" for key in ("traces", "classes") if key in data)


def provenance(entry, result):
    """The last line of every table: command, data, date, program, machine."""
    commands = entry.shown or "; ".join(f"`{command}`" for command in result["commands"])
    words = [commands, f"again: `benches/readme/rebuild {entry.name}`"]
    if data := result["data"]:
        about = DATA_SETS[data]
        parts = [about["source"], about["licence"], size(about)]
        list_of_sets = os.path.relpath(ROOT / "datasets/README.md", (ROOT / entry.shown_in).parent)
        words.append(f"data: [{data}]({list_of_sets}#data-sets) ({'; '.join(filter(None, parts))})")
    words.append(result["date"])
    words += [result[key] for key in ("tool", "machine") if result.get(key)]
    if seconds := result.get("seconds"):
        words.append(f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} minutes")
    if result.get("kept"):
        words.append(result["kept"])
    return f"<sub>{' · '.join(words)}</sub>"


def fragment(entry, result):
    """The whole of a table's file."""
    return f"{entry.render(result['figures']).strip()}\n\n{provenance(entry, result)}\n"


def show(text, name, body):
    """`text` with `body` in the place marked for `name`."""

    def replaced(found):
        return found[0] if found["name"] != name else f"<!-- table {name} -->\n{body}<!-- end {name} -->"

    return BLOCK.sub(replaced, text)


def blocks(text):
    """Name to body of each marked place; raises ValueError where marks do not match."""
    found = {}
    for match in BLOCK.finditer(text):
        if match["name"] != match["end"] or match["name"] in found:
            raise ValueError(f"the marks of the table {match['name']} do not match, or come twice")
        found[match["name"]] = match["body"]
    marks = len(re.findall(r"^<!-- (?:table|end) ", text, re.M))
    if marks != 2 * len(found):
        raise ValueError("a mark of a table has no other end")
    return found


def patch(entry):
    """Shows the committed table of an entry where it belongs."""
    path = ROOT / entry.shown_in
    text = path.read_text()
    if entry.name in blocks(text):
        path.write_text(show(text, entry.name, (TABLES / f"{entry.name}.md").read_text()))
