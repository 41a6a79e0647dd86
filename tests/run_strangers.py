"""Runs commands on the files of a run, one of them changed in each field, and says what came of it.

`python -m tests.run_strangers RUN` prints a JSON object a line: what was changed and to what, the
command, its exit code, the lines on stderr, and whether a byte of the folder changed. It may take
3 GB of memory: a file of a few kilobytes must not make it ask for more.
"""

import contextlib
import copy
import io
import json
import resource
import shutil
import sys
from pathlib import Path

from graphrnn.cli import app, train
from graphrnn.display import plots
from graphrnn.errors import UserError
from graphrnn.runs import checkpoint as checkpoints
from graphrnn.runs.checkpoint import load_checkpoint
from graphrnn.training.trainer import Trainer

import tomli_w
from pydantic import ValidationError
from safetensors.numpy import save

MEMORY = 3_000_000_000

VALUES = {
    "nothing": None,
    "a text": "x",
    "many letters": "x" * 1_000_000,
    "an escape": "\x1b[2J",
    "a list": [1],
    "nested": json.loads("[" * 100 + "]" * 100),
    "yes": True,
    "negative": -3,
    "nan": float("nan"),
    "10**30": 10**30,
    "10**400": 10**400,
}


def fields(tree, path=()):
    """Give the path of every field of a tree of objects; of lists the first element."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree[:1])
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list) and value:
            yield from fields(value, (*path, key))


def changed(tree, path, value):
    """Give a copy with another value in one place."""
    made = copy.deepcopy(tree)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made


def write_checkpoint(path, tree, weights):
    """Write a checkpoint whose digest is right, whatever its header says."""
    with contextlib.suppress(ValidationError, ValueError, RecursionError, UserError):
        header = checkpoints._HEADER.validate_json(json.dumps(tree))
        tree = tree | {"digest": checkpoints._digest(header, weights)}
    path.write_bytes(save(weights, {"graphrnn": json.dumps(tree)}))


def snapshot(folder):
    """Give every byte of a folder, but of the lock."""
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def report(folder, what, value, *commands):
    """Run commands one after the other until one is refused; print what came of the last."""
    before = snapshot(folder)
    for words in commands:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                app.main(words)
            except SystemExit as error:
                code = error.code
        if code:
            break
    print(
        json.dumps({
            "what": what, "value": value, "command": words[0], "code": code,
            "err": err.getvalue()[-5000:], "same": snapshot(folder) == before,
            "controls": any(c in out.getvalue() + err.getvalue() for c in "\x1b\x07\x9b"),
        }),
        flush=True,
    )  # fmt: skip


def go(run):
    """Change each field of the three files in its turn."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    whole = load_checkpoint(run / "last.safetensors")
    header = json.loads(checkpoints._HEADER.dump_json(whole.header))
    weights, place = whole.tensors, run.with_name("changed")

    def on_a_copy(what, value, write, *commands):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(run, place)
        write()
        report(place, what, value, *commands)

    show, resume = ["show", str(place)], ["train", "--resume", str(place)]
    # What is asked is whether training begins; it, and what comes after it, would take long.
    Trainer.run = lambda trainer, stop: trainer.save()
    train._write_sample = lambda display, run: "the"
    plots.curves = lambda headers, path: path.touch()
    for path in fields(header):
        for name, value in VALUES.items():
            tree = changed(header, path, value)
            if tree == header:
                continue
            on_a_copy(
                "header." + ".".join(map(str, path)),
                name,
                lambda tree=tree: write_checkpoint(place / "last.safetensors", tree, weights),
                show,
                resume,
            )
    for key in header["settings"]:
        for name, value in VALUES.items():
            if value is None:
                continue  # TOML has none
            values = {k: v for k, v in header["settings"].items() if v is not None and k != "out"}

            def write(values=values | {key: value}):
                (place / "last.safetensors").unlink()
                (place / "best.safetensors").unlink()
                (place / "settings.toml").write_text(tomli_w.dumps(values))

            on_a_copy("settings." + key, name, write, show, resume)
    lines = (run / "log.jsonl").read_text().splitlines()
    for key in json.loads(lines[0]):
        for name, value in VALUES.items():
            line = json.dumps(json.loads(lines[0]) | {key: value})
            text = "\n".join([line, *lines[1:]]) + "\n"
            on_a_copy(
                "log." + key, name, lambda text=text: (place / "log.jsonl").write_text(text),
                show, resume,
            )  # fmt: skip


if __name__ == "__main__":
    go(Path(sys.argv[1]))
