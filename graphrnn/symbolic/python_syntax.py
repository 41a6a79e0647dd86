"""What Python's own syntax means for a symbolic variable: refused where it would need a value.

A graph is built once, before any number is known; what depends on numbers is an operation in it.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from graphrnn.errors import UserError
from graphrnn.symbolic.source_lines import line_at_hand
from graphrnn.symbolic.wording import origin

from aesara.tensor.var import TensorVariable, _tensor_py_operators


class SymbolicError(UserError, TypeError):
    """Python asked a symbolic variable for a value, which it has only when the graph runs."""


def _refuse(variable: Any, asked: str, instead: str) -> NoReturn:
    """Refuse what needs a value.

    Raises:
        SymbolicError: with the user's line, and what to write instead.
    """
    line = line_at_hand()
    raise SymbolicError(
        f"{variable.name or origin(variable)}: {asked} needs its value, and it has none while "
        f"the graph is built{line and f' ({line})'}; {instead}"
    )


def _asked_by_aesara() -> bool:
    """Return whether Aesara's own code asks: it has answers to what its own variables give."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("aesara.")


def _bool(self: Any) -> bool:
    """Refuse to be a condition; what is no comparison counts as present, as in `if bias:`."""
    if self._is_nonzero and getattr(self.type, "dtype", "") != "bool":
        return True
    if _asked_by_aesara():
        return bool(_BOOL(self))
    _refuse(
        self,
        "if, while, and, or, not",
        "write at.switch(condition, a, b) for values, aesara.ifelse.ifelse for whole "
        "computations, at.and_, at.or_ and at.invert for logic",
    )


def _len(self: Any) -> int:
    """Refuse to tell a length to Python."""
    _refuse(self, "len()", "write x.shape[0], or x.type.shape[0] for a length that is static")


def _iter(self: Any) -> Iterator[Any]:
    """Iterate over a vector of known length; refuse all else."""
    if self.ndim == 1 and self.type.shape[0] is not None:
        return iter([self[k] for k in range(self.type.shape[0])])
    if _asked_by_aesara():
        return _ITER(self)  # type: ignore[no-any-return]
    _refuse(
        self,
        "iterating",
        "loop by graphrnn.loops.scanned or aesara.scan, give a loop's sequences as a list, [x], "
        "and sum by at.sum",
    )


def _number(name: str) -> Callable[[Any], NoReturn]:
    """Return a conversion to a Python number that refuses."""

    def convert(self: Any) -> NoReturn:
        _refuse(
            self,
            "a list's index or range()" if name == "index" else f"{name}()",
            "compile a function and convert its result, write x.eval({...}) for a look, or stay in "
            f"the graph: {_IN_GRAPH[name]}",
        )

    return convert


def _format(self: Any, how: str) -> str:
    """Write the variable's name; refuse to write digits."""
    if how:
        _refuse(self, f"format {how!r}", "format the result of a compiled function, or of x.eval()")
    return str(self)


_IN_GRAPH = {
    "float": "x.astype('float32'), at.exp(x)",
    "int": "x.astype('int64')",
    "index": "at.stack(items)[x], at.arange(x), a loop with n_steps",
}
_BOOL, _ITER = _tensor_py_operators.__bool__, _tensor_py_operators.__iter__
_tensor_py_operators.__bool__ = _bool
_tensor_py_operators.__iter__ = _iter
TensorVariable.__len__ = _len
TensorVariable.__float__ = _number("float")
TensorVariable.__int__ = _number("int")
TensorVariable.__index__ = _number("index")
TensorVariable.__format__ = _format
