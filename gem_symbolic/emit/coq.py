"""From definitions and claims to Coq: the functions, and for each claim the proposition that it makes.

Statements.v holds them for the hand-written proofs; for `T2.smoothness` of E-GEM, say, the proposition is
`T2_smoothness_egem` and its proof is to be called `t2_smoothness_egem`. What the words in them mean stands in
Vocabulary.v. A claim that has no entry in STATEMENTS is not formalised.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gem_symbolic.branches import Interval, partition, split_parameters
from gem_symbolic.certificates import Certificate
from gem_symbolic.definitions import INTEGER, POSITIVE, VARIANTS, Activation, find
from gem_symbolic.emit.gallina import count, divisors, real
from gem_symbolic.expressions import ExpressionError, parse
from gem_symbolic.theorems import certificates
from gem_symbolic.theorems.t6_distance import pairs
from gem_symbolic.theorems.t8_curvature import SCALED

WIDTH = 118
#: For each domain of a parameter: its type, and what is assumed of it.
DOMAINS = {INTEGER: ("nat", "(1 <= {})%nat"), POSITIVE: ("R", "0 < {}")}
#: The junction that all statements are about.
JUNCTION = (Interval(None, 0, False, True), Interval(0, None, False, False))  # type: ignore[arg-type]
#: What the statements may say beside the names of a definition, each in terms of those before it.
SHORTHAND = {"n": "INR (2 * N)", "s": "eps**(1/n)", "u": "Abs(x)**(2*N)/eps"}
OPEN_SIDE = {"L": "x < 0", "R": "0 < x"}
CLOSED_SIDE = {"L": "x <= 0", "R": "0 <= x"}
HEADER = """\
(* Generated from gem_symbolic/definitions.py by `make proofs`: do not edit.

   The activations as they are defined, and what is claimed of each, in the words of Vocabulary.v. *)
From Gem Require Import Vocabulary.
"""
#: T1 speaks of any two branches, so it is stated once.
SHARED = {
    "T1.junction": """\
forall (a : R) (m : nat) (left right h : R -> R), (1 <= m)%nat ->
  smooth left -> smooth right -> smooth h -> h a <> 0 -> (forall x, right x - left x = (x - a) ^ m * h x) ->
  exactly_of_class (m - 1) (glue a left right) a /\\ smooth_off a (glue a left right) /\\
  jumps m (glue a left right) a (Derive_n left m a) (Derive_n right m a) /\\
  Derive_n right m a - Derive_n left m a = INR (fact m) * h a"""
}


@dataclass(frozen=True)
class Subject:
    """An activation as Coq has it."""

    activation: Activation

    @cached_property
    def free(self) -> dict[str, str]:
        """The parameters that are not fixed, with their domains."""
        integer, reals = split_parameters(self.activation)
        return {p.name: p.domain for p in (integer, *reals) if not p.fixed}

    @cached_property
    def fixed(self) -> dict[str, str]:
        """The fixed parameters: what stands for each."""
        return {p.name: real(p.fixed, {}) for p in self.activation.parameters if p.fixed}

    def applied(self, part: str = "") -> str:
        """The function, or one of its parts, at the parameters."""
        return " ".join([self.activation.name + part, *self.free])

    @property
    def f(self) -> str:
        """The function, as the argument of another."""
        return f"({self.applied()})"

    def at(self, x: str) -> str:
        return f"{self.applied()} {x}"

    @cached_property
    def names(self) -> dict[str, str]:
        """What stands for each name in a claim."""
        known = {"x": "x", "p": "p", "n": "n", "s": "s"} | self.fixed | {name: name for name in self.free}
        return known | {name: f"{self.applied('_' + name)} x" for name in self.activation.where}

    def real(self, text: str) -> str:
        return real(text, self.names)

    def atom(self, text: str) -> str:
        """The formula, as the argument of a function."""
        shown = self.real(text)
        return f"({shown})" if " " in shown else shown

    def place(self, at: str, side: str = "R") -> str:
        """The point of a side where u has a value."""
        point = f"s*({at})**(1/n)"
        return self.real(point if side == "R" else f"-({point})")

    def for_all(self, body: str, before: str = "", names: str = "nsu") -> str:
        """The statement for all parameters, with the shorthand that it uses; `before` comes first."""
        uses = [name for name in names if re.search(rf"\b{name}\b", body)]
        if "s" in uses and "n" not in uses:
            uses.insert(0, "n")
        shown = {name: text if name == "n" else self.real(text) for name, text in SHORTHAND.items()}
        lets = [f"let {name}{' x' * (name == 'u')} := {shown[name]} in" for name in uses]
        binders = " ".join(f"({name} : {DOMAINS[domain][0]})" for name, domain in self.free.items())
        binders = binders[1:-1] if len(self.free) == 1 else binders
        given = [f"{DOMAINS[domain][1].format(name)} ->" for name, domain in self.free.items()]
        head = " ".join([f"forall {binders},", *given])
        return "\n  ".join(filter(None, [head, before, " ".join(lets), *body.splitlines()]))

    def definitions(self) -> str:
        """The branches, and what they are made of. Raises ExpressionError where they do not meet at 0 as is assumed."""
        if partition(self.activation) != JUNCTION:
            raise ExpressionError(f"{self.activation.name}: Coq has x <= 0 and x > 0, and no other intervals")
        binders = "".join(f" ({name} : {DOMAINS[domain][0]})" for name, domain in self.free.items()) + " (x : R)"
        left, right = (branch.expr for branch in self.activation.branches)
        parts = {f"_{name}": text for name, text in self.activation.where.items()} | {"_left": left, "_right": right}
        lines = [f"Definition {self.activation.name}{p}{binders} : R := {self.real(t)}." for p, t in parts.items()]
        glued = f"glue 0 ({self.applied('_left')}) ({self.applied('_right')}) x"
        return "\n".join([*lines, f"Definition {self.activation.name}{binders} : R := {glued}."])

    def denominators(self) -> list[str]:
        texts = [*self.activation.where.values(), *(b.expr for b in self.activation.branches)]
        return list(dict.fromkeys(self.real(d) for text in texts for d in divisors(text)))


# --- Statements: what each claim says ---

Claim = Mapping[str, str]


def reflection(a: Subject, claim: Claim) -> str:
    other = Subject(find(claim["reflection"]))
    g = " ".join([other.activation.name, *(a.names[name] for name in other.free)])
    return a.for_all(f"forall x, {a.at('x')} = x + {g} (- x) /\\ {a.at('x')} - relu x = {g} (- x) - relu (- x)")


def smoothness(a: Subject, claim: Claim) -> str:
    return a.for_all(f"exactly_of_class ({count(claim['smoothness'])}) {a.f} 0")


def jump(a: Subject, claim: Claim) -> str:
    order = count(f"{claim['smoothness']} + 1")
    values = [f"(INR (fact ({order})) * {a.atom(claim[side])})" for side in ("left", "right")]
    return a.for_all(f"jumps ({order}) {a.f} 0\n  {values[0]}\n  {values[1]}")


def poles(a: Subject, claim: Claim) -> str:
    nonzero = [f"(forall x, {d} <> 0) /\\" for d in a.denominators()]
    smooth = [f"smooth ({a.applied(part)}) /\\" for part in ("_left", "_right")]
    return a.for_all(" ".join([*nonzero, *smooth, f"smooth_off 0 {a.f}"]))


def formula(a: Subject, claim: Claim) -> str:
    side = OPEN_SIDE[claim["formula_side"]]
    return a.for_all(f"forall x, {side} -> is_derive {a.f} x {a.atom(claim['formula'])}")


def increasing(a: Subject, claim: Claim) -> str:
    side = {"R": "0 <= x", "L": "y <= 0"}[claim["increasing"]]
    return a.for_all(f"forall x y, {side} -> x < y -> {a.at('x')} < {a.at('y')}")


def extreme(kind: str, word: str, relation: str) -> Callable[[Subject, Claim], str]:
    def statement(a: Subject, claim: Claim) -> str:
        side, value = OPEN_SIDE[claim[f"{kind}_side"]], claim[kind]
        if f"{kind}_u" in claim:
            where = f"fun x => {side} /\\ u x = {a.real(claim[f'{kind}_u'])}"
            return a.for_all(f"{word} (Derive {a.f}) {a.atom(value)} ({where})")
        v = a.real(value)
        bound = f"Derive {a.f} x <= {v}" if relation == "<=" else f"{v} <= Derive {a.f} x"
        return a.for_all(f"(forall x, {bound}) /\\ (forall x, {side} -> Derive {a.f} x = {v})")

    return statement


def lipschitz(a: Subject, claim: Claim) -> str:
    value = claim["lipschitz"]
    body = f"lipschitz_constant {a.f} {a.atom(value)}"
    node = parse(value)
    if isinstance(node, ast.Call):
        small, large = (a.real(ast.unparse(part)) for part in node.args)
        K = a.real(value)
        body += f" /\\\n((N <= 2)%nat -> {K} = {small}) /\\ ((3 <= N)%nat -> {K} = {large})"
    return a.for_all(body)


def dead(a: Subject, claim: Claim) -> str:
    return a.for_all(f"forall x, Derive {a.f} x = 0 <-> {CLOSED_SIDE[claim['zero_side']]}")


def alive(a: Subject, claim: Claim) -> str:
    return a.for_all(f"forall x, x <> 0 -> (Derive {a.f} x = 0 <-> x = {a.place(claim['zero_u'], claim['zero_side'])})")


def onto(a: Subject, claim: Claim) -> str:
    return a.for_all(
        f"(forall x, 0 <= {a.at('x')} <= relu x) /\\ (forall y, 0 <= y -> exists x, {a.at('x')} = y)",
    )


def inverse(a: Subject, claim: Claim) -> str:
    root = real("(eps*y)**(1/(n + 1))", a.names | {"y": "y"})
    return a.for_all(
        f"forall y, 0 < y -> let a := {root} in\n"
        f"exists x, {a.at('x')} = y /\\ Rmax y a < x < y + a /\\ (forall z, {a.at('z')} = y -> z = x)"
    )


def minimum(a: Subject, claim: Claim) -> str:
    where = f"fun x => x = {a.place(claim['minimum_u'], claim['minimum_side'])}"
    return a.for_all(f"least {a.f} {a.atom(claim['minimum'])} ({where})")


def distance(a: Subject, claim: Claim) -> str:
    """The p-th power of the L^p distance."""
    return f"integral (fun x => power (Rabs ({a.at('x')} - relu x)) p)"


def norm(a: Subject, claim: Claim) -> str:
    arguments = pairs(claim)
    converge = [
        f"ex_RInt_gen (beta_integrand {a.atom(x)} {a.atom(y)}) (at_right 0) (Rbar_locally p_infty) /\\"
        for x, y in arguments
    ]
    value = a.atom("s**(p + 1)/n*(" + " + ".join(f"B({x}, {y})" for x, y in arguments) + ")")
    return a.for_all(
        "\n".join(
            [
                f"forall p, 1 <= p -> 0 < {a.real(claim['finite'])} ->",
                *converge,
                distance(a, claim),
                f"  {value}",
            ]
        )
    )


def finiteness(a: Subject, claim: Claim) -> str:
    return a.for_all(f"forall p, 1 <= p -> ((exists v, {distance(a, claim)} v) <-> 0 < {a.real(claim['finite'])})")


def farthest(a: Subject, claim: Claim) -> str:
    """The largest distance from ReLU; and, where eps is free, that it tends to 0 with eps."""
    where = f"fun x => x = {a.place(claim['sup_u'], claim['side'])}"
    body = a.for_all(f"greatest (fun x => Rabs ({a.at('x')} - relu x)) {a.atom(claim['sup'])} ({where})")
    if "eps" in a.fixed:
        return body
    return (
        f"({body}) /\\\n"
        "  (forall N : nat, (1 <= N)%nat -> forall d, 0 < d -> exists e, 0 < e /\\\n"
        f"    forall eps x, 0 < eps < e -> Rabs ({a.at('x')} - relu x) <= d)"
    )


def variation(a: Subject, claim: Claim) -> str:
    return a.for_all(f"integral (fun x => Rabs (Derive {a.f} x - step x)) {a.atom(claim['variation'])}")


def slope_gap(a: Subject, claim: Claim) -> str:
    return a.for_all(f"supremum_off 0 (fun x => Rabs (Derive {a.f} x - step x)) {a.atom(claim['sup'])}")


def second(a: Subject, claim: Claim) -> str:
    turn = a.real(claim["inflection_u"])
    return a.for_all(
        f"forall x, {OPEN_SIDE[claim['side']]} ->\n"
        f"is_derive_n {a.f} 2 x ({a.real(f'({SCALED})/Abs(x)')}) /\\\n"
        f"(u x < {turn} -> 0 < Derive_n {a.f} 2 x) /\\ (u x = {turn} -> Derive_n {a.f} 2 x = 0) /\\\n"
        f"({turn} < u x -> Derive_n {a.f} 2 x < 0)"
    )


def curvature(a: Subject, claim: Claim) -> str:
    value = real(claim["supremum"], {**a.names, "v": "v"})
    return a.for_all(
        f"let v := {a.real(claim['v'])} in\nlet m := {value} in\n"
        f"(forall x, Rabs (Derive_n {a.f} 2 x) <= m) /\\ (exists x, Rabs (Derive_n {a.f} 2 x) = m)"
    )


def far_out(end: str, where: str) -> Callable[[Subject, Claim], str]:
    def statement(a: Subject, claim: Claim) -> str:
        rest = a.real(f"x**({claim['remainder']})")
        leading = a.real(claim[end])
        return a.for_all(
            f"is_lim (fun x => ({a.at('x')} - ({leading})) / {rest}) {where} {a.atom(claim[f'{end}_next'])}"
        )

    return statement


def series(a: Subject, claim: Claim) -> str:
    term = f"fun k => (- 1) ^ k * (x * u x ^ (k + {claim['series_from']}))"
    return a.for_all(
        f"forall x, {OPEN_SIDE[claim['series_side']]} ->\n"
        f"(Rabs x < s -> is_series ({term}) ({a.at('x')})) /\\\n"
        f"(s <= Rabs x -> ~ ex_series ({term}))"
    )


#: For each claim by its id: the theorem it belongs to is the part before the dot.
STATEMENTS: Mapping[str, Callable[[Subject, Claim], str]] = {
    "T0.reflection": reflection,
    "T2.smoothness": smoothness,
    "T2.jump": jump,
    "T2.poles": poles,
    "T3.formula": formula,
    "T3.increasing": increasing,
    "T3.supremum": extreme("supremum", "greatest", "<="),
    "T3.infimum": extreme("infimum", "least", ">="),
    "T3.lipschitz": lipschitz,
    "T4.dead": dead,
    "T4.alive": alive,
    "T5.range": onto,
    "T5.inverse": inverse,
    "T5.minimum": minimum,
    "T6.norm": norm,
    "T6.finite": finiteness,
    "T6.sup": farthest,
    "T7.l1": variation,
    "T7.sup": slope_gap,
    "T8.formula": second,
    "T8.curvature": curvature,
    "T9.right": far_out("right", "p_infty"),
    "T9.left": far_out("left", "m_infty"),
    "T9.series": series,
}


# --- Files ---


@dataclass(frozen=True)
class Statement:
    """A claim for Coq: `name` is its proposition, `theorem` what proves it."""

    name: str
    text: str
    comment: str

    @property
    def theorem(self) -> str:
        return self.name[0].lower() + self.name[1:]

    @property
    def coq(self) -> str:
        comment = textwrap.wrap(f"(* {self.comment}. *)", WIDTH, subsequent_indent="   ")
        lines = [folded for line in f"  {self.text}.".splitlines() for folded in fold(line)]
        return "\n".join([*comment, f"Definition {self.name} : Prop :=", *lines])


def fold(line: str) -> list[str]:
    """A line of Coq in the width of the page."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def name_of(id: str, activation: Activation) -> str:
    """The proposition of a claim, whether it is stated or not."""
    base = id.replace(".", "_")
    return base if id in SHARED else f"{base}_{activation.name}"


def state(certificate: Certificate, activation: Activation) -> Statement | None:
    """A claim for Coq; None where it is not formalised. Raises ExpressionError."""
    id = certificate.id
    if id in SHARED:
        return Statement(name_of(id, activation), SHARED[id], certificate.statement)
    if id not in STATEMENTS:
        return None
    claim = activation.claims[id.partition(".")[0]]
    return Statement(name_of(id, activation), STATEMENTS[id](Subject(activation), claim), certificate.statement)


def stated(activations: Mapping[str, Activation] = VARIANTS) -> dict[tuple[str, str], Statement | None]:
    """Every claim, by the variant and the id of the claim, in order; None where it is not formalised."""
    return {(name, c.id): state(c, a) for name, a in activations.items() for c in certificates(a)}


def statements(activations: Mapping[str, Activation] = VARIANTS) -> str:
    """Statements.v. Raises ExpressionError for what Coq has no words for."""
    found = stated(activations)
    shared = {id: s for (_, id), s in found.items() if s and id in SHARED}
    parts = [HEADER, *(s.coq for s in shared.values())]
    parts += [f"(** * {a.title} *)\n\n{Subject(a).definitions()}" for a in activations.values()]
    for name, a in activations.items():
        parts.append(f"(** * What is claimed of {a.title} *)")
        parts += [s.coq for (variant, id), s in found.items() if s and variant == name and id not in SHARED]
    return "\n\n".join(parts) + "\n"
