# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What half precision does
#
# The definition, typed into PyTorch as it stands, is correct on paper. In a 16-bit type its powers overflow, and
# infinity divided by infinity is NaN. Here is every finite number of binary16 and of bfloat16, with the formula as it
# is typed and with our kernel, each compared with the oracle: the figures are **exhaustive**. An error of half a unit
# in the last place (ulp) is what correct rounding makes.

# %%
from functools import partial

from gem_symbolic import functional, halves, plots
from gem_symbolic.contenders import formula
from gem_symbolic.definitions import EGEM, SEGEM

N, EPS = 2, "1e-4"
typed = {a.title: partial(formula, a, N, float(EPS)) for a in (EGEM, SEGEM)}
ours = {a.title: partial(getattr(functional, a.name), N=N, eps=EPS) for a in (EGEM, SEGEM)}

# %% [markdown]
# ## binary16
#
# The largest error in each binade of $|x|$. E-GEM on the right of 0, SE-GEM on the left, which is where they differ
# from 0 and from $x$. In the shaded part nothing is left: the result is NaN or an infinity.

# %%
SIDES = {"E-GEM": 1, "SE-GEM": -1}
at = {a.title: halves.numbers(a, N, EPS, "binary16") for a in (EGEM, SEGEM)}
errors = {
    title: {"typed": halves.errors(at[title], typed[title]), "ours": halves.errors(at[title], ours[title])}
    for title in at
}
curves = {title: {name: e.envelope(SIDES[title]) for name, e in found.items()} for title, found in errors.items()}
lost = {
    title: [(abs(a), abs(b)) for a, b in found["typed"].gaps if a * SIDES[title] > 0] for title, found in errors.items()
}
plots.families(
    curves,
    title=f"binary16, N = {N}, ε = {EPS}: error of the formula as it is typed, and of the kernel",
    xlabel="$|x|$",
    ylabel="largest error in ulp",
    logs="xy",
    bottom=0.1,
    spans=lost,
)

# %%
for title, found in errors.items():
    for name, e in found.items():
        print(f"{title:7} {name:6} {e.share:6.1%} of the finite numbers lost, else at most {e.worst:8.4f} ulp")
assert all(found["ours"].share == 0 and found["ours"].worst < 0.501 for found in errors.values())

# %% [markdown]
# The errors of some thousand ulp on the left of SE-GEM come from $1 - F$, where $F$ has been rounded: all leading
# digits cancel. Nothing can be repaired afterwards. The plan that is compiled computes the survival function itself.

# %% [markdown]
# ## bfloat16, and larger N
#
# bfloat16 has the range of binary32 and 8 bits, so that less overflows, and less is left where nothing does. A larger
# $N$ makes more of the line overflow.

# %%
for format in ("binary16", "bfloat16"):
    for n in (1, 2, 3, 4):
        numbers = halves.numbers(EGEM, n, EPS, format)
        a = halves.errors(numbers, partial(formula, EGEM, n, float(EPS)))
        b = halves.errors(numbers, partial(functional.egem, N=n, eps=EPS))
        print(
            f"{format:8}  N = {n}   typed: {a.share:5.1%} lost, the first at x = {a.first:9.3g},"
            f" else {a.worst:8.1f} ulp   ours: {b.share:.0%} lost, {b.worst:.4f} ulp"
        )
