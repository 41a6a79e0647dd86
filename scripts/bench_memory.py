"""Measures the memory of a training process, ours and PyTorch's: the largest resident size.

Run it as `.venv/bin/python scripts/bench_memory.py --peer /path/to/python`, where the other Python
has PyTorch. Each side trains the same network for some steps in a process of its own; ours also
says how far it has come after its imports, after the build and after the steps.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

# The module beside this one: the same networks, weights and peer as for the timing.
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from bench_steps import PEER, RATE, VOCABULARY, Point, draw, ours

STEPS = 20
UNIT = 1 if sys.platform == "darwin" else 1024


def largest() -> float:
    """Give the largest resident size of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6


def run_ours(point: Point, steps: int) -> None:
    """Train in this process and print the stages."""
    print(json.dumps(["imports", largest()]))
    step = ours(point, draw(point), "native")
    print(json.dumps(["build", largest()]))
    batch = np.random.default_rng(1).integers(0, VOCABULARY, (2, point.time, point.batch))
    for _ in range(steps):
        step(*batch.astype("int32"))
    print(json.dumps([f"{steps} steps", largest()]))


def peak_of_peer(point: Point, peer: str, steps: int, threads: int) -> float:
    """Train in PyTorch, in a process of its own; gives its largest size in megabytes."""
    batch = np.random.default_rng(1).integers(0, VOCABULARY, (2, point.time, point.batch))
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "weights.npz", **draw(point))
        np.save(Path(folder) / "batch.npy", batch.astype("int32"))
        command = [peer, "-c", PEER, json.dumps(vars(point)), folder, str(threads), str(RATE)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert process.stdin is not None
        process.stdin.write("step\n" * steps)
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{peer} failed with {process.returncode}: does it have PyTorch?")
    return usage.ru_maxrss * UNIT / 1e6


def main() -> None:
    """Measure both and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has PyTorch")
    parser.add_argument("--cell", default="lstm", choices=["rnn", "gru", "lstm"])
    for name, value in (("batch", 64), ("time", 64), ("hidden", 256), ("layers", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    point = Point(given.cell, given.batch, given.time, given.hidden, given.layers)
    if given.ours:
        run_ours(point, given.steps)
        return
    environ = os.environ | {"OMP_NUM_THREADS": str(given.threads)}
    command = [sys.executable, __file__, "--ours", *sys.argv[1:]]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    stages = [json.loads(line) for line in answer.stdout.splitlines()]
    words = ", ".join(f"{megabytes:.0f} MB after {name}" for name, megabytes in stages)
    print(f"{point}: graphrnn {words}")
    if given.peer:
        peak = peak_of_peer(point, given.peer, given.steps, given.threads)
        print(f"{point}: PyTorch {peak:.0f} MB at most")


if __name__ == "__main__":
    main()
