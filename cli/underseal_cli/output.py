"""What commands print: for people as tables and sentences, with `--json` one document.

Standard output has what was asked for, standard error has messages. Where nobody looks at a
terminal, tables are as wide as they have to be, so that no id or figure is cut. Texts come from
other companies: what would steer the terminal is shown as what it is.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from underseal_cli.errors import CliError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "console",
    "details",
    "figure_columns",
    "footprint_figure",
    "is_terminal",
    "say",
    "show",
    "table",
    "unwritable",
    "visible",
    "warn",
]

UNLIMITED = 100_000
LINE = "─"  # of tables
# Control characters, those that turn the direction of writing, and halves of characters.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSEEN_IN_JSON = re.compile("[\x7f-\x9f\ud800-\udfff]")
# Words up to this length, such as a UUID, are not broken over lines; in cells of a terminal.
WORD_CELLS = 36
STYLES = {
    "verified": "green",
    "ok": "green",
    "active": "green",
    "Active": "green",
    "fulfilled": "green",
    "delivered": "green",
    "unsigned": "yellow",
    "pending": "yellow",
    "warning": "yellow",
    "paused": "yellow",
    "suspended": "yellow",
    "invalid": "bold red",
    "problem": "bold red",
    "error": "bold red",
    "dead": "bold red",
    "failed": "bold red",
    "rejected": "red",
    "revoked": "red",
}


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it."""
    return stream is not None and stream.isatty()


def visible(text: str) -> str:
    """A text in which everything can be seen: `\\x1b` for what would steer the terminal."""
    return STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def show(document: Any) -> None:
    """The one JSON document of `--json`."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    text = UNSEEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    _write(sys.stdout, text + "\n")


def say(*lines: str) -> None:
    """Sentences on standard output."""
    _write(sys.stdout, "".join(f"{visible(line)}\n" for line in lines))


def warn(*lines: str) -> None:
    """Sentences on standard error."""
    _write(sys.stderr, "".join(f"{visible(line)}\n" for line in lines))


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    empty: str,
    narrow: Sequence[Sequence[int]] | None = None,
) -> None:
    """A table; a sentence if there is nothing in it.

    Args:
        columns: their headings.
        rows: texts, or lists of them; None is shown as nothing.
        empty: what is said without rows.
        narrow: numbers of columns that are shown below each other on a narrow terminal.
    """
    found = [[_cell(value) for value in row] for row in rows]
    if not found:
        say(empty)
        return
    made = _table(columns, found)
    if is_terminal(sys.stdout):
        if narrow is not None and _widths(made).maximum > console(sys.stdout).width:
            columns = ["\n".join(columns[one] for one in group) for group in narrow]
            found = [_stacked(row, narrow) for row in found]
            made = _table(columns, found)
        if _widths(made).minimum > console(sys.stdout).width:
            made = _table(columns, found, is_tight=True)
    _print(made)


def details(members: Iterable[tuple[str, Any]]) -> None:
    """Names and values below each other; what has no value is left out."""
    from rich.table import Table

    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in members:
        if value not in (None, "", []):
            made.add_row(name, _cell(value))
    _print(made)


def figure_columns(item: Mapping[str, Any]) -> tuple[str | None, str]:
    """The figure of a footprint and what it is per, for the columns `kgCO2e` and `per`."""
    amount, unit = item.get("declaredUnitAmount"), item.get("declaredUnitOfMeasurement")
    per = " ".join(filter(None, (amount, unit)))
    return item.get("pcfExcludingBiogenicUptake"), per


def footprint_figure(item: Mapping[str, Any]) -> str:
    """The figure of a footprint with its unit, such as `14.28 kgCO2e / 1 kilogram`."""
    figure = item.get("pcfExcludingBiogenicUptake")
    if figure is None:
        return ""
    unit = f"{item.get('declaredUnitAmount', '?')} {item.get('declaredUnitOfMeasurement', '?')}"
    return f"{figure} kgCO2e / {unit}"


def console(stream: TextIO) -> Console:
    """A console for a terminal."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def unwritable(error: OSError) -> CliError:
    """Standard output could not be written."""
    return CliError(
        f"the output cannot be written: {error.strerror or error}",
        hint="The command itself may have had its effect.",
    )


def _print(made: RenderableType) -> None:
    """On a terminal as wide as that is; elsewhere as wide as it is, no spaces at the ends."""
    if is_terminal(sys.stdout):
        console(sys.stdout).print(made)
        return
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=UNLIMITED, color_system=None, emoji=False).print(made)
    _write(sys.stdout, "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], *, is_tight: bool = False
) -> Table:
    """
    Args:
        columns: headings.
        rows: cells.
        is_tight: words may be broken, because otherwise something would be cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        words = (word for row in rows for word in row[number].plain.split())
        longest = min(max(map(cell_len, words), default=1), WORD_CELLS)
        made.add_column(column, overflow="fold", min_width=None if is_tight else longest)
    for row in rows:
        made.add_row(*row)
    return made


def _widths(made: Table) -> Measurement:
    """The least width in which a table can be shown, and that in which it is not broken."""
    terminal = console(sys.stdout)
    return terminal.measure(made, options=terminal.options.update(width=UNLIMITED))


def _stacked(row: Sequence[Text], groups: Sequence[Sequence[int]]) -> list[Text]:
    from rich.text import Text

    return [Text("\n").join([row[one] for one in group]) for group in groups]


def _cell(value: Any) -> Text:
    from rich.text import Text

    texts = [str(one) for one in value] if isinstance(value, list) else [str(value or "")]
    text = "\n".join(map(visible, texts))
    return Text(text, style=STYLES.get(text, ""))


def _write(stream: TextIO | None, text: str) -> None:
    """Write, also where the encoding does not have every character, or nobody listens.

    Raises:
        CliError: the disk is full, for example.
        BrokenPipeError: whoever reads it has ended.
    """
    if stream is None:
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            text = text.replace(LINE, "-")
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from None
