"""The script behind the Makefile, where a machine lacks something."""

import os
import subprocess
from pathlib import Path

import pytest

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


UV = """#!/bin/sh
echo "$*" >>uv.log
case "$*" in
    "python find --system "*) cat "python-$4" 2>/dev/null ;;
esac
"""


@pytest.mark.parametrize(
    ("system", "wanted"),
    [
        (["3.11"], "3.11"),
        (["3.12"], "3.12"),
        (["3.11", "3.12"], "3.11"),
        (["3.13"], None),
        ([], None),
    ],
    ids=str,
)
def test_the_systems_python_is_taken_in_the_order_of_preference(in_tmp, system, wanted):
    (in_tmp / "bin").mkdir()
    (in_tmp / "bin" / "g++").symlink_to("/bin/true")
    (in_tmp / "bin" / "uv").write_text(UV, encoding="utf-8")
    (in_tmp / "bin" / "uv").chmod(0o755)
    for version in system:
        # Any interpreter that has its C headers will do: here its name says which one it plays.
        python = in_tmp / f"python{version}"
        python.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        python.chmod(0o755)
        (in_tmp / f"python-{version}").write_text(str(python), encoding="utf-8")
    done = run(in_tmp, f"{in_tmp / 'bin'}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    [made] = [
        line
        for line in (in_tmp / "uv.log").read_text(encoding="utf-8").splitlines()
        if line.startswith("venv")
    ]
    own = "--managed-python --python 3.11"
    assert made == f"venv --quiet {f'--python {in_tmp}/python{wanted}' if wanted else own} .venv"
