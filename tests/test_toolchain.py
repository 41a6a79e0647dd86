import os
import subprocess
import sys
from pathlib import Path

from graphrnn import toolchain
from graphrnn.errors import UserError

import pytest

NOTHING = {"AESARARC": os.devnull}


def test_flags_win_over_aesararc(in_tmp):
    rc = in_tmp / "rc"
    rc.write_text("[global]\nfloatX = float32\ncxx = /opt/g++\n[blas]\nldflags = -lrc\n")
    flags = toolchain.user_flags({"AESARARC": str(rc), "AESARA_FLAGS": "blas__ldflags='-la,-lb'"})
    assert flags == {"floatX": "float32", "cxx": "/opt/g++", "blas__ldflags": "-la,-lb"}


def test_broken_aesararc_is_one_line(in_tmp):
    (in_tmp / "rc").write_text("no section\n")
    with pytest.raises(UserError, match=r"\.aesararc cannot be read"):
        toolchain.user_flags({"AESARARC": str(in_tmp / "rc")})


def run(code, **environ):
    """Run code in a fresh interpreter and give what it printed."""
    clean = {k: v for k, v in os.environ.items() if "AESARA" not in k}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | NOTHING | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.strip()


SHOW = "import graphrnn, aesara; c = aesara.config; print({})"


def test_the_users_own_flags_win(in_tmp):
    out, _ = run(
        SHOW.format("c.blas__ldflags, '|', c.gcc__cxxflags, '|', c.base_compiledir, '|', c.cxx"),
        AESARA_FLAGS=f"blas__ldflags=-lm -lm,gcc__cxxflags=-O1,base_compiledir={in_tmp},cxx=",
    )
    assert out == f"-lm -lm | -O1 | {in_tmp} |"


def test_the_users_compiler_flags_are_kept_beside_ours():
    out, _ = run(SHOW.format("c.gcc__cxxflags"), AESARA_FLAGS="gcc__cxxflags=-O1")
    assert out.startswith("-O1 -Dsgemm_=scipy_sgemm_ ")


def test_aesararc_wins_over_ours(in_tmp):
    (in_tmp / "rc").write_text(f"[global]\nbase_compiledir = {in_tmp / 'mine'}\n")
    out, _ = run(SHOW.format("c.base_compiledir"), AESARARC=str(in_tmp / "rc"))
    assert out == str(in_tmp / "mine")


def test_importing_is_silent_and_fast_blas_is_set():
    assert run(SHOW.format("c.blas__ldflags")) == ("-lm", "")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Aesara does not import there by itself")
def test_aesara_imported_first_still_gets_the_blas():
    out, _ = run("import aesara, graphrnn; print(aesara.config.gcc__cxxflags[:25])")
    assert out == "-Dsgemm_=scipy_sgemm_ -Dd"


CHILD = "import graphrnn.toolchain as t; c = t.configure(); print(c.given, c.blas is not None)"


def test_a_child_process_finds_the_users_flags_not_ours():
    out, _ = run(
        f"import graphrnn, subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])",
        AESARA_FLAGS="floatX=float32",
    )
    assert out == "{'floatX': 'float32'} True"


def test_a_child_process_may_have_flags_of_its_own():
    out, _ = run(
        "import graphrnn, os, subprocess, sys\n"
        "environ = os.environ | {'AESARA_FLAGS': 'floatX=float32,cxx='}\n"
        f"subprocess.run([sys.executable, '-c', {CHILD!r}], env=environ)",
    )
    assert out == "{'floatX': 'float32', 'cxx': ''} True"


PRODUCT = """
from graphrnn.backends.gemm_rate import gemm_rate
from pathlib import Path
import aesara
print(gemm_rate() > 0, Path(aesara.config.base_compiledir))
used = [line for line in open('/proc/self/maps') if 'openblas' in line]
print(any('scipy_openblas32' in line for line in used))
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux has /proc")
def test_compiling_in_a_folder_with_spaces_and_umlauts(in_tmp):
    cache = in_tmp / "Zwischen ablage, größer"
    out, err = run(PRODUCT, XDG_CACHE_HOME=str(cache))
    assert err == ""
    assert out.splitlines() == [f"True {cache}/graphrnn/aesara", "True"]


def test_compiler_is_found_by_cxx_first(monkeypatch, in_tmp):
    mine = in_tmp / "my-g++"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("CXX", str(mine))
    assert toolchain.find_compiler() == str(mine)
    monkeypatch.setenv("PATH", str(in_tmp))
    monkeypatch.delenv("CXX")
    assert toolchain.find_compiler() is None


STARTER = """#!/bin/sh
echo "$1" >>"$STARTED"
exec "$@"
"""

TOLD = """
from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor
import aesara, os
def triple():
    x = tensor("x", "float64", (3,))
    return [x], [3 * x], []
print(compile_graph(triple, name="triple", backend="aesara")([1, 2, 3])[0].tolist())
"""


def test_cxx_may_have_several_words(in_tmp):
    """As `ccache g++`: Aesara, which starts its compiler by one word, runs both."""
    starter = in_tmp / "a starter"
    starter.write_text(STARTER)
    starter.chmod(0o755)
    environ = {"CXX": f"'{starter}' g++ -DNOTHING=1", "STARTED": str(in_tmp / "started")}
    out, err = run(TOLD, XDG_CACHE_HOME=str(in_tmp / "cache"), **environ)
    assert (out, err) == ("[3.0, 6.0, 9.0]", "")
    assert set((in_tmp / "started").read_text().split()) == {"g++"}


@pytest.mark.parametrize("quoted", ["'{}'", "{}"])
def test_a_compilers_path_may_have_spaces(monkeypatch, in_tmp, quoted):
    mine = in_tmp / "my g++"
    mine.write_text("#!/bin/sh\necho version 7\n")
    mine.chmod(0o755)
    monkeypatch.setenv("CXX", quoted.format(mine))
    result = toolchain.find_compiler()
    assert toolchain.compiler_version(result) == "version 7"
    monkeypatch.setattr(toolchain, "configure", lambda: toolchain.Toolchain(result, None, {}))
    assert toolchain.require_compiler() == result


# ── without a home, a cache, a folder that can be written ──

NATIVE = """
import os, pwd
{preamble}
from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor
def triple():
    x = tensor("x", "float64", (3,))
    return [x], [3 * x], []
def report(build):
    if build.phase == "note":
        print(build.detail)
for _ in range(2):
    f = compile_graph(triple, name="triple", backend="{backend}", report=report)
    print(f([1, 2, 3])[0].tolist())
"""
NOBODY = """
def unknown(user):
    raise KeyError(user)
pwd.getpwuid = unknown
"""
"""As for a user without an entry among the system's users."""


def bare(in_tmp, code, *command, home=None, **options):
    """Run code without a cache, and with this home or none; gives its lines."""
    dropped = ("HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "AESARA_FLAGS", "AESARARC")
    environ = {k: v for k, v in os.environ.items() if k not in dropped}
    environ |= {"TMPDIR": str(in_tmp)} | ({"HOME": home} if home else {})
    done = subprocess.run(
        [*command, sys.executable, "-c", code],
        env=environ,
        cwd=in_tmp,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("home", "preamble", "why"),
    [
        (None, NOBODY, "there is no home folder for a cache"),
        ("/proc/nothing", "", "/proc/nothing/.cache/graphrnn/native: No such file or directory"),
    ],
    ids=["no home", "a home that is not there"],
)
def test_native_runs_without_a_home(in_tmp, home, preamble, why):
    code = NATIVE.format(preamble=preamble, backend="native")
    note, *results = bare(in_tmp, code, home=home)
    assert note == f"native backend: compiled functions are not kept ({why})"
    assert results == ["[3.0, 6.0, 9.0]"] * 2
    assert [path.name for path in in_tmp.iterdir()] == [f"graphrnn-{os.geteuid()}"]


def test_stock_aesara_keeps_its_modules_among_temporary_files_without_a_home(in_tmp):
    code = NATIVE.format(preamble=NOBODY, backend="aesara")
    assert bare(in_tmp, code) == ["[3.0, 6.0, 9.0]"] * 2
    (folder,) = (path for path in in_tmp.iterdir() if path.is_dir())
    assert folder.name == f"graphrnn-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob("aesara/compiledir_*/tmp*/*.so"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_native_runs_for_a_user_that_the_system_does_not_know(in_tmp):
    unknown = {"user": 54_321, "group": 54_321, "extra_groups": []}
    in_tmp.chmod(0o777)
    try:
        subprocess.run([sys.executable, "-c", "import graphrnn.errors"], check=True, **unknown)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("another user cannot reach this interpreter")
    note, *results = bare(in_tmp, NATIVE.format(preamble="", backend="native"), **unknown)
    assert "not kept (there is no home folder for a cache)" in note
    assert results == ["[3.0, 6.0, 9.0]"] * 2


CONTAINER = """set -e
mount --make-rprivate /
mount -o remount,bind,ro /
mount -t tmpfs -o nosuid,nodev,noexec,size=16m shm /dev/shm
exec "$@"
"""
"""As a container that is only read: in what can be written, no code runs."""


def test_native_runs_where_all_is_only_read(in_tmp):
    command = ["unshare", "-m", "sh", "-c", CONTAINER, "sh"]
    try:
        subprocess.run([*command, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a system that lets us mount")
    home = str(in_tmp)
    note, *results = bare(in_tmp, NATIVE.format(preamble="", backend="native"), *command, home=home)
    assert note.endswith(f"({home}/.cache/graphrnn/native: Read-only file system)")
    assert results == ["[3.0, 6.0, 9.0]"] * 2


def test_an_aesararc_that_is_not_utf_8_is_one_line(in_tmp):
    (in_tmp / "rc").write_bytes(b"[global]\ncxx = \xff\n")
    with pytest.raises(UserError, match=r"\.aesararc cannot be read: .*can't decode byte 0xff"):
        toolchain.user_flags({"AESARARC": str(in_tmp / "rc")})


def test_float32_is_the_float_unless_the_user_says_otherwise(in_tmp):
    assert run(SHOW.format("c.floatX"))[0] == "float32"
    assert run(SHOW.format("c.floatX"), AESARA_FLAGS="floatX=float64")[0] == "float64"
    (in_tmp / "rc").write_text("[global]\nfloatX = float64\n")
    assert run(SHOW.format("c.floatX"), AESARARC=str(in_tmp / "rc"))[0] == "float64"
