"""Finds the graph to inspect in a function, variables, or a callable that compiles one."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

from graphrnn.errors import UserError

import aesara
from aesara.compile.function.types import Function
from aesara.compile.mode import Mode, get_mode
from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import Constant, Variable, graph_inputs
from aesara.graph.fg import FunctionGraph


@dataclass(frozen=True, eq=False)
class Source:
    """A graph before compiling: inputs, outputs, updates, and the mode that would compile it.

    `function` is the compiled function, if the source is one. Unprintable characters of a title
    (control characters, halves of surrogate pairs) are replaced by question marks.
    """

    title: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    updates: tuple[tuple[Any, Any], ...] = ()
    mode: Any = None
    function: Any = None

    def __post_init__(self) -> None:
        shown = "".join(c if c.isprintable() else "?" for c in self.title)
        object.__setattr__(self, "title", shown)


class _StoppedError(Exception):
    """Stops a build once its graph is known."""


def captured(build: Callable[[], Any], title: str) -> Source:
    """Return the graph that a builder passes to `aesara.function`, instead of compiling it.

    Raises:
        UserError: the builder compiles nothing.
    """
    caught: list[Source] = []

    def function(
        inputs: Sequence[Any],
        outputs: Any = None,
        mode: Any = None,
        updates: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> Any:
        pairs = updates.items() if isinstance(updates, dict) else updates or ()
        outs = _as_list(outputs)
        caught.append(Source(title, tuple(inputs), tuple(outs), tuple(pairs), mode))
        raise _StoppedError

    # Deep traces reach the line that made a node even through the functions that build a loop.
    with (
        mock.patch.object(aesara, "function", function),
        aesara.config.change_flags(traceback__limit=30),
        contextlib.suppress(_StoppedError),
    ):
        build()
    if not caught:
        raise UserError(f"{title}: no graph was handed to aesara.function; nothing to inspect")
    return caught[0]


def _as_list(outputs: Any) -> list[Any]:
    """Return the outputs passed to `aesara.function` as a list of variables."""
    if outputs is None:
        return []
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    entries = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    return [getattr(entry, "variable", entry) for entry in entries]


def find_source(thing: Any, *, title: str = "") -> Source:
    """Return the graph of an Aesara function, a function graph, a variable or a list of variables.

    If `thing` is a callable, it is called and the graph that it compiles is captured.

    Raises:
        UserError: `thing` has no graph.
    """
    if isinstance(thing, Source):
        return thing
    if isinstance(thing, Function):
        return _from_function(thing, title or str(thing.name or "function"))
    if isinstance(thing, FunctionGraph):
        return _from_fgraph(thing, title or "graph")
    if callable(thing) and not isinstance(thing, Variable):
        return captured(thing, title or getattr(thing, "__name__", "graph"))
    if isinstance(thing, dict):
        thing = list(thing.values())
    variables = list(thing) if isinstance(thing, (list, tuple)) else [thing]
    if variables and all(isinstance(v, Variable) for v in variables):
        known = (Constant, SharedVariable)  # these hold values
        inputs = tuple(v for v in graph_inputs(variables) if not isinstance(v, known))
        return Source(title or str(variables[0].name or "graph"), inputs, tuple(variables))
    raise UserError(
        f"nothing to inspect: got {_described(thing)}, needed an Aesara function, variable, list "
        "of variables or FunctionGraph, what compiles one when called, a model or a run"
    )


def _described(thing: Any) -> str:
    """Describe an argument briefly."""
    text = repr(thing).replace("\n", " ")
    return f"{type(thing).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _from_function(function: Any, title: str) -> Source:
    """Return the graph of a compiled function; the one that it was compiled from is lost."""
    fgraph, mode = function.maker.fgraph, function.maker.mode
    return Source(title, tuple(fgraph.inputs), tuple(fgraph.outputs), (), mode, function)


def _from_fgraph(fgraph: FunctionGraph, title: str) -> Source:
    """Return the graph of a function graph, with its updates."""
    mapping = dict(getattr(fgraph, "update_mapping", None) or {})
    outputs = tuple(v for k, v in enumerate(fgraph.outputs) if k not in mapping)
    updates = tuple((fgraph.inputs[i], fgraph.outputs[o]) for o, i in mapping.items())
    return Source(title, tuple(fgraph.inputs), outputs, updates)


def mode_of(source: Source) -> Mode:
    """Return the mode that compiles a source: its own, or Aesara's default."""
    return get_mode(source.mode)
