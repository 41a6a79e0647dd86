"""Each form of file is written, from the data of an inspection alone."""

import json

from graphrnn.errors import UserError
from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.page.export import check_target, save
from graphrnn.inspection.page.html import page_data
from graphrnn.inspection.record.sources import find_source
from graphrnn.inspection.stages import Stages
from tests.inspected import four_lines

import aesara.tensor as at
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


def test_files_of_every_form_are_written(tmp_path):
    inspection = inspect(four_lines(), title="four lines")
    for form, start in [("svg", b"<?xml"), ("png", b"\x89PNG"), ("dot", b"digraph")]:
        assert inspection.save(tmp_path / f"graph.{form}").read_bytes().startswith(start)
    data = json.loads(inspection.save(tmp_path / "graph.json").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in data["stages"]] == ["written", "rewritten"]
    assert data == json.loads(json.dumps(page_data(inspection)))


@pytest.mark.parametrize("form", ["html", "svg", "dot", "json"])
def test_unprintable_titles_and_names_are_written(tmp_path, form):
    x = at.TensorType("float32", (2,))("half \udc80")
    inspection = inspect([at.exp(x)], title="bell \a, half \udc80")
    written = inspection.save(tmp_path / f"graph.{form}").read_bytes()
    assert inspection.title == "bell ?, half ?"
    assert "half" in written.decode("utf-8")
    assert b"\a" not in written
