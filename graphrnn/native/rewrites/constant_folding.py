"""Constants as values while rewriting, but for arrays that are far larger than what makes them.

    native_constant_folding   computes nodes of constants, unless that would make a large array

The gradient of a loop begins with zeros for each step: gigabytes, if Aesara computes them in order
to look at them. An array that only repeats a number takes no memory here.
"""

from math import prod
from typing import Any

import numpy as np
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant, Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.scan.rewriting import scan_eqopt2
from aesara.tensor.rewriting.basic import constant_folding

Node = Any
"""An Aesara Apply node."""

LARGE = 65_536
"""Elements from which an array is made of fewer only while the function runs."""


def elements(variable: Variable) -> int | None:
    """Return the number of elements that a type tells, or None."""
    shape: Any = getattr(variable.type, "shape", (None,))
    return None if None in shape else prod(shape)


def grows(node: Node, limit: int) -> bool:
    """Return whether a node makes an array of more than `limit` elements out of a smaller one."""
    sizes = [elements(variable) for variable in node.outputs]
    given = sum(np.size(v.data) for v in node.inputs if isinstance(v, Constant))
    return any(size is not None and size > max(limit, given) for size in sizes)


@node_rewriter(None)  # type: ignore[untyped-decorator]
def fold(fgraph: FunctionGraph, node: Node) -> Any:
    """Do as Aesara's own rewrite, but for arrays that are large and made of little."""
    return not grows(node, LARGE) and constant_folding.transform(fgraph, node)


_fold_all = in2out(fold, ignore_newtrees=True, name="native_constant_folding")

if "native_constant_folding" not in scan_eqopt2.__db__:
    for group in ("canonicalize", "uncanonicalize", "stabilize", "specialize"):
        optdb[group].register("native_constant_folding", _fold_all, "native", final_rewriter=True)
    scan_eqopt2.register("native_constant_folding", _fold_all, "native", "scan")
