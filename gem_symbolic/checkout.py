"""The checkout around this package, which the commands that rewrite committed files work on.

An installed package has none, and none of what a user calls needs it. Standard library only.
"""

import sys
from pathlib import Path

#: The folder of codegen/, proofs/, notebooks/ and README.md.
ROOT = Path(__file__).resolve().parent.parent
#: The exit status of a command line that lacks something.
MISSING = 3


def needed(module: str, root: Path = ROOT) -> None:
    """Ends the process with one sentence and status MISSING where there is no checkout for that module to work on."""
    if not (root / "pyproject.toml").is_file():
        print(f"python -m {module}: this rewrites files of a checkout, and there is none at {root}", file=sys.stderr)
        raise SystemExit(MISSING)
