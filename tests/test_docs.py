"""The documentation: it is built without a warning, its pages are followed, and the files beside it are up to date."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import formulas
import pages
import pytest
import yaml

import gem_symbolic
from gem_symbolic import functional, nn, theorems
from gem_symbolic.definitions import VARIANTS

ROOT = pages.DOCS.parent
PAGES = sorted([*pages.DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Pages that another test follows, section by section, as each needs packages of its own.
ELSEWHERE = {"drop-in.md": "test_integrations_export.py"}
#: What the schema of CFF 1.2.0 requires, and what else stands in the file.
CITED = {"authors", "cff-version", "message", "title"}, {"abstract", "keywords", "license", "type", "version"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
needs_sphinx = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("sphinx", "furo", "myst_nb"))), reason="the extra docs is not installed"
)


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """As `make docs` does it."""
    (line,) = re.findall(r"^\t\$\(PY\) -m (sphinx .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    *options, _, _ = line.replace("-c docs", f"-c {pages.DOCS}").split()
    command = [sys.executable, "-m", *options, str(source), str(target)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def fetched(page: str) -> list[str]:
    """What a page has a browser get from elsewhere to be shown."""
    return [m[0] for m in re.finditer(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//[^>]*>', page)]


@needs_sphinx
def test_the_site(tmp_path):
    """One test, as it takes half a minute to build."""
    done = build(ROOT, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    site = {str(p.relative_to(tmp_path)): p.read_text(encoding="utf-8") for p in tmp_path.rglob("*.html")}
    assert not {name: found for name, page in site.items() if (found := fetched(page))}
    for name in VARIANTS:
        page = site[f"proofs/{name}.html"]
        claims = json.loads((ROOT / "proofs" / f"{name}.json").read_text(encoding="utf-8"))["claims"]
        assert claims
        assert not [c["id"] for c in claims if f"{c['id']}: {c['status']}" not in page]
        assert page.count("<math") > len(claims)
    described = set(re.findall(r'<dt class="sig[^>]* id="([\w.]+)"', site["docs/api/use.html"]))
    assert {f"gem_symbolic.nn.{name}" for name in nn.__all__} <= described
    assert {f"gem_symbolic.functional.{name}" for name in set(functional.__all__) - set(nn.__all__)} <= described
    shown = {
        m for name in ("use", "toolkit") for m in re.findall(r'id="module-([\w.]+)"', site[f"docs/api/{name}.html"])
    }
    assert shown == modules()


def modules() -> set[str]:
    """The modules of the package, by their files."""
    names = (p.relative_to(ROOT).with_suffix("").parts for p in (ROOT / "gem_symbolic").rglob("*.py"))
    return {".".join(n).removesuffix(".__init__") for n in names if n[-1] != "__main__"} - {"gem_symbolic"}


def test_a_script_from_elsewhere_is_seen():
    assert fetched('<script async="async" src="https://cdn.jsdelivr.net/npm/mathjax@4/tex-mml-chtml.js"></script>')
    assert fetched('<link rel="stylesheet" href="//fonts.example/font.css"/>')
    assert not fetched(
        '<script src="../_static/doctools.js?v=1"></script><a href="https://keepachangelog.com">a link</a>'
    )


BROKEN = """# A page

[nothing](nowhere.md), $\\unheard$

```{eval-rst}
.. autofunction:: gem_symbolic.reference.missing
.. py:function:: f(x: gem_symbolic.reference.Unknown)
```
"""


@needs_sphinx
def test_what_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(BROKEN)
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode
    for name in ("nowhere.md", "failed to import 'missing'", "not found: gem_symbolic.reference.Unknown", "unheard"):
        assert name in done.stderr


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in ELSEWHERE], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_can_be_followed(page):
    pages.follow(page.read_text(encoding="utf-8"), page.name)


def test_a_page_that_is_followed_elsewhere_is():
    for page, test in ELSEWHERE.items():
        assert f'"{page}"' in (ROOT / "tests" / test).read_text(encoding="utf-8")


def test_the_pages_hold_code():
    counts = {p.stem: len([b for b in pages.blocks(p.read_text()) if b[0] in ("python", "pycon")]) for p in PAGES}
    assert counts["extending"] > 10
    assert counts["quickstart"] > 3


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1 / 0\n```",
        "```python\nx = 1\n```\n```pycon\n>>> x\n2\n```",
        "```pycon\n>>> y = 1\n```\n```pycon\n>>> y\n```",
        "```pycon\n>>> z\n1\n```",
    ],
)
def test_a_page_that_is_wrong_is_refused(text):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        pages.follow(text, "wrong.md")


@pytest.mark.parametrize("module", theorems.MODULES, ids=lambda m: m.THEOREM)
def test_a_theorem_says_which_claims_it_reads(module):
    named = set(re.findall(r"`(\w+)`", module.certificates.__doc__))
    named |= {f"{kind}{place}" for kind in named for place in named if place.startswith("_")}
    assert {key for a in VARIANTS.values() for key in a.claims.get(module.THEOREM, {})} <= named


@each_page
def test_a_page_repeats_no_formula(page):
    assert not formulas.in_prose(page.read_text(encoding="utf-8"))


@each_page
def test_the_commands_and_files_of_a_page_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert (
        set(re.findall(r"\bmake ([a-z]+)`", text)) | set(re.findall(r"^\$ make (\w+)", text, re.MULTILINE)) <= targets
    )
    for module in re.findall(r"python -m (gem_symbolic[\w.]*)", text):
        assert importlib.util.find_spec(module), module
    named = re.findall(r"`((?:gem_symbolic|tests|proofs|codegen|notebooks)/[\w./-]*)`", text)
    missing = {path for path in named if not (ROOT / path).exists()}
    assert missing <= {"gem_symbolic/emit/templates/numpy.py.j2"}  # which the page has its reader write
    tests = re.findall(r"`(test_\w+\.py)`", text)
    assert not [name for name in tests if not (ROOT / "tests" / name).exists()]


def test_the_changelog_is_of_this_version():
    versions = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == gem_symbolic.__version__


def test_the_citation_is_of_this_version():
    data = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    required, other = CITED
    assert required <= data.keys() <= required | other
    assert data["cff-version"] == "1.2.0"
    assert data["authors"]
    assert all(author.keys() == {"name"} for author in data["authors"])
    said = data["title"], data["version"], data["license"], data["abstract"], data["keywords"]
    assert said == (
        PROJECT["name"],
        gem_symbolic.__version__,
        PROJECT["license"],
        PROJECT["description"],
        PROJECT["keywords"],
    )
