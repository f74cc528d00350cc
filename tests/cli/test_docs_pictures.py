"""Pictures that the documentation shows: they are there, small, described, and of the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import ROOT

from underseal_cli.demo_cast import CELL, PACK

IMAGES = ROOT / "docs" / "images"
LINK = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
MAX_BYTES = 150_000
MAX_PICTURES = 5
PNG = b"\x89PNG\r\n\x1a\n"


def shown() -> list[tuple[Path, str, Path]]:
    """Each picture that a document shows: the document, the words for it, the file."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (document, words, (document.parent / target).resolve())
        for document in documents
        for words, target in LINK.findall(document.read_text("utf-8"))
    ]


def test_each_picture_that_is_shown_is_there_and_described() -> None:
    found = shown()
    assert {file.parent for _document, _words, file in found} >= {IMAGES}
    for document, words, file in found:
        assert file.is_file(), (document.name, file.name)
        assert len(words) > 20, (document.name, file.name)


def test_each_picture_is_shown_and_small() -> None:
    files = sorted(IMAGES.iterdir())
    assert 0 < len(files) <= MAX_PICTURES
    assert set(files) <= {file for _document, _words, file in shown()}
    for file in files:
        content = file.read_bytes()
        assert content.startswith(PNG), file.name
        assert len(content) <= MAX_BYTES, file.name


def test_one_command_takes_all_of_them(docs: Callable[[str], Any]) -> None:
    """Neither more nor fewer than there are, so that none is left behind."""

    class OfTheDemo:
        def company(self, _key: str) -> Any:
            return type("Company", (), {"calculated": "cell"})()

        def received(self, key: str, peer: str) -> list[dict[str, str]]:
            assert (key, peer) == (PACK, CELL)
            return [{"id": "1"}]

    pytest.importorskip("playwright")
    screenshots = docs("screenshots")
    assert {f"{one.name}.png" for one in screenshots.images_of(OfTheDemo())} == {
        file.name for file in IMAGES.iterdir()
    }
    assert screenshots.MAX_IMAGE_BYTES == MAX_BYTES
