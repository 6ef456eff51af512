"""The Triton kernels compile well for sm_80 and sm_90: as a launch would compile them, without a GPU."""

import re
import subprocess

import pytest
import torch
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import make_backend
from triton.runtime.jit import create_function_from_signature

from gem_symbolic import ahead, emit, machinecode, pricing
from gem_symbolic.definitions import VARIANTS

TYPES = ("fp16", "bf16", "fp32")
#: The plan of each kernel; "accurate" is that of binary32 in pairs.
PLANS = {"fp16": "short", "bf16": "short", "fp32": "plain", "accurate": "compensated"}
#: How many tensors the kernel of a form and order loads and stores.
MOVED = {
    ("elementwise", 0): (1, 1),
    ("elementwise", 1): (2, 1),
    ("elementwise", 2): (2, 1),
    ("bias", 0): (2, 1),
    ("gated", 0): (2, 1),
    ("gated", 1): (3, 2),
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Every variant's kernels, compiled into a fresh cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton")))
        yield {name: emit.load(emit.source(activation), f"{name}_ahead") for name, activation in VARIANTS.items()}


def launch(module, form, order, kind):
    return ahead.launch(module, form, order, kind, 3, "1e-4")


def count(kernel, pattern):
    return len(re.findall(pattern, kernel.asm["ptx"], re.MULTILINE))


def printed(kernel, tmp_path, option):
    """What cuobjdump says of it."""
    path = tmp_path / "kernel.cubin"
    path.write_bytes(kernel.asm["cubin"])
    command = [knobs.nvidia.cuobjdump.path, option, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def local_bytes(kernel, tmp_path):
    """Bytes of stack and local memory that a thread uses: where registers are spilled to."""
    (usage,) = re.findall(r"STACK:(\d+).*LOCAL:(\d+)", printed(kernel, tmp_path, "-res-usage"))
    return sum(map(int, usage))


#: Where ptxas puts one register of a thread in memory, so that more threads find room.
ONE_WORD = {("segem", "elementwise", 0, "fp16", 90)}
CASES = [
    *(("segem", *form, kind, arch) for form in ahead.FORMS for kind in TYPES for arch in (80, 90)),
    *((name, "gated", 1, kind, 90) for name in VARIANTS if name != "segem" for kind in TYPES),
    *((name, "elementwise", order, "accurate", 90) for name in VARIANTS for order in range(emit.ACCURATE)),
    *(("segem", *form, "accurate", 90) for form in ahead.FORMS if form[0] != "elementwise"),
]


@pytest.mark.parametrize(("name", "form", "order", "kind", "arch"), CASES)
def test_kernels_compile_well(name, form, order, kind, arch, modules, tmp_path):
    module = modules[name]
    arguments = launch(module, form, order, kind)
    kernel = ahead.compiled(module, arguments, arch)
    elements = arguments["block"] // (32 * module._OPTIONS["num_warps"])
    pieces = elements * int(kind[2:] if kind in TYPES else 32) // 128
    loaded, stored = MOVED[form, order]
    branches = 2 if form != "elementwise" else 1  # in which all is 128 bits wide: the tail of any size is not
    assert count(kernel, r"ld\.global\S*\.v4\.b32") == branches * pieces * loaded
    assert count(kernel, r"st\.global\S*\.v4\.b32") == branches * pieces * stored
    derive, _ = pricing.PLANS[PLANS[kind]]
    planned = pricing.operations(derive(VARIANTS[name], order), 3)
    # In the full block and in the tail: what is planned, nothing else fused, and nothing left to fuse.
    if (form, order) == ("gated", 1):  # of the value too, but what both have in common is computed once
        least = {op: 2 * elements * planned[op] for op in ("div", "fma", "rsqrt")}
        value = pricing.operations(derive(VARIANTS[name], 0), 3)
        most = {op: least[op] + 2 * elements * value[op] for op in least}
    else:
        least = most = {op: 2 * elements * planned[op] for op in ("div", "fma", "rsqrt")}
    for op, pattern in (("div", r"div\.rn\.f32"), ("fma", r"^\s*fma\.rn\.f32"), ("rsqrt", r"rsqrt\.approx")):
        assert least[op] <= count(kernel, pattern) <= most[op]
    assert count(kernel, r"^\s*(fma\.(?!rn\.f32)|div\.(approx|full)|(add|sub|mul)\.f32)") == 0
    assert local_bytes(kernel, tmp_path) == (8 if (name, form, order, kind, arch) in ONE_WORD else 0)


@pytest.mark.parametrize(("form", "order"), ahead.FORMS)
def test_a_full_block_has_no_mask_and_the_last_one_has(form, order, modules, tmp_path):
    arguments = launch(modules["segem"], form, order, "bf16")
    kernel = ahead.compiled(modules["segem"], arguments, 90)
    code = machinecode.instructions(printed(kernel, tmp_path, "-sass"))
    loaded, stored = MOVED[form, order]
    pieces = arguments["block"] // (32 * modules["segem"]._OPTIONS["num_warps"]) * 16 // 128
    way = machinecode.full_block(code)
    for opcode, tensors in (("LDG", loaded), ("STG", stored)):
        moving = [i for i in way if i.opcode.startswith(opcode)]
        assert len(moving) == pieces * tensors
        assert all(".128" in i.opcode and not i.predicate for i in moving)
    rest = [i for i in code.values() if i not in way]
    assert sum(i.loads for i in rest) >= loaded
    assert all(i.predicate for i in rest if i.loads)


@pytest.mark.parametrize(("form", "order"), ahead.FORMS)
def test_places_and_rows_have_64_bits(form, order, modules):
    """Offsets of 2**31 numbers and more do not overflow: every factor and sum of an address is a 64-bit number."""
    kernel = ahead.compiled(modules["segem"], launch(modules["segem"], form, order, "bf16"), 90)
    text = kernel.asm["ttir"]
    offsets = re.findall(r"tt\.addptr [^:]*: [^,\n]*, (?:tensor<\d+x)?(i\d+)", text)
    assert len(offsets) >= 2 * sum(MOVED[form, order])
    assert {*offsets} == {"i64"}
    multiplied = re.findall(r"arith\.(?:muli|addi) [^:]*: (?:tensor<\d+x)?(i\d+)", text)
    assert {*multiplied} == {"i64"}


def test_the_check_of_64_bits_can_tell(modules):
    """Negative control: a start of 32 bits."""
    text = emit.source(VARIANTS["segem"])
    narrow = text.replace("start = tl.program_id(0).to(tl.int64) * block", "start = tl.program_id(0) * block")
    assert narrow != text
    module = emit.load(narrow, "narrow_ahead")
    kernel = ahead.compiled(module, launch(module, "elementwise", 0, "bf16"), 90)
    assert "i32" in re.findall(r"tt\.addptr [^:]*: [^,\n]*, (?:tensor<\d+x)?(i\d+)", kernel.asm["ttir"])


def test_the_counts_can_tell(modules, tmp_path):
    """Without alignment no wide loads, with fusion on fused operations, with few registers spills."""
    module = modules["segem"]
    arguments = launch(module, "elementwise", 1, "fp32")
    flat = torch.empty(4097)[1:]
    assert count(ahead.compiled(module, {**arguments, "x": flat, "g": flat}, 90), r"ld\.global\S*\.v4") == 0
    assert count(ahead.compiled(module, arguments, 90, enable_fp_fusion=True), r"^\s*fma|(add|sub|mul)\.f32") > 0
    assert local_bytes(ahead.compiled(module, arguments, 90, maxnreg=24), tmp_path) > 0
    odd = {**launch(module, "gated", 0, "fp32"), "y_stride": 1537, "x_stride": 1537, "g_stride": 1537}
    code = printed(ahead.compiled(module, odd, 90), tmp_path, "-sass")
    with pytest.raises(ValueError, match="no store of 128 bits"):
        machinecode.full_block(machinecode.instructions(code))


# --- What a launch passes ---


@pytest.mark.parametrize(("form", "order"), ahead.FORMS)
def test_arguments_are_specialised_as_triton_does_it(form, order, modules, monkeypatch):
    module = modules["segem"]
    arguments = launch(module, form, order, "fp16")
    arguments["columns"] += order  # of one or the other divisibility
    kept = {}
    monkeypatch.setattr("triton.compiler.ASTSource", lambda **given: kept.update(given))
    monkeypatch.setattr("triton.compile", lambda *_, **__: None)
    ahead.compiled(module, arguments, 90)
    backend = make_backend(GPUTarget("cuda", 90, 32))
    bind = create_function_from_signature(module._kernel.signature, module._kernel.params, backend)
    bound, specialised, options = bind(**arguments)
    _, signature, constants, attributes = module._kernel._pack_args(
        backend, dict(module._OPTIONS), bound, specialised, options
    )
    assert kept["signature"] == signature
    names = list(signature)
    assert kept["constexprs"] == {names[place]: value for (place,), value in constants.items()}
    assert kept["attrs"] == {place: value for place, value in attributes.items() if value}


def test_a_launch_that_is_recorded_runs_nothing(modules):
    module = modules["segem"]
    kernel = module._kernel
    with ahead.recorded(module) as launches:
        module._triton_apply(torch.zeros(5), None, None, 0, *ahead.constants(module, 1, "1"))
        assert module._kernel is not kernel
    assert [sorted(launch) for launch in launches] == [sorted(kernel.arg_names)]
    assert module._kernel is kernel


def test_a_scale_out_of_range_is_named(modules):
    with pytest.raises(ValueError, match="outside the range"):
        ahead.constants(modules["segem"], 1, "1e-100")
