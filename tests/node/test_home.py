"""The home directory: nobody else reads it, and nothing in it is half-written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home, default_home, write_private


@pytest.fixture(autouse=True)
def _permissive_umask() -> object:
    previous = os.umask(0)
    yield
    os.umask(previous)


def create(home: Home) -> None:
    home.prepare()
    home.finish()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_and_files_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    create(home)
    assert mode(home.path) == 0o700
    for path in home.path.rglob("*"):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_an_existing_open_directory_is_closed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    create(Home(tmp_path / "home"))
    assert mode(tmp_path / "home") == 0o700


def test_a_second_node_in_one_home_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    create(home)
    token = home.operator_token()
    with pytest.raises(ConfigurationError, match="home of a node already"):
        create(home)
    assert home.operator_token() == token


def test_require_names_init(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(ConfigurationError, match="there is no node in") as caught:
        home.require()
    assert "underseal init" in str(caught.value.hint)
    create(home)
    home.require()


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be created"):
        create(Home(tmp_path / "file" / "home"))


def test_operator_tokens_are_long_and_differ(tmp_path: Path) -> None:
    tokens = set()
    for name in ("a", "b"):
        home = Home(tmp_path / name)
        create(home)
        tokens.add(home.operator_token())
    assert len(tokens) == 2
    assert all(len(token) >= 43 for token in tokens)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_missing_or_empty_operator_token_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    home = Home(tmp_path / "home")
    create(home)
    home.operator_token_file.unlink()
    if content is not None:
        home.operator_token_file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="operator token"):
        home.operator_token()


def test_a_failed_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_private(file, b"old")

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_private(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert default_home() == Path.home() / ".underseal"
    monkeypatch.setenv("UNDERSEAL_HOME", str(tmp_path))
    assert default_home() == tmp_path
