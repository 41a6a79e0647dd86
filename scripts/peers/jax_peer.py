"""JAX: `lax.scan` under `jit`, the parameters donated.

As its documentation advises: one jitted function for the whole step, a scan instead of a Python
loop, the input's part projected for all times before it, buffers of the old parameters donated.
"""

from typing import Any

from scripts.peers.trained import Trained, Writer
from scripts.peers.work import Array, Weights, Work


def versions() -> str:
    """Describe which JAX."""
    import jax

    return f"jax {jax.__version__}, backend {jax.default_backend()}"


def start(threads: int) -> None:
    """Nothing: XLA takes as many threads as processors are allowed to this process."""


def one_step(work: Work, states: Any, zx_t: Any, W_h: Any, b_n: Any) -> Any:
    """Take one step of the cell; states and zx_t `(B, …)`."""
    import jax
    import jax.numpy as jnp

    h = states[0]
    if work.cell == "rnn":
        activation = jax.nn.relu if work.one_hot else jnp.tanh
        return (activation(zx_t + h @ W_h),)
    if work.cell == "gru":
        (zx_r, zx_u, zx_n), (zh_r, zh_u, zh_n) = (jnp.split(z, 3, -1) for z in (zx_t, h @ W_h))
        r, u = jax.nn.sigmoid(zx_r + zh_r), jax.nn.sigmoid(zx_u + zh_u)
        n = jnp.tanh(zx_n + r * (zh_n + b_n))
        return ((1 - u) * n + u * h,)
    i, f, g, o = jnp.split(zx_t + h @ W_h, 4, -1)
    c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def logits_of(work: Work, W: Any, x: Any, keep: Any) -> Any:
    """Return the logits `(T, B, V)`."""
    import jax
    import jax.numpy as jnp

    h = jax.nn.one_hot(x, len(W["b_y"])) if work.one_hot else W["E"][x]
    zero = jnp.zeros((x.shape[1], work.hidden), "float32")
    for k in range(work.layers):
        zx = h @ W[f"W_x{k}"] + W[f"b{k}"]

        def body(states: Any, zx_t: Any, k: int = k) -> Any:
            states = one_step(work, states, zx_t, W[f"W_h{k}"], W.get(f"b_n{k}"))
            return states, states[0]

        _, h = jax.lax.scan(body, (zero, zero) if work.cell == "lstm" else (zero,), zx)
        if len(keep):
            h = h * keep[k]
    return h @ W["W_y"] + W["b_y"]


def build(work: Work, weights: Weights, masks: list[Array], variant: str) -> Trained:
    """Build the training step."""
    import jax
    import jax.numpy as jnp

    keep = tuple(jnp.asarray(mask) for mask in masks)
    held = {"W": {name: jnp.asarray(value) for name, value in weights.items()}}

    def loss_of(W: Any, x: Any, y: Any, keep: Any) -> Any:
        logits = logits_of(work, W, x, keep)
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], -1)
        return -picked.sum() / x.shape[1], (logits.argmax(-1) == y).mean()

    def updated(W: Any, x: Any, y: Any, keep: Any) -> Any:
        (loss, hits), grads = jax.value_and_grad(loss_of, has_aux=True)(W, x, y, keep)
        return jax.tree.map(lambda w, g: w - work.rate * g, W, grads), loss, hits

    compiled = jax.jit(updated, donate_argnums=0)

    def step(x: Any, y: Any) -> float:
        held["W"], loss, hits = compiled(held["W"], x, y, keep)
        float(hits)
        return float(loss)

    return Trained(lambda x, y: (jnp.asarray(x), jnp.asarray(y)), step)


def writer(work: Work, weights: Weights, variant: str) -> Writer:
    """Build a network that writes: all characters in one scan under jit."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    import numpy as np

    W = {name: jnp.asarray(value) for name, value in weights.items()}
    kept: dict[str, Any] = {}

    def after(W: Any, states: Any, index: Any) -> Any:
        zx_t = W["E"][index] @ W["W_x0"] + W["b0"]
        states = one_step(work, states, zx_t, W["W_h0"], W.get("b_n0"))
        return states, states[0] @ W["W_y"] + W["b_y"]

    def reading(W: Any, x: Any) -> Any:
        zero = jnp.zeros((1, work.hidden), "float32")
        states, logits = jax.lax.scan(partial(after, W), (zero, zero), x[:, None])
        return states, logits[-1]

    def writing(W: Any, states: Any, logits: Any, key: Any, n: int) -> Any:
        def body(carry: Any, key: Any) -> Any:
            states, logits = carry
            index = jax.random.categorical(key, logits.at[:, 0].set(-jnp.inf))
            return after(W, states, index), index

        return jax.lax.scan(body, (states, logits), jax.random.split(key, n))[1]

    compiled = jax.jit(writing, static_argnums=4)

    def read(x: Array) -> Array:
        kept["states"], kept["logits"] = jax.jit(reading)(W, jnp.asarray(x))
        return np.asarray(kept["logits"][0])

    def write(n: int) -> list[int]:
        drawn = compiled(W, kept["states"], kept["logits"], jax.random.key(0), n)
        return [int(index) for index in np.asarray(drawn)[:, 0]]

    return Writer(read, write)
