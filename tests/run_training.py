"""Trains in a process of its own, for tests that kill it: settings as JSON, then where to die.

`python -m tests.run_training SETTINGS RESUME PLACE COUNT` trains, or goes on with the run RESUME,
and kills itself (as `kill -9` would) at the COUNTth moment of a kind: "step", after a step;
"write", when half of a checkpoint is written; "rename", when it is whole but has no name yet;
"copy", between the last checkpoint and its copies; "log", with half of a line in the log.
"""

import json
import os
import signal
import sys
from pathlib import Path

from graphrnn.runs import checkpoint as checkpoints
from graphrnn.runs import folder as run_folder
from graphrnn.settings.training import TrainSettings
from graphrnn.training import progress
from graphrnn.training import run as training_run


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Counts moments of a kind, and says when it is time."""

    def __init__(self, count):
        self.left = count

    def __call__(self):
        self.left -= 1
        return self.left == 0


def arm(place, count):
    """Set the trap; gives the watcher that springs it after a step."""
    now = Countdown(count)

    class Watcher(progress.Quiet):
        def progressed(self, progress):
            if place == "step" and now():
                die()

    write, rename = checkpoints.write_atomically, Path.replace
    line = run_folder.RunFolder.write_line

    def writes(path, data):
        if path.suffix == ".safetensors" and place in ("write", "copy") and now():
            if place == "write":
                path.with_name(f".{path.name}.0000").write_bytes(data[: len(data) // 2])
            die()
        write(path, data)

    def renames(path, target):
        if place == "rename" and Path(target).suffix == ".safetensors" and now():
            die()
        return rename(path, target)

    def lines(folder, values):
        if place == "log" and now():
            with folder.log.open("a") as file:
                file.write(json.dumps(values)[:17])
            die()
        line(folder, values)

    checkpoints.write_atomically, Path.replace = writes, renames
    run_folder.RunFolder.write_line = lines
    return Watcher()


def go(settings, resume="", place="", count=0):
    """Train to the end, or to where the trap springs."""
    watcher = arm(place, int(count)) if place else progress.Quiet()
    chosen = TrainSettings(**settings)
    if resume:
        return training_run.resume(resume, None, watcher)
    return training_run.train(chosen, watcher)


if __name__ == "__main__":
    go(json.loads(sys.argv[1]), *sys.argv[2:])
