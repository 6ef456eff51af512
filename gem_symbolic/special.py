"""`python -m gem_symbolic.special` runs the committed kernels at the special inputs and writes codegen/VALUES.md.

Two tables: what a value and a gradient are at infinities, at the ends of each type, at zeros and for NaN; and up to
which x the gradient rounds to zero. Every answer is compared with the definition: at an infinity and at a zero with its
limit from that side, the sign of a zero value included, at any other number with the value there. A kernel that answers
otherwise is an error, and nothing is written.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from types import ModuleType
from typing import Any

import numpy as np

from gem_symbolic import files
from gem_symbolic.accuracy import CODEGEN, EPS, NS, fingerprint, source
from gem_symbolic.bars import BARS, DTYPES, PLANS
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkout import needed
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.emit import load
from gem_symbolic.figures import QUANTITIES
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.measure import FAR, Ordinals, critical, decode, ordinal
from gem_symbolic.readme import PATHS, table
from gem_symbolic.reference import evaluate
from gem_symbolic.rounding import as_fraction, round_to, ulp_distance
from gem_symbolic.running import Run, interpreted, runs
from gem_symbolic.sweep import Floats, values

PAGE = CODEGEN / "VALUES.md"
#: The inputs of the first table, as numbers of a format.
INPUTS: Mapping[str, Callable[[Format], float]] = {
    "-inf": lambda f: -math.inf,
    "-max": lambda f: -float(f.max),
    "-least": lambda f: -(2.0**f.least),
    "-0": lambda f: -0.0,
    "+0": lambda f: 0.0,
    "+least": lambda f: 2.0**f.least,
    "+max": lambda f: float(f.max),
    "+inf": lambda f: math.inf,
    "NaN": lambda f: math.nan,
}
SYMBOLS = ("f", "f'")
#: So many numbers at a time when the end of the zeros is looked for, and on either side of it that are looked at.
PIECES, AROUND = 256, 500
#: How near to half of the smallest subnormal a gradient must be that is not given as zero.
EARLY = 0.499


@dataclass(frozen=True)
class Setting:
    """One kernel path in one type, at one N and eps; eps is exact, as text."""

    path: str
    format: str
    N: int
    eps: str

    def __str__(self) -> str:
        return f"{label(self.path)}, {DTYPES[self.format]}, N = {self.N}, eps = {self.eps}"


Kernels = Mapping[Setting, Run]


def label(path: str) -> str:
    return PATHS.get(path, path)


def settings(activation: Activation, module: ModuleType) -> dict[Setting, Run]:
    """Every path, type, N and eps of a kernel module that was loaded within `running.interpreted`."""
    fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
    return {
        Setting(path, format, N, eps): run
        for N in NS
        for eps in ((fixed,) if fixed else EPS)
        for path, run in runs(module, activation, N, eps).items()
        for format in PLANS[path]
    }


# --- What f and f' are ---


def exact(activation: Activation, setting: Setting, x: float, order: int) -> Any:
    """The value at x, an mpf; at an infinity and at a zero, one so near that it rounds to the limit from that side."""
    near = {math.inf: FAR, 0.0: -FAR}.get(abs(x))
    at = x if near is None else int(math.copysign(1, x)) * Fraction(2) ** near
    return evaluate(activation, at, setting.N, setting.eps, order=order, dps=30)


def right(activation: Activation, setting: Setting, x: float, order: int, answer: float) -> bool:
    """Whether a kernel may answer so: the same infinity, NaN or zero, the same sign, and within the plan's bar.

    A gradient of zero may have either sign.
    """
    if math.isnan(x) or math.isnan(answer):
        return math.isnan(x) and math.isnan(answer)
    value, format = exact(activation, setting, x, order), FORMATS[setting.format]
    nearest = round_to(value, format)
    if math.copysign(1, answer) != math.copysign(1, nearest) and (order == 0 or answer != 0 or nearest != 0):
        return False
    if x == 0 or math.isinf(x):
        return answer == nearest
    return ulp_distance(answer, value, format) <= BARS[PLANS[setting.path][setting.format], format.name, order].ulps(
        setting.N
    )


def shown(x: float, answer: float, order: int) -> str:
    """The input itself is x, a zero value has its sign, and of another number only the sign is told but for 1."""
    if order and answer == 0:
        return "0"
    if answer == x and x:
        return "x"
    if math.isfinite(answer) and answer not in (0, 1):
        return "> 0" if answer > 0 else "< 0"
    return "NaN" if math.isnan(answer) else f"{answer:+g}" if answer != 1 else "1"


Answers = dict[tuple[int, str], dict[str, list[Setting]]]


def answers(activation: Activation, kernels: Kernels) -> tuple[Answers, list[str]]:
    """By order and input, which settings give which answer; and what is wrong, a sentence each."""
    found: Answers = defaultdict(lambda: defaultdict(list))
    wrong = []
    for setting, run in kernels.items():
        format = FORMATS[setting.format]
        xs = np.array([number(format) for number in INPUTS.values()])
        for order in range(len(QUANTITIES)):
            for name, x, answer in zip(INPUTS, xs.tolist(), run(xs, format, order).tolist()):
                found[order, name][shown(x, answer, order)].append(setting)
                if not right(activation, setting, x, order, answer):
                    wrong.append(f"{activation.title} ({setting}): the {QUANTITIES[order]} at {name} is {answer}")
    return found, wrong


def where(some: Iterable[Setting], every: Iterable[Setting]) -> str:
    """Which settings those are among all: by N and type, with eps unless it is any, and with paths that stand alone."""

    def by_path(settings: Iterable[Setting]) -> dict[tuple[int, str, str], set[str]]:
        found: dict[tuple[int, str, str], set[str]] = defaultdict(set)
        for s in settings:
            found[s.N, s.format, s.eps].add(s.path)
        return found

    paths, groups = by_path(every), defaultdict[tuple[int, str, str], list[str]](list)
    for (N, format, eps), found in by_path(some).items():
        alone = "" if found == paths[N, format, eps] else f" in {' and '.join(label(p) for p in PLANS if p in found)}"
        groups[N, format, alone].append(eps)
    texts = []
    for N, group in groupby(sorted(groups, key=lambda g: (g[0], list(FORMATS).index(g[1]), g[2])), lambda g: g[0]):
        parts = []
        for _, format, alone in group:
            all_eps = {eps for n, f, eps in paths if (n, f) == (N, format)}
            eps = groups[N, format, alone]
            parts.append(DTYPES[format] + alone + ("" if set(eps) == all_eps else f" (eps = {', '.join(eps)})"))
        texts.append(f"N = {N}: {', '.join(parts)}")
    return "; ".join(texts)


def first_table(found: Mapping[str, Answers], kernels: Mapping[str, Kernels]) -> str:
    """A row for each variant and quantity; below, where an answer is not the most frequent one."""
    rows, notes = [], []
    for name, answered in found.items():
        for order, symbol in enumerate(SYMBOLS):
            cells = []
            for input in INPUTS:
                most, *others = sorted(answered[order, input].items(), key=lambda item: -len(item[1]))
                cells.append(" or ".join([most[0], *(answer for answer, _ in others)]))
                notes += [
                    f"- {VARIANTS[name].title}, {symbol}({input}) {'' if answer[0] in '<>' else '= '}{answer}: "
                    f"{where(some, kernels[name])}; elsewhere {most[0]}."
                    for answer, some in others
                ]
            rows.append([VARIANTS[name].title, symbol, *cells])
    return "\n".join([table(["", "", *INPUTS], rows), *(["", *notes] if notes else [])])


# --- From where the gradient rounds to zero ---


@dataclass(frozen=True)
class Zeros:
    """Where the gradient of a setting is zero: up to `last`, None for nowhere, and `also` at numbers next to x*.

    `given` is the exact gradient at `last`, in smallest subnormals.
    """

    last: float | None
    also: tuple[float, ...]
    given: float

    def text(self, format: Format) -> str:
        return "".join([short(self.last, format), *(f" and at {short(x, format)}" for x in self.also)])


Gradient = Callable[[Floats], Floats]


def last_zero(gradient: Gradient, format: Format) -> int | None:
    """The place of the last number up to which the gradient is zero, from the lowest on; None if it never is."""
    low = -ordinal(float(format.max), format)
    high = -low
    while True:
        count = min(PIECES, high - low)
        places = [low + (high - low) * i // count for i in range(count + 1)]
        zero = gradient(decode(np.array(places), format)) == 0
        if not zero[0]:
            return None
        if zero.all():
            return places[-1]
        first = int(np.argmin(zero))
        low, high = places[first - 1], places[first]
        if high - low == 1:
            return low


def units(activation: Activation, setting: Setting, place: int) -> Fraction:
    """The size of the exact gradient at a number, in smallest subnormals of its format."""
    format = FORMATS[setting.format]
    value = exact(activation, setting, float(decode(np.array([place]), format)[0]), 1)
    return abs(as_fraction(value)) / Fraction(2) ** format.least


def zeros(activation: Activation, setting: Setting, gradient: Gradient, near: Ordinals) -> Zeros:
    """Where a gradient is zero; `near` are the places of the numbers next to x*."""
    format = FORMATS[setting.format]
    last, around = last_zero(gradient, format), decode(near, format)
    also = tuple(around[gradient(around) == 0].tolist()) if len(near) else ()
    if last is None:
        return Zeros(None, also, 0.0)
    given = float(units(activation, setting, last))
    return Zeros(float(decode(np.array([last]), format)[0]), also, given)


def mistakes(activation: Activation, setting: Setting, gradient: Gradient, found: Zeros, true: Zeros) -> Iterator[str]:
    """What is wrong with where a kernel's gradient is zero, a sentence each.

    A gradient of more than N + 1 smallest subnormals must not be given as zero, one of less than EARLY of them must,
    and there is one end of the zeros, not several. Next to x* a gradient within the absolute error of the plan's bar
    may be given as zero.
    """
    format = FORMATS[setting.format]
    beside = BARS[PLANS[setting.path][setting.format], format.name, 1].beside(setting.N)
    for x in set(found.also) ^ set(true.also):
        if x in true.also or abs(exact(activation, setting, x, 1)) > beside:
            yield f"the gradient at {x}, next to x*, is {'' if x in found.also else 'not '}zero"
    if found.last is None or true.last is None:
        if found.last != true.last:
            yield f"the gradient is zero up to {found.last}, not {true.last}"
        return
    place, top = ordinal(found.last, format), ordinal(float(format.max), format)
    places = np.arange(max(place - AROUND, -top), min(place + AROUND, top) + 1)
    if not np.array_equal(gradient(decode(places, format)) == 0, places <= place):
        yield f"the zeros of the gradient do not end at {found.last}"
    if found.given > setting.N + 1:
        yield f"a gradient of {found.given:.3g} smallest subnormals is given as 0 at {found.last}"
    if (after := float(units(activation, setting, place + 1))) < EARLY:
        yield f"a gradient of {after:.3g} smallest subnormals is not given as 0 after {found.last}"


Ends = dict[tuple[int, str], dict[str, dict[str, Zeros]]]


def ends(activation: Activation, kernels: Kernels) -> tuple[Ends, list[str]]:
    """By (N, eps), type and path ("" for the exact gradient), where it is zero; and what is wrong."""
    found: Ends = defaultdict(lambda: defaultdict(dict))
    wrong = []
    for setting, run in kernels.items():
        format = FORMATS[setting.format]
        at, N, eps = found[setting.N, setting.eps][setting.format], setting.N, setting.eps
        places = [p for place in critical(activation, N, eps, format) for p in (place - 1, place)]
        near = np.array(places, np.int64)

        def true(xs: Floats, format: Format = format, N: int = N, eps: str = eps) -> Floats:
            return values(activation, N, xs, format, eps, order=1).rounded(format)

        def gradient(xs: Floats, format: Format = format, run: Run = run) -> Floats:
            return run(xs, format, 1)

        if "" not in at:
            at[""] = zeros(activation, setting, true, near)
        at[setting.path] = zeros(activation, setting, gradient, near)
        sentences = mistakes(activation, setting, gradient, at[setting.path], at[""])
        wrong += [f"{activation.title} ({setting}): {sentence}" for sentence in sentences]
    return found, wrong


def short(x: float | None, format: Format) -> str:
    """A number in full where nine digits hold it, else with as many as tell it from all others of its format."""
    if x is None:
        return "nowhere"
    if float(text := f"{x:.9g}") == x:
        return text
    return next(text for d in range(1, 18) if round_to(float(text := f"{x:.{d}g}"), format) == x)


def second_table(found: Ends) -> str:
    """A row for each N and eps: up to which x the gradient rounds to zero, and each path that ends elsewhere."""
    rows = []
    for (N, eps), by_format in found.items():
        cells = []
        for name, by_path in by_format.items():
            true = by_path[""].text(FORMATS[name])
            others = defaultdict[str, list[str]](list)
            for path, given in by_path.items():
                if (text := given.text(FORMATS[name])) != true:
                    others[text].append(label(path))
            apart = "; ".join(f"{' and '.join(paths)}: {text}" for text, paths in others.items())
            cells.append(true + (f" ({apart})" if apart else ""))
        rows.append([str(N), eps, *cells])
    formats = next(iter(found.values()))
    return table(["N", "eps", *(DTYPES[f] for f in formats)], rows)


def third_table(found: Mapping[str, Ends]) -> str:
    """A row for each variant and path: the largest exact gradient that is given as zero where the zeros end."""
    rows = []
    for name, by_setting in found.items():
        largest: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for by_format in by_setting.values():
            for format, by_path in by_format.items():
                for path, given in by_path.items():
                    largest[path][format] = max(largest[path][format], given.given)
        rows += [
            [VARIANTS[name].title, label(path) if path else "correctly rounded"]
            + [f"{cells[format]:.3f}" if format in cells else "" for format in FORMATS]
            for path, cells in largest.items()
        ]
    return table(["", "", *(DTYPES[f] for f in FORMATS)], rows)


# --- The page ---

PAGE_TEXT = """# Special values

Generated by `make values`: the committed kernels ran at these inputs, in PyTorch on the CPU, by the operations that
torch.compile is given, and in Triton's interpreter, for N = {Ns} and eps = {eps}, and
every answer was compared with the definition: each finite input gave a finite result. The kernels, by the SHA-256 of
their code:

{code}

## Infinities, ends of the types, zeros and NaN

In every type and on every path; `max` is the largest finite number of the type, `least` its smallest subnormal, x the
input itself. A zero value has the sign of the values next to it on that side, as an infinity has their limit; a zero
gradient may have either sign.

{first}

## From where the gradient rounds to zero

On the reals the gradient of GEM and E-GEM is zero for x <= 0 and that of SE-GEM at one point only (T4). In a type it
*rounds* to zero for every x up to the one shown, whose digits tell it from every other number of the type, and at a
number next to SE-GEM's x* where that is named. In brackets stand the paths that give zero elsewhere.

{second}

No path flushes subnormal gradients to zero. These are the largest exact gradients that are given as zero, where the
zeros end, in smallest subnormals of the type; correct rounding gives at most 0.5. Where a gradient is computed in its
own type, a factor of it is subnormal before the gradient is, and rounds to zero first.

{third}
"""


def page(names: Iterable[str]) -> tuple[str, list[str]]:
    """The text of the page for these variants, and what is wrong with their kernels, a sentence each."""
    kernels, answered, ended, wrong = {}, {}, {}, []
    for name in names:
        activation = VARIANTS[name]
        with interpreted():
            module = load(source(activation), f"special_{name}")
        kernels[name] = settings(activation, module)
        answered[name], strange = answers(activation, kernels[name])
        ended[name], stray = ends(activation, kernels[name])
        wrong += strange + stray
    code = [f"- {VARIANTS[name].title}: {fingerprint(source(VARIANTS[name]))}" for name in kernels]
    text = PAGE_TEXT.format(
        Ns=", ".join(map(str, NS)),
        eps=", ".join(EPS),
        code="\n".join(code),
        first=first_table(answered, kernels),
        second="\n\n".join(f"{VARIANTS[name].title}:\n\n{second_table(e)}" for name, e in ended.items()),
        third=third_table(ended),
    )
    return text, wrong


def main() -> int:
    needed("gem_symbolic.special")
    text, wrong = page(name for name, activation in VARIANTS.items() if activation.emitted)
    if wrong:
        print("\n".join(wrong))
        return 1
    files.replace_text(PAGE, text)
    print(f"{PAGE.name}: every answer is that of the definition")
    return 0


if __name__ == "__main__":
    sys.exit(main())
