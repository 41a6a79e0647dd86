"""The graph is found in whatever has one, and what has none is refused in a line."""

from graphrnn.errors import UserError
from graphrnn.inspection.record import sources

import aesara
import aesara.tensor as at
import pytest
from aesara.graph.fg import FunctionGraph

X = at.dvector("x")


def compiled(**options):
    with aesara.config.change_flags(cxx=""):
        return aesara.function([X], X * 2, mode="FAST_COMPILE", **options)


def test_variables_alone_or_several():
    y = X * 2
    y.name = "y"
    single, several, named = map(sources.find_source, (y, [y, X + 1], {"a": y}))
    assert (single.title, single.inputs, single.outputs) == ("y", (X,), (y,))
    assert len(several.outputs) == 2
    assert named.outputs == (y,)


def test_shared_variables_are_no_inputs():
    W = aesara.shared(1.0, name="W")
    assert sources.find_source(X * W).inputs == (X,)


def test_a_compiled_function_and_its_mode():
    f = compiled(name="f")
    source = sources.find_source(f)
    assert (source.title, source.function) == ("f", f)
    assert sources.mode_of(source) is f.maker.mode


def test_a_function_graph_with_its_updates():
    W = aesara.shared(1.0, name="W")
    f = compiled(updates=[(W, W + X.sum())])
    source = sources.find_source(f.maker.fgraph)
    assert isinstance(f.maker.fgraph, FunctionGraph)
    assert (len(source.outputs), len(source.updates)) == (1, 1)


def test_a_builder_is_called_and_compiles_nothing(monkeypatch):
    def build():
        aesara.function([X], X * 2, updates={}, mode="FAST_RUN")
        raise AssertionError("it goes on after its graph is known")

    source = sources.find_source(build)
    assert (source.title, source.inputs, source.mode) == ("build", (X,), "FAST_RUN")
    assert aesara.function is aesara.compile.function.function


def test_a_builder_that_builds_nothing():
    with pytest.raises(UserError, match="<lambda>: no graph was handed to aesara.function"):
        sources.find_source(lambda: None)


@pytest.mark.parametrize("thing", [3, [], "x" * 200, [X, 3]])
def test_what_has_no_graph_is_refused(thing):
    with pytest.raises(
        UserError, match="nothing to inspect: got .*, needed an Aesara function"
    ) as e:
        sources.find_source(thing)
    assert len(str(e.value)) < 300


def test_a_source_given_again_is_itself_and_titles_are_printable():
    source = sources.Source("two\x1b\ud800", (), ())
    assert sources.find_source(source) is source
    assert source.title == "two??"
