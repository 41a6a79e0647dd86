"""A long-lived process for one peer, told what to do over a pipe: `python -m scripts.peers.worker`.

It reads a line of JSON for each order and answers with one. What libraries print goes to stderr, so
that nothing but answers stands on the pipe.
"""

import importlib
import inspect
import json
import os
import resource
import sys
import time as clock
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.peers import work as works
from scripts.peers.work import Array, Work

import numpy as np

UNIT = 1 if sys.platform == "darwin" else 1024


def largest() -> float:
    """Return the largest resident size of this process so far, in megabytes."""
    try:
        # On Linux ru_maxrss is never below the size of the process that started this one.
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
            return 1.024e-3 * next(
                int(line.split()[1]) for line in file if line.startswith("VmHWM:")
            )
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6


def hold_to(threads: int) -> None:
    """Let this process use so many processors and no more, where the system can say so."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])


@dataclass
class Worker:
    """One peer with what it has built."""

    module: Any
    variant: str
    threads: int
    held: dict[str, Any] = field(default_factory=dict)

    def hello(self) -> dict[str, Any]:
        """Say who it is."""
        self.module.start(self.threads)
        wanted = inspect.signature(self.module.versions).parameters
        versions = self.module.versions(self.variant) if wanted else self.module.versions()
        return {"versions": versions, "peak": largest()}

    def build(self, work: dict[str, Any]) -> dict[str, Any]:
        """Build the training step and take the first of all steps, which compiles for some."""
        began = clock.perf_counter()
        self.held.clear()
        wanted = Work(**work)
        trained = self.module.build(wanted, works.draw(wanted), works.masks(wanted), self.variant)
        given = trained.prepare(*works.batch(wanted))
        self.held |= {"trained": trained, "given": given}
        loss = trained.step(*given)
        return {"loss": loss, "took": clock.perf_counter() - began, "peak": largest()}

    def step(self) -> dict[str, Any]:
        """Take one step on the same batch."""
        step, given = self.held["trained"].step, self.held["given"]
        began = clock.perf_counter()
        loss = step(*given)
        return {"took": clock.perf_counter() - began, "loss": loss}

    def peak(self) -> dict[str, Any]:
        """Describe how large the process was at most."""
        return {"peak": largest()}

    def train(self, file: str, evaluate: bool = False) -> dict[str, Any]:
        """Train on x and y `(steps, T, B)` of a file, one step after the other."""
        with np.load(file) as arrays:
            x, y = arrays["x"], arrays["y"]
            held_out = (arrays["x_held_out"], arrays["y_held_out"]) if evaluate else None
        trained = self.held["trained"]
        losses = [trained.step(*trained.prepare(a, b)) for a, b in zip(x, y, strict=True)]
        answer = {"losses": losses[-1000:], "steps": len(losses)}
        if held_out is not None:
            held_out_losses = [trained.evaluate(a, b) for a, b in zip(*held_out, strict=True)]
            answer["held_out"] = float(np.mean(held_out_losses))
        return answer

    def writer(self, work: dict[str, Any], read: list[int]) -> dict[str, Any]:
        """Build a network that writes and let it read; returns its logits."""
        wanted = Work(**work)
        writer = self.module.writer(wanted, works.draw(wanted), self.variant)
        self.held["writer"] = writer
        logits: Array = writer.read(np.asarray(read, "int32"))
        return {"logits": [float(z) for z in logits]}

    def write(self, n: int) -> dict[str, Any]:
        """Write n characters."""
        began = clock.perf_counter()
        written = self.held["writer"].write(n)
        return {"took": clock.perf_counter() - began, "written": len(written)}

    def products(self, shapes: list[list[int]], seconds_each: float) -> dict[str, Any]:
        """Measure matrix products."""
        wanted = [(m, k, n) for m, k, n in shapes]
        return {"rates": self.module.product_rates(wanted, seconds_each)}


ORDERS = ("hello", "build", "step", "peak", "train", "writer", "write", "products")


def answered(worker: Worker, line: str) -> dict[str, Any]:
    """Carry out one order; what goes wrong is an answer too."""
    order = json.loads(line)
    what = order.pop("do")
    if what not in ORDERS:
        return {"error": f"unknown order {what!r}"}
    try:
        answer: dict[str, Any] = getattr(worker, what)(**order)
    except Exception as error:
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    return answer


def main() -> None:
    """Answer until the pipe is closed."""
    module, variant, threads = sys.argv[1:]
    hold_to(int(threads))
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.insert(0, str(Path.cwd()))
    try:
        worker = Worker(importlib.import_module(f"scripts.peers.{module}"), variant, int(threads))
    except Exception as error:
        pipe.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return
    for line in sys.stdin:
        pipe.write(json.dumps(answered(worker, line)) + "\n")
        pipe.flush()


if __name__ == "__main__":
    main()
