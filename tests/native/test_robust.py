"""What may go wrong around a compiled function: compilers, caches, interrupts, memory."""

import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import time as clock
from pathlib import Path

from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime import cache, compilers, library
from graphrnn.native.runtime.compilers import FLAGS, CompileError, Target, compiler, native_flags
from tests.native_helpers import build, native, recurrence

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags

X86 = os.uname().machine == "x86_64"
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name} here"))
    for name in ("gcc", "clang")
]


def typical():
    """Make a graph with products, a loop, its gradient, gathers, softmax and integers."""
    x, W, h = recurrence(batch=13, H=37)
    E, i = tensor("E", "float32", (9, 37)), tensor("i", "int64", (11,))
    b = tensor("b", "float64", (5, 6))
    outputs = [
        h,
        *at.grad(at.sum(at.tanh(h)), [x, W]),
        at.special.softmax(at.dot(E[i], W)),
        at.grad(at.sum(at.exp(E[i]) ** 2), E),
        at.argmax(at.dot(E, W), axis=1),
        at.dot(b, b.T) + at.max(b, axis=1),
        at.switch(at.gt(b, 0), at.log1p(at.abs(b)), at.sigmoid(b)),
    ]
    rng = np.random.default_rng(5)
    values = [
        rng.standard_normal((6, 13, 37)).astype("f4"),
        rng.standard_normal((37, 37)).astype("f4") / 6,
        rng.standard_normal((9, 37)).astype("f4"),
        rng.integers(-9, 9, 11),
        rng.standard_normal((5, 6)),
    ]
    return [x, W, E, i, b], outputs, values


@pytest.fixture(scope="module")
def wanted():
    inputs, outputs, values = typical()
    return build(inputs, outputs, native_mode(strict=True, threads=1))(*values)


# ── compilers and processors ──


def targets():
    yield pytest.param(Target("gcc"), id="gcc")
    yield pytest.param(Target("clang"), id="clang")
    if X86:
        for name in ("gcc", "clang"):
            yield pytest.param(Target(name, ("-march=x86-64",)), id=f"{name}-sse2")
            yield pytest.param(Target(name, ("-march=haswell",)), id=f"{name}-avx2")


@pytest.mark.parametrize("target", list(targets()))
def test_every_compiler_and_width_of_vectors_agrees(target, wanted):
    if not shutil.which(target.compiler):
        pytest.skip(f"no {target.compiler} here")
    if "-march=haswell" in (target.flags or ()):
        cpuinfo = Path("/proc/cpuinfo")
        if not cpuinfo.exists() or " avx2 " not in cpuinfo.read_text():
            pytest.skip("this processor has no AVX2")
    inputs, outputs, values = typical()
    f = build(inputs, outputs, native_mode(strict=True, threads=2, target=target))
    for got, want in zip(f(*values), wanted, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("threads", [1, 2])
def test_generated_c_has_no_warnings(in_tmp, monkeypatch, name, threads):
    from graphrnn.native.codegen import function

    monkeypatch.setattr(function, "PARALLEL_FROM", 0)
    inputs, outputs, _ = typical()
    f = build(inputs, outputs, native_mode(strict=True, threads=threads))
    source = in_tmp / "graph.c"
    source.write_text(f.vm.jit_fn.source.text, encoding="utf-8")
    # What a graph does not need of the runtime is unused, and that is right.
    strict = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    command = [name, *FLAGS, *native_flags(name), *strict, str(source), "-o", "graph.so"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def fresh_compiler():
    compiler.cache_clear()
    yield
    compiler.cache_clear()


@pytest.fixture
def folder(in_tmp, monkeypatch):
    """An empty cache of its own."""
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "cache" / "native")
    return in_tmp / "cache" / "native"


def triple():
    x = tensor("x", "float64", (3,))
    f = native([x], x * 3)
    assert f(np.ones(3)).tolist() == [3, 3, 3]
    return f


RUNS_ANOTHER = """#!/bin/sh
# As ccache, or an interpreter that runs a module: the compiler is named by a later word.
test "$1" = -m && shift
for k in 1 2; do case "$1" in -*) echo "error: $1 before the compiler" >&2; exit 2;; esac; done
exec "$@"
"""


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("gcc -DNOTHING=1", ["gcc", "-DNOTHING=1"]),
        ("{starter} gcc", ["{starter}", "gcc"]),
        ("{starter} -m gcc -DNOTHING=1", ["{starter}", "-m", "gcc", "-DNOTHING=1"]),
        ("'{spaces}/my gcc'", ["{spaces}/my gcc"]),
        ("{spaces}/my gcc", ["{spaces}/my gcc"]),
        (
            '{starter} "{spaces}/my gcc" -DNOTHING=1',
            ["{starter}", "{spaces}/my gcc", "-DNOTHING=1"],
        ),
    ],
)
def test_cc_may_have_several_words(in_tmp, monkeypatch, fresh_compiler, folder, named, words):
    (in_tmp / "starter").write_text(RUNS_ANOTHER)
    (in_tmp / "starter").chmod(0o755)
    (in_tmp / "two words").mkdir()
    (in_tmp / "two words" / "my gcc").symlink_to(shutil.which("gcc"))
    places = {"starter": in_tmp / "starter", "spaces": in_tmp / "two words"}
    monkeypatch.setenv("CC", named.format(**places))
    command = Target().command()
    assert command[: len(words)] == [word.format(**places) for word in words]
    assert "-O2" in command[len(words) :]
    triple()


@pytest.mark.parametrize(
    ("flags", "left_out"),
    [
        ("-O1", "-O2"),
        ("-Og", "-O2"),
        ("-march=x86-64", "-march=native"),
        ("-mcpu=generic", "-march=native"),
        ("-std=gnu17", "-std=gnu11"),
        ("-fmath-errno", "-fno-math-errno"),
        ("-fno-tree-vectorize", "-ftree-vectorize"),
        ("-mprefer-vector-width=256", "-mprefer-vector-width=512"),
    ],
)
def test_flags_in_cc_win_over_ours(monkeypatch, fresh_compiler, flags, left_out):
    ours = ("-march=native", "-mprefer-vector-width=512")
    assert left_out in Target("gcc", flags=ours).command()
    command = Target(f"gcc {flags} -I include", flags=ours).command()
    assert command[1] == flags
    assert left_out not in command
    assert len(command) == len(Target("gcc", flags=ours).command()) + 2


def test_a_compiler_behind_another_word_is_part_of_the_key(in_tmp):
    """As where a package manager renews the gcc of `ccache gcc`."""
    compiler = in_tmp / "cc"
    compiler.write_text('#!/bin/sh\nexec gcc "$@"\n')
    compiler.chmod(0o755)
    target = Target(f"env {compiler}")
    first = library.key_of("int x;", target)
    compiler.write_text('#!/bin/sh\n# newer\nexec gcc "$@"\n')
    compilers.identity.cache_clear()
    assert library.key_of("int x;", target) != first


def test_a_quotation_mark_alone_in_cc_is_one_line(monkeypatch, fresh_compiler):
    monkeypatch.setenv("CC", "gcc 'un")
    with pytest.raises(CompileError, match=r"the C compiler \"gcc 'un\": no closing quotation"):
        compiler()


def test_cc_that_is_not_there_is_named(monkeypatch, fresh_compiler):
    monkeypatch.setenv("CC", "gccc")
    with pytest.raises(CompileError, match=r"no C compiler 'gccc' on PATH, which CC names"):
        compiler()


def test_a_broken_compiler_is_one_line(in_tmp):
    broken = in_tmp / "broken"
    broken.write_text("#!/bin/sh\necho 'broken: error: out of order' >&2; exit 1\n")
    broken.chmod(0o755)
    with pytest.raises(CompileError, match=r"cannot be used: broken: error: out of order$"):
        library.load("int x;", Target(str(broken)))


def test_compiler_flags_and_processor_are_part_of_the_key():
    keys = {library.key_of("int x;"), library.key_of("int y;")}
    keys |= {library.key_of("int x;", Target(flags=flags)) for flags in ((), ("-DA=1",), ("-O1",))}
    assert len(keys) == 5


# ── the cache ──


def test_a_folder_that_others_may_read_is_made_private(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    triple()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_others_may_write_is_not_used(folder):
    triple()
    (entry,) = folder.iterdir()
    entry.write_bytes(b"planted")
    folder.chmod(0o777)
    triple()
    assert entry.read_bytes() == b"planted"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(folder):
    folder.mkdir(parents=True)
    os.chown(folder, 65534, 65534)
    triple()
    assert list(folder.iterdir()) == []


def test_an_entry_that_others_may_write_is_built_anew(folder):
    triple()
    (entry,) = folder.iterdir()
    entry.chmod(0o666)
    before = entry.stat().st_ino
    triple()
    assert entry.stat().st_ino != before
    assert entry.stat().st_mode & 0o777 == 0o600


def refuse(*args, **options):
    raise PermissionError(30, "Read-only file system")


def only_read(monkeypatch, *folders):
    """Let nothing be made in some folders."""

    def guard(make):
        def guarded(*args, **options):
            return refuse() if options.get("dir") in folders else make(*args, **options)

        return guarded

    monkeypatch.setattr(cache.tempfile, "mkstemp", guard(cache.tempfile.mkstemp))
    monkeypatch.setattr(cache.tempfile, "mkdtemp", guard(cache.tempfile.mkdtemp))


def test_a_folder_that_is_only_read_serves_what_it_has(folder, monkeypatch):
    triple()
    only_read(monkeypatch, folder)
    monkeypatch.setattr(cache.os, "utime", refuse)
    x = tensor("x", "float64", (3,))
    assert native([x], x * 5)(np.ones(3)).tolist() == [5, 5, 5]  # built, and not kept
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(library, "_compile", lambda *a: pytest.fail("compiled again"))
    triple()


def entry(folder, name, size, days_ago=0.0):
    path = folder / name
    path.write_bytes(b"x" * size)
    then = clock.time() - days_ago * 86_400
    os.utime(path, (then, then))
    return path


def test_what_was_not_used_for_long_is_dropped(tmp_path):
    old, new = entry(tmp_path, "old.so", 10, 91), entry(tmp_path, "new.so", 10, 89)
    cache.trim(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_the_oldest_are_dropped_until_the_rest_is_small_enough(tmp_path):
    paths = [entry(tmp_path, f"{k}.so", 100, days_ago=9 - k) for k in range(5)]
    last = entry(tmp_path, "last.so", 100)
    cache.trim(tmp_path, keep="last.so", max_bytes=300)
    assert [path.exists() for path in paths] == [False, False, False, True, True]
    assert last.exists()
    cache.trim(tmp_path, keep="last.so", max_bytes=1)
    assert list(tmp_path.iterdir()) == [last]


def test_using_an_entry_makes_it_young(folder):
    triple()
    (path,) = folder.iterdir()
    os.utime(path, (1, 1))
    triple()
    assert clock.time() - path.stat().st_mtime < 60


def test_what_a_killed_process_left_is_cleared(folder):
    folder.mkdir(parents=True, mode=0o700)
    for name, days in (("graphrnn-work-old", 1), ("graphrnn-work-new", 0)):
        (folder / name).mkdir()
        entry(folder / name, "graph.c", 10)
        then = clock.time() - days * 86_400
        os.utime(folder / name, (then, then))
    triple()
    names = {path.name for path in folder.iterdir() if path.suffix != ".so"}
    assert names == {"graphrnn-work-new"}


# ── interrupts ──

SLOW = """#!/bin/sh
case "$*" in *graph.c*) echo $$ > "$STARTED.tmp"; mv "$STARTED.tmp" "$STARTED"; sleep 60;; esac
exec gcc "$@"
"""


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that ended but was not yet waited for by its parent counts as ended.
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(true, seconds=60.0):
    end = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < end, "waited too long"
        clock.sleep(0.05)


@pytest.fixture
def start_training(in_tmp, small_text):
    """Start runs of `graphrnn train` as processes; none outlives the test."""
    started = []

    def start(**options):
        started.append(training(in_tmp, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def training(folder, *, out="run", sequences=16, hidden=8, more=(), slow=False, quick=False):
    environ = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    environ |= {"CC": "gcc -Og"} if quick else {}
    if slow:
        (folder / "slow").write_text(SLOW)
        (folder / "slow").chmod(0o755)
        environ |= {"CC": str(folder / "slow"), "STARTED": str(folder / "started")}
    settings = {"corpus": "small.txt", "out": out, "sequences": sequences, "hidden": hidden}
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen(
        [sys.executable, "-m", "graphrnn", "train", *words, *more],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a shell's background job a process may be told to ignore Ctrl-C: this one is not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_end_while_compiling_leaves_nothing_harmful(in_tmp, start_training, number):
    process = start_training(slow=True)
    wait_until((in_tmp / "started").exists)
    compiling = int((in_tmp / "started").read_text())
    assert alive(compiling)
    process.send_signal(number)
    _, complaints = process.communicate(timeout=30)
    kept = in_tmp / "cache" / "graphrnn" / "native"
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert complaints == "graphrnn: interrupted before training began; nothing was saved\n"
        wait_until(lambda: not alive(compiling), 10)
        assert list(kept.iterdir()) == []
        assert not (in_tmp / "run").exists()
    elif alive(compiling):
        os.killpg(compiling, signal.SIGKILL)
    assert not list(kept.glob("*.so"))
    again = start_training(out="again", quick=bool(shutil.which("gcc")))
    _, complaints = again.communicate(timeout=120)
    assert (again.returncode, complaints) == (0, "")
    assert len(list(kept.glob("*.so"))) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ctrl_c_during_a_step_keeps_the_network_of_that_moment(in_tmp, start_training):
    more = ["--batch", "64", "--time", "32", "--save-every", "0", "--rate", "1e-5"]
    process = start_training(sequences=1_000_000, hidden=512, more=more)
    wait_until((in_tmp / "run" / "last.safetensors").exists)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaints.startswith("graphrnn: interrupted after ")
    assert complaints.count("\n") == 1
    from graphrnn.runs.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(in_tmp / "run" / "last.safetensors")
    assert f"after {checkpoint.header.sequences:,} of" in complaints
    assert all(np.isfinite(w).all() for w in checkpoint.weights.values())


LONG_STEP = """
import signal, sys, threading, time, os
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native.linker import native_mode
W = aesara.shared(np.zeros(8), name="W", shape=(8,))
h, _ = aesara.scan(lambda h: at.tanh(h + 1e-3), outputs_info=[W], n_steps=20_000)
with aesara.config.change_flags(cxx=""):
    one = aesara.function([], h[-1].sum(), updates=[(W, W + 1)], mode=native_mode(strict=True))
one()
began = time.perf_counter()
one()
calls = max(2, int(1 / (time.perf_counter() - began)))
h, _ = aesara.scan(lambda h: at.tanh(h + 1e-3), outputs_info=[W], n_steps=20_000 * calls)
with aesara.config.change_flags(cxx=""):
    long = aesara.function([], h[-1].sum(), updates=[(W, W + 1)], mode=native_mode(strict=True))
before = W.get_value()
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    long()
    time.sleep(1)
    sys.exit(3)
except KeyboardInterrupt:
    pass
assert (W.get_value() == before + 1).all(), "an update was torn"
long()
assert (W.get_value() == before + 2).all()
"""


def test_ctrl_c_during_one_long_call_ends_after_it_and_tears_nothing():
    done = subprocess.run([sys.executable, "-c", LONG_STEP], timeout=120, check=False)
    assert done.returncode == 0


# ── memory ──


def test_ten_thousand_steps_of_training_do_not_grow():
    rng = np.random.default_rng(0)
    x, W0, h = recurrence(batch=8, H=16)
    W = aesara.shared(rng.standard_normal((16, 16)).astype("f4") / 4, name="W", shape=(16, 16))
    loss = aesara.clone_replace(at.mean(h**2), {W0: W})
    step = native([x], [loss], updates=[(W, W - np.float32(0.1) * at.grad(loss, W))])
    # Neither C order nor the dtype: each call converts.
    value = rng.standard_normal((16, 8, 6)).T.astype("f4")[:, ::-1]
    assert not value.flags.c_contiguous
    losses = [float(step(value)[0]) for _ in range(300)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        (last,) = step(value)
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 5_000_000
    assert np.isfinite(last)
    assert last < losses[0]


def test_a_function_that_is_dropped_gives_its_memory_back():
    x = tensor("x", "float32", (1500, 1500))
    value = np.ones((1500, 1500), "f4")

    def use():
        f = native([x], at.sum(at.tanh(at.dot(at.dot(x, x), x) / 1e6), axis=0))
        f(value)
        return f.vm.jit_fn.peak_bytes

    peak = use()
    assert peak > 9_000_000
    before = resident()
    for _ in range(6):
        use()
        gc.collect()
    assert resident() - before < 3 * peak


def resident():
    """Give the bytes that this process holds now; where that cannot be read, nothing is checked."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        pytest.skip("needs /proc")
    return pages * os.sysconf("SC_PAGE_SIZE")
