"""What a graph must be before it is compiled: each update of its variable's type, each input used.

Aesara refuses these too, without saying where in the graph a wrong type came in.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from graphrnn.errors import UserError
from graphrnn.graph.shapes import Tensor, show
from graphrnn.symbolic.source_lines import user_line
from graphrnn.symbolic.wording import origin

import numpy as np
from aesara.graph.basic import Constant, Variable, ancestors, io_toposort
from aesara.scan.op import Scan
from aesara.tensor.type import TensorType


def require_updates(updates: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Refuse an update that is of another type than its variable.

    Raises:
        UserError: naming the variable, what it got and needed, and where that came in.
    """
    for shared, new in updates:
        old, given = getattr(shared, "type", None), getattr(new, "type", None)
        if not isinstance(old, TensorType) or not isinstance(given, TensorType):
            continue
        got = f"update of {shared.name or shared}: got {given.dtype} {show(given.shape)}"
        needed = f"needed {old.dtype} {show(old.shape)} as the variable is"
        if given.dtype != old.dtype:
            raise UserError(f"{got}, {needed}; {_first(new, given.dtype, old.dtype)}")
        lengths = zip(given.shape, old.shape, strict=False)
        if given.ndim != old.ndim or any(None not in (m, n) and m != n for m, n in lengths):
            line = user_line(new.owner) if new.owner else ""
            raise UserError(f"{got}, {needed}{line and f' ({line})'}; give both one shape")


def require_used(inputs: Sequence[Any], outputs: Sequence[Any], updates: Iterable[Any]) -> None:
    """Refuse an input that nothing depends on.

    Raises:
        UserError: naming it.
    """
    results = [*outputs, *(new for _, new in updates)]
    if not all(isinstance(v, Variable) for v in (*inputs, *results)):
        return  # an `In` or `Out`: Aesara knows what more it depends on
    reached = set(ancestors(results))
    unused = [v.name or str(v) for v in inputs if v not in reached]
    if unused:
        raise UserError(
            f"{', '.join(unused)}: nothing that is returned or updated depends on it; "
            "leave it out of the inputs, or use it"
        )


def _first(result: Variable, dtype: str, wanted: str) -> str:
    """Describe where a dtype first comes into a graph, and what to write there."""
    variable, reader = first_of_dtype(result, dtype)
    line = user_line(reader) if reader is not None else ""
    place = f" ({line})" if line else ""
    if isinstance(variable, Constant):
        value = f" {variable.data}" if np.size(variable.data) == 1 else ""
        text = f"the constant{value} is {dtype}{place}; write np.{wanted}(...), or"
    elif variable.owner is None:
        text = f"{variable.name or variable} is {dtype}{place}; declare it {wanted}, or"
    else:
        kinds = sorted({v.dtype for v in variable.owner.inputs if hasattr(v.type, "dtype")})
        text = f"{dtype} first comes in by {origin(variable)}, of {' and '.join(kinds)}{place};"
    return f"{text} write .astype({wanted!r}) there"


def first_of_dtype(result: Variable, dtype: str) -> tuple[Variable, Any]:
    """Return the first variable of a dtype, in the order of computing, and the node at hand.

    That node reads the variable, if it is an input or a constant, or else makes it.
    """

    def of_dtype(variable: Variable) -> bool:
        return getattr(variable.type, "dtype", "") == dtype

    for node in io_toposort([], [result]):
        for variable in node.inputs:
            if of_dtype(variable) and variable.owner is None:
                return variable, node
        if any(map(of_dtype, node.outputs)):
            if isinstance(node.op, Scan):
                inner = next((v for v in node.op.inner_outputs if of_dtype(v) and v.owner), None)
                if inner is not None:
                    return first_of_dtype(inner, dtype)
            return next(filter(of_dtype, node.outputs)), node
    return result, result.owner
