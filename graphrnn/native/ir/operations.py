"""Operations of a program beyond the common ones: rows, positions, draws, checks."""

from dataclasses import dataclass

from graphrnn.native.ir import scalars
from graphrnn.native.ir.program import Gather, Kernel, Op, Ref, Scatter

Walk = tuple[Ref, tuple[int, ...]]


@dataclass(eq=False)
class FlatIndex(Op):
    """Turn several indices into one: flat[i] = (a[i] * height_b + b[i]) …, each one checked.

    `axes` are the axes of the user's array that the indices select from.
    """

    length: int
    heights: tuple[int, ...]
    indices: list[Ref]
    target: Ref
    axes: tuple[int, ...] = (0,)

    def reads(self) -> list[Walk]:
        """Return the indices."""
        return [(ref, (self.length,)) for ref in self.indices]

    def writes(self) -> list[Walk]:
        """Return the target."""
        return [(self.target, (self.length,))]


@dataclass(eq=False)
class CheckIndex(Op):
    """Check indices as `FlatIndex` does, before they are used."""

    length: int
    heights: tuple[int, ...]
    indices: list[Ref]
    axes: tuple[int, ...] = (0,)

    def reads(self) -> list[Walk]:
        """Return the indices."""
        return [(ref, (self.length,)) for ref in self.indices]

    def writes(self) -> list[Walk]:
        """Return nothing."""
        return []


@dataclass(eq=False)
class Cumulate(Op):
    """Return the running sum or product of each row."""

    kind: str  # "+" or "*"
    outer: tuple[int, ...]
    length: int
    source: Ref  # strides of outer loops, then of the row
    target: Ref

    def reads(self) -> list[Walk]:
        """Return the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[Walk]:
        """Return the target."""
        return [(self.target, (*self.outer, self.length))]


@dataclass(eq=False)
class Sort(Op):
    """Sort each row, not-a-numbers last; or give the positions that sort it, equals in order."""

    outer: tuple[int, ...]
    length: int
    source: Ref
    target: Ref  # of the source's dtype, or int64 for positions
    scratch: Ref  # as the target
    positions: bool

    def reads(self) -> list[Walk]:
        """Return the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[Walk]:
        """Return the target and the scratch row."""
        return [
            (self.target, (*self.outer, self.length)),
            (self.scratch, (*self.outer, self.length)),
        ]


@dataclass(eq=False)
class RandomSample(Op):
    """Draw random numbers in C order, one after the other, from a generator that moves on."""

    kind: str
    lengths: tuple[int, ...]
    parameters: list[Ref]
    target: Ref
    generator: Ref
    categories: int = 0  # the length of the extra loop of a categorical draw's parameter

    def reads(self) -> list[Walk]:
        """Return the parameters and the generator."""
        more = (self.categories,) if self.kind == "categorical" else ()
        walks: list[Walk] = [(ref, (*self.lengths, *more)) for ref in self.parameters]
        return [*walks, (self.generator, ())]

    def writes(self) -> list[Walk]:
        """Return the target and the generator."""
        return [(self.target, self.lengths), (self.generator, ())]


@dataclass(eq=False)
class CopyGenerator(Op):
    """Set one generator's state to another's."""

    source: Ref
    target: Ref

    def reads(self) -> list[Walk]:
        """Return the source."""
        return [(self.source, ())]

    def writes(self) -> list[Walk]:
        """Return the target."""
        return [(self.target, ())]


@dataclass(eq=False)
class Check(Op):
    """Leave the function with an error's number unless all conditions hold.

    Without conditions: leave if anything has gone wrong before.
    """

    number: int
    conditions: list[Ref]

    def reads(self) -> list[Walk]:
        """Return the conditions."""
        return [(ref, ()) for ref in self.conditions]

    def writes(self) -> list[Walk]:
        """Return nothing."""
        return []


_FALLIBLE = (Gather, Scatter, FlatIndex, CheckIndex, RandomSample, CopyGenerator, Check)


def may_fail(op: Op) -> bool:
    """Return whether an operation may find while running that something is wrong."""
    if isinstance(op, Kernel):
        return any(scalars.may_fail(i.op, i.dtype) for i in op.instructions)
    return isinstance(op, _FALLIBLE)


def index_check(op: Op) -> CheckIndex | None:
    """Return the check of an operation's indices, if nothing else of it may fail."""
    if isinstance(op, (Gather, Scatter)):
        check = CheckIndex(op.rows, (op.height,), [op.index])
    elif isinstance(op, FlatIndex):
        check = CheckIndex(op.length, op.heights, op.indices, op.axes)
    else:
        return None
    check.note, check.nodes, check.selection = op.note, op.nodes, op.selection
    return check
