"""Entries of the cache: whole or absent."""

import os
import time as clock

from graphrnn.native.runtime import cache

import pytest


def test_an_entry_comes_back_and_no_other(in_tmp):
    assert cache.refusal(in_tmp / "kept") == ""
    folder = in_tmp / "kept"
    assert cache.fetch(folder, "a.so") is None
    assert cache.store(folder, "a.so", b"code") == ""
    assert cache.fetch(folder, "a.so") == b"code"
    (folder / "b.so").write_bytes((folder / "a.so").read_bytes())
    assert cache.fetch(folder, "b.so") is None


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: b"", lambda data: b"x" + data[1:]]
)
def test_what_is_not_whole_is_absent(in_tmp, spoil):
    cache.store(in_tmp, "a.so", b"code")
    entry = in_tmp / "a.so"
    entry.write_bytes(spoil(entry.read_bytes()))
    assert cache.fetch(in_tmp, "a.so") is None
    assert cache.store(in_tmp, "a.so", b"new") == ""
    assert cache.fetch(in_tmp, "a.so") == b"new"


def test_the_oldest_go_first(in_tmp):
    for k, name in enumerate(("old", "middle", "new")):
        (in_tmp / name).write_bytes(b"x" * 100)
        os.utime(in_tmp / name, times=(clock.time() - 100 + k,) * 2)
    cache.trim(in_tmp, max_bytes=250)
    assert {path.name for path in in_tmp.iterdir()} == {"middle", "new"}
    os.utime(in_tmp / "new", times=(0, 0))
    cache.trim(in_tmp, keep="new")
    assert (in_tmp / "new").exists()


def test_a_workplace_is_gone_afterwards(in_tmp):
    with cache.workplace(in_tmp) as work:
        (work / "source.c").write_text("int x;")
        assert work.parent == in_tmp
    assert not list(in_tmp.iterdir())
