"""The compiled function: it checks arrays, calls C on them, and raises what went wrong there."""

import ctypes
from collections.abc import Sequence
from typing import Any

from graphrnn.native.codegen.function import Source
from graphrnn.native.ir.program import Program
from graphrnn.native.runtime.failures import failure
from graphrnn.native.runtime.generators import Generators
from graphrnn.native.runtime.library import Target, load

import numpy as np
from aesara.graph.fg import FunctionGraph

_NOTHING = np.zeros((), "uint64")
_NOWHERE = (None, 0)


class NativeFunction:
    """Calls the compiled function on arrays."""

    def __init__(
        self,
        fgraph: FunctionGraph,
        program: Program,
        source: Source,
        threads: int,
        updated: dict[int, int],
        target: Target,
    ) -> None:
        self.program, self.source, self.threads = program, source, threads
        self.in_place = program.in_place
        self.library = load(source.text, target)
        self.generators = (
            Generators(self.library, source.generators, fallible=bool(source.fallible))
            if source.generators
            else None
        )
        # Outputs that are generators, and whether each updates the input that it comes from.
        self.moved = {
            k: k in updated and program.inputs[updated[k]] is buffer
            for k, buffer in enumerate(program.outputs)
            if buffer.kind == "generator"
        }
        self.dtypes = [np.dtype(buffer.dtype) for buffer in program.inputs]
        self.shapes = program.input_shapes
        self.outputs = [
            (np.dtype(buffer.dtype), shape)
            for buffer, shape in zip(program.outputs, program.output_shapes, strict=True)
        ]
        self.names = [str(variable) for variable in fgraph.inputs]
        self.peak_bytes = source.scratch_bytes
        self.constants = [np.ascontiguousarray(k.data) for k in source.constants]
        self.table = (ctypes.c_void_p * max(1, len(self.constants)))(
            *(array.ctypes.data for array in self.constants)
        )
        self.library.graph_constants(self.table)
        self.run = self.library.graph_run
        # Parameters that are updated in place are the same arrays at each call.
        self.before: dict[int, tuple[Any, int]] = dict.fromkeys(self.in_place.values(), _NOWHERE)
        self.ins = ctypes.c_void_p * max(1, len(self.dtypes))
        self.outs = ctypes.c_void_p * max(1, len(self.outputs))

    def __call__(self, *arrays: Any) -> list[Any]:
        """Run once."""
        if self.generators is not None:
            return self._drawing(self.generators, arrays)
        return self._run(arrays)

    def _drawing(self, generators: Generators, values: Sequence[Any]) -> list[Any]:
        """Run once, with generators among inputs or results."""
        arrays = list(values)
        mine = {self.program.outputs[k] for k, own in self.moved.items() if own}
        for k, buffer in enumerate(self.program.inputs):
            if buffer.kind == "generator":
                generators.enter(buffer, values[k], buffer in mine)
                arrays[k] = _NOTHING
        with generators.locked():
            results = self._run(arrays)
        for k, own in self.moved.items():
            results[k] = generators.result(self.program.outputs[k], own)
        return results

    def _run(self, arrays: Sequence[Any]) -> list[Any]:
        """Call the C function on arrays."""
        held = [self._checked(k, array) for k, array in enumerate(arrays)]
        addresses = [self._address(k, array) for k, array in enumerate(held)]
        results, places = [], []
        for k, (dtype, shape) in enumerate(self.outputs):
            if k in self.in_place:
                results.append(held[self.in_place[k]])
                places.append(addresses[self.in_place[k]])
            else:
                results.append(np.empty(shape, dtype))
                places.append(results[-1].ctypes.data)
        # Made anew for each call: the interpreter is free to run another thread meanwhile.
        ins, outs = self.ins(*addresses), self.outs(*places)
        status = self.run(ins, outs, self.threads)
        if status:
            self._fail(status)
        return results

    def _fail(self, status: int) -> None:
        """Raise what a status of the C function stands for; generators are as they were before."""
        error = self.generators.put_back() if self.generators is not None else None
        if error is not None:
            raise error
        where = (ctypes.c_int64 * 3).in_dll(self.library, "graph_failure")
        raise failure(status, tuple(where), self.source.fallible, self.program.checks)

    def _address(self, k: int, array: Any) -> int:
        """Return where an input lies; asking NumPy takes longer than a small kernel does."""
        array_before, address = self.before.get(k, _NOWHERE)
        if array is not array_before:
            address = array.ctypes.data
            if k in self.before:
                self.before[k] = array, address
        return address

    def _checked(self, k: int, array: Any) -> Any:
        """Return an input as the C function needs it: its dtype and shape, in C order, aligned."""
        if type(array) is not np.ndarray or array.dtype != self.dtypes[k] or not array.flags.carray:
            array = np.require(array, self.dtypes[k], ["C", "A", "W"])
        if array.shape != self.shapes[k]:
            raise ValueError(
                f"{self.names[k]}: got shape {array.shape}, needed {self.shapes[k]}, "
                "for which this function was compiled"
            )
        return array
