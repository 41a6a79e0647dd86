"""When Aesara's rewrites are right: conditions on the node that one of them found a value for."""

from collections.abc import Callable
from typing import Any

from graphrnn.upstream.algebra import Node, discrete

import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Constant, Variable
from aesara.graph.fg import FunctionGraph
from aesara.tensor.elemwise import DimShuffle, Elemwise
from aesara.tensor.exceptions import NotScalarConstantError
from aesara.tensor.math import Prod, Sum
from aesara.tensor.special import Softmax
from aesara.tensor.subtensor import Subtensor, get_idx_list

Guard = Callable[[FunctionGraph, Node, list[Variable]], bool]
"""Says whether what a rewrite found for a node is the node's value for all inputs."""


def _constant(variable: Variable) -> Any:
    """Give the one number that a variable is known to hold everywhere, or None."""
    try:
        return at.get_scalar_constant_value(variable)
    except NotScalarConstantError:
        return None


# ── what is not a number stays so ──


def _always_a_number(variable: Variable) -> bool:
    """Say whether a variable holds neither ∞ nor NaN: integers, also where they were cast."""
    if isinstance(variable, Constant):
        return bool(np.all(np.isfinite(variable.data)))
    node = variable.owner
    if (
        node is not None
        and isinstance(node.op, Elemwise)
        and isinstance(node.op.scalar_op, aes.Cast)
    ):
        variable = node.inputs[0]
    return discrete(variable)


def numbers_only(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """0 · x is 0 where x is a number."""
    return all(_always_a_number(v) or _constant(v) == 0 for v in node.inputs)


def zero_factor(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """A product without a factor 0 may be written anew, if it takes no sign off narrow integers."""
    if any(_constant(v) == 0 for v in node.inputs):
        return numbers_only(fgraph, node, results)
    kept = node.outputs[0].type.dtype
    narrow = [v for v in node.inputs if discrete(v) and v.type.dtype != kept]
    return all(isinstance(v, Constant) and v.type.ndim == 0 for v in narrow)


def integers(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Integers are always numbers, and whole."""
    return discrete(node.inputs[0]) and discrete(node.outputs[0])


def floats(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """No integer, which would wrap before or after and not at the same place."""
    inner = [v for x in node.inputs if x.owner for v in x.owner.inputs]
    return not any(discrete(v) for v in (*node.inputs, *inner) if not isinstance(v, Constant))


def other_than_itself(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """X = x and x ≤ x are false for a NaN, x ≠ x is true."""
    kinds = (aes.EQ, aes.NEQ, aes.LE, aes.GE)
    same = len(node.inputs) == 2 and node.inputs[0] is node.inputs[1]
    return not (same and isinstance(node.op.scalar_op, kinds)) or discrete(node.inputs[0])


INVERSE = {
    (aes.Deg2Rad, aes.Rad2Deg), (aes.Rad2Deg, aes.Deg2Rad), (aes.Sinh, aes.ArcSinh),
    (aes.ArcSinh, aes.Sinh), (aes.ArcTanh, aes.Tanh), (aes.Conj, aes.Conj), (aes.Neg, aes.Neg),
    (aes.Reciprocal, aes.Reciprocal),
}  # fmt: skip
"""Pairs f, g for which f(g(x)) = x for all x."""


def inverse(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """arccosh(cosh(x)) is |x|; cosh(arccosh(x)) and tanh(arctanh(x)) are no numbers for all x."""
    pair = (type(node.op.scalar_op), type(node.inputs[0].owner.op.scalar_op))
    return pair in INVERSE


# ── numbers of few bits ──


def same_dtype(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """What is computed in a narrower dtype than the result's wraps, or is rounded, too early."""
    return bool(node.inputs[0].type.dtype == node.outputs[0].type.dtype)


def no_narrow_opposite(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Y - (-x) is y + x, but not where -x wraps and y does not."""
    kept = node.outputs[0].type.dtype
    opposites = [v for v in node.inputs if v.owner is not None and v.owner.op == at.neg]
    return all(not discrete(v) or v.type.dtype == kept for v in opposites)


def same_branches(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """A switch widens the narrower of its branches before anything else is done with it."""
    return all(v.type.dtype == x.type.dtype for x in node.inputs for v in x.owner.inputs[1:])


def sum_of_same(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Σ s x = s Σ x, where neither wraps and there is something to sum; Π s x is not s Π x."""
    (inside,) = node.inputs
    narrow = discrete(inside) and inside.type.dtype != node.outputs[0].type.dtype
    return not isinstance(node.op, Prod) and not narrow and something(fgraph, node, results)


def something(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """A sum of nothing is 0, and its largest is none."""
    return 0 not in node.inputs[0].type.shape


def some_powers(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Σ exp(x) of no x is 0; there is no largest x to take off before."""
    total = node.inputs[0].owner
    if isinstance(total.op, DimShuffle):
        total = total.inputs[0].owner
    return something(fgraph, total, results)


def one_sum(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """A sum of sums is one sum, where the inner one does not wrap."""
    inner, outer = node.inputs[0], node.outputs[0]
    return inner.type.dtype == outer.type.dtype or not (discrete(inner) or discrete(outer))


def finite_alloc(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """N times a number, of which there may be none."""
    value = _constant(node.inputs[0].owner.inputs[0])
    return value is not None and bool(np.isfinite(value))


# ── a number that is nearly one ──


def _nearly_one(value: Any) -> bool:
    """Say whether Aesara takes a number for 1 or -1 that is neither."""
    return value is not None and abs(value) != 1 and bool(np.allclose(np.abs(value), 1))


def _unlike_its_match(node: Node, depth: int) -> bool:
    """Say whether a node, or what it is made of, has such a number, or exponents that may wrap."""
    if node is None or not isinstance(node.op, (Elemwise, DimShuffle)):
        return False
    if node.op in _BENT and discrete(node.inputs[0]):
        return True
    numbers = [n for n in map(_constant, node.inputs) if n is not None]
    if any(map(_nearly_one, numbers)):
        return True
    if node.op == at.add and numbers and _nearly_one(sum(numbers)):
        return True
    return depth > 0 and any(_unlike_its_match(v.owner, depth - 1) for v in node.inputs)


_BENT = {at.exp, at.log, at.sigmoid, at.erf, at.erfc}


def exactly_one(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """log(1 + 1e-8 + x) is not log(1 + x), which is -∞ at -1; and -x of an unsigned x wraps."""
    users = [user for user, _ in fgraph.clients[node.outputs[0]] if user != "output"]
    more = [u for user in users for u, _ in fgraph.clients[user.outputs[0]] if u != "output"]
    around = [node, *users, *more] if node.op in (at.sigmoid, at.erf, at.erfc) else [node]
    return not any(_unlike_its_match(n, 3) for n in around)


# ── lengths ──


def equal_columns(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """A product needs columns that are equal, and not broadcast."""
    factors = node.inputs[0].owner.inputs[0].owner.inputs
    first, second = (v.owner.inputs[0].type.shape[1] for v in factors)
    return first is not None and first == second


def liftable(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """f(x, y)[k] = f(x[k], y[k]), but (x + y)[1:] of x, y `(1,)` is empty, and x + y is not.

    And log(softmax(x)), log(sum(x)) stay together, for they are computed in one safely.
    """
    whole = node.inputs[0].owner
    inside = whole.inputs[0].owner
    if (
        whole.op == at.log
        and inside is not None
        and isinstance(inside.op, (Softmax, Sum, DimShuffle))
    ):
        return False
    sliced = any(isinstance(entry, slice) for entry in node.op.idx_list)
    several = isinstance(whole.op, Elemwise) and len(whole.inputs) > 1
    return not (sliced and several and all(all(x.type.broadcastable) for x in whole.inputs))


def neighbors(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """x[a:b], x[b:c] is x[a:c] where a ≤ b ≤ c, all within x: x[0:2], x[2:1] has two elements."""
    axis = _constant(node.inputs[0])
    for part in node.inputs[1:]:
        if part.owner is None or not isinstance(part.owner.op, Subtensor):
            continue
        entries = get_idx_list(part.owner.inputs, part.owner.op.idx_list)
        length = part.owner.inputs[0].type.shape[axis]
        if len(entries) <= axis or not isinstance(entries[axis], slice):
            continue
        entry = entries[axis]
        bounds = [_bound(entry.start, 0), _bound(entry.stop, length), length]
        if None in bounds or not 0 <= bounds[0] <= bounds[1] <= bounds[2]:
            return False
    return True


def _bound(bound: Any, default: int | None) -> int | None:
    """Give a bound of a slice as a number where it is known."""
    if bound is None:
        return default
    value = bound if isinstance(bound, (int, np.integer)) else _constant(at.as_tensor(bound))
    return None if value is None else int(value)


def any_value(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Right where it does not end in an error."""
    return True
