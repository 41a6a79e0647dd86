"""Comparing forms: equal numbers or no figures, and conclusions that follow from figures."""

import json
import os
import subprocess
import sys
from itertools import count, pairwise

import graphrnn
from graphrnn.cli.app import main
from graphrnn.comparison import measure, pipes, reports
from graphrnn.comparison.conclusions import advice, break_even, growth
from graphrnn.comparison.equality import DifferenceError, require_equal
from graphrnn.comparison.forms import (
    PHASES,
    BuildCost,
    Cell,
    Comparison,
    Form,
    Steps,
    comparison_from,
    forms_of,
)
from graphrnn.comparison.pipes import Pipe
from graphrnn.comparison.subjects import BuilderSubject, ModelSubject
from graphrnn.comparison.worker import Task, Worker
from graphrnn.errors import UserError
from graphrnn.graph import cells, loops, updates
from graphrnn.graph.shapes import tensor
from graphrnn.models.network import share
from graphrnn.settings.training import TrainSettings

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara import raise_op
from aesara.graph.rewriting.basic import in2out
from aesara.scan.rewriting import scan_eqopt2, scan_merge_inouts

B, H = 2, 3
SCAN, UNROLLED = Form("scan", "python"), Form("unrolled", "python")


def built(loop, time, wrong=0.0):
    """Build a training step of a small network."""
    rng = np.random.default_rng(0)
    W_x, W_h, b = share({
        "W_x": rng.standard_normal((H, H)), "W_h": np.eye(H), "b": np.zeros(H)
    }).values()  # fmt: skip
    x, rate = tensor("x", "float64", (time, B, H)), tensor("rate", "float64", ())
    h = loop(cells.rnn, [x], [at.zeros((B, H))], [W_x, W_h, b])[0]
    loss = at.sum(h**2)
    loss.name = "loss"
    grads = updates.gradients(loss, [W_x, W_h, b])
    grads[1] = grads[1] * (1 + wrong)
    return [x, rate], [loss], updates.sgd([W_x, W_h, b], grads, rate)


def wrong_when_unrolled(loop, time):
    return built(loop, time, wrong=1e-4 if loop is loops.unrolled else 0.0)


def cell(form, time, build, step, memory=1e8):
    phases = dict.fromkeys(PHASES, build / 4)
    steps = Steps(step, 0.9 * step, 1.1 * step, 9)
    return Cell(form, time, BuildCost(phases, phases, (10, 5)), steps, steps, memory)


def drawn(*cells_):
    machine = measure.machine(1)
    return Comparison("net", machine, 1000, 1e-3, cells_)


def test_forms_are_named_and_checked():
    assert [str(f) for f in forms_of(["scan", "4"], ["native"], [True, False])] == [
        "native, scan", "native, scan, not rewritten", "native, by 4",
        "native, by 4, not rewritten",
    ]  # fmt: skip
    for loops_, backends in [
        (["skan"], ["native"]),
        (["scan"], ["auto"]),
        (["scan"] * 2, ["python"]),
    ]:
        with pytest.raises(UserError):
            forms_of(loops_, backends)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times": ()}, "--time: got no length"),
        ({"times": (0,)}, "--time: got no length"),
        ({"times": (4, 4)}, "named twice"),
        ({"budget": 0}, "--budget"),
    ],
)
def test_a_plan_is_checked_before_anything_is_built(change, said):
    plan = {"times": (4,), "budget": 1.0} | change
    with pytest.raises(UserError, match=said):
        measure.compare(measure.Plan(BuilderSubject(built), [SCAN], steps=1, **plan))


@pytest.mark.parametrize(
    "form", [SCAN, UNROLLED, Form("2", "native"), Form("scan", "native", False)]
)
def test_a_worker_tells_what_the_equations_say(form, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    worker = Worker(Task(BuilderSubject(built), form, 4, 1))
    results = worker.build()
    assert set(results["phases"]) == set(PHASES)
    assert all(seconds >= 0 for seconds in results["phases"].values())
    assert results["phases"]["gradients"] > 0
    assert aesara.grad is at.grad is aesara.gradient.grad
    assert (results["lines"] is None) == (form.backend == "python")
    path = tmp_path / "tensors.npz"
    names = worker.tensors(str(path))["names"]
    with np.load(path) as file:
        tensors = dict(file)
    x, _ = worker.values
    W_x, W_h, b = worker.start
    h, states = np.zeros((B, H)), []
    for x_t in x:
        h = np.maximum(x_t @ W_x + h @ W_h + b, 0)
        states.append(h)
    np.testing.assert_allclose(tensors["loss"], np.sum(np.square(states)))
    dh, dW_h = np.zeros((B, H)), 0
    for before, h in reversed(list(pairwise([np.zeros((B, H)), *states]))):
        dz = (dh + 2 * h) * (h > 0)
        dh, dW_h = dz @ W_h.T, dW_h + before.T @ dz
    np.testing.assert_allclose(tensors["gradient of W_h"], dW_h, rtol=1e-6)
    assert names[-1] == "b after 3 steps"
    for (old, _), value in zip(worker.built[2], worker.start, strict=True):
        np.testing.assert_array_equal(old.get_value(), value)
    assert min(worker.turn("training")["seconds"]) > 0
    worker.forward()
    assert min(worker.turn("forward")["seconds"]) > 0
    assert worker.memory()["bytes"] > 1e7


def test_a_wrong_gradient_is_caught_and_named():
    with pytest.raises(DifferenceError, match=r"gradient of W_h differs at T = 4 .* by 0.0001 of"):
        graphrnn.compare(wrong_when_unrolled, time=[4], backends=["native"])


def two_scales(loop, time):
    """Build a training step of two leaky sums, 0.9 and 0.5, of which the sum is seen."""
    p, q = share({"p": np.ones(H), "q": np.ones(H)}).values()
    x, rate = tensor("x", "float64", (time, H)), tensor("rate", "float64", ())

    def step(u_t, v_t, a, b):
        a, b = 0.9 * a + u_t, 0.5 * b + v_t
        return [a, b, a + b]

    seen = loop(step, [x * p, x * q], [at.zeros(H), at.zeros(H)])[2]
    loss = at.sum(seen**2)
    grads = updates.gradients(loss, [p, q])
    return [x, rate], [loss], updates.sgd([p, q], grads, rate)


class WithStockMerge(BuilderSubject):
    """A network that is built where Aesara's own rewrite, which merges states, is back."""

    def __reduce__(self):
        return put_back, (self.builder,)


def put_back(builder):
    stock = in2out(scan_merge_inouts, ignore_newtrees=True)
    scan_eqopt2.register("planted", stock, "fast_run", "scan")
    return WithStockMerge(builder)


def test_a_rewrite_that_takes_two_time_scales_for_one_is_caught():
    plan = measure.Plan(WithStockMerge(two_scales), [Form("unrolled", "python"), SCAN], (4,), 1)
    with pytest.raises(DifferenceError, match=r"gradient of q differs at T = 4 .* by 0\.\d+ of"):
        measure.compare(plan)


def test_two_time_scales_agree_in_outputs_and_gradients():
    plan = measure.Plan(BuilderSubject(two_scales), [SCAN, UNROLLED], (4,), 1000, rounds=1)
    result = measure.compare(plan)
    assert (result.held, result.gradients) == (1, 2)
    assert "2 gradients and updated weights of all forms agree within 1e-08" in str(
        reports.proof_line(result)
    )


def test_what_was_not_compared_is_said():
    phases = drawn(cell(SCAN, 4, 1.0, 1.0))
    assert "held against no other" in reports.proof_line(phases)
    without = reports.proof_line(Comparison("net", {}, 1, 1e-8, held=1))
    assert without.startswith("outputs and updated weights")
    assert "gradients were not compared" in without


def test_what_takes_too_long_is_stopped_and_the_rest_goes_on(tmp_path):
    def build(loop, time):
        if loop is loops.unrolled:
            import time as clock

            clock.sleep(60)
        return built(loop, time)

    kept = []
    plan = measure.Plan(BuilderSubject(build), [SCAN, UNROLLED], (3,), 10, budget=12.0, rounds=1)
    result = measure.compare(plan, keep=kept.append)
    assert kept == [result]
    scan, unrolled = result.cells
    assert scan.training.median > 0
    assert scan.peak_bytes > 1e7
    assert unrolled.build is None
    assert unrolled.problem == "stopped: its build took more than 12 s"
    again = comparison_from(json.loads(json.dumps(result.as_dict())))
    assert again == result
    paths = reports.save(result, tmp_path)
    assert [path.suffix for path in paths] == [".json", ".md", ".png"]
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert "stopped: its build" in paths[1].read_text()
    assert advice(result)[0].startswith("T = 3: for 10 steps choose python, scan")


def test_tensors_differ_by_shape_and_by_what_is_not_finite():
    a = {"loss": np.float32(1.0)}
    for other, said in [
        ({}, "shapes"),
        ({"loss": np.float32([1.0])}, "shapes"),
        ({"loss": np.float32("nan")}, "not finite"),
    ]:
        with pytest.raises(DifferenceError, match=said):
            require_equal(SCAN, a, UNROLLED, other, time=4, tolerance=1e-3)
    require_equal(SCAN, a, UNROLLED, {"loss": np.float32(1.0005)}, time=4, tolerance=1e-3)


def test_a_longer_build_is_repaid_or_never():
    slow, fast = cell(SCAN, 4, 1.0, 2e-3), cell(UNROLLED, 4, 5.0, 1e-3)
    assert break_even(slow, fast) == 4000
    assert break_even(fast, slow) == -4000
    assert break_even(fast, cell(UNROLLED, 4, 5.0, 1e-3)) == 0
    assert break_even(slow, cell(UNROLLED, 4, 5.0, 3e-3)) == float("inf")
    assert break_even(slow, Cell(UNROLLED, 4, problem="stopped")) is None


def test_growth_is_the_exponent_and_advice_the_least_total():
    result = drawn(
        *(cell(SCAN, t, 1.0, 1e-3 * t, 1e8 * t**0.5) for t in (4, 8, 16)),
        *(cell(UNROLLED, t, 0.1 * t**2, 1e-4 * t) for t in (4, 8, 16)),
    )
    scan, unrolled = growth(result)
    assert (scan.build, scan.training, scan.memory) == pytest.approx((0, 1, 0.5), abs=1e-6)
    assert unrolled.build == pytest.approx(2)
    assert [line.split(" choose ")[1].split(",")[1].strip() for line in advice(result)] == [
        "unrolled", "unrolled", "scan",
    ]  # fmt: skip


def test_the_lessons_network_is_compared_from_the_command_line(tmp_path, capsys, monkeypatch):
    whole = measure.Plan
    monkeypatch.setattr(measure, "Plan", lambda *plan, **more: whole(*plan, **more | {"rounds": 1}))
    main([
        "compare", "--time", "4", "--loops", "scan", "2", "--backends", "native",
        "--hidden", "4", "--batch", "2", "--dtype", "float64", "--steps", "7",
        "--out", str(tmp_path),
    ])  # fmt: skip
    out = capsys.readouterr().out
    assert "agree within 1e-08" in out
    assert "for 7 steps choose native" in out
    message = json.loads((tmp_path / "compare.json").read_text())
    assert [c["form"]["loop"] for c in message["cells"]] == ["scan", "2"]
    assert not [c["problem"] for c in message["cells"] if c["problem"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "unknown model"),
        (["--loops", "sideways"], "unknown loop"),
        (["--backends", "cuda"], "unknown backend"),
        (["--rewrites", "perhaps"], "--rewrites"),
        (["--time", "0"], "--time"),
        (["--out", "/proc/no"], "cannot write"),
    ],
)
def test_bad_input_is_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *words])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_network_trained_by_hand_has_no_loop():
    with pytest.raises(UserError, match="trained in NumPy"):
        ModelSubject.of(TrainSettings(model="reference")).graph(loops.scanned, 4)


def test_an_interrupt_keeps_what_was_measured(tmp_path):
    code = (
        "import os, signal\nfrom graphrnn.comparison import measure\n"
        "from graphrnn.comparison.subjects import BuilderSubject\n"
        "from tests.comparison.test_comparison import Form, built\n"
        "forms = [Form('scan', 'native')]\n"
        "plan = measure.Plan(BuilderSubject(built), forms, (3, 4), 1, rounds=1)\n"
        "def keep(found): os.kill(os.getpid(), signal.SIGINT)\n"
        "def say(what, done, total):\n"
        "    if done == 1 and what.startswith('T = 4'): os.kill(os.getpid(), signal.SIGINT)\n"
        "found = measure.compare(plan, say)\nprint([c.time for c in found.cells])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[0] == "[3]"


def test_a_process_does_not_count_the_memory_of_the_one_that_started_it():
    held = np.ones(40_000_000)  # 320 MB
    code = "from graphrnn.comparison.worker import largest_size; print(largest_size())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2e7 < int(ran.stdout) < held.nbytes


def test_a_form_that_fails_when_it_runs_is_left_out_and_the_rest_goes_on():
    def build(loop, time):
        inputs, outputs, changes = built(loop, time)
        if loop is loops.unrolled:
            outputs = [raise_op.Assert("no")(outputs[0], at.lt(inputs[1], -1.0))]
        return inputs, outputs, changes

    forms = [Form("scan", "native"), UNROLLED]
    plan = measure.Plan(BuilderSubject(build), forms, (3,), 10, rounds=1)
    scan, unrolled = measure.compare(plan).cells
    assert scan.forward.median > 0
    assert unrolled.training is None
    assert unrolled.problem.startswith("does not run: AssertionError: no")


@pytest.fixture
def echo(tmp_path):
    """A process that answers each line with nothing, once it has counted for a while."""
    code = "for line in open(0):\n    sum(range(10**7))\n    print('{}', flush=True)"
    pipe = Pipe([sys.executable, "-c", code], os.environ, tmp_path / "errors")
    yield pipe
    pipe.close()


@pytest.mark.parametrize(
    ("used", "looks"), [([4, 4], 2), ([4, 7, 9, 9, 9], 4), ([None, 5, None, 8, 8], 5)]
)
def test_a_process_is_waited_for_until_it_uses_no_processor(echo, monkeypatch, used, looks):
    message = iter(used)
    monkeypatch.setattr(echo, "_used", lambda: next(message))
    monkeypatch.setattr(pipes, "LOOK", 0)
    monkeypatch.setattr(pipes, "RESTLESS", 60)
    echo.rest()
    assert len(list(message)) == len(used) - looks


def test_a_process_that_never_rests_is_left_as_it_is(echo, monkeypatch):
    monkeypatch.setattr(echo, "_used", count().__next__)
    monkeypatch.setattr(pipes, "LOOK", 0)
    echo.rest()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells in /proc")
def test_what_a_process_has_used_grows(echo):
    before = echo._used()
    for _ in range(3):
        echo.answer({}, 60)
    assert echo._used() > before
