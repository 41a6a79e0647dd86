"""A single step backwards, which must read the last time step; Aesara's `scan` reads the first.

Where `n_steps` is 1, `aesara.scan` builds no loop and reads the first time step, even with
`go_backwards`. Importing this module replaces it by a function that passes it the end of each
sequence. A `from aesara import scan` before that import keeps Aesara's own.
"""

import functools
import importlib
import inspect
from typing import Any

import aesara
import aesara.tensor as at
from aesara.tensor.exceptions import NotScalarConstantError

stock_scan = importlib.import_module("aesara.scan.basic").scan
_SIGNATURE = inspect.signature(stock_scan)


@functools.wraps(stock_scan)
def scan(*args: Any, **kwargs: Any) -> Any:
    """Call Aesara's scan; a single step backwards reads the last time step of its sequences."""
    bound = _SIGNATURE.bind(*args, **kwargs)
    given = bound.arguments
    sequences = given.get("sequences")
    if given.get("go_backwards") and sequences is not None and _is_one(given.get("n_steps")):
        listed = list(sequences) if isinstance(sequences, (list, tuple)) else [sequences]
        given["sequences"] = [_end(v) for v in listed]
    return stock_scan(*bound.args, **bound.kwargs)


def _is_one(steps: Any) -> bool:
    """Return whether a number of steps is known to be 1."""
    try:
        return steps is not None and int(at.get_scalar_constant_value(steps)) == 1
    except NotScalarConstantError:
        return False


def _end(sequence: Any) -> Any:
    """Return the end of a sequence, as long as the taps of one step need."""
    if not isinstance(sequence, dict):
        return at.as_tensor_variable(sequence)[-1:]
    taps = sequence.get("taps")
    taps = [0] if taps is None else taps if isinstance(taps, (list, tuple)) else [taps]
    read = max(0, *taps) - min(0, *taps) + 1
    return {**sequence, "input": at.as_tensor_variable(sequence["input"])[-read:]}


for _module in ("aesara.scan.basic", "aesara.scan", "aesara.scan.views"):
    setattr(importlib.import_module(_module), "scan", scan)  # noqa: B010
aesara.scan = scan
