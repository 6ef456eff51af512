"""`python -m gem_symbolic.emit [directory]` writes the kernel files, into codegen/ by default."""

import argparse
from pathlib import Path

from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.emit import write
from gem_symbolic.emit.facts import committed

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m gem_symbolic.emit", description="Write the kernel files.")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "codegen")
    directory = parser.parse_args().directory
    if directory == ROOT / "codegen":
        needed("gem_symbolic.emit")
    if not directory.is_dir():
        parser.exit(2, f"{parser.prog}: {str(directory)!r} is no folder: give an existing one\n")
    for path in write(directory, committed()):
        print(path)
