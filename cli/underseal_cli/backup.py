"""`underseal backup`: the whole node in one file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import Json, manage_of
from underseal_cli.passphrase import PassphraseFile, read_passphrase

__all__ = ["backup", "write_whole"]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; an existing file is replaced.")],
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="With the encryption key, protected by a passphrase."),
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a backup of the running node."""
    manage = manage_of(context)
    passphrase = None
    if with_key:
        passphrase = read_passphrase(passphrase_file, prompt="New passphrase", twice=True)
    archive = manage.download("POST", "/backup", {"passphrase": passphrase})
    write_whole(file, archive)
    if as_json:
        output.show({"file": str(file), "bytes": len(archive), "withKey": with_key})
        return
    output.say(f"{file}: {len(archive)} bytes.")
    if not with_key:
        output.say(
            "The encryption key is not in it: keep a copy of secrets/master.key of the home at a "
            "safe place, once, or use --with-key."
        )


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read: whole, or not at all.

    Raises:
        CliError: it cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CliError(
            f"{file} cannot be written: {error.strerror}",
            hint="Check the free space and the permissions; nothing was left behind.",
        ) from None
