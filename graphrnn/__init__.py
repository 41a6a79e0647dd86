"""Character-level recurrent networks as static graphs: built, compiled and explained on Aesara."""

from typing import TYPE_CHECKING, Any

from graphrnn import interrupts

interrupts.guard_imports()

from graphrnn import toolchain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphrnn.comparison.forms import Comparison
    from graphrnn.inspection.inspector import Inspection
    from graphrnn.notebook import Run as Run

# Aesara reads its configuration when it is imported, and every module below imports it.
toolchain.configure()

__version__ = "0.1.0"


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
    # Imported when it is first asked for: looking at graphs takes Aesara, `--help` does not.
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
    the function must not hold what cannot be pickled. A scalar input named `rate` is taken for a
    learning rate, and lets gradients be compared too. `steps` is how many training steps the advice
    counts on; a build that takes more than `budget` seconds is stopped.

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


def __getattr__(name: str) -> Any:
    """Give `Run`, imported when it is first asked for, as above."""
    if name != "Run":
        raise AttributeError(f"module 'graphrnn' has no attribute {name!r}")
    from graphrnn.notebook import Run

    return Run
