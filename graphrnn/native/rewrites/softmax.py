"""Rewrites of sums of exponentials: what cannot overflow already is not made safe once more.

Each is in Aesara's rewrite database under the tag `native`:

    native_log_sum_exp     log Σ exp(x) takes the largest x off first, but not where it is off
    native_softmax_of_sum  softmax(x) is exp(x) / Σ exp(x) where both are there anyway
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.upstream.rewrites import guarded
from graphrnn.upstream.scan_args import Node, applies, register, strip_specify_shape

import aesara.scalar as aes
from aesara.compile.mode import optdb
from aesara.graph.basic import Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import copy_stack_trace, in2out, node_rewriter
from aesara.tensor.elemwise import DimShuffle
from aesara.tensor.math import Max, MaxAndArgmax, Sum, log
from aesara.tensor.special import Softmax


def _axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes as numbers from 0, in order; None stands for all."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(k % ndim for k in ([axis] if isinstance(axis, int) else axis)))


def _kept(axes: tuple[int, ...], ndim: int) -> tuple[int | str, ...]:
    """Return the order in which DimShuffle puts back axes that were reduced."""
    left = iter(range(ndim))
    return tuple("x" if k in axes else next(left) for k in range(ndim))


def below_its_largest(x: Variable, axes: tuple[int, ...]) -> bool:
    """Return whether x is y - max(y) along these axes: at most 0, and 0 somewhere."""
    x = strip_specify_shape(x)
    if not applies(x.owner, aes.Sub):
        return False
    y, m = (strip_specify_shape(value) for value in x.owner.inputs)
    if m.owner is None or not isinstance(m.owner.op, DimShuffle):
        return False
    if tuple(m.owner.op.new_order) != _kept(axes, x.type.ndim):
        return False
    largest = strip_specify_shape(m.owner.inputs[0])
    return (
        largest.owner is not None
        and isinstance(largest.owner.op, (Max, MaxAndArgmax))
        and largest is largest.owner.outputs[0]
        and _axes(largest.owner.op.axis, y.type.ndim) == axes
        and strip_specify_shape(largest.owner.inputs[0]) is y
    )


@node_rewriter([log])  # type: ignore[untyped-decorator]
def log_sum_exp(fgraph: FunctionGraph, node: Node) -> Any:
    """Take the largest off before log Σ exp(x), as Aesara does, unless x has it off already.

    log Σ exp(x) = m + log Σ exp(x - m), m = max(x); where x = y - max(y), m is 0.
    """
    total = strip_specify_shape(node.inputs[0])
    if total.owner and isinstance(total.owner.op, DimShuffle):
        total = strip_specify_shape(total.owner.inputs[0])
    if total.owner and isinstance(total.owner.op, Sum):
        (powers,) = total.owner.inputs
        axes = _axes(total.owner.op.axis, powers.type.ndim)
        if applies(powers.owner, aes.Exp) and below_its_largest(powers.owner.inputs[0], axes):
            return None
    return guarded("local_log_sum_exp").transform(fgraph, node)


@node_rewriter([Softmax])  # type: ignore[untyped-decorator]
def softmax_of_sum(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute softmax(x) as exp(x) / Σ exp(x) where these are there, and x = y - max(y).

    The forward part of a cross-entropy has both; its gradient is a softmax.
    """
    (x,) = node.inputs
    axes = _axes(node.op.axis, x.type.ndim)
    if not below_its_largest(x, axes):
        return None
    for powers in _results(fgraph, x, lambda user: applies(user, aes.Exp)):
        for total in _results(fgraph, powers, lambda user: isinstance(user.op, Sum)):
            if total.dtype == x.dtype and _axes(total.owner.op.axis, x.type.ndim) == axes:
                quotient = powers / total.dimshuffle(*_kept(axes, x.type.ndim))
                copy_stack_trace(node.outputs, quotient)
                return [quotient]
    return None


def _results(
    fgraph: FunctionGraph, variable: Variable, matches: Callable[[Node], bool]
) -> list[Variable]:
    """Return the results of those nodes that read a variable and match."""
    users = [user for user, _ in fgraph.clients[variable] if user != "output"]
    return [user.outputs[0] for user in users if matches(user)]


for group in ("stabilize", "specialize"):
    if "native_log_sum_exp" not in optdb[group].__db__:
        optdb[group].register("native_log_sum_exp", log_sum_exp, "native")
# Behind "specialize" (2), which makes a softmax of a quotient; before working in place.
register("native_softmax_of_sum", in2out(softmax_of_sum, ignore_newtrees=True), 3.5)
