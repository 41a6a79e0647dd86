"""Measures every form at every length: builds in fresh processes, then steps by turns."""

import contextlib
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles
from typing import Any

from graphrnn.comparison import scratch
from graphrnn.comparison.equality import TOLERANCE, precision, require_equal
from graphrnn.comparison.forms import BuildCost, Cell, Comparison, Form, Steps
from graphrnn.comparison.subjects import Subject
from graphrnn.comparison.worker import GRADIENT, Task
from graphrnn.comparison.workers import Process, TooLongError
from graphrnn.errors import UserError
from graphrnn.native.runtime.library import Target
from graphrnn.native.runtime.threads import default_threads

import numpy as np

Say = Callable[[str, int, int], None]
"""Receives what is being done, how much is done, and the total."""
Keep = Callable[[Comparison], None]
"""Receives the comparison after each length."""
ROUNDS = 9
"""Turns that each form takes at one length."""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def forget(comparison: Comparison) -> None:
    """Store nothing."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    subject: Subject
    forms: Sequence[Form]
    times: Sequence[int]
    steps: int
    budget: float = 60.0
    threads: int | None = None
    rounds: int = ROUNDS

    def check(self) -> None:
        """Check the plan before anything is built.

        Raises:
            UserError: a length is not positive or named twice, or the budget is not positive.
        """
        if not self.times or min(self.times) < 1:
            raise UserError("--time: got no length of at least 1, needed some, as 4 8 16")
        if len(set(self.times)) != len(self.times):
            raise UserError("--time: a length is named twice; name each once")
        if self.budget <= 0:
            raise UserError(f"--budget: got {self.budget:g} seconds, needed more than 0")


def compare(plan: Plan, say: Say = silent, keep: Keep = forget) -> Comparison:
    """Measure all forms, and call `keep` after each length with the results so far.

    An interrupt ends the measurements; the results so far are returned.

    Raises:
        DifferenceError: the results of two forms differ.
        UserError: the plan is not valid.
    """
    plan.check()
    comparison = Comparison(plan.subject.title, machine(plan.threads), plan.steps, 0.0)
    total = len(plan.times) * len(plan.forms)
    for k, time in enumerate(plan.times):
        progress = k * len(plan.forms), total
        try:
            with scratch.folder("graphrnn-compare-") as folder:
                length = _Length(plan, time, folder, say, progress)
                with length.running():
                    cells, proof = length.measured()
        except KeyboardInterrupt:
            say("interrupted: what was measured before is kept", *progress)
            break
        comparison = replace(
            comparison,
            cells=(*comparison.cells, *cells),
            tolerance=max(proof.tolerance, comparison.tolerance),
            held=comparison.held + proof.held,
            gradients=max(proof.gradients, comparison.gradients),
        )
        keep(comparison)
    return comparison


def processor() -> str:
    """Return the processor's name, on Linux as the kernel has it."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    return platform.processor() or platform.machine()


def machine(threads: int | None) -> dict[str, str]:
    """Describe the machine and the versions that figures were measured with."""
    versions = ("graphrnn", "aesara", "numpy")
    return {
        "processor": processor(),
        "processors": str(os.cpu_count()),
        "threads": str(threads or default_threads()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in versions},
        "compiler": shlex.join(Target().command()),
    }


@dataclass(frozen=True)
class _Proof:
    """How far tensors may differ, how many forms were compared with another, how many gradients."""

    tolerance: float
    held: int
    gradients: int


class _Length:
    """All forms at one length T."""

    def __init__(
        self, plan: Plan, time: int, folder: Path, say: Say, progress: tuple[int, int]
    ) -> None:
        self.plan, self.time, self.folder = plan, time, folder
        self.say, self.progress = say, progress
        self.processes: dict[Form, Process] = {}
        self.started: list[Process] = []
        self.cells = {form: Cell(form, time) for form in plan.forms}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """End every process that was started, whatever happens."""
        try:
            yield
        finally:
            for process in self.started:
                process.close()

    def measured(self) -> tuple[list[Cell], "_Proof"]:
        """Build all forms, check that they agree, time them, and return the results."""
        for k, form in enumerate(self.plan.forms):
            self._tell(f"T = {self.time}: building {form}", k)
            try:
                self._build(form)
            except TooLongError:
                self._refused(form, f"stopped: its build took more than {self.plan.budget:g} s")
            except UserError as error:
                self._refused(form, str(error))
        proof = self._prove_equal()
        self._time_steps("training")
        for form, process in list(self.processes.items()):
            memory = self._request(form, "memory")
            if memory is None:
                continue
            self._set(form, peak_bytes=memory["bytes"])
            self._tell(f"T = {self.time}: building {form} without its gradients", None)
            try:
                process.ask("forward", within=self.plan.budget)
            except UserError:  # what matters is the training step, which has been measured
                self.processes.pop(form).close()
        self._time_steps("forward")
        return list(self.cells.values()), proof

    def _tell(self, what: str, k: int | None) -> None:
        done, total = self.progress
        self.say(what, done + (len(self.plan.forms) if k is None else k), total)

    def _set(self, form: Form, **changes: Any) -> None:
        self.cells[form] = replace(self.cells[form], **changes)

    def _refused(self, form: Form, problem: str) -> None:
        self._set(form, problem=problem)
        self.processes.pop(form, None)

    def _request(self, form: Form, do: str, **request: Any) -> dict[str, Any] | None:
        """Send a request to a form's process; if it fails, drop the form and return None."""
        try:
            return self.processes[form].ask(do, **request)
        except UserError as error:
            self._refused(form, f"does not run: {str(error)[:60]}")
            return None

    def _start(self, form: Form) -> Process:
        """Start a process with a cache that no other form shares."""
        folder = self.folder / str(list(self.cells).index(form))
        threads = self.plan.threads or default_threads()
        task = Task(self.plan.subject, form, self.time, threads)
        process = Process(task, folder, folder / "cache")
        self.started.append(process)
        return process

    def _build(self, form: Form) -> None:
        """Build with an empty cache in one process, then with a full one in a second, kept open.

        Raises:
            UserError: it cannot be built, or takes longer than the budget.
        """
        first = self._start(form)
        cold = first.ask("build", within=self.plan.budget)
        first.close()
        self.processes[form] = self._start(form)
        warm = self.processes[form].ask("build", within=self.plan.budget)
        counts = {name: cold[name] for name in ("lines", "binary_bytes")}
        build = BuildCost(cold["phases"], warm["phases"], tuple(cold["nodes"]), **counts)
        self._set(form, build=build)

    def _prove_equal(self) -> "_Proof":
        """Compare every form with the first, and return what was proved."""
        first, expected, tolerance, held = None, {}, 0.0, 0
        for form in list(self.processes):
            path = self.folder / "tensors.npz"
            self._tell(f"T = {self.time}: comparing the numbers of {form}", None)
            answer = self._request(form, "tensors", path=str(path))
            if answer is None:
                continue
            with np.load(path) as file:
                tensors = {name: file[name] for name in answer["names"]}
            if first is None:
                first, expected = form, tensors
                tolerance = TOLERANCE[precision(tensors)]
            else:
                require_equal(first, expected, form, tensors, time=self.time, tolerance=tolerance)
                held += 1
        return _Proof(tolerance, held, sum(name.startswith(GRADIENT) for name in expected))

    def _time_steps(self, name: str) -> None:
        """Time steps of all forms by turns."""
        seconds: dict[Form, list[float]] = {form: [] for form in self.processes}
        for process in self.processes.values():
            process.rest()
        for _ in range(self.plan.rounds):
            self._tell(f"T = {self.time}: {name} steps in turns", None)
            for form in list(self.processes):
                turn = self._request(form, "turn", name=name)
                if turn:
                    seconds[form] += turn["seconds"]
                    self.processes[form].rest()
        for form in self.processes:
            spent = seconds[form]
            low, middle, high = quantiles(spent, n=4) if len(spent) > 1 else spent * 3
            self._set(form, **{name: Steps(middle, low, high, len(spent))})


if sys.platform == "win32":  # pragma: no cover
    raise UserError("compare: needs processes as Linux and macOS have them")
