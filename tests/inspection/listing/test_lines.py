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


def test_a_body_stands_inside_with_its_roles(lesson):
    body = [line for line in lesson.listing("written").lines if line.depth == 1]
    told = {line.name: line.text for line in body}
    assert told["h_tm1"].startswith("state [t-1]")
    assert told["W_hh"] == "constant"
    assert any(text.startswith("sequence") for text in told.values())
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


def test_what_works_in_place_says_so_and_comes_after_the_other_readers():
    x = at.TensorType("float64", (3,))("x")
    function = aesara.function(
        [x], [at.exp(x) + 1, at.sin(at.exp(x))], mode=aesara.compile.mode.Mode("py", "fast_run")
    )
    lines = inspect(function).listing("rewritten").lines
    inplace = next(k for k, line in enumerate(lines) if "in place of exp" in line.text)
    readers = [k for k, line in enumerate(lines) if "exp" in line.operands and line.part == "node"]
    assert inplace == max(readers)


def test_nothing_is_changed_by_looking():
    outputs = four_lines()
    before = aesara.printing.debugprint(outputs, file="str")
    inspect(outputs).text("rewritten")
    assert aesara.printing.debugprint(outputs, file="str") == before


def test_folded_listings_are_equally_long_whatever_t_is():
    counts = []
    for time in (6, 14):
        looked = Inspection(lesson_source(time=time, loop="unrolled"))
        counts.append([len(looked.text(s, folded=True).splitlines()) for s in looked.stages[:3]])
        assert max(len(r) for r in looked.text("gradient", folded=True).splitlines()) <= WIDTH
    assert counts[0] == counts[1]


def test_what_is_folded_counts_the_steps():
    listing = Inspection(lesson_source(time=9, loop="unrolled")).listing("written")
    counts = {folded.line.op_name: folded.count for folded in fold(listing)}
    assert counts["maximum"] == 9
    assert f"{TIMES} 9" in folded_text(listing)


def test_scan_and_unrolled_share_the_body(lesson):
    unrolled = Inspection(lesson_source(loop="unrolled"))
    told = compare(lesson.listing("written"), unrolled.listing("written"))
    shared = [one.text for one in told if one.sign == " "]
    assert any("maximum" in text and text.count(f"{TIMES} 8") == 2 for text in shared)
    assert any(one.sign == "-" and "scan" in one.text for one in told)
    assert any(one.sign == "+" and "join" in one.text for one in told)
    assert all(len(one.text) <= WIDTH for one in told)
    assert "only in scan" in summary(told, "scan", "unrolled")


def test_a_listing_differs_from_itself_in_nothing(lesson):
    assert {one.sign for one in lesson.diff("gradient", "gradient")} == {" "}


def test_stages_that_do_not_exist_are_refused():
    looked = graphrnn.inspect(four_lines())
    with pytest.raises(UserError, match=r"stage 'gradient' does not exist .*there are: written"):
        looked.text("gradient")
    with pytest.raises(UserError, match=r"stage 'native' does not exist"):
        looked.text("native")
    with pytest.raises(UserError, match=r"unknown stage 'writen'; did you mean 'written'"):
        looked.text("writen")


@pytest.mark.parametrize("thing", [3, None, [], [1, 2], object(), np.zeros(3)])
def test_what_has_no_graph_is_refused(thing):
    with pytest.raises(UserError, match="nothing to inspect: got"):
        graphrnn.inspect(thing)


def test_an_unknown_model_is_refused(in_tmp):
    with pytest.raises(UserError, match=r"unknown model 'theano_rn'; did you mean 'theano_rnn'"):
        graphrnn.inspect("theano_rn")
