"""Aesara's algebra of sums and products, with the two laws that it breaks kept.

A value that may not be a number is never cancelled away (x - x, x / x), and what integers of few
bits compute wraps before it is widened ((int8 a · int8 b) · 1.5).
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
    """Say whether a variable holds integers or booleans, which are always numbers."""
    return np.dtype(variable.type.dtype).kind in "biu"


class _Canonizer(AlgebraicCanonizer):  # type: ignore[misc]
    """Joins terms or factors of one dtype, and cancels those that cannot hide a NaN."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.within: str | None = None

    def get_num_denum(self, inp: Variable) -> Any:
        """Give terms and their opposites; integers of another dtype than the whole are one term."""
        if self.within is not None:
            narrow = discrete(inp) and inp.type.dtype != self.within
            return ([inp], []) if narrow else super().get_num_denum(inp)
        self.within = inp.type.dtype
        try:
            return super().get_num_denum(inp)
        finally:
            self.within = None

    def simplify_factors(self, num: list[Variable], denum: list[Variable]) -> Any:
        """Cancel what stands on both sides, where that changes no value."""
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
        """Say whether a value and its opposite may go."""
        raise NotImplementedError


class _Sums(_Canonizer):
    def may_cancel(self, value: Variable, rest: list[Variable]) -> bool:
        """Inf - inf is no number, and x - x of a NaN is one; integers cancel always."""
        return discrete(value)


class _Products(_Canonizer):
    def may_cancel(self, value: Variable, rest: list[Variable]) -> bool:
        """X / x is no number for 0, ∞ and NaN; but in x (1 - x) / x, x is still there to be seen.

        Gradients of log(x) and log(1 - x), x = sigmoid(z), are written so; where rounding makes x
        0 or 1, what is left is their limit.
        """
        if isinstance(value, Constant):
            return bool(np.all(np.isfinite(value.data)) and np.all(value.data != 0))
        return _leaves(value, _SUMS) <= set(ancestors(rest))


def _softmax(num: list[Variable], denum: list[Variable]) -> Any:
    """Find exp(x) / Σ exp(x), where the sum meets the axes that it was taken over.

    Σ over axis k has one axis less, and meets the axes of exp(x) from the right: without a
    DimShuffle that is right for the first axis alone, or for the sum of all.
    """
    fits = [v for v in denum if not _turned(v)]
    others = [v for v in denum if _turned(v)]
    num, fits = softmax_simplifier(num, fits)
    return num, [*fits, *others]


def _turned(total: Variable) -> bool:
    """Say whether a sum meets other axes than its own."""
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
    """Give what these operations were applied to, from a result back."""
    node = variable.owner
    if node is None or not (node.op in within or isinstance(node.op, DimShuffle)):
        return set() if isinstance(variable, Constant) else {variable}
    return set().union(*(_leaves(v, within) for v in node.inputs))


def nothing_lost(fgraph: FunctionGraph, node: Node, results: list[Variable]) -> bool:
    """Say whether all floats that a node is made of are in what stands for it."""
    leaves = _leaves(node.outputs[0], _ARITHMETIC)
    if any(discrete(v) for v in leaves):
        return False
    return leaves <= set(ancestors(results, blockers=leaves))
