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

from gem_symbolic import emit, pricing
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
                computed = module._triton_apply(x, g, order, N, *constants, module._NO_PAIR)
                assert computed.dtype == dtype
                assert computed[x.isfinite()].isfinite().all()
                if dtype == torch.float32:
                    assert same(computed, plain), (module, N, eps, dtype, order)
                    if order < 2:  # in pairs: next to the plan in binary64
                        pair = module._pair_constants(N, Fraction(eps))
                        pairs = module._triton_apply(x, g, order, N, *constants, pair)
                        wide = composite(x.double(), *module._constants(N, Fraction(eps), torch.float64), N)
                        wide = (wide.float() * g if order else wide).float()
                        assert torch.allclose(pairs, wide, rtol=2e-7, atol=1e-18, equal_nan=True), (N, eps, order)
                else:  # other quotients: another number where the plain result is next to a tie
                    differ = ~((computed == plain) | computed.isnan() & plain.isnan())
                    assert differ.sum() < len(x) / 1000, (module, N, eps, dtype, order)
                    assert torch.allclose(computed, plain, rtol=2**-10, atol=2**-24, equal_nan=True)

# Strides, types of g, empty and single tensors; a full block and a tail.
module._BLOCK = 64
x, g = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.randn(2, 3, 4, 1).expand(-1, -1, -1, 5)
apply = lambda x, g: module._triton_apply(x, g, 0 if g is None else 1, 3, *constants, module._NO_PAIR)
value, gradient = module._value(x, *constants, 3), module._first(x, *constants, 3) * g
assert torch.equal(apply(x, None), value)
assert torch.equal(apply(x, g), gradient)
assert torch.equal(apply(x[:, 1:, ::2], g[:, 1:, ::2]), gradient[:, 1:, ::2])
assert torch.equal(apply(x[0, 0, 0, 0], None), value[0, 0, 0, 0])
half = (module._first(x.half().float(), *constants, 3) * g).half()
assert torch.allclose(apply(x.half(), g), half, rtol=2**-10, atol=2**-24)
assert apply(x[:0], None).shape == (0, 3, 4, 5)
"""

TYPES = ("fp16", "bf16", "fp32")
#: The plan of each kernel; "accurate" is that of binary32 in pairs.
PLANS = {"fp16": "short", "bf16": "short", "fp32": "plain", "accurate": "compensated"}
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


def compiled(module, kind, order, arch, aligned=ALIGNED, **options):
    """The kernel for N = 3 and eps = 1e-4, compiled ahead of time."""
    form = next(iter(module._FORMATS.values()))
    s, inv_s = module.scale_constants(3, Fraction(1, 10000), *form)
    pair = module.pair_constants(3, Fraction(1, 10000), *form) if kind == "accurate" else module._NO_PAIR
    constants = {"order": order, "N": 3, "s": s, "inv_s": inv_s, "block": module._BLOCK}
    constants |= zip(("s_low", "inv_s_low", "up", "down"), pair)
    pointer = "*fp32" if kind == "accurate" else f"*{kind}"
    arguments = {"x_pointer": pointer, "g_pointer": pointer, "y_pointer": pointer, "size": "i32"}
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
    *((name, "accurate", order, 90) for name in VARIANTS for order in (0, 1)),
]


@pytest.mark.parametrize(("name", "kind", "order", "arch"), CASES)
def test_kernels_compile_well(name, kind, order, arch, modules, tmp_path):
    kernel = compiled(modules[name], kind, order, arch)
    elements = modules[name]._BLOCK // (32 * modules[name]._OPTIONS["num_warps"])
    pieces = elements * int(kind[2:] if kind in TYPES else 32) // 128
    derive, _ = pricing.PLANS[PLANS[kind]]
    planned = pricing.operations(derive(VARIANTS[name], order), 3)
    assert count(kernel, r"ld\.global\S*\.v4\.b32") == pieces * (1 if order == 0 else 2)
    assert count(kernel, r"st\.global\S*\.v4\.b32") == pieces
    # In the full block and in the tail: what is planned, nothing else fused, and nothing left to fuse.
    assert count(kernel, r"div\.rn\.f32") == 2 * elements * planned["div"]
    assert count(kernel, r"^\s*fma\.rn\.f32") == 2 * elements * planned["fma"]
    assert count(kernel, r"rsqrt\.approx") == 2 * elements * planned["rsqrt"]
    assert count(kernel, r"^\s*(fma\.(?!rn\.f32)|div\.(approx|full)|(add|sub|mul)\.f32)") == 0
    assert local_bytes(kernel, tmp_path) == 0


def test_the_counts_can_tell(modules, tmp_path):
    """Without alignment no wide loads, with fusion on fused operations, with few registers spills."""
    module = modules["segem"]
    assert count(compiled(module, "fp32", 1, 90, aligned={}), r"ld\.global\S*\.v4") == 0
    assert count(compiled(module, "fp32", 1, 90, enable_fp_fusion=True), r"^\s*fma|(add|sub|mul)\.f32") > 0
    assert local_bytes(compiled(module, "fp32", 1, 90, maxnreg=24), tmp_path) > 0
