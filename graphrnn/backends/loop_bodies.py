"""The body of a loop as a compiled function runs it: after rewriting, on any backend."""

from graphrnn.backends.compile import Function
from graphrnn.native.specialised import native_of

from aesara.graph.fg import FunctionGraph
from aesara.scan.op import Scan


def body_in(function: Function, op: Scan) -> FunctionGraph:
    """Return the rewritten body of a scan in a compiled function, also of one in another's body.

    Native rewrites all bodies when it lowers the function; Aesara compiles a function of each. For
    a scan that has none yet, this is its body as written.
    """
    native = native_of(function)
    if native is not None:
        return native.program.bodies[op]
    compiled = getattr(op, "_fn", None)
    return op.fgraph if compiled is None else compiled.maker.fgraph
