"""Repeated lines are folded, and two listings are compared by kinds of nodes."""

from graphrnn.inspection.inspector import Inspection
from graphrnn.inspection.listing.folding import TIMES, compare, fold, folded_text, summary
from graphrnn.inspection.listing.lines import WIDTH
from tests.inspected import lesson_source


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
