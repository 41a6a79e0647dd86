"""Bad input is one line on stderr, exit code 2, no traceback, nothing lost."""

import dataclasses
import importlib
import inspect
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from graphrnn.cli import app
from graphrnn.errors import UserError
from graphrnn.models import MODELS
from graphrnn.runs.checkpoint import load_checkpoint
from graphrnn.runs.folder import CHECKPOINT
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run
from tests.conftest import SMALL_TEXT

import numpy as np
import pytest
from safetensors.numpy import save

SMALL = ["--backend", "native", "--hidden", "8", "--sequences", "60"]
PLAIN = ["--model", "reference", "--backend", "python", "--hidden", "8", "--sequences", "60"]
"""Of a network that NumPy trains: a process of its own compiles nothing to learn it."""


def run(*arguments, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "graphrnn", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """A finished run; what reads it gets a copy."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.txt").write_text(SMALL_TEXT, encoding="utf-8")
    words = {"corpus": str(folder / "small.txt"), "out": folder / "run"}
    training_run.train(TrainSettings(**words, hidden=8, sequences=40, backend="python"))
    return folder / "run"


@pytest.fixture
def trained(small_text, trained_once):
    shutil.copytree(trained_once, "runs/theano_rnn-1")
    return "runs/theano_rnn-1"


def refused(capsys, *arguments, code=2):
    """Give the one line that a command ends with."""
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert exit_.value.code == code
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("graphrnn: ")
    assert "Traceback" not in captured.out + captured.err
    return captured.err.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "--hidden: got 0, needed a value greater than 0"),
        (["--hidden", "x"], "--hidden: got x, needed a valid integer"),
        (["--learning-rate", "-1"], "--learning-rate: got -1, needed a value greater than 0"),
        (["--learning-rate", "nan"], "--learning-rate: got nan, needed a finite number"),
        (["--batch", "9999999"], "batch: got 9999999, needed at most"),
        (["--model", "theano_rmn"], "did you mean 'theano_rnn'"),
        (["--corpus", "nitzsche"], "did you mean 'nietzsche'?"),
        (["--loop", "unrol"], "did you mean 'unrolled'?"),
        (["--hiden", "3"], "Unknown option: --hiden. Did you mean --hidden?"),
        (["--lr", "3"], "Unknown option: --lr; here it is --learning-rate"),
        (["--batch_size=3"], "Unknown option: --batch_size; here it is --batch"),
        (["--epochs", "3"], "--epochs; here it is --sequences, those of all passes"),
        (["--loop", "3"], "--loop: got 3 steps at a time for T = 8, needed a divisor of 8"),
        (["--model", "stacked_lstm", "--layers", "0"], "--layers: got 0"),
        (["--model", "stacked_lstm", "--dropout", "1.0"], "--dropout: got 1.0"),
        (["--layers", "2"], "theano_rnn has no layers"),
        (["--corpus", "missing.txt"], "no such file"),
        (["--corpus", "."], "has no text in it"),
        (["--out", "/proc/nothing"], "cannot write in '/proc/nothing'"),
    ],
)
def test_train_refuses(capsys, in_tmp, arguments, message):
    assert message in refused(capsys, "train", *arguments)
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"short", "needed at least 9 for one window of 8"),
        (b"a\x00b", "is binary"),
        (b"good until h\xe9re", "not UTF-8 (byte 0xe9 at offset 12)"),
    ],
)
def test_train_refuses_a_corpus(capsys, in_tmp, data, message):
    (in_tmp / "corpus.txt").write_bytes(data)
    assert message in refused(capsys, "train", "--corpus", "corpus.txt", *SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--temperature", "0"], "--temperature: got 0, needed more than 0; .* --greedy"),
        (["--temperature", "-2"], "--temperature: got -2, needed more than 0"),
        (["--temperature", "nan"], "--temperature: got nan, needed a finite number"),
        (["--length", "0"], "--length: got 0"),
        (["--top-k", "0"], "--top-k: got 0"),
        (["--prompt", "Ωmega"], r"never seen: '\\u03a9'"),
        (["--prompt", ""], "needed at least one character"),
        (["--backend", "tpu"], "unknown backend 'tpu'"),
    ],
)
def test_sample_refuses(capsys, trained, arguments, message):
    backend = [] if "--backend" in arguments else ["--backend", "python"]
    assert re.search(message, refused(capsys, "sample", trained, *backend, *arguments))


def test_runs_that_cannot_be_used(capsys, trained, in_tmp):
    assert "no such folder" in refused(capsys, "sample", "runs/nothing")
    broken = in_tmp / "broken"
    broken.write_bytes((in_tmp / trained / CHECKPOINT).read_bytes()[:-9])
    assert "is cut short" in refused(capsys, "next", broken, "the")
    assert "--count" in refused(capsys, "next", trained, "the", "--count", "0")


@pytest.mark.parametrize(
    "words",
    [
        ["next", "RUN", "the", "--count", "2.5"],
        ["next", "RUN", "the", "--threads", "1.5"],
        ["sample", "RUN", "--threads", "1e3"],
        ["sample", "RUN", "--count", "1.5"],
        ["sample", "RUN", "--threads", "257"],
        ["evaluate", "RUN", "--threads", "0"],
        ["inspect", "theano_rnn", "--hidden", "4.5"],
        ["inspect", "theano_rnn", "--time", "2.5"],
        ["inspect", "RUN", "--batch", "-1"],
        ["inspect", "RUN", "--time", "0"],
        ["compare", "theano_rnn", "--time", "4.5"],
        ["compare", "theano_rnn", "--hidden", "2.5"],
        ["train", "--layers", "1.5", "--model", "stacked_lstm"],
        ["train", "--threads", "1.5"],
    ],
    ids=" ".join,
)
def test_whole_numbers_are_whole(capsys, trained, words):
    words = [trained if word == "RUN" else word for word in words]
    (option,) = (word for word in words if word.startswith("--") and word != "--model")
    value = words[words.index(option) + 1]
    assert refused(capsys, *words).startswith(f"graphrnn: {option}: got {value}, needed a")


def test_a_run_is_looked_into_at_its_own_lengths(capsys, trained):
    words = ("inspect", trained, "--stage", "written")
    line = refused(capsys, *words, "--time", "5")
    assert "--time: got 5, but the run runs/theano_rnn-1 has 8; leave it out" in line
    app.main([*words, "--time", "8"])
    assert "theano_rnn" in capsys.readouterr().out


@pytest.mark.parametrize("letters", [5_000, 100_000])
@pytest.mark.parametrize("blank", ["", " "])
def test_a_long_value_is_cut(capsys, in_tmp, letters, blank):
    line = refused(capsys, "train", "--corpus", ("x" * 9 + blank) * (letters // 9))
    assert "letters)" in line
    assert len(line) < 2_100


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code_and_no_file(small_text, closed):
    """The first file that is opened would take the number of a closed stream."""
    command = f"{shlex.quote(sys.executable)} -m graphrnn"
    words = f"train --corpus small.txt --out run {' '.join(PLAIN)}"
    done = subprocess.run(f"{command} {words} {closed}", shell=True, check=False)
    assert done.returncode == 0
    assert load_checkpoint(Path("run") / CHECKPOINT).header.sequences == 60
    for path in Path("run").glob("*.toml"):
        tomllib.loads(path.read_text(encoding="utf-8"))
    for line in (Path("run") / "log.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line)
    done = subprocess.run(f"{command} sample nothing {closed}", shell=True, check=False)
    assert done.returncode == 2


def test_unknown_command_has_a_near_match(capsys):
    assert 'Did you mean "train"?' in refused(capsys, "trian")


def test_debug_shows_the_traceback(small_text):
    done = run("train", "--corpus", "nothing.txt", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "FileNotFoundError" in done.stderr


def test_train_sample_next(capsys, small_text):
    app.main(["train", "--corpus", str(small_text), *SMALL])
    out = capsys.readouterr().out
    for words in ("held-out", "bits", "accuracy", "curves.png", "it writes", "try next:"):
        assert words in out
    assert (small_text.parent / "runs/theano_rnn-1/curves.png").stat().st_size > 1000
    app.main(["sample", "--prompt", "the", "--length", "30", "--backend", "python"])
    captured = capsys.readouterr()
    assert captured.out.startswith("the")
    assert len(captured.out) == 3 + 30 + 1
    (line,) = captured.err.splitlines()
    words = r"graphrnn: the network after [\d,]+ sequences, the best on held-out text; each "
    seed = re.fullmatch(rf"{words}character from the 8 .*; seed (\d+)", line)[1]
    app.main(["sample", "--prompt", "the", "--length", "30", "--backend", "python", "--seed", seed])
    again = capsys.readouterr()
    assert again.out == captured.out
    assert "seed" not in again.err
    app.main(["next", "latest", " th", "--count", "3", "--backend", "python"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("%") for line in lines)


def test_what_is_known_of_runs(capsys, trained):
    app.main(["runs"])
    out = capsys.readouterr().out
    assert "theano_rnn-1" in out
    assert "40 of 40" in out
    assert "done" in out
    app.main(["show", trained])
    out = capsys.readouterr().out
    for words in ("theano_rnn, H = 8", "held-out, best", "best.safetensors  after", "log.jsonl"):
        assert words in out
    app.main(["plot", trained, "latest", "--out", "both.png"])
    assert Path("both.png").stat().st_size > 1000
    assert "needed a name that ends in .png" in refused(capsys, "plot", "--out", "a.jpg")
    assert "no runs there" in refused(capsys, "runs", "nowhere")
    assert "no such folder" in refused(capsys, "show", "nothing")


def test_evaluate(capsys, trained, in_tmp):
    (in_tmp / "other.txt").write_text("the cat € sat on the mat €\n", encoding="utf-8")
    app.main(["evaluate", trained, "--corpus", "other.txt", "--backend", "python"])
    out = capsys.readouterr().out
    assert "2 of some 26 characters were left out" in out
    for words in ("bits a character", "among the five", "count"):
        assert words in out
    assert "no such file" in refused(capsys, "evaluate", trained, "--corpus", "x.txt")


def test_ways_to_sample(capsys, trained):
    words = ["sample", trained, "--backend", "python", "--prompt", "the", "--length", "9"]
    words += ["--seed", "1"]
    app.main([*words])
    whole = capsys.readouterr().out
    app.main([*words, "--stream"])
    assert capsys.readouterr().out == whole
    app.main([*words, "--count", "2"])
    out = capsys.readouterr().out
    assert "--- 1 of 2 ---\nthe" in out
    assert "--- 2 of 2 ---\nthe" in out
    assert "--stream: got it with --count 2" in refused(capsys, *words, "--count", "2", "--stream")


def test_repetition_is_reported(capsys, trained):
    words = ["--backend", "python", "--prompt", "the", "--length", "300", "--greedy"]
    app.main(["sample", trained, *words])
    captured = capsys.readouterr()
    assert "seed" not in captured.err
    assert re.search(r"^graphrnn: the text repeats '.*' over and over; try", captured.err, re.M)


def test_talking(capsys, trained, monkeypatch):
    lines = iter(["he", "1", "", "Ω"])

    def typed(prompt):
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    app.main(["sample", trained, "--interactive", "--prompt", "t", "--backend", "python"])
    out = capsys.readouterr().out
    shown = re.findall(r"next: 1 (.)(.+?)\1 ", out)
    assert len(shown) == 5
    assert f"\nthe{shown[1][1]}" in out
    assert "never seen: '\\u03a9'" in out


def test_resume_from_the_command_line(capsys, small_text):
    app.main(["train", "--corpus", str(small_text), *SMALL, "--steps", "20"])
    out = capsys.readouterr().out
    assert "stopped after step 20, as --steps says" in out
    assert "train --resume runs/theano_rnn-1" in out
    assert "--hidden: got 9, but this run was begun with 8" in refused(
        capsys, "train", "--resume", "latest", "--hidden", "9"
    )
    app.main(["train", "--resume", "latest"])
    out = capsys.readouterr().out
    assert "going on after step 20, 20 sequences" in out
    assert "it writes" in out
    assert load_checkpoint(Path("runs/theano_rnn-1") / CHECKPOINT).header.sequences == 60


def test_a_run_that_was_killed_before_its_curves_gets_them(capsys, small_text):
    words = ["train", "--corpus", str(small_text), *SMALL]
    app.main([*words, "--out", "whole"])
    whole = capsys.readouterr().out
    training_run.train(TrainSettings(
        corpus=str(small_text), hidden=8, sequences=60, backend="native", out="killed",
    ))  # fmt: skip
    before = Path("killed", CHECKPOINT).read_bytes()
    Path("killed", "best.safetensors").unlink()
    app.main(["train", "--resume", "killed"])
    out = capsys.readouterr().out
    last_words = whole[whole.index("\nit writes") : whole.index("\ntry next:")]
    assert last_words in out
    for words_ in ("held-out", "network     killed/last.safetensors", "it writes", "try next:"):
        assert words_ in out
    assert "ready in" in out  # the step that writes is compiled, no step is taken
    assert Path("killed", CHECKPOINT).read_bytes() == before
    assert Path("killed", "curves.png").read_bytes() == Path("whole", "curves.png").read_bytes()
    assert Path("killed", "best.safetensors").exists()
    assert "the run has done 60" in refused(capsys, "train", "--resume", "killed")
    app.main(["train", "--resume", "killed", "--sequences", "61"])
    assert load_checkpoint(Path("killed", CHECKPOINT)).header.sequences == 61


def test_an_explosion_ends_with_3_and_shows_the_gradients(capsys, small_text):
    words = ["--backend", "native", "--hidden", "8", "--learning-rate", "3", "--batch", "4"]
    words += ["--sequences", "4000", "--save-every", "0"]
    with pytest.raises(SystemExit) as exit_:
        app.main(["train", "--corpus", str(small_text), *words])
    captured = capsys.readouterr()
    assert exit_.value.code == 3
    assert "norm of d loss / d h_t for the last batch" in captured.out
    assert "  layer 1  " in captured.out
    line = captured.err
    assert line.count("\n") == 1
    assert "lower --learning-rate (now 3)" in line
    assert "is kept in 'runs/theano_rnn-1/last.safetensors'" in line


def test_no_compiler(small_text, tmp_path):
    (tmp_path / "bin").mkdir()
    done = run("train", "--corpus", small_text, env=os.environ | {"PATH": str(tmp_path / "bin")})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for package in ("apt install g++", "dnf install gcc-c++", "xcode-select --install"):
        assert package in done.stderr


def test_full_disk(small_text):
    """No file may grow beyond 2,000 bytes: a checkpoint of 8 hidden units does not fit."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = run("train", "--corpus", small_text, *PLAIN, preexec_fn=limit)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot write 'runs/reference-1/last.safetensors'" in done.stderr
    assert not (small_text.parent / "runs" / "reference-1").exists()


def test_ctrl_c_keeps_and_names_the_checkpoint(small_text):
    arguments = ["train", "--corpus", str(small_text), *SMALL[:-1], "10000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "graphrnn", *arguments, "--save-every", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoint = small_text.parent / "runs/theano_rnn-1/last.safetensors"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "is kept in 'runs/theano_rnn-1/last.safetensors'" in err
    assert load_checkpoint(checkpoint).header.sequences > 0


def test_a_reader_that_goes_away_is_no_error(trained):
    command = f'"{sys.executable}" -m graphrnn sample {trained} --backend python --prompt the'
    done = subprocess.run(
        ["sh", "-c", f"{command} --length 5000 | head -c 10"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("the")
    assert re.fullmatch(
        r"graphrnn: the network after .*; each character from the 8 .*; seed \d+\n", done.stderr
    )


@pytest.mark.parametrize(
    ("command", "settings"), [("train", TrainSettings), ("sample", SampleSettings)]
)
def test_help_lists_every_setting(capsys, command, settings):
    app.main([command, "--help"])
    text = capsys.readouterr().out
    for field in dataclasses.fields(settings):
        assert f"--{field.name.replace('_', '-')}" in text


def test_models_lists_every_rung(capsys):
    app.main(["models"])
    out = capsys.readouterr().out
    for model in MODELS.values():
        assert model.name in out
        assert model.section.split()[0] in out


@pytest.mark.parametrize("command", ["next", "doctor", "models"])
def test_help_answers(capsys, command):
    app.main([command, "--help"])
    assert "Usage: graphrnn" in capsys.readouterr().out


def test_a_damaged_header_is_named(capsys, in_tmp):
    (in_tmp / "c.safetensors").write_bytes(save({"W": np.zeros(3)}, {"graphrnn": '{"format": 2}'}))
    line = refused(capsys, "sample", "c.safetensors")
    assert line.endswith("its header is damaged; use another checkpoint")


def test_text_that_begins_with_a_dash(capsys, in_tmp):
    (in_tmp / "dash.txt").write_text("- the cat - sat\n" * 200)
    app.main(["train", "--corpus", "dash.txt", *SMALL])
    app.main(["next", "latest", "-", "--backend", "python"])
    app.main(["sample", "--prompt", "- t", "--length", "5", "--backend", "python"])
    assert "- t" in capsys.readouterr().out


def test_training_goes_on_when_the_reader_of_its_output_leaves(small_text):
    arguments = f"train --corpus {small_text.name} --out piped"
    command = f'"{sys.executable}" -m graphrnn {arguments} {" ".join(PLAIN)} | head -1'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert load_checkpoint(small_text.parent / "piped" / CHECKPOINT).header.sequences == 60


def test_a_terminal_that_cannot_show_a_letter(trained, in_tmp):
    (in_tmp / "wide.txt").write_text("— ünï —\n" * 300, encoding="utf-8")
    done = run(
        "train", "--corpus", "wide.txt", *PLAIN, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("flags", ["floatX='float32", "floatX=float99"])
def test_flags_that_cannot_be_read(flags, in_tmp):
    environ = {k: v for k, v in os.environ.items() if "AESARA" not in k} | {"AESARA_FLAGS": flags}
    done = run("doctor", env=environ)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "AESARA_FLAGS" in done.stderr


def test_ctrl_c_elsewhere_is_one_line(capsys, monkeypatch):
    def interrupt(report):
        raise KeyboardInterrupt

    monkeypatch.setattr("graphrnn.cli.findings.findings", interrupt)
    assert refused(capsys, "doctor", code=130) == "graphrnn: interrupted"


def test_the_list_of_commands_says_what_each_is_for(capsys):
    app.main(["--help"])
    listed = capsys.readouterr().out
    for name, summary in app.COMMANDS.items():
        assert name in listed
        assert summary.split(",")[0].split(":")[0] in listed


@pytest.mark.parametrize("name", app.COMMANDS)
def test_the_list_of_commands_and_each_command_say_the_same(name):
    command = getattr(importlib.import_module(f"graphrnn.cli.{name}"), name)
    assert inspect.getdoc(command).splitlines()[0] == app.COMMANDS[name]


@pytest.mark.parametrize(
    "words",
    [["--optimiser", "adam", "--rate=0.25"], ["--optimizer=adam", "--learning-rate", "0.25"]],
)
def test_old_spellings_of_options_are_taken_and_not_shown(capsys, monkeypatch, words):
    taken = []
    monkeypatch.setattr(
        "graphrnn.training.run.train", lambda settings, watcher: taken.append(settings) or stop()
    )

    def stop():
        raise UserError("enough")

    assert "enough" in refused(capsys, "train", *words)
    assert (taken[0].optimizer, taken[0].learning_rate) == ("adam", 0.25)
    app.main(["train", "--help"])
    shown = capsys.readouterr().out
    assert "--learning-rate" in shown
    assert "--rate" not in shown
    assert "optimiser" not in shown
