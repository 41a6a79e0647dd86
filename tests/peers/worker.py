"""Runs PyTorch's and Keras's recurrent layers in their own environment: `worker.py IN OUT`.

IN is an .npz whose arrays are named peer:cell:dtype/name: x `(T, B, I)`, h_0 (and c_0) `(B, H)`,
the layer's weights by the peer's own names, and pull `(T, B, H)`, which the outputs are multiplied
by to make a scalar. OUT gets h `(T, B, H)`, c at the end, and the gradients as d_NAME.
"""

import sys

import numpy as np


def leaf(array):
    """Make a tensor that gradients are wanted of."""
    import torch

    return torch.tensor(array, requires_grad=True)


def run_torch(cell, a):
    """Call PyTorch's layer."""
    import torch

    kinds = {"rnn_tanh": ("RNN", "tanh"), "rnn_relu": ("RNN", "relu")}
    kind, activation = kinds.get(cell, (cell.upper(), None))
    options = {"nonlinearity": activation} if activation else {}
    n_in, hidden = a["x"].shape[2], a["h_0"].shape[1]
    layer = getattr(torch.nn, kind)(n_in, hidden, **options).to(torch.tensor(a["x"]).dtype)
    layer.load_state_dict({n: torch.tensor(a[n]) for n in layer.state_dict()}, strict=True)
    x, states = leaf(a["x"]), {n: leaf(a[n]) for n in ("h_0", "c_0") if n in a}
    first = tuple(state[None] for state in states.values())
    h, last = layer(x, first if cell == "lstm" else first[0])
    (h * torch.tensor(a["pull"])).sum().backward()
    grads = {"x": x, **states, **dict(layer.named_parameters())}
    return {"h": h, **({"c": last[1][0]} if cell == "lstm" else {})}, grads


def run_keras(cell, a):
    """Call Keras's layer; its axes are batch, time, units."""
    import keras
    import torch

    kinds = {"rnn_tanh": ("SimpleRNN", "tanh"), "rnn_relu": ("SimpleRNN", "relu")}
    kind, activation = kinds.get(cell, (cell.upper(), "tanh"))
    options = {"reset_after": True} if cell == "gru" else {}
    # Keras multiplies in the precision of its default, not of the layer.
    keras.config.set_floatx(str(a["x"].dtype))
    layer = getattr(keras.layers, kind)(
        a["h_0"].shape[1], activation=activation, return_sequences=True, return_state=True,
        dtype=str(a["x"].dtype), **options,
    )  # fmt: skip
    time, batch, n_in = a["x"].shape
    layer.build((batch, time, n_in))
    names = ("kernel", "recurrent_kernel", "bias")
    layer.set_weights([a[name] for name in names])
    x, states = leaf(a["x"]), {n: leaf(a[n]) for n in ("h_0", "c_0") if n in a}
    h, *last = layer(x.transpose(0, 1), initial_state=list(states.values()))
    h = h.transpose(0, 1)
    (h * torch.tensor(a["pull"])).sum().backward()
    weights = {n: v.value for n, v in zip(names, layer.trainable_weights, strict=True)}
    return {"h": h, **({"c": last[1]} if cell == "lstm" else {})}, {"x": x, **states, **weights}


def main():
    """Read, run every case, write."""
    import keras
    import torch

    torch.set_num_threads(1)
    cases = {}
    with np.load(sys.argv[1]) as file:
        for key in file.files:
            case, name = key.split("/")
            cases.setdefault(case, {})[name] = file[key]
    results = {
        "versions/torch": np.array(torch.__version__),
        "versions/keras": np.array(keras.__version__),
    }
    for case, arrays in cases.items():
        peer, cell, _ = case.split(":")
        outputs, leaves = {"torch": run_torch, "keras": run_keras}[peer](cell, arrays)
        for name, value in outputs.items():
            results[f"{case}/{name}"] = value.detach().numpy()
        for name, value in leaves.items():
            results[f"{case}/d_{name}"] = value.grad.numpy()
    np.savez(sys.argv[2], **results)


if __name__ == "__main__":
    main()
