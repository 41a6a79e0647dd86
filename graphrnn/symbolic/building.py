"""Checks each operation of Aesara's as its node is made, by all lengths that are known by then.

Aesara's types forget lengths behind a slice, a reshape or a join; they are kept here beside them.
While a graph is rewritten nothing is checked: what is made there comes from what was.
"""

import contextlib
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

from graphrnn.errors import ShapeError
from graphrnn.symbolic.checks import misfit_of
from graphrnn.symbolic.lengths import Lengths, infer
from graphrnn.symbolic.source_lines import is_aesaras_own, line_at_hand
from graphrnn.symbolic.wording import refusal_of

import aesara.tensor as at
from aesara.graph.basic import Variable
from aesara.graph.op import Op
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.tensor.type import TensorType

_LENGTHS: "weakref.WeakKeyDictionary[Variable, tuple[int, ...]]" = weakref.WeakKeyDictionary()
_REFUSALS = (ValueError, TypeError, AssertionError, IndexError)


class _Quiet(threading.local):
    """How many rewritings this thread is inside of."""

    depth = 0


_QUIET = _Quiet()


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Make nodes without checks."""
    _QUIET.depth += 1
    try:
        yield
    finally:
        _QUIET.depth -= 1


def known_shape(variable: Variable) -> tuple[int | None, ...] | None:
    """Return the lengths of a variable that are known; None where it is no array."""
    kind = variable.type
    if not isinstance(kind, TensorType):
        return () if getattr(kind, "ndim", None) == 0 else None
    shape: tuple[int | None, ...] = tuple(kind.shape)
    return _LENGTHS.get(variable, shape) if None in shape else shape


def _whole(variable: Variable) -> Lengths:
    """Return a shape of which every length is known, or None."""
    shape = known_shape(variable)
    return None if shape is None or None in shape else tuple(n or 0 for n in shape)


def _note(node: Any) -> None:
    """Keep the lengths of a node's results that their types do not say."""
    if not any(None in (getattr(v.type, "shape", None) or ()) for v in node.outputs):
        return
    shapes = infer(node, [_whole(variable) for variable in node.inputs])
    for variable, shape in zip(node.outputs, shapes, strict=True):
        if shape is not None and isinstance(variable.type, TensorType):
            _LENGTHS[variable] = shape


def _require_fitting(op: Op, inputs: Sequence[Variable], cause: Exception | None = None) -> None:
    """Refuse inputs that do not fit, by the user's line that is at hand.

    Raises:
        ShapeError: naming what was got and needed.
    """
    misfit = misfit_of(op, inputs, [known_shape(variable) for variable in inputs])
    if misfit and not is_aesaras_own():
        text = refusal_of(op, inputs, misfit, lambda v: known_shape(v) or (), line_at_hand())
        raise ShapeError(text) from cause


def _explain(op: Op, inputs: Sequence[Any], error: Exception) -> None:
    """Refuse in our words what Aesara refused, where shapes are the reason.

    Raises:
        ShapeError: naming what was got and needed.
    """
    try:
        variables = [at.as_tensor_variable(argument) for argument in inputs]
        _require_fitting(op, variables, error)
    except ShapeError:
        raise
    except Exception:
        return


def _checked_call(op: Op, *inputs: Any, **options: Any) -> Any:
    """Make a node, and check it."""
    if _QUIET.depth:
        return _CALL(op, *inputs, **options)
    try:
        result = _CALL(op, *inputs, **options)
    except ShapeError:
        raise
    except _REFUSALS as error:
        _explain(op, inputs, error)
        raise
    first = result[0] if isinstance(result, (list, tuple)) and result else result
    node = getattr(first, "owner", None)
    if node is not None and type(node.op) is type(op):
        _require_fitting(node.op, node.inputs)
        _note(node)
    return result


def _unchecked_rewrite(rewriter: GraphRewriter, *args: Any, **options: Any) -> Any:
    """Rewrite a graph."""
    with unchecked():
        return _REWRITE(rewriter, *args, **options)


_CALL, _REWRITE = Op.__call__, GraphRewriter.rewrite
Op.__call__ = _checked_call
GraphRewriter.rewrite = _unchecked_rewrite
