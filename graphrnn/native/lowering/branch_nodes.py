"""Which nodes only one branch of an `ifelse` needs."""

from typing import Any

from aesara.ifelse import IfElse


def lazy_nodes(fgraph: Any, order: list[Any]) -> dict[Any, tuple[Any, int]]:
    """Return the nodes that one branch of one `ifelse` needs and nothing else does."""
    lazy: dict[Any, tuple[Any, int]] = {}
    if not any(isinstance(node.op, IfElse) for node in order):
        return lazy
    for node in reversed(order):
        owners: set[tuple[Any, int] | None] = set()
        for output in node.outputs:
            for client, position in fgraph.clients[output]:
                if client == "output":
                    owners.add(None)
                elif isinstance(client.op, IfElse) and position > 0:
                    owners.add((client, (position - 1) // client.op.n_outs))
                else:
                    owners.add(lazy.get(client))
        owner = owners.pop() if len(owners) == 1 else None
        if owner is not None:
            lazy[node] = owner
    return lazy
