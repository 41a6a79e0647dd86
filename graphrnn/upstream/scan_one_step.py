"""One step of a loop that goes backwards reads the last moment; Aesara's `scan` reads the first.

Where `n_steps` is 1, `aesara.scan` makes no loop and takes the moment from the sequences as they
stand, `go_backwards` or not. Importing this module puts in its place a function that gives it the
end of each sequence. Who took `from aesara import scan` before has Aesara's own.
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
    """Loop by Aesara's scan; a single step backwards reads the last moment of its sequences."""
    bound = _SIGNATURE.bind(*args, **kwargs)
    given = bound.arguments
    sequences = given.get("sequences")
    if given.get("go_backwards") and sequences is not None and _one(given.get("n_steps")):
        listed = list(sequences) if isinstance(sequences, (list, tuple)) else [sequences]
        given["sequences"] = [_end(v) for v in listed]
    return stock_scan(*bound.args, **bound.kwargs)


def _one(steps: Any) -> bool:
    """Say whether a number of steps is known to be one."""
    try:
        return steps is not None and int(at.get_scalar_constant_value(steps)) == 1
    except NotScalarConstantError:
        return False


def _end(sequence: Any) -> Any:
    """Give the end of a sequence, as long as one step with its taps reads."""
    if not isinstance(sequence, dict):
        return at.as_tensor_variable(sequence)[-1:]
    taps = sequence.get("taps")
    taps = [0] if taps is None else taps if isinstance(taps, (list, tuple)) else [taps]
    read = max(0, *taps) - min(0, *taps) + 1
    return {**sequence, "input": at.as_tensor_variable(sequence["input"])[-read:]}


for _module in ("aesara.scan.basic", "aesara.scan", "aesara.scan.views"):
    setattr(importlib.import_module(_module), "scan", scan)  # noqa: B010
aesara.scan = scan
