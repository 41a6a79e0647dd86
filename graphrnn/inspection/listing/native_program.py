"""Lists the native program, into which the rewritten graph is lowered before it becomes C."""

from graphrnn.inspection.listing.lines import WIDTH, wrap
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.listing import program_text
from graphrnn.native.lowering.lowering import LoweringError

from aesara.graph.fg import FunctionGraph


def native_text(title: str, fgraph: FunctionGraph) -> str:
    """Return the program as text: one line for each operation, loops indented."""
    try:
        text = program_text(fgraph)
    except (Unsupported, LoweringError) as error:
        return f"{title}, native: not covered, {error}; it runs in stock Aesara\n"
    rows = [f"{title}, native: one C function"]
    for line in text.splitlines():
        margin = " " * (len(line) - len(line.lstrip()))
        rows += wrap(margin, line.lstrip(), WIDTH, f"{margin}    ") or [""]
    return "\n".join(rows) + "\n"
