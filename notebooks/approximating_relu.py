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
# # How close to ReLU, and at what price
#
# As $\varepsilon \to 0$, E-GEM and SE-GEM turn into ReLU. Everything happens on one length, the scale
# $s = \varepsilon^{1/2N}$, so shrinking $\varepsilon$ pulls the curve towards the corner without changing its shape.
# Two theorems say what that costs:
#
# - **T6**: the $L^p$ distance to ReLU is a constant times $s^{1+1/p}$, so on log axes it is a line of slope
#   $(1 + 1/p)/(2N)$ against $\varepsilon$.
# - **T8**: the largest curvature is a constant divided by $s$, a line of slope $-1/(2N)$.
#
# In every figure the **points are observed**, by quadrature and search over the oracle, which knows nothing of the
# theorems, and the **lines are claimed**, evaluated from the closed forms.

# %%
from mpmath import inf

from gem_symbolic import observe, plots

NS = (1, 2, 3, 4)
EPS = ["1e-8", "1e-7", "1e-6", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1", "10"]
FLOATS = [float(eps) for eps in EPS]
VARIANT = "segem"

# %% [markdown]
# ## The corner
#
# SE-GEM for a few $\varepsilon$. The dip on the left is what keeps neurons alive; it shrinks with $s$.

# %%
XS = [k / 100 for k in range(-200, 121)]
SHOWN = ("10", "1", "1e-2", "1e-4")

curves = {
    f"$N = {N}$": {f"ε = {eps}": (XS, observe.derivative(VARIANT, N, eps, 0, XS, "left")) for eps in SHOWN}
    for N in NS[:3]
}
relu = (XS, [max(x, 0) for x in XS])
plots.approach(curves, relu, title="SE-GEM approaches ReLU as ε falls, the faster the smaller N is", ylabel="SE-GEM(x)")

# %% [markdown]
# ## The error falls
#
# The $L^1$, $L^2$ and $L^\infty$ distance to ReLU over the whole line. By T0, E-GEM has the same ones. For $N = 1$ and
# $p = 1$ there is no point: the tail is not integrable and the distance is infinite.

# %%
TITLES = {1: "$L^1$", 2: "$L^2$", inf: r"$L^\infty$"}
errors = {
    (p, N): [observe.lp_error(VARIANT, N, eps, p) for eps in EPS]
    for p in TITLES
    for N in NS
    if observe.claimed_lp_error(VARIANT, N, "1", p) < inf
}
claims = {(p, N): [observe.claimed_lp_error(VARIANT, N, eps, p) for eps in EPS] for p, N in errors}
laws = {
    title: {
        N: ((FLOATS, errors[p, N]), (FLOATS, claims[p, N]), f"slope {observe.slope(claims[p, N], EPS)}")
        for q, N in errors
        if q == p
    }
    for p, title in TITLES.items()
}
plots.power_laws(
    laws, title="Distance to ReLU: observed (points) and proved (lines)", xlabel="ε", ylabel="distance to ReLU"
)

# %%
worst = max(abs(e / c - 1) for key in errors for e, c in zip(errors[key], claims[key]))
print(f"largest relative difference between quadrature or search and the closed form: {worst:.1e}")
assert worst < 1e-3

# %% [markdown]
# ## The curvature rises
#
# The largest $|f''|$ against $\varepsilon$: the price of the better approximation. A larger $N$ is smoother at the
# junction and still pays more at any given scale.

# %%
bends = {N: [observe.curvature(VARIANT, N, eps) for eps in EPS] for N in NS}
bounds = {N: [float(observe.claimed(VARIANT, "T8", "supremum", N, eps)) for eps in EPS] for N in NS}
family = {N: ((FLOATS, bends[N]), (FLOATS, bounds[N]), f"slope {observe.slope(bounds[N], EPS)}") for N in NS}
plots.power_laws(
    {"": family},
    title="Curvature: observed (points) and proved (lines)",
    xlabel="ε",
    ylabel="largest |f''|",
    width=6,
)

# %% [markdown]
# ## The trade
#
# One against the other, as $\varepsilon$ runs from 10 down to 1e-8. In the sup norm the product of the two does not
# depend on $\varepsilon$ at all: the lines are parallel, of slope $-1$, and $N$ only chooses between them. The least
# curvature for a given error belongs to the smallest $N$.

# %%
paths = {N: (errors[inf, N], bends[N]) for N in NS}
plots.trade_off(
    paths,
    [f"ε = {eps}" if eps in ("1e-8", "1e-4", "1") else "" for eps in EPS],
    title="What a smaller distance costs in curvature",
    xlabel="largest distance to ReLU",
    ylabel="largest |f''|",
)
