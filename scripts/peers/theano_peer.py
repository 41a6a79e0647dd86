"""PyTensor (Numba or C) and stock Aesara, untuned: the heirs of Theano, in the same words.

Written as the scan tutorials of both have it: shared weights with updates, the input projected
before the loop, constants as non_sequences with `strict`, every length known. Stock Aesara is as it
is installed but for float32 and the folder of its cache; graphrnn's settings are not imported.
"""

import importlib
from typing import Any

from scripts.peers.trained import Trained
from scripts.peers.work import Array, Weights, Work

MODES = {"numba": "NUMBA", "c": "CVM", "stock": "FAST_RUN"}


def library(variant: str) -> tuple[Any, Any]:
    """Import the library and its tensors."""
    name = "aesara" if variant == "stock" else "pytensor"
    return importlib.import_module(name), importlib.import_module(f"{name}.tensor")


def versions(variant: str = "stock") -> str:
    """Describe which library, with which flags."""
    lib, _ = library(variant)
    version = f"{lib.__name__} {lib.__version__}"
    if variant == "numba":
        return f"{version}, numba {importlib.import_module('numba').__version__}"
    return f"{version}, cxx flags {lib.config.gcc__cxxflags or 'default'}, BLAS " + (
        lib.config.blas__ldflags or "none"
    )


def start(threads: int) -> None:
    """Nothing: threads are set by the environment."""


def one_step(work: Work, at: Any) -> Any:
    """Build the step that scan repeats."""
    H = work.hidden

    def cut(z: Any) -> list[Any]:
        return [z[:, k * H : (k + 1) * H] for k in range(work.gates)]

    def rnn(zx_t: Any, h: Any, W_h: Any) -> Any:
        z = zx_t + at.dot(h, W_h)
        return at.maximum(z, 0) if work.one_hot else at.tanh(z)

    def gru(zx_t: Any, h: Any, W_h: Any, b_n: Any) -> Any:
        (zx_r, zx_u, zx_n), (zh_r, zh_u, zh_n) = cut(zx_t), cut(at.dot(h, W_h))
        r, u = at.sigmoid(zx_r + zh_r), at.sigmoid(zx_u + zh_u)
        return (1 - u) * at.tanh(zx_n + r * (zh_n + b_n)) + u * h

    def lstm(zx_t: Any, h: Any, c: Any, W_h: Any) -> Any:
        i, f, g, o = cut(zx_t + at.dot(h, W_h))
        c_t = at.sigmoid(f) * c + at.sigmoid(i) * at.tanh(g)
        return at.sigmoid(o) * at.tanh(c_t), c_t

    return {"rnn": rnn, "gru": gru, "lstm": lstm}[work.cell]


def logits_of(work: Work, lib: Any, at: Any, W: Any, x: Any, keep: Any) -> Any:
    """Build the logits `(T · B, V)`."""
    T, B, H = work.time, work.batch, work.hidden
    flat = x.flatten()
    h = at.extra_ops.to_one_hot(flat, work.n_in, dtype="float32") if work.one_hot else W["E"][flat]
    for k in range(work.layers):
        zx = (at.dot(h, W[f"W_x{k}"]) + W[f"b{k}"]).reshape((T, B, work.gates * H))
        zero = at.zeros((B, H), dtype="float32")
        if B == 1:
            # Scan wants the state's type unchanged: an axis that is known to be 1 is another type.
            zero = at.unbroadcast(zero, 0) if hasattr(at, "unbroadcast") else zero
        constants = [W[f"W_h{k}"], *([W[f"b_n{k}"]] if work.cell == "gru" else [])]
        results, _ = lib.scan(
            one_step(work, at),
            sequences=[zx],
            outputs_info=[zero, zero] if work.cell == "lstm" else [zero],
            non_sequences=constants,
            strict=True,
            return_list=True,
        )
        h = results[0]
        if keep:
            h = h * keep[k]
        h = h.reshape((T * B, H))
    return at.dot(h, W["W_y"]) + W["b_y"]


def build(work: Work, weights: Weights, masks: list[Array], variant: str) -> Trained:
    """Build the training step."""
    lib, at = library(variant)
    T, B = work.time, work.batch
    W = {name: lib.shared(value.copy(), name=name) for name, value in weights.items()}
    keep = [lib.shared(mask, name=f"keep{k}") for k, mask in enumerate(masks)]
    x, y = (at.TensorType("int32", shape=(T, B))(name) for name in "xy")
    logits = logits_of(work, lib, at, W, x, keep)
    target = y.flatten()
    highest = at.max(logits, axis=1, keepdims=True)
    log_sum = at.log(at.sum(at.exp(logits - highest), axis=1)) + highest[:, 0]
    loss = at.sum(log_sum - logits[at.arange(T * B), target]) / B
    hits = at.mean(at.eq(at.argmax(logits, axis=1), target))
    params = list(W.values())
    grads = lib.grad(loss, params)
    # A constant of Python's is float64 in some expressions, and would widen the weights.
    step = [(p, (p - work.rate * g).astype("float32")) for p, g in zip(params, grads, strict=True)]
    compiled = lib.function([x, y], [loss, hits], updates=step, mode=MODES[variant])
    return Trained(lambda x, y: (x, y), lambda x, y: float(compiled(x, y)[0]))
