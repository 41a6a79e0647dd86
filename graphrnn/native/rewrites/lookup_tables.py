"""Rewrites of products with tables: a row is looked up where a product would only pick it.

Each is in Aesara's rewrite database under the tag `native`:

    native_one_hot_before_loop   one_hot(x_t) W in a loop is row x_t of W, looked up before it
    native_one_hot_product       one_hot(x) W is W[x]; one_hot(x)ᵀ Z adds row n of Z to row x[n]
    native_project_table         E[x] W is (E W)[x], where x is longer than E; E[x]ᵀ Z likewise
    native_table_gradient        rows of a product are added up first and multiplied then
"""

from typing import Any

from graphrnn.upstream.scan_args import (
    Node,
    applies,
    lengths_of,
    parsed,
    plain,
    rebuilt,
    register,
    strip_specify_shape,
    substitute,
    typed,
)

import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Constant, Variable, io_toposort
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.scan.op import Scan
from aesara.tensor.elemwise import DimShuffle
from aesara.tensor.exceptions import NotScalarConstantError
from aesara.tensor.math import Dot
from aesara.tensor.shape import Reshape
from aesara.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    Subtensor,
)


def one_hot_of(variable: Variable) -> tuple[Variable, int] | None:
    """Return (indices, width) of an array that is known to be their one-hot vectors.

    y[…, k] = 1 if indices[…] = k else 0, written as cast(eq(indices[…, None], arange(width))).
    """
    variable = strip_specify_shape(variable)
    if variable.owner and isinstance(variable.owner.op, Subtensor):
        op, (whole, *bounds) = variable.owner.op, variable.owner.inputs
        one_hot = one_hot_of(whole)
        slices = all(isinstance(entry, slice) for entry in op.idx_list)
        if one_hot is None or not slices or len(op.idx_list) > one_hot[0].type.ndim:
            return None
        return op(one_hot[0], *bounds), one_hot[1]
    if applies(variable.owner, aes.Cast):
        variable = variable.owner.inputs[0]
    if not applies(variable.owner, aes.EQ):
        return None
    for index, numbers in (variable.owner.inputs, variable.owner.inputs[::-1]):
        if not isinstance(numbers, Constant) or numbers.data.ndim == 0:
            continue
        width = numbers.data.shape[-1]
        if numbers.data.size != width or not np.array_equal(numbers.data.ravel(), range(width)):
            continue
        if width < 2 or not index.type.broadcastable[-1] or not str(index.dtype).startswith("int"):
            continue
        return index[..., 0], width
    return None


def _inside(index: Variable, width: int) -> tuple[Variable, Variable]:
    """Return indices that are surely inside, and 1 where they were, 0 where they were not.

    A one-hot vector of an index outside is all zeros, which no row of a table is.
    """
    valid = at.ge(index, 0) & at.lt(index, width)
    return at.clip(index, 0, width - 1).astype("int64"), valid


def _rows(index: Variable, width: int, W: Variable) -> Variable:
    """Look up rows of W for a vector of indices; zeros where an index is outside."""
    at_row, valid = _inside(index, width)
    return at.switch(valid[:, None], W[at_row], np.asarray(0, W.dtype))


def _added(index: Variable, width: int, Z: Variable) -> Variable:
    """Add each row of Z to the row that its index names, leaving out those outside."""
    at_row, valid = _inside(index, width)
    rows = at.switch(valid[:, None], Z, np.asarray(0, Z.dtype))
    zeros = at.zeros((width, Z.shape[1]), dtype=Z.dtype)
    return at.inc_subtensor(zeros[at_row], rows)


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def one_hot_before_loop(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute one_hot(x_t) W at each step as row x_t of W, looked up for all steps before the loop.

    Shapes: x `(T, B)`, W `(V, H)`, result `(T, B, H)`.
    """
    if not plain(node):
        return None
    args = parsed(node)
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        one_hot = one_hot_of(outer)
        if one_hot is None or outer.type.ndim != 3:
            continue
        index, width = one_hot
        replaced, more = {}, []
        for step in io_toposort(args.inner_inputs, args.inner_outputs):
            if not isinstance(step.op, Dot) or step.inputs[1] not in args.inner_in_non_seqs:
                continue
            if strip_specify_shape(step.inputs[0]) is not inner or step.inputs[1].type.ndim != 2:
                continue
            W = args.outer_in_non_seqs[args.inner_in_non_seqs.index(step.inputs[1])]
            if W.dtype != step.outputs[0].dtype:
                continue
            flat = _rows(index.flatten(), width, W)
            rows = flat.reshape((index.shape[0], index.shape[1], W.shape[1]))
            inside = step.outputs[0].type()
            more.append((inside, rows))
            replaced[step.outputs[0]] = inside
        if not more:
            continue
        substitute(args, replaced)
        args.inner_in_seqs = [*args.inner_in_seqs, *(inside for inside, _ in more)]
        args.outer_in_seqs = [*args.outer_in_seqs, *(rows for _, rows in more)]
        outputs = rebuilt(node, args)
        return {**dict(zip(node.outputs, outputs, strict=True)), "remove": [node]}
    return None


def _flat_one_hot(variable: Variable) -> tuple[Variable, int] | None:
    """Return (index vector, width) of a matrix `(N, V)` of one-hot rows, reshaped perhaps."""
    variable = strip_specify_shape(variable)
    if variable.owner and isinstance(variable.owner.op, Reshape) and variable.type.ndim == 2:
        inner = strip_specify_shape(variable.owner.inputs[0])
        one_hot = one_hot_of(inner)
        width = variable.type.shape[1]
        if width is None:
            width = _known(variable.owner.inputs[1], 1)
        if one_hot is None or width != one_hot[1]:
            return None
        return one_hot[0].flatten(), one_hot[1]
    return one_hot_of(variable) if variable.type.ndim == 2 else None


def _known(shape: Variable, k: int) -> int | None:
    """Return one length of a symbolic shape, if it is a number."""
    return int(shape.data[k]) if isinstance(shape, Constant) else None


def _permuted(variable: Variable) -> tuple[Variable, tuple[int, ...]]:
    """Look through permutations of axes; returns the source and the order of its axes."""
    variable = strip_specify_shape(variable)
    order = tuple(range(variable.type.ndim))
    while variable.owner and isinstance(variable.owner.op, DimShuffle):
        new, source = variable.owner.op.new_order, variable.owner.inputs[0]
        if sorted(map(str, new)) != sorted(map(str, range(source.type.ndim))):
            break
        order, variable = tuple(new[k] for k in order), strip_specify_shape(source)
    return variable, order


def _turned(variable: Variable) -> Variable | None:
    """Return what a matrix is the transpose of."""
    source, order = _permuted(variable)
    return source if order == (1, 0) else None


def _flat_one_hot_turned(variable: Variable) -> tuple[Variable, int] | None:
    """Return (index vector, width) of a matrix `(V, N)` whose columns are one-hot."""
    turned = _turned(variable)
    if turned is not None:
        return _flat_one_hot(turned)
    variable = strip_specify_shape(variable)
    if variable.owner and isinstance(variable.owner.op, Reshape):
        # (T, B, V) → (V, T, B) → (V, T B), as Aesara writes it when it moves a product out.
        source, order = _permuted(variable.owner.inputs[0])
        one_hot = one_hot_of(source) if order == (2, 0, 1) else None
        if one_hot is not None and _rows_of(variable) == one_hot[1]:
            return one_hot[0].flatten(), one_hot[1]
    return None


def _rows_of(variable: Variable) -> int | None:
    """Return the number of rows of a reshaped matrix."""
    rows = variable.type.shape[0]
    return _known(variable.owner.inputs[1], 0) if rows is None else int(rows)


@node_rewriter([Dot])  # type: ignore[untyped-decorator]
def one_hot_product(fgraph: FunctionGraph, node: Node) -> Any:
    """one_hot(x) W = W[x], and one_hot(x)ᵀ Z = Σ_n of row n of Z at row x[n]."""
    A, B = node.inputs
    if A.type.ndim != 2 or B.type.ndim != 2 or B.dtype != node.outputs[0].dtype:
        return None
    picked = _flat_one_hot(A)
    if picked is not None:
        return [typed(_rows(*picked, B), node.outputs[0].type)]
    added = _flat_one_hot_turned(A)
    if added is not None:
        return [typed(_added(*added, B), node.outputs[0].type)]
    return None


def _gathered(variable: Variable) -> tuple[Variable, Variable] | None:
    """Return (E, x) of E[x], where x is longer than E."""
    variable = strip_specify_shape(variable)
    kinds = (AdvancedSubtensor, AdvancedSubtensor1)
    if not (variable.owner and isinstance(variable.owner.op, kinds)):
        return None
    E, *indices = variable.owner.inputs
    if len(indices) != 1 or not _is_vector(indices[0]):
        return None
    (x,) = indices
    rows, length = lengths_of(E)[0], lengths_of(x)[0]
    if E.type.ndim != 2 or rows is None or length is None or length <= rows:
        return None
    return E, x


def _is_vector(index: Variable) -> bool:
    """Return whether an index is a vector of whole numbers, not a mask."""
    kind = getattr(index.type, "dtype", "bool")
    return kind != "bool" and getattr(index.type, "ndim", 0) == 1


@node_rewriter([Dot])  # type: ignore[untyped-decorator]
def project_table(fgraph: FunctionGraph, node: Node) -> Any:
    """E[x] W = (E W)[x], and E[x]ᵀ Z = Eᵀ (Σ_n of row n of Z at row x[n]); Z is a gradient."""
    A, B = node.inputs
    if A.type.ndim != 2 or B.type.ndim != 2 or A.dtype != B.dtype:
        return None
    lookup = _gathered(A)
    if lookup is not None:
        E, x = lookup
        return [typed(at.dot(E, B)[x], node.outputs[0].type)]
    turned = _turned(A)
    lookup = _gathered(turned) if turned is not None else None
    if lookup is None:
        return None
    E, x = lookup
    zeros = at.zeros((lengths_of(E)[0], B.shape[1]), dtype=B.dtype)
    return [typed(at.dot(E.T, at.inc_subtensor(zeros[x], B)), node.outputs[0].type)]


@node_rewriter([AdvancedIncSubtensor, AdvancedIncSubtensor1])  # type: ignore[untyped-decorator]
def table_gradient(fgraph: FunctionGraph, node: Node) -> Any:
    """Σ_n of row n of Z M at row x[n] = (Σ_n of row n of Z at row x[n]) M, onto zeros."""
    base, rows, *indices = node.inputs
    if len(indices) != 1 or not _is_vector(indices[0]):
        return None
    (x,) = indices
    product = strip_specify_shape(rows).owner
    if node.op.set_instead_of_inc or product is None or not isinstance(product.op, Dot):
        return None
    try:
        if at.get_scalar_constant_value(base) != 0:
            return None
    except NotScalarConstantError:
        return None
    Z, M = product.inputs
    height, length = lengths_of(base)[0], lengths_of(x)[0]
    if Z.type.ndim != 2 or M.type.ndim != 2 or height is None or length is None:
        return None
    if length <= height or getattr(node.op, "ignore_duplicates", False):
        return None
    if base.dtype != Z.dtype or Z.dtype != M.dtype or lengths_of(base)[1:] != lengths_of(M)[1:]:
        return None
    zeros = at.zeros((height, Z.shape[1]), dtype=Z.dtype)
    return [typed(at.dot(at.inc_subtensor(zeros[x], Z), M), node.outputs[0].type)]


register("native_one_hot_before_loop", in2out(one_hot_before_loop), 1.581)
register("native_one_hot_product", in2out(one_hot_product), 1.582)
register("native_project_table", in2out(project_table), 1.583)
register("native_table_gradient", in2out(table_gradient), 1.584)
