"""The entry point: an Aesara linker and mode whose functions run as one C function."""

import contextlib
import copy
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn.native.ir.views import Unsupported
from graphrnn.native.lowering.lowering import LoweringError
from graphrnn.native.lowering.run_time import RunTimeNumber
from graphrnn.native.phases import Phase
from graphrnn.native.pipeline import generate
from graphrnn.native.rewrites.query import WithoutCompiler, query
from graphrnn.native.runtime.function import NativeFunction
from graphrnn.native.runtime.guarded import GuardedMode, stock_lock
from graphrnn.native.runtime.library import CompileError, Target, notes
from graphrnn.native.runtime.threads import MAX_THREADS, default_threads
from graphrnn.native.specialised import Specialised, deciding, has_windows, with_lengths

import numpy as np
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.link.basic import JITLinker
from aesara.link.vm import VMLinker
from aesara.scalar.basic import ScalarType
from aesara.scan.op import Scan

Say = Callable[[str], None]
OnPhase = Callable[[Phase], None]


STOCK_SCAN = sys.version_info < (3, 12)
"""Whether stock Aesara's scan compiles: its extension reaches into integers, which 3.12 changed."""


def _warn(text: str) -> None:
    """Print a line that names what is not covered."""
    print(text, file=sys.stderr)


def _ignore(phase: Phase) -> None:
    """Take no notice."""


def has_scan(fgraph: FunctionGraph) -> bool:
    """Return whether a graph has a loop."""
    return any(isinstance(node.op, Scan) for node in fgraph.apply_nodes)


@dataclass
class Instead:
    """How functions that native does not cover run, while they are made.

    The bodies of their loops are functions too: made by a copy of the linker, which shares this.
    """

    depth: int = 0
    python: bool = False

    @contextlib.contextmanager
    def entered(self, *, python: bool) -> Iterator[None]:
        """Note that a function is made in another way, and put back what was noted before."""
        before = self.depth, self.python
        self.depth, self.python = self.depth + 1, python
        try:
            yield
        finally:
            self.depth, self.python = before


@dataclass(frozen=True)
class Listener:
    """Callbacks that hear what a linker does; a pickle leaves them behind."""

    say: Say = _warn
    on_phase: OnPhase = _ignore

    def __deepcopy__(self, memo: Any) -> "Listener":
        """Tell the same."""
        return self

    def __reduce__(self) -> Any:
        """Begin anew elsewhere."""
        return Listener, ()


class NativeLinker(JITLinker):  # type: ignore[misc]
    """Turns a whole graph into one C function.

    What is not covered runs in stock Aesara after one line that says why; with `strict` it is
    refused.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        strict: bool = False,
        say: Say = _warn,
        on_phase: OnPhase = _ignore,
        target: Target = Target(),  # noqa: B008
    ) -> None:
        super().__init__()
        self.target = target
        self.threads = min(threads, MAX_THREADS) if threads else default_threads()
        self.strict = strict
        self.listener = Listener(say, on_phase)
        self.instead = Instead()
        self.updated_vars: dict[Any, Any] = {}
        self.profile: Any = None
        self.rewrites = query()

    def accept(self, fgraph: Any, no_recycling: Any = None, profile: Any = None) -> "NativeLinker":
        """Return a linker of this graph: this one, or a copy where it has another already."""
        if self.fgraph not in (None, fgraph):
            other = copy.copy(self)
            other.fgraph, other.updated_vars = None, {}
            return other.accept(fgraph, no_recycling, profile)
        super().accept(fgraph, no_recycling)
        self.profile = profile
        return self

    def accept_var_updates(self, updated_vars: dict[Any, Any]) -> None:
        """Note which input each update goes to, as a virtual machine has to know it.

        Aesara's function writes the updates of a compiled function, and leaves those of a virtual
        machine to the machine.
        """
        self.updated_vars = updated_vars

    def fgraph_convert(
        self,
        fgraph: Any,
        order: Any,
        input_storage: Any,
        output_storage: Any,
        storage_map: Any,
        **_: Any,
    ) -> Callable[..., Any]:
        """Lower, write and load a graph; returns a callable of arrays."""
        values = [storage_map[variable][0] for variable in fgraph.inputs]
        compile_for = functools.partial(self._compile_for, fgraph)
        special = Specialised(fgraph, compile_for, self._instead, self._note)
        self._phase(Phase.LOWERING)
        try:
            if not special.by_shape:
                function = self._compile(fgraph, values, {})
                return special.keeping(function) if has_windows(function) else function
            if not all(isinstance(values[k], np.ndarray) for k in special.by_shape):
                self._require_top()
                return special
            special.begin_with(values)
        except RunTimeNumber as error:
            # Within a graph that another runs, lengths are those of its first call.
            self._require_top()
            if not special.decide_by(error.leaves):
                raise
        return special

    def _require_top(self) -> None:
        """Refuse to wait for lengths in the body of a loop that stock Aesara runs."""
        if self.instead.depth:
            raise Unsupported("the body of a loop whose lengths are known only at run time")

    def _compile(
        self, fgraph: FunctionGraph, values: Sequence[Any], known: Mapping[int, Any]
    ) -> NativeFunction:
        """Lower, write and load a graph whose lengths are known."""
        updated = dict(getattr(fgraph, "update_mapping", None) or {})
        program, source = generate(
            fgraph, values, self.rewrites, threads=self.threads, updated=updated, known=known
        )
        self._phase(Phase.COMPILING)
        function = NativeFunction(fgraph, program, source, self.threads, updated, self.target)
        for text in notes():
            self._note(text)
        return function

    def _compile_for(
        self, fgraph: FunctionGraph, arrays: Sequence[Any], known: Mapping[int, Any]
    ) -> NativeFunction:
        """Compile a graph for arrays; it is rewritten anew only where that helps."""
        try:
            return self._compile(fgraph, arrays, known)
        except Unsupported as error:
            if isinstance(error, RunTimeNumber) and deciding(fgraph, error.leaves):
                raise
            # What goes wrong here says less than why it is tried.
            with contextlib.suppress(Exception):
                again = with_lengths(fgraph, arrays)
                WithoutCompiler(optdb.query(self.rewrites)).rewrite(again)
                return self._compile(again, arrays, known)
            raise

    def _instead(self, error: Exception) -> Callable[..., list[Any]]:
        """Return what computes a graph's results in stock Aesara.

        Raises:
            Unsupported: nothing is to stand in.
        """
        if self.strict:
            raise error
        other = self._stock(error)
        with self.instead.entered(python=self._in_python()):
            run, inputs, outputs, *_ = other.make_all()

        def call(*arrays: Any) -> list[Any]:
            with stock_lock():
                for cell, array in zip(inputs, arrays, strict=True):
                    cell.storage[0] = array
                run()
                return [cell.storage[0] for cell in outputs]

        return call

    def _note(self, text: str) -> None:
        """Say something of this backend."""
        self.listener.say(f"native backend: {text}")

    def _phase(self, phase: Phase) -> None:
        """Report how far the build is; a loop's body on its own is a detail of another build."""
        if not self.instead.depth:
            self.listener.on_phase(phase)

    def create_thunk_inputs(self, storage_map: Any) -> list[Any]:
        """Return the cells of all inputs."""
        return [storage_map[variable] for variable in self.fgraph.inputs]

    def jit_compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Hand the function on: it is compiled."""
        return fn

    def output_filter(self, var: Any, out: Any) -> Any:
        """Return a scalar that is no tensor as the number that it is."""
        return out[()] if isinstance(var.type, ScalarType) else out

    def make_all(
        self, input_storage: Any = None, output_storage: Any = None, storage_map: Any = None
    ) -> Any:
        """Build the function, or let stock Aesara make it where this backend cannot."""
        try:
            if all(isinstance(o, Constant) or o.owner is None for o in self.fgraph.outputs):
                raise Unsupported("a graph without operations")
            return super().make_all(input_storage, output_storage, storage_map)
        except (Unsupported, LoweringError, CompileError) as error:
            if self.strict:
                raise
            other = self._stock(error)
            other.accept_var_updates(self.updated_vars)
            with self.instead.entered(python=self._in_python()):
                return other.make_all(
                    input_storage=input_storage,
                    output_storage=output_storage,
                    storage_map=storage_map,
                )

    def _in_python(self) -> bool:
        """Return whether what is not covered is stepped in Python."""
        return self.instead.python or (has_scan(self.fgraph) and not STOCK_SCAN)

    def _stock(self, error: Exception) -> VMLinker:
        """Return the linker that stands in, and say why."""
        python = self._in_python()
        if not self.instead.depth:
            how = "is stepped in Python" if python else "runs in stock Aesara"
            self._note(f"{error}; this function {how} instead")
        c_thunks = False if python else None
        other = VMLinker(allow_gc=self.allow_gc, use_cloop=False, c_thunks=c_thunks)
        return other.accept(self.fgraph, self.no_recycling, self.profile)


class NativeMode(GuardedMode):
    """A mode of Aesara whose functions are one C function each."""

    def __setstate__(self, state: Any) -> None:
        """Begin with a linker and the rewrites asked for, which loop bodies get as well."""
        super().__setstate__(state)
        linker: Any = copy.copy(self.linker)
        if isinstance(linker, NativeLinker) and isinstance(self._optimizer, RewriteDatabaseQuery):
            linker.rewrites = self._optimizer
        self.linker: Any = linker


def native_mode(
    *,
    threads: int | None = None,
    strict: bool = False,
    say: Say = _warn,
    target: Target = Target(),  # noqa: B008
) -> NativeMode:
    """Return an Aesara mode that compiles with this backend.

    `threads` is by default OMP_NUM_THREADS, else the processors that this process may use;
    `target` says what the C is compiled by and for.

    Example:
        >>> import aesara, aesara.tensor as at, numpy as np
        >>> x = at.TensorType("float64", (3,))("x")
        >>> f = aesara.function([x], at.exp(x) - 1, mode=native_mode(threads=1))
        >>> f(np.zeros(3)).tolist()
        [0.0, 0.0, 0.0]
    """
    return NativeMode(NativeLinker(threads=threads, strict=strict, say=say, target=target), query())
