"""`python -m gem_symbolic.emit [directory]` writes the kernel files, into codegen/ by default."""

import argparse
from pathlib import Path

from gem_symbolic.emit import write
from gem_symbolic.emit.facts import ROOT, committed

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m gem_symbolic.emit", description="Write the kernel files.")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "codegen")
    for path in write(parser.parse_args().directory, committed()):
        print(path)
