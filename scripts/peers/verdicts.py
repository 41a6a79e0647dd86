"""Says in words what the figures come to, and names every comparison that a peer wins."""

from scripts.peers.contenders import OURS
from scripts.peers.tables import OWN, Results, median_of
from scripts.peers.work import Work


def comparisons(results: Results) -> list[tuple[str, str, float]]:
    """List what was compared as (what, peer, its time by ours)."""
    listed = []
    for row in results.get("works", []):
        cells = row["cells"]
        ours = median_of(cells, OURS)
        timed = [n for n in cells if n not in OWN and "median" in cells[n]]
        listed += [(row["name"], n, cells[n]["median"] / ours) for n in timed if ours]
    for point in results.get("growth", []):
        cells = point["cells"]
        ours = median_of(cells, OURS)
        timed = [n for n in cells if n != OURS and "median" in cells[n]]
        what = str(Work(**point["work"]))
        listed += [(what, n, cells[n]["median"] / ours) for n in timed if ours]
    for what, key, cells in (
        ("writing", "median", results.get("writing", {}).get("cells", {})),
        ("an epoch of theano_rnn", "seconds", results.get("epoch", {}).get("cells", {})),
        *((f"cold start, {w}", "cold", c) for w, c in results.get("starts", {}).items()),
        *((f"warm start, {w}", "warm", c) for w, c in results.get("starts", {}).items()),
    ):
        ours = cells.get(OURS, {}).get(key)
        timed = [n for n in cells if n not in OWN and key in cells[n]]
        listed += [(what, n, cells[n][key] / ours) for n in timed if ours]
    return list(dict.fromkeys(listed))


def verdict(results: Results) -> str:
    """Count the comparisons in which graphrnn is faster, and name those in which a peer is."""
    listed = comparisons(results)
    lost = sorted((ratio, what, name) for what, name, ratio in listed if ratio < 1)
    count = f"graphrnn is faster in {len(listed) - len(lost)} of {len(listed)} comparisons."
    if not lost:
        return count
    losses = "; ".join(f"{what}: {name}, {ratio:.2f} of its time" for ratio, what, name in lost)
    return f"{count} A peer is faster in: {losses}."


def equal_work(results: Results) -> str:
    """Describe how far the held-out losses are apart, the limit being 1 %."""
    cells = results.get("quality", {}).get("cells", {})
    held_out = [cells[n]["held_out"] for n in (OURS, "PyTorch") if cells.get(n, {}).get("held_out")]
    if len(held_out) < 2:
        return ""
    apart = abs(held_out[0] - held_out[1]) / held_out[1]
    return (
        f"The held-out losses are {apart:.2%} apart, {'within' if apart < 0.01 else 'beyond'} 1 %."
    )
