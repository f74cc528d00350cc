"""`underseal doctor` and `underseal alert`: how the node is, and what waits for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from underseal_cli import output, tables
from underseal_cli.options import DEFAULT_LIMIT, Json, Limit, limit_reached, manage_of

__all__ = ["alerts", "doctor"]

alerts = typer.Typer(help="What the operator has to look at.", no_args_is_help=True)


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Look at the node as a peer would, and at what waits for the operator."""
    found = manage_of(context).get("/doctor")
    checks = found["data"]
    if as_json:
        output.show(found)
    else:
        rows = [
            (one["result"], one["name"], [one["message"], *filter(None, [one.get("hint")])])
            for one in checks
        ]
        tables.table(("state", "what", "how it is"), rows, empty="There is nothing to look at.")
    if any(one["result"] == "problem" for one in checks):
        raise typer.Exit(1)


@alerts.command("list")
def list_alerts(
    context: typer.Context, limit: Limit = DEFAULT_LIMIT, as_json: Json = False
) -> None:
    """Alerts, newest first: invalid footprints, two signatures for one, changed keys ..."""
    found = manage_of(context).get("/alerts", limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (one["createdAt"][:19], one["kind"], one.get("peer"), _with_footprint(one))
        for one in found["data"]
    ]
    tables.table(
        ("time", "kind", "peer", "what"),
        rows,
        empty="There are no alerts.",
        narrow=((0,), (1, 2), (3,)),
    )


def _with_footprint(alert: Mapping[str, Any]) -> list[str]:
    """The message, and the footprint that it is about unless it names that."""
    footprint_id = alert.get("footprintId")
    if footprint_id is None or footprint_id in alert["message"]:
        return [alert["message"]]
    return [alert["message"], f"footprint {footprint_id}"]
