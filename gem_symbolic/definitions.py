"""The formulas. Each activation is written down once, here, as data; everything else is derived from it.

A branch is text in the variable x, the parameters and the names of `where`; `expressions` says what such text may
contain, and whoever needs it parses it. Beside the formula stands what is claimed of it, for every N >= 1 and every
eps > 0, in the shorthand n = 2N, s = eps^(1/n), u = |x|^n/eps, L and R for the left and the right branch; `theorems`
says what each claim means and proves it or refutes it. Derivatives at the junction are given as Taylor coefficients.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A parameter, its domain, and, for one that is a power of a length, which power: eps = s**power.

    A length has the unit of x. One that is `fixed` has that value, an exact number as text, and no user gives another.
    """

    name: str
    domain: str
    power: str | None = None
    fixed: str | None = None


@dataclass(frozen=True)
class Branch:
    """A formula, and where it holds: `x <= 0` or the like, as text."""

    on: str
    expr: str


@dataclass(frozen=True)
class Activation:
    """One activation: branches from left to right, parameters, claims (theorem -> what is claimed), provenance.

    It maps the real line to itself. `source` says where its mathematics comes from, and what of it is this project's.
    """

    name: str
    title: str
    branches: tuple[Branch, ...]
    parameters: tuple[Parameter, ...]
    source: str
    where: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    emitted: bool = True  # whether codegen/ holds a kernel file for it

    def formula(self) -> dict[str, Any]:
        """The formula as JSON data: the branches, the names in them, the parameters that are fixed."""
        return {
            "branches": [{"on": b.on, "expr": b.expr} for b in self.branches],
            "where": dict(self.where),
            "fixed": {p.name: p.fixed for p in self.parameters if p.fixed},
        }

    def at(self, **fixed: str) -> tuple[Parameter, ...]:
        """The parameters, with some of them fixed."""
        return tuple(replace(p, fixed=fixed.get(p.name, p.fixed)) for p in self.parameters)


INTEGER = "integer >= 1"
POSITIVE = "real > 0"
N = Parameter("N", INTEGER)
EPS = Parameter("eps", POSITIVE, power="2*N")
#: F is the log-logistic distribution function with shape 2N and scale s = eps^(1/2N), S its survival function.
GATE = {"F": "x**(2*N)/(eps + x**(2*N))", "S": "1 - F"}

RISE = {"supremum": "(n + 1)**2/(4*n)", "supremum_u": "(n + 1)/(n - 1)", "supremum_side": "R"}
#: The largest distance from ReLU, and where it is reached.
DIP = {"value": "s*(n - 1)**(1 - 1/n)/n", "u": "1/(n - 1)"}
#: Arguments of Euler's beta function, a pair for each side: the p-th power of the L^p distance is s^(p+1)/n times the
#: sum of the B(a, b); and when it is finite.
NORM = {"beta": "(p + 1)/n, p - (p + 1)/n", "finite": "p*(n - 1) - 1", "sup": DIP["value"], "sup_u": DIP["u"]}
SLOPE_GAP = {"variation": "2*" + DIP["value"], "sup": "Max(1, (n - 1)**2/(4*n))"}
CURVATURE = {
    "v": "(2*n**2 + 1 - n*sqrt(3*(n**2 + 2)))/(n**2 - 1)",
    "supremum": "n*v**(1 - 1/n)*((n + 1) - (n - 1)*v)/(s*(1 + v)**3)",
    "inflection_u": "(n + 1)/(n - 1)",
}
#: The leading terms far out, the order of what is left over, and its coefficient.
BEYOND_RIGHT = {"right": "x - eps*x**(1 - n)", "right_next": "eps**2", "remainder": "1 - 2*n"}
BEYOND_LEFT = {"left": "eps*x**(1 - n)", "left_next": "-eps**2", "remainder": "1 - 2*n"}
MEAN = {"mean_gap": DIP["value"] + "/2"}

EGEM = Activation(
    name="egem",
    title="E-GEM",
    where=GATE,
    branches=(Branch("x <= 0", "0"), Branch("x > 0", "x*F")),
    parameters=(N, EPS),
    source=(
        "E-GEM: the public abstract says only that eps generalises GEM so that ReLU is approximated in L^p as "
        "eps -> 0. The additive eps is this project's reading; a second reading makes the scale itself the "
        "parameter (eps^(2N) in the denominator). It is one family: give eps or scale, never both."
    ),
    claims={
        "T0": {"reflection": "segem"},
        "T2": {"smoothness": "2*N", "left": "0", "right": "1/eps"},
        "T3": {
            **RISE,
            "formula": "F*(1 + n*S)",
            "formula_side": "R",
            "increasing": "R",
            "infimum": "0",
            "infimum_side": "L",
            "lipschitz": RISE["supremum"],
        },
        "T4": {"zero_side": "L"},
        "T5": {"range": "[0, oo)"},
        "T6": NORM | {"side": "R"},
        "T7": SLOPE_GAP | {"side": "R"},
        "T8": CURVATURE | {"side": "R"},
        "T9": BEYOND_RIGHT | {"series_side": "R", "series_from": "1"},
        "T10": MEAN,
    },
)

GEM = replace(
    EGEM,
    name="gem",
    title="GEM",
    parameters=EGEM.at(eps="1"),
    source="GEM is the published base formula. GEM(N) = E-GEM(N, 1).",
)

SEGEM = Activation(
    name="segem",
    title="SE-GEM",
    where=GATE,
    branches=(Branch("x <= 0", "x*S"), Branch("x > 0", "x")),
    parameters=(N, EPS),
    source=(
        'SE-GEM: the public abstract says only "a piecewise variant eliminating dead neurons with C^(2N) junction '
        'smoothness". The form here is a reconstruction: rational, gated by the same law, exactly C^(2N), ReLU in '
        "the limit, the same L^p error as E-GEM. It is the reflection of E-GEM: SE-GEM(x) = x + E-GEM(-x)."
    ),
    claims={
        "T0": {"reflection": "egem"},
        "T2": {"smoothness": "2*N", "left": "-1/eps", "right": "0"},
        "T3": {
            "formula": "S*(1 - n*F)",
            "formula_side": "L",
            "supremum": "1",
            "supremum_side": "R",
            "infimum": "-(n - 1)**2/(4*n)",
            "infimum_u": "(n + 1)/(n - 1)",
            "infimum_side": "L",
            "lipschitz": "Max(1, (n - 1)**2/(4*n))",
        },
        "T4": {"zero_side": "L", "zero_u": "1/(n - 1)"},
        "T5": {"minimum": "-" + DIP["value"], "minimum_u": DIP["u"], "minimum_side": "L"},
        "T6": NORM | {"side": "L"},
        "T7": SLOPE_GAP | {"side": "L"},
        "T8": CURVATURE | {"side": "L"},
        "T9": BEYOND_LEFT | {"series_side": "L", "series_from": "0"},
        "T10": MEAN,
    },
)

SEGEM_GATED = Activation(
    name="segem_gated",
    title="SE-GEM (gated tail)",
    where=GATE,
    branches=(Branch("x <= 0", "x*F*S"), Branch("x > 0", "x*F")),
    parameters=(N, EPS),
    source=(
        "SE-GEM with the gated tail is a second reconstruction of SE-GEM; it is smoother than the public abstract "
        "says (exactly C^(4N)), which speaks against it."
    ),
    claims={
        "T2": {"smoothness": "4*N", "left": "-2/eps**2", "right": "-1/eps**2"},
        "T3": {
            **RISE,
            "formula": "F*S*(1 + n*(S - F))",
            "formula_side": "L",
            "lipschitz": RISE["supremum"],
        },
        "T4": {"zero_side": "L", "zero_u": "(n + 1)/(n - 1)"},
        "T5": {
            "minimum": "-s*((n + 1)/(n - 1))**(1/n)*(n**2 - 1)/(4*n**2)",
            "minimum_u": "(n + 1)/(n - 1)",
            "minimum_side": "L",
        },
        "T6": NORM | {"side": "R", "beta": NORM["beta"] + "; (p + 1)/n + p, p - (p + 1)/n"},
        "T9": BEYOND_RIGHT | BEYOND_LEFT | {"left_next": "-2*eps**2"},
    },
    emitted=False,
)

VARIANTS: Mapping[str, Activation] = {a.name: a for a in (GEM, EGEM, SEGEM, SEGEM_GATED)}


def find(name: str) -> Activation:
    """The activation of that name. Raises ValueError naming the known ones."""
    if name not in VARIANTS:
        raise ValueError(f"unknown variant {name!r}; known are {', '.join(VARIANTS)}")
    return VARIANTS[name]
