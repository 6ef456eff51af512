"""The notebooks run, show what they promise, hold no logic of their own, and are stored as they were run."""

import ast

import jupytext
import pytest

from gem_symbolic.notebooks import execute, sources

each_notebook = pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
LOGIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.While, ast.If, ast.Try, ast.With)


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def shown(notebook):
    """For each code cell the kinds of its outputs: a cell that failed to show its figure looks different."""
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [[sorted(output.get("data", {output.output_type: 0})) for output in cell.outputs] for cell in code]


def test_there_are_notebooks():
    stories = {"derivative_continuity", "approximating_relu", "dead_neurons", "half_precision", "theorem_to_kernel"}
    stories |= {"your_own_activation"}
    assert {source.stem for source in sources()} >= stories


@each_notebook
def test_it_runs_and_shows_what_is_stored(source):
    fresh, stored = execute(source), jupytext.read(source.with_suffix(".ipynb"))
    assert shown(fresh) == shown(stored)
    assert any("image/png" in kinds for cell in shown(fresh) for kinds in cell)


@each_notebook
def test_the_stored_notebook_is_its_source(source):
    assert cells(jupytext.read(source.with_suffix(".ipynb"))) == cells(jupytext.read(source))


@each_notebook
def test_it_holds_no_logic(source):
    assert not [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, LOGIC)]
