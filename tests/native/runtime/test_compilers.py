"""The command that compiles, and what a compiler's complaint comes to."""

from graphrnn.native.runtime.compilers import (
    CompileError,
    Target,
    _first_error,
    compile_c,
    identity,
    lacks_memory,
    words_of,
)

import pytest


def test_flags_of_the_user_win():
    words = Target("gcc -O0 -std=c11", flags=("-march=x86-64",), more=("-g",)).command()
    assert words[:3] == ["gcc", "-O0", "-std=c11"]
    assert not {"-O2", "-std=gnu11"} & set(words)
    assert words[-1] == "-g"
    assert "-march=x86-64" in words


def test_a_name_that_cannot_be_split():
    with pytest.raises(CompileError, match="the C compiler"):
        words_of("gcc '-O2")


def test_the_identity_is_of_compiler_and_flags():
    assert identity(Target()) == identity(Target())
    assert identity(Target()) != identity(Target(more=("-g",)))


def test_c_that_does_not_compile_names_the_error(in_tmp):
    source = in_tmp / "wrong.c"
    source.write_text("int f(void) { return y; }\n")
    with pytest.raises(CompileError, match="y"):
        compile_c(source, in_tmp / "wrong.so", Target())


def test_complaints():
    assert "no such thing" in _first_error("In file\na.c:1: error: no such thing\nnote: more")
    assert lacks_memory("cc1: out of memory allocating 8 bytes")
    assert not lacks_memory("a.c:1: error: no such thing")
