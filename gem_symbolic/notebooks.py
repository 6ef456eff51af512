"""Executes the notebooks: each py:percent source in notebooks/ becomes an .ipynb of the same name with its outputs."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from gem_symbolic.checkout import ROOT, needed

FOLDER = ROOT / "notebooks"


def sources() -> list[Path]:
    return sorted(FOLDER.glob("*.py"))


def execute(source: Path) -> NotebookNode:
    """The notebook that a source describes, with outputs. Raises nbclient's CellExecutionError where a cell fails."""
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with TemporaryDirectory() as sockets:  # the kernel is talked to through files: no network port is opened
        local = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
        beside = {"metadata": {"path": str(source.parent)}}  # a notebook reads files of its own folder
        client = NotebookClient(notebook, kernel_name="python3", coalesce_streams=True, resources=beside, config=local)
        client.execute()
    for number, cell in enumerate(notebook.cells):  # ids and times would differ from one run to the next
        cell["id"] = f"{source.stem}-{number}".replace("_", "-")
        cell.metadata.pop("execution", None)
    return notebook


def main() -> int:
    needed("gem_symbolic.notebooks")
    for source in sources():
        target = source.with_suffix(".ipynb")
        jupytext.write(execute(source), target, fmt="ipynb")
        print(f"{target.relative_to(FOLDER.parent)}: executed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
