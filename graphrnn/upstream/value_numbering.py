"""Value numbering: equal expressions of equal inputs get the same number."""

from collections.abc import Sequence
from typing import Any

from graphrnn.upstream.scan_args import Node

from aesara.graph.basic import Constant, Variable, io_toposort

Key = tuple[Any, ...]


class Numbers:
    """Numbers values so that equal expressions of equal inputs get the same number."""

    def __init__(self) -> None:
        self.of: dict[Variable, int] = {}
        self.keys: dict[Key, int] = {}

    def number(self, key: Key) -> int:
        """Return the number of a key, a new one if it has none."""
        return self.keys.setdefault(key, len(self.keys))

    def leaf(self, variable: Variable, key: Key) -> None:
        """Number an input."""
        self.of[variable] = self.number(key)

    def body(self, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        """Number all values of a body."""
        for node in io_toposort(inputs, outputs):
            self.node(node)
        for v in (*inputs, *outputs):
            self._of(v)

    def node(self, node: Node) -> None:
        """Number the results of a node."""
        key = (node.op, tuple(self._of(v) for v in node.inputs))
        for k, output in enumerate(node.outputs):
            self.of[output] = self.number((*key, k))

    def _of(self, variable: Variable) -> int:
        """Return the number of a value; an unknown input gets one of its own."""
        if variable not in self.of:
            key = variable.signature() if isinstance(variable, Constant) else variable
            self.of[variable] = self.number(("itself", key))
        return self.of[variable]
