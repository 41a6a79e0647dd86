"""One call at a time: Aesara keeps a function's arguments and results in storage of its own."""

import copyreg
import functools
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from graphrnn.native.rewrites.query import WithoutCompiler
from graphrnn.native.runtime import arguments
from graphrnn.upstream.rewrites import sound_name

from aesara.compile.function.types import Function, FunctionMaker
from aesara.compile.mode import Mode

# Stock Aesara holds the interpreter while it computes, so that one lock for all that it runs costs
# nothing; and functions of one graph share the inner functions of its loops.
_STOCK = [threading.RLock()]
_MADE: "weakref.WeakSet[GuardedFunction]" = weakref.WeakSet()


def _renew() -> None:
    """Begin without calls: a forked process has none of its parent's other threads."""
    _STOCK[0] = threading.RLock()
    for function in list(_MADE):
        function.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def stock_lock() -> threading.RLock:
    """Return the lock that whoever runs stock Aesara holds."""
    return _STOCK[0]


class GuardedFunction(Function):  # type: ignore[misc]
    """A function of Aesara that any number of threads may call: they take turns."""

    def __init__(self, vm: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(vm, *args, **kwargs)
        self._native = hasattr(vm, "jit_fn")
        if self._native:
            # Loops are part of the one C function: there is nothing of theirs to free.
            self.nodes_with_inner_function: list[Any] = []
        self.renew()
        _MADE.add(self)

    def renew(self) -> None:
        """Forget all calls."""
        self._lock = threading.RLock() if self._native else stock_lock()
        self._running = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run once; other threads wait.

        Raises:
            RuntimeError: it is called while it runs, by what it calls itself.
        """
        with self._lock:
            if self._running:
                raise RuntimeError(
                    f"{self.name or 'this function'}: called again while it runs, in the same "
                    "thread; it has storage for one call: call a copy of it, made by copy()"
                )
            try:
                self._running = True
                if "output_subset" in kwargs:
                    return self._some(kwargs.pop("output_subset"), self._taken(args, kwargs))
                return self._taken(args, kwargs)
            finally:
                self._running = False

    def _taken(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run once, by arguments that are converted where Aesara refuses them as they are."""
        if not kwargs:
            try:
                return super().__call__(*args)
            except (TypeError, ValueError) as error:
                if not arguments.is_refusal(error):
                    raise
        args, kwargs = arguments.fitted(self, args, kwargs)
        return super().__call__(*args, **kwargs)

    def _some(self, chosen: Sequence[Any] | None, results: Any) -> Any:
        """Return the results asked for; all are computed."""
        if chosen is None:
            return results
        if self.output_keys is not None:
            return {key: results[key] for key in chosen}
        listed = [results] if self.unpack_single and len(self.outputs) == 1 else results
        return [listed[k] for k in chosen]

    def free(self) -> None:
        """Forget the results between nodes, where they are kept; what is shared stays."""
        with self._lock:
            inputs = [(cell.storage, cell.storage[0]) for cell in self.input_storage]
            super().free()
            for storage, value in inputs:
                storage[0] = value

    def __reduce__(self) -> Any:
        """Hand on what Aesara keeps of a function: its graph and the values of its inputs."""
        return copyreg.dispatch_table[Function](self)


class GuardedMode(Mode):  # type: ignore[misc]
    """A mode whose functions are called one call at a time, and rewritten without a compiler."""

    function_maker = functools.partial(FunctionMaker, function_builder=GuardedFunction)

    @property
    def optimizer(self) -> WithoutCompiler:
        """The rewriter."""
        return WithoutCompiler(super().optimizer)

    def excluding(self, *tags: str) -> Any:
        """Return a mode without some rewrites, and without the guarded ones that stand for them."""
        return super().excluding(*tags, *map(sound_name, tags))
