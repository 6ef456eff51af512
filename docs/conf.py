"""The documentation, built from the root of the repository: committed proofs, figures and notebooks are its pages.

    make docs

Nothing is copied and nothing stands twice: proofs/, codegen/ and notebooks/ hold the pages that `make proofs`, `make
readme`, `make values` and `make notebooks` write.
"""

import pkgutil
import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import desc_annotation

import gem_symbolic
from gem_symbolic import nn

project = "gem_symbolic"
author = copyright = "the gem_symbolic authors"
release = version = gem_symbolic.__version__

root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "proofs/*.md",
    "proofs/formal/README.md",
    "codegen/*.md",
    "notebooks/*.ipynb",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
exclude_patterns = [".*", "build", "dist"]

extensions = ["myst_nb", "sphinx.ext.autodoc"]
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = html_css_files = ["formulas.css"]
html_title = f"gem_symbolic {release}"
nb_execution_mode = "off"  # `make notebooks` executes them, and so do the tests
myst_enable_extensions = ["dollarmath"]
smartquotes = False  # "1e-4" is code

autodoc_default_options = {"members": True}
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
#: A reference to this project must lead somewhere; what others document is named without a link: nothing is fetched.
nitpick_ignore_regex = [("py:.*", r"(?!gem_symbolic\b).*")]

#: What a user imports, in the order of the page; all other modules are the toolkit, and new ones appear there.
PUBLIC = (
    "nn",
    "functional",
    "integrations",
    "reference",
    "parameters",
    "definitions",
    "certificates",
    "verify",
    "validate",
)
#: Code in a docstring, and what is markup elsewhere for reStructuredText but not for us.
CODE, MARKUP = re.compile(r"`([^`]+)`"), re.compile(r"([\\*|_])")
INDENT = " " * 4
#: The value of a constant is shown up to this length: a table is read where it is written.
SHOWN = 80
#: What docutils does not know, or writes with a sign that few fonts have.
SPELLED = {r"\iff": r"\Longleftrightarrow", r"\setminus": r"\backslash"}


def modules() -> dict[str, list[str]]:
    """The modules of each page of docs/api; codegen/ stands behind nn and functional."""
    public = [f"gem_symbolic.{name}" for name in PUBLIC]
    found = (m.name for m in pkgutil.walk_packages(gem_symbolic.__path__, "gem_symbolic."))
    hidden = re.compile(r"gem_symbolic\.kernels\b|.*\.__main__$")
    return {"public": public, "toolkit": sorted(m for m in found if m not in public and not hidden.match(m))}


def fill_in(app: Any, page: str, source: list[str]) -> None:
    """The pages of docs/api are templates, for a section a module; classes are shown with `nn` alone."""
    if page.startswith("docs/api/"):
        source[0] = app.builder.templates.render_string(source[0], {**modules(), "classes": ", ".join(nn.__all__)})


def plain(line: str) -> str:
    """A line of a docstring, so that reStructuredText shows it as it was written: |x|^n is no markup."""
    return "".join(f"``{p}``" if k % 2 else MARKUP.sub(r"\\\1", p) for k, p in enumerate(CODE.split(line)))


def as_written(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with `code`, and with blocks that are indented because their lines count."""
    text = []
    for before, line in zip(["", *lines], lines):
        block = line.startswith(INDENT)
        text += ["::", ""] if block and not before.strip() else []
        text.append(line if block else plain(line))
    lines[:] = text


def without_tables(app: Any, page: nodes.document) -> None:
    """Leaves out values of constants that are too long to be read in a line."""
    for node in list(page.findall(desc_annotation)):
        if node.astext().startswith(" = ") and len(node.astext()) > SHOWN:
            node.parent.remove(node)


def as_mathml(writer: Any, node: nodes.math | nodes.math_block) -> None:
    """A formula as browsers show it by themselves: no page fetches a script. Raises docutils' MathError."""
    formula = node.astext()
    for name, known in SPELLED.items():
        formula = formula.replace(name, known)
    writer.body.append(tex2mathml(formula, as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Any) -> None:
    app.add_html_math_renderer("mathml", (as_mathml, None), (as_mathml, None))
    app.connect("source-read", fill_in)
    app.connect("autodoc-process-docstring", as_written)
    app.connect("doctree-read", without_tables)
