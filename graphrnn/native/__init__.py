"""The native backend: an Aesara graph, loops included, becomes one C function.

    graph → program (loops over planned buffers) → C → shared library → callable

It knows Aesara and nothing of graphrnn: `aesara.function(..., mode=native_mode())` works for any
graph whose operations it covers.
"""

from typing import Any


def native_mode(**options: Any) -> Any:
    """Return an Aesara mode that compiles with this backend; see `linker.native_mode`."""
    from graphrnn.native.linker import native_mode

    return native_mode(**options)


def program_text(what: Any) -> str:
    """Write the program of a function or a graph as readable lines; see `listing.program_text`."""
    from graphrnn.native.listing import program_text

    return program_text(what)


def c_source(function: Any) -> str:
    """Return the C of a function's own graph; see `listing.c_source`."""
    from graphrnn.native.listing import c_source

    return c_source(function)
