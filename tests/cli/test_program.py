import os
from pathlib import Path

from graphrnn.cli import program


def test_it_is_called_by_its_name_where_the_shell_finds_it(monkeypatch, in_tmp):
    own = in_tmp / "bin" / "graphrnn"
    own.parent.mkdir()
    monkeypatch.setattr(program.sys, "executable", str(own.with_name("python")))
    assert program.program() == "python -m graphrnn"
    own.touch(mode=0o755)
    assert Path(program.program()) == Path("bin/graphrnn")
    monkeypatch.setenv("PATH", str(own.parent) + os.pathsep + os.environ["PATH"])
    assert program.program() == "graphrnn"
