"""From definitions to kernel files: for each activation one in Python, with PyTorch and Triton, and one in C++."""

import ast
import builtins
import hashlib
import importlib.util
import inspect
import json
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gem_symbolic import layout, parameters, pieced
from gem_symbolic.definitions import INTEGER, VARIANTS, Activation
from gem_symbolic.emit.printer import Body, body, routine
from gem_symbolic.emit.targets import CPP, SPLICES, TORCH, TRITON, Target
from gem_symbolic.floats import plan
from gem_symbolic.formats import FORMATS
from gem_symbolic.pairs import compensated, short
from gem_symbolic.piecewise import PiecewiseRational, build
from gem_symbolic.plans import Plan, PlanError, unaltered
from gem_symbolic.rules import CHAINS, ROUTINES, Routine
from gem_symbolic.wide import wide

WIDTH = 118
#: What writes a file, as its header says.
COMMAND = "python -m gem_symbolic.emit"
COMMAND_FOR_SPECS = "python -m gem_symbolic.verify --spec FILE --emit DIR"
#: The derivatives that a file holds, by order, and what is carried verbatim from `parameters`.
ORDERS = ("value", "first", "second")
LAYOUTS = layout.uncompiled, layout.matrices, layout.gradients
CARRIED = (
    *(parameters.exact, parameters.resolve, parameters.root, parameters.scale_constants, parameters.pair_constants),
    *(parameters.remembered, parameters.constants, *LAYOUTS),
)
#: How many of the derivatives are computed in pairs on request, from the value on.
ACCURATE = 2
#: PyTorch's names of the formats, and those of them that kernels compute in.
TYPES = {"binary16": "float16", "bfloat16": "bfloat16", "binary32": "float32", "binary64": "float64"}
COMPUTE = ("binary32", "binary64")
#: The types that a C++ file computes for in binary64, by the wide plan: all that are narrower.
WIDE = ("binary16", "bfloat16", "binary32")
#: How the plan of a derivative is derived, by the names that functions and figures go by.
PLANS: Mapping[str, Callable[[PiecewiseRational, int], Plan]] = {
    "wide": wide,
    "plain": plan,
    "compensated": compensated,
}

ENVIRONMENT = Environment(
    loader=PackageLoader("gem_symbolic.emit"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["wrap"] = lambda text, indent="": "\n".join(
    textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))
)


def digest(activation: Activation) -> str:
    """The SHA-256 of the definition: what is computed and its parameters, not what is said about it."""
    data = {k: v for k, v in asdict(activation).items() if k in ("name", "branches", "where", "parameters")}
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def used(activation: Activation) -> dict[str, str]:
    """The definitions of `where` that the branches use, directly or through one another."""
    texts, found = [b.expr for b in activation.branches], dict[str, str]()
    for name, text in reversed(list(activation.where.items())):
        if any(re.search(rf"\b{name}\b", t) for t in texts):
            found[name] = text
            texts.append(text)
    return dict(reversed(list(found.items())))


def module(activation: Activation) -> str:
    """The name of its module in a kernel file: in capitals, or, without parameters, its words capitalised."""
    name = activation.name
    return name.upper() if activation.parameters else "".join(word.capitalize() for word in name.split("_"))


@dataclass(frozen=True)
class Parts:
    """The plans that the files of an activation carry out, each by order.

    Without parameters there are those of its pieces alone: they are computed in binary64 where a wide plan would be.
    """

    parametric: bool
    plain: Sequence[Plan]
    wide: Sequence[Plan] = ()
    short: Sequence[Plan] = ()
    accurate: Sequence[Plan] = ()

    @classmethod
    def of(cls, activation: Activation) -> "Parts":
        """Raises PlanError."""
        orders = range(len(ORDERS))
        if not activation.parameters:
            plans = [pieced.plan(activation, order) for order in orders]
            pieced.literals(plans)  # which says what could not be told apart
            return cls(False, plans)
        model = build(activation)
        plain = [plan(model, order) for order in orders]
        wider, accurate = ([derive(model, order) for order in range(ACCURATE)] for derive in (wide, compensated))
        return cls(True, plain, wider, list(map(short, plain)), accurate)


def presentable(activation: Activation) -> None:
    """Raises PlanError for a name that is no name in Python, and for text that could end a comment or a string."""
    name = activation.name
    if (
        not name.isidentifier()
        or not name.isascii()
        or name.startswith("_")
        or iskeyword(name)
        or name in dir(builtins)
    ):
        raise PlanError(f"no kernels can be named {name!r}: it must be a name in Python that begins with a letter")
    for text in (activation.title, activation.source, *(t for b in activation.branches for t in (b.on, b.expr))):
        if not text.isprintable() or any(mark in text for mark in (*SPLICES, '"""')):
            raise PlanError(f"no kernels can quote {text!r}: it must be one printable line without {' '.join(SPLICES)}")


def unambiguous(activation: Activation, file: ast.Module) -> None:
    """Raises PlanError where a kernel file has something else by the name of what a user calls."""
    defined = [node.name for node in file.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    used = {node.id for node in ast.walk(file) if isinstance(node, ast.Name)} - {module(activation)}
    if len(set(defined)) < len(defined) or used & {activation.name, f"{activation.name}_glu"}:
        raise PlanError(f"no kernels can be named {activation.name!r}: their file has something else of that name")


def printed(plans: Sequence[Plan], target: Target) -> tuple[list[tuple[Routine, Body]], dict[str, str]]:
    """The routines that the plans use, in the target's language, and the loops over them."""
    used = {step.op for p in plans for step in p.steps}
    loops = {name: product for name, product in CHAINS.items() if name in used}
    return [(r, routine(r, target)) for r in ROUTINES.values() if r.name in used | {*loops.values()}], loops


def source(activation: Activation, facts: Sequence[str] = ()) -> str:
    """The kernel file of an activation; `facts` are sentences for its header, such as theorems and measured errors.

    Raises PlanError for a definition that no evaluation plan is derived for, or that cannot be quoted or named.
    """
    presentable(activation)
    parts = Parts.of(activation)
    routines, chains = printed([*parts.accurate, *parts.short], TRITON)
    reals = [p for p in activation.parameters if p.domain != INTEGER]
    text = ENVIRONMENT.get_template(TORCH.template).render(
        a=activation,
        module=module(activation),
        parametric=parts.parametric,
        digest=digest(activation),
        command=COMMAND if parts.parametric else COMMAND_FOR_SPECS,
        where=used(activation),
        facts=facts,
        free=[p for p in reals if not p.fixed],
        fixed=next((p.fixed for p in reals if p.fixed), "1"),
        default=inspect.signature(parameters.resolve).parameters["default"].default,
        carried=[inspect.getsource(f).rstrip() for f in (CARRIED if parts.parametric else LAYOUTS)],
        types=[TYPES[name] for name in FORMATS],
        formats=[(TYPES[name], FORMATS[name]) for name in COMPUTE],
        orders=ORDERS,
        torch_bodies=[body(p, TORCH) for p in parts.plain],
        wide_bodies=[body(p, TORCH) for p in parts.wide],
        triton_bodies=[body(p, TRITON) for p in parts.plain],
        short_bodies=[body(p, TRITON) for p in parts.short],
        accurate_bodies=[body(p, TRITON) for p in parts.accurate],
        routines=routines,
        chains=chains,
        triton_template=TRITON.template,
    )
    unambiguous(activation, ast.parse(text))
    return text


def native(activation: Activation, template: str = CPP.template, **more: Any) -> str:
    """The C++ source of an activation; a template that includes the kernels can add to them. Raises as `source`."""
    presentable(activation)
    parts = Parts.of(activation)
    routines, chains = printed(parts.accurate, CPP)
    return ENVIRONMENT.get_template(template).render(
        a=activation,
        digest=digest(activation),
        command=COMMAND if parts.parametric else COMMAND_FOR_SPECS,
        where=used(activation),
        orders=ORDERS,
        parametric=parts.parametric,
        bodies=[body(p, CPP) for p in parts.plain],
        wide_bodies=[body(p, CPP) for p in parts.wide],
        accurate_bodies=[body(p, CPP) for p in parts.accurate],
        routines=routines,
        chains=chains,
        unaltered=[unaltered(p) for p in parts.plain],
        shorts=[f for f in FORMATS.values() if f.bits == 16],
        wide_types=WIDE,
        plain_types=COMPUTE,
        **more,
    )


def write(directory: Path | str, facts: Mapping[str, Sequence[str]] | None = None) -> list[Path]:
    """Writes the files of every emitted variant, each all at once, and returns the paths; `facts` are by variant."""
    paths = []
    for name, activation in VARIANTS.items():
        if not activation.emitted:
            continue
        texts = {".py": source(activation, (facts or {}).get(name, ())), ".cpp": native(activation)}
        for suffix, text in texts.items():
            path = Path(directory) / f"{name}{suffix}"
            with tempfile.NamedTemporaryFile("w", dir=directory, suffix=".tmp", delete=False, encoding="utf-8") as f:
                f.write(text)
            os.chmod(f.name, 0o644)
            os.replace(f.name, path)
            paths.append(path)
    return paths


def load(text: str, name: str) -> ModuleType:
    """The module that a source is, executed from a temporary file: Triton reads the text of its functions there.

    The file stays until the process ends, since Triton reads it on first use.
    """
    directory = tempfile.TemporaryDirectory(prefix="gem_symbolic-")
    path = Path(directory.name) / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["_directory"] = directory  # removed with the module
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
