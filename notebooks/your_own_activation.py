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
# # Bring your own activation
#
# The tools do not know the GEM family in particular: any piecewise rational function will do, written down in a file.
# Here somebody likes ELU, and replaces its exponential by a quotient. `rational_elu.toml` says what it is and what its
# author believes:

# %%
from pathlib import Path

from gem_symbolic import emit, halves, observe, plots, verify
from gem_symbolic.spec.emission import activation
from gem_symbolic.spec.read import load

print(Path("rational_elu.toml").read_text())

# %% [markdown]
# ## What holds of it
#
# Everything in the first table is derived exactly; then the claims are decided, each by two engines. One is refuted,
# with a counterexample: the two branches agree to first order only.

# %%
status = verify.main(["--spec", "rational_elu.toml"])
print("exit status", status)
assert status == 1

# %% [markdown]
# ## A second try
#
# The tail has to follow $x$ one order further. With another quotient, $x(1 - x)/(1 - x + x^2)$, the difference from $x$
# begins with $x^3$, and nothing else is given up: it is still monotone, bounded below, and has no dead region.

# %%
status = verify.main(["--spec", "rational_elu_smooth.toml"])
print("exit status", status)
assert status == 0

# %% [markdown]
# The second derivative shows what was wrong: it jumps for the first try, and has a corner for the second one.

# %%
NAMES = {"first try": "rational_elu.toml", "second try": "rational_elu_smooth.toml"}
own = {title: activation(load(name).function(), "") for title, name in NAMES.items()}
LEFT, RIGHT = [k / 50 for k in range(-200, 1)], [k / 50 for k in range(76)]
SIDES = ((LEFT, "left"), (RIGHT, "right"))
heading = ("$f$", "$f'$", "$f''$")
shown = {
    heading[order]: {
        title: (LEFT + RIGHT, [y for xs, side in SIDES for y in observe.derivative(a, None, None, order, xs, side)])
        for title, a in own.items()
    }
    for order in range(3)
}
plots.families(shown, title="A rational ELU: value, first and second derivative", xlabel="$x$", ylabel="")

# %% [markdown]
# ## Its kernels
#
# The same generator writes them: PyTorch, Triton and C++, for value, first and second derivative. On the command line
# `--emit DIR` writes the files, reads them back, proves that they are this function, and measures them. Here is the
# largest error at each finite number of binary16, where half a unit in the last place is what correct rounding makes.

# %%
a = own["second try"]
elu = emit.load(emit.source(a), "rational_elu_smooth").rational_elu_smooth
at = halves.numbers(a, None, None, "binary16")
errors = halves.errors(at, elu)
curves = {f"{side} of 0": {"error": errors.envelope(sign)} for side, sign in (("left", -1), ("right", 1))}
plots.families(
    curves, title="binary16: the largest error in each binade", xlabel="$|x|$", ylabel="error in ulp", logs="x"
)

# %%
print(f"largest error: {errors.worst:.4f} ulp, over all {len(errors.x):,} finite numbers")
assert errors.worst < 0.501
