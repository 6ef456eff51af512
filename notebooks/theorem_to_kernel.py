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
# # From theorem to kernel
#
# One line of data, and everything that follows from it, for one variant: SE-GEM. Nothing below is typed twice. Change
# the line, and each step changes with it or fails.

# %%
from fractions import Fraction
from functools import partial
from itertools import islice

from gem_symbolic import emit, halves, plots, validate
from gem_symbolic.definitions import SEGEM
from gem_symbolic.emit.printer import body
from gem_symbolic.emit.targets import TRITON
from gem_symbolic.floats import plan
from gem_symbolic.prover import Prover

N, EPS = 2, "1e-4"

# %% [markdown]
# ## 1. The definition
#
# Text, in a grammar of a few lines. The names in it are defined beside it.

# %%
for branch in SEGEM.branches:
    print(f"{branch.on:8} {branch.expr}")
print(", ".join(f"{name} = {text}" for name, text in SEGEM.where.items()))

# %% [markdown]
# ## 2. A theorem
#
# A claim is proved by steps that end in a decision, each made by two engines that share no code. This is T2: the two
# branches meet so well that every derivative up to order $2N$ agrees at 0. $N$ stays a symbol: it holds for all.

# %%
outcomes = {outcome.certificate.id: outcome for outcome in Prover(SEGEM, N, Fraction(EPS)).prove()}
smooth = next(outcome for id, outcome in outcomes.items() if id.startswith("T2"))
print(smooth.certificate.statement, "->", smooth.status)
for step, verdicts in smooth.verdicts:
    print(f"   {step.kind}({', '.join(step.args)})   {', '.join(verdicts)}")
print(f"{sum(o.status == 'proved' for o in outcomes.values())} of {len(outcomes)} claims of SE-GEM are proved")

# %% [markdown]
# ## 3. A plan
#
# Over the reals many programs are equal; in floating point some overflow. The plan is derived from the branches by
# rules, each of which is tested: all is computed from a quotient $w$ in $[0, 1]$. This is the value, in Triton's words.

# %%
lines = body(plan(SEGEM, 0), TRITON)
print("\n".join(lines.lines))
print("return", lines.result)

# %% [markdown]
# ## 4. The kernel file, read back
#
# The file is written from the plan by a template, and then read back by a program that does not trust it: from every
# way in which a user can call it, in every setting, to the operations on each element. Over the reals they must be the
# definition, in floating point the very operations of the plan.

# %%
source = emit.source(SEGEM)
found = validate.validate(source, SEGEM, [N])
print(f"{len(source.splitlines())} lines; {len(found.findings)} cases, {len(found.refuted)} refuted")
for finding in islice(found.findings, 0, None, 40):
    print(f"   {finding.target}, {finding.order}, {finding.where}: {finding.why}")
assert found.holds

# %% [markdown]
# A file with one digit changed is refused:

# %%
altered = validate.validate(source.replace("d = 1 + u", "d = 2 + u"), SEGEM, [N])
print(f"{len(altered.refuted)} cases refuted, such as: {altered.refuted[0].target}, {altered.refuted[0].where}")
assert altered.refuted

# %% [markdown]
# ## 5. The numbers that it gives
#
# What the plan rounds to is measured against the oracle, which shares nothing with the plan: here on every finite
# number of binary16. Half an ulp is what correct rounding makes.

# %%
at = halves.numbers(SEGEM, N, EPS, "binary16")
errors = halves.errors(at, partial(emit.load(source, "segem").segem, N=N, eps=EPS))
curves = {f"{side} of 0": {"SE-GEM": errors.envelope(sign)} for side, sign in (("left", -1), ("right", 1))}
plots.families(
    curves,
    title=f"binary16, N = {N}, ε = {EPS}: the largest error in each binade",
    xlabel="$|x|$",
    ylabel="error in ulp",
    logs="x",
)

# %%
print(f"largest error: {errors.worst:.4f} ulp, over all {len(errors.x):,} finite numbers")
assert errors.worst < 0.501
