"""The Triton kernels: interpreted, they are the composite in binary32; for sm_80 and sm_90 they compile well."""

import os
import re
import subprocess
import sys
from fractions import Fraction

import pytest
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gem_symbolic import emit
from gem_symbolic.definitions import VARIANTS

#: Run in a process of its own: Triton decides when it is imported whether it interprets.
INTERPRETED = """
import torch
from fractions import Fraction
from gem_symbolic import emit
from gem_symbolic.definitions import VARIANTS
torch.manual_seed(0)

def same(a, b):
    return bool(((a == b) & (a.signbit() == b.signbit()) | a.isnan() & b.isnan()).all())

edges = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, torch.inf, -torch.inf, torch.nan])
spread = torch.randn(3000) * torch.exp2(torch.randint(-140, 120, (3000,)).float())
inputs = {
    torch.float32: torch.cat([edges, torch.randn(5000), spread]),
    torch.float16: torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.float16),
}
modules = [emit.load(emit.source(activation), name) for name, activation in VARIANTS.items()]
for module in modules:
    module._BLOCK = 1 << 16  # the interpreter takes its time for each block, whatever its size
    for N, eps in ((1, "1e-6"), (2, "1e-4"), (3, "10")):
        constants = module._constants(N, Fraction(eps), torch.float32)
        for dtype, x in inputs.items():
            for order, composite in enumerate(module._COMPOSITES):
                g = torch.randn_like(x) if order else None
                plain = composite(x.float(), *constants, N)
                plain = (plain * g.float() if order else plain).to(dtype)
                computed = module._triton_apply(x, g, order, N, *constants)
                assert computed.dtype == dtype
                assert same(computed, plain), (module, N, eps, dtype, order)
                assert computed[x.isfinite()].isfinite().all()

# Strides, types of g, empty and single tensors; a full block and a tail.
module._BLOCK = 64
x, g = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.randn(2, 3, 4, 1).expand(-1, -1, -1, 5)
apply = lambda x, g: module._triton_apply(x, g, 0 if g is None else 1, 3, *constants)
value, gradient = module._value(x, *constants, 3), module._first(x, *constants, 3) * g
assert torch.equal(apply(x, None), value)
assert torch.equal(apply(x, g), gradient)
assert torch.equal(apply(x[:, 1:, ::2], g[:, 1:, ::2]), gradient[:, 1:, ::2])
assert torch.equal(apply(x[0, 0, 0, 0], None), value[0, 0, 0, 0])
assert same(apply(x.half(), g), (module._first(x.half().float(), *constants, 3) * g).half())
assert apply(x[:0], None).shape == (0, 3, 4, 5)
"""

TYPES = ("fp16", "bf16", "fp32")
ALIGNED = {(i,): [["tt.divisibility", 16]] for i in range(3)}  # what a launch finds of a fresh allocation's pointers


def test_interpreted_kernels_are_the_composites_in_binary32():
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-W", "ignore", "-c", INTERPRETED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Every variant's kernels, compiled into a fresh cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton")))
        yield {name: emit.load(emit.source(activation), f"{name}_ahead") for name, activation in VARIANTS.items()}


def compiled(module, kind, order, arch, aligned=ALIGNED, accurate=False, **options):
    """The kernel for N = 3 and eps = 1e-4, compiled ahead of time."""
    s, inv_s = module.scale_constants(3, Fraction(1, 10000), *next(iter(module._FORMATS.values())))
    s_low = module._low_part(3, Fraction(1, 10000)) if accurate else None
    constants = {"order": order, "N": 3, "s": s, "inv_s": inv_s, "s_low": s_low, "block": module._BLOCK}
    arguments = {"x_pointer": f"*{kind}", "g_pointer": f"*{kind}", "y_pointer": f"*{kind}", "size": "i32"}
    signature = {name: arguments.get(name, "constexpr") for name in module._kernel.arg_names}
    source = ASTSource(fn=module._kernel, signature=signature, constexprs=constants, attrs=aligned)
    return triton.compile(source, target=GPUTarget("cuda", arch, 32), options={**module._OPTIONS, **options})


def count(kernel, pattern):
    return len(re.findall(pattern, kernel.asm["ptx"], re.MULTILINE))


def local_bytes(kernel, tmp_path):
    """Bytes of stack and local memory that a thread uses: where registers are spilled to."""
    path = tmp_path / "kernel.cubin"
    path.write_bytes(kernel.asm["cubin"])
    tool = knobs.nvidia.cuobjdump.path
    text = subprocess.run([tool, "-res-usage", path], capture_output=True, text=True, check=True).stdout
    (usage,) = re.findall(r"STACK:(\d+).*LOCAL:(\d+)", text)
    return sum(map(int, usage))


CASES = [
    *(("segem", kind, order, arch) for kind in TYPES for order in (0, 1, 2) for arch in (80, 90)),
    *((name, kind, 1, 90) for name in VARIANTS if name != "segem" for kind in TYPES),
]


@pytest.mark.parametrize(("name", "kind", "order", "arch"), CASES)
def test_kernels_compile_well(name, kind, order, arch, modules, tmp_path):
    kernel = compiled(modules[name], kind, order, arch)
    elements = modules[name]._BLOCK // (32 * modules[name]._OPTIONS["num_warps"])
    pieces = elements * int(kind[2:]) // 128
    assert count(kernel, r"ld\.global\S*\.v4\.b32") == pieces * (1 if order == 0 else 2)
    assert count(kernel, r"st\.global\S*\.v4\.b32") == pieces
    assert count(kernel, r"div\.rn\.f32") == 4 * elements  # two an element, in the full block and in the tail
    assert count(kernel, r"^\s*(fma|div\.(approx|full)|(add|sub|mul)\.f32)") == 0  # nothing fused, nothing left to fuse
    assert local_bytes(kernel, tmp_path) == 0


#: The instructions that compute, and those of the sketch that the pairs come from.
COMPUTING = ("FFMA", "FMUL", "FADD", "FSEL", "FSETP", "FMNMX", "MUFU", "FCHK")
SKETCHED = 119


def computing(kernel, elements, tmp_path):
    """How many such instructions an element takes in machine code, that which slow divisions share included."""
    path = tmp_path / "kernel.cubin"
    path.write_bytes(kernel.asm["cubin"])
    text = subprocess.run([knobs.nvidia.nvdisasm.path, path], capture_output=True, text=True, check=True).stdout
    found = re.findall(rf"^\s*/\*[0-9a-f]+\*/\s+(?:@!?U?P\d+\s+)?(?:{'|'.join(COMPUTING)})\b", text, re.MULTILINE)
    return len(found) / (2 * elements)  # in the full block and in the tail


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("order", [0, 1])
def test_pairs_compile_well(name, order, modules, tmp_path, record_property):
    kernel = compiled(modules[name], "fp32", order, 90, accurate=True)
    elements = modules[name]._BLOCK // (32 * modules[name]._OPTIONS["num_warps"])
    assert count(kernel, r"div\.rn\.f32") == 4 * elements
    assert count(kernel, r"^\s*(div\.(approx|full)|(add|sub|mul)\.f32)") == 0
    assert local_bytes(kernel, tmp_path) == 0
    instructions = computing(kernel, elements, tmp_path)
    record_property("instructions", instructions)
    print(f"{name}, order {order}: {instructions:.1f} instructions an element")
    plain = computing(compiled(modules[name], "fp32", order, 90), elements, tmp_path)
    assert 0 < plain < instructions < (SKETCHED if VARIANTS[name].emitted else 2 * SKETCHED)


def test_the_counts_can_tell(modules, tmp_path):
    """Without alignment no wide loads, with fusion on fused operations, with few registers spills."""
    module = modules["segem"]
    assert count(compiled(module, "fp32", 1, 90, aligned={}), r"ld\.global\S*\.v4") == 0
    assert count(compiled(module, "fp32", 1, 90, enable_fp_fusion=True), r"^\s*fma|(add|sub|mul)\.f32") > 0
    assert local_bytes(compiled(module, "fp32", 1, 90, maxnreg=24), tmp_path) > 0
