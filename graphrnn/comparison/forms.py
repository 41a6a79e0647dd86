"""The forms that are compared, and the records of their measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from graphrnn.backends.compile import BACKENDS
from graphrnn.errors import UserError, unknown
from graphrnn.graph.loops import loop_named

PHASES = ("graph", "gradients", "rewriting", "compiling")
"""The phases of a build, in their order."""


@dataclass(frozen=True)
class Form:
    """One way to run a network: its loop, its backend, and whether its graph is rewritten.

    Example:
        >>> print(Form("4", "native"), "|", Form("scan", "python", rewrites=False))
        native, by 4 | python, scan, not rewritten
    """

    loop: str
    backend: str
    rewrites: bool = True

    def __str__(self) -> str:
        """Return the form's name."""
        loop = f"by {self.loop}" if self.loop.isdigit() else self.loop
        return f"{self.backend}, {loop}" + ("" if self.rewrites else ", not rewritten")


@dataclass(frozen=True)
class Steps:
    """Seconds of one step: the median and the quartiles of `count` of them."""

    median: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class BuildCost:
    """What a build cost, in seconds by phase with an empty cache and with a full one.

    `nodes` counts those as written and after rewriting, bodies of loops included. `lines` counts
    the lines of C generated for the graph, `binary_bytes` the bytes compiled; None without C.
    """

    cold: Mapping[str, float]
    warm: Mapping[str, float]
    nodes: tuple[int, int]
    lines: int | None = None
    binary_bytes: int | None = None

    @property
    def seconds(self) -> float:
        """The whole build with an empty cache."""
        return sum(self.cold.values())


@dataclass(frozen=True)
class Cell:
    """A form at one length T; `problem` says why it was not measured."""

    form: Form
    time: int
    build: BuildCost | None = None
    forward: Steps | None = None
    training: Steps | None = None
    peak_bytes: int | None = None
    problem: str = ""

    def total(self, steps: int) -> float | None:
        """Compute the seconds of a build with an empty cache plus a number of training steps."""
        if self.build is None or self.training is None:
            return None
        return self.build.seconds + steps * self.training.median


@dataclass(frozen=True)
class Comparison:
    """All measurements of one network.

    `steps` is the number of training steps that the advice assumes; `tolerance` how far two forms
    may differ, relative to the largest element of a tensor. `held` counts the forms that were
    compared with another, `gradients` the tensors of gradients in each.
    """

    title: str
    machine: Mapping[str, str]
    steps: int
    tolerance: float
    cells: Sequence[Cell] = field(default_factory=tuple)
    held: int = 0
    gradients: int = 0

    def times(self) -> list[int]:
        """Return the lengths that were measured, in ascending order."""
        return sorted({cell.time for cell in self.cells})

    def forms(self) -> list[Form]:
        """Return the forms, in the order in which they were requested."""
        return list(dict.fromkeys(cell.form for cell in self.cells))

    def cell(self, form: Form, time: int) -> Cell | None:
        """Return the measurements of a form at a length, or None."""
        return next((c for c in self.cells if (c.form, c.time) == (form, time)), None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything in the form of JSON."""
        return asdict(self)


def comparison_from(stored: Mapping[str, Any]) -> Comparison:
    """Build a comparison from the result of `as_dict`."""

    def cell(fields: dict[str, Any]) -> Cell:
        build = fields["build"]
        return Cell(
            Form(**fields["form"]),
            fields["time"],
            BuildCost(**{**build, "nodes": tuple(build["nodes"])}) if build else None,
            Steps(**fields["forward"]) if fields["forward"] else None,
            Steps(**fields["training"]) if fields["training"] else None,
            fields["peak_bytes"],
            fields["problem"],
        )

    return Comparison(**{**stored, "cells": tuple(cell(fields) for fields in stored["cells"])})


def forms_of(
    loops: Sequence[str], backends: Sequence[str], rewrites: Sequence[bool] = (True,)
) -> list[Form]:
    """Return every combination as a form; the first is the one that others are compared with.

    Raises:
        UserError: an unknown name, or nothing to compare.
    """
    for loop in loops:
        loop_named(loop)
    for backend in backends:
        if backend not in BACKENDS or backend == "auto":
            raise unknown("backend", backend, [name for name in BACKENDS if name != "auto"])
    forms = [Form(loop, backend, r) for backend in backends for loop in loops for r in rewrites]
    if len(set(forms)) != len(forms):
        raise UserError("compare: a loop or a backend is named twice; name each once")
    if not forms:
        raise UserError("compare: got nothing to compare, needed a loop and a backend")
    return forms
