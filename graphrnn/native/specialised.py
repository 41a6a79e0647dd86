"""Functions whose lengths come with their calls: one C function for each set of them.

Lengths of inputs that have no static shape, and integers that decide a length (`n_steps`, `arange`,
a reshape), are read from the arguments of a call. The first call with others compiles anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.native.ir.views import Unsupported
from graphrnn.native.lowering.lowering import LoweringError
from graphrnn.native.lowering.run_time import RunTimeNumber, WindowError
from graphrnn.native.runtime.function import NativeFunction
from graphrnn.symbolic.building import unchecked
from graphrnn.symbolic.wording import show

import numpy as np
from aesara.compile.builders import clone_replace
from aesara.graph.basic import Variable
from aesara.graph.fg import FunctionGraph
from aesara.tensor.type import TensorType

AT_MOST = 16
"""C functions that one Aesara function keeps; the one that was called longest ago goes first."""
FEW = 8
"""Elements of an array of integers whose values a function may be compiled for."""

Compile = Callable[[Sequence[Any], dict[int, Any]], NativeFunction]
"""Compiles for arrays of these shapes, and for these values of some inputs."""
Run = Callable[..., list[Any]]
Key = tuple[Any, ...]


def open_inputs(fgraph: FunctionGraph) -> list[int]:
    """Return which inputs have a length that their type does not say."""
    return [
        k
        for k, variable in enumerate(fgraph.inputs)
        if isinstance(variable.type, TensorType) and None in variable.type.shape
    ]


def deciding(fgraph: FunctionGraph, leaves: Sequence[Variable]) -> list[int]:
    """Return the numbers of inputs that decide a length, if each is an integer or a few of them."""
    for variable in leaves:
        kind = variable.type
        integers = isinstance(kind, TensorType) and np.dtype(kind.dtype).kind in "iub"
        if variable not in fgraph.inputs or not integers or kind.ndim > 1:
            return []
    return [k for k, variable in enumerate(fgraph.inputs) if variable in leaves]


class Specialised:
    """Compiles one C function for each set of lengths that it is called with, and calls it."""

    def __init__(
        self,
        fgraph: FunctionGraph,
        compile_for: Compile,
        instead: Callable[[Exception], Run],
        say: Callable[[str], None],
    ) -> None:
        self.fgraph, self.compile_for, self.instead, self.say = fgraph, compile_for, instead, say
        self.by_shape, self.by_value = open_inputs(fgraph), list[int]()
        self.functions: OrderedDict[Key, NativeFunction] = OrderedDict()
        self.latest: NativeFunction | None = None
        self.stock: Run | None = None
        self.cut: Run | None = None

    def __call__(self, *arrays: Any) -> list[Any]:
        """Run once, by the function for these lengths."""
        if self.stock is not None:
            return self.stock(*arrays)
        key = self._key(arrays)
        if key in self.functions:
            self.functions.move_to_end(key)
        function = self.functions.get(key) or self._new(arrays)
        try:
            return function(*arrays)
        except WindowError as error:
            # Nothing was changed yet. At this place the slice is a shorter one.
            if self.cut is None:
                self.cut = self._for_cut_slices(error)
            return self.cut(*arrays)

    def _for_cut_slices(self, error: WindowError) -> Run:
        """Return what runs calls in which a slice reaches beyond its axis: made for its place."""
        other = Specialised(self.fgraph, self.compile_for, self.instead, self.say)
        other.by_value = list(self.by_value)
        return other if other.decide_by(error.leaves) else self.instead(Unsupported(str(error)))

    def begin_with(self, arrays: Sequence[Any]) -> None:
        """Compile for arrays that are known already, so that what is not covered shows now.

        Raises:
            Unsupported: it is not covered.
            LoweringError: anything else went wrong.
        """
        self._keep(self._key(arrays), self.compile_for(arrays, {}))

    def keeping(self, function: NativeFunction) -> "Specialised":
        """Return this, with a function for all arrays."""
        self._keep(self._key([]), function)
        return self

    def decide_by(self, leaves: Sequence[Variable], arrays: Sequence[Any] = ()) -> bool:
        """Compile for values of further inputs from now on; return whether there are any."""
        new = [k for k in deciding(self.fgraph, leaves) if k not in self.by_value]
        if any(np.size(arrays[k]) > FEW for k in new if k < len(arrays)):
            return False
        self.by_value += new
        if new:
            self.functions.clear()  # their keys hold other values
        return bool(new)

    def _key(self, arrays: Sequence[Any]) -> Key:
        """Return what a C function is compiled for: shapes, and values of some integers."""
        shapes = tuple(arrays[k].shape for k in self.by_shape)
        return shapes + tuple(tuple(np.ravel(arrays[k]).tolist()) for k in self.by_value)

    def _keep(self, key: Key, function: NativeFunction) -> NativeFunction:
        """Keep a function, and as many of the last ones as there may be."""
        self.functions[key] = self.latest = function
        if len(self.functions) > AT_MOST:
            self.functions.popitem(last=False)
        return function

    def _new(self, arrays: Sequence[Any]) -> Run:
        """Compile for the lengths of these arrays."""
        try:
            function = self._compiled(arrays)
        except (Unsupported, LoweringError) as error:
            self.stock = self.instead(error)
            return self.stock
        self.say(f"compiled for {self._described(arrays)}")
        return self._keep(self._key(arrays), function)

    def _compiled(self, arrays: Sequence[Any]) -> NativeFunction:
        """Compile, for the values of as many integers as lengths depend on."""
        while True:
            known = {k: np.array(arrays[k]) for k in self.by_value}
            try:
                return self.compile_for(arrays, known)
            except RunTimeNumber as error:
                if not self.decide_by(error.leaves, arrays):
                    raise

    def _described(self, arrays: Sequence[Any]) -> str:
        """Write what a function was compiled for."""
        shapes = [f"{self._name(k)} {show(arrays[k].shape)}" for k in self.by_shape]
        values = [
            f"{self._name(k)} = {', '.join(map(str, np.ravel(arrays[k])))}" for k in self.by_value
        ]
        return ", ".join(shapes + values)

    def _name(self, k: int) -> str:
        """Write an input."""
        return self.fgraph.inputs[k].name or f"input {k + 1}"


def behind(function: Any) -> Any:
    """Return what an Aesara function calls natively, or the function where it calls nothing so."""
    return getattr(getattr(function, "vm", None), "jit_fn", function)


def native_of(function: Any) -> NativeFunction | None:
    """Return the native function behind an Aesara function; of several, the last one compiled."""
    inner = behind(function)
    if isinstance(inner, Specialised):
        return inner.latest
    return inner if isinstance(inner, NativeFunction) else None


def has_windows(function: NativeFunction) -> bool:
    """Return whether a function leaves where a slice of it would be cut."""
    return any(getattr(kind, "func", None) is WindowError for kind, _ in function.program.checks)


def with_lengths(fgraph: FunctionGraph, arrays: Sequence[Any]) -> FunctionGraph:
    """Return a copy of a graph whose inputs have the lengths of these arrays in their types."""
    inputs = [
        TensorType(v.type.dtype, np.shape(array))(v.name)
        if isinstance(v.type, TensorType)
        else v.clone()
        for v, array in zip(fgraph.inputs, arrays, strict=True)
    ]
    replaced = dict(zip(fgraph.inputs, inputs, strict=True))
    with unchecked():
        outputs = clone_replace(fgraph.outputs, replaced, rebuild_strict=False)
    copy = FunctionGraph(inputs, outputs, clone=False)
    copy.update_mapping = getattr(fgraph, "update_mapping", None)
    return copy
