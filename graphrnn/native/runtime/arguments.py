"""What a function is called with: taken where its values fit the inputs, else refused in one line.

Aesara takes an array of exactly the dtype of its input. Python's numbers and NumPy's default arrays
are of 64 bits; where they hold what a narrower type holds too, they are converted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphrnn.symbolic.wording import show

import numpy as np
from aesara.compile.function.types import Function
from aesara.tensor.type import TensorType

_REFUSALS = (
    "Bad input ", "Too many parameter", "Missing required input", "Multiple values for input",
)  # fmt: skip
"""How Aesara's refusals of arguments begin; nothing was computed or updated before one."""


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
"""Kinds of dtypes; no value is taken for one of a lower rank."""


def is_refusal(error: Exception) -> bool:
    """Return whether an error of a call is about its arguments."""
    return bool(error.args) and str(error.args[0]).startswith(_REFUSALS)


def fitted(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call converted to the types of the inputs.

    Integers are taken where each value is in range, floats where they are rounded to the float that
    was declared; no float is taken for an integer.

    Raises:
        TypeError: a value does not fit, or an argument is missing, surplus or given twice.
    """
    pairs = zip(function.maker.inputs, function.input_storage, strict=True)
    explicit = [(entry, cell) for entry, cell in pairs if not cell.implicit]
    names = [
        entry.name or entry.variable.name or f"input {k}" for k, (entry, _) in enumerate(explicit)
    ]
    required = {n for n, (_, cell) in zip(names, explicit, strict=True) if cell.required}
    called = function.name or "the function"
    _require_each_once(called, names, required, len(args), kwargs)
    kinds = {name: entry.variable for name, (entry, _) in zip(names, explicit, strict=True)}
    by_place = zip(names, explicit, args, strict=False)
    converted = [_converted(called, n, entry.variable, a) for n, (entry, _), a in by_place]
    return converted, {n: _converted(called, n, kinds[n], a) for n, a in kwargs.items()}


def _require_each_once(
    called: str,
    names: Sequence[str],
    required: set[str],
    n_args: int,
    kwargs: Mapping[str, Any],
) -> None:
    """Refuse arguments that are missing, surplus or given twice.

    Raises:
        TypeError: naming them.
    """
    listed = ", ".join(names) or "none"
    if n_args > len(names):
        raise TypeError(f"{called}: got {n_args} arguments, needed {len(names)}: {listed}")
    unknown = [name for name in kwargs if name not in names]
    twice = [name for name in kwargs if name in names[:n_args]]
    missing = [name for name in names[n_args:] if name in required and name not in kwargs]
    if unknown:
        raise TypeError(f"{called}: has no input {', '.join(unknown)}; its inputs are {listed}")
    if twice:
        raise TypeError(f"{called}: got {', '.join(twice)} twice, by place and by name")
    if missing:
        raise TypeError(f"{called}: {', '.join(missing)}: got nothing; its inputs are {listed}")


def _converted(called: str, name: str, variable: Any, argument: Any) -> Any:
    """Return an argument as an array of the type of an input.

    Raises:
        TypeError: it does not fit.
    """
    kind = variable.type
    if not isinstance(kind, TensorType) or kind.is_valid_value(argument):
        return argument
    try:
        given = np.asarray(argument)
    except ValueError:
        given = np.asarray(None)
    needed = f"needed {kind.dtype} {show(kind.shape)}"
    if given.dtype.kind not in _RANK:
        raise TypeError(f"{called}: {name}: got a {type(argument).__name__}, {needed}")
    got = f"{called}: {name}: got {given.dtype} {show(given.shape)}"
    lengths = zip(given.shape, kind.shape, strict=False)
    if given.ndim != kind.ndim or any(k not in (n, None) for n, k in lengths):
        raise TypeError(f"{got}, {needed}")
    if problem := _loss(given, np.dtype(kind.dtype)):
        raise TypeError(f"{got}, {needed}: {problem}")
    return given.astype(kind.dtype)


def _loss(given: np.ndarray[Any, Any], wanted: np.dtype[Any]) -> str:
    """Describe what would be lost in a conversion; an empty text where nothing is."""
    if _RANK[given.dtype.kind] > _RANK[wanted.kind]:
        return "cast it yourself"
    if wanted.kind in "iu" and given.size:
        limits = np.iinfo(wanted)
        outside = given[(given < limits.min) | (given > limits.max)]
        return f"{outside.flat[0]} does not fit" if outside.size else ""
    with np.errstate(over="ignore"):
        became = given.astype(wanted)
    lost = np.isfinite(given) & ~np.isfinite(became)
    return f"{given[lost].flat[0]} does not fit" if np.any(lost) else ""
