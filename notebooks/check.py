"""Execute the notebooks from a clean kernel; refuse outputs in the committed files."""

import argparse
import pathlib
import sys

import nbformat
from nbclient import NotebookClient

FOLDER = pathlib.Path(__file__).parent


def stripped(notebook):
    """Whether no code cell holds an output or an execution count."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return all(not cell.outputs and cell.execution_count is None for cell in code)


def strip(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep executed copies in out/notebooks")
    parser.add_argument("--strip", action="store_true", help="strip the outputs instead of refusing them")
    options = parser.parse_args()
    failed = False
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if options.strip and not stripped(notebook):
            strip(notebook)
            nbformat.write(notebook, path)
        if not stripped(notebook):
            print(f"{path.name}: committed with outputs; run notebooks/check --strip", file=sys.stderr)
            failed = True
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(FOLDER)}}).execute()
        print(f"{path.name}: executed, {sum(cell.cell_type == 'code' for cell in notebook.cells)} code cells")
        if options.keep:
            kept = FOLDER.parent / "out" / "notebooks"
            kept.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, kept / path.name)
    sys.exit(failed)


if __name__ == "__main__":
    main()
