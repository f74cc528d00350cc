"""Passphrases: from a file, from the terminal without an echo, or the first line of the input."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from underseal_cli.errors import CliError
from underseal_cli.files import first_line, read_input
from underseal_cli.output import is_terminal

__all__ = ["PassphraseFile", "read_passphrase"]

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Its first line is the passphrase."),
]


def read_passphrase(file: Path | None, *, prompt: str, twice: bool = False) -> str:
    """A passphrase.

    Args:
        file: its first line counts; None: the terminal, or standard input if that is none.
        prompt: what is asked at the terminal.
        twice: ask again, because a typing error would lock the user out.

    Raises:
        CliError: there is none, or the two differ.
    """
    if file is not None:
        passphrase = first_line(read_input(file))
    elif is_terminal(sys.stdin):
        passphrase = getpass.getpass(f"{prompt}: ")
        if twice and getpass.getpass("Once more: ") != passphrase:
            raise CliError("the two passphrases differ", hint="Nothing was done; try again.")
    else:
        passphrase = first_line(b"" if sys.stdin is None else sys.stdin.buffer.readline())
    if not passphrase:
        raise CliError(
            "a passphrase is needed",
            hint="Type it at the terminal, or name a file with --passphrase-file.",
        )
    return passphrase
