"""What is known only when a function runs: lengths, and slices that may be cut."""

from collections.abc import Mapping, Sequence

from graphrnn.native.ir.views import Unsupported

from aesara.graph.basic import Constant, Variable
from aesara.tensor.shape import Shape, Shape_i


class RunTimeNumber(Unsupported):
    """A length that is known only when the function runs, and the variables that decide it."""

    def __init__(self, text: str, *deciding: Variable) -> None:
        super().__init__(text)
        self.leaves = [v for variable in deciding for v in leaves(variable)]

    def outside(self, outer: Mapping[Variable, Variable]) -> Unsupported:
        """Return the error of the graph around a loop, whose body has other variables for these."""
        if all(v in outer for v in self.leaves):
            return RunTimeNumber(str(self), *(outer[v] for v in self.leaves))
        return Unsupported(str(self))


class WindowError(IndexError):
    """A slice that begins or ends outside of its axis, where it was compiled for whole ones.

    `leaves` are the inputs that its begin depends on.
    """

    def __init__(self, leaves: Sequence[Variable], text: str) -> None:
        super().__init__(text)
        self.leaves = leaves


def leaves(variable: Variable) -> list[Variable]:
    """Return the inputs whose values a variable depends on, and not their shapes alone."""
    found, stack, seen = [], [variable], set()
    while stack:
        v = stack.pop()
        if v in seen or isinstance(v, Constant):
            continue
        seen.add(v)
        if v.owner is None:
            found.append(v)
        elif not isinstance(v.owner.op, (Shape, Shape_i)):
            stack += v.owner.inputs
    return found
