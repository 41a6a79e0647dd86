"""Listings: golden files, widths, names; folding and differences."""

from pathlib import Path

import graphrnn
from graphrnn.errors import UserError
from graphrnn.inspection.inspector import Inspection, inspect
from graphrnn.inspection.listing.folding import TIMES, compare, fold, folded_text, summary
from graphrnn.inspection.listing.lines import WIDTH, make_listing
from tests.inspected import four_lines, lesson, lesson_source

import aesara
import aesara.tensor as at
import numpy as np
import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(name="lesson")
def the_lesson():
    return lesson()


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


def test_inspection_changes_nothing():
    outputs = four_lines()
    before = aesara.printing.debugprint(outputs, file="str")
    inspect(outputs).text("rewritten")
    assert aesara.printing.debugprint(outputs, file="str") == before


def test_the_length_of_a_folded_listing_does_not_depend_on_t():
    counts = []
    for time in (6, 14):
        inspection = Inspection(lesson_source(time=time, loop="unrolled"))
        counts.append(
            [len(inspection.text(s, folded=True).splitlines()) for s in inspection.stages[:3]]
        )
        assert max(len(r) for r in inspection.text("gradient", folded=True).splitlines()) <= WIDTH
    assert counts[0] == counts[1]


def test_a_folded_line_counts_the_steps():
    listing = Inspection(lesson_source(time=9, loop="unrolled")).listing("written")
    counts = {folded.line.op_name: folded.count for folded in fold(listing)}
    assert counts["maximum"] == 9
    assert f"{TIMES} 9" in folded_text(listing)


def test_scan_and_unrolled_share_the_body(lesson):
    unrolled = Inspection(lesson_source(loop="unrolled"))
    differences = compare(lesson.listing("written"), unrolled.listing("written"))
    shared = [difference.text for difference in differences if difference.sign == " "]
    assert any("maximum" in text and text.count(f"{TIMES} 8") == 2 for text in shared)
    assert any(difference.sign == "-" and "scan" in difference.text for difference in differences)
    assert any(difference.sign == "+" and "join" in difference.text for difference in differences)
    assert all(len(difference.text) <= WIDTH for difference in differences)
    assert "only in scan" in summary(differences, "scan", "unrolled")


def test_a_listing_differs_from_itself_in_nothing(lesson):
    assert {difference.sign for difference in lesson.diff("gradient", "gradient")} == {" "}


def test_stages_that_do_not_exist_are_refused():
    inspection = graphrnn.inspect(four_lines())
    with pytest.raises(UserError, match=r"stage 'gradient' does not exist .*there are: written"):
        inspection.text("gradient")
    with pytest.raises(UserError, match=r"stage 'native' does not exist"):
        inspection.text("native")
    with pytest.raises(UserError, match=r"unknown stage 'writen'; did you mean 'written'"):
        inspection.text("writen")


@pytest.mark.parametrize("thing", [3, None, [], [1, 2], object(), np.zeros(3)])
def test_a_thing_without_a_graph_is_refused(thing):
    with pytest.raises(UserError, match="nothing to inspect: got"):
        graphrnn.inspect(thing)


def test_an_unknown_model_is_refused(in_tmp):
    with pytest.raises(UserError, match=r"unknown model 'theano_rn'; did you mean 'theano_rnn'"):
        graphrnn.inspect("theano_rn")
