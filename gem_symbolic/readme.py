"""`python -m gem_symbolic.readme` rewrites the generated parts of README.md, from the definitions and committed data.

And codegen/ACCURACY.md, all of it. A part stands between <!-- generated: NAME --> and <!-- end: NAME -->. Whatever is
missing, a certificate, a claim, a measurement or a marker, is an error.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gem_symbolic import figures, files, speed
from gem_symbolic.bars import BARS, DTYPES, PLANS, Bar
from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.notation import plain

PATHS = {"torch": "PyTorch, CPU", "compiled": "torch.compile", "triton": "Triton", "accurate": "Triton, accurate=True"}
FORMATS = ("binary16", "bfloat16", "binary32", "binary64")
#: What is claimed of each activation (theorem, claim, where `definitions` states it) and how a column is headed.
PROVED = {
    "smooth: exactly": ("T2.smoothness", "T2", "smoothness", "C^({})"),
    "Lipschitz constant": ("T3.lipschitz", "T3", "lipschitz", "{}"),
    "sup distance to ReLU": ("T6.sup", "T6", "sup", "{}"),
}
GRADIENT = {"T4.dead": "on all of x <= 0", "T4.alive": "x != 0: at one point"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def definitions(activations: Iterable[Activation]) -> str:
    """What each activation is, branch by branch, with the gate below."""
    activations = list(activations)
    rows = [
        [
            a.title,
            f"`{a.name}`",
            "; ".join(f"`{b.expr}` for {b.on}" for b in a.branches),
            ", ".join(f"{p.name} = {p.fixed}" if p.fixed else f"{p.name} {p.domain}" for p in a.parameters),
        ]
        for a in activations
    ]
    gates = dict.fromkeys(f"`{name} = {plain(text)}`" for a in activations for name, text in a.where.items())
    return table(["", "variant", "f(x)", "parameters"], rows) + f"\n\nwhere {', '.join(gates)}."


def proved(activations: Iterable[Activation], proofs: Path) -> str:
    """A row for each activation: what its certificate in `proofs` says is proved; blank where nothing is claimed."""
    rows = []
    for a in activations:
        claims = {c["id"]: c for c in json.loads((proofs / f"{a.name}.json").read_text(encoding="utf-8"))["claims"]}
        count = sum(c["status"] == "proved" for c in claims.values())
        cells = [
            certified(claims[id], f"`{form.format(plain(a.claims[theorem][key]))}`")
            if key in a.claims.get(theorem, {})
            else ""
            for id, theorem, key, form in PROVED.values()
        ]
        gradient = next(id for id in GRADIENT if id in claims) if "T4" in a.claims else None
        cells.append(certified(claims[gradient], GRADIENT[gradient]) if gradient else "")
        rows.append([a.title, f"{count} of {len(claims)}", *cells])
    return table(["", "claims proved", *PROVED, "zero gradient"], rows)


def certified(claim: Mapping[str, Any], cell: str) -> str:
    return cell if claim["status"] == "proved" else f"{cell} ({claim['status']})"


def accuracy(data: Mapping[str, Any]) -> str:
    """A row for each kernel path of each activation: the largest error of a value, in ulps."""
    rows = [
        [
            f"{VARIANTS[name].title}, {label}",
            *(
                error(found["measurements"][f"{path}.{format}.value"]) if format in PLANS[path] else ""
                for format in FORMATS
            ),
        ]
        for name, found in data["variants"].items()
        for path, label in PATHS.items()
    ]
    where = f"N = {', '.join(map(str, data['N']))}; eps = {', '.join(data['eps'])}"
    said = (
        f"{where}; torch.compile by the operations that it is given; Triton in its interpreter; where it says C++, in "
        "generated C++ that computes the same plan"
    )
    under = [
        m["under"] for found in data["variants"].values() for m in found["measurements"].values() if m.get("under")
    ]
    if under:
        below = next(power(bar.below) for (_, _, order), bar in BARS.items() if bar.small and not order)
        said += f"; accurate=True for values of at least {below}, below that {max(under):.4f} ulp at most"
    return table(["largest error in ulp", *FORMATS], rows) + f"\n\n({said})"


def gpu(data: Mapping[str, Any]) -> str:
    """How much of what was measured on a GPU is within its limit."""
    if not data:
        return "On a GPU nothing was measured yet."
    found = [(name, id, m) for name, d in data["variants"].items() for id, m in d["measurements"].items()]
    missed = [f"{VARIANTS[name].title}, {shown(id)}" for name, id, m in found if not m["ok"]]
    sweeps = [r for records in data["sweeps"].values() for r in records]
    whole = sum(r["ok"] and r["inputs"] == figures.INPUTS for r in sweeps)
    plain = [r for r in sweeps if r["id"].startswith("plain")]
    same = sum(r["more"] == 0 for r in plain)
    return (
        f"On {data['machine']}: {len(found) - len(missed)} of {len(found)} measurements over the same grid are within "
        f"their limits{'; beyond them: ' if missed else ''}{'; '.join(missed)}. Triton's kernels on all "
        f"{figures.INPUTS:,} binary32 inputs: {whole} of {len(sweeps)} sweeps within their limits; of the {len(plain)} "
        f"in plain binary32, {same} give as many correctly rounded results as C++ on the CPU. "
        "[All of it, and what is behind a miss](codegen/ACCURACY.md#on-a-gpu)."
    )


def shown(id: str) -> str:
    """A measurement for a reader."""
    path, format, quantity = id.split(".")
    return f"{PATHS[path]}, {DTYPES[format]}, {quantity}"


def error(measurement: Mapping[str, Any]) -> str:
    beyond = "" if measurement["ok"] else ", **beyond its limit**"
    return f"{measurement['max_ulp']:.4f} {how(measurement)}{beyond}"


def how(measurement: Mapping[str, Any]) -> str:
    return " in ".join([measurement["kind"], *([measurement["by"]] if "by" in measurement else [])])


ACCURACY = """# Accuracy of the kernels

Generated by `make readme` from the data of `make accuracy` and `make sweeps`: each kernel against the reference, for
N = {Ns} and eps = {eps} (an eps that a variant fixes stands alone).
The error is in ulp, once the absolute term of the limit, if it has one, is taken off; the limit is that for the N of
the worst case. *exhaustive* is every input of the type for each N and eps, *sampled* a spread of inputs with every one
near a junction and the 400,000 about each zero of the derivative; where it says C++, generated C++ computed the same
plan. With accurate=True the largest error is of results that are not below what the limit names. Of torch.compile the
operations that it is given ran, one after the other; Triton ran in its interpreter. The results that are not correctly
rounded, not the nearest number of the type, are counted over all N and eps.
"""


def accuracy_page(data: Mapping[str, Any], gpu: Mapping[str, Any]) -> str:
    """A table for each activation, a row for each path, type and quantity; then those of a GPU.

    Raises KeyError for missing figures.
    """
    head = ["path", "type", "", "largest error", "limit", "how", "not correctly rounded", "worst case"]
    sections = [
        f"## {VARIANTS[name].title}\n\n{table(head, figure_rows(found['measurements']))}\n"
        for name, found in data["variants"].items()
    ]
    text = ACCURACY.format(Ns=", ".join(map(str, data["N"])), eps=", ".join(data["eps"]))
    return "\n".join([text, *sections, *gpu_sections(gpu, head)])


ON_GPU = """# On a GPU

By `python -m gem_symbolic.accuracy --device cuda` on {machine}:
what the kernels and torch.compile gave there, for the same N and eps, measured in the same way.{missed}
"""
#: What is behind infinite errors.
ZEROS = """
An infinite error is a zero of the wrong sign, where a value underflows: torch.compile writes -x, which is 0 - x in
Triton up to 3.6."""
SWEPT = """## Every binary32 input

By `python -m gem_symbolic.exhaustive --device cuda`: Triton's kernels on the same machine, with accurate=True and
without, on all 4,294,967,296 inputs; the last column is how many more are not correctly rounded than of C++ on the CPU.
"""


def gpu_sections(data: Mapping[str, Any], head: Sequence[str]) -> Iterable[str]:
    """The tables of a GPU, if there are figures of one."""
    if not data:
        return
    every = [m for found in data["variants"].values() for m in found["measurements"].values()]
    infinite = any(not m["ok"] and not math.isfinite(m["max_ulp"]) for m in every)
    yield ON_GPU.format(machine=data["machine"], missed=ZEROS if infinite else "")
    for name, found in data["variants"].items():
        yield f"## {VARIANTS[name].title}, on a GPU\n\n{table(head, figure_rows(found['measurements']))}\n"
    columns = ["", "N, eps", "kernel", "", "largest error", "limit", "worst case", "not correctly rounded", "more"]
    yield f"{SWEPT}\n{table(columns, sweep_rows(data['sweeps']))}\n"


def sweep_rows(sweeps: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[Sequence[str]]:
    for name, records in sweeps.items():
        for r in records:
            plan, quantity = r["id"].split(".")
            yield (
                VARIANTS[name].title,
                f"{r['N']}, {r['eps']}",
                "pairs" if plan == "compensated" else "binary32",
                quantity,
                f"{figures.bound(r['max_ulp']):.4f}{'' if r['ok'] else ' **beyond its limit**'}",
                limit(r, BARS[plan, figures.FORMAT, figures.QUANTITIES.index(quantity)]),
                f"x = {r['x']!r}",
                f"{r['misrounded']:,}",
                f"{r['more']:+,}",
            )


def figure_rows(measurements: Mapping[str, Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    here = {id.split(".")[0] for id in measurements}
    for path, label in PATHS.items():
        if path not in here:
            continue
        for format in (f for f in FORMATS if f in PLANS[path]):
            for quantity in figures.QUANTITIES:
                m = measurements[f"{path}.{format}.{quantity}"]
                bar = BARS[PLANS[path][format], format, figures.QUANTITIES.index(quantity)]
                missed = "" if m["ok"] else " **beyond its limit**"
                x = "NaN" if m["x"] is None else f"{m['x']!r}"
                counted = f"{m['misrounded']:,} of {m['inputs']:,}"
                worst = f"N = {m['N']}, eps = {m['eps']}, x = {x}"
                largest = f"{m['max_ulp']:.4f}{missed}"
                yield label, DTYPES[format], quantity, largest, limit(m, bar), how(m), counted, worst


def limit(measurement: Mapping[str, Any], bar: Bar) -> str:
    """What a measurement was held to."""
    found = allowed(measurement["limit"], measurement["absolute"])
    if bar.small:
        N = measurement["N"]
        found += f"; below {power(bar.below)}: {allowed(bar.small.ulps(N), bar.small.beside(N))}"
    return found


def power(x: float) -> str:
    return f"2^{math.log2(x):.0f}"


def allowed(ulps: float, absolute: float) -> str:
    """A limit: ulps, and an absolute term beside them."""
    terms = [*([f"{ulps:g}"] if ulps or not absolute else []), *([power(absolute)] if absolute else [])]
    return " + ".join(terms)


def parts(root: Path) -> dict[str, Callable[[], str]]:
    """The generated parts by name."""
    return {
        "definitions": lambda: definitions(VARIANTS.values()),
        "results": lambda: proved(VARIANTS.values(), root / "proofs"),
        "accuracy": lambda: accuracy(figures.accuracy(root)),
        "gpu": lambda: gpu(figures.on_gpu(root)),
        "speed": lambda: speed.section(root),
    }


def rewrite(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """The text with every part generated anew. Raises ValueError for a part without its pair of markers."""
    for name, generate in parts.items():
        start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"({re.escape(start)}\n).*?({re.escape(end)})", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"the markers {start} and {end} must stand in the text once")
        body = generate()
        text = pattern.sub(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)
    return text


def main() -> int:
    needed("gem_symbolic.readme")
    path = ROOT / "README.md"
    path.write_text(rewrite(path.read_text(encoding="utf-8"), parts(ROOT)), encoding="utf-8")
    files.replace_text(ROOT / "codegen" / "ACCURACY.md", accuracy_page(figures.accuracy(ROOT), figures.on_gpu(ROOT)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
