"""Errors that a user can fix, in one line: the name, what it got, what it needed, the remedy."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can fix; the command line prints it as one line and exits with 2."""

    exit_code = 2


class DivergedError(UserError):
    """Training diverged; the command line exits with 3.

    `evidence` holds what can be analyzed of it.
    """

    exit_code = 3
    evidence: object = None


class ShapeError(UserError, ValueError):
    """Two symbolic variables do not fit; raised while the graph is built, before compiling."""


def printable(text: str) -> str:
    r"""Escape the control characters of a text, except newline and tab: they control a terminal.

    Example:
        >>> printable("two\n\twords \x1b[2J\x9b1m")
        'two\n\twords \\x1b[2J\\x9b1m'
    """
    return text.translate(_ESCAPED)


_ESCAPED = {
    code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
"""The control characters C0 and C1, and delete, as they are written where they are shown."""


def unknown(kind: str, got: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a list, with the near matches.

    Example:
        >>> print(unknown("loop", "scna", ["scan", "unrolled"]))
        unknown loop 'scna'; did you mean 'scan'? (known: scan, unrolled)
    """
    names = list(known)
    near = difflib.get_close_matches(got, names, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
    return UserError(f"unknown {kind} {got!r}{hint} (known: {', '.join(names)})")


def reason(error: OSError) -> str:
    """Describe why an operating-system call failed, without its errno and path.

    Example:
        >>> reason(OSError(28, "No space left on device", "out.bin"))
        'no space left on device'
        >>> reason(TimeoutError())
        'the system gave no reason (TimeoutError)'
    """
    text = error.strerror or str(error) or f"the system gave no reason ({type(error).__name__})"
    return text[:1].lower() + text[1:]
