"""Guards: conditions on a node under which one of Aesara's rewrites preserves its value.

Each public function of this module is a `Guard`: it returns whether the rewrite may be applied.
"""

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
"""Returns whether the results of a rewrite equal those of the node for all inputs."""


def _constant(variable: Variable) -> Any:
    """Return the number that all elements of a variable are known to have, or None."""
    try:
        return at.get_scalar_constant_value(variable)
    except NotScalarConstantError:
        return None


# ── NaN and ∞ are preserved ──


def _always_a_number(variable: Variable) -> bool:
    """Return whether a variable holds neither ∞ nor NaN: integers, also after a cast."""
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
    """Require finite inputs: 0 · x is NaN where x is ∞ or NaN."""
    return all(_always_a_number(v) or _constant(v) == 0 for v in node.inputs)


def zero_factor(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require finite inputs beside a factor 0, and else no narrow integer that may be negated."""
    if any(_constant(v) == 0 for v in node.inputs):
        return numbers_only(fgraph, node, results)
    dtype = node.outputs[0].type.dtype
    narrow = [v for v in node.inputs if discrete(v) and v.type.dtype != dtype]
    return all(isinstance(v, Constant) and v.type.ndim == 0 for v in narrow)


def integers(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require integers: they are always finite and whole."""
    return discrete(node.inputs[0]) and discrete(node.outputs[0])


def floats(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require floats, since integers would wrap before or after another operation than written."""
    inner = [v for x in node.inputs if x.owner for v in x.owner.inputs]
    return not any(discrete(v) for v in (*node.inputs, *inner) if not isinstance(v, Constant))


def other_than_itself(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require integers where x is compared with itself: for NaN, x = x and x ≤ x are false."""
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
    """Require inverses for all x: arccosh(cosh(x)) is |x|, and tanh(arctanh(x)) may be NaN."""
    pair = (type(node.op.scalar_op), type(node.inputs[0].owner.op.scalar_op))
    return pair in INVERSE


# ── narrow integers ──


def same_dtype(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require the result's dtype: what is computed in a narrower one wraps or rounds too early."""
    return bool(node.inputs[0].type.dtype == node.outputs[0].type.dtype)


def no_narrow_opposite(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require that -x does not wrap before y does: else y - (-x) is not y + x."""
    dtype = node.outputs[0].type.dtype
    opposites = [v for v in node.inputs if v.owner is not None and v.owner.op == at.neg]
    return all(not discrete(v) or v.type.dtype == dtype for v in opposites)


def same_branches(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require branches of one dtype: a switch widens the narrower one before it is used."""
    return all(v.type.dtype == x.type.dtype for x in node.inputs for v in x.owner.inputs[1:])


def sum_of_same(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require a sum that is not empty and does not wrap: then Σ s x = s Σ x, unlike Π s x."""
    (inside,) = node.inputs
    narrow = discrete(inside) and inside.type.dtype != node.outputs[0].type.dtype
    return not isinstance(node.op, Prod) and not narrow and something(fgraph, node, results)


def something(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require that no axis is known to be empty: an empty sum is 0, and has no largest element."""
    return 0 not in node.inputs[0].type.shape


def some_powers(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require elements in Σ exp(x): without any there is no largest x to subtract."""
    total = node.inputs[0].owner
    if isinstance(total.op, DimShuffle):
        total = total.inputs[0].owner
    return something(fgraph, total, results)


def one_sum(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require that the inner of two nested sums does not wrap: then they are one sum."""
    inner, outer = node.inputs[0], node.outputs[0]
    return inner.type.dtype == outer.type.dtype or not (discrete(inner) or discrete(outer))


def finite_alloc(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require a finite constant: n times ∞ is NaN for n = 0, where the sum is 0."""
    value = _constant(node.inputs[0].owner.inputs[0])
    return value is not None and bool(np.isfinite(value))


# ── constants that are nearly 1 ──


def _nearly_one(value: Any) -> bool:
    """Return whether Aesara takes a number for 1 or -1 that is neither."""
    return value is not None and abs(value) != 1 and bool(np.allclose(np.abs(value), 1))


def _unlike_its_match(node: Node, depth: int) -> bool:
    """Return whether a node or its operands contain such a number, or an argument that may wrap."""
    if node is None or not isinstance(node.op, (Elemwise, DimShuffle)):
        return False
    if node.op in _NONLINEAR and discrete(node.inputs[0]):
        return True
    numbers = [n for n in map(_constant, node.inputs) if n is not None]
    if any(map(_nearly_one, numbers)):
        return True
    if node.op == at.add and numbers and _nearly_one(sum(numbers)):
        return True
    return depth > 0 and any(_unlike_its_match(v.owner, depth - 1) for v in node.inputs)


_NONLINEAR = {at.exp, at.log, at.sigmoid, at.erf, at.erfc}


def exactly_one(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require exactly 1: log(1 + 1e-8 + x) is not log(1 + x); and no -x of an unsigned x."""
    users = [user for user, _ in fgraph.clients[node.outputs[0]] if user != "output"]
    more = [u for user in users for u, _ in fgraph.clients[user.outputs[0]] if u != "output"]
    around = [node, *users, *more] if node.op in (at.sigmoid, at.erf, at.erfc) else [node]
    return not any(_unlike_its_match(n, 3) for n in around)


# ── lengths ──


def equal_columns(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require known, equal numbers of columns: a matrix product does not broadcast."""
    factors = node.inputs[0].owner.inputs[0].owner.inputs
    first, second = (v.owner.inputs[0].type.shape[1] for v in factors)
    return first is not None and first == second


def liftable(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require that f(x, y)[k] = f(x[k], y[k]) and that no logarithm is split from its sum.

    (x + y)[1:] of x, y `(1,)` is empty, and x + y is not. log(softmax(x)) and log(sum(x)) stay
    whole, because only together are they computed stably.
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
    """Require 0 ≤ a ≤ b ≤ len(x) for each x[a:b] joined: x[0:2], x[2:1] are not x[0:1]."""
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
    """Return a bound of a slice as a number where it is known."""
    if bound is None:
        return default
    value = bound if isinstance(bound, (int, np.integer)) else _constant(at.as_tensor(bound))
    return None if value is None else int(value)


def any_value(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Require nothing more than that the rewrite raises no error."""
    return True
