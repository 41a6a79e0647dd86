"""What runs a graph: Aesara's compiled C, or its Python mode; and word of how the build goes on."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn import toolchain
from graphrnn.errors import unknown
from graphrnn.shapes import Tensor
from graphrnn.updates import Updates

import aesara
from aesara.compile.mode import Mode
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.link.c.basic import get_module_cache
from aesara.link.c.op import COp
from aesara.link.vm import VMLinker

Function = Callable[..., Any]
"""A compiled Aesara function."""


@dataclass(frozen=True)
class Build:
    """How far a build has come.

    `done` of `total` graph nodes have their C (0 of 0 outside that phase; the total grows as the
    bodies of loops are reached); `modules` C++ modules had to be compiled, the rest was cached.
    """

    function: str
    phase: str
    done: int = 0
    total: int = 0
    modules: int = 0


Report = Callable[[Build], None]


def silent(build: Build) -> None:
    """Report nothing."""


class _Builder:
    """Keeps the count of one build and reports it."""

    def __init__(self, function: str, report: Report) -> None:
        self.function = function
        self.report = report
        self.done = 0
        self.total = 0
        self.modules = 0

    def say(self, phase: str) -> None:
        self.report(Build(self.function, phase, self.done, self.total, self.modules))


class _WithoutCompiler(GraphRewriter):  # type: ignore[misc]
    """A rewriter that keeps the C++ compiler out of rewriting.

    Constant folding evaluates by compiling: some 60 modules for an LSTM, one after another, each to
    be run once on a handful of numbers. Python evaluates the same constants in milliseconds.
    """

    def __init__(self, inner: GraphRewriter, builder: _Builder) -> None:
        super().__init__()
        self.inner = inner
        self.builder = builder
        self.runs = 0

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        self.inner.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph) -> Any:
        # The first run is the function's own graph; the runs after it are bodies of its loops.
        self.builder.say("rewriting" if self.runs == 0 else "rewriting a loop body")
        self.runs += 1
        with aesara.config.change_flags(cxx=""):
            result = self.inner.apply(fgraph)
        self.builder.total += sum(isinstance(node.op, COp) for node in fgraph.apply_nodes)
        return result


@contextlib.contextmanager
def _counted(builder: _Builder) -> Iterator[None]:
    """Report each node as its C is found or compiled.

    Aesara has no hook here, so the method that makes a node's C thunk is wrapped while we build.
    """
    make_c_thunk = COp.make_c_thunk
    compiled_before = get_module_cache().stats[2]

    def counted(op: COp, *args: Any, **kwargs: Any) -> Any:
        thunk = make_c_thunk(op, *args, **kwargs)
        builder.done += 1
        builder.modules = get_module_cache().stats[2] - compiled_before
        builder.say("compiling C")
        return thunk

    COp.make_c_thunk = counted
    try:
        yield
    finally:
        COp.make_c_thunk = make_c_thunk


def _c_mode(builder: _Builder) -> Mode:
    """Stock Aesara: every node a C++ module, stepped by the C virtual machine."""
    toolchain.require_compiler()
    rewriter = aesara.compile.mode.get_mode("FAST_RUN").optimizer
    return Mode("cvm", _WithoutCompiler(rewriter, builder))


def _python_mode(builder: _Builder) -> Mode:
    """The same graph stepped in Python, each node by NumPy: slow, and needs no compiler."""
    query = RewriteDatabaseQuery(include=["fast_run"], exclude=["cxx_only", "BlasOpt", "fusion"])
    rewriter = aesara.compile.mode.optdb.query(query)
    linker = VMLinker(use_cloop=False, c_thunks=False)
    return Mode(linker, _WithoutCompiler(rewriter, builder))


BACKENDS: dict[str, Callable[[_Builder], Mode]] = {"aesara": _c_mode, "python": _python_mode}


def compile_graph(
    graph: Callable[[], tuple[Sequence[Tensor], Sequence[Tensor], Updates]],
    *,
    name: str,
    backend: str = "aesara",
    report: Report = silent,
) -> Function:
    """Build a graph and compile it into one Aesara function.

    `graph` makes (inputs, outputs, updates); it is called here because a scan fixes how its body
    will be compiled at the moment it is built.

    Raises:
        UserError: unknown backend, or no compiler for one that needs it.

    Example:
        >>> from graphrnn.shapes import tensor
        >>> def double():
        ...     x = tensor("x", "float32", (3,))
        ...     return [x], [2 * x], []
        >>> f = compile_graph(double, name="double", backend="python")
        >>> f([1, 2, 3])[0].tolist()
        [2.0, 4.0, 6.0]
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    builder = _Builder(name, report)
    mode = BACKENDS[backend](builder)
    builder.say("building the graph and its gradients")
    with aesara.config.change_flags(cxx="", mode=mode):
        inputs, outputs, updates = graph()
    with _counted(builder):
        function: Function = aesara.function(
            list(inputs), list(outputs), updates=updates, mode=mode, name=name
        )
    builder.say("ready")
    return function
