"""`underseal outbox`: events to peers."""

from __future__ import annotations

from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.options import Json, manage_of

__all__ = ["app"]

app = typer.Typer(help="Events to peers, and those that could not be sent.", no_args_is_help=True)


@app.command("list")
def list_outbox(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="pending, delivered, dead or paused.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Events to peers, newest first."""
    found = manage_of(context).get("/outbox", state=state)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            str(one["id"]),
            one["peer"],
            one["type"].removeprefix("org.wbcsd.pact.ProductFootprint."),
            one["state"],
            str(one["attempts"]),
            (one.get("nextAttemptAt") or "")[:19],
            one.get("lastError"),
        )
        for one in found["data"]
    ]
    output.table(
        ("id", "peer", "event", "state", "attempts", "next", "last error"),
        rows,
        empty="The outbox is empty.",
    )


@app.command()
def retry(
    context: typer.Context,
    outbox_id: Annotated[int, typer.Argument(metavar="ID", help="Of the event.")],
    as_json: Json = False,
) -> None:
    """Send a dead or paused event again."""
    event = manage_of(context).post(f"/outbox/{outbox_id}/retry")
    if as_json:
        output.show(event)
    else:
        output.say(f"Event {event['id']} to {event['peer']} is on its way again.")
