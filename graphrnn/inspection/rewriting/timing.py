"""Measures the time of each rewrite, without that of the rewrites that it calls."""

import contextlib
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aesara.graph.rewriting.basic import GraphRewriter, NodeRewriter


@dataclass
class RewriteTime:
    """The time of one rewrite in one phase; `calls` counts its attempts."""

    phase: str
    rewrite: str
    seconds: float = 0.0
    calls: int = 0


@dataclass
class Timing:
    """The time of rewriting. `parts` and `outside` sum to `total`: each second counts once."""

    total: float = 0.0
    parts: dict[tuple[str, str], RewriteTime] = field(default_factory=dict)

    @property
    def outside(self) -> float:
        """The time outside all rewrites: copying the graph, linking."""
        return max(0.0, self.total - sum(part.seconds for part in self.parts.values()))

    def phases(self) -> list[tuple[str, float]]:
        """Return the time of each phase, the longest first."""
        seconds: dict[str, float] = {}
        for part in self.parts.values():
            seconds[part.phase] = seconds.get(part.phase, 0.0) + part.seconds
        return sorted(seconds.items(), key=lambda pair: -pair[1])

    def rewrites(self) -> list[RewriteTime]:
        """Return the time of each rewrite in each phase, the longest first."""
        return sorted(self.parts.values(), key=lambda part: -part.seconds)


class _Stopwatch:
    """A stack of running rewrites; time is credited to the top one."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.stack: list[str] = []
        self.last = clock.perf_counter()

    def _credit_elapsed(self) -> None:
        now = clock.perf_counter()
        if self.stack:
            self._part().seconds += now - self.last
        self.last = now

    def _part(self) -> RewriteTime:
        # The outermost rewrite is the sequence of all rewrites; those below it are its phases.
        phase = self.stack[1] if len(self.stack) > 1 else self.stack[0]
        key = (phase, self.stack[-1])
        return self.timing.parts.setdefault(key, RewriteTime(*key))

    def enter(self, name: str) -> None:
        self._credit_elapsed()
        self.stack.append(name)
        self._part().calls += 1

    def leave(self) -> None:
        self._credit_elapsed()
        self.stack.pop()


@contextlib.contextmanager
def timed() -> Iterator[Timing]:
    """Yield the timing of the rewriting inside the context; rewriters are restored after it.

    Aesara's own profile of rewriting loses time and counts some of it twice, so the two methods
    of every rewriter are wrapped.
    """
    timing = Timing()
    watch = _Stopwatch(timing)
    originals: list[tuple[type, str, Any]] = []
    for base, method in ((GraphRewriter, "apply"), (NodeRewriter, "transform")):
        for cls in {base, *_descendants(base)}:
            original = cls.__dict__.get(method)
            if callable(original) and cls.__name__ not in _TRANSPARENT:
                originals.append((cls, method, original))
                setattr(cls, method, _wrapped(original, watch))
    began = clock.perf_counter()
    try:
        yield timing
    finally:
        timing.total = clock.perf_counter() - began
        for cls, method, original in originals:
            setattr(cls, method, original)


# These wrappers only delegate; their time is that of the inner rewriter.
_TRANSPARENT = ("WithoutCompiler", "_Reported", "Watched")


def _descendants(cls: Any) -> Iterator[type]:
    """Yield all subclasses of a class, at any depth."""
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _descendants(subclass)


def _wrapped(original: Callable[..., Any], watch: _Stopwatch) -> Callable[..., Any]:
    """Return a method that is timed."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = getattr(self, "name", None) or str(self)
        watch.enter(name if isinstance(name, str) else type(self).__name__)
        try:
            return original(self, *args, **kwargs)
        finally:
            watch.leave()

    return method
