"""One module a theorem: from the claims of an activation to certificates."""

from collections.abc import Iterator

from gem_symbolic.certificates import Certificate
from gem_symbolic.definitions import Activation
from gem_symbolic.theorems import (
    t0_reflection,
    t1_junction,
    t2_smoothness,
    t3_gradient,
    t4_dead_neurons,
    t5_range,
    t6_distance,
    t7_derivative_error,
    t8_curvature,
    t9_asymptotics,
    t10_gaussian,
    t11_rivals,
)

MODULES = (
    t0_reflection,
    t1_junction,
    t2_smoothness,
    t3_gradient,
    t4_dead_neurons,
    t5_range,
    t6_distance,
    t7_derivative_error,
    t8_curvature,
    t9_asymptotics,
    t10_gaussian,
    t11_rivals,
)


def certificates(activation: Activation) -> Iterator[Certificate]:
    """Every claim of the activation with its proof, in the order of the theorems."""
    for module in MODULES:
        claim = activation.claims.get(module.THEOREM, {})
        yield from module.certificates(activation, claim)
