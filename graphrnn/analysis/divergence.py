"""The norm of d loss / d h_t at every time step, for a network whose training diverged.

It builds the gradient of an existing network, and changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from graphrnn.analysis.gradient_flow import nudged
from graphrnn.backends.compile import Report, silent
from graphrnn.data.batches import Batch
from graphrnn.data.text import Indices
from graphrnn.graph import losses, updates
from graphrnn.graph.initial import Array
from graphrnn.graph.shapes import Step, Tensor, tensor
from graphrnn.models.network import GraphSpec, Network
from graphrnn.runs.checkpoint import load_checkpoint
from graphrnn.sampling.networks import network_in

import aesara.tensor as at
import numpy as np

SHOWN = 8
"""Steps whose norms are shown, evenly spread."""


def through_time(network: Network, x: Indices, y: Indices, report: Report = silent) -> list[Array]:
    """Return the norm of d loss / d h_t for each t, an array `(T,)` for each layer that loops.

    n_t = 1/B Σ_b ‖B · d_h[t, b]‖        the loss is that of training, from a zero state

    Shapes: x, y `(T, B)`. A network that is unrolled by hand has no loop, so the list is empty.
    """
    if network.model.by_hand:
        return []

    def graph() -> GraphSpec:
        inputs = tensor("x", "int32", x.shape), tensor("y", "int32", y.shape)
        nudges: list[Tensor] = []

        def loop(
            step: Step,
            sequences: Sequence[Tensor],
            states: Sequence[Tensor],
            constants: Sequence[Tensor] = (),
        ) -> list[Tensor]:
            nudge = at.zeros((len(x), *states[0].type.shape), dtype=network.dtype)
            nudges.append(nudge)
            return nudged(network.loop, nudge)(step, sequences, states, constants)

        start = network.zero_states(x.shape[1])
        logits, _ = network.model.forward(
            inputs[0], start, network.evaluation_weights(x.shape[1]), loop
        )
        loss = losses.summed(losses.cross_entropy(logits, network.targets(inputs[1])))
        grads = updates.gradients(loss, nudges) if nudges else []
        norms = [at.sum(at.sqrt(at.sum(at.square(d_h), axis=-1)), axis=-1) for d_h in grads]
        return list(inputs), [loss, *norms], []

    return list(network.compiled(graph, "gradients in time", report)(x, y)[1:])


def norms_at_divergence(
    network: Network, batch: Batch, last: Path, report: Report = silent
) -> list[str]:
    """Describe the norms of the gradient over time, for the batch at which training diverged.

    The weights are those at the divergence or, if these are not finite, those of the last
    checkpoint; without one, the list is empty.
    """
    whose = "the weights of that moment"
    if not all(np.isfinite(w.get_value(borrow=True)).all() for w in network.weights.values()):
        if not last.exists():
            return []
        network = network_in(load_checkpoint(last), backend=network.backend)
        whose = "those of the last checkpoint"
    lines = []
    layers = through_time(network, *batch, report)
    for k, norms in enumerate(layers):
        time = len(norms)
        at_steps = sorted({round((time - 1) * j / (SHOWN - 1)) for j in range(SHOWN)})
        if k == 0:
            steps = "  ".join(f"{t + 1:>8}" for t in at_steps)
            lines.append(f"\nnorm of d loss / d h_t for the last batch, with {whose}\n")
            lines.append(f"  t        {steps}")
        shown = "  ".join(f"{norms[t]:8.1e}" for t in at_steps)
        lines.append(f"  layer {k + 1}  {shown}")
    return lines
