"""What the kernels cost: the committed figures are those of the committed kernels, and the counting can tell."""

import json
from dataclasses import asdict

import pytest

from gem_symbolic import cost, machinecode, pricing
from gem_symbolic.accuracy import fingerprint
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.readback.operations import INVERSE_ROOT, RECORDED

COMMITTED = json.loads(cost.DATA.read_text(encoding="utf-8"))
SEGEM = VARIANTS["segem"]
#: Variant and (order, N, type, architecture): one of each at least is compiled again.
AGAIN = [("segem", (0, 3, "fp16", 90)), ("egem", (1, 2, "bf16", 90)), ("gem", (2, 1, "fp32", 90))]
AGAIN += [("segem", (1, 3, "fp32", 80))]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Everything is compiled into a fresh cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton")))
        yield


def counted(text, case, name="segem"):
    (found,) = cost.rows(text, VARIANTS[name], [case])
    return json.loads(json.dumps(asdict(found)))


def row(name, case):
    keys = dict(zip(("order", "N", "type", "arch"), case), variant=name)
    (found,) = [r for r in COMMITTED["kernels"] if keys.items() <= r.items()]
    return found


def test_the_figures_are_those_of_the_committed_kernels():
    emitted = {name: a for name, a in VARIANTS.items() if a.emitted}
    assert COMMITTED["code"] == {name: fingerprint(cost.source(a)) for name, a in emitted.items()}
    assert [(r["order"], r["N"], r["type"], r["arch"]) for r in COMMITTED["kernels"]] == cost.CASES * len(emitted)


def test_the_table_is_up_to_date():
    assert cost.TABLE.read_text(encoding="utf-8") == cost.render(COMMITTED)


@pytest.mark.parametrize(("name", "case"), AGAIN)
def test_compiling_again_gives_the_committed_figures(name, case):
    assert counted(cost.source(VARIANTS[name]), case, name) == row(name, case)


def test_another_kernel_has_other_figures():
    """Negative control: an approximate quotient, one more multiplication and blocks of half the size are all seen."""
    text, case = cost.source(SEGEM), (0, 3, "fp16", 90)
    here = row("segem", case)
    exact = counted(cost.experiment(text, cost.EXPERIMENTS["both quotients correctly rounded"]), case)
    assert (here["divisions"], exact["divisions"]) == (0, 2)
    assert exact["slots"] > here["slots"] + 4
    longer = counted(text.replace("ratio = _near_quotient(top, d)", "ratio = _near_quotient(top * u, d)"), case)
    assert longer["by"]["arithmetic"] == here["by"]["arithmetic"] + 1
    assert counted(text.replace("_BLOCK = 1024", "_BLOCK = 512"), (0, 3, "fp32", 90))["slots"] != here["slots"]


def test_few_registers_spill():
    text = cost.source(SEGEM).replace('{"num_warps": 4', '{"maxnreg": 24, "num_warps": 4')
    assert row("segem", (1, 3, "fp32", 90))["local"] == 0 < counted(text, (1, 3, "fp32", 90))["local"]


def test_an_experiment_that_changes_nothing_is_an_error():
    with pytest.raises(ValueError, match="not in the kernel file any more"):
        cost.experiment(cost.source(SEGEM), [("no such text", "another")])


def test_every_kernel_moves_128_bits_and_spills_nothing():
    for r in COMMITTED["kernels"]:
        assert (r["load"], r["store"], r["local"]) == (128, 128, 0)
        assert r["divisions"] == (2 if r["type"] == "fp32" else 0)


def test_what_is_no_forward_in_16_bits_fits_into_the_time_of_memory():
    rows = [r for r in COMMITTED["kernels"] if r["order"] > 0 or cost.TYPES[r["type"]] == 4]
    assert all(r["slots"] < cost.budget(r["order"], r["type"]) for r in rows)


def test_every_forward_in_16_bits_meets_the_bar():
    forward = [r for r in COMMITTED["kernels"] if r["order"] == 0 and cost.TYPES[r["type"]] == 2 and r["arch"] == 90]
    assert len(forward) == 24
    assert all(r["slots"] <= cost.BAR == 40 for r in forward)
    assert "24 of 24" in cost.verdict(COMMITTED)
    dearer = {**COMMITTED, "kernels": [{**r, "slots": r["slots"] + 10} for r in COMMITTED["kernels"]]}
    assert "Over it: " in cost.verdict(dearer)


def test_pairs_take_less_than_they_were_sketched_to():
    pairs = [r for r in COMMITTED["kernels"] if r["type"] == "accurate" and r["order"] == 0]
    assert pairs
    assert all(r["slots"] < 80 for r in pairs)


# --- The way through machine code ---

CODE = """
        /*0000*/                   S2R R0, SR_TID.X ;          /* 0x0000000000007919 */
        /*0010*/              @!P0 BRA 0x50 ;                  /* 0x0000000000007919 */
        /*0020*/                   FMUL R0, R0, R0 ;           /* 0x0000000000007919 */
        /*0030*/                   STG.E desc[UR4][R2.64], R0 ; /* 0x0000000000007919 */
        /*0040*/                   EXIT ;                      /* 0x0000000000007919 */
        /*0050*/                   FMUL R0, R0, R0 ;           /* 0x0000000000007919 */
        /*0060*/              @!P1 BRA 0x80 ;                  /* 0x0000000000007919 */
        /*0070*/                   CALL.REL.NOINC 0xb0 ;       /* 0x0000000000007919 */
        /*0080*/               @P2 EXIT ;                      /* 0x0000000000007919 */
        /*0090*/                   STG.E.128 desc[UR4][R2.64], R4 ; /* 0x0000000000007919 */
        /*00a0*/                   EXIT ;                      /* 0x0000000000007919 */
        /*00b0*/                   RET.REL.NODEC R2 0x0 ;      /* 0x0000000000007919 */
"""


def test_the_way_of_a_full_block_is_found():
    way = machinecode.full_block(machinecode.instructions(CODE))
    assert [i.address for i in way] == [0x00, 0x10, 0x50, 0x60, 0x80, 0x90, 0xA0]
    assert machinecode.purposes(way) == {"addresses, the rest": 3, "reciprocals, fma": 2, "arithmetic": 1, "memory": 1}


def test_what_has_no_such_way_is_an_error():
    with pytest.raises(ValueError, match="no store of 128 bits"):
        machinecode.full_block(machinecode.instructions(CODE.replace("STG.E.128", "STG.E.64")))
    with pytest.raises(ValueError, match="no way leads"):
        machinecode.full_block(machinecode.instructions(CODE.replace("@!P0 BRA 0x50", "@!P0 BRA 0xb0")))
    with pytest.raises(ValueError, match="do not lie on one way"):
        machinecode.full_block(machinecode.instructions(CODE.replace("STG.E desc", "STG.E.128 desc")))


# --- Plans ---


def test_every_operation_has_a_price():
    assert pricing.PRICES.keys() == RECORDED | {INVERSE_ROOT}
    with pytest.raises(KeyError):
        pricing.price({"sqrt": 1})


def test_the_committed_plans_are_those_of_the_kernels():
    for p in COMMITTED["plans"]:
        derive, _ = pricing.PLANS[p["plan"]]
        counts = pricing.operations(derive(VARIANTS[p["variant"]], p["order"]), p["N"])
        assert p["operations"] == counts
        assert p["price"] == pricing.price(counts)


def test_the_machine_code_multiplies_and_adds_as_planned():
    """But for the product with the incoming gradient, and products with the number 1, which need no instruction."""
    for p in (p for p in COMMITTED["plans"] if p["plan"] == "plain"):
        r = row(p["variant"], (p["order"], p["N"], "fp32", 90))
        planned = sum(p["operations"].get(op, 0) for op in ("mul", "add", "sub")) + (p["order"] > 0)
        assert planned - 1 <= r["by"]["arithmetic"] <= planned
        by_one = {("gem", 2): True, ("segem", 1): p["N"] == 1}  # by 1/s for the scale 1; by 2N - 1
        assert (r["by"]["arithmetic"] < planned) == by_one.get((p["variant"], p["order"]), False)
