"""PyTorch: `torch.nn` layers, eager or under `torch.compile`.

As its documentation advises: one call of `nn.RNN`, `nn.GRU` or `nn.LSTM` over all times, gradients
set to None, `inference_mode` for writing. `torch.compile` leaves recurrent layers eager unless
`torch._dynamo.config.allow_rnn` is set, as its message says; it is set here.
"""

import time as clock
from typing import Any

from scripts.peers.trained import Trained, Writer
from scripts.peers.work import Array, Product, Weights, Work


def versions() -> str:
    """Describe which PyTorch, on which libraries."""
    import torch

    mkl = "MKL" if torch.backends.mkl.is_available() else "no MKL"
    dnn = "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN"
    return f"torch {torch.__version__}, {mkl}, {dnn}, threads: {torch.get_num_threads()}"


def start(threads: int) -> None:
    """Set what the whole process has."""
    import torch

    torch.set_num_threads(threads)


def layers(work: Work, weights: Weights) -> tuple[Any, list[Any], Any]:
    """Make embedding (None for one-hot input), recurrent layers and the dense one.

    PyTorch has a second bias where ours has none; it is zero and stays so.
    """
    import torch

    W = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
    H = work.hidden
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[work.cell]
    options = {"nonlinearity": "relu"} if work.one_hot else {}
    embed = None if work.one_hot else torch.nn.Embedding(*W["E"].shape)
    stack = [kind(H if k else work.n_in, H, **options) for k in range(work.layers)]
    dense = torch.nn.Linear(H, len(W["b_y"]))
    with torch.no_grad():
        if embed is not None:
            embed.weight.copy_(W["E"])
        dense.weight.copy_(W["W_y"].T)
        dense.bias.copy_(W["b_y"])
        for k, layer in enumerate(stack):
            layer.weight_ih_l0.copy_(W[f"W_x{k}"].T)
            layer.weight_hh_l0.copy_(W[f"W_h{k}"].T)
            layer.bias_ih_l0.copy_(W[f"b{k}"])
            second = layer.bias_hh_l0
            second.zero_()
            if work.cell == "gru":
                second[2 * H :] = W[f"b_n{k}"]
                mask = torch.zeros(3 * H)
                mask[2 * H :] = 1
                second.register_hook(lambda gradient, mask=mask: gradient * mask)
            else:
                second.requires_grad_(False)
    return embed, stack, dense


def build(work: Work, weights: Weights, masks: list[Array], variant: str) -> Trained:
    """Build the training step."""
    import torch
    from torch.nn.functional import cross_entropy, one_hot

    embed, stack, dense = layers(work, weights)
    n_symbols = len(weights["b_y"])
    keep = [torch.from_numpy(mask) for mask in masks]
    modules = [module for module in (embed, *stack, dense) if module is not None]
    params = [p for module in modules for p in module.parameters() if p.requires_grad]
    kind = torch.optim.Adam if work.optimizer == "adam" else torch.optim.SGD
    optimizer = kind(params, lr=work.rate)

    def logits_of(x: Any, keep: list[Any]) -> Any:
        h = embed(x) if embed is not None else one_hot(x, n_symbols).float()
        for k, layer in enumerate(stack):
            h = layer(h)[0]
            if keep:
                h = h * keep[k]
        return dense(h)

    def forward(x: Any, y: Any, keep: list[Any]) -> tuple[Any, Any]:
        logits = logits_of(x, keep)
        summed = cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum")
        return summed / x.shape[1], (logits.argmax(-1) == y).float().mean()

    if variant == "compile":
        torch._dynamo.config.allow_rnn = True
        forward = torch.compile(forward)

    def prepare(x: Array, y: Array) -> tuple[Any, ...]:
        return torch.from_numpy(x).long(), torch.from_numpy(y).long()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss, hits = forward(x, y, keep)
        loss.backward()
        optimizer.step()
        hits.item()
        return float(loss.item())

    def evaluate(x: Array, y: Array) -> float:
        indices, targets = prepare(x, y)
        with torch.inference_mode():
            logits = logits_of(indices, [])
            return float(cross_entropy(logits.flatten(0, 1), targets.flatten()))

    return Trained(prepare, step, evaluate)


def writer(work: Work, weights: Weights, variant: str) -> Writer:
    """Build a network that writes, one character at a time, its state handed on."""
    import torch

    embed, stack, dense = layers(work, weights)
    (layer,) = stack
    kept: dict[str, Any] = {}

    def read(x: Array) -> Array:
        with torch.inference_mode():
            h, kept["state"] = layer(embed(torch.from_numpy(x).long()[:, None]))
            kept["logits"] = dense(h[-1, 0])
        answer: Array = kept["logits"].numpy()
        return answer

    def write(n: int) -> list[int]:
        drawn: list[int] = []
        with torch.inference_mode():
            logits, state = kept["logits"], kept["state"]
            for _ in range(n):
                logits[0] = -torch.inf
                index = torch.multinomial(torch.softmax(logits, 0), 1)
                drawn.append(int(index.item()))
                h, state = layer(embed(index[:, None]), state)
                logits = dense(h[0, 0])
        return drawn

    return Writer(read, write)


def product_rates(shapes: list[Product], seconds: float) -> list[float]:
    """Measure products of float32 matrices, in operations a second, for each (m, k, n)."""
    import torch

    rates = []
    for m, k, n in shapes:
        a, b, out = torch.rand(m, k), torch.rand(k, n), torch.empty(m, n)
        times: list[float] = []
        torch.mm(a, b, out=out)
        while sum(times) < seconds or len(times) < 3:
            began = clock.perf_counter()
            torch.mm(a, b, out=out)
            times.append(clock.perf_counter() - began)
        rates.append(2.0 * m * k * n / sorted(times)[len(times) // 2])
    return rates
