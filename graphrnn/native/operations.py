"""Operations of a program beyond the common ones: rows, positions, draws, checks."""

from dataclasses import dataclass

from graphrnn.native.program import Op, Ref

Walk = tuple[Ref, tuple[int, ...]]


@dataclass
class FlatIndex(Op):
    """Turn several indices into one: flat[i] = (a[i] * height_b + b[i]) …, each one checked."""

    length: int
    heights: tuple[int, ...]
    indices: list[Ref]
    target: Ref

    def reads(self) -> list[Walk]:
        """Give the indices."""
        return [(ref, (self.length,)) for ref in self.indices]

    def writes(self) -> list[Walk]:
        """Give the target."""
        return [(self.target, (self.length,))]


@dataclass
class Cumulate(Op):
    """Give the running sum or product of each row."""

    kind: str  # "+" or "*"
    outer: tuple[int, ...]
    length: int
    source: Ref  # strides of outer loops, then of the row
    target: Ref

    def reads(self) -> list[Walk]:
        """Give the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[Walk]:
        """Give the target."""
        return [(self.target, (*self.outer, self.length))]


@dataclass
class Sort(Op):
    """Sort each row, not-a-numbers last; or give the positions that sort it, equals in order."""

    outer: tuple[int, ...]
    length: int
    source: Ref
    target: Ref  # of the source's dtype, or int64 for positions
    scratch: Ref  # as the target
    positions: bool

    def reads(self) -> list[Walk]:
        """Give the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[Walk]:
        """Give the target and the scratch row."""
        return [
            (self.target, (*self.outer, self.length)),
            (self.scratch, (*self.outer, self.length)),
        ]
