"""The body of a loop as a compiled function runs it: after rewriting, on whatever backend."""

from graphrnn.backends.compile import Function
from graphrnn.native.runtime.function import NativeFunction

from aesara.graph.fg import FunctionGraph
from aesara.scan.op import Scan


def body_in(function: Function, op: Scan) -> FunctionGraph:
    """Return the rewritten graph of a scan in a compiled function, or in the body of another there.

    Native rewrites all bodies when it lowers the function; Aesara makes a function of each. A scan
    that has none yet gives its graph as it was written.
    """
    native = getattr(function.vm, "jit_fn", None)
    if isinstance(native, NativeFunction):
        return native.program.bodies[op]
    compiled = getattr(op, "_fn", None)
    return op.fgraph if compiled is None else compiled.maker.fgraph
