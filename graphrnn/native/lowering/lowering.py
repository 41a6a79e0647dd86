"""Graph → program: every variable becomes a view, every node one or more operations.

The table `LOWERINGS`, keyed by the class of a node's op, is filled by the modules beside this one:
adding an operation is one entry and one test.
What is known while building (lengths, indices) is computed at once and never reaches the program.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from graphrnn.errors import ShapeError
from graphrnn.native.ir import program as p
from graphrnn.native.ir.dtypes import require_dtype
from graphrnn.native.ir.operations import Check, CopyGenerator
from graphrnn.native.ir.views import (
    Buffer,
    CannotMerge,
    Unsupported,
    View,
    coalesce_axis,
    common_loops,
    contiguous,
    slice_axis,
)
from graphrnn.native.ir.wording import describe, selection
from graphrnn.native.lowering.branch_nodes import lazy_nodes
from graphrnn.native.lowering.run_time import RunTimeNumber
from graphrnn.native.rewrites.constant_folding import grows
from graphrnn.symbolic.source_lines import user_line
from graphrnn.symbolic.wording import Misfit, number_name, refusal

import numpy as np
from aesara.graph.basic import Constant, NoParams, Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.utils import MethodNotDefined
from aesara.ifelse import IfElse
from aesara.raise_op import CheckAndRaise
from aesara.scalar.basic import ScalarType
from aesara.tensor.basic import AllocEmpty
from aesara.tensor.type import TensorType

Node = Any
"""An Aesara Apply node."""

LoweringFn = Callable[["Lowering", Node], None]
LOWERINGS: dict[type, LoweringFn] = {}


class LoweringError(Exception):
    """What went wrong while a graph was lowered, other than that it is not covered."""


@contextlib.contextmanager
def failures(where: Callable[[], str]) -> Iterator[None]:
    """Turn whatever goes wrong into one line that says where; the exception stays its cause.

    Want of memory passes, which says nothing of the graph, and so does a misfit, which says where.
    """
    try:
        yield
    except (Unsupported, LoweringError, ShapeError, MemoryError):
        raise
    except Exception as error:
        text = next(iter(str(error).strip().splitlines()), "")
        raise LoweringError(f"{where()}: {type(error).__name__}: {text}".rstrip(": ")) from error


SMALL = 4096
"""Elements up to which a node of constants is computed while building."""

_NOT_FOLDED = (
    NotImplementedError, MethodNotDefined,
    # Known values that do not fit: the lowering of the op names them.
    ArithmeticError, AssertionError, LookupError, ValueError,
)  # fmt: skip


def lowers(*kinds: type) -> Callable[[LoweringFn], LoweringFn]:
    """Enter a function into the table for these classes of ops."""

    def enter(function: LoweringFn) -> LoweringFn:
        for kind in kinds:
            LOWERINGS[kind] = function
        return function

    return enter


_PREFIXES = {"temp": "t", "input": "in", "output": "out", "constant": "k", "generator": "g"}


class Lowering:
    """The state of lowering one graph, or the body of one of its loops."""

    def __init__(self, parent: "Lowering | None" = None, rewrites: Any = None) -> None:
        self.parent = parent
        # The rewrites of the graph and of the bodies of loops; by default this backend's.
        self.rewrites: Any = parent.rewrites if parent else rewrites
        # Whether all of it runs in each call; a branch that is not taken does not.
        self.certain: bool = parent.certain if parent else True
        self.ops: list[p.Op] = []
        self.views: dict[Variable, View] = {}
        self.known: dict[Variable, Any] = {}
        # Axis and stretches of a fresh buffer that are written; the rest of it is known to be zero.
        self.unwritten: dict[Variable, Zeroed] = {}
        # Variables that some node reads, or that are results.
        self.needed: set[Variable] = set()
        self.note: str = parent.note if parent else ""
        self.node: Node | None = parent.node if parent else None
        # Generators that the body of a loop reads and must leave as they are.
        self.borrowed: set[Variable] = set()
        # Results of a loop that ends at a condition: all that can be known of them is the last, and
        # how many initial states stand before the first.
        self.last: dict[Variable, tuple[View, int]] = {}
        self.fgraph: FunctionGraph | None = None
        self.order: list[Node] = []
        self.lazy: dict[Node, tuple[Node, int]] = {}
        self.checks: list[tuple[Callable[[str], Exception], str]] = parent.checks if parent else []
        self.constants: list[Buffer] = parent.constants if parent else []
        self.bodies: dict[Any, FunctionGraph] = parent.bodies if parent else {}
        self._names: Iterator[int] = parent._names if parent else count()

    # ── what lowerings call ──

    def buffer(self, dtype: str, size: int, kind: str = "temp", data: Any = None) -> Buffer:
        """Build a buffer with a name of its own."""
        require_dtype(dtype)
        buffer = Buffer(f"{_PREFIXES[kind]}{next(self._names)}", dtype, size, kind, data, self.note)
        if kind == "constant":
            self.constants.append(buffer)
        return buffer

    def variable(self, prefix: str) -> str:
        """Build the name of a loop variable."""
        return f"{prefix}{next(self._names)}"

    def fresh(self, variable: Variable, shape: Sequence[int]) -> View:
        """Return a variable a new array in C order."""
        view = self.temporary(variable.dtype, shape)
        view.buffer.label = variable.name or ""
        self.views[variable] = view
        return view

    def temporary(self, dtype: str, shape: Sequence[int]) -> View:
        """Return a new array in C order."""
        buffer = self.buffer(dtype, _size(shape))
        buffer.shape = tuple(shape)
        return contiguous(buffer, shape)

    def view(self, variable: Variable) -> View:
        """Return the view of a variable; a constant gets a buffer of its own."""
        if variable in self.unwritten:
            self._fill_unwritten(variable)
        if variable in self.last:
            line = user_line(variable.owner)
            raise Unsupported(
                "a loop that ends at a condition: the length of its results is known only at run "
                f"time, and no more than the last, [-1], can be read{line and f' ({line})'}"
            )
        if variable not in self.views:
            value = self.value(variable)
            if value is None:
                raise Unsupported(f"{variable}: no value")
            self.views[variable] = self.constant(np.asarray(value))
        return self.views[variable]

    def zeros(self, dtype: str, shape: Sequence[int]) -> View:
        """Return an array of zeros that takes no memory."""
        whole = self.constant(np.zeros((), dtype))
        return View(whole.buffer, tuple(((length, 0),) for length in shape))

    def constant(self, data: np.ndarray[Any, Any]) -> View:
        """Build a constant array; a uniform one takes one element, repeated by strides of 0."""
        data = np.asarray(data)
        if data.size > 1 and (data == data.flat[0]).all():
            buffer = self.buffer(str(data.dtype), 1, "constant", data.flat[:1].copy())
            return View(buffer, tuple(((length, 0),) for length in data.shape))
        data = np.ascontiguousarray(data).reshape(data.shape)
        return contiguous(self.buffer(str(data.dtype), data.size, "constant", data), data.shape)

    def value(self, variable: Variable) -> Any:
        """Return what a variable is known to be while building, or None."""
        if isinstance(variable, Constant):
            return variable.data
        node = variable.owner
        if variable not in self.known and node is not None and isinstance(node.op, IfElse):
            k = node.outputs.index(variable)
            branches = [self.value(node.inputs[1 + k + b * node.op.n_outs]) for b in (0, 1)]
            taken = self.value(node.inputs[0])
            if taken is not None:
                return branches[0 if np.all(taken) else 1]
            # A length on which both branches agree, whichever is taken.
            same = branches[0] is not None and np.array_equal(*branches)
            return branches[0] if same else None
        return self.known.get(variable)

    def number(self, variable: Variable) -> int:
        """Return a variable that must be a known integer.

        Raises:
            Unsupported: it is only known when the function runs.
        """
        value = self.value(variable)
        if value is None:
            name = number_name(variable)
            raise RunTimeNumber(
                f"{name} is known only at run time; lengths must be static", variable
            )
        return int(value)

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Return the shape of a variable, without making it."""
        if variable in self.views:
            return self.views[variable].shape
        value = self.value(variable)
        if value is not None:
            return np.shape(value)
        return self.view(variable).shape

    def require(
        self, conditions: Sequence[View], kind: Callable[[str], Exception], text: str
    ) -> None:
        """Check in each call that scalars hold, and leave with an error where one does not."""
        self.checks.append((kind, text))
        self.emit(Check(len(self.checks) - 1, [p.Ref(c.buffer, c.offset, ()) for c in conditions]))

    def emit(self, op: p.Op) -> None:
        """Add an operation to the program."""
        op.note = op.note or self.note
        op.selection = selection(self.node, self.views) if self.node else ""
        op.nodes = op.nodes or ((self.node,) if self.node else ())
        self.ops.append(op)

    def kernel(
        self,
        loads: Sequence[View],
        instructions: list[p.Instruction],
        stores: Sequence[tuple[View, int]],
    ) -> None:
        """Add elementwise work over views of one shape; copies what cannot be walked together.

        Raises:
            Misfit: the views have not one shape.
        """
        views = [*loads, *(view for view, _ in stores)]
        shapes = list(dict.fromkeys(view.shape for view in views))
        if len(shapes) > 1:
            raise Misfit("arrays of one shape", f"shapes {' and '.join(map(str, shapes))}")
        if 0 in views[-1].shape:
            return
        try:
            lengths, strides = common_loops(views)
        except CannotMerge:
            loads = [self._copied(view) for view in loads]
            views = [*loads, *(view for view, _ in stores)]
            lengths, strides = common_loops(views)
        refs = [p.Ref(v.buffer, v.offset, s) for v, s in zip(views, strides, strict=True)]
        n = len(loads)
        places = [(ref, value) for ref, (_, value) in zip(refs[n:], stores, strict=True)]
        self.emit(p.Kernel(lengths, refs[:n], instructions, places))

    def _copied(self, view: View) -> View:
        """Copy a view whose axes are merged from parts that lie apart."""
        if all(len(axis) == 1 for axis in view.axes):
            return view
        apart = View(
            view.buffer, tuple((part,) for axis in view.axes for part in axis), view.offset
        )
        whole = self.temporary(view.dtype, apart.shape)
        self.kernel([apart], [], [(whole, 0)])
        return contiguous(whole.buffer, view.shape)

    def copy(self, source: View, target: View) -> None:
        """Copy one array into another of its shape, converting the dtype."""
        self.kernel([source], [], [(target, 0)])

    def fill(self, target: View, value: float) -> None:
        """Set every element to one number."""
        self.kernel([], [p.constant(value, target.dtype)], [(target, 0)])

    def simple(self, view: View) -> View:
        """Return a view each of whose axes is one part, copying where there is none."""
        axes = tuple(coalesce_axis(axis) for axis in view.axes)
        flat = View(view.buffer, axes, view.offset)
        return flat if all(len(axis) == 1 for axis in axes) else self._copied(view)

    def converted(self, view: View, dtype: str) -> View:
        """Return a view in another dtype, copying where it has another."""
        if view.dtype == dtype:
            return view
        whole = self.temporary(dtype, view.shape)
        self.copy(view, whole)
        return whole

    def copied_generator(self, source: View) -> View:
        """Return a generator of its own that goes on as another would."""
        copied = View(self.buffer("uint64", 1, "generator"), ())
        refs = [p.Ref(view.buffer, view.offset, ()) for view in (source, copied)]
        self.emit(CopyGenerator(*refs))
        return copied

    # ── the walk over the graph ──

    def lower(self, fgraph: FunctionGraph, order: Sequence[Node]) -> None:
        """Lower the nodes of a graph; its inputs must have views."""
        self.needed = {v for node in order for v in node.inputs} | set(fgraph.outputs)
        self.fgraph, self.order = fgraph, list(order)
        self.lazy = lazy_nodes(fgraph, self.order)
        self.walk([node for node in order if node not in self.lazy])

    def walk(self, order: Sequence[Node]) -> None:
        """Lower nodes one after the other.

        Raises:
            ShapeError: shapes or lengths do not fit, as stock Aesara would find in each call.
            Unsupported: a node is not covered.
            LoweringError: anything else went wrong with a node.
        """
        with failures(self.where):
            self._walk(order)

    def where(self) -> str:
        """Write the node at hand and the user's line that it comes from."""
        line = user_line(self.node) if self.node else ""
        return f"{self.note} ({line})" if line else self.note

    def _walk(self, order: Sequence[Node]) -> None:
        for node in order:
            self.note, self.node = describe(node, self.views), node
            if self._fold(node):
                continue
            handler = next((LOWERINGS[k] for k in type(node.op).__mro__ if k in LOWERINGS), None)
            if handler is None:
                raise Unsupported(f"{node.op} has no lowering")
            try:
                handler(self, node)
            except Misfit as misfit:
                raise self._refusal(node, misfit) from None

    def _refusal(self, node: Node, misfit: Misfit) -> Exception:
        """Build the error for what does not fit; in a call that may not reach it, stock decides."""
        text = self.refusal(node, misfit)
        return ShapeError(text) if self.certain else Unsupported(text)

    def refusal(self, node: Node, misfit: Misfit) -> str:
        """Write what does not fit, with the shapes that are known here."""
        return refusal(node, misfit, self._known_shape)

    def _known_shape(self, variable: Variable) -> Sequence[int | None]:
        """Return a variable's shape as far as it is known, without making it."""
        if variable in self.views:
            return self.views[variable].shape
        value = self.value(variable)
        return variable.type.shape if value is None else np.shape(value)

    def _fold(self, node: Node) -> bool:
        """Compute a node of known small values at once."""
        values = [self.value(variable) for variable in node.inputs]
        if any(value is None for value in values) or not node.inputs:
            return False
        if isinstance(node.op, AllocEmpty):
            return False  # its length is known, and not what it holds
        if sum(np.size(value) for value in values) > SMALL or grows(node, SMALL):
            return False
        if not all(isinstance(o.type, (TensorType, ScalarType)) for o in node.outputs):
            return False
        storage: list[list[Any]] = [[None] for _ in node.outputs]
        try:
            if isinstance(node.op, CheckAndRaise):
                if not all(np.all(condition) for condition in values[1:]):
                    return False  # it fails when the function is run
                storage[0][0] = values[0]
            else:
                params = node.run_params()
                more = () if params is NoParams else (params,)
                node.op.perform(node, list(values), storage, *more)
        except _NOT_FOLDED:
            return False
        if any(np.size(cell[0]) > SMALL for cell in storage):
            return False
        for output, cell in zip(node.outputs, storage, strict=True):
            self.known[output] = np.asarray(cell[0])
        return True

    def _fill_unwritten(self, variable: Variable) -> None:
        """Write the zeros that were put off in the hope that something else is written there."""
        zeroed = self.unwritten.pop(variable)
        if zeroed.axis is None:
            # Nothing was: zeros that are only read take no memory.
            self.views[variable] = self.zeros(variable.dtype, self.views[variable].shape)
            return
        for view in zeroed.gaps(self.views[variable]):
            self.fill(view, 0)


class Zeroed:
    """A fresh array of zeros that is not yet written, but for stretches of one axis.

    Of one that is `empty` nothing may be read that was not written.
    """

    def __init__(
        self,
        axis: int | None = None,
        written: Sequence[tuple[int, int]] = (),
        *,
        empty: bool = False,
    ) -> None:
        self.axis = axis
        self.written = tuple(sorted(written))
        self.empty = empty

    def free(self, axis: int, start: int, stop: int) -> bool:
        """Return whether a stretch is still to be written."""
        if self.axis not in (None, axis):
            return False
        return all(stop <= a or b <= start for a, b in self.written)

    def with_written(self, axis: int, start: int, stop: int) -> "Zeroed":
        """Note that a stretch is written."""
        return Zeroed(axis, (*self.written, (start, stop)), empty=self.empty)

    def gaps(self, view: View) -> list[View]:
        """Return the stretches that are still to be filled with zeros."""
        assert self.axis is not None
        views, at = [], 0
        for start, stop in (*self.written, (view.shape[self.axis],) * 2):
            if at < start:
                views.append(slice_axis(view, self.axis, slice(at, start)))
            at = max(at, stop)
        return views


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64)) if len(shape) else 1
