"""From a case of rounding to statements about its error, each written out as a Gappa script and as a Coq theorem.

A lower-case name is a computed value, the same name in capitals the exact one, and one that ends in h the hybrid.
The claim about a case follows from three statements that are each small: where the cut lies, how far it is off, and
what that and the steps beyond the cut do to the result; an absolute error is the sum of these last two. Gappa takes a
hint on trust: `lemma` states it over the reals, for Coq to prove.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

from sympy import Poly

from gem_symbolic.formats import Format
from gem_symbolic.roundoff import COMPUTED, ERROR, EXACT, INVERSES, Case, Line, Program, identity, slope

SYMBOLS = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}"}
#: The range of the cut is cut into so many pieces: more make proofs longer.
PIECES, STEPS_PIECES, MOVED_PIECES = 8, 6, 6
#: Ends of the cut's range are rounded outwards to so many bits.
BITS = 40
#: The names that a program starts from; of these s is computed, and S is its exact value.
GIVEN = ("t", "S")


# --- Statements ---


@dataclass(frozen=True)
class Within:
    """low <= quantity <= high."""

    quantity: str
    low: Fraction
    high: Fraction

    @property
    def gappa(self) -> str:
        return f"{self.quantity} in [{dyadic(self.low)}, {dyadic(self.high)}]"

    @property
    def coq(self) -> str:
        return f"{real(self.low)} <= {self.quantity} <= {real(self.high)}"


@dataclass(frozen=True)
class Error:
    """|computed - exact| <= bound |exact| if `relative`, else |computed - exact| <= bound; without a bound, asks."""

    computed: str
    exact: str
    relative: bool = True
    bound: Fraction | None = None

    @property
    def gappa(self) -> str:
        range = "?" if self.bound is None else f"[{dyadic(-self.bound)}, {dyadic(self.bound)}]"
        return f"{self.computed} {'-/' if self.relative else '-'} {self.exact} in {range}"

    @property
    def coq(self) -> str:
        assert self.bound is not None
        size = f" * Rabs {self.exact}" if self.relative else ""
        return f"Rabs ({self.computed} - {self.exact}) <= {real(self.bound)}{size}"


@dataclass(frozen=True)
class Statement:
    """For all reals `variables`, with the names `defined`: where `given` holds, so does `goal`.

    `hints`, `near`, pairs of a value and what it approximates, and `pieces`, what is cut into how many, help Gappa and
    say nothing.
    """

    variables: tuple[str, ...]
    defined: tuple[tuple[str, str], ...]
    given: tuple[Within | Error, ...]
    goal: Within | Error
    format: Format
    hints: tuple["Hint", ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    pieces: tuple[tuple[str, int], ...] = ()

    @property
    def script(self) -> str:
        """For Gappa."""
        return "\n".join(
            [
                f"@rnd = float<ieee_{self.format.bits},ne>;",
                *(f"{name} = {text};" for name, text in self.defined),
                "{ " + " /\\ ".join(g.gappa for g in self.given) + f" -> {self.goal.gappa} }}",
                *(h.text for h in self.hints),
                *(f"{a} ~ {b};" for a, b in self.near),
                *(f"$ {name} in {count};" for name, count in self.pieces),
                "",
            ]
        )

    @property
    def coq(self) -> str:
        """For Coq: about real numbers, and the rounding of Gappa's library."""
        return "\n".join(
            [
                f"forall {' '.join(self.variables)} : R, (",
                f"  let rnd := rounding_float rndNE {self.format.precision}%positive ({self.format.least})%Z in",
                *(f"  let {name} := {text} in" for name, text in self.defined),
                *(f"  {g.coq} ->" for g in self.given),
                f"  {self.goal.coq})%R",
            ]
        )


def mantissa(value: Fraction) -> tuple[int, int]:
    """(m, e) with the value m 2^e and m odd."""
    m, e = value.numerator, 1 - value.denominator.bit_length()
    while m and m % 2 == 0:
        m, e = m // 2, e + 1
    return m, e


def dyadic(value: Fraction) -> str:
    return "{}b{}".format(*mantissa(value))


def real(value: Fraction) -> str:
    return "IZR ({}) * powerRZ 2 ({})".format(*mantissa(value))


# --- Hints ---


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


def hybrid_name(program: Program, name: str | int) -> str:
    beyond = {line.name for line in program.beyond} - {"x"}
    return f"{name}h" if name in beyond else str(name) if name == program.cut else exact_name(name)


def expression(line: Line, name: Callable[[str | int], str] = str) -> str:
    return SYMBOLS[line.op].format(*map(name, line.args))


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


def cut_hint(case: Case) -> Hint:
    """What the cut's error does to the result."""
    program = case.program
    v, V = str(program.cut), exact_name(program.cut)
    Y, Yh = exact_name(program.result), hybrid_name(program, program.result)
    error = f"(({v} - {V}) / {V})"
    lines = [line for line in program.beyond if line.name != "x"]
    arguments = {a for line in lines for a in line.args}
    names = tuple(exact_name(a) for a in ("t", "x", "s") if a in arguments)
    meaning = (
        *((exact_name(line.name), expression(line, exact_name)) for line in lines),
        *((hybrid_name(program, n.name), expression(n, lambda a: hybrid_name(program, a))) for n in lines),
    )
    if not case.relative:
        p, q = f"(1 / ({v} + 1))", f"(1 / ({V} + 1))"
        R = polynomial(slope(program), *zip(INVERSES, (p, q), strict=True))
        nonzero = (V, f"({V} + 1)", f"({v} + 1)")
        return Hint(f"{Yh} - {Y}", f"{error} * (1 - {q}) * {p} * (-{R})", nonzero, (v, V), meaning)

    def written(factors: tuple[Any, ...]) -> list[str]:
        return [polynomial(f, (EXACT, V) if f.has(EXACT) else (COMPUTED, v)) for f in factors]

    found = identity(program)
    above, below = polynomial(found.above, (EXACT, V), (ERROR, error)), " * ".join(written(found.below))
    right = f"{error} * {above}" + (f" / ({below})" if below else "")
    nonzero = tuple(dict.fromkeys([V, *names, *written(found.nonzero)]))
    return Hint(f"({Yh} - {Y}) / {Y}", right, nonzero, (*names, v, V), meaning)


def quotient_hint(line: Line, case: Case) -> Hint:
    """The absolute error of a quotient, from those of its arguments."""
    a, b = map(str, line.args)
    A, B = (hybrid_name(case.program, name) for name in line.args)
    return Hint(
        f"{a} / {b} - {A} / {B}",
        f"({a} - {A}) / {b} - {A} / {b} * (({b} - {B}) / {B})",
        (b, B),
        (a, b, A, B),
    )


def hints(case: Case) -> tuple[Hint, ...]:
    quotients = [line for line in case.program.beyond if line.op == "div" and not case.relative]
    return (cut_hint(case), *(quotient_hint(line, case) for line in quotients))


# --- The statements about a case ---


def computed(lines: tuple[Line, ...]) -> Iterator[tuple[str, str]]:
    if any("s" in line.args for line in lines):
        yield "s", "rnd (S)"
    for line in lines:
        yield line.name, f"rnd ({expression(line)})" if line.rounded else expression(line)


def exact(lines: tuple[Line, ...]) -> Iterator[tuple[str, str]]:
    yield from ((exact_name(line.name), expression(line, exact_name)) for line in lines if line.name != "x")


def used(defined: tuple[tuple[str, str], ...], given: tuple[Within | Error, ...]) -> tuple[str, ...]:
    """Those of GIVEN that occur."""
    texts = [text for _, text in defined] + [g.quantity for g in given if isinstance(g, Within)]
    words = {word.strip("()-") for text in texts for word in text.split()}
    return tuple(name for name in GIVEN if name in words)


def assumed(case: Case) -> tuple[Within | Error, ...]:
    """The ranges of a case. That of t follows from the others."""
    S, (low, high) = "1" if case.unit else "S", (case.low, case.high)
    inside = "t" if case.unit else "t / S"
    w = f"{S} / t" if case.region == "outside" else inside
    found: list[Within | Error] = [] if w == "t" else [Within("t", *case.size)]
    found += [] if case.unit else [Within("S", *case.scale)]
    return (*found, *nearby(case), Within(w, low, high))


def nearby(case: Case) -> tuple[Error, ...]:
    """What is assumed of the computed scale."""
    return () if case.slip is None else (Error("s", "S", True, case.slip),)


def outward(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """The range, a little larger, with ends of BITS bits."""

    def rounded(value: Fraction, towards: Callable[[Fraction], int]) -> Fraction:
        unit = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length() - BITS)
        return towards(value / unit) * unit

    return rounded(low, floor), rounded(high, ceil)


def reach(case: Case) -> Statement:
    """Where the exact cut lies. Only where the least w is not 0."""
    lines = case.program.behind(case.program.cut)
    V = exact_name(case.program.cut)
    ends = outward(case.low**case.power, case.high**case.power)
    given = tuple(g for g in assumed(case) if isinstance(g, Within))
    defined = tuple(exact(lines))
    return Statement(used(defined, given), defined, given, Within(V, *ends), case.format)


def cut(case: Case, bound: Fraction | None = None) -> Statement:
    """How far the computed cut is off."""
    lines = case.program.behind(case.program.cut)
    goal = Error(str(case.program.cut), exact_name(case.program.cut), True, bound)
    defined, given = (*computed(lines), *exact(lines)), assumed(case)
    return Statement(used(defined, given), defined, given, goal, case.format)


def claim(case: Case, bound: Fraction | None = None) -> Error:
    return Error(str(case.program.result), exact_name(case.program.result), case.relative, bound)


def beyond(case: Case, error: Fraction, bound: Fraction | None = None) -> Statement:
    """How far the result is off where the cut is off by so much: the exact and the computed cut are any numbers."""
    program = case.program
    v, V = str(program.cut), exact_name(program.cut)
    Y, Yh = exact_name(program.result), hybrid_name(program, program.result)
    hybrid = ((hybrid_name(program, n.name), expression(n, lambda a: hybrid_name(program, a))) for n in program.beyond)
    defined = (*computed(program.beyond), *exact(program.beyond), *(pair for pair in hybrid if pair[0] != "x"))
    names = used(defined, ())
    given = (
        *([Within("t", *case.size)] if "t" in names else []),
        *([Within("S", *case.scale), *nearby(case)] if "S" in names else []),
        reach(case).goal,
        Error(v, V, True, error),
    )
    near, pieces = ((str(program.result), Yh), (Yh, Y)), ((V, PIECES),)
    return Statement((*names, v, V), defined, given, claim(case, bound), case.format, hints(case), near, pieces)


def steps(case: Case, error: Fraction, bound: Fraction | None = None) -> Statement:
    """The part of the steps beyond the cut in an absolute error: computed against hybrid."""
    both, program = beyond(case, error), case.program
    y, Yh, pieces = str(program.result), hybrid_name(program, program.result), ((both.variables[-1], STEPS_PIECES),)
    goal = Error(y, Yh, False, bound)
    return replace(both, goal=goal, hints=both.hints[1:], near=both.near[:1], pieces=pieces)


def moved(case: Case, error: Fraction, bound: Fraction | None = None) -> Statement:
    """The part of the cut's error in an absolute error: hybrid against exact."""
    both, program = beyond(case, error), case.program
    Y, Yh, pieces = (
        exact_name(program.result),
        hybrid_name(program, program.result),
        ((both.variables[-1], MOVED_PIECES),),
    )
    defined = tuple((name, text) for name, text in both.defined if not text.startswith("rnd"))
    goal = Error(Yh, Y, False, bound)
    return replace(both, defined=defined, goal=goal, hints=both.hints[:1], near=(), pieces=pieces)


def total(case: Case, parts: tuple[Fraction, Fraction], bound: Fraction) -> Statement:
    """The two parts of an absolute error together."""
    y, Y, Yh = str(case.program.result), exact_name(case.program.result), hybrid_name(case.program, case.program.result)
    given = (Error(y, Yh, False, parts[0]), Error(Yh, Y, False, parts[1]))
    return Statement((y, Yh, Y), (), given, Error(y, Y, False, bound), case.format, (), ((y, Yh), (Yh, Y)))


def whole(case: Case, bound: Fraction | None = None) -> Statement:
    """What is claimed of the case, from the plan and nothing else."""
    defined, given = (*computed(case.program.lines), *exact(case.program.lines)), assumed(case)
    return Statement(used(defined, given), defined, given, claim(case, bound), case.format)


def scripts(case: Case) -> str:
    """All that Gappa is asked about a case, before it has answered: which plan, ranges and identities."""
    unit = case.grain
    parts = [reach(case), cut(case)] if case.low else []
    if case.low:
        parts += [beyond(case, unit)] if case.relative else [steps(case, unit), moved(case, unit)]
    return "\n".join(statement.script for statement in (*parts, whole(case)))
