"""The facts of a function, from their JSON data, as lines of a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from gem_symbolic.spec.grammar import shown

#: The most characters of a formula that are shown; the JSON data have all of it.
LENGTH = 300


def lines(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(fact, in words), one line each, for the facts that were derived."""
    for key, value in facts.items():
        if key in LINES:
            yield from LINES[key](value)


def number(value: Mapping[str, str]) -> str:
    """A number: exact where it is short, else its decimals or its enclosure."""
    if "decimal" in value:
        return f"{value['decimal']}..." if len(value["exact"]) > 40 else f"{value['exact']} = {value['decimal']}..."
    return next(iter(value.values()))


def extremum(e: Mapping[str, Any]) -> str:
    """A value and where it is."""
    return f"{number(e['value'])}, {'reached' if e['reached'] else 'approached'} at x = {number(e['x'])}"


def interval(r: Mapping[str, Any]) -> str:
    return f"({number(r['from'])}, {number(r['to'])})"


def pieces(value: Any) -> Iterator[tuple[str, str]]:
    for piece in value:
        yield f"f on {piece['on']}", shown(piece["expr"], LENGTH)


def poles(value: Any) -> Iterator[tuple[str, str]]:
    yield "poles", ", ".join(map(number, value)) or "none"


def smoothness(value: Any) -> Iterator[tuple[str, str]]:
    yield "smooth", value if value == "discontinuous" else f"exactly C^{value}"


def junctions(value: Any) -> Iterator[tuple[str, str]]:
    for j in value:
        x = f"junction x = {number(j['x'])}"
        if "jump" not in j:
            yield x, "the same function on both sides"
        else:
            what = f"derivative {j['derivative']}" if j["derivative"] else "f"
            yield x, f"{smooth(j['smoothness'])}: {what} jumps by {number(j['jump'])}"


def smooth(order: Any) -> str:
    return str(order) if order == "discontinuous" else f"C^{order}"


def range_(value: Any) -> Iterator[tuple[str, str]]:
    for name, e in value.items():
        yield name, extremum(e)


def monotone(value: Any) -> Iterator[tuple[str, str]]:
    for r in value:
        yield r["direction"], interval(r)


def lipschitz(value: Any) -> Iterator[tuple[str, str]]:
    yield "Lipschitz constant", extremum(value)


def zero_gradient(value: Any) -> Iterator[tuple[str, str]]:
    found = [f"on {interval(r)}" for r in value["intervals"]] + [f"at {number(x)}" for x in value["points"]]
    yield "gradient zero", "; ".join(found) or "nowhere"


def asymptotes(value: Any) -> Iterator[tuple[str, str]]:
    for side, a in value.items():
        rest = a.get("remainder")
        more = f" + ({number(rest['leading'])}) x^{rest['power']} + ..." if rest else ""
        yield f"x -> {side}", shown(a["polynomial"] + more, LENGTH)


def distances(value: Any) -> Iterator[tuple[str, str]]:
    for to, norms in value.items():
        for p, distance in norms.items():
            yield f"L^{p} distance to {to}", number(distance)


def gain(value: Any) -> Iterator[tuple[str, str]]:
    yield "gain, E[f(Z)^2]^(-1/2)", number(value)


#: How each fact is set.
LINES = {
    "pieces": pieces,
    "poles": poles,
    "smoothness": smoothness,
    "junctions": junctions,
    "range": range_,
    "monotone": monotone,
    "lipschitz": lipschitz,
    "zero_gradient": zero_gradient,
    "asymptotes": asymptotes,
    "distances": distances,
    "gain": gain,
}
