"""How many threads a function runs on."""

import os
from pathlib import Path

MAX_THREADS = 256


SHARE = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much of the processors a container may use, and in which time."""


def default_threads() -> int:
    """Return OMP_NUM_THREADS where it is set, else the number of processors for this process.

    A container may have a share of more processors than it sees.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return min(int(asked), MAX_THREADS)
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = SHARE.read_text(encoding="ascii").split()
        share = -(-int(quota) // int(period))
    except (OSError, ValueError):
        share = seen
    return max(1, min(seen, share, MAX_THREADS))
