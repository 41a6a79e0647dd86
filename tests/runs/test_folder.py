import os
import resource

from graphrnn.errors import UserError
from graphrnn.runs import folder as run_folder
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings

import pytest


def test_settings_are_toml_and_come_back(in_tmp):
    settings = TrainSettings(
        hidden=7, learning_rate=0.1 + 0.2, corpus='a "name".txt', schedule="step", decay_at=(5, 9)
    )
    folder = RunFolder(in_tmp)
    folder.write_settings(settings)
    assert "hidden = 7\n" in folder.settings.read_text()
    assert folder.read_settings() == TrainSettings(
        hidden=7,
        learning_rate=0.1 + 0.2,
        corpus='a "name".txt',
        schedule="step",
        decay_at=(5, 9),
        out=in_tmp,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hidden = ", "no valid TOML"),
        ("hidden = 0", "--hidden: got 0"),
        ("hiden = 3", "--hiden"),
        (None, "no such file"),
    ],
)
def test_settings_that_cannot_be_used(in_tmp, text, message):
    if text is not None:
        (in_tmp / "settings.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        RunFolder(in_tmp).read_settings()


def test_a_torn_line_of_the_log_is_left_out_and_cut_off(in_tmp):
    folder = RunFolder(in_tmp)
    for step in (1, 2, 3):
        folder.write_line({"step": step, "loss": 0.1 * step})
    with folder.log.open("a") as file:
        file.write('{"step": 4, "lo')
    (in_tmp / ".last.safetensors.12ab").touch()
    assert [line["step"] for line in folder.lines()] == [1, 2, 3]
    folder.cut_back(2)
    assert [line["loss"] for line in folder.lines()] == [0.1, 0.2]
    assert [path.name for path in in_tmp.iterdir()] == ["log.jsonl"]


def test_what_is_not_finite_is_null_in_the_log(in_tmp):
    folder = RunFolder(in_tmp)
    folder.write_line({"step": 1, "loss": float("nan"), "learning_rate": 1.0})
    assert folder.lines() == [{"step": 1, "loss": None, "learning_rate": 1.0}]


def test_a_full_disk_tears_no_line_of_the_log(in_tmp):
    folder = RunFolder(in_tmp)
    folder.write_line({"step": 1, "loss": 0.5})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (folder.log.stat().st_size + 9, hard))
    try:
        with pytest.raises(UserError, match="cannot write .*log.jsonl': no space left on device"):
            folder.write_line({"step": 2, "loss": 0.25})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    folder.write_line({"step": 2, "loss": 0.25})
    assert folder.log.read_text() == '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'


def test_a_lock_is_held_by_one(in_tmp):
    folder = RunFolder(in_tmp)
    assert not folder.training
    with folder.locked():
        assert folder.training
        with pytest.raises(UserError, match="another process trains"), folder.locked():
            pass
    assert not folder.training
    with folder.locked():
        pass


def test_runs_are_found(in_tmp):
    assert run_folder.all_runs() == []
    for name in ("b", "a", "c"):
        (in_tmp / "runs" / name).mkdir(parents=True)
    (in_tmp / "runs" / "a" / "settings.toml").touch()
    (in_tmp / "runs" / "b" / run_folder.CHECKPOINT).touch()
    assert [run.path.name for run in run_folder.all_runs()] == ["a", "b"]
    assert run_folder.find_run("a").path.as_posix() == "runs/a"
    assert run_folder.find_run("latest").path.name == "b"
    with pytest.raises(UserError, match="run 'c': no such folder"):
        run_folder.find_run("c")
    os.utime(in_tmp / "runs" / "b" / run_folder.CHECKPOINT, (1e9, 1e9))
    assert run_folder.find_checkpoint("runs/b").name == run_folder.CHECKPOINT
