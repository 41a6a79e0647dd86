"""A network in a file of the user's own: found, run and refused."""

import hashlib

from graphrnn.errors import UserError
from graphrnn.models import model_named, user_models
from graphrnn.settings.recipes import recipe_for

import pytest

FILE = """
import graphrnn as gr
import helper

NET = gr.Model("net", helper.SUMMARY, "own", lambda s: {"W": gr.weights.glorot(s.hidden, 3)}, None)
RECIPE = gr.Recipe(hidden=5, windows="streams")
"""
ALONE = FILE.replace("import helper", "class helper: SUMMARY = 'a copy'")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(user_models, "_LOADED", {})
    monkeypatch.setattr(user_models.recipes, "OF_FILES", {})


@pytest.fixture
def file(in_tmp):
    (in_tmp / "nets").mkdir()
    (in_tmp / "nets" / "helper.py").write_text("SUMMARY = 'what stands beside it is imported'\n")
    (in_tmp / "nets" / "own.py").write_text(FILE)
    return in_tmp / "nets" / "own.py"


@pytest.mark.parametrize("name", ["nets/own.py:NET", "nets/own.py"])
def test_a_network_is_that_of_the_file_under_the_name_that_was_given(file, name):
    got = user_models.load(name)
    assert (got.model.name, got.model.summary) == (name, "what stands beside it is imported")
    assert got.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert user_models.loaded(name) is got
    assert model_named(name) is got.model
    assert recipe_for(name).hidden == 5
    assert recipe_for(name).carries_state


def test_nothing_runs_that_nobody_named(file):
    file.write_text("raise SystemExit('it ran')")
    with pytest.raises(UserError, match=r"is a program in a file, which runs only when you name"):
        model_named("nets/own.py:NET")


def test_a_copy_runs_under_the_name_of_the_first(file, in_tmp):
    copy = in_tmp / "copy.py"
    copy.write_text(ALONE)
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    got = user_models.load(f"{copy}:NET", name="nets/own.py:NET", digest=digest)
    assert (got.model.name, got.model.summary) == ("nets/own.py:NET", "a copy")
    copy.write_text(FILE)
    with pytest.raises(UserError, match="is not the file that the run was begun with"):
        user_models.load(f"{copy}:NET", name="nets/own.py:NET", digest=digest)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (None, "own.py", "--model: 'own.py': no such file"),
        ("x = 1\n\nx = 1 / 0\n", "own.py", "own.py:3: ZeroDivisionError: division by zero"),
        ("def f(:\n", "own.py", "--model: own.py:1: SyntaxError: "),
        ("X = 1\n", "own.py:X", "own.py:X is a int, needed a graphrnn.Model"),
        ("X = 1\n", "own.py:Y", "got own.py:Y, and the file has no graphrnn.Model"),
        (ALONE + "OTHER = NET\n", "own.py",
         r"got own.py:\?, and the file has own.py:NET, own.py:OTHER"),
        (ALONE + "RECIPE = {}\n", "own.py:NET",
         "RECIPE: got a dict, needed a graphrnn.Recipe"),
        ("#" * 1_000_001, "own.py", "got 1,000,001 bytes, needed at most 1,000,000"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_one_line(in_tmp, text, name, message):
    if text is not None:
        (in_tmp / "own.py").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        user_models.load(name)
    assert "\n" not in str(error.value)
