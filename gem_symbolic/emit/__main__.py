"""`python -m gem_symbolic.emit [directory]` writes the kernel files, into codegen/ by default."""

import argparse
from pathlib import Path

from gem_symbolic.emit import write

CODEGEN = Path(__file__).resolve().parents[2] / "codegen"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m gem_symbolic.emit", description="Write the kernel files.")
    parser.add_argument("directory", nargs="?", type=Path, default=CODEGEN)
    for path in write(parser.parse_args().directory):
        print(path)
