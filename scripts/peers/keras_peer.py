"""Keras 3 on the backend that the environment names (KERAS_BACKEND): torch or jax.

As its guides advise: a functional model, `compile` with its own choice of jit, `train_on_batch`.
"""

from typing import Any

from scripts.peers.trained import Trained
from scripts.peers.work import Array, Weights, Work

import numpy as np


def versions() -> str:
    """Describe which Keras, on which backend."""
    import keras

    return f"keras {keras.__version__} on {keras.backend.backend()}"


def start(threads: int) -> None:
    """Set what the whole process has."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)


def _swapped(array: Array) -> Array:
    """Exchange the first two of three gates: our r, u, n are Keras's z, r, h, z being our u."""
    first, second, third = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)


def _weights(work: Work, weights: Weights, k: int) -> list[Array]:
    """Return a layer's weights as Keras lays them out; see tests/peers/layouts.py."""
    W_x, W_h, b = (weights[f"{name}{k}"] for name in ("W_x", "W_h", "b"))
    if work.cell != "gru":
        return [W_x, W_h, b]
    second = np.concatenate([np.zeros(2 * work.hidden, "float32"), weights[f"b_n{k}"]])
    return [_swapped(W_x), _swapped(W_h), _swapped(np.stack([b, second]))]


def _fixed(work: Work) -> Any:
    """Keep zero what ours does not have: the second biases of the GRU's gates."""
    import keras

    free = np.zeros((2, 3 * work.hidden), "float32")
    free[0], free[1, 2 * work.hidden :] = 1, 1
    return lambda bias: bias * keras.ops.convert_to_tensor(free)


def build(work: Work, weights: Weights, masks: list[Array], variant: str) -> Trained:
    """Build the training step; Keras's axes are batch, time, units."""
    import keras

    V = len(weights["b_y"])
    x_in = keras.Input((work.time,), dtype="int32", batch_size=work.batch)
    keep_in = [keras.Input((1, work.hidden), batch_size=work.batch) for _ in masks]
    loaded = []
    if work.one_hot:
        h = keras.ops.one_hot(x_in, V)
    else:
        embed = keras.layers.Embedding(V, work.n_in)
        h = embed(x_in)
        loaded.append((embed, [weights["E"]]))
    kinds = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
    for k in range(work.layers):
        options: dict[str, Any] = {"activation": "relu" if work.one_hot else "tanh"}
        if work.cell == "gru":
            options |= {"reset_after": True, "bias_constraint": _fixed(work)}
        layer = getattr(keras.layers, kinds[work.cell])(
            work.hidden, return_sequences=True, **options
        )
        h = layer(h)
        loaded.append((layer, _weights(work, weights, k)))
        if masks:
            h = keras.layers.Multiply()([h, keep_in[k]])
    dense = keras.layers.Dense(V)
    model = keras.Model([x_in, *keep_in], dense(h))
    loaded.append((dense, [weights["W_y"], weights["b_y"]]))
    for layer, values in loaded:
        layer.set_weights(values)
    # The loss is summed over all characters; SGD's rate sees to the mean over the batch.
    model.compile(
        optimizer=keras.optimizers.SGD(work.rate / work.batch),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
        metrics=["accuracy"],
    )
    keep = [mask[:, None] for mask in masks]

    def prepare(x: Array, y: Array) -> tuple[Any, ...]:
        return np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)

    def step(x: Any, y: Any) -> float:
        # Without this, the loss that comes back is the mean since the first step.
        model.reset_metrics()
        inputs = [x, *keep] if keep else x
        loss, _ = model.train_on_batch(inputs, y)
        return float(loss) / work.batch

    return Trained(prepare, step)
