"""Execute the notebooks from a clean kernel; refuse outputs in the committed files."""

import argparse
import pathlib
import re
import sys
import time
from xml.etree import ElementTree

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import MarkdownExporter
from nbformat.v4 import new_markdown_cell

FOLDER = pathlib.Path(__file__).parent
# A cell that takes longer has stopped working.
PATIENCE_S = 600
# Colours of a terminal.
ANSI = r"\x1b\[[0-9;]*m"


def stripped(notebook):
    """Whether no code cell holds an output or an execution count."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return all(not cell.outputs and cell.execution_count is None for cell in code)


def strip(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None


def folded(notebook):
    """A copy in which solutions are unfolded by a click, and links go to other pages of Markdown."""
    copy = nbformat.from_dict(notebook)
    copy.cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"\[([^\]]+)\]\(\.\./([^)]+)\)", r"\1 (`\2`)", cell.source)  # files of the repository, which a page cannot link to
            cell = nbformat.from_dict({**cell, "source": text.replace(".ipynb)", ".md)")})
        else:
            cell = nbformat.from_dict({**cell, "outputs": joined(cell.outputs)})
        solution = "solution" in cell.metadata.get("tags", [])
        if solution:
            copy.cells.append(new_markdown_cell("<details><summary>A solution</summary>"))
        copy.cells.append(cell)
        if solution:
            copy.cells.append(new_markdown_cell("</details>"))
    return copy


def joined(outputs):
    """What was printed in pieces, as the kernel was asked, in one."""
    whole = []
    for output in outputs:
        if whole and output.output_type == "stream" == whole[-1].output_type and output.name == whole[-1].name:
            whole[-1] = nbformat.from_dict({**whole[-1], "text": whole[-1].text + output.text})
        else:
            whole.append(output)
    return whole


# What is printed stands in a block of its own, also where two follow each other.
TEMPLATE = """
{%- extends 'markdown/index.md.j2' -%}
{% block stream %}
```text
{{ output.text.rstrip() }}
```
{% endblock stream %}
{% block data_text scoped %}
```text
{{ output.data['text/plain'] }}
```
{% endblock data_text %}
"""


def render(notebook, name, into):
    """Writes Markdown with the pictures in a folder beside it."""
    into.mkdir(parents=True, exist_ok=True)
    files = f"{name}_files"
    exporter = MarkdownExporter(raw_template=TEMPLATE)
    text, resources = exporter.from_notebook_node(folded(notebook), {"output_files_dir": files})
    (into / files).mkdir(exist_ok=True)
    for place, content in resources["outputs"].items():
        (into / place).write_bytes(content)
    text = re.sub(r"!\[(?:svg|png)\]\((.+?)\)", lambda match: f"![{said(resources['outputs'], match[1])}]({match[1]})", text)
    (into / f"{name}.md").write_text(text, encoding="utf-8")


def said(pictures, place):
    """What a picture shows, for whoever does not see it: ours say it themselves."""
    picture = pictures[place]
    if not place.endswith(".svg"):
        return "what the code above draws"
    drawn = ElementTree.fromstring(picture)
    title, finding = (drawn.findtext(f"{{http://www.w3.org/2000/svg}}{tag}", "").split("\n")[0] for tag in ("title", "desc"))
    return re.sub(r"([\[\]])", r"\\\1", f"{title}. {finding}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these notebooks alone, such as 03")
    parser.add_argument("--keep", action="store_true", help="keep executed copies in out/notebooks")
    parser.add_argument("--into", type=pathlib.Path, metavar="FOLDER", help="write them there as Markdown, with their pictures")
    parser.add_argument("--strip", action="store_true", help="strip the outputs instead of refusing them, and execute nothing")
    options = parser.parse_args()
    paths = [path for path in sorted(FOLDER.glob("*.ipynb")) if not options.names or path.stem.startswith(tuple(options.names))]
    if not paths:
        sys.exit(f"no notebook is called {' or '.join(options.names)}")
    failed = False
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        if options.strip:
            strip(notebook)
            nbformat.write(notebook, path)
            continue
        if not stripped(notebook):
            print(f"{path.name}: committed with outputs; run notebooks/check --strip", file=sys.stderr)
            failed = True
            strip(notebook)
        began = time.monotonic()
        client = NotebookClient(
            notebook, timeout=PATIENCE_S, startup_timeout=PATIENCE_S, extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(FOLDER)}}
        )
        try:
            client.execute()
        except CellExecutionError as error:
            print(f"{path.name}: {re.sub(ANSI, '', str(error))}", file=sys.stderr)
            failed = True
            continue
        print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} code cells, {time.monotonic() - began:.0f} s", flush=True)
        if options.keep:
            kept = FOLDER.parent / "out" / "notebooks"
            kept.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, kept / path.name)
        if options.into:
            render(notebook, path.stem, options.into)
    sys.exit(failed)


if __name__ == "__main__":
    main()
