"""Checking stored certificates again: each of them holds, and whatever is edited in one of them is refused."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gem_symbolic import outlines, proofs, recheck, verify
from gem_symbolic.certificates import INSTANCES, KINDS, VALUED
from gem_symbolic.definitions import VARIANTS

EGEM = json.loads((proofs.FOLDER / "egem.json").read_text(encoding="utf-8"))
Edit = Callable[[dict[str, Any]], Any]


def again(edit: Edit = lambda data: None, name: str = "egem") -> list[recheck.Finding]:
    """What is found in a certificate after an edit; the edit may return other data in its place."""
    data = json.loads((proofs.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    instead = edit(data)
    return recheck.examine(VARIANTS[name], data if instead is None else instead)


def claim(data: dict[str, Any], id: str) -> dict[str, Any]:
    return next(c for c in data["claims"] if c["id"] == id)


def steps(data: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (s for c in data["claims"] for s in c["steps"] if s["kind"] == kind)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_certificate_holds(name: str) -> None:
    assert again(name=name) == []


def test_neither_sympy_nor_the_theorems_take_part_and_it_is_fast() -> None:
    code = (
        "import sys; from gem_symbolic import verify; status = verify.main(['--check', 'proofs'])\n"
        "import time; print('modules:', *sys.modules, 'seconds:', time.process_time()); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=proofs.FOLDER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules, seconds = done.stdout.split("modules:")[1].split("seconds:")
    loaded = set(modules.split())
    assert "flint" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"sympy", "mpmath", "numpy", "torch", "rich"}
    assert not any(name.startswith(("gem_symbolic.theorems", "gem_symbolic.prover")) for name in loaded)
    assert float(seconds) < 3  # with the start of the interpreter: 0.9 s were measured


def test_what_is_stored_is_about_these_n() -> None:
    assert list(INSTANCES) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all([i["N"] for i in c["instances"]] in ([], list(INSTANCES)) for c in EGEM["claims"])


def numbers(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a digit stands in the data."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from numbers(value, (*path, key))
    elif re.search(r"\d", str(data)):
        yield path


def change_a_digit(data: Any, path: tuple[Any, ...], last: bool) -> None:
    """The first or last digit at a place, made another."""
    for key in path[:-1]:
        data = data[key]
    text = str(data[path[-1]])
    places = [m.start() for m in re.finditer(r"\d", text)]
    at = places[-1 if last else 0]
    text = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    data[path[-1]] = type(data[path[-1]])(text)


def refused_places(data: dict[str, Any]) -> set[str]:
    """Where an edited certificate is refused, and nothing else is found."""
    found = recheck.examine(VARIANTS["egem"], data)
    assert {f.status for f in found} == {recheck.REFUSED}
    return {f.where for f in found}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("part", ["args", "why", "value"])
def test_a_digit_of_any_step_is_refused(part: str, last: bool) -> None:
    data, edited, kinds = json.loads(json.dumps(EGEM)), set(), set()
    for claimed in data["claims"]:
        for number, step in enumerate(claimed["steps"], 1):
            if places := list(numbers(step.get(part, ""))):
                change_a_digit(step, (part, *places[-1 if last else 0]), last)
                edited.add(f"egem, {claimed['id']}, step {number}")
                kinds.add(step["kind"])
    assert kinds >= {"args": KINDS.keys() - {"finite"}, "value": VALUED, "why": {"equal"}}[part]
    assert refused_places(data) == edited


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("N", INSTANCES)
def test_a_digit_of_any_enclosure_is_refused(N: int, last: bool) -> None:
    data, edited = json.loads(json.dumps(EGEM)), set()
    for claimed in data["claims"]:
        if claimed["instances"]:
            results = claimed["instances"][N - 1]["results"]
            for place in range(len(results)):
                change_a_digit(results, (place,), last)
            edited.add(f"egem, {claimed['id']}")
    assert refused_places(data) == edited


def swap(data: dict[str, Any], name: str, first: str, second: str) -> None:
    a, b = claim(data, first), claim(data, second)
    a[name], b[name] = b[name], a[name]


EDITS: dict[str, tuple[Edit, str]] = {
    "a dropped step": (lambda d: claim(d, "T3.supremum")["steps"].pop(3), "it has 6 steps, not 7"),
    "a dropped last step": (lambda d: claim(d, "T4.dead")["steps"].pop(), "it has 1 steps, not 2"),
    "no steps": (lambda d: claim(d, "T4.dead").update(steps=[]), "it has 0 steps, not 2"),
    "an added step": (lambda d: claim(d, "T4.dead")["steps"].append(claim(d, "T5.range")["steps"][0]), "3 steps"),
    "steps in another order": (lambda d: claim(d, "T3.supremum")["steps"].reverse(), "not the step that the claim"),
    "a step made a lemma": (lambda d: next(steps(d, "sign")).update(lemma=True), "not the step that the claim needs"),
    "a step from a greater n on": (lambda d: next(steps(d, "sign"))["args"].__setitem__(4, "4"), "not the step"),
    "an unknown kind": (lambda d: next(steps(d, "sign")).update(kind="obvious"), "not the step that the claim needs"),
    "a huge exponent": (lambda d: next(steps(d, "equal"))["args"].__setitem__(1, "x**(10**9)"), "not the step"),
    "a huge exponent in a value": (
        lambda d: next(s for s in steps(d, "sign") if s["value"]["numerator"])["value"]["numerator"].append(
            ["1", [10**9]]
        ),
        "the stored value is not that of its formula",
    ),
    "a value of another type": (lambda d: next(steps(d, "sign")).update(value=1.0), "the stored value is not"),
    "a value where there is none": (lambda d: next(steps(d, "jet")).update(value=None), "the stored value is not"),
    "swapped statements": (lambda d: swap(d, "statement", "T3.supremum", "T3.infimum"), "its statement"),
    "swapped formulas": (lambda d: swap(d, "latex", "T3.supremum", "T3.infimum"), "its statement"),
    "swapped proofs": (lambda d: swap(d, "steps", "T3.supremum", "T3.infimum"), "not the step that the claim needs"),
    "swapped names": (lambda d: swap(d, "id", "T3.supremum", "T3.infimum"), "stands where the claim 'T3.supremum'"),
    "weaker assumptions": (lambda d: claim(d, "T6.norm").update(assumptions="N = 1"), "its statement"),
    "another companion": (lambda d: claim(d, "T0.reflection").update(companion="egem"), "its statement"),
    "a claim less": (lambda d: d["claims"].remove(claim(d, "T3.lipschitz")), "where the claim 'T3.lipschitz'"),
    "the last claim less": (lambda d: d["claims"].pop(), "no claim stands where the claim 'T11.silu'"),
    "a claim twice": (lambda d: d["claims"].append(d["claims"][0]), "where no further claim is expected"),
    "an N less": (lambda d: claim(d, "T3.supremum")["instances"].pop(), "the stored enclosures"),
    "no N": (lambda d: claim(d, "T3.supremum").pop("instances"), "the stored enclosures"),
    "another definition": (
        lambda d: d["definition"]["branches"].reverse(),
        "it is about another definition than that of E-GEM",
    ),
    "another eps": (lambda d: d.update(instances_at_eps="1e-3"), "what stands above the claims was edited"),
    "another variant's": (
        lambda d: json.loads((proofs.FOLDER / "segem.json").read_text(encoding="utf-8")),
        "it is about another definition",
    ),
    "no claims": (lambda d: d.pop("claims") and None, "it has not the form of a certificate"),
    "a list": (lambda d: [1, 2], "it has not the form of a certificate"),
    "claims that are none": (lambda d: d.update(claims=["T0"]), "it has not the form of a certificate"),
    "steps that are none": (lambda d: claim(d, "T4.dead").update(steps=5), "it has not the form of a certificate"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_certificate_is_refused(edit: str) -> None:
    change, why = EDITS[edit]

    def changed(data: dict[str, Any]) -> Any:
        result = change(data)
        return result if edit in ("another variant's", "a list") else data

    found = again(changed)
    assert {f.status for f in found} == {recheck.REFUSED}
    assert any(why in str(f) for f in found), found


#: A step of each kind made false, for the decisions themselves.
FALSE: dict[str, tuple[int, str]] = {
    "equal": (1, "2*x"),
    "power_equal": (1, "s*n"),
    "sign": (1, "<"),
    "roots": (1, "7"),
    "order": (1, "n + 2"),
    "infinity": (1, "n"),
    "coefficient": (2, "5"),
    "smaller_root": (1, "v**2 - 3*n*v + 1"),
    "beta": (1, "(p + 2)/n"),
    "jet": (0, "2*N + 2"),
    "enclose": (1, "99/98"),
    "below": (1, "-1"),
    "finite": (1, "-1"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_false_step_is_refuted_even_where_its_outline_is_forged(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, text = FALSE[kind]
    data = json.loads((proofs.FOLDER / "egem.json").read_text(encoding="utf-8"))
    list(steps(data, kind))[-1]["args"][place] = text
    assert {f.status for f in recheck.examine(VARIANTS["egem"], data)} == {recheck.REFUSED}
    monkeypatch.setattr(outlines, "stored", lambda: {"egem": outlines.outline(data)})
    assert recheck.REFUTED in {f.status for f in recheck.examine(VARIANTS["egem"], data)}


def test_what_is_not_said_to_be_proved_is_undecided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = json.loads((proofs.FOLDER / "egem.json").read_text(encoding="utf-8"))
    data["claims"][0]["status"] = "undecided"
    (tmp_path / "egem.json").write_text(json.dumps(data))
    monkeypatch.setattr(outlines, "stored", lambda: {"egem": outlines.outline(data)})
    assert verify.main(["--check", str(tmp_path)]) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ((proofs.FOLDER / "egem.json").read_text(encoding="utf-8")[:5000], "it cannot be read as JSON"),
        ("", "it cannot be read as JSON"),
        ("T0.reflection: proved", "it cannot be read as JSON"),
        ("[" * 100_000, "it cannot be read as JSON"),
        ('{"claims": ' + "9" * 5000 + "}", "it cannot be read as JSON"),
        ('{"claims": [], "claims": []}', "a name stands twice in an object"),
        ("null", "it has not the form of a certificate"),
    ],
)
def test_a_broken_file_is_refused_from_the_command_line(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "egem.json").write_text(text, encoding="utf-8")
    assert verify.main(["--check", str(tmp_path)]) == 1
    assert why in capsys.readouterr().out


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "egem.json").write_bytes(b"\xff\xfe\x00")
    assert verify.main(["--check", str(tmp_path)]) == 1
    assert "it cannot be read as JSON" in capsys.readouterr().out


def test_what_holds_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "egem.json").write_text(json.dumps(EGEM), encoding="utf-8")
    assert verify.main(["--check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert f"egem.json: all {len(EGEM['claims'])} claims hold" in shown
    assert "gem.json is not there" in shown


def test_lists_that_are_nested_up_to_what_can_be_read_are_refused(tmp_path: Path) -> None:
    path, data = tmp_path / "egem.json", json.loads(json.dumps(EGEM))
    next(c for c in data["claims"] if c["instances"])["instances"] = "here"
    before, after = json.dumps(data).split('"here"')
    for depth in range(sys.getrecursionlimit(), 0, -1):  # from what cannot be read to what just can
        path.write_text(before + "[" * depth + "]" * depth + after, encoding="utf-8")
        (found, *_) = recheck.check(path)
        assert found.status == recheck.REFUSED
        if "cannot be read as JSON" not in found.why:
            break
    assert found.why == "it is nested too deeply"


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    command = [sys.executable, "-m", "gem_symbolic.verify", "--check", str(proofs.FOLDER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
