"""The page of `verify --html`: self-contained, well formed, the same for the same data, and true to the report."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gem_symbolic import checkout, report, verify
from gem_symbolic.bars import EDGES
from gem_symbolic.definitions import EGEM, SEGEM, Activation, Branch
from gem_symbolic.prover import Prover
from gem_symbolic.report.page import render

VOID = {"meta", "wbr", "br", "hr", "img", "link", "input"}
COMMAND = "python -m gem_symbolic.verify --variant segem --N 1 --html 'a page.html'"
MEASURED: dict[str, Any] = {
    "id": "torch.binary16.value",
    "kind": "exhaustive",
    "max_ulp": 0.50001,
    "limit": 0.501,
    "absolute": 0.0,
    "ok": True,
    "worst": 1.5,
    "inputs": 65536,
    "misrounded": 3,
    "zero_to": None,
    "histogram": (63485, 3, *[0] * (len(EDGES) - 1)),
}


class Page(HTMLParser):
    """What stands in a page, and what is wrong with it."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.counts: dict[str, int] = {}
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self.open]
        self.wrong += [f"id {i} stands twice" for i in set(self.ids) if self.ids.count(i) > 1]
        self.wrong += [f"refers to {r}" for r in self.references if not r.startswith("#") or r[1:] not in self.ids]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        self.note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.note(attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def note(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "srcset", "data"):
                self.references.append(value or "")
            self.references += re.findall(r"url\(([^)]*)\)", value or "")


def run(activation: Activation, N: int, *measurements: dict[str, Any]) -> verify.Report:
    found = verify.Report(activation, N, None, measurements=list(measurements))
    for outcome in Prover(activation, N, verify.working_eps(activation, None)).prove():
        found.claims.append(outcome.record())
        found.outcomes.append(outcome)
    return found


def page(found: verify.Report) -> str:
    return render(found, found.outcomes, Fraction(1, 10**4), COMMAND)


@pytest.fixture(scope="module")
def segem() -> str:
    return page(run(SEGEM, 1, MEASURED))


@pytest.mark.parametrize(
    "text",
    [
        "<p><b></p></b>",
        "<p>",
        '<i id="a"></i><i id="a"></i>',
        '<img src="https://example.org/a.png">',
        '<svg><use href="#nowhere"/></svg>',
        '<i style="background: url(http://example.org/a)"></i>',
    ],
)
def test_what_is_wrong_with_a_page_is_seen(text: str) -> None:
    assert Page(text).wrong


def test_the_page_is_well_formed_and_needs_nothing_else(segem: str) -> None:
    assert segem.startswith("<!DOCTYPE html>")
    assert Page(segem).wrong == []
    assert "@import" not in segem
    assert "<script" not in segem
    assert len(segem.encode()) < 2_000_000


def test_light_dark_narrow_and_printed_pages_have_rules(segem: str) -> None:
    for rule in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print", 'name="viewport"'):
        assert rule in segem


def test_the_page_says_what_the_report_says(segem: str) -> None:
    found = run(SEGEM, 1)
    seen = Page(segem)
    assert seen.counts["details"] == len(found.claims)
    assert seen.counts["li"] == sum(len(o.verdicts) for o in found.outcomes)
    assert seen.counts["math"] > seen.counts["details"]
    for claim in found.claims:
        assert claim["id"].replace(".", ".<wbr>") in segem
    assert f"{len(found.claims)} of {len(found.claims)}" in segem
    assert "C<sup>2</sup>" in segem
    assert "0.278464542761" in segem  # the distance from SiLU
    assert "order 2: joins" in segem
    assert "order 3: jumps by 6e+04" in segem  # 3!/eps
    assert "slope 3/4" in segem  # (1 + 1/2)/2 for p = 2
    assert "binary16, value: errors of 63,488 inputs, exhaustive" in segem
    assert "0.5000 ulp" in segem
    measured = (checkout.ROOT / "codegen" / "bench-cuda.json").exists()
    assert ("bandwidth against size on the GPU: float32" if measured else "On a GPU: not measured.") in segem
    assert COMMAND.replace("'", "&#39;") in segem


def test_the_same_data_give_the_same_page(segem: str) -> None:
    assert page(run(SEGEM, 1, MEASURED)) == segem


def both(found: verify.Report) -> Iterator[tuple[dict[str, Any], Any]]:
    return zip(found.claims, found.outcomes, strict=True)


def test_what_is_refuted_or_undecided_is_shown_as_that() -> None:
    broken = replace(SEGEM, branches=(Branch("x <= 0", "-x*S"), Branch("x > 0", "x")))
    found = run(broken, 1)
    text = page(found)
    assert Page(text).wrong == []
    assert '<span class="badge refuted" title="false, with a counterexample">refuted</span>' in text
    assert "derivative 1 at 0 jumps: -1 on the left, 1 on the right" in text
    assert text.count('<details class="claim" open>') == sum(c["status"] != "proved" for c in found.claims) > 0
    assert "C<sup>2</sup>" not in text  # it is not proved
    assert "order 1: jumps by 2" in text
    assert text.count('class="value"') == sum(c["status"] == "proved" and bool(o.value) for c, o in both(found)) > 0
    outside = replace(EGEM, branches=(Branch("x <= 0", "0"), Branch("x > 0", "x**3/(1 + x)")), claims={})
    text = page(run(outside, 1))
    assert Page(text).wrong == []
    assert "undecided</span>" in text
    assert "Not measured in this run." in text


def test_what_coq_and_the_solvers_say_is_shown_where_they_were_asked(segem: str) -> None:
    assert "Coq:" not in segem
    assert "Inequalities:" not in segem
    found = run(SEGEM, 1)
    found.claims[0] |= {"status": "undecided", "evidence": [], "formal": {"status": "not proved", "detail": "no file"}}
    found.claims[1]["smt"] = {"status": "undecided", "detail": "cvc5 on n < 2: unknown"}
    text = page(found)
    assert "<p>Coq: not proved. no file</p>" in text
    assert "<p>Inequalities: undecided. cvc5 on n &lt; 2: unknown</p>" in text


def test_text_from_outside_is_escaped() -> None:
    found = run(replace(EGEM, title="<b>", source="a & b", claims={}), 1)
    text = page(found)
    assert "&lt;b&gt;" in text
    assert "a &amp; b" in text
    assert Page(text).wrong == []


def test_the_command_line_writes_the_page_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    asked = ["--variant", "egem", "--N", "1", "--no-kernels", "--html", str(path)]
    assert verify.main(asked) == 0
    text = path.read_text(encoding="utf-8")
    assert Page(text).wrong == []
    assert f"python -m gem_symbolic.verify {' '.join(asked)}" in text
    monkeypatch.setattr("gem_symbolic.report.page.render", lambda *_: "another")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        verify.main(asked)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == text
    with pytest.raises(SystemExit) as stop:
        verify.main([*asked[:-1], "/nowhere/at/all"])
    assert stop.value.code == 2
    assert "must be a file in an existing folder" in capsys.readouterr().err


def test_without_what_it_needs_it_says_so_and_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(report.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        verify.main(["--variant", "egem", "--N", "1", "--no-kernels", "--html", str(tmp_path / "page.html")])
    assert stop.value.code == 3
    assert "matplotlib and latex2mathml not installed, so no page can be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
