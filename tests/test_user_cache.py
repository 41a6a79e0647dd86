import os
from pathlib import Path

from graphrnn import user_cache

import platformdirs
import pooch
import pytest


@pytest.fixture
def no_home(in_tmp, monkeypatch):
    """No cache of the user's; temporary files lie in an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nothing")
    monkeypatch.setattr(user_cache, "_temporary_folders", lambda: [in_tmp])
    return in_tmp / f"graphrnn-{os.geteuid()}"


def test_a_folder_among_temporary_files_is_used_again(no_home):
    assert user_cache.cache_folder() == no_home
    assert user_cache.cache_folder() == no_home
    assert no_home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("planted", ["for all", "a link", "a file"])
def test_a_folder_that_another_user_may_have_made_is_not_used(in_tmp, no_home, planted):
    if planted == "for all":
        no_home.mkdir()
        no_home.chmod(0o777)
    elif planted == "a link":
        (in_tmp / "elsewhere").mkdir(mode=0o700)
        no_home.symlink_to(in_tmp / "elsewhere")
    else:
        no_home.touch()
    assert user_cache.cache_folder() != no_home


def test_a_relative_cache_makes_no_folder_here(in_tmp, monkeypatch):
    monkeypatch.setattr(
        user_cache.platformdirs, "user_cache_path", lambda name: Path("~/.cache") / name
    )
    monkeypatch.setattr(user_cache, "_temporary_folders", lambda: [in_tmp])
    assert user_cache.cache_folder().parent == in_tmp
    assert not (in_tmp / "~").exists()


def test_the_folder_is_the_one_where_earlier_downloads_lie(in_tmp, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_tmp))
    result = user_cache.cache_folder()
    assert result == platformdirs.user_cache_path("graphrnn") == pooch.os_cache("graphrnn")
    assert result.is_dir()
