import json

from graphrnn.errors import UserError
from graphrnn.inspection.page.export import check_target, save
from graphrnn.inspection.record.sources import find_source
from graphrnn.inspection.stages import Stages
from tests.inspected import four_lines

import pytest


@pytest.fixture(scope="module")
def stages():
    """The data of an inspection, which cannot save itself."""
    return Stages(find_source(four_lines(), title="four lines"))


def test_the_data_is_enough_for_a_drawing(stages, in_tmp):
    assert save(stages, in_tmp / "g.dot", "written") == in_tmp / "g.dot"
    text = (in_tmp / "g.dot").read_text()
    assert text.startswith("digraph")
    assert "tanh" in text


def test_the_data_is_enough_for_a_page_and_for_json(stages, in_tmp):
    (in_tmp / "g.html").write_text("before")
    save(stages, in_tmp / "g.html")
    assert "four lines" in (in_tmp / "g.html").read_text()
    save(stages, in_tmp / "g.json")
    assert "four lines" in json.dumps(json.loads((in_tmp / "g.json").read_text()))
    assert sorted(path.name for path in in_tmp.iterdir()) == ["g.html", "g.json"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("g.txt", r"got the ending '.txt', needed one of .html, .svg, .png, .dot, .json"),
        ("folder.png", "cannot be written, it is a folder"),
        ("nowhere/g.png", "cannot be written, there is no folder"),
    ],
)
def test_a_file_that_could_not_be_written(in_tmp, name, message):
    (in_tmp / "folder.png").mkdir()
    with pytest.raises(UserError, match=message):
        check_target(in_tmp / name)
