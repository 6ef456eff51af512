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
# # Where gradients die
#
# A hidden unit is **dead** when no example sends a gradient through it: whatever the loss says, the weights behind it
# stay as they are. Theorem **T4** says for which activations that can happen: the derivative of GEM and of E-GEM is 0
# on all of $x \le 0$, as that of ReLU is, and the derivative of SE-GEM is 0 at one single point of the left half.

# %%
from torch.nn import GELU, ReLU

from gem_symbolic import deadunits, observe, plots
from gem_symbolic.nn import EGEM, GEM, SEGEM

N, EPS = 2, "1e-2"

# %% [markdown]
# ## The derivative
#
# On the left of 0 the derivative of SE-GEM leaves 1, passes through 0 once and comes back from below. It never is 0
# again, though it fades like $|x|^{-2N}$.

# %%
XS = [k / 100 for k in range(-200, 151)]
slopes = {
    "GEM": {"f'": (XS, observe.derivative("gem", N, 1, 1, XS, "left"))},
    "E-GEM": {"f'": (XS, observe.derivative("egem", N, EPS, 1, XS, "left"))},
    "SE-GEM": {"f'": (XS, observe.derivative("segem", N, EPS, 1, XS, "left"))},
}
dead = {"GEM": [(-2, 0)], "E-GEM": [(-2, 0)]}
plots.families(
    slopes, title="The derivative, and where it is 0 throughout (shaded)", xlabel="$x$", ylabel="$f'(x)$", spans=dead
)

# %% [markdown]
# ## A small network
#
# Two inputs, two hidden layers of 64 units, one output, trained on 256 points by gradient descent with momentum, at a
# learning rate that is on the high side. A unit counts as dead when the derivative is exactly 0, in binary32, at its
# pre-activation for every one of the 256 points. Five seeds; the same data and the same first weights for all.

# %%
SEEDS, STEPS, RATE = range(5), 400, 0.02
ACTIVATIONS = {"ReLU": ReLU(), "GEM": GEM(N), "E-GEM": EGEM(N, EPS), "SE-GEM": SEGEM(N, EPS), "GELU": GELU()}
runs = {name: list(deadunits.runs(f, SEEDS, STEPS, RATE)) for name, f in ACTIVATIONS.items()}
deaths = {name: [(range(STEPS), run.dead) for run in found] for name, found in runs.items()}
plots.strands(deaths, title="Dead units, of 128, while the network is trained", xlabel="step", ylabel="dead units")

# %% [markdown]
# Units die with ReLU, GEM and E-GEM, which are constant on a half-line: fewest with GEM, whose scale is 1. Some come
# back, when the layer before them moves. With SE-GEM none dies, as T4 says, and none with GELU.

# %%
print("dead units at the end, by seed; the mean loss; the smallest of the units' largest derivatives")
for name, found in runs.items():
    ends, loss = [run.dead[-1] for run in found], sum(run.loss[-1] for run in found) / len(found)
    print(f"{name:8} {ends!s:22} {loss:8.3f} {min(min(run.margin) for run in found):10.2g}")
assert not any(dead for run in runs["SE-GEM"] for dead in run.dead)
assert all(any(run.dead[-1] for run in runs[name]) for name in ("ReLU", "GEM", "E-GEM"))

# %% [markdown]
# ## What the theorem does not say
#
# T4 is a statement about real numbers. Far out the derivative of SE-GEM is smaller than any number of a type, and
# rounds to 0: in binary16, for $N = 3$ and $\varepsilon = 10^{-4}$, from $x = -5.0625$ on. The table of such points,
# for each type, stands in `codegen/VALUES.md`. And this is one small network: how many units die elsewhere depends on
# the data, the depth, the normalisation and the learning rate.
