"""The benchmark's parts: workloads, one file a peer, the workers, limits, and the report.

`work`, `worker` and the `*_peer` files run in two environments and know NumPy alone, besides the
peer's own library, which is imported where it is used.
"""
