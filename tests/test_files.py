import os
import socket
import stat
import subprocess
import sys
import time

from graphrnn import files
from graphrnn.errors import UserError

import pytest


def test_a_file_and_then_its_folder_are_synced(in_tmp, monkeypatch):
    """Without the second a loss of power may undo the renaming; new folders count, too."""
    synced, sync = [], os.fsync

    def noted(handle):
        about = os.fstat(handle)
        synced.append((stat.S_ISDIR(about.st_mode), about.st_ino))
        sync(handle)

    monkeypatch.setattr(files.os, "fsync", noted)
    path = in_tmp / "a" / "b" / "file"
    files.write_atomically(path, b"abc")
    assert path.read_bytes() == b"abc"
    nodes = [folder.stat().st_ino for folder in (in_tmp, in_tmp / "a", in_tmp / "a" / "b")]
    file = (False, path.stat().st_ino)
    assert synced == [(True, nodes[0]), (True, nodes[1]), file, (True, nodes[2])]


def test_a_folder_that_cannot_be_synced(in_tmp, monkeypatch):
    """Some file systems cannot: that is no failure. A disk that fails is."""
    sync = os.fsync

    def only_files(number):
        def fsync(handle):
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                raise OSError(number, os.strerror(number))
            sync(handle)

        return fsync

    monkeypatch.setattr(files.os, "fsync", only_files(22))
    files.write_atomically(in_tmp / "file", b"abc")
    monkeypatch.setattr(files.os, "fsync", only_files(5))
    with pytest.raises(UserError, match="cannot sync .*input/output error"):
        files.write_atomically(in_tmp / "file", b"def")


def test_what_killed_processes_left_goes_and_nothing_else(in_tmp):
    old, young, other = ".file.0123abcd", ".file.4567abcd", ".file.backup"
    for name in (old, young, other):
        (in_tmp / name).touch()
    long_ago = time.time() - files.LEFT_BEHIND - 60
    for name in (old, other):
        os.utime(in_tmp / name, (long_ago, long_ago))
    files.write_atomically(in_tmp / "file", b"abc")
    assert sorted(path.name for path in in_tmp.iterdir()) == [young, other, "file"]


def test_only_files_are_read(in_tmp):
    (in_tmp / "file").write_bytes(b"abc")
    (in_tmp / "link").symlink_to(in_tmp / "file")
    (in_tmp / "folder").mkdir()
    os.mkfifo(in_tmp / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        (in_tmp / "to the pipe").symlink_to(in_tmp / "pipe")
        (in_tmp / "device").symlink_to("/dev/zero")
        kinds = {path.name: files.kind_of(path, links=True) for path in in_tmp.iterdir()}
        assert kinds == {
            "file": "a file", "link": "a file", "folder": "a folder", "pipe": "a pipe",
            "socket": "a socket", "to the pipe": "a pipe", "device": "a device",
        }  # fmt: skip
        assert files.read_file(in_tmp / "file") == b"abc"
        assert files.read_file(in_tmp / "link", links=True) == b"abc"
        with pytest.raises(UserError, match="is a link, needed a file"):
            files.read_file(in_tmp / "link")
        for name in ("folder", "pipe", "socket", "to the pipe", "device"):
            with pytest.raises(UserError, match=f"is {kinds[name]}, needed a file"):
                files.read_file(in_tmp / name, links=True)
    with pytest.raises(FileNotFoundError):
        files.read_file(in_tmp / "nothing")
    assert files.kind_of(in_tmp / "zero\0") is None


def test_a_kill_while_a_file_is_written(in_tmp):
    """At any moment the file has all of the old bytes or all of the new."""
    code = """
import os, signal, sys
from pathlib import Path
from graphrnn import files
calls = {"fsync": os.fsync, "replace": Path.replace, "sync": files.sync_folder}
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
{"fsync": lambda: setattr(os, "fsync", die), "replace": lambda: setattr(Path, "replace", die),
 "sync": lambda: setattr(files, "sync_folder", die)}[sys.argv[1]]()
files.write_atomically(Path("file"), b"new" * 100_000)
"""
    for moment, kept in (("fsync", b"old"), ("replace", b"old"), ("sync", b"new" * 100_000)):
        (in_tmp / "file").write_bytes(b"old")
        subprocess.run([sys.executable, "-c", code, moment], check=False)
        assert (in_tmp / "file").read_bytes() == kept
