"""How to call this program, for lines that say what to try next."""

import os
import shutil
import sys
from pathlib import Path


def program() -> str:
    """Return how to call this program: by its name where the shell finds it, else by its path."""
    beside = Path(sys.executable).with_name("graphrnn")
    on_path = shutil.which("graphrnn")
    if on_path and Path(on_path).resolve() == beside.resolve():
        return "graphrnn"
    return os.path.relpath(beside) if beside.exists() else "python -m graphrnn"
