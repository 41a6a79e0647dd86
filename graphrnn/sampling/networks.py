"""Checkpoint → network, and how it reads a text."""

from graphrnn.backends.compile import BACKENDS
from graphrnn.errors import UserError, unknown
from graphrnn.models import model_named
from graphrnn.models.from_settings import require_fitting, require_short_enough, sizes_of
from graphrnn.models.network import Network, share
from graphrnn.runs.checkpoint import Checkpoint
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.sampling import StateUse


def network_in(
    checkpoint: Checkpoint, *, backend: str = "auto", threads: int | None = None
) -> Network:
    """Build the network of a checkpoint, with its weights.

    Raises:
        UserError: its weights do not fit its settings, or there is no such backend.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    settings = checkpoint.header.settings
    model = model_named(settings.model)
    sizes = sizes_of(settings, len(checkpoint.vocabulary))
    require_short_enough(settings)
    require_fitting(settings, sizes.vocabulary, checkpoint.weights)
    return Network(model, sizes, share(checkpoint.weights), backend=backend, threads=threads)


def carries_state(network: Network, state: StateUse) -> bool:
    """Return whether a network's state goes on through a text, or each window begins from zero.

    Raises:
        UserError: it is to be carried, and the network has none.
    """
    has_state = bool(network.model.state_widths(network.sizes))
    if state == "carried" and not has_state:
        raise UserError(
            f"--state carried: {network.model.name} is laid out for windows of one length and has "
            "no state; leave --state out"
        )
    trained = recipe_for(network.model.name).carries_state
    return has_state and (state == "carried" or (state == "as-trained" and trained))
