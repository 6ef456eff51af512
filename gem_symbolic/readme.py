"""`python -m gem_symbolic.readme` rewrites the generated parts of README.md, from the definitions and committed data.

A part stands between <!-- generated: NAME --> and <!-- end: NAME -->. Whatever is missing, a certificate, a claim, a
measurement or a marker, is an error.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.notation import plain

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("binary16", "bfloat16", "binary32")
#: path -> how a row is headed, and the formats that it is measured in.
PATHS = {
    "torch": ("PyTorch, CPU", FORMATS),
    "triton": ("Triton", FORMATS),
    "accurate": ("Triton, accurate=True", ("binary32",)),
}
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
    """A row for each activation: what its certificate in `proofs` says is proved."""
    rows = []
    for a in activations:
        claims = {c["id"]: c for c in json.loads((proofs / f"{a.name}.json").read_text(encoding="utf-8"))["claims"]}
        count = sum(c["status"] == "proved" for c in claims.values())
        gradient = next(id for id in GRADIENT if id in claims)
        cells = [
            certified(claims[id], f"`{form.format(plain(a.claims[theorem][key]))}`")
            for id, theorem, key, form in PROVED.values()
        ]
        rows.append([a.title, f"{count} of {len(claims)}", *cells, certified(claims[gradient], GRADIENT[gradient])])
    return table(["", "claims proved", *PROVED, "zero gradient"], rows)


def certified(claim: Mapping[str, Any], cell: str) -> str:
    return cell if claim["status"] == "proved" else f"{cell} ({claim['status']})"


def accuracy(data: Mapping[str, Any]) -> str:
    """A row for each kernel path of each activation: the largest error of a value, in ulps."""
    rows = [
        [
            f"{VARIANTS[name].title}, {label}",
            *(
                error(found["measurements"][f"{path}.{format}.value"]) if format in formats else ""
                for format in FORMATS
            ),
        ]
        for name, found in data["variants"].items()
        for path, (label, formats) in PATHS.items()
    ]
    where = f"N = {', '.join(map(str, data['N']))}; eps = {', '.join(data['eps'])}"
    return table(["largest error in ulp", *FORMATS], rows) + f"\n\n({where}; Triton in its interpreter)"


def error(measurement: Mapping[str, Any]) -> str:
    return f"{measurement['max_ulp']:.4f} {measurement['kind']}" + (
        "" if measurement["ok"] else ", **beyond its limit**"
    )


def parts(root: Path) -> dict[str, Callable[[], str]]:
    """The generated parts by name."""
    data = root / "codegen" / "accuracy.json"
    return {
        "definitions": lambda: definitions(VARIANTS.values()),
        "results": lambda: proved(VARIANTS.values(), root / "proofs"),
        "accuracy": lambda: accuracy(json.loads(data.read_text(encoding="utf-8"))),
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
    path = ROOT / "README.md"
    path.write_text(rewrite(path.read_text(encoding="utf-8"), parts(ROOT)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
