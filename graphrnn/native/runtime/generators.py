"""Random draws: NumPy's own distributions, called from C on the state of a NumPy generator.

The numbers are those of NumPy bit for bit, since NumPy's compiled functions draw them: the
addresses come from `numpy.random._generator`, whose symbols NumPy documents for this use.
"""

import ctypes
import functools
from contextlib import ExitStack
from copy import copy
from typing import Any

from graphrnn.native.ir.views import Buffer

import numpy as np
import numpy.random._generator

FUNCTIONS = (
    "random_uniform",
    "random_normal",
    "random_exponential",
    "random_laplace",
    "random_logistic",
    "random_lognormal",
    "random_poisson",
    "random_binomial",
    "random_bounded_uint64",
)
"""NumPy's functions in the order of the table that the C code gets."""


@functools.cache
def addresses() -> Any:
    """Return the table of NumPy's functions."""
    library = ctypes.CDLL(numpy.random._generator.__file__)
    pointers = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in FUNCTIONS]
    return (ctypes.c_void_p * len(pointers))(*pointers)


class Generators:
    """The generators that a compiled function draws from: copies of its own, never the user's.

    A copy that became an update of its own variable is used again as it is, so that a loop of calls
    copies nothing. `fallible` says whether calls may fail: then it is put back as it was.
    """

    def __init__(self, library: Any, buffers: list[Buffer], fallible: bool) -> None:
        self.numbers = {buffer: k for k, buffer in enumerate(buffers)}
        self.slots: list[Any] = [None] * len(buffers)
        self.states = (ctypes.c_void_p * max(1, len(buffers)))()
        self.fallible = fallible
        self.before: dict[int, Any] = {}
        self.error: BaseException | None = None
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)
        self.callback = kind(self._copy)
        library.graph_generators(self.states, addresses(), self.callback)

    def _copy(self, target: int, source: int) -> int:
        """Set one slot to another's state, for the C function; returns 1 where Python raised."""
        try:
            self.set(target, self.slots[source])
        except BaseException as error:  # what goes through C is lost
            self.error = error
            return 1
        return 0

    def set(self, number: int, value: np.random.Generator) -> None:
        """Give a slot the state of a generator, which stays as it is; its lock must be held."""
        slot = self.slots[number]
        if slot is None or type(slot.bit_generator) is not type(value.bit_generator):
            slot = self.slots[number] = copy(value)
            self.states[number] = slot.bit_generator.ctypes.bit_generator.value
        else:
            slot.bit_generator.state = value.bit_generator.state

    def enter(self, buffer: Buffer, value: np.random.Generator, mine: bool) -> None:
        """Begin a call with an input's state; `mine` says that the slot itself may come back."""
        number = self.numbers[buffer]
        self.before.pop(number, None)
        if mine and value is self.slots[number]:
            if self.fallible:
                self.before[number] = value.bit_generator.state
        else:
            if value is self.slots[number]:
                self.slots[number] = None
            with value.bit_generator.lock:
                self.set(number, value)

    def put_back(self) -> BaseException | None:
        """Undo the draws of a call that failed; returns what Python raised in it."""
        for number, state in self.before.items():
            self.slots[number].bit_generator.state = state
        error, self.error = self.error, None
        return error

    def result(self, buffer: Buffer, mine: bool) -> np.random.Generator:
        """Return the generator of an output."""
        slot: np.random.Generator = self.slots[self.numbers[buffer]]
        return slot if mine else copy(slot)

    def locked(self) -> ExitStack:
        """Hold the locks of all, as NumPy does while it draws."""
        stack = ExitStack()
        for slot in self.slots:
            if slot is not None:
                stack.enter_context(slot.bit_generator.lock)
        return stack
