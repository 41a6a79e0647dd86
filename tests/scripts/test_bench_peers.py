"""The benchmark: its arithmetic, workers and report; the peers themselves are not needed here."""

import doctest
import json
import subprocess
import sys
import venv
from pathlib import Path

from graphrnn.errors import UserError
from graphrnn.models import numpy_bptt
from scripts import bench_peers
from scripts.peers import graphrnn_peer, pipes, readme, report, tables, timing, verdicts, work
from scripts.peers.contenders import BY_NAME, CONTENDERS, OURS, Contender
from scripts.peers.work import Work

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
LESSON = Work("rnn", 1, 8, 6, one_hot=True, symbols=9)
SMALL = {
    "rnn": Work("rnn", 3, 4, 5),
    "gru": Work("gru", 3, 4, 5),
    "lstm": Work("lstm", 3, 4, 5, layers=2, dropout=0.5),
}


def test_products_of_an_lstm_are_counted_forward_and_backward():
    point = Work("lstm", 64, 64, 256)
    rows, H = 64 * 64, 256
    forward = 86 * 64 * 4 * H + rows * H * 4 * H + rows * H * 86
    assert work.operations(point) == 3 * 2 * forward


def test_one_hot_input_takes_no_product():
    forward = 8 * 6 * 6 + 8 * 6 * 9
    assert work.operations(LESSON) == 3 * 2 * forward


@pytest.mark.parametrize(("bandwidth", "bound"), [(1e15, "arithmetic"), (1.0, "memory")])
def test_the_limit_is_the_larger_of_two(bandwidth, bound):
    point = SMALL["rnn"]
    seconds, message = work.limit(point, lambda size: 1e6, bandwidth)
    assert message == bound
    larger = max(work.operations(point) / 1e6, work.traffic(point) / bandwidth)
    assert seconds == pytest.approx(larger, rel=1e-12)


def test_everything_is_drawn_from_one_seed():
    point = SMALL["lstm"]
    for name, value in work.draw(point).items():
        assert value.dtype == "float32"
        np.testing.assert_array_equal(value, work.draw(point)[name])
    first, second = work.masks(point)
    assert first.shape == second.shape == (3, 5)
    assert set(np.unique(first)) <= {0.0, 2.0}
    assert work.batch(point).shape == (2, 4, 3)


@pytest.mark.parametrize("variant", ["python:scan", "native:scan"])
def test_the_lessons_network_is_that_of_the_reference(variant):
    weights = work.draw(LESSON)
    renamed = {"W_x0": "W_xh", "W_h0": "W_hh", "b0": "b_h", "W_y": "W_hy", "b_y": "b_y"}
    theirs = {renamed[name]: value for name, value in weights.items()}
    x, y = work.batch(LESSON)
    trained = graphrnn_peer.build(LESSON, weights, [], variant)
    forward, backward = numpy_bptt.NETWORKS["rnn"]
    for _ in range(3):
        done = forward(theirs, x, y)
        assert trained.step(*trained.prepare(x, y)) == pytest.approx(done.loss, rel=1e-5)
        theirs = numpy_bptt.sgd(theirs, backward(theirs, x, y, done), LESSON.rate)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_forms_of_ours_agree(cell):
    point = SMALL[cell]
    losses = []
    for variant in ("native:scan", "native:2"):
        built = graphrnn_peer.build(point, work.draw(point), work.masks(point), variant)
        given = built.prepare(*work.batch(point))
        losses.append([built.step(*given) for _ in range(timing.AGREEING)])
    assert timing.same(*losses)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("module", [tables, timing])
def test_examples_run(module):
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried > 1


# --- workers ------------------------------------------------------------------------------------


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Start a worker of ours that needs no compiler."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(pipes, "ENVIRONMENTS", {"ours": Path(sys.executable)})
    contender = BY_NAME["graphrnn --backend python"]
    process = pipes.Process(contender, 1, tmp_path / "log.txt")
    yield process
    process.close()


def test_a_folder_with_a_space_is_reached_by_a_link_without(tmp_path):
    """As `torch.compile` needs it; the link is what Python takes for its own folder."""
    python = tmp_path / "a b" / "env" / "bin" / "python"
    venv.create(python.parent.parent, symlinks=True)
    result = pipes.without_spaces(python)
    assert " " not in str(result)
    asked = [str(result), "-c", "import sys; print(sys.prefix)"]
    assert Path(subprocess.check_output(asked, text=True).strip()) == result.parent.parent
    assert result.parent.parent.resolve() == python.parent.parent
    plain = tmp_path / "env" / "bin" / "python"
    assert pipes.without_spaces(plain) == plain


def test_a_worker_takes_one_step_at_a_time(process, tmp_path):
    assert "graphrnn" in process.ask("hello")["versions"]
    first = process.ask("build", work=vars(LESSON))["loss"]
    losses = [process.ask("step")["loss"] for _ in range(3)]
    assert first > losses[0] > losses[1] > losses[2]
    assert process.ask("peak")["peak"] > 10
    x = np.zeros((2, 8, 1), "int32")
    np.savez(tmp_path / "given.npz", x=x, y=x)
    message = process.ask("train", file=str(tmp_path / "given.npz"))
    assert message["steps"] == len(message["losses"]) == 2
    with pytest.raises(pipes.PeerError, match="unknown order 'dance'"):
        process.ask("dance")
    with pytest.raises(pipes.PeerError, match=r"KeyError|FileNotFoundError"):
        process.ask("train", file=str(tmp_path / "none.npz"))


def test_a_worker_that_takes_too_long_is_ended(process):
    with pytest.raises(pipes.PeerError, match="over the budget of 0 s"):
        process.ask("hello", seconds=0)
    assert process.process.poll() is not None


def test_who_is_not_installed_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(pipes, "ENVIRONMENTS", {"peers": tmp_path / "python"})
    contender = BY_NAME["JAX"]
    cell = timing.begin(contender, lambda: pipes.Process(contender, 1, tmp_path / "log"), LESSON, 1)
    assert cell["status"] == "absent"


def test_threads_and_caches_are_the_same_for_all(tmp_path):
    for contender in CONTENDERS:
        environ = contender.environ(2, tmp_path)
        assert environ["OMP_NUM_THREADS"] == environ["MKL_NUM_THREADS"] == "2"
        assert environ["XDG_CACHE_HOME"] == str(tmp_path)
    assert "base_compiledir" in BY_NAME["stock Aesara"].environ(2)["AESARA_FLAGS"]


# --- turns --------------------------------------------------------------------------------------


class Fake:
    """A worker that answers at once; after `last` steps someone presses Ctrl-C."""

    order: list[str] = []  # noqa: RUF012
    rested: list[str] = []  # noqa: RUF012

    def __init__(self, name, loss=1.0, last=10**9):
        self.name, self.loss, self.last, self.closed = name, loss, last, False

    def ask(self, do, **order):
        if do == "step":
            Fake.order.append(self.name)
            self.last -= 1
            if self.last < 0:
                raise KeyboardInterrupt
        return {"took": 0.02, "loss": self.loss, "versions": self.name, "peak": 7.0}

    def rest(self):
        Fake.rested.append(self.name)

    def close(self):
        self.closed = True


@pytest.fixture
def fakes(monkeypatch):
    """Forget the steps of the test before."""
    monkeypatch.setattr(Fake, "order", [])
    monkeypatch.setattr(Fake, "rested", [])

    def made(*workers):
        results = {worker.name: worker for worker in workers}
        contenders = [Contender(name, "ours", "", "") for name in results]
        return contenders, lambda contender: results[contender.name], {}

    return made


def test_they_take_turns(fakes):
    contenders, start, cells = fakes(Fake(OURS), Fake("B"), Fake("C"))
    timing.compare(LESSON, contenders, start, timing.Allowed(1, 0), lambda text: None, cells)
    timed = Fake.order[3 * (timing.AGREEING - 1) :]
    turns = [name for k, name in enumerate(timed) if k == 0 or timed[k - 1] != name]
    assert turns == [OURS, "B", "C"] * timing.LEAST_TURNS
    assert Fake.rested == [OURS, "B", "C"] * (1 + timing.LEAST_TURNS)
    assert cells["B"]["median"] == 20 and cells["B"]["status"] == "timed"  # noqa: PT018


def test_another_loss_is_not_timed(fakes):
    workers = [Fake(OURS), Fake("B", loss=1.01), Fake("C", loss=1.0005)]
    contenders, start, cells = fakes(*workers)
    timing.compare(LESSON, contenders, start, timing.Allowed(1, 0), lambda text: None, cells)
    assert cells["B"]["status"] == "differs"
    assert "median" not in cells["B"]
    assert cells["C"]["status"] == "timed"
    assert all(worker.closed for worker in workers)


def test_an_interruption_keeps_what_was_measured(fakes):
    workers = [Fake(OURS), Fake("B", last=13)]
    contenders, start, cells = fakes(*workers)
    with pytest.raises(KeyboardInterrupt):
        timing.compare(LESSON, contenders, start, timing.Allowed(1, 9), lambda text: None, cells)
    assert cells[OURS]["median"] == cells["B"]["median"] == 20
    assert all(worker.closed for worker in workers)


# --- report -------------------------------------------------------------------------------------


def results(jax=20.0):
    """Make up a run."""
    timed = {"low": 9.0, "high": 11.0, "steps": 3, "build": 2.0, "peak": 100.0, "status": "timed"}
    cells = {
        OURS: {"median": 10.0, "versions": "graphrnn 1"} | timed,
        "PyTorch": {"median": 15.0} | timed,
        "JAX": {"median": jax} | timed,
        "Keras on PyTorch": {"median": 40.0} | timed,
        "Keras on JAX": {"median": 30.0} | timed,
        "PyTensor, C": {"status": "absent", "why": "No module named 'pytensor'"},
        "stock Aesara": {"status": "over budget", "why": "over the budget of 30 s"},
    }
    point = SMALL["gru"]
    products = sorted({size for _, size in work.products(point)})
    row = {"name": str(point), "work": vars(point), "cells": cells}
    return {
        "machine": {
            "processor": "a processor", "processors": 2, "threads": 2, "system": "Linux 6",
            "date": "2026-01-01", "load": 0.1,
        },
        "quick": False,
        "versions": {OURS: "graphrnn 1"},
        "works": [row],
        "limits": {"bandwidth": 1e10, "rates": [[list(size), 1e9] for size in products]},
        "growth": [{"axis": "T", "work": vars(point), "cells": cells}],
        "writing": {"characters": 10, "cells": {OURS: {"median": 2.0}, "JAX": {"why": "no"}}},
        "starts": {"RNN": {OURS: {"cold": 3.0, "warm": 2.0}, "PyTorch": {"cold": 2.4, "warm": 4}}},
        "quality": {"work": "LSTM", "characters": 4, "steps": 1, "cells": {
            OURS: {"held_out": 2.0, "seconds": 1.0}, "PyTorch": {"held_out": 2.01, "seconds": 1.0},
        }},
    }  # fmt: skip


def test_the_overview_shows_the_better_backend_and_who_is_missing():
    (row, mean) = tables.overview(results()).rows
    assert row[1:3] == ("10.0", "15.0 (1.50)")
    assert "30.0 (3.00, on JAX)" in row
    assert "absent" in row
    assert "over budget" in row
    assert mean[2] == "(1.50)"


def test_a_peer_that_wins_is_named():
    lost = verdicts.verdict(results(jax=8.0))
    assert "GRU, B=3, T=4, H=5: JAX, 0.80 of its time" in lost
    assert "cold start, RNN: PyTorch, 0.80 of its time" in lost
    assert "JAX" not in verdicts.verdict(results())


def test_held_out_losses_are_compared():
    assert verdicts.equal_work(results()) == "The held-out losses are 0.50% apart, within 1 %."
    far = results()
    far["quality"]["cells"][OURS]["held_out"] = 2.2
    assert "beyond 1 %" in verdicts.equal_work(far)


def test_markdown_and_pictures_are_written(tmp_path):
    report.write(results(), tmp_path)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "absent: No module named" in text
    for name in ("steps.png", "growth.png"):
        assert (tmp_path / name).stat().st_size > 1000


def test_an_interrupted_run_can_be_reported(tmp_path):
    measured = {name: results()[name] for name in ("machine", "works", "versions")}
    measured["works"][0]["cells"] = {}
    report.write(measured, tmp_path)
    assert "0 of 0" in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_the_readme_is_rewritten_between_its_markers(tmp_path):
    page = tmp_path / "scripts" / "peers" / "README.md"
    page.parent.mkdir(parents=True)
    page.write_text(f"before\n{readme.BEGIN}\nfrom before\n{readme.END}\nafter\n", encoding="utf-8")
    kept = tmp_path / "results.json"
    kept.write_text(json.dumps(results(jax=8.0)), encoding="utf-8")
    readme.write(kept, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{readme.BEGIN}\n")
    assert text.endswith(f"{readme.END}\nafter\n")
    assert "from before" not in text
    assert "a processor" in text
    assert "JAX, 0.80 of its time" in text
    assert (tmp_path / "scripts/pictures/bench_steps.png").exists()
    readme.write(kept, page)
    assert page.read_text(encoding="utf-8") == text


def test_our_readme_has_the_markers():
    text = (ROOT / "scripts" / "peers" / "README.md").read_text(encoding="utf-8")
    assert text.count(readme.BEGIN) == text.count(readme.END) == 1


@pytest.mark.parametrize(
    ("written", "message"),
    [(None, "make bench"), ("{", "is no JSON"), ("[]", "no results"), ("{}", "no results")],
)
def test_results_that_are_none_are_refused(tmp_path, written, message):
    if written is not None:
        (tmp_path / "results.json").write_text(written, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        readme.load(tmp_path / "results.json")


@pytest.mark.parametrize(
    "words",
    [
        ["--threads", "0"],
        ["--minutes", "-1"],
        ["--budget", "nan"],
        ["--only", "everything"],
        ["--peers", "Torch"],
        ["--dance"],
        ["--readme", "--out", "/nonexistent"],
    ],
)
def test_bad_input_is_one_line(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        bench_peers.main(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("bench: ")
    assert error.count("\n") == 1
