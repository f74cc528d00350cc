"""`underseal console`: the link reaches the browser, and nobody else on the machine."""

from __future__ import annotations

import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from underseal_cli import console


def test_the_code_is_in_no_argument_of_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def note(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    (tmp_path / "run").mkdir()
    for code in ("first", "second&<"):
        assert console._opened(tmp_path, f"http://127.0.0.1:1/console/enter#{code}")
    assert len(set(opened)) == 1
    assert "second" not in opened[0]
    file = Path(unquote(urlsplit(opened[0]).path))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert "url=http://127.0.0.1:1/console/enter#second&amp;&lt;" in text
    assert "first" not in text


def test_where_no_file_can_be_written_the_link_is_only_shown(tmp_path: Path) -> None:
    assert not console._opened(tmp_path / "nothing", "http://127.0.0.1:1/console/enter#code")
