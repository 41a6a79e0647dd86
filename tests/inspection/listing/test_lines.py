"""Listings: golden files, widths, names; folding and differences."""

from pathlib import Path

from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.listing.lines import WIDTH, make_listing
from tests.inspected import four_lines

import aesara
import aesara.tensor as at
import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("stage", ["written", "gradient", "rewritten", "native"])
def test_the_lessons_network_is_listed_as_in_its_golden_file(lesson, stage):
    assert lesson.text(stage) == (GOLDEN / f"theano_rnn_{stage}.txt").read_text(encoding="utf-8")


def test_four_lines_are_listed_as_in_their_golden_file():
    text = inspect(four_lines(), title="four lines").text("written")
    assert text == (GOLDEN / "four_lines.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", ["written", "gradient", "rewritten", "native"])
def test_no_line_is_too_long(lesson, stage):
    assert max(len(line) for line in lesson.text(stage).splitlines()) <= WIDTH


def test_a_body_is_listed_inside_with_its_roles(lesson):
    body = [line for line in lesson.listing("written").lines if line.depth == 1]
    text_of = {line.name: line.text for line in body}
    assert text_of["h_tm1"].startswith("state [t-1]")
    assert text_of["W_hh"] == "constant"
    assert any(text.startswith("sequence") for text in text_of.values())
    assert body[-1].text == "→ state [t]"


def test_updates_are_arrows(lesson):
    assert any(line.startswith("  W_hh ← ") for line in lesson.text("gradient").splitlines())
    assert "←" not in lesson.text("written")


def test_names_are_the_users_and_unique():
    x = at.TensorType("float32", (2,))("x")
    twice = [at.TensorType("float32", (2,))("x"), x]
    strange = at.TensorType("float32", (2,))("a name\nof two lines " + "y" * 200)
    total = twice[0] + twice[1] + strange
    total.name = "<script>alert(1)</script>"
    listing = make_listing(inspect(total).graph("written"), "names")
    names = [line.name for line in listing.lines if line.part in ("input", "node")]
    assert len(set(names)) == len(names)
    assert {"x", "x_2"} <= set(names)
    assert all(len(name) <= 32 and "\n" not in name and " " not in name for name in names)
    assert any(name.startswith("<script>") for name in names)
    assert max(len(line) for line in listing.text().splitlines()) <= WIDTH


def test_a_fused_node_shows_its_steps():
    x = at.TensorType("float64", (3,))("x")
    function = aesara.function(
        [x], at.tanh(x * 2 + 1) ** 2, mode=aesara.compile.mode.Mode("py", "fast_run")
    )
    lines = inspect(function).listing("rewritten").lines
    assert [line.op_name for line in lines if line.part == "fused"] == [
        "mul",
        "add",
        "tanh",
        "square",
    ]


def test_a_node_that_works_in_place_is_marked_and_follows_the_other_readers():
    x = at.TensorType("float64", (3,))("x")
    function = aesara.function(
        [x], [at.exp(x) + 1, at.sin(at.exp(x))], mode=aesara.compile.mode.Mode("py", "fast_run")
    )
    lines = inspect(function).listing("rewritten").lines
    inplace = next(k for k, line in enumerate(lines) if "in place of exp" in line.text)
    readers = [k for k, line in enumerate(lines) if "exp" in line.operands and line.part == "node"]
    assert inplace == max(readers)
