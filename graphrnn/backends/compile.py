"""Compiles graphs for a backend (one C function, stock Aesara or Python) and reports progress."""

import contextlib
import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn import toolchain
from graphrnn.backends import python_rewrites, shape_tracking  # noqa: F401
from graphrnn.backends.build_checks import require_updates, require_used
from graphrnn.errors import UserError, unknown
from graphrnn.graph.shapes import Tensor
from graphrnn.graph.updates import Updates
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import STOCK_SCAN, NativeLinker, NativeMode, has_scan
from graphrnn.native.lowering.lowering import LoweringError
from graphrnn.native.phases import Phase
from graphrnn.native.rewrites.query import WithoutCompiler
from graphrnn.native.rewrites.query import query as native_query
from graphrnn.native.runtime import library
from graphrnn.native.specialised import native_of
from graphrnn.upstream.faults import sound

import aesara
from aesara.compile.function.types import Supervisor
from aesara.compile.mode import Mode
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.link.c.basic import get_module_cache
from aesara.link.c.op import COp
from aesara.link.vm import VMLinker

Function = Any
"""A compiled Aesara function."""


@dataclass(frozen=True)
class BuildEvent:
    """The progress of a build.

    `done` of `total` graph nodes have their C (0 of 0 outside that phase; the total grows as the
    bodies of loops are reached); `modules` C++ modules had to be compiled, the others were cached.
    `detail` describes the result (phase READY) or holds a note (phase NOTE).
    """

    function: str
    phase: Phase
    done: int = 0
    total: int = 0
    modules: int = 0
    detail: str = ""


Report = Callable[[BuildEvent], None]


def silent(build: BuildEvent) -> None:
    """Report nothing."""


def runner(function: Function) -> str:
    """Describe what runs a compiled function, whatever backend was requested."""
    vm = getattr(function, "vm", None)
    if vm is None:
        return "numpy"
    if hasattr(vm, "jit_fn"):
        return "native"
    return (
        "aesara"
        if any(hasattr(thunk, "cthunk") for thunk in getattr(vm, "thunks", ()))
        else "python"
    )


class _Builder:
    """Counts the progress of one build and reports it."""

    def __init__(
        self, function: str, report: Report, threads: int | None = None, rewrites: bool = True
    ) -> None:
        self.function = function
        self.threads = threads
        self.rewrites = rewrites
        self.report = report
        self.done = 0
        self.total = 0
        self.modules = 0
        self.rewritten = 0
        self.finished = False

    def say(self, phase: Phase, detail: str = "") -> None:
        self.report(BuildEvent(self.function, phase, self.done, self.total, self.modules, detail))

    def warn(self, text: str) -> None:
        """Report a note; once the function runs, nobody listens but its user."""
        if self.finished:
            print(f"{self.function}: {text}", file=sys.stderr)
        else:
            self.say(Phase.NOTE, text)

    def finish(self, function: Function) -> None:
        """Report the result of the build."""
        native = native_of(function)
        if native is not None:
            threads = native.threads if native.source.threaded else 1
            memory = native.peak_bytes / 1e6
            detail = f"one C function, {memory:.1f} MB of scratch memory, threads: {threads}"
        elif hasattr(function.vm, "jit_fn"):
            detail = "compiled at its first call, for its lengths"
        elif self.done:
            new = f"{self.modules} compiled now" if self.modules else "all from the cache"
            detail = f"{self.total} nodes in C, {new}"
        else:
            detail = "stepped in Python"
        self.say(Phase.READY, detail)
        self.finished = True
        self.report = silent  # copies of the function are another's business


class _Reported(WithoutCompiler):
    """Reports when it rewrites, and counts the nodes that will need C.

    Rewriting never compiles: constant folding would otherwise compile some 60 C++ modules for an
    LSTM, one after another, each to be run once on a handful of numbers.
    """

    def __init__(self, inner: GraphRewriter, builder: _Builder) -> None:
        super().__init__(inner)
        self.builder = builder

    def apply(self, fgraph: FunctionGraph) -> Any:
        # The first run is the function's own graph; the runs after it are bodies of its loops.
        self.builder.say(Phase.REWRITING_BODY if self.builder.rewritten else Phase.REWRITING)
        self.builder.rewritten += 1
        result = super().apply(fgraph)
        self.builder.total += sum(isinstance(node.op, COp) for node in fgraph.apply_nodes)
        return result


class _UpdatesLast(_Reported):
    """Prevents in-place changes of updated variables, so that a failing call changes nothing."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        super().add_requirements(fgraph)
        updated = [fgraph.inputs[k] for k in (fgraph.update_mapping or {}).values()]
        # Operations that the user made in-place stay so.
        destroyed = getattr(fgraph, "has_destroyers", lambda _: False)
        fgraph.attach_feature(Supervisor(v for v in updated if not destroyed([v])))


class _StockReported(_UpdatesLast):
    """Refuses what stock Aesara cannot compile here, before it compiles for a minute."""

    def apply(self, fgraph: FunctionGraph) -> Any:
        if has_scan(fgraph) and not STOCK_SCAN:
            raise UserError(
                "--backend aesara: stock Aesara's scan does not compile on Python "
                f"{sys.version_info.major}.{sys.version_info.minor}; use --backend native, "
                "--loop unrolled, or Python 3.11"
            )
        return super().apply(fgraph)


class _BuildMode(NativeMode):
    """A mode that reports to a builder; a pickle of it omits the builder."""

    builder = _Builder("", silent)
    reported: type[_Reported] = _Reported

    @property
    def optimizer(self) -> WithoutCompiler:
        """The rewriter."""
        return self.reported(super().optimizer, self.builder)

    def clone(self, *args: Any, **kwargs: Any) -> "_BuildMode":
        """Return a copy that reports to the same builder, as the body of a loop needs it."""
        other: _BuildMode = super().clone(*args, **kwargs)
        other.builder = self.builder
        return other


class _StockMode(_BuildMode):
    """A reporting mode of stock Aesara."""

    reported = _StockReported


class _PythonMode(_BuildMode):
    """A reporting mode whose functions run node by node in Python."""

    reported = _UpdatesLast


@contextlib.contextmanager
def _counted(builder: _Builder) -> Iterator[None]:
    """Report each node as its C is found or compiled.

    Aesara has no hook here, so the method that makes a node's C thunk is wrapped while we build.
    """
    make_c_thunk = COp.make_c_thunk
    compiled_before: int | None = None

    def counted(op: COp, *args: Any, **kwargs: Any) -> Any:
        # Asked for only here: it needs a folder that can be written, and native needs none.
        nonlocal compiled_before
        if compiled_before is None:
            compiled_before = get_module_cache().stats[2]
        thunk = make_c_thunk(op, *args, **kwargs)
        builder.done += 1
        builder.modules = get_module_cache().stats[2] - compiled_before
        builder.say(Phase.COMPILING)
        return thunk

    COp.make_c_thunk = counted
    try:
        yield
    finally:
        COp.make_c_thunk = make_c_thunk


@contextlib.contextmanager
def deep() -> Iterator[None]:
    """Raise the recursion limit, since Aesara walks graphs of thousands of nodes recursively."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 50_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Run the garbage collector less often: a graph is thousands of objects, nearly all in use.

    At Python's default of 700 objects it takes a fifth of a build; here memory stays the same.
    """
    before = gc.get_threshold()
    if before[0]:  # 0 means never
        gc.set_threshold(max(before[0], 20_000), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn errors about what the native backend does not cover into one line."""
    try:
        yield
    except (Unsupported, LoweringError, library.CompileError) as error:
        loops = "" if STOCK_SCAN else ", or in Python where it has a loop"
        raise UserError(
            f"--backend native: {error}; with --backend auto it runs in stock Aesara{loops}"
        ) from error
    except library.ResourceError as error:
        # Nothing that may be otherwise in a minute decides what a run computes with.
        raise UserError(f"native backend: {error}") from error


def _c_mode(builder: _Builder) -> Mode:
    """Return the mode of stock Aesara: a C++ module for each node, run by the C virtual machine."""
    toolchain.require_compiler()
    if builder.threads:
        toolchain.set_blas_threads(builder.threads)
    return _asking(_StockMode("cvm", sound(["fast_run"], [])), builder)


def _python_mode(builder: _Builder) -> Mode:
    """Return the mode that runs each node by NumPy: slow, and without a compiler."""
    include, exclude = ["fast_run", python_rewrites.TAG], ["cxx_only", "BlasOpt", "fusion"]
    linker = VMLinker(use_cloop=False, c_thunks=False)
    return _asking(_PythonMode(linker, sound(include, exclude)), builder)


def _native_mode(builder: _Builder, *, strict: bool = True) -> Mode:
    """Return the native mode: the whole graph, loops included, as one C function."""
    try:
        library.compiler()
    except library.CompileError:
        toolchain.require_compiler()
    linker = NativeLinker(
        threads=builder.threads, strict=strict, say=builder.warn, on_phase=builder.say
    )
    return _asking(_BuildMode(linker, native_query()), builder)


def _asking(mode: _BuildMode, builder: _Builder) -> Mode:
    """Return the mode with its builder; without rewrites only those that every graph needs."""
    mode.builder = builder
    if builder.rewrites:
        return mode
    return mode.clone(optimizer=RewriteDatabaseQuery(include=["minimum_compile"]))


def _auto_mode(builder: _Builder) -> Mode:
    """Return the mode that is native where it covers the graph, else stock Aesara with a note."""
    return _native_mode(builder, strict=False)


BACKENDS: dict[str, Callable[[_Builder], Mode]] = {
    "auto": _auto_mode,
    "native": _native_mode,
    "aesara": _c_mode,
    "python": _python_mode,
}


def compile_graph(
    graph: Callable[[], tuple[Sequence[Tensor], Sequence[Tensor], Updates]],
    *,
    name: str,
    backend: str = "auto",
    threads: int | None = None,
    report: Report = silent,
    rewrites: bool = True,
    floats: str | None = None,
) -> Function:
    """Build a graph and compile it into one Aesara function.

    `graph` builds (inputs, outputs, updates); it is called here because a scan fixes how its body
    will be compiled when it is built. `threads` is by default OMP_NUM_THREADS, else the
    processors that this process may use. Without `rewrites` the graph runs as it was written.
    `floats` is what Python's numbers and arrays without a dtype become in it, by default Aesara's
    floatX, which is float32 unless the user says otherwise.

    A call that fails (an index outside of its array, a check, a draw) leaves every shared variable
    and generator as it was, on every backend.

    Raises:
        UserError: unknown backend, no compiler for one that needs it, no room or memory for one, an
            update of another type than its variable, or an input that nothing depends on.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> def double():
        ...     x = tensor("x", "float32", (3,))
        ...     return [x], [2 * x], []
        >>> f = compile_graph(double, name="double", backend="python")
        >>> f([1, 2, 3])[0].tolist()
        [2.0, 4.0, 6.0]
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    with _BUILDING, deep(), seldom_collected():
        dtype = floats or aesara.config.floatX
        with aesara.config.change_flags(floatX=dtype):
            return _compile(graph, backend, _Builder(name, report, threads, rewrites))


# Aesara's configuration and its cache belong to the whole process: one build at a time.
_BUILDING = threading.RLock()


def _compile(
    graph: Callable[[], tuple[Sequence[Tensor], Sequence[Tensor], Updates]],
    backend: str,
    builder: _Builder,
) -> Function:
    """Build and compile; see `compile_graph`."""
    mode = BACKENDS[backend](builder)
    builder.say(Phase.GRAPH)
    with aesara.config.change_flags(cxx="", mode=mode):
        inputs, outputs, updates = graph()
    pairs = list(updates.items() if isinstance(updates, Mapping) else updates)
    require_updates(pairs)
    require_used(inputs, outputs, pairs)
    with _counted(builder), _explained():
        function: Function = aesara.function(
            list(inputs), list(outputs), updates=pairs, mode=mode, name=builder.function
        )
    builder.finish(function)
    return function
