"""A separate process for one form: builds it, and runs steps on request.

It reads one request per line, as JSON, and answers each with a line. Its task is in a file, pickled
by the process that started it.
"""

import json
import os
import resource
import sys
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from graphrnn.backends import compile as compiling
from graphrnn.backends.loop_bodies import body_in
from graphrnn.comparison.forms import PHASES, Form
from graphrnn.comparison.subjects import Subject
from graphrnn.errors import UserError
from graphrnn.graph.loops import loop_named
from graphrnn.models.network import GraphSpec
from graphrnn.native.codegen.function import BEGINNING
from graphrnn.native.phases import Phase
from graphrnn.native.specialised import native_of

import aesara
import aesara.tensor as at
import cloudpickle
import numpy as np
from aesara.graph.basic import graph_inputs, io_toposort
from aesara.scan.op import Scan

WARM, MEASURED = 0.02, 0.04
"""Seconds of steps in a turn: those that only warm up after the pause, and those that count."""
LEARNING_RATE = ("learning_rate", "rate")
"""Names by which a scalar input is recognized as a learning rate."""

LARGE = 1024.0
"""A learning rate by which a step's change of a weight is divided to get the gradient."""
GRADIENT = "gradient of "
"""The prefix of a gradient's name."""
STEPS = 3
"""Steps after which weights are compared."""
_UNIT = 1 if sys.platform == "darwin" else 1024
_PHASE = {
    Phase.GRAPH: "graph",
    Phase.REWRITING: "rewriting",
    Phase.REWRITING_BODY: "rewriting",
    Phase.LOWERING: "compiling",
    Phase.COMPILING: "compiling",
}


@dataclass(frozen=True)
class Task:
    """What a worker builds and runs."""

    subject: Subject
    form: Form
    time: int
    threads: int
    floats: str = field(default_factory=lambda: str(aesara.config.floatX))
    """What is called floatX where the task was made, and so where it is done."""


class Stopwatch:
    """Measures the seconds of a build by phase."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PHASES, 0.0)
        self.phase, self.since = "graph", clock.perf_counter()

    def enter(self, phase: str) -> None:
        """Begin another phase."""
        now = clock.perf_counter()
        self.spent[self.phase] += now - self.since
        self.phase, self.since = phase, now

    def report(self, build: compiling.BuildEvent) -> None:
        """Enter the phase that a build reports."""
        self.enter(_PHASE.get(build.phase, self.phase))

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap `aesara.grad` so that its time counts as gradients."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            before = self.phase
            self.enter("gradients")
            try:
                return function(*args, **kwargs)
            finally:
                self.enter(before)

        return timed


def largest_size() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    try:
        # On Linux ru_maxrss is never below the size of this process's parent.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def count_nodes(outputs: Any, body: Callable[[Any], Any]) -> int:
    """Count the nodes that outputs depend on, bodies of loops included."""
    total = 0
    for node in io_toposort([], list(outputs)):
        total += 1
        if isinstance(node.op, Scan):
            total += count_nodes(body(node.op), body)
    return total


@dataclass
class Worker:
    """The state of a worker."""

    task: Task
    functions: dict[str, Any] = field(default_factory=dict)
    used: dict[str, list[int]] = field(default_factory=dict)  # inputs of each function
    built: GraphSpec | None = None
    values: list[Any] = field(default_factory=list)
    start: list[Any] = field(default_factory=list)

    def build(self) -> dict[str, Any]:
        """Compile the training step, and return seconds by phase, and counts."""
        watch = Stopwatch()
        originals = {m: m.grad for m in (aesara, at, aesara.gradient)}
        for module, grad in originals.items():
            module.grad = watch.wrap(grad)
        try:
            function = self._compiled("training", watch.report)
        finally:
            for module, grad in originals.items():
                module.grad = grad
        watch.enter("compiling")
        assert self.built is not None
        inputs, outputs, updates = self.built
        self.values = self.task.subject.values(inputs)
        self.start = [old.get_value() for old, _ in updates]
        written = count_nodes([*outputs, *(new for _, new in updates)], lambda op: op.inner_outputs)
        lines, size = self._code(function)
        return {
            "phases": watch.spent,
            "nodes": [written, self._rewritten(function)],
            "lines": lines,
            "binary_bytes": size,
        }

    def _compiled(self, name: str, report: compiling.Report = compiling.silent) -> Any:
        """Compile one of the two functions."""
        task = self.task

        def graph() -> GraphSpec:
            loop = loop_named(task.form.loop, time=task.time)
            inputs, outputs, updates = task.subject.graph(loop, task.time)
            if name == "training":
                self.built = inputs, outputs, updates
                self.used[name] = list(range(len(inputs)))
                return inputs, outputs, updates
            read = set(graph_inputs(outputs))
            self.used[name] = [k for k, v in enumerate(inputs) if v in read]
            return [inputs[k] for k in self.used[name]], outputs, []

        self.functions[name] = compiling.compile_graph(
            graph,
            name=name,
            backend=task.form.backend,
            threads=task.threads,
            report=report,
            rewrites=task.form.rewrites,
            floats=task.floats,
        )
        return self.functions[name]

    def _rewritten(self, function: Any) -> int:
        """Count the nodes of the compiled graph."""
        outputs = function.maker.fgraph.outputs
        return count_nodes(outputs, lambda op: body_in(function, op).outputs)

    def _code(self, function: Any) -> tuple[int | None, int | None]:
        """Count lines of C and bytes of binaries, in a cache that only this form fills."""
        native = native_of(function)
        if native is None and self.task.form.backend == "python":
            return None, None
        cache = Path(os.environ["XDG_CACHE_HOME"])
        files = [path for path in cache.rglob("*") if path.is_file()]
        if native is not None:
            # Libraries are named by their cache keys, so every file counts.
            size = sum(path.stat().st_size for path in files)
            return native.source.text.partition(BEGINNING)[2].count("\n"), size
        text = [path for path in files if path.suffix in (".cpp", ".c")]
        lines = sum(path.read_text(errors="replace").count("\n") for path in text)
        return lines, sum(path.stat().st_size for path in files if path.suffix in (".so", ".pyd"))

    def tensors(self, path: str) -> dict[str, Any]:
        """Save what must be equal (outputs, gradients, weights after steps), and return names."""
        assert self.built is not None
        inputs, outputs, updates = self.built
        function, shared = self.functions["training"], [old for old, _ in updates]
        names = [old.name or f"shared {k}" for k, old in enumerate(shared)]
        tensors = {}
        rates = [k for k, v in enumerate(inputs) if v.name in LEARNING_RATE and v.type.ndim == 0]
        results = function(*self.values)
        for k, (variable, value) in enumerate(zip(outputs, results, strict=True)):
            tensors[variable.name or ("loss" if k == 0 else f"output {k}")] = value
        self._restart()
        if rates:
            values = list(self.values)
            values[rates[0]] = np.asarray(LARGE, inputs[rates[0]].dtype)
            function(*values)
            for name, old, before in zip(names, shared, self.start, strict=True):
                tensors[f"{GRADIENT}{name}"] = (before - old.get_value()) / LARGE
            self._restart()
        for _ in range(STEPS):
            function(*self.values)
        for name, old in zip(names, shared, strict=True):
            tensors[f"{name} after {STEPS} steps"] = old.get_value()
        self._restart()
        np.savez(path, **{name: np.asarray(value) for name, value in tensors.items()})
        return {"names": list(tensors)}

    def _restart(self) -> None:
        """Reset shared variables to their initial values."""
        assert self.built is not None
        for (old, _), value in zip(self.built[2], self.start, strict=True):
            old.set_value(value)

    def turn(self, name: str) -> dict[str, Any]:
        """Run steps for one turn, and return the seconds of each one after warming up."""
        function, values = self.functions[name], [self.values[k] for k in self.used[name]]
        ticks = [clock.perf_counter()]
        began, warm = ticks[0], 0
        while ticks[-1] - began < WARM + MEASURED or len(ticks) - 1 - warm < 1:
            function(*values)
            ticks.append(clock.perf_counter())
            if ticks[-2] - began < WARM and len(ticks) > 2:
                warm = len(ticks) - 2
        return {"seconds": [b - a for a, b in pairwise(ticks)][warm:]}

    def memory(self) -> dict[str, Any]:
        """Return the largest resident size so far, in bytes."""
        return {"bytes": largest_size()}

    def forward(self) -> dict[str, Any]:
        """Compile the same outputs without updates."""
        self._compiled("forward")
        return {}


def answers(worker: Worker, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Run the request on each line, and yield its answer."""
    for line in lines:
        request = json.loads(line)
        try:
            yield getattr(worker, request.pop("do"))(**request)
        except UserError as error:
            yield {"problem": str(error)}
        except Exception as error:
            yield {"problem": f"{type(error).__name__}: {str(error).strip()}"[:300]}


def main(path: str) -> None:
    """Answer on the original standard output; all other output goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(cloudpickle.loads(Path(path).read_bytes()))
    for message in answers(worker, sys.stdin):
        answer.write(json.dumps(message) + "\n")
        answer.flush()


if __name__ == "__main__":
    # As __main__, this module's Task would be a class other than the sender's.
    from graphrnn.comparison import worker

    worker.main(sys.argv[1])
