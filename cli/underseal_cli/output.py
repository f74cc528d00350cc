"""What commands print: for people as tables and sentences, with `--json` one document.

Standard output has what was asked for, standard error has messages. Where nobody looks at a
terminal, tables are as wide as they have to be, so that no id or figure is cut. Texts come from
other companies: what would steer the terminal is shown as what it is.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from underseal_cli.errors import CliError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "console",
    "is_terminal",
    "say",
    "show",
    "unwritable",
    "visible",
    "warn",
    "write",
    "write_bytes",
]

LINE = "─"  # of tables
# Control characters, those that turn the direction of writing, and halves of characters.
UNSEEN = "\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
STEERING = re.compile(f"[\x00-\x1f{UNSEEN}]")
UNSEEN_IN_JSON = re.compile(f"[{UNSEEN}]")


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
    write(sys.stdout, text + "\n")


def say(*lines: str) -> None:
    """Sentences on standard output."""
    write(sys.stdout, "".join(f"{visible(line)}\n" for line in lines))


def warn(*lines: str) -> None:
    """Sentences on standard error."""
    write(sys.stderr, "".join(f"{visible(line)}\n" for line in lines))


def write_bytes(data: bytes) -> None:
    """Bytes as they are on standard output; for a person at a terminal, what steers it is shown.

    Raises:
        CliError: the disk is full, for example.
        BrokenPipeError: whoever reads it has ended.
    """
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None or is_terminal(sys.stdout):
        write(sys.stdout, visible(data.decode("utf-8", "replace")) + "\n")
        return
    try:
        sys.stdout.flush()
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from None


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


def write(stream: TextIO | None, text: str) -> None:
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
