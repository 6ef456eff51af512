"""From a piecewise rational activation to kernel files: written, read back and measured."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gem_symbolic import bars, emit, files, kernelcheck, measure, native, running
from gem_symbolic.definitions import Activation

#: What is measured: all four formats, value and gradient; how many numbers of the wide ones are spread over the type,
#: and stand on either side of a zero of the derivative.
FORMATS = tuple(bars.DTYPES)
SPREAD, NEAR = 2_000, 500

Records = list[dict[str, Any]]


def produce(activation: Activation, directory: Path, progress: Callable[[str], None]) -> tuple[Records, Records]:
    """Writes NAME.py and NAME.cpp, and gives the claims and measurements about them as JSON data.

    The activation has no parameters, and rational numbers as junctions; the directory is made where it is missing.
    `progress` is told in words what comes next. Raises PlanError, in one sentence, where no kernels are derived for it,
    and OSError where they cannot be written: then neither file is touched.
    """
    texts = {".py": emit.source(activation), ".cpp": emit.native(activation)}
    paths = {suffix: directory / f"{activation.name}{suffix}" for suffix in texts}
    with suppress(OSError):  # what is wrong with a folder is said below
        directory.mkdir(parents=True, exist_ok=True)
    for path in paths.values():
        files.writable(path)
    for suffix, path in paths.items():
        progress(f"writing {path}")
        files.replace_text(path, texts[suffix])
    source, compiled = (path.read_text(encoding="utf-8") for path in paths.values())
    progress("reading the kernels back")
    claims = list(kernelcheck.read_back(activation, source, None, compiled))
    return claims, list(measured(activation, source, compiled, progress))


def measured(
    activation: Activation, source: str, compiled: str, progress: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """The accuracy of each path that can be run here, type and quantity."""
    if kernelcheck.missing():
        return
    with running.interpreted():
        module = emit.load(source, f"{activation.name}_kernels")
    runs = running.runs(module, activation, None, None, kernelcheck.paths())
    with suppress(native.CompilerError):  # without a compiler that path cannot be run
        runs["native"] = running.native_run(compiled)
    for format in FORMATS:
        progress(f"measuring {format}")
        for found in measure.kernels(activation, None, None, runs, (format,), spread=SPREAD, near=NEAR):
            yield found.record()
