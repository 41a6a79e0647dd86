"""Run folders that someone else has made: one line, exit code 2, and nothing lost or written."""

import json
import os
import resource
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from graphrnn.cli import app
from graphrnn.models import Sizes, model_named
from graphrnn.runs.checkpoint import Checkpoint, Header, load_checkpoint, save_checkpoint
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run
from tests.cli.test_app import refused
from tests.conftest import SMALL_TEXT

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stopped(in_tmp):
    """A run that was stopped half way; its network is NumPy's, so that nothing compiles."""
    (in_tmp / "small.txt").write_text(SMALL_TEXT, encoding="utf-8")
    words = {"corpus": str(in_tmp / "small.txt"), "out": in_tmp / "runs" / "run"}
    more = {"sequences": 60, "steps": 20, "backend": "python", "log_every": 10, "hidden": 4}
    training_run.train(TrainSettings(model="reference", **words, **more))
    return in_tmp / "runs" / "run"


FREE = {
    "settings.out", "corpus", "digest", "log.held_out_loss", "log.held_out_accuracy",
    *(f"versions.{name}" for name in ("python", "graphrnn", "aesara", "numpy")),
}  # fmt: skip
"""Fields whose meaning is that of any text or number: a name to show, the folder of another time,
a digest that is made right again. Escapes in them must not be shown."""
MAY_BE = {
    *((f"settings.{name}", "nothing") for name in ("optimizer", "learning_rate", "schedule",
      "sequences", "time", "batch", "steps")),
    ("settings.save_every", "10**30"),
}  # fmt: skip
"""What is as the network's recipe has it, where nothing is said; and what is merely large."""


def test_every_field_of_another_type_or_meaning(stopped):
    done = subprocess.run(
        [sys.executable, "-m", "tests.run_strangers", str(stopped)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(result) > 900
    for one in result:
        assert one["code"] in (0, 2), one
        assert "Traceback" not in one["err"], one
        assert not one["controls"], one
        if one["code"] == 2:
            assert one["err"].count("\n") == 1, one
            assert one["err"].startswith("graphrnn: "), one
            assert len(one["err"]) < 2_500, one
            assert one["same"], one
    taken = {
        (one["what"].removeprefix("header."), one["value"]) for one in result if not one["code"]
    }
    assert {pair for pair in taken if pair[0] not in FREE} == MAY_BE


@pytest.mark.parametrize(
    "name",
    [".lock", "settings.toml", "log.jsonl", "last.safetensors", "best.safetensors", "curves.png"],
)
@pytest.mark.parametrize("kind", ["link", "pipe", "socket", "device"])
def test_what_is_no_file_is_refused(capsys, stopped, in_tmp, name, kind):
    """Nothing is read or written where it leads, and no command waits for a pipe."""
    (in_tmp / "mine").write_bytes(b"mine")
    place = stopped / name
    place.unlink(missing_ok=True)
    if kind == "link":
        place.symlink_to(in_tmp / "mine")
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(place))
    shown = "link" if kind == "device" else kind
    for words in (["train", "--resume", stopped], ["show", stopped]):
        assert f"is a {shown}, needed a file" in refused(capsys, *words)
    if name == "last.safetensors":
        assert f"is a {shown}, needed a file" in refused(capsys, "sample", stopped)
    app.main(["runs", str(stopped.parent)])
    assert (in_tmp / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["samples", "events"])
def test_a_folder_that_leads_elsewhere_is_refused(capsys, stopped, in_tmp, name):
    (in_tmp / "mine").mkdir()
    if (stopped / name).exists():
        (stopped / name).rename(in_tmp / "before")
    (stopped / name).symlink_to(in_tmp / "mine")
    line = refused(capsys, "train", "--resume", stopped, "--sample-every", "10")
    assert f"{name!r} is a link, needed a folder" in line
    assert list((in_tmp / "mine").iterdir()) == []


@pytest.mark.parametrize("name", [".lock", "log.jsonl"])
def test_a_second_name_of_a_file_elsewhere_is_refused(capsys, stopped, in_tmp, name):
    (in_tmp / "mine").write_bytes(b"mine")
    (stopped / name).unlink(missing_ok=True)
    os.link(in_tmp / "mine", stopped / name)
    assert "has another name elsewhere" in refused(capsys, "train", "--resume", stopped)
    assert (in_tmp / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_corpus_that_a_run_names(capsys, stopped, in_tmp, kind):
    """It is said which, and opened only if it is a file; the user may name what he likes."""
    app.main(["show", str(stopped)])
    (in_tmp / "small.txt").rename(in_tmp / "moved.txt")
    if kind == "pipe":
        os.mkfifo(in_tmp / "small.txt")
    else:
        (in_tmp / "small.txt").symlink_to("/dev/zero")
    capsys.readouterr()
    for words in (["train", "--resume", stopped], ["evaluate", stopped]):
        with pytest.raises(SystemExit):
            app.main([str(word) for word in words])
        captured = capsys.readouterr()
        assert "small.txt', the text that the run names" in captured.out
        assert f"is a {kind}, needed a file" in captured.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.toml", "hidden = " + "[" * 100_000 + "]" * 100_000),
        ("settings.toml", "hidden" + ".a" * 100_000 + " = 1"),
        ("settings.toml", f'corpus = "{"x" * 2_000_000}"'),
        ("log.jsonl", '{"step": ' + "[" * 100_000 + "]" * 100_000 + "}\n"),
        ("log.jsonl", '{"step": 1, "' + "x" * 1_000_000 + '": 1.0}\n'),
        ("log.jsonl", "no line of a log\n"),
    ],
)
def test_files_that_are_nested_or_long(capsys, stopped, name, text):
    if name == "settings.toml":
        for path in stopped.glob("*.safetensors"):
            path.unlink()
    (stopped / name).write_text(text)
    line = refused(capsys, "train", "--resume", stopped)
    assert len(line) < 2_500
    assert name in line
    assert (stopped / name).read_text() == text


def test_a_position_that_is_nested(capsys, stopped):
    whole = load_checkpoint(stopped / "last.safetensors")
    for name in ("generator", "order"):
        position = replace(whole.header.position, **{name: "[" * 100_000})
        changed = replace(whole, header=replace(whole.header, position=position))
        save_checkpoint(stopped / "last.safetensors", changed)
        line = refused(capsys, "train", "--resume", stopped)
        assert f"position.{name}: is no state of a random generator" in line


@pytest.mark.parametrize("command", [["train", "--resume"], ["sample"], ["evaluate"]])
def test_a_small_file_that_asks_for_gigabytes(capsys, stopped, command):
    """Shapes are compared before anything is built: 2**16 hidden units would take 35 GB."""
    whole = load_checkpoint(stopped / "last.safetensors")
    settings = replace(whole.header.settings, hidden=65_536)
    changed = replace(whole, header=replace(whole.header, settings=settings))
    save_checkpoint(stopped / "last.safetensors", changed, stopped / "best.safetensors")
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = int(Path("/proc/self/statm").read_text().split()[5]) * 4096 + 300_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        assert "do not fit a vocabulary of" in refused(capsys, *command, stopped)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def test_a_window_that_would_be_laid_out_for_ever(capsys, in_tmp):
    settings = TrainSettings(model="eight_char", time=1_000_000, hidden=2, embedding=2)
    shapes = model_named("eight_char").weight_shapes(Sizes(3, 2, 2, 1))
    weights = {name: np.zeros(shape, "float32") for name, shape in shapes.items()}
    header = Header(
        settings=settings, corpus="", vocabulary=("\0", "a", "b"), sequences=1, versions={}
    )
    save_checkpoint(in_tmp / "c", Checkpoint(header, weights))
    assert "needed at most 1,000 of eight_char" in refused(capsys, "sample", in_tmp / "c")
    words = ["train", "--loop", "unrolled", "--time", "20000", "--batch", "1", "--held-out", "0"]
    assert "writes out 20,000 steps, needed at most 10,000" in refused(capsys, *words)


def test_control_characters_do_not_reach_a_terminal(capsys, in_tmp):
    """Of names and of what the network writes; a new line and a tab of its text stay."""
    escapes = "\x1b]0;title\x07\x9b31m\x08\x7f"
    (in_tmp / "odd.txt").write_text(f"a{escapes}\t\n" * 300, encoding="utf-8")
    words = ["train", "--corpus", "odd.txt", "--backend", "python", "--hidden", "4"]
    app.main([*words, "--sequences", "20", "--sample-every", "10"])
    for more in (["--length", "300"], ["--length", "300", "--stream"], ["--count", "2"]):
        app.main(["sample", "--backend", "python", "--temperature", "9", *more])
    app.main(["next", "latest", "a", "--backend", "python"])
    out = capsys.readouterr().out
    assert "\\x1b" in out
    assert "\\x9b" in out
    assert "\t" in out
    whole = load_checkpoint(Path("runs/theano_rnn-1/last.safetensors"))
    changed = replace(whole, header=replace(whole.header, corpus=escapes))
    Path("runs/theano_rnn-1").rename(f"runs/{escapes}")
    save_checkpoint(Path(f"runs/{escapes}/last.safetensors"), changed)
    app.main(["show", escapes])
    app.main(["runs"])
    out += capsys.readouterr().out
    out += refused(capsys, "show", f"{escapes}x") + refused(
        capsys, "sample", "--prompt", "\x1b\x07Ω"
    )
    assert not set(out) & {chr(c) for c in (*range(9), *range(11, 32), *range(127, 160))}


def test_the_prompt_where_the_text_lacks_the_usual_letters(capsys, in_tmp):
    (in_tmp / "odd.txt").write_text("0110 1001\n" * 300, encoding="utf-8")
    words = ["--backend", "python", "--hidden", "4", "--sequences", "20"]
    app.main(["train", "--corpus", "odd.txt", *words])
    capsys.readouterr()
    app.main(["sample", "--backend", "python", "--length", "5"])
    captured = capsys.readouterr()
    assert len(captured.out) == 1 + 5 + 1
    assert "; each character from the 8 characters before it" in captured.err
    assert captured.err.count("\n") == 1
