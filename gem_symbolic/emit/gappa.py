"""From a case of rounding to a Gappa script that bounds its error, and to the Coq lemma behind the script's hint.

A lower-case name is a computed value, the same name in capitals the exact one, and one that ends in h the hybrid.
Gappa takes a hint on trust: `lemma` states it over the reals, for Coq to prove.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Poly

from gem_symbolic.roundoff import COMPUTED, ERROR, EXACT, Case, Identity, Line, identity

SYMBOLS = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}"}
#: The range of w is cut into so many pieces, for a relative and for an absolute error: more make proofs longer.
PIECES = {True: 16, False: 8}
FORMAT = "@rnd = float<ieee_32,ne>;"


@dataclass(frozen=True)
class Hint:
    """left -> right where every one of `nonzero` is not 0: text in some of the names of a script.

    `names` are those that the identity is about, and `meaning` what the others in it are, made of them.
    """

    left: str
    right: str
    nonzero: tuple[str, ...]
    names: tuple[str, ...]
    meaning: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """For Gappa."""
        return f"{self.left} -> {self.right} {{ {', '.join(f'{f} <> 0' for f in self.nonzero)} }};"

    def lemma(self, name: str) -> str:
        """For Coq, with its proof."""
        where = "".join(f"let {n} := {text} in " for n, text in self.meaning)
        conditions = "".join(f"{f} <> 0 -> " for f in self.nonzero)
        statement = f"forall {' '.join(self.names)} : R, {where}{conditions}{self.left} = {self.right}"
        return f"Lemma {name} : ({statement})%R.\n{PROOF}"


#: The side conditions of `field` are the conditions of the hint, up to the order of their terms.
PROOF = """Proof.
  intros; repeat match goal with y := _ |- _ => subst y end.
  field; repeat split; intro; match goal with H : _ |- _ => apply H; lra end.
Qed."""


def exact_name(name: str | int) -> str:
    return str(name) if name in ("t", "x") else str(name).upper()


def hybrid_name(case: Case, name: str | int) -> str:
    beyond = {line.name for line in case.program.beyond} - {"x"}
    return f"{name}h" if name in beyond else str(name) if name == case.program.cut else exact_name(name)


def polynomial(f: Any, *symbols: tuple[Any, str]) -> str:
    """A polynomial in the symbols, each with its text, by Horner's rule: in the first, then in the next."""
    if not symbols:
        return str(f) if f >= 0 else f"({f})"
    (symbol, name), *rest = symbols
    leading, *others = Poly(f, symbol).all_coeffs()
    text = polynomial(leading, *rest)
    for c in others:
        text = f"{text} * {name}" if text != "1" else name
        text = f"({text} + {polynomial(c, *rest)})" if c != 0 else f"({text})"
    return text


def error(case: Case) -> str:
    """The relative error of the cut."""
    v, V = str(case.program.cut), exact_name(str(case.program.cut))
    return f"(({v} - {V}) / {V})"


def expression(line: Line, name: Any) -> str:
    return SYMBOLS[line.op].format(*map(name, line.args))


def cut_hint(case: Case, found: Identity | None = None) -> Hint:
    """What the cut's error does to the result."""
    found = found or identity(case)
    program = case.program
    v, V = str(program.cut), exact_name(str(program.cut))
    Y, Yh = exact_name(program.result), hybrid_name(case, program.result)

    def written(factors: tuple[Any, ...]) -> list[str]:
        return [polynomial(f, (EXACT, V) if f.has(EXACT) else (COMPUTED, v)) for f in factors]

    above, below = polynomial(found.above, (EXACT, V), (ERROR, error(case))), " * ".join(written(found.below))
    left = f"({Yh} - {Y}) / {Y}" if case.relative else f"{Yh} - {Y}"
    lines = [line for line in program.beyond if line.name != "x"]
    given = ("t", "x", "s", "inv_s")
    free = {a for line in lines for a in line.args if a in given}
    names = tuple(exact_name(a) for a in given if a in free)
    return Hint(
        left,
        f"{error(case)} * {above}" + (f" / ({below})" if below else ""),
        tuple(dict.fromkeys([V, *(names if case.relative else ()), *written(found.nonzero)])),
        (*names, v, V),
        (
            *((exact_name(line.name), expression(line, exact_name)) for line in lines),
            *((hybrid_name(case, line.name), expression(line, lambda a: hybrid_name(case, a))) for line in lines),
        ),
    )


def quotient_hint(line: Line, case: Case) -> Hint:
    """The absolute error of a quotient, from those of its arguments."""
    a, b = map(str, line.args)
    A, B = (hybrid_name(case, name) for name in line.args)
    return Hint(
        f"{a} / {b} - {A} / {B}",
        f"({a} - {A}) / {b} - {A} / {b} * (({b} - {B}) / {B})",
        (b, B),
        (a, b, A, B),
    )


def hints(case: Case) -> tuple[Hint, ...]:
    """The hints of a case; far out there is nothing to hint at."""
    quotients = [line for line in case.program.beyond if line.op == "div" and not case.relative]
    return (cut_hint(case), *(quotient_hint(line, case) for line in quotients)) if case.low else ()


def assignments(case: Case) -> Iterator[str]:
    """The three programs: computed, exact and hybrid."""
    used = {a for line in case.program.lines for a in line.args}
    yield from (text for name, text in (("s", "s = rnd(S);"), ("inv_s", "inv_s = rnd(1 / S);")) if name in used)

    for line in case.program.lines:
        yield f"{line.name} {'rnd' if line.rounded else ''}= {expression(line, str)};"
    if "inv_s" in used:
        yield "INV_S = 1 / S;"
    for line in case.program.lines:
        if line.name != "x":
            yield f"{exact_name(line.name)} = {expression(line, exact_name)};"
    for line in case.program.beyond if case.low else ():
        if line.name != "x":
            yield f"{hybrid_name(case, line.name)} = {expression(line, lambda a: hybrid_name(case, a))};"


def dyadic(value: Fraction) -> tuple[int, int]:
    """(m, e) with the value m 2^e and m odd."""
    mantissa, exponent = value.numerator, 1 - value.denominator.bit_length()
    while mantissa and mantissa % 2 == 0:
        mantissa, exponent = mantissa // 2, exponent + 1
    return mantissa, exponent


def span(low: Fraction, high: Fraction) -> str:
    return "[{}b{}, {}b{}]".format(*dyadic(low), *dyadic(high))


def position(case: Case) -> str:
    """w, exactly, in t and the scale."""
    S = "1" if case.unit else "S"
    if case.region == "outside":
        return f"{S} / t"
    return "t" if case.unit else f"t / {S}"


def ranges(case: Case) -> Iterator[tuple[str, tuple[Fraction, Fraction]]]:
    """What is assumed: a quantity and its range. That of t follows from the others."""
    w = position(case)
    if w != "t":
        yield "t", case.size
    if not case.unit:
        yield "S", case.scale
    if case.slip is not None:
        yield "(s - S) / S", (-case.slip, case.slip)
    yield w, (case.low, case.high)


def script(case: Case, bound: Fraction | None = None) -> str:
    """The script that proves the bound of the error, or asks for one."""
    y, Y = str(case.program.result), exact_name(case.program.result)
    hypotheses = " /\\ ".join(f"{name} in {span(*ends)}" for name, ends in ranges(case))
    goal = f"{y} -/ {Y}" if case.relative else f"{y} - {Y}"
    lines = [FORMAT, *assignments(case)]
    lines += [f"{{ {hypotheses} -> {goal} in {'?' if bound is None else span(-bound, bound)} }}"]
    if case.low:
        Yh = hybrid_name(case, case.program.result)
        lines += [*(h.text for h in hints(case)), f"{y} ~ {Yh};", f"{Yh} ~ {Y};"]
        lines += [f"$ {position(case)} in {PIECES[case.relative]};"]
    return "\n".join(lines) + "\n"


def theorem(name: str, case: Case, bound: Fraction) -> str:
    """The bound of the error as a statement for Coq, about real numbers and the rounding of Gappa's library."""
    used = {a for line in case.program.lines for a in line.args}
    constants = {"s": "rnd S", "inv_s": "rnd (1 / S)", "INV_S": "1 / S"}
    steps = [(n, text) for n, text in constants.items() if n.lower() in used]
    for line in case.program.lines:
        text = expression(line, str)
        steps.append((line.name, f"rnd ({text})" if line.rounded else text))
    steps += [(exact_name(line.name), expression(line, exact_name)) for line in case.program.lines if line.name != "x"]
    y, Y = case.program.result, exact_name(case.program.result)
    size = f" * Rabs {Y}" if case.relative else ""
    return "\n".join(
        [
            f"Theorem {name} : forall {'t' if case.unit else 't S'} : R, (",
            "  let rnd := rounding_float rndNE 24%positive (-149)%Z in",
            *(f"  let {n} := {text} in" for n, text in steps),
            *(f"  {power(low)} <= {quantity} <= {power(high)} ->" for quantity, (low, high) in ranges(case)),
            f"  Rabs ({y} - {Y}) <= {power(bound)}{size})%R.",
        ]
    )


def power(value: Fraction) -> str:
    return "IZR ({}) * powerRZ 2 ({})".format(*dyadic(value))
