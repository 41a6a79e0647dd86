"""The number of threads that a function runs on."""

import os
from pathlib import Path

MAX_THREADS = 256


SHARE = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux has a container's quota of processor time, and the period that it is for."""


def default_threads() -> int:
    """Return OMP_NUM_THREADS if it is set, else the number of processors for this process.

    A container may see more processors than its quota allows it to use.
    """
    requested = os.environ.get("OMP_NUM_THREADS", "")
    if requested.isdigit() and int(requested) > 0:
        return min(int(requested), MAX_THREADS)
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        quota, period = SHARE.read_text(encoding="ascii").split()
        share = -(-int(quota) // int(period))
    except (OSError, ValueError):
        share = count
    return max(1, min(count, share, MAX_THREADS))
