"""`underseal outbox`: events to peers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from underseal_cli import output, tables
from underseal_cli.options import DEFAULT_LIMIT, Json, Limit, limit_reached, manage_of

__all__ = ["app"]

app = typer.Typer(help="Events to peers, and those that could not be sent.", no_args_is_help=True)


class OutboxState(StrEnum):
    """Of an event."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    PAUSED = "paused"


@app.command("list")
def list_outbox(
    context: typer.Context,
    state: Annotated[
        OutboxState | None,
        typer.Option(
            metavar="|".join(OutboxState), help="Only in this state.", case_sensitive=False
        ),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """Events to peers, newest first."""
    found = manage_of(context).get("/outbox", state=state, limit=limit)
    limit_reached(found["data"], limit)
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
    tables.table(
        ("id", "peer", "event", "state", "attempts", "next", "last error"),
        rows,
        empty="The outbox is empty.",
        narrow=((0,), (1, 2), (3, 4), (5, 6)),
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
