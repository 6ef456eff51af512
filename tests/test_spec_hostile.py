"""Specs that mean harm, or are merely broken: one sentence, status 2, soon; nothing executed, nothing left hanging."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from gem_symbolic import verify
from gem_symbolic.spec import bounded
from gem_symbolic.spec.read import SIZE, Spec, SpecError, load

#: Reading, even of the worst, is done within this; generous, since the machine may be busy.
SOON = 5.0
GOOD = '[[branch]]\non = "all x"\nexpr = "x"\n'

FORMULAS = {
    "import": "__import__('os').system('touch harmed')",
    "attribute": "x.__class__.__bases__",
    "call": "open(x)",
    "lambda": "(lambda: x)()",
    "walrus": "(x := x)",
    "conditional": "x if x else x",
    "subscript": "x[x]",
    "string": "'x'",
    "f-string": "f'{x}'",
    "comprehension": "[x for x in x]",
    "tower": "9**9**9",
    "tower in brackets": "(9^9)^(9^9)",
    "tower of x": "x^9^9",
    "negative tower": "x^-(9^9)",
    "square of squares": "((((((((x+1)^2)^2)^2)^2)^2)^2)^2)^2",
    "numbers squared": "((((((((9^99)^9)^9)^9)^9)^9)^9)^9)^9",
    "million digits": "9" * 10**4,
    "decimal exponent": "1e999999999",
    "long decimal exponent": "1e" + "9" * 1000,
    "hexadecimal": "0xffff",
    "underscores": "1_000",
    "imaginary": "1j",
    "infinite": "inf",
    "not a number": "nan",
    "nested": "(" * 900 + "x" + ")" * 900,
    "minus signs": "-" * 1900 + "x",
    "sums": "x+" * 900 + "x",
    "tower of tokens": "x^" * 199 + "x",
    "unicode digits": "x + ١",
    "unicode name": "х",  # Cyrillic
    "line feed": "x\n+ y",
    "NUL": "x\\u0000",
    "escape": "\\u001b[2J",
    "empty": "",
    "blank": "   ",
    "zero": "1/(x - x)",
    "zero to the minus": "0^-1",
}
INTERVALS = {
    "empty": "",
    "one sign": "x < ",
    "no x": "0 < 1",
    "backwards": "1 < x < 0",
    "a point": "1 <= x <= 1",
    "chained": "0 < x < 1 < 2",
    "wrong way": "1 > x > 0",
    "root of nothing": "x < root(x^2 + 1, 1)",
    "root of a constant": "x < root(3, 1)",
    "root of root": "x < root(root(x, 1), 1)",
    "root number": "x < root(x, 99999999999)",
    "root of a tower": "x < root(x^9^9, 1)",
    "x on both sides": "x < x",
    "infinite": "x < inf",
    "code": "x < __import__('os')",
    "huge": "x < 1e61",
    "long": "x < " + "1+" * 2000 + "1",
}
FILES = {
    "empty": "",
    "no branches": "branch = []",
    "branch is text": 'branch = "x"',
    "branch of text": 'branch = ["x"]',
    "empty branch": "[[branch]]\n",
    "too many branches": GOOD * 40,
    "overlapping": GOOD * 2,
    "duplicate key": 'title = "a"\ntitle = "b"\n' + GOOD,
    "duplicate table": GOOD + "[claims]\n[claims]\n",
    "unknown key": "execute = 1\n" + GOOD,
    "key with a line feed": '"a\\nb" = 1\n' + GOOD,
    "nested arrays": "branch = " + "[" * 20000,
    "dotted": "a." * 30000 + "a = 1",
    "dotted table": "[" + "a." * 30000 + "a]",
    "million digits": "[integers]\nN = " + "9" * 60000 + "\n" + GOOD,
    "float": "[reals]\na = 0.5\n" + GOOD,
    "infinite": "[reals]\na = inf\n" + GOOD,
    "infinite text": '[reals]\na = "inf"\n' + GOOD,
    "not a number": '[reals]\na = "nan"\n' + GOOD,
    "huge real": '[reals]\na = "1e999999999"\n' + GOOD,
    "long real": '[reals]\na = "' + "9" * 5000 + '"\n' + GOOD,
    "division by zero": '[reals]\na = "1/0"\n' + GOOD,
    "huge integer": "[integers]\nN = 1000000\n" + GOOD,
    "boolean integer": "[integers]\nN = true\n" + GOOD,
    "reserved name": "[integers]\nx = 1\n" + GOOD,
    "date": "title = 2020-01-01\n" + GOOD,
    "escape in the title": 'title = "\\u001b[2J"\n' + GOOD,
    "code in the name": '[reals]\n"__import__(1)" = "1"\n' + GOOD,
    "claims as a list": "claims = []\n" + GOOD,
    "parameter twice": '[integers]\na = 1\n[reals]\na = "1"\n' + GOOD,
    "NUL": "title = 'a\0b'\n" + GOOD,
    "no TOML": "]]]",
    "too large": "#" * (SIZE + 1),
}


def refusal(path: Path) -> str:
    """What a file is refused with, which must not take long, nor need two lines."""
    started = time.perf_counter()
    with pytest.raises(SpecError) as stop:
        load(path).function()
    assert time.perf_counter() - started < SOON
    said = str(stop.value)
    assert said.isprintable()
    assert len(said) < 600
    return said


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "mine.toml"
    assert not Path("harmed").exists()


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_hostile_formulas(text: str, mine: Path) -> None:
    mine.write_text(f'[[branch]]\non = "all x"\nexpr = """{text}"""\n', encoding="utf-8")
    assert "line 3, branch 1, expr: " in refusal(mine)


@pytest.mark.parametrize("text", INTERVALS.values(), ids=INTERVALS)
def test_hostile_intervals(text: str, mine: Path) -> None:
    mine.write_text(f'[[branch]]\nexpr = "x"\non = "{text}"\n', encoding="utf-8")
    assert "line 3, branch 1, on: " in refusal(mine)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_hostile_files(text: str, mine: Path) -> None:
    mine.write_text(text, encoding="utf-8")
    assert "mine.toml" in refusal(mine)


def test_a_harmless_one_is_read(mine: Path) -> None:
    mine.write_text(GOOD, encoding="utf-8")
    assert len(load(mine).function().pieces) == 1


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "bytes.toml").write_bytes(b"# line\n\xff\xfe\n")
    (tmp_path / "link.toml").symlink_to(tmp_path)
    said = {
        "pipe.toml": "it is not a file",
        "loop.toml": "cannot read",
        "bytes.toml": "line 2: it is not UTF-8 text",
        "link.toml": "it is not a file",
        ".": "it is not a file",
        "missing.toml": "No such file",
        "n" * 5000: "File name too long",
        "a\0b": "cannot read",
    }
    for name, what in said.items():
        assert what in refusal(tmp_path / name), name
    for device in ("/dev/zero", "/dev/full"):
        assert "it is not a file" in refusal(Path(device))


def test_a_link_to_a_spec_is_followed(mine: Path) -> None:
    mine.write_text(GOOD, encoding="utf-8")
    link = mine.with_name("link.toml")
    link.symlink_to(mine)
    assert load(link).name == "link"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--spec", "nowhere.toml"], "cannot read nowhere.toml: No such file or directory; shipped are"),
        (["--spec", "relu", "--variant", "gem"], "--spec takes no --variant"),
        (["--spec", "relu", "--N", "2"], "relu has no parameter 'N'; it has none"),
        (["--spec", "relu", "--seconds", "nan"], "--seconds must be a number > 0 and at most 86400; got 'nan'"),
        (["--spec", "relu", "--seconds", "1e300"], "--seconds must be a number > 0 and at most 86400; got '1e300'"),
        (["--spec", "relu", "--json", "/nowhere/at/all"], "must be a file in an existing folder"),
        (["--spec", "leaky_relu", "--set", "alpha"], "--set takes NAME=VALUE; got 'alpha'"),
        (["--spec", "leaky_relu", "--set", "alpha=-1"], "alpha must be > 0; got '-1'"),
        (["--spec", "leaky_relu", "--set", "alpha=1/0"], "alpha must be a rational number"),
        (["--spec", "broken_segem", "--N", "1.5"], "N must be an integer from 1 to 1000; got '1.5'"),
        (["--spec", "broken_segem", "--N", "1000"], "line 12, branch 1, expr: the power 1999 is too large"),
        (["--variant", "gem", "--N", "1", "--seconds", "1"], "--set, --seconds and --emit belong to --spec"),
    ],
)
def test_bad_input_gets_one_sentence_and_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        verify.main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_names_that_look_like_markup_are_shown_as_they_are(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = mine.with_name("[") / "bold][:smile:].toml"
    other.parent.mkdir()
    other.write_text(GOOD, encoding="utf-8")
    mine.write_text(GOOD + '[[claims.distance]]\nto = "[/bold][:smile:].toml"\np = 1\nbelow = 0\n', encoding="utf-8")
    assert verify.main(["--spec", str(mine)]) == 0
    assert "the L^1 distance to [/bold][:smile:].toml is at most 0" in capsys.readouterr().out


def test_what_cannot_be_written_in_an_encoding_is_no_reason_to_stop(mine: Path) -> None:
    mine.write_text('title = "Pad\u00e9 \u2192"\n' + GOOD, encoding="utf-8")
    command = [sys.executable, "-m", "gem_symbolic.verify", "--spec", str(mine)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    shown, data = (
        subprocess.run(command + more, env=environment, capture_output=True, text=True, check=True).stdout
        for more in ([], ["--json", "-"])
    )
    assert shown.startswith("Pad? ?\n")
    assert json.loads(data)["facts"]["title"] == "Pad\u00e9 \u2192"


def sleeps(sender: Connection, spec: Spec, given: dict[str, Any]) -> None:
    sender.send(("expected", [("poles", "f has no pole"), ("smoothness", "f is exactly C^0")]))
    sender.send(("claim", {"id": "poles", "statement": "f has no pole", "status": "proved", "evidence": []}))
    time.sleep(600)


def grows(sender: Connection, spec: Spec, given: dict[str, Any]) -> None:
    bounded.MEMORY = 1 << 28
    object.__setattr__(spec, "function", lambda given=None: bytearray(1 << 34))
    bounded.derive(sender, spec, given, 60)


def dies(sender: Connection, spec: Spec, given: dict[str, Any]) -> None:
    os.abort()


def test_what_takes_too_long_is_undecided_and_what_was_found_is_kept() -> None:
    found = bounded.find(load("relu"), {}, 8, work=sleeps)
    assert [(c["id"], c["status"]) for c in found.claims] == [("poles", "proved"), ("smoothness", "undecided")]
    assert found.claims[1]["reason"] == found.ended == "not decided within 8 s"


def test_what_takes_too_much_memory_is_undecided() -> None:
    found = bounded.find(load("relu"), {}, 60, work=grows)
    assert found.ended == "the derivation failed: MemoryError"
    assert {c["status"] for c in found.claims} == {"undecided"}


def spins(sender: Connection, spec: Spec, given: dict[str, Any]) -> None:
    object.__setattr__(spec, "function", lambda given=None: next(n for n in count() if n < 0))
    bounded.derive(sender, spec, given, 1)


def is_interrupted(sender: Connection, spec: Spec, given: dict[str, Any]) -> None:
    function = spec.function
    object.__setattr__(spec, "function", lambda given=None: os.kill(os.getpid(), signal.SIGINT) or function(given))
    bounded.derive(sender, spec, given, 60)


def test_the_derivation_ends_even_where_nobody_waits_for_it() -> None:
    assert "was stopped, with status -9" in bounded.find(load("relu"), {}, 60, work=spins).ended


def test_an_interruption_is_left_to_the_process_that_waits() -> None:
    found = bounded.find(load("relu"), {}, 60, work=is_interrupted)
    assert found.ended == ""
    assert {c["status"] for c in found.claims} == {"proved"}


def test_an_interruption_ends_in_one_word(mine: Path) -> None:
    terms = " + ".join(f"({i}23456789*x - {i})^14/((123456789{i}*x^2 + {i}*x + 1)^7 + x^4 + 1)" for i in range(1, 8))
    mine.write_text(f'[[branch]]\non = "all x"\nexpr = "{terms}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "gem_symbolic.verify", "--spec", str(mine)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(4)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "interrupted\n")


def test_a_process_that_dies_leaves_the_claims_undecided() -> None:
    found = bounded.find(load("relu"), {}, 60, work=dies)
    assert found.ended == "the derivation was stopped, with status -6; it may have run out of memory"
    assert {c["status"] for c in found.claims} == {"undecided"}
