"""The recovery key: made here, shown once or written into a file, and asked for when it is needed.

The node does not keep it: only its public half stays there; a revocation is signed in passing.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underseal_cli.errors import CliError
from underseal_cli.files import first_line, read_input, write_whole
from underseal_cli.output import is_terminal

if TYPE_CHECKING:
    from underseal_protocol.keys import SigningKey

__all__ = [
    "NewRecoveryKey",
    "RecoveryKeyFile",
    "RecoveryKeyOut",
    "new_recovery_key",
    "read_recovery_key",
]

RecoveryKeyOut = Annotated[
    Path | None,
    typer.Option(
        "--recovery-key-out",
        metavar="FILE",
        help="Write the recovery key into this file instead of printing it.",
    ),
]
RecoveryKeyFile = Annotated[
    Path | None,
    typer.Option("--recovery-key-file", metavar="FILE", help="Its first line is the recovery key."),
]


@dataclass(frozen=True)
class NewRecoveryKey:
    """A recovery key that was made just now.

    Attributes:
        key: the key.
        file: where it is; None if it is to be printed.
    """

    key: SigningKey
    file: Path | None

    @property
    def text(self) -> str:
        """What is to be kept."""
        from underseal_protocol.recovery import recovery_text

        return recovery_text(self.key)

    def as_json(self) -> dict[str, str]:
        """What `--json` says of it."""
        if self.file is not None:
            return {"recoveryKeyFile": str(self.file)}
        return {"recoveryKey": self.text}

    def sentences(self) -> list[str]:
        """What a person is told of it."""
        if self.file is None:
            shown = ["The recovery key of this node, shown this once:", "", f"  {self.text}", ""]
        else:
            shown = [f"The recovery key of this node is in {self.file}. Take it off this machine."]
        return [
            *shown,
            "Keep it offline, on paper or on a stick in a safe, and not on this machine. If the",
            "keys of the node are stolen, it alone can revoke and replace them; without it a theft",
            "cannot be undone. Whoever has it can take over the name of the node.",
        ]


@contextmanager
def new_recovery_key(file: Path | None, home: Path) -> Iterator[NewRecoveryKey]:
    """Make a recovery key; a file that it was written to goes when what it is for fails.

    Args:
        file: where to write it, readable by its owner only; None: it will be printed.
        home: of the node; it must not be kept there.

    Raises:
        CliError: the file cannot be written, exists, or is in the home.
    """
    from underseal_protocol.keys import KeyPurpose, SigningKey

    made = NewRecoveryKey(SigningKey.generate(KeyPurpose.RECOVERY), file)
    if file is None:
        yield made
        return
    if file.absolute().resolve().is_relative_to(home.resolve()):
        raise CliError(
            f"{file} is in the home of the node, where a thief of its keys would find it",
            hint="Choose another place, best on another machine.",
        )
    write_whole(file, [made.text.encode() + b"\n"], replace=False)
    try:
        yield made
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def read_recovery_key(file: Path | None) -> str:
    """The recovery key as text, from a file or from the terminal without an echo.

    Raises:
        CliError: there is none, and nobody can be asked.
        KeySetError: it is none, or has a typing error.
    """
    from underseal_protocol.recovery import recovery_key_of

    if file is not None:
        text = first_line(read_input(file))
    elif is_terminal(sys.stdin):
        text = getpass.getpass("Recovery key: ")
    else:
        raise CliError(
            "the recovery key is needed",
            hint="Name the file that it is in with --recovery-key-file; - is standard input.",
        )
    recovery_key_of(text)
    return text
