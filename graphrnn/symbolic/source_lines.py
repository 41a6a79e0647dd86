"""Lines of source: where a node of a graph was written, as Aesara's traces tell it."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aesara

_AESARA = str(Path(aesara.__file__).parent)
_MAKERS = tuple(str(Path(_AESARA, name)) for name in ("scan", "gradient.py"))
_PACKAGE = str(Path(__file__).parents[1])
_SYMBOLIC = str(Path(__file__).parent)
_NATIVE = str(Path(_PACKAGE, "native"))
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib", "scripts"))

Line = tuple[str, int, str]
"""A file, a line's number in it, and its text where the trace has it."""


def lines_outside(node: Any, *folders: str) -> Iterator[Line]:
    """Return the lines that made a node, Aesara's and those in these folders left out.

    The innermost of the last trace comes first.
    """
    for variable in node.outputs:
        for stack in reversed(getattr(variable.tag, "trace", None) or []):
            for file, number, _function, text in reversed(stack):
                if not str(file).startswith((_AESARA, _SYMBOLIC, "<frozen", *folders)):
                    yield str(file), int(number or 0), text or ""


def user_line(node: Any) -> str:
    """Return the line of the user's that made a node, as `file.py:12`; "" where none is known.

    A line of an installed package stands in where the trace does not reach further out.
    """
    line = next(lines_outside(node, _PACKAGE, *_INSTALLED), None)
    line = line or next(lines_outside(node, _NATIVE), None)
    return f"{Path(line[0]).name}:{line[1]}" if line else ""


def line_at_hand() -> str:
    """Return the line of the user's that runs now, as `file.py:12`; "" where there is none."""
    for file, number in _frames():
        if not file.startswith((_AESARA, "<frozen", _PACKAGE, *_INSTALLED)):
            return f"{Path(file).name}:{number}"
    return ""


def is_aesaras_own() -> bool:
    """Return whether a node is made by a scan or a gradient, and not by who calls these.

    Both make nodes that are only looked at: a scan takes position 0 of a sequence of no length.
    """
    for file, _ in _frames():
        if file.startswith(_MAKERS):
            return True
        if not file.startswith((_AESARA, _PACKAGE)):
            return False
    return False


def _frames() -> Iterator[tuple[str, int]]:
    """Return file and line of what runs now, the innermost first."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
