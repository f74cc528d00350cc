"""`underseal move`: the node gets another address."""

from __future__ import annotations

from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.options import Json, manage_of

__all__ = ["move"]


def move(
    context: typer.Context,
    url: Annotated[
        str,
        typer.Option("--url", metavar="URL", help="The new address: https://HOST[:PORT][/PATH]."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give the node another address, and tell its peers, signed with a key that they know.

    What it signed under the old address stays valid.
    """
    moved = manage_of(context).post("/node/move", {"url": url, "dryRun": dry_run})
    if as_json:
        output.show(moved)
        return
    told = ", ".join(moved["notified"]) or "nobody"
    if dry_run:
        output.say(f"It would move from {moved['formerUrl']} to {moved['url']}, and tell {told}.")
    else:
        output.say(f"The node is at {moved['url']} now. It tells {told}.")
    output.say("", "What you have to do:", *(f"- {one}" for one in moved["todo"]))
