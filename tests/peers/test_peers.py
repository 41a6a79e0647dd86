"""The same weights in PyTorch's and Keras's layers give the same outputs and gradients as ours.

`make test-peers` runs these, in two environments: the peers need another NumPy than Aesara does.
All cases go to the peers' environment at once, as a file, and come back as one.
"""

import functools
import os
import subprocess
from pathlib import Path

from graphrnn.analysis.gradient_flow import SUBJECTS
from graphrnn.graph import cells
from graphrnn.graph.layers import dense
from graphrnn.graph.loops import LOOPS
from tests.helpers import evaluate
from tests.peers import layouts

import aesara.tensor as at
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers/bin/python"

T, B, I, H = 9, 4, 5, 6  # noqa: E741
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}

# The step, its states, its number of gates, and its weights besides W_x and b.
CELLS = {
    "rnn_tanh": (SUBJECTS["rnn_glorot"].step, 1, 1, ["W_h"]),
    "rnn_relu": (SUBJECTS["rnn_identity"].step, 1, 1, ["W_h"]),
    "gru": (cells.gru, 1, 3, ["W_h", "b_n"]),
    "lstm": (cells.lstm, 2, 4, ["W_h"]),
}


def tolerance(peer, cell, dtype):
    """Say how far apart we may be: Keras's SimpleRNN multiplies in float32 in any case."""
    simple = peer == "keras" and cell.startswith("rnn")
    return TOLERANCE["float32" if simple else dtype]


def arrays(cell, dtype):
    """Draw inputs, states, weights, none of them zero, and what the outputs are multiplied by."""
    rng = np.random.default_rng(list(CELLS).index(cell))
    _, n_states, gates, _ = CELLS[cell]
    shapes = {"x": (T, B, I), "h_0": (B, H), "W_x": (I, gates * H), "W_h": (H, gates * H)}
    shapes |= {"b": (gates * H,), "pull": (T, B, H)}
    shapes |= {"c_0": (B, H)} if n_states == 2 else {}
    shapes |= {"b_n": (H,)} if cell == "gru" else {}
    drawn = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    drawn["W_h"] /= np.sqrt(H)
    return {name: value.astype(dtype) for name, value in drawn.items()}


WEIGHTS = {"W_x", "W_h", "b", "b_n"}


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """Run all cases in the peers' environment; gives the arrays by case/name."""
    if not PYTHON.exists():
        pytest.fail("the peers are not installed: run `make test-peers`")
    folder = tmp_path_factory.mktemp("peers")
    sent = {}
    for peer in layouts.TO:
        for cell in CELLS:
            for dtype in TOLERANCE:
                given = arrays(cell, dtype)
                share = np.random.default_rng(9).standard_normal(given["b"].shape).astype(dtype)
                theirs = {name: value for name, value in given.items() if name not in WEIGHTS}
                theirs |= layouts.TO[peer](cell, given, share)
                sent |= {f"{peer}:{cell}:{dtype}/{name}": value for name, value in theirs.items()}
    np.savez(folder / "in.npz", **sent)
    environment = os.environ | {"KERAS_BACKEND": "torch", "KERAS_HOME": str(folder)}
    worker = Path(__file__).with_name("worker.py")
    done = subprocess.run(
        [PYTHON, worker, folder / "in.npz", folder / "out.npz"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as file:
        return {name: file[name] for name in file.files}


@functools.cache
def ours(cell, dtype, backend, loop):
    """Give our outputs and gradients by name."""
    step, _, _, constants = CELLS[cell]
    given = arrays(cell, dtype)
    pull = given.pop("pull")
    states = [name for name in ("h_0", "c_0") if name in given]
    outputs = ["h", "c"][: len(states)]

    def build(*inputs):
        v = dict(zip(given, inputs, strict=True))
        zx = dense(v["x"], v["W_x"], v["b"])
        results = LOOPS[loop](step, [zx], [v[n] for n in states], [v[n] for n in constants])
        grads = at.grad(at.sum(results[0] * at.constant(pull)), list(inputs))
        return [results[0], *([results[1][-1]] if cell == "lstm" else []), *grads]

    return dict(zip([*outputs, *given], evaluate(build, given, backend), strict=True))


@pytest.mark.parametrize(
    ("backend", "loop"), [("native", "scan"), ("native", "unrolled"), ("python", "scan")]
)
@pytest.mark.parametrize("peer", layouts.TO)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell", CELLS)
def test_same_weights_same_outputs_and_gradients(peers, peer, cell, dtype, backend, loop):
    got = ours(cell, dtype, backend, loop)
    case = f"{peer}:{cell}:{dtype}"
    theirs = {n.split("/")[1]: v for n, v in peers.items() if n.startswith(case + "/")}
    grads = {n.removeprefix("d_"): v for n, v in theirs.items() if n.startswith("d_")}
    if "bias_hh_l0" in grads and cell != "gru":
        # They are added before anything else, so both feel the same.
        left, right = grads["bias_ih_l0"], grads["bias_hh_l0"]
        np.testing.assert_allclose(left, right, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    wanted = {n: theirs[n] for n in ("h", "c") if n in theirs}
    wanted |= {n: grads[n] for n in ("x", "h_0", "c_0") if n in grads} | layouts.FROM[peer](
        cell, grads
    )
    assert wanted.keys() == got.keys()
    for name, value in wanted.items():
        assert got[name].dtype == value.dtype == dtype
        limit = tolerance(peer, cell, dtype)
        np.testing.assert_allclose(
            got[name], value, rtol=limit, atol=limit * max(1, abs(value).max()), err_msg=name
        )


def test_the_peers_are_the_pinned_ones(peers):
    pinned = (ROOT / "scripts/constraints-peers.txt").read_text().split()
    for name in ("torch", "keras"):
        version = str(peers[f"versions/{name}"]).partition("+")[0]
        assert f"{name}=={version}" in pinned
