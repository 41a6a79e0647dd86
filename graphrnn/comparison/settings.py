"""Settings of a comparison; importing them takes no time."""

from pathlib import Path
from typing import Annotated, Literal

from graphrnn.settings.fields import Positive, Threads

from cyclopts import Parameter
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_SEVERAL = Parameter(consume_multiple=True, negative=())


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class CompareSettings:
    """What is compared, and how."""

    time: Annotated[tuple[int, ...], _SEVERAL] = (4, 8, 16, 32, 64, 128)
    """Lengths T of the sequence to measure at."""
    loops: Annotated[tuple[str, ...], _SEVERAL] = ("scan", "unrolled", "4")
    """Ways to loop: scan, unrolled, or a number of steps written out at a time."""
    backends: Annotated[tuple[str, ...], _SEVERAL] = ("native", "aesara", "python")
    """What runs the graph: native, aesara, python."""
    rewrites: Annotated[tuple[Literal["on", "off"], ...], _SEVERAL] = ("on",)
    """With the rewrites of graphs (on), as it was written (off), or both."""
    batch: Positive | None = None
    """Sequences in a batch (B); without it the model's own."""
    hidden: Annotated[int, Field(gt=0, le=65_536)] | None = None
    """Units in the hidden state (H), likewise."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision."""
    corpus: str = "python-prose"
    """Text that the batch comes from."""
    steps: Positive | None = None
    """Training steps that the advice counts on; without it those of graphrnn train."""
    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    """Seconds that a build may take before it is stopped."""
    threads: Threads | None = None
    """Threads of a step."""
    quick: bool = False
    """At most T = 16, on the native backend: under three minutes."""
    out: Path = Path("runs/compare")
    """Folder of compare.json, compare.md and compare.png."""
