"""Aesara's algebra of sums and products, without its two faults.

A value that may be NaN or ∞ is never cancelled (x - x, x / x), and arithmetic on narrow integers
wraps before its result is widened ((int8 a · int8 b) · 1.5).
"""

from typing import Any

import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Constant, Variable, ancestors
from aesara.graph.fg import FunctionGraph
from aesara.tensor.elemwise import DimShuffle
from aesara.tensor.math import Sum
from aesara.tensor.rewriting.math import (
    AlgebraicCanonizer,
    add_calculate,
    check_for_x_over_absX,
    mul_calculate,
)
from aesara.tensor.rewriting.special import softmax_simplifier

Node = Any
"""An Aesara Apply node."""


def discrete(variable: Variable) -> bool:
    """Return whether a variable holds integers or booleans, which are always finite."""
    return np.dtype(variable.type.dtype).kind in "biu"


class _Canonizer(AlgebraicCanonizer):  # type: ignore[misc]
    """Merges terms or factors of one dtype, and cancels those that cannot hide a NaN."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.within: str | None = None

    def get_num_denum(self, inp: Variable) -> Any:
        """Return terms and their inverses; an integer of a dtype other than the result's is one."""
        if self.within is not None:
            narrow = discrete(inp) and inp.type.dtype != self.within
            return ([inp], []) if narrow else super().get_num_denum(inp)
        self.within = inp.type.dtype
        try:
            return super().get_num_denum(inp)
        finally:
            self.within = None

    def simplify_factors(self, num: list[Variable], denum: list[Variable]) -> Any:
        """Cancel what occurs on both sides, where that changes no value."""
        for value in list(num):
            if value not in denum:
                continue
            left, right = list(num), list(denum)
            left.remove(value)
            right.remove(value)
            if self.may_cancel(value, [*left, *right]):
                num[:], denum[:] = left, right
        return num, denum

    def may_cancel(self, value: Variable, rest: list[Variable]) -> bool:
        """Return whether a value and its inverse may cancel."""
        raise NotImplementedError


class _Sums(_Canonizer):
    def may_cancel(self, value: Variable, rest: list[Variable]) -> bool:
        """Allow integers alone: for ∞ and NaN, x - x is NaN and not 0."""
        return discrete(value)


class _Products(_Canonizer):
    def may_cancel(self, value: Variable, rest: list[Variable]) -> bool:
        """Allow a finite constant other than 0, and what the rest of the product depends on.

        x / x is NaN for 0, ∞ and NaN; but x (1 - x) / x still depends on x after cancelling.
        Gradients of log(x) and log(1 - x), x = sigmoid(z), have this form; where rounding makes x
        0 or 1, the result is their limit.
        """
        if isinstance(value, Constant):
            return bool(np.all(np.isfinite(value.data)) and np.all(value.data != 0))
        return _leaves(value, _SUMS) <= set(ancestors(rest))


def _softmax(num: list[Variable], denum: list[Variable]) -> Any:
    """Replace exp(x) / Σ exp(x) by softmax, where the sum is broadcast along its own axes.

    Σ over axis k has one axis less and is broadcast from the right: without a DimShuffle, that is
    the axis it was summed over for the first axis alone, or for a sum over all.
    """
    aligned = [v for v in denum if not _misaligned(v)]
    others = [v for v in denum if _misaligned(v)]
    num, aligned = softmax_simplifier(num, aligned)
    return num, [*aligned, *others]


def _misaligned(total: Variable) -> bool:
    """Return whether a sum is broadcast along axes other than those it was summed over."""
    node = total.owner
    return node is not None and isinstance(node.op, Sum) and node.op.axis not in (None, (0,))


sums = _Sums(at.add, at.sub, at.neg, add_calculate)
products = _Products(at.mul, at.true_divide, at.reciprocal, mul_calculate, False)
sums.name, products.name = "sound_add_canonizer", "sound_mul_canonizer"
products.add_simplifier(check_for_x_over_absX, "X_over_absX")
products.add_simplifier(_softmax, "softmax_simplifier")

_SUMS = {at.add, at.sub, at.neg}
_ARITHMETIC = {*_SUMS, at.mul, at.true_divide, at.reciprocal}


def _leaves(variable: Variable, within: set[Any]) -> set[Variable]:
    """Return the operands of a tree of these operations, traced back from its result."""
    node = variable.owner
    if node is None or not (node.op in within or isinstance(node.op, DimShuffle)):
        return set() if isinstance(variable, Constant) else {variable}
    return set().union(*(_leaves(v, within) for v in node.inputs))


def nothing_lost(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Return whether the replacement of a node depends on all floats that the node depends on."""
    leaves = _leaves(node.outputs[0], _ARITHMETIC)
    if any(discrete(v) for v in leaves):
        return False
    return leaves <= set(ancestors(results, blockers=leaves))
