"""`underseal restore`: a node from a backup."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import Json, home_of
from underseal_cli.passphrase import PassphraseFile, read_passphrase

__all__ = ["restore"]


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `underseal backup` wrote.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into a home that is absent or empty."""
    from underseal_node.backup import needs_passphrase, restore_backup
    from underseal_node.errors import NodeError
    from underseal_node.home import Home
    from underseal_node.moving import DATABASE_VARIABLE

    home = Home(home_of(context))
    if file.is_dir():
        raise CliError(f"{file} is a directory", hint="Name the file that `backup` wrote.")
    try:
        passphrase = None
        if needs_passphrase(file):
            passphrase = read_passphrase(passphrase_file, prompt="Passphrase of the backup")
        restored = restore_backup(file, home, passphrase=passphrase)
    except NodeError as error:
        raise CliError(error.message, hint=error.hint) from error
    if DATABASE_VARIABLE in os.environ:
        output.warn(
            f"What was restored is in the home, and {DATABASE_VARIABLE} names another database: "
            "move it there with `underseal migrate-store --to URL` before the node starts."
        )
    if as_json:
        output.show(
            {
                "home": str(home.path),
                "createdAt": restored.created_at,
                "pausedEvents": restored.paused_events,
                "hasMasterKey": restored.has_master_key,
            }
        )
        return
    output.say(f"Restored into {home.path}, as it was at {restored.created_at}.")
    if not restored.has_master_key:
        output.say(f"Its encryption key is not in the backup: put it into {home.master_key_file}.")
    if restored.paused_events:
        output.say(
            f"{restored.paused_events} outgoing events are paused: they may have been delivered "
            "since. `underseal outbox list` shows them, `underseal outbox retry ID` sends one."
        )
