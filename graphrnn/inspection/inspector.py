"""The door: `inspect` takes anything with a graph in it; an `Inspection` answers about it."""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from graphrnn.errors import UserError, unknown
from graphrnn.inspection.costs import Costs, Machine, Moment, count_costs, memory
from graphrnn.inspection.folding import Difference, compare, folded_text
from graphrnn.inspection.generated import NativeSource, code_of
from graphrnn.inspection.graphs import Ends, Graph, Node, own_body, own_inputs, record, snapshot
from graphrnn.inspection.history import GraphHistory, Step, steps_of
from graphrnn.inspection.lengths import Lengths
from graphrnn.inspection.listing import Listing, make_listing
from graphrnn.inspection.measuring import Measured, measure, measure_native
from graphrnn.inspection.native_stage import native_text
from graphrnn.inspection.provenance import Origin, Provenance
from graphrnn.inspection.rewritten import Rewritten, rewrite
from graphrnn.inspection.sources import Source, find_source, mode_of
from graphrnn.inspection.timing import Timing
from graphrnn.native.linker import NativeLinker
from graphrnn.native.lowering import LoweringError
from graphrnn.native.views import Unsupported

STAGES = ("written", "gradient", "rewritten", "native")


class Inspection:
    """What there is to see of one graph. Nothing is worked out before it is asked for."""

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
        before = self.source.function is None
        there = (before, bool(self.source.updates), True, native)
        return tuple(stage for stage, yes in zip(STAGES, there, strict=True) if yes)

    @property
    def first(self) -> str:
        """The stage that stands for what the user wrote: all of it, if it is still known."""
        return next(s for s in ("gradient", "written", "rewritten") if s in self.stages)

    def _known(self, stage: str) -> str:
        """Check the name of a stage.

        Raises:
            UserError: there is none of that name, or not for this graph.
        """
        if stage not in STAGES:
            raise unknown("stage", stage, STAGES)
        if stage not in self.stages:
            early = "it was compiled before anybody looked; give its variables, or what builds it"
            why = {
                "written": early,
                "gradient": early
                if self.source.function is not None
                else "it has no updates, so nothing was differentiated for a step",
                "native": "it is not compiled by the native backend; say --backend native",
            }[stage]
            raise UserError(
                f"stage {stage!r} does not exist for {self.title}: {why} "
                f"(there are: {', '.join(self.stages)})"
            )
        return stage

    @cached_property
    def rewritten(self) -> Rewritten:
        """The graph after rewriting, with its history and the time of each rule.

        Raises:
            UserError: it was compiled before.
        """
        self._known("written")
        return rewrite(self.source, measured=True)

    def _graph(self, stage: str) -> Graph:
        """Give the record of a stage ("native" is the rewritten graph, lowered)."""
        self._known(stage)
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
        """Give the listing of a stage."""
        graph = self.graph(self._known(stage))
        return make_listing(graph, f"{self.title}, {stage}", self.lengths(stage))

    def text(self, stage: str = "rewritten", *, folded: bool = False) -> str:
        """Give the listing of a stage as text; `folded` shows repeated steps once."""
        if self._known(stage) == "native":
            return native_text(self.title, self._fgraph)
        listing = self.listing(stage)
        return folded_text(listing) if folded else listing.text()

    def diff(self, a: str, b: str) -> list[Difference]:
        """Compare two stages."""
        for stage in (a, b):
            if self._known(stage) == "native":
                raise UserError(
                    "stage 'native' is a program and no graph; compare written, gradient, rewritten"
                )
        return compare(self.listing(a), self.listing(b))

    def _lengths(self, stage: str = "rewritten") -> Lengths:
        """Find the shapes in the graph of a stage."""
        return Lengths(self.graph(stage))

    @cached_property
    def machine(self) -> Machine:
        """What this machine can do at most, measured."""
        from graphrnn.inspection.machine import measured_machine

        return measured_machine()

    def _costs(self, machine: Machine | None = None) -> Costs:
        """Count the costs of the rewritten graph; with a machine, what bounds each node."""
        return count_costs(self.graph("rewritten"), self.lengths("rewritten"), machine)

    def measured(self) -> Measured:
        """Run the graph on its backend and give the time of every node.

        Raises:
            UserError: an input is no array, or its lengths are unknown.
        """
        linker = mode_of(self.source).linker
        if isinstance(linker, NativeLinker):
            try:
                return measure_native(self._fgraph, threads=linker.threads, target=linker.target)
            except (Unsupported, LoweringError) as error:
                raise UserError(
                    f"the native backend does not cover this graph ({error}); "
                    "measure with --backend aesara or --backend python"
                ) from error
        return measure(self.source)

    def memory(self) -> list[Moment]:
        """Follow the memory in use along the schedule of the rewritten graph."""
        return memory(self.graph("rewritten"), self.lengths("rewritten"))

    @property
    def histories(self) -> list[GraphHistory]:
        """The history of rewriting: the outer graph's, then those of loop bodies."""
        return [] if self.source.function is not None else self.rewritten.histories()

    def steps(self, *, folded: bool = True) -> list[tuple[GraphHistory, Step]]:
        """Give the steps of rewriting; folded, without merges and constant folding."""
        return [(h, step) for h in self.histories for step in steps_of(h, folded=folded)]

    @property
    def timing(self) -> Timing:
        """Where the time of rewriting went."""
        return Timing() if self.source.function is not None else self.rewritten.timing

    @cached_property
    def _provenance(self) -> Provenance:
        return Provenance(self.histories)

    def origin(self, node: Node) -> Origin:
        """Say where a node comes from."""
        return self._provenance.of(node)

    @cached_property
    def native(self) -> NativeSource:
        """The C file of the native backend."""
        self._known("native")
        values = [v.get_value() if hasattr(v, "get_value") else None for v in self._fgraph.inputs]
        return NativeSource(self._fgraph, values)

    @property
    def _fgraph(self) -> Any:
        function = self.source.function
        return function.maker.fgraph if function is not None else self.rewritten.fgraph

    def code(self, node: Node) -> tuple[str, str]:
        """Give the language and the code that runs a node."""
        if "native" in self.stages:
            found = self.native.of(node.apply, self.lengths("rewritten"))
            if found:
                return "C (native)", found
        return code_of(node)

    def save(self, path: str | Path, stage: str = "rewritten") -> Path:
        """Write the graph to a file: .html, .svg, .png, .dot or .json by its ending.

        Raises:
            UserError: another ending, or the file cannot be written.
        """
        from graphrnn.inspection.files import save

        return save(self, Path(path), self._known(stage))

    def __str__(self) -> str:
        return self.text(self.first)

    def __repr__(self) -> str:
        return f"<Inspection of {self.title}: {', '.join(self.stages)}>"

    def _repr_html_(self) -> str:
        """Show the page in a notebook."""
        import html

        from graphrnn.inspection.html_page import page

        return (
            f'<iframe style="width:100%;height:640px;border:0" '
            f'srcdoc="{html.escape(page(self), quote=True)}"></iframe>'
        )


def inspect(thing: Any, *, title: str = "") -> Inspection:
    """Look into anything with a graph: a function, variables, a function graph, a model, a run.

    Example:
        >>> import aesara.tensor as at
        >>> x = at.TensorType("float64", (3,))("x")
        >>> inspect([at.exp(x)], title="e").stages
        ('written', 'rewritten')
    """
    if isinstance(thing, Inspection):
        return thing
    if isinstance(thing, (str, Path)):
        from graphrnn.inspection.ours import our_source

        return Inspection(our_source(str(thing)))
    return Inspection(find_source(thing, title=title))


def _sources_of(source: Source) -> Sequence[Any]:
    """Give the shared variables that a graph reads, which are no explicit inputs."""
    from aesara.compile.sharedvalue import SharedVariable
    from aesara.graph.basic import graph_inputs

    outputs = [*source.outputs, *(new for _, new in source.updates)]
    return [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]


def _compiled_graph(source: Source) -> Graph:
    """Give the record of a function as it was compiled."""
    from graphrnn.native.rewriting import rewrite_body

    linker = mode_of(source).linker
    if not isinstance(linker, NativeLinker):
        return snapshot(source.function.maker.fgraph)

    @cache
    def body(op: Any) -> Ends:
        if type(op).__name__ != "Scan":
            return own_body(op)
        fgraph = rewrite_body(op.fgraph, linker.asked)
        return Ends(tuple(fgraph.inputs), tuple(fgraph.outputs), own_inputs)

    return snapshot(source.function.maker.fgraph, body_of=body)
