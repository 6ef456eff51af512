"""C++ sources read back: what is emitted is its definition, by the operations of its plans; what is altered is not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from altered import calls

from gem_symbolic import emit, kernelcheck, native
from gem_symbolic.definitions import EGEM, GEM, SEGEM, SEGEM_GATED, VARIANTS, Branch
from gem_symbolic.prover import PROVED
from gem_symbolic.readback import program
from gem_symbolic.readback.entries import KNOWN, flags
from gem_symbolic.readback.regions import REGIONS
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.validate import OPERATIONS, main, validate_native

TEXT = emit.native(SEGEM)
CODEGEN = Path(__file__).resolve().parent.parent / "codegen"
FEW = (2,)
ACTIVATIONS = [*VARIANTS.values(), replace(GEM, name="gem_1_3", parameters=EGEM.at(eps="1/3"))]


def refused(text, activation=SEGEM, Ns=FEW):
    """Why a source is refused; empty where it is not."""
    try:
        found = validate_native(text, activation, Ns)
    except ValidationError as error:
        return str(error)
    return found.refuted[0].why if found.refuted else ""


def altered(old, new, text=TEXT, count=1):
    assert old in text, f"{old!r} is not in the source any more"
    return text.replace(old, new, count)


# --- What is right ---


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_what_is_emitted_is_its_definition(activation):
    found = validate_native(emit.native(activation), activation)
    assert not found.refuted
    assert found.equal
    assert found.Ns == tuple(range(1, 9))
    places = [*(r.name for r in REGIONS), OPERATIONS]
    counts = {"": 3, ", wide": 3, ", in pairs": 2}
    names = ("value", "first derivative", "second derivative")
    orders = [name + plan for plan, count in counts.items() for name in names[:count]]
    proved = {(f.order, f.where) for f in found.findings}
    assert proved == {(o, p) for o in orders for p in places} | {("all", e.name) for e in KNOWN} | {("all", "flags")}


def test_reading_a_source_is_quick():
    validate_native(TEXT, SEGEM)
    assert calls(lambda: validate_native(TEXT, SEGEM)) < 6_000_000  # 4 million were seen


RIGHT = {
    "a local is renamed": (r"\bratio\b", "share"),
    "a parameter is renamed": (r"\binv_s\b", "inverse_of_s"),
    "a function is renamed": (r"\bsecond\b", "curvature"),
    "a type is renamed": (r"\bCompensated\b", "Accurate"),
    "comments are dropped": (r"//.*", ""),
    "spaces": (r" \* ", "*"),
    "summands change places": (r"\b1 \+ u;", "u + 1;"),
    "factors change places": (r"\bw \* w;", "(w)*w;"),
    "commuted": (r"d \* d \* d", "d * (d * d)"),
    "a comparison from the other side": (r"t <= s;", "s >= t;"),
    "a stride times the row": (r"row \* (\w+_stride)", r"\1 * row"),
    "what is asked first": (r"bias && g", "g && bias"),
    "x is added to bias": (r"double\(x\[i\]\) \+ double\(bias\[i\]\)", "double(bias[i]) + double(x[i])"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_changes_nothing_is_accepted(case):
    text = re.sub(*RIGHT[case], TEXT)
    assert text != TEXT
    assert not refused(text)


def test_the_sweep_compiles_what_is_read():
    text = emit.native(SEGEM, "sweep.cpp.j2", edges=[0.5, 1], room=4096, coarse="0x1p-40", window="0x1p-60")
    assert text.startswith(TEXT)


def test_the_block_of_16_bit_types_is_that_of_the_template():
    template = (Path(emit.__file__).parent / "templates" / emit.CPP.template).read_text()
    read = program.load(TEXT)
    assert all(read.block[name].text in template for name in program.BLOCK)


def test_the_flags():
    assert not flags(native.FLAGS)
    assert "fused" in flags([f for f in native.FLAGS if f != "-ffp-contract=off"])
    for flag in ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-ffp-contract=fast", "-mfpmath=387"):
        assert flag in flags([*native.FLAGS, flag])
    found = validate_native(TEXT, SEGEM, FEW, [*native.FLAGS, "-ffast-math"])
    assert [f.where for f in found.refuted] == ["flags"]


# --- What is wrong ---

WIDE_AT_X, WIDE_AT_BIAS = "wide<order>(double(x[i]), s, inv_s)", "wide<order>(double(x[i]) + double(bias[i]), s, inv_s)"
WIDE = f"y[i] = Type({WIDE_AT_X});"
WRONG = {
    # constants and operations of the functions
    "a digit": ("1 - (2 * N - 1) * u", "1 - (2 * N - 2) * u"),
    "a digit in pairs": ("scaled(2 * N - 1, u, u_low)", "scaled(2 * N - 2, u, u_low)"),
    "a sum in another order": ("low = b - (high - a) + b_low", "low = b - (high - a - b_low)"),
    "a sum that is associated": ("a - (high - part) + (b - part) + b_low", "a - (high - part) + (b - part + b_low)"),
    "an fma in two": (
        "fma(a, b_low, fma(a_low, b, fma(a, b, -high)))",
        "a * b_low + fma(a_low, b, fma(a, b, -high))",
    ),
    "a product that is fused": ("const auto d = 1 + u;", "const auto d = std::fma(w, w, 1);"),
    "a low part is dropped": ("product(w, w_low, w, w_low)", "scaled(w, w, w_low)"),
    "a low part is another": ("select(inside, inner_low, outer_low)", "select(inside, outer_low, outer_low)"),
    "swapped branches": ("select(inside, inner, outer)", "select(inside, outer, inner)"),
    "swapped sides": ("select(x < 0, -ratio, x)", "select(x < 0, x, -ratio)"),
    "< for <=": ("inside = t <= s", "inside = t < s"),
    "<= for <": ("select(x < 0, -ratio, x)", "select(x <= 0, -ratio, x)"),
    "x for |x|": ("t = abs(x)", "t = x"),
    "a multiplication less": ("u = chain(w2, w2, N - 1)", "u = chain(w2, w2, N - 2)"),
    "a product less in pairs": (
        "pair_chain(w2, w2_low, w2, w2_low, N - 1)",
        "pair_chain(w2, w2_low, w2, w2_low, N - 2)",
    ),
    "a quotient by a product": ("ratio = top / d;", "ratio = top * (1 / d);"),
    "reassociated": (
        "outer = v * u * (2 * N * (2 * N + 1) * u - 2 * N * (2 * N - 1));",
        "outer = v * (u * (2 * N * (2 * N + 1) * u - 2 * N * (2 * N - 1)));",
    ),
    "s for 1/s": ("v = inv_s * w", "v = s * w"),
    "a correction is dropped": ("select(ratio == ratio, ratio, a)", "select(ratio == ratio, a, a)"),
    "a NaN is passed on": ("return select(ratio == ratio, ratio, a);", "return ratio;"),
    "another residual": ("fma(near, fma(-b, near, 1), near)", "fma(near, fma(-b, near, 2), near)"),
    "up for down": ("far * down)", "far * up)"),
    "no down": ("-(ratio * down)", "-ratio"),
    "swapped fields": ("T high, low;", "T low, high;"),
    "a case for one N": ("const auto d = 1 + u;", "const auto d = N == 2 ? u : 1 + u;"),
    "a case for N beyond": ("const auto d = 1 + u;", "const auto d = N == 30 ? u : 1 + u;"),
    "a type that there is none of": ("static Pair raised(T a,", "static Pair raised(a a,"),
    # helpers
    "select": ("condition ? std::common_type_t<A, B>(yes)", "!condition ? std::common_type_t<A, B>(yes)"),
    "select the other": (
        "? std::common_type_t<A, B>(yes) : std::common_type_t<A, B>(no)",
        "? std::common_type_t<A, B>(no) : std::common_type_t<A, B>(yes)",
    ),
    "reciprocal": ("return root * root;", "return root;"),
    "reciprocal of another": ("1 / std::sqrt(b)", "1 / b"),
    "chain": ("a = a * b;", "a = a * a;"),
    "chain with a round less": ("i < k; ++i) a = a * b", "i < k - 1; ++i) a = a * b"),
    "chain from 1": ("int64_t i = 0; i < k; ++i) a = a * b", "int64_t i = 1; i < k; ++i) a = a * b"),
    "chain from the other side": ("i < k; ++i) a = a * b", "i < k; --i) a = a * b"),
    "fma in two": (
        "fma(float a, float b, float c) { return std::fma(a, b, c); }",
        "fma(float a, float b, float c) { return a * b + c; }",
    ),
    "fma in double": (
        "float fma(float a, float b, float c) { return std::fma(a, b, c); }",
        "float fma(float a, float b, float c) { return std::fma(double(a), b, c); }",
    ),
    "an fma that is rounded twice": (
        "float fma(float a, float b, float c) { return std::fma(a, b, c); }",
        "float fma(float a, float b, float c) { return float(std::fma(double(a), double(b), double(c))); }",
    ),
    "the fma of binary64": ("inline float fma(float a, float b, float c) { return std::fma(a, b, c); }\n", ""),
    "pair_chain": ("found.low, b, b_low)", "found.high, b, b_low)"),
    "abs": ("using std::abs;", "template <class T>\ninline T abs(T x) { return x; }"),
    "the residual of a quotient": ("fma(fma(-guess, b, a), inverse, guess)", "fma(fma(-guess, b, b), inverse, guess)"),
    # the way there
    "the order of a switch": ("case 1: fill<1>", "case 1: fill<2>"),
    "the order of the pairs": ("case 1: at.fill<1>", "case 1: at.fill<0>"),
    "the order of a derivative": ("(order == 1) return first", "(order == 1) return second"),
    "the order of a derivative in pairs": ("(order == 1) return first(x);", "(order == 1) return value(x);"),
    "no end of a case": ("fill<0>(x, g, y, size, s, inv_s); return 0;", "fill<0>(x, g, y, size, s, inv_s);"),
    "another status": ("fill<0>(x, g, y, size, s, inv_s); return 0;", "fill<0>(x, g, y, size, s, inv_s); return 1;"),
    "no status": ("    }\n    return 1;\n", "    }\n    return 0;\n"),
    "an order too many": (
        "    }\n    return 1;\n",
        "        case 3: fill<2>(x, g, y, size, s, inv_s); return 0;\n    }\n    return 1;\n",
    ),
    "an order of its own": ("    switch (order) {", "    if (order == 7) return 0;\n    switch (order) {"),
    "an order of 64 bits": ("std::int64_t size, int order", "std::int64_t size, std::int64_t order"),
    "a size of 32 bits": ("std::int64_t size, int order", "int size, int order"),
    "a status of 64 bits": ("int wide_binary32(", "std::int64_t wide_binary32("),
    "swapped constants": ("case 2: fill<2>(x, g, y, size, s, inv_s)", "case 2: fill<2>(x, g, y, size, inv_s, s)"),
    "swapped parameters": ("int order, binary64 s, binary64 inv_s", "int order, binary64 inv_s, binary64 s"),
    "swapped constants of the pairs": ("at = {s, inv_s, s_low,", "at = {inv_s, s, s_low,"),
    "swapped fields of the pairs": ("T s, inv_s, s_low,", "T s, s_low, inv_s,"),
    "another type of an entry": (
        "wide_bfloat16(const bfloat16* x, const bfloat16* bias, const bfloat16* g, bfloat16* y",
        "wide_bfloat16(const binary16* x, const binary16* bias, const binary16* g, binary16* y",
    ),
    "another type that computes": (
        "binary64* y, std::int64_t size, int order, binary64 s, binary64 inv_s",
        "binary64* y, std::int64_t size, int order, binary32 s, binary32 inv_s",
    ),
    "computed in another type": (WIDE, "y[i] = Type(derivative<order>(float(x[i]), float(s), float(inv_s)));"),
    "rounded twice": (WIDE, "y[i] = Type(double(float(wide<order>(double(x[i]), s, inv_s))));"),
    "rounded before g": (f"Type({WIDE_AT_X} * double(g[i]))", f"Type({WIDE_AT_X}) * g[i]"),
    "not rounded": (WIDE, f"y[i] = {WIDE_AT_X};"),
    "g is dropped": (f"{WIDE_AT_X} * double(g[i]));", f"{WIDE_AT_X});"),
    "g is dropped in the type of x": ("derivative<order>(x[i], s, inv_s) * g[i]", "derivative<order>(x[i], s, inv_s)"),
    "g is dropped in pairs": ("derivative<order>(x[i]) * g[i]", "derivative<order>(x[i])"),
    "g twice": (" * double(g[i]));", " * double(g[i]) * double(g[i]));"),
    "x for g": (" * double(g[i]));", " * double(x[i]));"),
    # bias
    "bias for g": (" * double(g[i]));", " * double(bias[i]));"),
    "bias is dropped": (f"Type({WIDE_AT_BIAS} * double(g[i]))", f"Type({WIDE_AT_X} * double(g[i]))"),
    "bias is dropped without g": (f"Type({WIDE_AT_BIAS});", f"Type({WIDE_AT_X});"),
    "bias is subtracted": ("double(x[i]) + double(bias[i])", "double(x[i]) - double(bias[i])"),
    "bias is added in another type": ("double(x[i]) + double(bias[i])", "double(x[i] + bias[i])"),
    "bias is added to what is rounded": (f"Type({WIDE_AT_BIAS});", f"Type({WIDE_AT_X} + double(bias[i]));"),
    "bias at another index": ("double(bias[i])", "double(bias[0])"),
    "g is added, bias is a factor": (
        f"Type({WIDE_AT_BIAS} * double(g[i]))",
        f"Type({WIDE_AT_BIAS.replace('bias', 'g')} * double(bias[i]))",
    ),
    "bias where there is none": ("} else if (bias) {", "} else if (g) {"),
    "bias where there is one of both": ("if (bias && g) {", "if (bias) {"),
    "both where there are both or one": ("if (bias && g) {", "if (bias || g) {"),
    # rows
    "a row less": ("row < rows;", "row < rows - 1;"),
    "from the second row": ("std::int64_t row = 0;", "std::int64_t row = 1;"),
    "as many rows as columns": ("row < rows;", "row < columns;"),
    "every other row": ("row < rows; ++row", "row < rows; row += 2"),
    "one row": ("for (std::int64_t row = 0; row < rows; ++row) {", "for (std::int64_t row = 0; row < 1; ++row) {"),
    "rows of 32 bits": ("(std::int64_t row = 0;", "(int row = 0;"),
    "as many columns as rows": ("y + row * y_stride, columns, s", "y + row * y_stride, rows, s"),
    "a column less": ("y + row * y_stride, columns, s", "y + row * y_stride, columns - 1, s"),
    "the stride of another": ("x + row * x_stride, bias", "x + row * y_stride, bias"),
    "the columns for a stride": ("x + row * x_stride, bias", "x + row * columns, bias"),
    "the same row of x": ("x + row * x_stride, bias", "x, bias"),
    "the same row of g": ("g ? g + row * g_stride : g", "g"),
    "the same row of y": ("y + row * y_stride, columns", "y, columns"),
    "the row of another": ("y + row * y_stride, columns", "y + row * x_stride, columns"),
    "the next row": ("x + row * x_stride, bias", "x + (row + 1) * x_stride, bias"),
    "a row further": ("x + row * x_stride, bias", "x + row * x_stride + x_stride, bias"),
    "a stride too far": ("x + row * x_stride, bias", "x + x_stride, bias"),
    "bias is moved": ("x_stride, bias, g ?", "x_stride, bias + row * x_stride, g ?"),
    "no g": ("g ? g + row * g_stride : g", "g ? g : g + row * g_stride"),
    "x for y": ("x + row * x_stride, bias", "y + row * y_stride, bias"),
    "strides are swapped": ("columns, x_stride, g_stride, y_stride, s", "columns, g_stride, x_stride, y_stride, s"),
    "rows and columns are swapped": ("y, rows, columns, x_stride", "y, columns, rows, x_stride"),
    "bias and g are swapped": ("wide_rows<0>(x, bias, g, y", "wide_rows<0>(x, g, bias, y"),
    "parameters of an entry are swapped": ("binary16* bias, const binary16* g,", "binary16* g, const binary16* bias,"),
    "another order over rows": ("case 1: wide_rows<1>", "case 1: wide_rows<0>"),
    "no status over rows": (
        "x_stride, g_stride, y_stride, s, inv_s); return 0;",
        "x_stride, g_stride, y_stride, s, inv_s);",
    ),
    "rows twice": (
        "    }\n}\n\n// The gradients",
        "    }\n    wide_fill<order>(x, bias, g, y, columns, s, inv_s);\n}\n\n// The gradients",
    ),
    # the wide plan
    "the plain plan": ("return wide_value(x, s, inv_s)", "return value(x, s, inv_s)"),
    "another order of the wide plan": ("return wide_first(x, s, inv_s)", "return wide_value(x, s, inv_s)"),
    "the wide plan has an order too many": (
        "return second(x, s, inv_s);\n}\n\n// In pairs",
        "return wide_first(x, s, inv_s);\n}\n\n// In pairs",
    ),
    "a digit of the wide plan": ("q * (q - (2 * N - 1) * p)", "q * (q - (2 * N + 1) * p)"),
    "another root": ("const auto r = t * inv_s;", "const auto r = t * s;"),
    "a quotient by s": ("const auto r = t * inv_s;", "const auto r = t / s;"),
    "no care at infinity": ("-select(far, 0, t * q)", "-(t * q)"),
    "no care of p at infinity": ("p = select(far, 1, u * q);", "p = u * q;"),
    "another end": ("p = select(far, 1, u * q);", "p = select(far, 0, u * q);"),
    "care at another place": ("far = q == 0;", "far = u == 0;"),
    "care everywhere": ("far = q == 0;", "far = q <= 1;"),
    "one less p": ("p = select(far, 1, u * q);", "p = select(far, 1, 1 - q);"),
    "a multiplication less in the wide plan": ("u = chain(r2, r2, N - 1)", "u = chain(r2, r2, N - 2)"),
    # gradients
    "g and w are swapped": ("wide<0>(at, s, inv_s) * from", "wide<0>(at, s, inv_s) * up"),
    "outputs are swapped": (
        "x_grad + row * x_grad_stride, g_grad + row * g_grad_stride",
        "g_grad + row * g_grad_stride, x_grad + row * x_grad_stride",
    ),
    "one output": ("        g_grad[i] = Type(wide<0>(at, s, inv_s) * from);\n", ""),
    "one output twice": ("g_grad[i] = Type(wide<0>", "x_grad[i] = Type(wide<0>"),
    "orders of the gradients are swapped": ("x_grad[i] = Type(wide<1>", "x_grad[i] = Type(wide<0>"),
    "another order of the products": ("* (up * from));", "* up * from);"),
    "w is dropped": ("* (up * from));", "* up);"),
    "another plan of the gradients": ("Type(wide<0>(at, s, inv_s) * from)", "Type(derivative<0>(at, s, inv_s) * from)"),
    "gradients in another type": (
        "Type(wide<0>(at, s, inv_s) * from)",
        "Type(derivative<0>(float(x[i]), float(s), float(inv_s)) * float(w[i]))",
    ),
    "an element is read when one is written": (
        "Type(wide<0>(at, s, inv_s) * from)",
        "Type(wide<0>(at, s, inv_s) * double(w[i]))",
    ),
    "gradients of the same row": ("w + row * w_stride, x_grad", "w, x_grad"),
    "the stride of another gradient": ("g_grad + row * g_grad_stride", "g_grad + row * x_grad_stride"),
    "w for g": (
        "wide_gradients(x + row * x_stride, g + row * g_stride, w + row * w_stride",
        "wide_gradients(x + row * x_stride, w + row * w_stride, g + row * g_stride",
    ),
    "a status of gradients": ("columns, s, inv_s);\n    }\n    return 0;", "columns, s, inv_s);\n    }\n    return 1;"),
    "g where there is none": ("if (g) {", "if (x) {"),
    "a loop from 1": (
        "(std::int64_t i = 0; i < size; ++i) y[i] = Type",
        "(std::int64_t i = 1; i < size; ++i) y[i] = Type",
    ),
    "a loop of gradients from 1": (
        "(std::int64_t i = 0; i < size; ++i) {",
        "(std::int64_t i = 1; i < size; ++i) {",
    ),
    "a loop in pairs from 1": (
        "(std::int64_t i = 0; i < size; ++i) y[i] = d",
        "(std::int64_t i = 1; i < size; ++i) y[i] = d",
    ),
    "an element too many": ("i < size; ++i) y[i] = Type", "i <= size; ++i) y[i] = Type"),
    "an element too few": ("i < size; ++i) y[i] = Type", "i < size - 1; ++i) y[i] = Type"),
    "every other element": ("++i) y[i] = Type", "i += 2) y[i] = Type"),
    "one element": ("++i) y[i] = Type", "++i) y[0] = Type"),
    "an index of 32 bits": (
        "(std::int64_t i = 0; i < size; ++i) y[i] = Type",
        "(int i = 0; i < size; ++i) y[i] = Type",
    ),
    "the other array": ("case 0: fill<0>(x, g, y, size", "case 0: fill<0>(g, g, y, size"),
    "the size is another": ("case 0: fill<0>(x, g, y, size", "case 0: fill<0>(x, g, y, 2"),
    "a format": ("Short<8, -126, 127>", "Short<8, -126, 126>"),
    "two formats are swapped": ("using binary16 = Short<11, -14, 15>", "using binary16 = Short<8, -126, 127>"),
    "binary32 is double": ("using binary32 = float", "using binary32 = double"),
    "the rounding to 16 bits": ("(half - 1)", "half"),
    "the rounding of subnormal numbers": ("precision + 53 + 1023", "precision + 52 + 1023"),
    "the bits of another number": ("std::memcpy(&to, &from, sizeof to);", "std::memcpy(&to, &from, 1);"),
    "an entry less": ("int plain_binary64(", "int other_binary64("),
    # what is not known
    "an extra statement": ("    const auto d = 1 + u;\n", "    const auto d = 1 + u;\n    std::fesetround(1);\n"),
    "an assignment": ("    const auto d = 1 + u;\n", "    auto d = 1 + u;\n    d += u;\n"),
    "a second store": ("y[i] = derivative<order>(x[i]);", "{ y[i] = derivative<order>(x[i]); y[i] = x[i]; }"),
    "a store to what is read": ("y[i] = derivative<order>(x[i]);", "x[i] = derivative<order>(x[i]);"),
    "a statement after the return": (
        "    return select(x < 0, -ratio, x);\n",
        "    return select(x < 0, -ratio, x);\n    return x;\n",
    ),
    "a function that nobody calls": ("// f(x), in", "inline double other(double x) { return x; }\n\n// f(x), in"),
    "a second meaning": ("// f(x), in", "template <class T>\ninline T abs(T x) { return x; }\n\n// f(x), in"),
    "an include": ("#include <cmath>", '#include <cmath>\n#include "other.h"'),
    "a macro": ("#include <cmath>", "#include <cmath>\n#define abs(x) (x)"),
    "another N": ("constexpr std::int64_t N = GEM_N;", "constexpr std::int64_t N = GEM_N + 1;"),
    "a pragma": ("#pragma GCC unroll 64", '#pragma GCC optimize("fast-math")'),
    "a pragma of the file": ("namespace {", "#pragma STDC FP_CONTRACT ON\nnamespace {"),
    "an attribute": ("[[maybe_unused]] T s", "[[other]] T s"),
    "an attribute of a function": ("inline T value(", '__attribute__((optimize("fast-math"))) inline T value('),
    "a spliced line": ("// within the scale", "// within the scale \\"),
    "a float": ("const auto d = 1 + u;", "const auto d = 1.0 + u;"),
    "a number in base 8": ("case 1: fill", "case 01: fill"),
    "an integer quotient": ("2 * N - 1", "4 * N / 2 - 1"),
    "an integer that is too large": ("(2 * N - 1) * u", "(2147483647 + 2147483647) * u"),
    "a mixed type": ("T root = 1 / std::sqrt(b)", "float root = 1 / std::sqrt(b)"),
    "a function of another library": ("1 / std::sqrt(b)", "1 / std::cbrt(b)"),
    "no C++": ("const auto d = 1 + u;", "const auto d = 1 + ;"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_altered_is_refused(case):
    assert refused(altered(*WRONG[case]))


def test_an_fma_that_is_declared_too_late_is_another():
    """Where it is used, the one of the C library is meant, which computes in binary64."""
    lines = [line for line in TEXT.splitlines(keepends=True) if re.match(r"inline (float|double) fma\(", line)]
    text = TEXT
    for line in lines:
        text = text.replace(line, "")
    place = text.index("}  // namespace")
    assert "declared later" in refused(text[:place] + "".join(lines) + text[place:])


@pytest.mark.parametrize("case", ["< for <=", "reassociated", "an fma in two", "a sum that is associated"])
def test_equal_over_the_reals_is_not_enough(case):
    found = validate_native(altered(*WRONG[case]), SEGEM, FEW)
    assert found.equal
    assert {f.where for f in found.refuted} == {OPERATIONS}


def test_a_function_that_calls_itself():
    assert refused(altered("return root * root;", "return reciprocal(root) * root;"))


def test_a_refusal_names_line_and_text():
    text = altered("const auto d = 1 + u;", "const auto d = 1.0 + u;")
    line = 1 + text[: text.index("1.0 + u")].count("\n")
    why = "an operation in binary32, literal, not in binary32"
    with pytest.raises(ValidationError, match=rf"^line {line}: const auto d = 1.0 \+ u;: {why}$"):
        validate_native(text, SEGEM)


def test_a_refutation_says_where():
    found = validate_native(altered("const auto d = 1 + u;", "const auto d = 2 + u;"), SEGEM)
    assert {f.order for f in found.refuted} == {"value"}
    assert "-s < x < 0" in {f.where for f in found.refuted}
    assert found.refuted[0].why.startswith("N = 1: plain_binary32")


@pytest.mark.parametrize(
    "activation",
    [
        replace(SEGEM, branches=(Branch("x <= 0", "2*x*S"), SEGEM.branches[1])),
        replace(SEGEM, where={**SEGEM.where, "S": "F"}),
        replace(SEGEM_GATED, name="segem"),
        replace(EGEM, name="segem"),
        replace(SEGEM, parameters=SEGEM.at(eps="1")),
    ],
    ids=lambda a: " ".join(b.expr for b in a.branches),
)
def test_another_definition_refuses_the_source(activation):
    same = "eps" in {p.name for p in activation.parameters if p.fixed}  # a fixed scale is that of the constants
    assert bool(refused(TEXT, activation)) != same


# --- Where it is used ---


def test_the_command_line(tmp_path, capsys):
    (tmp_path / "segem.cpp").write_text(TEXT)
    assert main([str(tmp_path / "segem.cpp")]) == 0
    assert "C++" in capsys.readouterr().out
    (tmp_path / "segem.cpp").write_text(altered("const auto d = 1 + u;", "const auto d = 2 + u;"))
    assert main([str(tmp_path / "segem.cpp")]) == 1
    (tmp_path / "segem.cpp").write_text(altered("const auto d = 1 + u;", "const auto d = 1.0 + u;"))
    assert main([str(tmp_path / "segem.cpp")]) == 1
    assert "1.0 + u" in capsys.readouterr().err


def test_what_is_shipped_is_read_back(monkeypatch):
    assert kernelcheck.native_text(SEGEM) == (CODEGEN / "segem.cpp").read_text(encoding="utf-8")
    assert kernelcheck.native_text(SEGEM_GATED) == emit.native(SEGEM_GATED)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(FileNotFoundError, match=r"segem\.cpp is missing; `make codegen` writes it"):
        kernelcheck.native_text(SEGEM)


def test_verify_has_the_claims():
    claims = list(kernelcheck.read_back_native(SEGEM, 11))
    assert [(c["id"], c["status"]) for c in claims] == [("kernels.c++", PROVED), ("kernels.c++.operations", PROVED)]
    assert "11" in claims[0]["statement"]


def test_a_claim_that_is_refuted_says_why(monkeypatch):
    monkeypatch.setattr(kernelcheck, "native_text", lambda a: altered(*WRONG["an fma in two"]))
    first, second = kernelcheck.read_back_native(SEGEM, 2)
    assert first["status"] == PROVED
    assert "performs" in second["counterexample"]
    monkeypatch.setattr(kernelcheck, "native_text", lambda a: altered(*WRONG["a pragma"]))
    (only,) = kernelcheck.read_back_native(SEGEM, 2)
    assert "pragma" in only["counterexample"]
