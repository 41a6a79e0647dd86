"""Character-level recurrent networks as static graphs: built, compiled and explained on Aesara."""

import importlib
from typing import TYPE_CHECKING, Any

from graphrnn import interrupts

interrupts.guard_imports()

from graphrnn import toolchain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphrnn.backends.compile import compile_graph as compile  # noqa: A004
    from graphrnn.by_hand import fit
    from graphrnn.comparison.forms import Comparison
    from graphrnn.data import batches, text
    from graphrnn.graph import (
        cells,
        initial,
        layers,
        loop_transforms,
        loops,
        losses,
        shapes,
        updates,
    )
    from graphrnn.graph.shapes import tensor
    from graphrnn.inspection.inspector import Inspection
    from graphrnn.models import model as weights
    from graphrnn.models.model import Model, Sizes
    from graphrnn.models.network import share
    from graphrnn.run import Run
    from graphrnn.runs.parameters import load, save
    from graphrnn.settings.recipes import Recipe

# Aesara reads its configuration when it is imported, and every module below imports it.
toolchain.configure()

__version__ = "0.1.0"

__all__ = [
    "Model",
    "Recipe",
    "Run",
    "Sizes",
    "batches",
    "cells",
    "compare",
    "compile",
    "fit",
    "initial",
    "inspect",
    "layers",
    "load",
    "loop_transforms",
    "loops",
    "losses",
    "save",
    "shapes",
    "share",
    "tensor",
    "text",
    "updates",
    "weights",
]  # fmt: skip


def inspect(thing: object, *, title: str = "") -> "Inspection":
    """Look into anything with a graph: an Aesara function, variables, a model's name, a run.

    In a notebook the answer displays itself; `print` lists it; `.save("graph.html")` writes it.

    Example:
        >>> import aesara.tensor as at
        >>> x = at.TensorType("float64", (3,))("x")
        >>> print(inspect(x + 1, title="sum").text("written"))
        sum, written: 2 nodes
        inputs
          x            float64 (3,)
        nodes
          expand_dims  int8 (1,)     = expand_dims(1, axes=[new])
          add          float64 (3,)  = add(x, expand_dims)
        returns
          add
        <BLANKLINE>
    """
    # Imported on first use: looking at graphs takes Aesara, `--help` does not.
    from graphrnn.inspection import inspector

    return inspector.inspect(thing, title=title)


def compare(
    build: "Callable[..., object]",
    *,
    time: "Sequence[int]" = (4, 8, 16),
    loops: "Sequence[str]" = ("scan", "unrolled"),
    backends: "Sequence[str]" = ("native",),
    steps: int = 10_000,
    budget: float = 60.0,
) -> "Comparison":
    """Loop a network of one's own in several ways: prove the numbers equal, then measure.

    `build(loop, time)` makes inputs, outputs and updates; it loops its step by
    `loop(step, sequences, states, constants)`. Each form is built in a process of its own, so that
    the function must not hold what cannot be pickled. A scalar input named `learning_rate` (or
    `rate`) lets gradients be compared too. `steps` is how many training steps the advice counts on;
    a build that takes more than `budget` seconds is stopped.

    Raises:
        UserError: two forms differ (the first tensor that does is named), or nothing can be built.
    """
    from graphrnn.comparison import forms, measure, subjects

    plan = measure.Plan(
        subjects.BuilderSubject(build),  # type: ignore[arg-type]
        forms.forms_of(loops, backends),
        tuple(time),
        steps,
        budget,
    )
    return measure.compare(plan)


_LAZY = {
    "Model": "graphrnn.models.model:Model",
    "Recipe": "graphrnn.settings.recipes:Recipe",
    "Sizes": "graphrnn.models.model:Sizes",
    "Run": "graphrnn.run:Run",
    "batches": "graphrnn.data.batches",
    "cells": "graphrnn.graph.cells",
    "compile": "graphrnn.backends.compile:compile_graph",
    "initial": "graphrnn.graph.initial",
    "layers": "graphrnn.graph.layers",
    "loop_transforms": "graphrnn.graph.loop_transforms",
    "loops": "graphrnn.graph.loops",
    "losses": "graphrnn.graph.losses",
    "share": "graphrnn.models.network:share",
    "shapes": "graphrnn.graph.shapes",
    "tensor": "graphrnn.graph.shapes:tensor",
    "text": "graphrnn.data.text",
    "updates": "graphrnn.graph.updates",
    "fit": "graphrnn.by_hand:fit",
    "load": "graphrnn.runs.parameters:load",
    "save": "graphrnn.runs.parameters:save",
    "weights": "graphrnn.models.model",
}
"""The public face by name, and where each stands."""


def __getattr__(name: str) -> Any:
    """Return a name of the public API, imported on first access."""
    if name not in _LAZY:
        raise AttributeError(f"module 'graphrnn' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    imported = importlib.import_module(module)
    return getattr(imported, attribute) if attribute else imported


def __dir__() -> list[str]:
    """Return the names of the module, those of the public API included."""
    return sorted({*globals(), *_LAZY})
