"""Helpers that rewrites share: a scan's parts by name, scans rebuilt from them, tests of nodes."""

from collections.abc import Sequence
from typing import Any

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant, Variable, clone_replace
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.graph.rewriting.db import RewriteDatabase
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs
from aesara.tensor.elemwise import Elemwise
from aesara.tensor.shape import SpecifyShape, unbroadcast
from aesara.tensor.type import TensorType

Node = Any
"""An Aesara Apply node."""


def parsed(node: Node) -> ScanArgs:
    """Return the parts of a scan by name, its body copied."""
    return ScanArgs.from_node(node, clone=True)


def rebuilt(node: Node, args: ScanArgs, **changed: Any) -> list[Variable]:
    """Build a scan from changed parts, and options if given, and return its outputs."""
    op = node.op
    for name in ("seqs", "non_seqs"):
        pairs = zip(
            getattr(args, f"outer_in_{name}"), getattr(args, f"inner_in_{name}"), strict=True
        )
        setattr(args, f"outer_in_{name}", [_as_body_sees(outer, inner) for outer, inner in pairs])
    options = {
        "mode": op.mode,
        "profile": op.profile,
        "truncate_gradient": op.truncate_gradient,
        "name": op.name,
        "allow_gc": op.allow_gc,
    }
    new = Scan(args.inner_inputs, args.inner_outputs, args.info, **{**options, **changed})
    outputs: list[Variable] = new(*args.outer_inputs, return_list=True)
    return outputs


def _as_body_sees(outer: Variable, inner: Variable) -> Variable:
    """Drop known lengths of 1 that the body was built without: rewriting inferred them later."""
    if not isinstance(outer.type, TensorType) or not isinstance(inner.type, TensorType):
        return outer
    first = outer.type.ndim - inner.type.ndim
    behind = zip(outer.type.broadcastable[first:], inner.type.broadcastable, strict=True)
    inferred = [first + k for k, (now, then) in enumerate(behind) if now and not then]
    return unbroadcast(outer, *inferred) if inferred else outer


def plain(node: Node) -> bool:
    """Return whether a node is a scan of a known number of steps without a condition."""
    return (
        isinstance(node.op, Scan)
        and not node.op.info.as_while
        and isinstance(node.inputs[0], Constant)
    )


def typed(value: Variable, kind: Any) -> Variable:
    """Return a value with the type of what it replaces."""
    return value if kind.is_super(value.type) else at.specify_shape(value, kind.shape)


def strip_specify_shape(variable: Variable) -> Variable:
    """Return a variable without the SpecifyShape nodes around it."""
    while variable.owner and isinstance(variable.owner.op, SpecifyShape):
        variable = variable.owner.inputs[0]
    return variable


def applies(node: Node, kind: type) -> bool:
    """Return whether a node applies a scalar op of a kind elementwise."""
    return (
        node is not None and isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, kind)
    )


def substitute(args: ScanArgs, replaced: dict[Variable, Variable]) -> None:
    """Replace inner variables of a scan's body by others."""
    names = ("inner_out_mit_sot", "inner_out_sit_sot", "inner_out_nit_sot", "inner_out_shared")
    flat = [v for group in args.inner_out_mit_mot for v in group]
    flat += [v for name in names for v in getattr(args, name)]
    new = list(clone_replace(flat, replace=replaced))
    args.inner_out_mit_mot = [[new.pop(0) for _ in group] for group in args.inner_out_mit_mot]
    for name in names:
        setattr(args, name, [new.pop(0) for _ in getattr(args, name)])


def with_collected(
    node: Node, args: ScanArgs, more: Sequence[Variable]
) -> tuple[list[Variable], list[Variable]]:
    """Rebuild a scan that also collects these inner variables; return its outputs and theirs."""
    n_before = len(node.outputs) - len(args.outer_out_shared)
    args.inner_out_nit_sot = [*args.inner_out_nit_sot, *more]
    args.outer_in_nit_sot = [*args.outer_in_nit_sot, *[args.n_steps] * len(more)]
    outputs = rebuilt(node, args)
    return outputs[:n_before] + outputs[n_before + len(more) :], outputs[
        n_before : n_before + len(more)
    ]


def lengths_of(variable: Variable) -> tuple[int | None, ...]:
    """Return a variable's shape: of a shared variable, that of its value."""
    if hasattr(variable, "get_value"):
        return tuple(variable.get_value(borrow=True).shape)
    return tuple(variable.type.shape)


def register(name: str, rewriter: GraphRewriter, position: float) -> None:
    """Register a rewrite in Aesara's database; only queries that include `native` get it."""
    if name not in optdb.__db__:
        optdb.register(name, rewriter, "native", position=position)


def in_place_of(
    database: RewriteDatabase, stock: str, rewriter: GraphRewriter, *tags: str, **position: float
) -> None:
    """Register a rewrite as `sound_…`, and take the tags off Aesara's own, which is wrong.

    This applies to every mode, Aesara's included, and inside loops that were built before.
    """
    name = f"sound_{stock}"
    if name not in database:
        database.remove_tags(stock, *tags)
        database.register(name, rewriter, *tags, **position)
