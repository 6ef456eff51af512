"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path


def writable(path: Path) -> None:
    """Raises OSError, in one sentence, where no file can be written at that path."""
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OSError(f"cannot write {str(path)!r}: it must be a file in an existing folder that can be written")


def replace_text(path: Path, text: str) -> None:
    """Writes the text under a temporary name beside the path, then renames it. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
