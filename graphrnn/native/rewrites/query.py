"""Which of Aesara's rewrites this backend asks for, outside and inside of loops."""

import functools
from collections.abc import Callable
from typing import Any

from graphrnn.native.rewrites import (  # noqa: F401
    constant_folding,
    lookup_tables,
    loops,
    slices,
    softmax,
    static_shapes,
)
from graphrnn.upstream import scan_faults  # noqa: F401
from graphrnn.upstream.faults import sound

import aesara
from aesara.compile.mode import optdb
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.graph.rewriting.db import RewriteDatabaseQuery

# Fusing and working in place are this backend's own business, done on the program; calls of BLAS
# and what needs a C++ compiler are not used; scan_pushout_seqs_ops materialises T x B x H arrays;
# local_dimshuffle_subtensor fails, loudly, on a slice with bounds, and dropping an axis costs
# nothing here. From scan_pushout_add on, each has a namesake of our own.
EXCLUDED = (
    "cxx_only",
    "BlasOpt",
    "fusion",
    "inplace",
    "scan_make_inplace",
    "sound_scan_pushout_seqs_ops",
    "local_dimshuffle_subtensor",
    "sound_scan_pushout_add",  # native_product_after_loop is the same
    "sound_log_sum_exp",  # native_log_sum_exp calls it where it is needed
    "local_subtensor_merge",
    "local_reduce_join",  # it forgets that what is joined must be of one shape
    "topo_constant_folding",  # native_constant_folding calls it where the array stays small
    "constant_folding_for_scan2",
)


@functools.cache
def query(*more: str) -> RewriteDatabaseQuery:
    """Build a query for the usual rewrites, without those that do not serve here."""
    return sound(["fast_run", "native"], ["ShapeOpt", *EXCLUDED, *more])


@functools.lru_cache(maxsize=16)
def body_rewriter(rewrites: RewriteDatabaseQuery) -> Any:
    """Return the rewriter of loop bodies in a graph that these rewrites are applied to."""
    return optdb.query(rewrites.excluding("native_static_shapes"))


class WithoutCompiler(GraphRewriter):  # type: ignore[misc]
    """A rewriter that folds constants in Python instead of compiling C++ for each."""

    def __init__(self, inner: GraphRewriter) -> None:
        super().__init__()
        self.inner = inner

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach what the inner rewriter needs."""
        self.inner.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Rewrite the graph."""
        with aesara.config.change_flags(cxx=""):
            return self.inner.apply(fgraph)


def rewrite_body(
    fgraph: FunctionGraph,
    rewrites: RewriteDatabaseQuery | None = None,
    watch: Callable[[GraphRewriter], GraphRewriter] = lambda rewriter: rewriter,
) -> FunctionGraph:
    """Return a rewritten copy of the body of a loop; the number and order of its ends stay.

    `watch` may put a rewriter of its own around the one that does it.
    """
    body = fgraph.clone()
    watch(WithoutCompiler(body_rewriter(rewrites or query()))).rewrite(body)
    return body
