"""From C++ source to functions: compiled once, kept in a private cache folder, loaded through ctypes."""

import ctypes
import functools
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

#: What is written is what runs: nothing is fused or reordered. The next two let loops be vectorised, the last leaves
#: their ends as they are, which takes half the time off compiling; no value changes.
FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "--param=vect-epilogues-nomask=0"),
)


class CompilerError(RuntimeError):
    """There is no C++ compiler, or it refuses the source."""


def compiler() -> str:
    """The path of the C++ compiler: CXX, or g++. Raises CompilerError where there is none."""
    name = os.environ.get("CXX", "g++")
    path = shutil.which(name)
    if path is None:
        raise CompilerError(f"no C++ compiler was found ({name}): install g++, or let CXX name another")
    return path


@functools.cache
def identity(path: str) -> str:
    """What the compiler says of itself and of the processor that it compiles for."""
    done = subprocess.run([path, *FLAGS, "-E", "-v", "-x", "c++", os.devnull], capture_output=True, text=True)
    return "\n".join(line for line in done.stderr.splitlines() if tempfile.gettempdir() not in line)


def ours(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether there is something of that kind, itself and not a link to it, that is ours and nobody else can write."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return kind(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def private(folder: Path) -> bool:
    """Whether the folder, made where it is missing, is ours and nobody else can write there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return ours(folder, stat.S_ISDIR)


@functools.cache
def temporary() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="gem_symbolic-")


def folder() -> Path:
    """The user's cache folder, or a temporary one that goes with the process where that cannot be trusted."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "gem_symbolic"
    return cache if private(cache) else Path(temporary().name)


def build(source: str, defines: Mapping[str, object] | None = None) -> Path:
    """The library of a source, compiled unless it was before. Raises CompilerError, in one sentence."""
    path = compiler()
    given = [f"-D{name}={value}" for name, value in (defines or {}).items()]
    key = hashlib.sha256("\0".join([source, identity(path), *FLAGS, *given]).encode()).hexdigest()
    library = folder() / f"{key}.so"
    if ours(library, stat.S_ISREG):
        return library
    handle, name = tempfile.mkstemp(dir=library.parent, suffix=".tmp")
    os.close(handle)
    try:
        command = [path, *FLAGS, *given, "-x", "c++", "-", "-o", name]
        done = subprocess.run(command, input=source, capture_output=True, text=True)
        if done.returncode:
            raise CompilerError(f"the C++ compiler refuses the source: {done.stderr.strip()}")
        os.chmod(name, 0o700)
        os.replace(name, library)
    finally:
        Path(name).unlink(missing_ok=True)
    return library


def load(source: str, defines: Mapping[str, object] | None = None) -> ctypes.CDLL:
    """The functions of a source. Raises CompilerError, in one sentence."""
    return ctypes.CDLL(str(build(source, defines)))
