"""The script behind the Makefile, where a machine lacks something."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "scripts" / "environment.sh"


def run(in_tmp, path):
    environ = {k: v for k, v in os.environ.items() if k != "CXX"} | {"PATH": str(path)}
    command = ["/bin/sh", str(SCRIPT)]
    return subprocess.run(
        command, env=environ, cwd=in_tmp, capture_output=True, text=True, check=False
    )


def test_a_missing_compiler_is_one_line_with_its_packages(in_tmp):
    (in_tmp / "bin").mkdir()
    done = run(in_tmp, in_tmp / "bin")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for package in ("apt install g++", "dnf install gcc-c++", "xcode-select --install"):
        assert package in done.stderr
    assert not (in_tmp / ".venv").exists()


def test_a_missing_python_is_one_line(in_tmp):
    (in_tmp / "bin").mkdir()
    (in_tmp / "bin" / "g++").symlink_to("/bin/true")
    done = run(in_tmp, in_tmp / "bin")
    assert done.returncode == 2
    assert done.stderr == "no python3 and no uv on PATH: install either one (any python3 will do)\n"
