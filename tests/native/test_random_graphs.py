"""Random graphs against Aesara's Python mode: the same numbers, call after call."""

import subprocess
import sys
import warnings
from collections import Counter

from graphrnn.native import linker  # noqa: F401  it fills the tables
from graphrnn.native.lowering.lowering import LOWERINGS
from graphrnn.native.lowering.scalar_ops import TABLE
from scripts.fuzz_native import as_usual, environment, runtime
from tests.graph_compare import differing
from tests.graphs import Maker
from tests.native_helpers import PYTHON

import aesara
import pytest
from aesara.graph.basic import ancestors
from aesara.scan.op import Scan
from aesara.tensor.elemwise import CAReduce, Elemwise

pytestmark = pytest.mark.shipped_flags

GRAPHS, CHUNK = 100, 10


@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(threads, first):
    seeds = range(first, first + CHUNK)
    wrong = [text for seed in seeds for text in differing(seed, more=as_usual(seed))]
    assert not wrong, "\n".join(wrong)


ELSEWHERE = {
    "rewriting makes it from what is drawn, and then it is compared with the rest": {
        "AdvancedIncSubtensor1", "AdvancedSubtensor1", "Argmax", "DeepCopyOp", "OutputGuard",
        "Shape_i", "TensorFromScalar",
    },
    "no function of aesara.tensor makes it, not of real numbers": {"Conj", "InRange", "Mean"},
}  # fmt: skip
"""Classes that graphs need not hold as they are drawn, by reason."""


def drawn(seeds, wanted):
    """Give the classes of all operations that some graphs hold, their loops' bodies included.

    Graphs are drawn until all that is wanted was found.
    """
    result = Counter()

    def look(outputs):
        for node in {v.owner for v in ancestors(outputs) if v.owner is not None}:
            result.update(kind.__name__ for kind in type(node.op).__mro__)
            if isinstance(node.op, (Elemwise, CAReduce)):
                result.update(kind.__name__ for kind in type(node.op.scalar_op).__mro__)
            if isinstance(node.op, Scan):
                look(node.op.fgraph.outputs)

    for seed in seeds:
        with (
            aesara.config.change_flags(cxx="", mode=PYTHON, floatX="float64"),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # Aesara's gradient of arctanh is old to NumPy
            graph, outputs = Maker(seed).make()
        look([*outputs, *(variable for variable, _ in graph.pool)])
        if wanted <= result.keys():
            break
    return result


def test_every_rule_is_drawn_by_some_graph():
    """An operation that is added here needs a place among the random graphs too."""
    known = {kind.__name__ for kind in (*LOWERINGS, *TABLE)}
    listed = set().union(*ELSEWHERE.values())
    assert listed <= known
    assert known - set(drawn(range(3 * GRAPHS), known - listed)) == listed


@pytest.mark.skipif(runtime() is None, reason="gcc has no AddressSanitizer runtime here")
def test_generated_code_is_clean_under_sanitizers():
    """Ten random graphs under AddressSanitizer and UndefinedBehaviorSanitizer."""
    words = ["--kind", "graphs", "--count", "10", "--sanitize"]
    command = [sys.executable, "-m", "scripts.fuzz_native", *words]
    done = subprocess.run(
        command,
        env=environment(runtime()),
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


# Found by `make fuzz`: a gradient cut short by `truncate_gradient`, whose weights' products Aesara
# takes over all steps; a length that is the same in both branches of a condition.
@pytest.mark.parametrize("seed", [6062, 9265])
def test_what_once_differed_differs_no_more(seed):
    assert not differing(seed)
