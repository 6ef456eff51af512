"""T3: the exact range of the first derivative and the Lipschitz constant."""

import ast
from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, Step, enclose, equal, lemma, roots, sign
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import parse
from gem_symbolic.notation import latex, plain

THEOREM = "T3"
SIDES = (("L", "x < 0"), ("R", "x > 0"))
EXTREMES = (("supremum", "sup", "<="), ("infimum", "inf", ">="))


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `formula`: f' on `formula_side`; `increasing`: the side where it is; `supremum` and `infimum` of f', with
    `_u` and `_side` where they are reached; `lipschitz`: the constant.
    """
    if "formula" in claim:
        yield formula(activation, claim["formula"], claim["formula_side"])
    if "increasing" in claim:
        yield increasing(activation, claim["increasing"])
    for kind, name, relation in EXTREMES:
        if kind in claim:
            yield extreme(activation, claim, kind, name, relation)
    if "lipschitz" in claim:
        yield lipschitz(activation, claim)


def formula(activation: Activation, value: str, side: str) -> Certificate:
    where = dict(SIDES)[side]
    return Certificate(
        id="T3.formula",
        statement=f"for {where}: {activation.title}' = {plain(value)}",
        latex=rf"f' = {latex(value)}\quad ({where})",
        steps=(equal(f"D({side})", value, "The derivative of the branch."),),
    )


def increasing(activation: Activation, side: str) -> Certificate:
    where, closed = dict(SIDES)[side], "[0, oo)" if side == "R" else "(-oo, 0]"
    return Certificate(
        id="T3.increasing",
        statement=f"{activation.title} increases strictly on {closed}",
        latex=rf"f' > 0\quad ({where})",
        steps=(sign(f"D({side})", ">", "The derivative is positive, and f is continuous at 0."),),
    )


def extreme(activation: Activation, claim: Mapping[str, str], kind: str, name: str, relation: str) -> Certificate:
    """The supremum or the infimum of f', and the only place where it is reached, if the claim names one."""
    value, place, side = claim[kind], claim.get(f"{kind}_u"), claim.get(f"{kind}_side")
    steps: list[Step] = [
        sign(f"D({branch}) - ({value})", relation, f"f' {relation} {plain(value)} for {where}.")
        for branch, where in SIDES
    ]
    where = ""
    if side and not place:
        where = f", everywhere on {dict(SIDES)[side]}"
        steps.append(equal(f"D({side})", value, "On this side it is the constant value of f'."))
    if place and side:
        other = next(branch for branch, _ in SIDES if branch != side)
        where = f", reached only where {dict(SIDES)[side]} and u = {plain(place)}"
        steps += [
            lemma(sign(place, ">", "The place is a point of that side")),
            equal(f"at(D({side}), {place})", value, "where the bound is reached,"),
            roots(f"D({side}) - ({value})", 1, "and nowhere else on that side,"),
            roots(f"D({other}) - ({value})", 0, "nor on the other."),
        ]
    steps.append(enclose(f"{name}(f, 1)", value, "Enclosed from the isolated critical points of f'."))
    symbol = rf"\{name}"
    return Certificate(
        id=f"T3.{kind}",
        statement=f"{name} of {activation.title}' over R = {plain(value)}{where}",
        latex=rf"{symbol}_{{\mathbb{{R}}}} f' = {latex(value)}" + (rf",\quad u = {latex(place)}" if place else ""),
        steps=tuple(steps),
    )


def lipschitz(activation: Activation, claim: Mapping[str, str]) -> Certificate:
    """f is C^1 (T2), so its Lipschitz constant is sup |f'|."""
    value = claim["lipschitz"]
    node = parse(value)
    parts = [ast.unparse(a) for a in node.args] if isinstance(node, ast.Call) else [value]
    steps: list[Step] = []
    if len(parts) == 2:
        steps += [
            lemma(
                equal(parts[0], claim["supremum"], "f is C^1, so by the mean value theorem Lip = max(sup f', -inf f')")
            ),
            lemma(equal(parts[1], f"-({claim['infimum']})", "with the two values proved above.")),
            sign(f"when({parts[1]}, 2) - {parts[0]}", "<", "For N = 1 the first is the larger,"),
            sign(f"when({parts[1]}, 4) - {parts[0]}", "<", "for N = 2 too,"),
            sign(f"{parts[1]} - {parts[0]}", ">", "and from N = 3 on the second.", first=6),
        ]
        note = f": {plain(parts[0])} for N <= 2, {plain(parts[1])} for N >= 3"
    else:
        steps += [
            sign(f"{bound} - ({value})", "<=", f"|f'| <= {plain(value)} for {where}.")
            for branch, where in SIDES
            for bound in (f"D({branch})", f"-D({branch})")
        ]
        steps.append(
            lemma(equal(value, claim["supremum"], "f is C^1 and the bound is the supremum of f': it is sharp."))
        )
        note = ", whatever eps is"
    steps.append(enclose("max_abs(f, 1)", value, "Enclosed from the isolated critical points of f'."))
    return Certificate(
        id="T3.lipschitz",
        statement=f"Lip({activation.title}) = {plain(value)}{note}",
        latex=rf"\mathrm{{Lip}}(f) = {latex(value)}",
        steps=tuple(steps),
    )
