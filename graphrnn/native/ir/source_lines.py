"""Lines of source: where a node of a graph was written, as Aesara's traces tell it."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aesara

_AESARA = str(Path(aesara.__file__).parent)
_NATIVE = str(Path(__file__).parents[1])
_PACKAGE = str(Path(__file__).parents[2])
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
                if not str(file).startswith((_AESARA, "<frozen", *folders)):
                    yield str(file), int(number or 0), text or ""


def user_line(node: Any) -> str:
    """Return the line of the user's that made a node, as `file.py:12`; "" where none is known.

    A line of an installed package stands in where the trace does not reach further out.
    """
    line = next(lines_outside(node, _PACKAGE, *_INSTALLED), None)
    line = line or next(lines_outside(node, _NATIVE), None)
    return f"{Path(line[0]).name}:{line[1]}" if line else ""
