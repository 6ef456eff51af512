"""The command line that chooses eps: from a tolerance the eps that meets it, from an eps what it costs.

Demands: --sup, --lp with --tolerance (distances from ReLU), --curvature, --lipschitz, each at most so much. Where a
demand bounds eps from above the answer is the largest eps, rounded down; otherwise the smallest, rounded up.

Exit status: 0 answered, 1 no eps meets the demands, 2 usage error.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from gem_symbolic import files, presets, typed
from gem_symbolic.definitions import VARIANTS, Activation, find
from gem_symbolic.tradeoff import Demand, Unreachable, choose, costs, lipschitz_reach, named
from gem_symbolic.verify import OK, Parser, parameters, working_eps

SCHEMA = 1
NONE = 1
#: The largest p, and the largest denominator of p, with which exact arithmetic gets done.
LARGEST_P = 100
#: The option of each demand, by the quantity that it bounds.
BOUNDS = {"sup": "sup", "lp": "tolerance", "curvature": "curvature", "lipschitz": "lipschitz"}


def parser() -> Parser:
    p = Parser(prog="python -m gem_symbolic.choose", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--variant", help=f"one of {', '.join(VARIANTS)}")
    p.add_argument("--N", help=f"an integer from 1 to {typed.LARGEST}")
    p.add_argument("--sup", metavar="TOL", help="the largest distance from ReLU is to be at most this")
    p.add_argument("--lp", metavar="P", help="a rational p >= 1: the L^p distance from ReLU, see --tolerance")
    p.add_argument("--tolerance", metavar="TOL", help="the L^p distance from ReLU is to be at most this")
    p.add_argument("--curvature", metavar="K", help="the largest |second derivative| is to be at most this")
    p.add_argument("--lipschitz", metavar="L", help="the Lipschitz constant is to be at most this: a matter of N")
    p.add_argument("--eps", help="what this eps costs: a rational number > 0, such as 1e-4 or 1/3")
    p.add_argument("--scale", help="the scale instead: eps = scale**(2N)")
    p.add_argument("--preset", help=f"what a published setting costs: one of {', '.join(presets.PRESETS)}")
    p.add_argument("--json", metavar="FILE", help="write the answer as JSON; - for standard output")
    p.add_argument("--list", action="store_true", help="print the presets with their sources and stop")
    return p


def positive(text: str, name: str, least: int = 0) -> Fraction:
    """The number that a user wrote. Raises ValueError, in one sentence, where it is not rational or too small."""
    value = typed.rational(text, name)
    if value < least or value == 0:
        raise ValueError(f"{name} must be {f'>= {least}' if least else '> 0'}; got {text!r}")
    return value


def exponent(text: str) -> Fraction:
    """The p of a norm. Raises ValueError, in one sentence, also where exact arithmetic with p takes very long."""
    p = positive(text, "p", least=1)
    if max(p, p.denominator) > LARGEST_P:
        raise ValueError(f"p must be at most {LARGEST_P}, with at most {LARGEST_P} as denominator; got {text!r}")
    return p


def demanded(activation: Activation, N: int, p: Fraction | None, options: argparse.Namespace) -> Iterator[Demand]:
    """The demands. Raises ValueError for a bad bound, Unreachable for a quantity of which nothing is claimed."""
    for name, option in BOUNDS.items():
        if (text := getattr(options, option)) is not None:
            yield Demand(activation, N, named(activation, name, p), positive(text, option))


def written(eps: Fraction) -> str:
    """A decimal where there is a short one, else a quotient."""
    value = Context(prec=50).divide(Decimal(eps.numerator), Decimal(eps.denominator))
    return str(value).lower() if Fraction(value) == eps else str(eps)


def combined(bounds: Sequence[str], options: argparse.Namespace) -> None:
    """Raises ValueError, in one sentence, for options that do not go together."""
    given = [bool(bounds), options.eps is not None or options.scale is not None, options.preset is not None]
    if sum(given) > 1:
        raise ValueError("give demands, or --eps or --scale, or --preset")
    if options.tolerance is not None and options.lp is None:
        raise ValueError("give --lp P with --tolerance")


def setting(options: argparse.Namespace, preset: presets.Preset | None) -> str:
    """The N that is asked for, as it was written or as the preset has it. Raises ValueError, in one sentence."""
    if preset is None or preset.N is None:
        if options.N is None:
            raise ValueError("give --N" + (": this preset does not say which" if preset else ""))
        return options.N
    if options.N not in (None, str(preset.N)):
        raise ValueError(f"the preset {options.preset} has N = {preset.N}; got --N {options.N}")
    return str(preset.N)


def answer(activation: Activation, options: argparse.Namespace) -> dict[str, Any]:
    """The answer as JSON data. Raises ValueError for bad input, Unreachable where no eps meets the demands."""
    bounds = [option for option in BOUNDS.values() if getattr(options, option) is not None]
    combined(bounds, options)
    if bounds == ["lipschitz"] and options.N is None:
        return reach(activation, positive(options.lipschitz, "lipschitz"))
    p = None if options.lp is None else exponent(options.lp)
    preset = presets.find(options.preset) if options.preset else None
    fixed = any(q.fixed for q in activation.parameters)
    # Where eps is fixed, what would choose one is refused as an eps is.
    other = "1" if fixed and (bounds or preset) else options.eps
    N, eps = parameters(activation, setting(options, preset), other, options.scale)
    data: dict[str, Any] = {"schema": SCHEMA, "variant": activation.name, "N": N}
    if bounds:
        demands = list(demanded(activation, N, p, options))
        data["demands"] = [d.record() for d in demands]
        found = choose(demands)
        chosen = [] if found is None else [found]
    elif preset:
        data["source"] = preset.source
        chosen = list(map(Fraction, preset.eps))
    elif eps or fixed:
        chosen = [working_eps(activation, eps)]
    else:
        raise ValueError("give a demand, such as --sup 1e-3, or --eps, or --preset")
    return data | {"answers": [{"eps": written(e), "costs": list(costs(activation, N, e, p))} for e in chosen]}


def reach(activation: Activation, bound: Fraction) -> dict[str, Any]:
    """The N that a bound of the Lipschitz constant allows, as JSON data. Raises Unreachable where there is none."""
    largest = lipschitz_reach(activation, bound)
    if largest == 0:
        raise Unreachable(f"no N has a Lipschitz constant <= {bound}, whatever eps is")
    return {"schema": SCHEMA, "variant": activation.name, "largest_N": largest, "answers": []}


def show(activation: Activation, data: dict[str, Any]) -> Iterator[str]:
    """The answer as lines of text."""
    if "largest_N" in data:
        yield f"{activation.title}: every N up to {data['largest_N']}, whatever eps is"
        return
    yield f"{activation.title}, N = {data['N']}"
    for demand in data.get("demands", []):
        yield "{demand}: {eps}".format(**demand)
    if "source" in data:
        yield f"from {data['source']}"
    if not data["answers"]:
        yield "every eps meets that; --eps says what one costs"
        return
    if "demands" in data:
        yield "solved in closed form, rounded to the safe side, checked by Arb on the quantity itself"
    yield ""
    columns = [["eps", *(c["title"] for c in data["answers"][0]["costs"])]]
    columns += [[a["eps"], *(c["value"] for c in a["costs"])] for a in data["answers"]]
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):
        yield "   ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def listing() -> Iterator[str]:
    """The presets, with their sources."""
    for name, preset in presets.PRESETS.items():
        N = "N not stated" if preset.N is None else f"N = {preset.N}"
        yield f"{name:<12} {N}, eps = {' to '.join(preset.eps)}"
        yield f"             {preset.source}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    p = parser()
    options = p.parse_args(arguments)
    if options.list:
        print("\n".join(listing()))
        return OK
    if options.variant is None:
        return p.error("give --variant, or --list")
    try:
        activation = find(options.variant)
        if options.json not in (None, "-"):
            files.writable(Path(options.json))
        data = answer(activation, options)
    except Unreachable as error:
        p.exit(NONE, f"{p.prog}: {error}\n")
    except (ValueError, OSError) as error:
        return p.error(str(error))
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if options.json == "-":
        sys.stdout.write(text)
    else:
        print("\n".join(show(activation, data)))
        if options.json:
            files.replace_text(Path(options.json), text)
    return OK


if __name__ == "__main__":
    sys.exit(main())
