"""What people see: whole figures, names in every script, nothing that steers the terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from underseal_cli import output, tables

ID = "0df87aac-9589-5ffc-89c0-40a101b423b5"
FIGURE = "123456789012345678901234567890.1234567890"
COLUMNS = ("id", "peer", "product", "kgCO2e", "status")
NARROW = ((0, 2), (1,), (3, 4))
ROWS = [
    (ID, "霁川锂盐", "Materiał katodowy NMC811 monokrystaliczny, WK-811-SC", "25.6584", "Active"),
    (ID, "seller", "Zelle", None, "Deprecated"),
]


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


OnTerminal = Callable[..., Terminal]


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> OnTerminal:
    """Put a terminal in the place of standard output."""

    def put(columns: int = 80, *, coloured: bool = False) -> Terminal:
        made = Terminal()
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.delenv("NO_COLOR", raising=False)
        if not coloured:
            monkeypatch.setenv("NO_COLOR", "1")
        return made

    return put


def plain(terminal: Terminal) -> str:
    """What is shown, without the bold face of headings."""
    return terminal.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_table_fits_the_terminal_and_breaks_no_id(on_terminal: OnTerminal, columns: int) -> None:
    terminal = on_terminal(columns)
    tables.table(COLUMNS, ROWS, empty="nothing", narrow=NARROW)
    text = plain(terminal)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert text.count(ID) == 2
    for whole in ("25.6584", "霁川锂盐", "monokrystaliczny", "Deprecated"):
        assert whole in text


def test_a_wide_terminal_has_one_line_for_each_row(on_terminal: OnTerminal) -> None:
    terminal = on_terminal(160)
    tables.table(COLUMNS, ROWS, empty="nothing", narrow=NARROW)
    assert len(plain(terminal).splitlines()) == 2 + len(ROWS)


@pytest.mark.parametrize("columns", [20, 40])
def test_nothing_is_cut_on_a_very_narrow_terminal(on_terminal: OnTerminal, columns: int) -> None:
    terminal = on_terminal(columns)
    figure = "12345678901234567890123456789"
    tables.table(("id", "figure"), [("a", figure)], empty="")
    assert max(map(cell_len, plain(terminal).splitlines())) <= columns
    digits = "".join(filter(str.isdigit, plain(terminal)))
    assert figure in digits


def test_elsewhere_each_row_is_a_line_as_wide_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long_name = "x" * 300
    tables.table(COLUMNS, [(ID, "a", long_name, FIGURE, "Active")], empty="", narrow=NARROW)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].split() == [ID, "a", long_name, FIGURE, "Active"]
    assert not any(line != line.rstrip() for line in lines)
    assert "\x1b" not in "".join(lines)


def test_columns_of_wide_characters_stand_below_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables.table(("name", "n"), [("锂盐", "1"), ("abcd", "2")], empty="")
    lines = capsys.readouterr().out.splitlines()
    starts = {
        cell_len(line[: line.index(number)]) for line, number in zip(lines[2:], "12", strict=True)
    }
    assert len(starts) == 1


def test_colours_are_for_terminals_that_want_them(on_terminal: OnTerminal) -> None:
    for coloured in (True, False):
        terminal = on_terminal(coloured=coloured)
        tables.table(("state",), [("verified",)], empty="")
        assert ("\x1b[32m" in terminal.getvalue()) == coloured


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    tables.table(("id",), [], empty="There are no peers yet.")
    assert capsys.readouterr().out == "There are no peers yet.\n"


@pytest.mark.parametrize("text", ["[red]x[/red]", "urn:key:4711", ":smile:", "a\\[b]", "<b>"])
def test_texts_are_shown_as_they_are(capsys: pytest.CaptureFixture[str], text: str) -> None:
    output.say(text)
    tables.table(("t",), [(text,)], empty="")
    tables.details([("t", text)])
    assert capsys.readouterr().out.count(text) == 3


@pytest.mark.parametrize(
    ("steering", "visible"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202eevil", "\\u202eevil"),
        ("a\nb", "a\\nb"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_would_steer_the_terminal_is_shown_instead(
    capsys: pytest.CaptureFixture[str], steering: str, visible: str
) -> None:
    output.say(steering)
    output.warn(steering)
    tables.table(("t",), [(steering,)], empty="")
    tables.details([("t", steering)])
    captured = capsys.readouterr()
    assert captured.out.count(visible) == 3
    assert captured.err.count(visible) == 1


def test_json_is_exact_and_holds_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {"name": "霁川\x9b\x1b\ud800", "figure": FIGURE, "data": [None, True, 1]}
    output.show(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert not any(character in out for character in ("\x9b", "\x1b", "\ud800"))
    assert "霁川" in out


def test_an_encoding_that_lacks_characters_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    tables.table(("name",), [("锂",)], empty="")
    output.show({"name": "锂"})
    stream.flush()
    text = buffer.getvalue().decode("ascii")
    assert "\n----\n" in text
    assert "\\u9502" in text
    assert json.loads(text[text.index("{") :]) == {"name": "锂"}


def test_nothing_is_written_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.say("x")
    output.show({})
    tables.table(("id",), [("1",)], empty="")
    assert sys.stdout is None
