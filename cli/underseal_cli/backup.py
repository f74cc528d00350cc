"""`underseal backup`: the whole node in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.options import Json, manage_of, usage_error
from underseal_cli.passphrase import PassphraseFile, read_passphrase

__all__ = ["backup"]


def backup(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; an existing file is replaced.")
    ],
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="With the encryption key, protected by a passphrase."),
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a backup of the running node."""
    if passphrase_file is not None and not with_key:
        raise usage_error(context, "--passphrase-file goes with --with-key")
    manage = manage_of(context)
    passphrase = None
    if with_key:
        passphrase = read_passphrase(passphrase_file, prompt="New passphrase", twice=True)
    size = manage.download("POST", "/backup", file, {"passphrase": passphrase})
    if as_json:
        output.show({"file": str(file), "bytes": size, "withKey": with_key})
        return
    output.say(f"{file}: {size} bytes.")
    if not with_key:
        output.say(
            "The encryption key is not in it: keep a copy of secrets/master.key of the home at a "
            "safe place, once, or use --with-key."
        )
