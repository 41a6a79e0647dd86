"""Guarded versions of Aesara's faulty rewrites: each is applied only where it preserves values.

`GUARDS` has a condition for each of Aesara's rewrites that is wrong for some graphs. The guarded
rewrite is registered in Aesara's database with `sound_` for the `local_` of its name, and the tag
`sound`; all backends exclude the original (see `faults`).
"""

import functools
from typing import Any

from graphrnn.upstream.algebra import Node, discrete, nothing_lost, products, sums
from graphrnn.upstream.guards import (
    Guard,
    any_value,
    equal_columns,
    exactly_one,
    finite_alloc,
    floats,
    integers,
    inverse,
    liftable,
    neighbors,
    no_narrow_opposite,
    numbers_only,
    one_sum,
    other_than_itself,
    same_branches,
    same_dtype,
    some_powers,
    something,
    sum_of_same,
    zero_factor,
)

import aesara.tensor as at
import numpy as np
from aesara.compile.mode import local_useless, optdb
from aesara.graph.basic import Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import NodeRewriter, copy_stack_trace, node_rewriter
from aesara.tensor.math import log1mexp
from aesara.tensor.rewriting.elemwise import FusionOptimizer, fuse_seqopt
from aesara.tensor.rewriting.math import local_add_mul_fusion
from aesara.tensor.special import Softmax, SoftmaxGrad

TAG = "sound"


class Guarded(NodeRewriter):  # type: ignore[misc]
    """One of Aesara's rewrites, whose result is used where a guard holds."""

    def __init__(self, name: str, inner: Any, holds: Guard) -> None:
        super().__init__()
        self.name, self.inner, self.holds = name, inner, holds

    def tracks(self) -> Any:
        """Return the operations that the rewrite matches."""
        return self.inner.tracks()

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features that the rewrite needs."""
        self.inner.add_requirements(fgraph)

    def transform(self, fgraph: FunctionGraph, node: Node) -> Any:
        """Return a node's replacements; None also where the rewrite fails or changes the type."""
        try:
            results = self.inner.transform(fgraph, node)
        except (AssertionError, AttributeError):
            return None
        if not results:
            return None
        if isinstance(results, list) and not all(map(_fits, node.outputs, results)):
            return None
        return results if self.holds(fgraph, node, results) else None

    def __str__(self) -> str:
        return self.name


def _fits(old: Variable, new: Variable) -> bool:
    """Return whether the dtypes and the known lengths of two variables agree."""
    if getattr(old.type, "dtype", None) != getattr(new.type, "dtype", None):
        return False
    known = zip(getattr(old.type, "shape", ()), getattr(new.type, "shape", ()), strict=False)
    return not any(None not in pair and pair[0] != pair[1] for pair in known)


GUARDS: dict[str, Guard] = {
    "local_useless_elemwise": other_than_itself,
    "local_useless_elemwise_comparison": other_than_itself,
    "local_elemwise_sub_zeros": integers,
    "local_add_canonizer": any_value,
    "local_mul_canonizer": any_value,
    "local_greedy_distributor": nothing_lost,
    "local_mul_zero": numbers_only,
    "local_mul_specialize": zero_factor,
    "local_zero_div": integers,
    "local_intdiv_by_one": integers,
    "local_func_inv": inverse,
    "local_pow_specialize": same_dtype,
    "local_pow_specialize_device": same_dtype,
    "local_abs_lift": floats,
    "local_abs_merge": floats,
    "local_exp_log_nan_switch": floats,
    "local_sub_neg_to_add": no_narrow_opposite,
    "local_add_neg_to_sub": no_narrow_opposite,
    "local_merge_switch_same_cond": same_branches,
    "local_mul_switch_sink": any_value,
    "local_div_switch_sink": any_value,
    "local_log_erfc": any_value,
    "local_sum_prod_mul_by_scalar": sum_of_same,
    "local_sum_prod_div_dimshuffle": something,
    "local_op_of_op": one_sum,
    "local_opt_alloc": finite_alloc,
    "local_log_sum_exp": some_powers,
    "local_log1p": exactly_one,
    "local_1msigmoid": exactly_one,
    "logsigm_to_softplus": exactly_one,
    "log1msigm_to_softplus": exactly_one,
    "local_exp_over_1_plus_exp": exactly_one,
    "local_reciprocal_1_plus_exp": exactly_one,
    "local_sigm_times_exp": exactly_one,
    "local_one_plus_erf": exactly_one,
    "local_erf_neg_minus_one": exactly_one,
    "local_sumsqr2dot": equal_columns,
    "local_join_subtensors": neighbors,
    "local_subtensor_lift": liftable,
    "local_IncSubtensor_serialize": any_value,
}
"""Names of Aesara's rewrites, and when their results are right."""

OWN = {"local_add_canonizer": sums, "local_mul_canonizer": products}
"""Rewrites that are applied in place of Aesara's own."""


def sound_name(name: str) -> str:
    """Return the name under which a guarded rewrite is registered."""
    return f"sound_{name.removeprefix('local_')}"


@node_rewriter([at.log])  # type: ignore[untyped-decorator]
def log_diff_exp(fgraph: FunctionGraph, node: Node) -> Any:
    """Rewrite log(exp(a) - exp(b)) as a + log1mexp(b - a), and as a where b is -∞."""
    difference = node.inputs[0].owner
    if difference is None or difference.op != at.sub:
        return None
    if not all(v.owner is not None and v.owner.op == at.exp for v in difference.inputs):
        return None
    a, b = (v.owner.inputs[0] for v in difference.inputs)
    if discrete(a) or discrete(b):
        return None
    result = at.switch(at.eq(b, -np.inf), a, a + log1mexp(b - a))
    if not _fits(node.outputs[0], result):
        return None
    copy_stack_trace(node.outputs, result)
    return [result]


@node_rewriter([SoftmaxGrad])  # type: ignore[untyped-decorator]
def log_softmax_grad(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute the gradient of log(p), p = softmax(x), as g - p Σ g, without dividing by p.

    Aesara leaves one form, log(p)[arange(n), y], to a rewrite of `aesara.tensor.nnet`.
    """
    quotient, p = node.inputs
    if quotient.owner is None or quotient.owner.op != at.true_divide:
        return None
    g, below = quotient.owner.inputs
    if below is not p or p.owner is None or not isinstance(p.owner.op, Softmax):
        return None
    if g.type.broadcastable != p.type.broadcastable:
        g = at.fill(p, g)  # a constant gradient is of length 1, and its sum of the length of p
    result = g - at.sum(g, axis=p.owner.op.axis, keepdims=True) * p
    if not _fits(node.outputs[0], result):
        return None
    copy_stack_trace(node.outputs, result)
    return [result]


def _wraps_nowhere(node: Node) -> bool:
    """Return whether nested sums, or nested products, are all of one dtype or of floats."""
    dtype = node.outputs[0].type.dtype
    nested = [v for v in node.inputs if v.owner is not None and v.owner.op == node.op]
    return all(
        (v.type.dtype == dtype or not discrete(v)) and _wraps_nowhere(v.owner) for v in nested
    )


def add_mul_fusion(fgraph: FunctionGraph, node: Node) -> Any:
    """Fuse nested sums and nested products into one C loop, where no narrower integer wraps."""
    joined = node.op in (at.add, at.mul) and _wraps_nowhere(node)
    return local_add_mul_fusion(fgraph, node) if joined else False


_GROUPS = [
    *(optdb[name] for name in (
        "canonicalize", "stabilize", "specialize", "specialize_device", "uncanonicalize"
    )),
    local_useless,
]  # fmt: skip


@functools.cache
def guarded(name: str) -> Guarded:
    """Return one of Aesara's rewrites with its guard."""
    stock = [next(iter(group.__db__[name])) for group in _GROUPS if name in group.__db__]
    return Guarded(sound_name(name), OWN.get(name, stock[0]), GUARDS[name])


def _register() -> None:
    """Register the guarded rewrites in the same groups as those that they guard."""
    for name in GUARDS:
        for group in _GROUPS:
            if name in group.__db__:
                group.register(sound_name(name), guarded(name), TAG, use_db_name_as_tag=False)
    specialize = optdb["specialize"]
    specialize.register("sound_log_diff_exp", log_diff_exp, TAG, use_db_name_as_tag=False)
    for group in (optdb["stabilize"], specialize):
        group.register("sound_logsoftmax_grad", log_softmax_grad, TAG, use_db_name_as_tag=False)
    fusion = FusionOptimizer(add_mul_fusion)
    fuse_seqopt.register("sound_add_mul_fusion", fusion, TAG, "fusion", position=0)


if "sound_log_diff_exp" not in optdb["specialize"].__db__:
    _register()
