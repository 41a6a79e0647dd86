"""The data of an inspection: a graph at each stage, its history, its costs and its code."""

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from graphrnn.backends.loop_bodies import body_in
from graphrnn.errors import UserError, unknown
from graphrnn.inspection.costs.costs import Costs, Machine, Moment, count_costs, memory
from graphrnn.inspection.costs.profile import Measured, measure, measure_native
from graphrnn.inspection.listing.code import NativeSource, code_of
from graphrnn.inspection.listing.folding import Difference, compare, folded_text
from graphrnn.inspection.listing.lines import Listing, make_listing
from graphrnn.inspection.listing.native_program import native_text
from graphrnn.inspection.record.graph import (
    Ends,
    Graph,
    Node,
    ends_of,
    is_scan,
    own_body,
    record,
    snapshot,
)
from graphrnn.inspection.record.shapes import Lengths
from graphrnn.inspection.record.sources import Source, mode_of
from graphrnn.inspection.rewriting.history import GraphHistory, Step, steps_of
from graphrnn.inspection.rewriting.provenance import Origin, Provenance
from graphrnn.inspection.rewriting.recorder import Rewritten, rewrite
from graphrnn.inspection.rewriting.timing import Timing
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import NativeLinker
from graphrnn.native.lowering.lowering import LoweringError

STAGES = ("written", "gradient", "rewritten", "native")


class Stages:
    """The stages, history, costs and code of one graph. Everything is computed lazily."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.graph = cache(self._graph)
        self.costs = cache(self._costs)
        self.lengths = cache(self._lengths)

    @property
    def title(self) -> str:
        """The name of the graph."""
        return self.source.title

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages that exist for this graph."""
        native = isinstance(mode_of(self.source).linker, NativeLinker)
        uncompiled = self.source.function is None
        exists = (uncompiled, bool(self.source.updates), True, native)
        return tuple(stage for stage, here in zip(STAGES, exists, strict=True) if here)

    @property
    def first(self) -> str:
        """The stage closest to what the user wrote, with gradients if there are any."""
        return next(s for s in ("gradient", "written", "rewritten") if s in self.stages)

    def known(self, stage: str) -> str:
        """Check the name of a stage and return it.

        Raises:
            UserError: it is no stage, or this graph does not have it.
        """
        if stage not in STAGES:
            raise unknown("stage", stage, STAGES)
        if stage not in self.stages:
            compiled = (
                "it was compiled before anybody looked; give its variables, or what builds it"
            )
            reason = {
                "written": compiled,
                "gradient": compiled
                if self.source.function is not None
                else "it has no updates, so nothing was differentiated for a step",
                "native": "it is not compiled by the native backend; say --backend native",
            }[stage]
            raise UserError(
                f"stage {stage!r} does not exist for {self.title}: {reason} "
                f"(there are: {', '.join(self.stages)})"
            )
        return stage

    @cached_property
    def rewritten(self) -> Rewritten:
        """The graph after rewriting, with its history and the time of each rewrite.

        Raises:
            UserError: the graph was compiled before.
        """
        self.known("written")
        return rewrite(self.source, measured=True)

    def _graph(self, stage: str) -> Graph:
        """Return the record of a stage; "native" has that of "rewritten"."""
        self.known(stage)
        source = self.source
        if stage in ("rewritten", "native"):
            if source.function is not None:
                return _compiled_graph(source)
            return self.rewritten.graph()
        updates = source.updates if stage == "gradient" else ()
        inputs = list(dict.fromkeys([*source.inputs, *(old for old, _ in updates)]))
        inputs += [v for v in _sources_of(source) if v not in inputs]
        outputs = [*source.outputs, *(new for _, new in updates)]
        mapping = {len(source.outputs) + k: inputs.index(old) for k, (old, _) in enumerate(updates)}
        return record(inputs, outputs, mapping)

    def listing(self, stage: str = "rewritten") -> Listing:
        """Return the listing of a stage."""
        graph = self.graph(self.known(stage))
        return make_listing(graph, f"{self.title}, {stage}", self.lengths(stage))

    def text(self, stage: str = "rewritten", *, folded: bool = False) -> str:
        """Return the listing of a stage as text; `folded` shows repeated steps once."""
        if self.known(stage) == "native":
            return native_text(self.title, self.fgraph)
        listing = self.listing(stage)
        return folded_text(listing) if folded else listing.text()

    def diff(self, a: str, b: str) -> list[Difference]:
        """Compare two stages."""
        for stage in (a, b):
            if self.known(stage) == "native":
                raise UserError(
                    "stage 'native' is a program and no graph; compare written, gradient, rewritten"
                )
        return compare(self.listing(a), self.listing(b))

    def _lengths(self, stage: str = "rewritten") -> Lengths:
        """Infer the shapes in the graph of a stage."""
        return Lengths(self.graph(stage))

    @cached_property
    def machine(self) -> Machine:
        """The measured peak rates of this machine."""
        from graphrnn.inspection.costs.machine import measured_machine

        return measured_machine()

    def _costs(self, machine: Machine | None = None) -> Costs:
        """Count the costs of the rewritten graph; with a machine, what bounds each node."""
        return count_costs(self.graph("rewritten"), self.lengths("rewritten"), machine)

    def measured(self) -> Measured:
        """Measure the time of every node by running the graph on its backend.

        Raises:
            UserError: an input is no array, or its lengths are unknown.
        """
        linker = mode_of(self.source).linker
        if isinstance(linker, NativeLinker):
            try:
                return measure_native(self.fgraph, threads=linker.threads, target=linker.target)
            except (Unsupported, LoweringError) as error:
                raise UserError(
                    f"the native backend does not cover this graph ({error}); "
                    "measure with --backend aesara or --backend python"
                ) from error
        return measure(self.source)

    def memory(self) -> list[Moment]:
        """Compute the memory in use along the schedule of the rewritten graph."""
        return memory(self.graph("rewritten"), self.lengths("rewritten"))

    @property
    def histories(self) -> list[GraphHistory]:
        """The history of rewriting: the outer graph's, then those of loop bodies."""
        return [] if self.source.function is not None else self.rewritten.histories()

    def steps(self, *, folded: bool = True) -> list[tuple[GraphHistory, Step]]:
        """Return the steps of rewriting; `folded` leaves out merges and constant folding."""
        return [(h, step) for h in self.histories for step in steps_of(h, folded=folded)]

    @property
    def timing(self) -> Timing:
        """The time of each rewrite."""
        return Timing() if self.source.function is not None else self.rewritten.timing

    @cached_property
    def _provenance(self) -> Provenance:
        return Provenance(self.histories)

    def origin(self, node: Node) -> Origin:
        """Return the origin of a node."""
        return self._provenance.of(node)

    @cached_property
    def native(self) -> NativeSource:
        """The C file of the native backend."""
        self.known("native")
        values = [v.get_value() if hasattr(v, "get_value") else None for v in self.fgraph.inputs]
        return NativeSource(self.fgraph, values)

    @property
    def fgraph(self) -> Any:
        """The graph after rewriting, as Aesara holds it."""
        function = self.source.function
        return function.maker.fgraph if function is not None else self.rewritten.fgraph

    def code(self, node: Node) -> tuple[str, str]:
        """Return the language and the code that runs a node."""
        if "native" in self.stages:
            c_code = self.native.of(node.apply, self.lengths("rewritten"))
            if c_code:
                return "C (native)", c_code
        return code_of(node)


def _sources_of(source: Source) -> Sequence[Any]:
    """Return the shared variables that a graph reads, which are not explicit inputs."""
    from aesara.compile.sharedvalue import SharedVariable
    from aesara.graph.basic import graph_inputs

    outputs = [*source.outputs, *(new for _, new in source.updates)]
    return [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]


def _compiled_graph(source: Source) -> Graph:
    """Return the record of a compiled function."""
    function = source.function
    if not isinstance(mode_of(source).linker, NativeLinker):
        return snapshot(function.maker.fgraph)

    def body(op: Any) -> Ends:
        return ends_of(body_in(function, op)) if is_scan(op) else own_body(op)

    return snapshot(function.maker.fgraph, body_of=body)
