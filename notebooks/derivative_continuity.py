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
# # Where SE-GEM stops being smooth
#
# SE-GEM is the identity on the right of 0 and a rational tail on the left. The two branches meet so well that
# every derivative up to order $2N$ agrees at 0. The next one does not: theorem **T2** says that it jumps, and by
# exactly $(2N+1)!/\varepsilon$.
#
# Every number below comes from the oracle, which differentiates the definition itself in ball arithmetic and, at the
# junction, in exact rational arithmetic. Here $\varepsilon = 1$; another $\varepsilon$ stretches both axes and divides
# the jump.

# %%
from gem_symbolic import observe, plots

VARIANT, EPS, NS = "segem", 1, (1, 2, 3, 4)

# %% [markdown]
# ## Every derivative, from both sides
#
# A row for each $N$, a panel for each order, aligned on the right at order $2N+1$. The left branch is blue, the right
# one orange. The window shrinks to a tenth of the scale on either side, and each panel has its own vertical axis: what
# matters is whether the two curves meet.

# %%
LEFT = [-k / 400 for k in range(40, -1, -1)]
RIGHT = [-x for x in reversed(LEFT)]

sides = {
    N: {
        order: (
            (LEFT, observe.derivative(VARIANT, N, EPS, order, LEFT, "left")),
            (RIGHT, observe.derivative(VARIANT, N, EPS, order, RIGHT, "right")),
        )
        for order in range(2 * N + 2)
    }
    for N in NS
}
jumps = {N: f"{int(observe.jump(VARIANT, N, EPS, 2 * N + 1)):,}" for N in NS}
plots.junctions(sides, jumps, title="SE-GEM: each derivative up to order 2N is continuous at 0, the next one jumps")

# %% [markdown]
# ## At the junction itself
#
# The same one-sided derivatives at $x = 0$, divided by $k!$ so that they fit on one axis: these are the Taylor
# coefficients of the two branches. The rings (left) and dots (right) coincide until $k = 2N+1$.

# %%
taylor = {N: {k: observe.taylor(VARIANT, N, EPS, k) for k in range(2 * N + 2)} for N in NS}
plots.stairs(taylor, title="SE-GEM: Taylor coefficients at 0 from either side")

# %% [markdown]
# ## The exact jump
#
# The oracle's jump and the one that T2 claims, for other values of $\varepsilon$ too. They agree digit for digit.

# %%
for eps in ("1", "1/8", "1e-4"):
    for N in NS:
        seen, claim = observe.jump(VARIANT, N, eps, 2 * N + 1), observe.claimed_jump(VARIANT, N, eps)
        print(f"eps = {eps:>4}   N = {N}   order {2 * N + 1}   jump {int(seen):>13,}   claimed {int(claim):>13,}")
        assert seen == claim
