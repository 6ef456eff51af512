"""What the kernels cost: the committed figures are those of the committed kernels, and the counting can tell."""

import json
from dataclasses import asdict

import pytest

from gem_symbolic import ahead, cost, costtable, machinecode, pricing
from gem_symbolic.accuracy import fingerprint
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.readback.operations import INVERSE_ROOT, RECORDED

COMMITTED = json.loads(cost.DATA.read_text(encoding="utf-8"))
SEGEM = VARIANTS["segem"]
FORWARD = ("elementwise", 0, 3, "fp16", 90)
#: Variant and (form, order, N, type, architecture): one of each at least is compiled again.
AGAIN = [
    ("segem", FORWARD),
    ("egem", ("elementwise", 1, 2, "bf16", 90)),
    ("gem", ("elementwise", 2, 1, "fp32", 90)),
    ("segem", ("elementwise", 1, 3, "fp32", 80)),
    ("egem", ("bias", 0, 4, "fp16", 90)),
    ("gem", ("gated", 0, 3, "accurate", 80)),
    ("segem", ("gated", 1, 4, "bf16", 90)),
]


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
    keys = dict(zip(("form", "order", "N", "type", "arch"), case), variant=name)
    (found,) = [r for r in COMMITTED["kernels"] if keys.items() <= r.items()]
    return found


def test_the_figures_are_those_of_the_committed_kernels():
    emitted = {name: a for name, a in VARIANTS.items() if a.emitted}
    assert COMMITTED["code"] == {name: fingerprint(cost.source(a)) for name, a in emitted.items()}
    cases = [(r["form"], r["order"], r["N"], r["type"], r["arch"]) for r in COMMITTED["kernels"]]
    assert cases == cost.CASES * len(emitted)
    assert {(form, order) for form, order, *_ in cases} == ahead.FORMS.keys() == costtable.NAMED.keys()


def test_the_table_is_up_to_date():
    assert cost.TABLE.read_text(encoding="utf-8") == costtable.render(COMMITTED)


@pytest.mark.parametrize(("name", "case"), AGAIN)
def test_compiling_again_gives_the_committed_figures(name, case):
    assert counted(cost.source(VARIANTS[name]), case, name) == row(name, case)


def test_another_kernel_has_other_figures():
    """Negative control: an approximate quotient, one more multiplication and blocks of twice the size are all seen."""
    text, case = cost.source(SEGEM), FORWARD
    here = row("segem", case)
    exact = counted(cost.experiment(text, cost.EXPERIMENTS["both quotients correctly rounded"]), case)
    assert (here["divisions"], exact["divisions"]) == (0, 2)
    assert exact["slots"] > here["slots"] + 4
    longer = counted(text.replace("ratio = _rough_quotient(top, d)", "ratio = _rough_quotient(top * u, d)"), case)
    assert longer["by"]["arithmetic"] == here["by"]["arithmetic"] + 1
    wider = ("elementwise", 0, 3, "fp32", 90)
    doubled = counted(text.replace("_BLOCK, _ROWS = 512", "_BLOCK, _ROWS = 1024"), wider)
    assert doubled["slots"] != row("segem", wider)["slots"]


def test_few_registers_spill():
    text = cost.source(SEGEM).replace('{"num_warps": 4', '{"maxnreg": 24, "num_warps": 4')
    case = ("elementwise", 1, 3, "fp32", 90)
    assert row("segem", case)["local"] == 0 < counted(text, case)["local"]


def test_an_experiment_that_changes_nothing_is_an_error():
    with pytest.raises(ValueError, match="not in the kernel file any more"):
        cost.experiment(cost.source(SEGEM), [("no such text", "another")])


def test_every_kernel_moves_128_bits_and_spills_nothing():
    for r in COMMITTED["kernels"]:
        case = r["variant"], r["form"], r["order"], r["type"], r["arch"]
        word = case == ("segem", "elementwise", 0, "fp16", 90) and r["N"] > 2  # one register, to make room for threads
        assert (r["load"], r["store"], r["local"]) == (128, 128, 8 if word else 0)
        both = (r["form"], r["order"]) == ("gated", 1)  # value and gradient have their first quotient in common
        assert r["divisions"] == (2 + both if r["type"] == "fp32" else 0)


def test_what_is_no_forward_in_16_bits_fits_into_the_time_of_memory():
    plain = ("elementwise", 0)
    rows = [r for r in COMMITTED["kernels"] if (r["form"], r["order"]) != plain or costtable.TYPES[r["type"]] == 4]
    assert all(r["slots"] < costtable.budget(r["form"], r["order"], r["type"]) for r in rows)


def test_every_forward_in_16_bits_meets_the_bar():
    forward = costtable.some(COMMITTED, "elementwise", 0, *costtable.SIXTEEN)
    assert len(forward) == 24
    assert all(r["slots"] <= costtable.BAR == 40 for r in forward)
    assert "24 of 24" in costtable.verdict(COMMITTED)
    dearer = {**COMMITTED, "kernels": [{**r, "slots": r["slots"] + 15} for r in COMMITTED["kernels"]]}
    assert "Over it: " in costtable.verdict(dearer)


def test_pairs_take_less_than_they_were_sketched_to():
    pairs = costtable.some(COMMITTED, "elementwise", 0, "accurate")
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


def test_a_masked_block_is_told_from_a_full_one():
    both = CODE.replace("STG.E desc", "STG.E.128 desc")
    masked = both.replace("          FMUL R0, R0, R0 ;", "     @!P3 LDG.E.128 R4, desc[UR4][R2.64] ;", 1)
    way = machinecode.full_block(machinecode.instructions(masked))
    assert [i.address for i in way] == [0x00, 0x10, 0x50, 0x60, 0x80, 0x90, 0xA0]
    with pytest.raises(ValueError, match="do not lie on one way"):
        machinecode.full_block(machinecode.instructions(masked.replace("@!P3 LDG", "LDG")))
    everywhere = CODE.replace("S2R R0, SR_TID.X", "@!P3 LDG.E.128 R0").replace("               @!P3", " @!P3")
    with pytest.raises(ValueError, match="do not lie on one way"):
        machinecode.full_block(machinecode.instructions(everywhere))


def test_the_narrowest_move_counts():
    way = machinecode.instructions(CODE.replace("STG.E desc", "STG.E.U16 desc")).values()
    assert machinecode.narrowest(way, "STG") == 16
    assert machinecode.narrowest([i for i in way if ".U16" not in i.opcode], "STG") == 128
    assert machinecode.narrowest(machinecode.instructions(CODE).values(), "STG") == 32


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
        r = row(p["variant"], ("elementwise", p["order"], p["N"], "fp32", 90))
        planned = sum(p["operations"].get(op, 0) for op in ("mul", "add", "sub")) + (p["order"] > 0)
        assert planned - 1 <= r["by"]["arithmetic"] <= planned
        by_one = {("gem", 2): True, ("segem", 1): p["N"] == 1}  # by 1/s for the scale 1; by 2N - 1
        assert (r["by"]["arithmetic"] < planned) == by_one.get((p["variant"], p["order"]), False)
