"""Sweeps of binary32: what they find is what `measure` finds, they can fail, and they go on after an interruption."""

import json
import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from gem_symbolic import compare, exhaustive, figures, measure
from gem_symbolic.compare import EDGES, FORMAT, ORDERS, PLANS, Case, Found, measured
from gem_symbolic.definitions import SEGEM, VARIANTS, find
from gem_symbolic.exhaustive import CHUNK, CHUNKS
from gem_symbolic.rules import ESTIMATE

CASES = [("gem", 1, "1"), ("egem", 4, "10"), ("segem", 3, "1e-4"), ("segem_gated", 2, "1e-6")]
PATHS = {"wide": "torch", "plain": "triton", "compensated": "accurate"}


@cache
def case(name="segem", N=3, eps="1e-4"):
    return Case(find(name), N, eps)


def code(x):
    """The bit pattern of a number, at a block's beginning."""
    return int(np.float32(x).view(np.uint32)) & ~511


def places(c):
    """Ranges of 1024 inputs: at zeros, about the scale and the critical point, and where the finite numbers end."""
    s = float(c.value) ** (1 / (2 * c.N))
    at = [0.0, -0.0, 1e-38, -1e-20, 1.0531948646530509e-08, s, -s, 0.3 * s, -0.6 * s, -5 * s, 20 * s]
    zeros = [
        float(measure.decode(np.array([p]), FORMAT)[0]) for p in measure.critical(c.activation, c.N, c.value, FORMAT)
    ]
    ends = [0x7F800000 - 512, 0xFF800000 - 512]
    return [*map(code, at), *(code(z) - 512 for z in zeros), *ends]


@pytest.mark.parametrize(("name", "N", "eps"), CASES)
@pytest.mark.parametrize("order", ORDERS)
def test_a_sweep_finds_what_measure_finds(name, N, eps, order):
    c, setting = case(name, N, eps), case(name, N, eps).setting(order)
    for first in places(c):
        found = measured(c, order, first, 1024)
        xs = compare.numbers(range(first, first + 1024))
        known = measure.truth(c.activation, N, c.value, measure.Inputs(FORMAT, "exhaustive", xs), order)
        for plan, f in found.items():
            expected = measure.judge(known, c.run(plan, xs, order, setting), PATHS[plan], N)
            small = compare.bar(plan, order).smaller.ulps(N)
            assert expected.ok == (f.beyond <= expected.limit and f.under <= small and not f.spoilt and not f.wrong)
            assert f.beyond == pytest.approx(expected.max_ulp, rel=1e-9, abs=2e-9)
            assert f.under == pytest.approx(expected.under, rel=1e-9, abs=2e-9)
            assert f.misrounded == expected.misrounded
            assert sum(f.counts) == np.isfinite(xs).sum()
            if f.beyond > 1e-6:
                assert compare.numbers([f.beyond_at])[0] == expected.worst
            errors = np.abs(known.exact.ulps(c.run(plan, xs[known.finite], order, setting), FORMAT))
            assert f.worst == pytest.approx(errors.max(initial=0), rel=1e-9, abs=2e-9)
            assert np.array_equal(f.counts, np.histogram(errors, [-1, *np.nextafter(EDGES, 99), math.inf])[0])


@pytest.mark.parametrize(("name", "N", "eps"), CASES)
@pytest.mark.parametrize("order", ORDERS)
def test_the_reference_is_the_oracle(name, N, eps, order):
    assert compare.SAMPLE >= 100_000
    assert compare.trusted(case(name, N, eps), order) <= compare.TRUSTED


def test_a_wrong_plan_is_not_trusted(monkeypatch):
    text = compare.source
    monkeypatch.setattr(compare, "source", lambda *a, **k: text(*a, **k).replace("(2 * N - 1) * u", "(2 * N + 1) * u"))
    wrong = Case(SEGEM, 3, "1e-4")
    assert compare.trusted(wrong, 0, 1000) <= compare.TRUSTED
    assert compare.trusted(wrong, 1, 1000) > compare.TRUSTED


@pytest.mark.parametrize("order", ORDERS)
def test_a_wrong_constant_is_found(order):
    """Another eps, one part in a million off, is beyond the bar of the plan in binary64."""
    c = case()
    for constants, ok in ((None, True), (c.value * Fraction(1_000_001, 1_000_000), False)):
        found = measured(c, order, code(-0.3), 1 << 16, constants)["wide"]
        assert (found.beyond <= compare.bar("wide", order).ulps(3)) == ok


SPOILT = (
    ("x[i] == -0.5f ? NAN : ", code(-0.5), "spoilt", 1),
    ("x[i] == -2.0f ? -INFINITY : ", code(-2.0), "spoilt", 1),
    ("x[i] != x[i] ? 1 : ", 0x7F800200, "wrong", 512),
    ("x[i] == INFINITY ? 2 : ", 0x7F800000, "wrong", 512),
    ("x[i] == -0x1p-149f ? 0.0 : ", 0x80000000, "spoilt", 0),
    ("x[i] == -0x1p127f ? 0.0 : ", 0xFF000000, "wrong", 1),
)


def test_wrong_results_are_found(monkeypatch):
    """NaN and infinities at finite inputs, numbers for NaN, a wrong limit, and a zero of the wrong sign."""
    text, spoilt = compare.source, "".join(change for change, *_ in SPOILT)
    written = [f"y[i] = {f}(" for f in ("Type(wide<order>", "derivative<order>")]
    changed = [f"y[i] = {f}(" for f in (f"Type({spoilt}wide<order>", f"{spoilt}derivative<order>")]
    assert all(w in text(SEGEM) for w in written)

    def source(*a, **k):
        found = text(*a, **k)
        for before, after in zip(written, changed):
            found = found.replace(before, after)
        return found

    monkeypatch.setattr(compare, "source", source)
    c = Case(SEGEM, 4, "1e-4")
    for change, first, what, count in SPOILT:
        found = measured(c, 0, first, 512)
        assert {getattr(f, what) for f in found.values()} == {count}, change
        assert {f.worst == math.inf for f in found.values()} == {what == "spoilt" and count == 1}
    assert measured(c, 0, 0x80000000, 512)["wide"].worst == 1


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize(("name", "N", "eps"), [("segem", 4, "1e-4"), ("egem", 3, "10")])
def test_pairs_do_not_depend_on_the_last_bits_of_a_reciprocal(name, N, eps, sign, monkeypatch):
    """A GPU's inverse square root is less exact than the C++; reciprocals as far off as ESTIMATE allows do as well."""
    text, exact = compare.source, "return root * root;"
    assert exact in text(SEGEM)
    worse = f"return root * root * (1 {sign} T({(0.9 * ESTIMATE).hex()}));"
    monkeypatch.setattr(compare, "source", lambda *a, **k: text(*a, **k).replace(exact, worse))
    c = Case(find(name), N, eps)
    for order in ORDERS:
        bar = compare.bar("compensated", order)
        for first in places(c):
            found = measured(c, order, first, 1024)["compensated"]
            assert found.beyond <= bar.ulps(N)
            assert found.under <= bar.smaller.ulps(N)
            assert not found.spoilt + found.wrong


def test_a_bad_reciprocal_is_found(monkeypatch):
    text, exact = compare.source, "return root * root;"
    worse = "return root * root * (1 + T(0x1p-12));"
    monkeypatch.setattr(compare, "source", lambda *a, **k: text(*a, **k).replace(exact, worse))
    found = measured(Case(SEGEM, 4, "1e-4"), 0, code(-5.0), 1 << 16)["compensated"]
    assert found.beyond > compare.bar("compensated", 0).ulps(4)


def test_results_that_are_given_are_judged_in_the_place_of_those_of_the_kernels():
    """What a GPU gave, say: here Triton's interpreter, and the same with one result two numbers further."""
    c, first = case(), code(-0.3)
    xs = exhaustive.numbers(range(first, first + 1024))
    for order in ORDERS:
        results = exhaustive.interpreted(c, order, xs)
        assert results.keys() == {"plain", "compensated"}
        assert measured(c, order, first, 1024, results=results) == measured(c, order, first, 1024)
    results = exhaustive.interpreted(c, 0, xs)
    results["compensated"].view(np.int32)[7] += 2
    found = measured(c, 0, first, 1024, results=results)["compensated"]
    assert found.beyond > 1
    assert found.worst_at == first + 7


@pytest.mark.parametrize("order", ORDERS)
def test_triton_and_the_cpp_give_the_same_bits(order):
    for c in (case(), case("egem", 4, "10")):
        assert exhaustive.alike(c, order, 1 << 16) == {"plain": 0, "compensated": 0}


def test_other_bits_are_counted(monkeypatch):
    interpreted = exhaustive.interpreted
    others = lambda *a: {p: np.nextafter(y, np.float32(9)) for p, y in interpreted(*a).items()}  # noqa: E731
    monkeypatch.setattr(exhaustive, "interpreted", others)
    assert min(exhaustive.alike(case(), 0, 1 << 12).values()) > 1000


def test_without_a_gpu_the_command_says_so(monkeypatch, capsys):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        exhaustive.main(["--device", "cuda"])
    assert stop.value.code == exhaustive.UNDECIDED
    assert "no CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize("order", ORDERS)
def test_nan_gives_nan(order):
    for first in (0x7FFFFC00, 0xFFFFFC00):
        assert all(f == Found() for f in measured(case(), order, first, 1024).values())


def test_ties_are_decided_exactly():
    """(2^-50)^3/(1 + 2^-100) is just below half of the smallest subnormal: no pair knows on which side."""
    found = measured(case("gem", 1, "1"), 0, code(2.0**-50), 512)["wide"]
    assert found.decided > 0
    assert case("gem", 1, "1").exact(2.0**-50, 0) == Fraction(1, 2**150) / (1 + Fraction(1, 2**100))


CHUNKS_HERE = [0, 1, 121, 122, 255, 256, 378, 379, 511]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return exhaustive.sweep(case(), tmp_path_factory.mktemp("whole"), 2, CHUNKS_HERE, lambda n: None)


def test_an_interrupted_sweep_goes_on_to_the_same_result(whole, tmp_path):
    def interrupt(done):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exhaustive.sweep(case(), tmp_path, 2, CHUNKS_HERE, interrupt)
    left = json.loads((tmp_path / f"{case().key}.json").read_text())
    assert 3 <= len(left["chunks"]) < len(CHUNKS_HERE)
    seen = []
    state = exhaustive.sweep(case(), tmp_path, 2, CHUNKS_HERE, seen.append)
    assert len(seen) == len(CHUNKS_HERE) - len(left["chunks"])
    assert state["chunks"] == whole["chunks"]
    assert state["seconds"] > left["seconds"]


def test_a_state_of_other_code_is_not_gone_on_with(whole, tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(whole))
    head = {"code": whole["code"], "device": "cpu", "machine": None, "bars": whole["bars"]}
    assert exhaustive.restored(path, head)["chunks"] == whole["chunks"]
    assert exhaustive.restored(path, head | {"code": "other"})["chunks"] == {}
    assert exhaustive.restored(path, head | {"machine": "another GPU"})["chunks"] == {}


def test_records_add_up(whole, monkeypatch):
    records = {r["id"]: r for r in exhaustive.records(case(), whole, sample=1000, triton=1 << 12)}
    assert list(records) == [f"{p}.{q}" for q in figures.QUANTITIES for p in PLANS]
    for id, r in records.items():
        parts = [Found(**found[id]) for found in whole["chunks"].values()]
        assert r["ok"]
        assert r["not_finite"] == r["wrong"] == 0
        assert r["inputs"] == len(CHUNKS_HERE) * CHUNK
        assert r["worst_ulp"] == max(f.worst for f in parts)
        assert r["misrounded"] == sum(f.misrounded for f in parts)
        assert all(sum(row) == CHUNK for row in r["histogram"].values())
        assert sum(sum(f.counts) for f in parts) == (len(CHUNKS_HERE) - 2) * CHUNK  # two are not finite
    monkeypatch.setitem(measure.BARS, ("plain", "binary32", 0), measure.Bar(0, 0.501))
    strict = {r["id"]: r["ok"] for r in exhaustive.records(case(), whole, sample=1000, triton=1 << 12)}
    assert strict == {id: id != "plain.value" for id in records}


def test_binades_are_named():
    assert [exhaustive.label(c) for c in (0, 1, 127, CHUNKS // 2, CHUNKS - 2)] == [
        "+subnormal",
        "+2^-126",
        "+2^0",
        "-subnormal",
        "-2^127",
    ]


def test_records_replace_older_ones(whole, tmp_path):
    path = tmp_path / "data" / "segem.json"
    records = list(exhaustive.records(case(), whole, sample=1000, triton=1 << 12))
    exhaustive.store(path, SEGEM, records)
    exhaustive.store(path, SEGEM, [{**records[0], "N": 2}])
    exhaustive.store(path, SEGEM, [{**records[0], "misrounded": 7}])
    stored = exhaustive.stored(path, SEGEM)
    assert len(stored) == len(records) + 1
    assert [r["misrounded"] for r in stored if (r["N"], r["id"]) == (3, records[0]["id"])] == [7]
    assert exhaustive.stored(path, find("egem")) == []  # other code
    some = [{**r, "code": "another" if r["id"] == "compensated.value" else r["code"]} for r in stored]
    path.write_text(json.dumps({"records": some}))
    assert {r["id"] for r in stored} - {r["id"] for r in exhaustive.stored(path, SEGEM)} == {"compensated.value"}


def test_plans_are_swept_apart(whole, tmp_path):
    """What is found of one plan does not depend on which others are swept."""
    for plan in PLANS:
        found = measured(case(), 0, code(-0.3), 4096, plans=[plan])
        assert list(found) == [plan]
        assert found[plan] == measured(case(), 0, code(-0.3), 4096)[plan]


def test_without_a_compiler_the_command_says_so(monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(SystemExit) as stop:
        exhaustive.main([])
    assert stop.value.code == exhaustive.UNDECIDED
    assert "no C++ compiler was found" in capsys.readouterr().err
    monkeypatch.delenv("CXX")
    for wrong in (["--variant", "none"], ["--N", "0"], ["--eps", "-1"], ["--variant", "egem", "--eps", "1e-200"]):
        with pytest.raises(SystemExit) as stop:
            exhaustive.main(wrong)
        assert stop.value.code == exhaustive.USAGE


@pytest.mark.parametrize(("bar", "status"), [(4.0, exhaustive.OK), (0.501, exhaustive.MISSED)])
def test_the_command_sweeps_and_goes_on(bar, status, tmp_path, monkeypatch, capsys):
    """On three chunks of either sign, in place of all; interrupted at first."""
    monkeypatch.setattr(exhaustive, "CHUNKS", 3)
    monkeypatch.setitem(measure.BARS, ("plain", "binary32", 0), measure.Bar(0, bar))
    monkeypatch.setattr(exhaustive, "measured", lambda *a, **k: {p: Found(worst=3.25, beyond=3.25) for p in PLANS})
    monkeypatch.setattr(exhaustive, "trusted", lambda *a: 0.0)
    monkeypatch.setattr(exhaustive, "alike", lambda *a: {})
    for plan, order in [(plan, order) for plan in ("wide", "compensated") for order in ORDERS]:
        monkeypatch.setitem(measure.BARS, (plan, "binary32", order), measure.Bar(0, 4))
    command = ["--variant", "gem", "--N", "1", "--data", f"{tmp_path}/data", "--states", f"{tmp_path}/states"]
    whole = exhaustive.sweep

    def interrupted(case, states, threads, chunks, tick, *rest):
        def interrupt(done):
            raise KeyboardInterrupt

        return whole(case, states, threads, chunks, interrupt, *rest)

    monkeypatch.setattr(exhaustive, "sweep", interrupted)
    with pytest.raises(SystemExit) as stop:
        exhaustive.main(command)
    monkeypatch.setattr(exhaustive, "sweep", whole)
    assert stop.value.code == exhaustive.INTERRUPTED
    assert "goes on" in capsys.readouterr().err
    assert exhaustive.main(command) == status
    assert list((tmp_path / "states").iterdir()) == []
    printed = capsys.readouterr().out
    assert ("BEYOND ITS LIMIT" in printed) == (status == exhaustive.MISSED)
    monkeypatch.setattr(exhaustive, "sweep", None)  # what the data has is not swept again
    assert exhaustive.main(command) == status
    assert capsys.readouterr().out == printed


def test_the_committed_sweeps_are_of_the_present_plans():
    paths = sorted(exhaustive.DATA.glob("*.json"))
    assert {p.stem for p in paths} <= VARIANTS.keys()
    for path in paths:
        data = json.loads(path.read_text(encoding="utf-8"))
        assert data["edges"] == list(EDGES)
        for r in data["records"]:
            assert r["ok"]
            assert r["inputs"] == CHUNKS * CHUNK == figures.INPUTS
            plan, quantity = r["id"].split(".")
            assert r["code"] == exhaustive.fingerprint(path.stem, plan), "run: make sweeps"
            assert "triton_differs" not in r or r["triton_differs"] == 0
            order = figures.QUANTITIES.index(quantity)
            bar = compare.bar(plan, order)
            assert (r["limit"], r["absolute"]) == (bar.ulps(r["N"]), bar.beside(r["N"]))
            assert all(sum(row) == CHUNK for row in r["histogram"].values())
            # By the wide plan no value is off by more than the second edge; one derivative is, next to its zero.
            assert plan != "wide" or sum(sum(row[2:]) for row in r["histogram"].values()) <= order


def test_an_exhaustive_figure_needs_the_whole_grid():
    row = {
        "id": "wide.value",
        "inputs": figures.INPUTS,
        "max_ulp": 0.49999,
        "limit": 0.501,
        "absolute": 0.0,
        "ok": True,
        "misrounded": 5,
    }
    rows = [{**row, "N": N, "eps": eps, "x": N / 8} for N in (1, 2) for eps in ("1", "1e-4")]
    grid = {(N, Fraction(eps)) for N in (1, 2) for eps in ("1", "1/10000")}
    rows[2]["max_ulp"] = 0.50001
    found = figures.swept(rows, grid)
    assert list(found) == ["torch.binary32.value"]
    best = found["torch.binary32.value"]
    assert (best["kind"], best["by"], best["max_ulp"], best["x"], best["ok"]) == (
        "exhaustive",
        "C++",
        0.5001,
        0.25,
        True,
    )
    assert (best["misrounded"], best["inputs"]) == (20, 4 * figures.INPUTS)
    assert figures.swept(rows[1:], grid) == {}
    assert figures.swept([*rows[1:], {**rows[0], "inputs": CHUNK}], grid) == {}
    assert not figures.swept([*rows[1:], {**rows[0], "ok": False}], grid)["torch.binary32.value"]["ok"]
