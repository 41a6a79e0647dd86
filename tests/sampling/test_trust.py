"""A run's own program runs where the user allows it, and nowhere else."""

import shutil

from graphrnn import Run
from graphrnn.errors import UserError
from graphrnn.models import user_models, user_template
from graphrnn.sampling.trust import admit_model
from tests.conftest import SMALL_TEXT

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("trust")
    (place / "small.txt").write_text(SMALL_TEXT, encoding="utf-8")
    shutil.copy(user_template.__file__, place / "own.py")
    Run.train(
        model=f"{place}/own.py:MODEL", corpus=str(place / "small.txt"), hidden=4, batch=4,
        sequences=40, backend="python", out=place / "run",
    )  # fmt: skip
    return place


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(user_models, "_LOADED", {})


def test_a_run_keeps_its_file_and_is_refused_without_a_word(folder):
    assert (folder / "run" / "model.py").read_bytes() == (folder / "own.py").read_bytes()
    with pytest.raises(UserError, match="is a program in a file, which runs only when you name"):
        Run.load(folder / "run", backend="python").sample("the", length=3)


@pytest.mark.parametrize(("named", "sequences"), [(True, 48), (False, 56)])
def test_it_runs_when_it_is_named_or_trusted(folder, named, sequences):
    allowed = {"model": f"{folder}/own.py"} if named else {"trust": True}
    run = Run.load(folder / "run", backend="python", **allowed)
    assert len(run.sample("the", length=3, seed=1)) == 6
    assert run.settings.time == user_template.RECIPE.time
    more = run.resume(sequences=sequences)
    assert more.checkpoint.header.sequences == sequences


def test_a_copy_that_was_changed_is_refused(folder, tmp_path):
    shutil.copytree(folder / "run", tmp_path / "run")
    (tmp_path / "run" / "model.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(UserError, match="is not the file that the run was begun with"):
        admit_model(str(tmp_path / "run"), trust=True)


def test_of_a_network_of_ours_there_is_nothing_to_trust(folder, in_tmp):
    settings = {"model": "reference", "hidden": 3, "sequences": 4, "held_out": 0.0}
    run = Run.train(corpus=str(folder / "small.txt"), out=in_tmp / "run", **settings)
    admit_model(str(run.path), trust=True)
    admit_model(str(run.path), model="reference")
    with pytest.raises(UserError, match=r"--model: got own.py, but the run is of reference"):
        admit_model(str(run.path), model="own.py")
    assert not (run.path / "model.py").exists()
