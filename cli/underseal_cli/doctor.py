"""`underseal doctor` and `underseal alert`: how the node is, and what waits for the operator."""

from __future__ import annotations

import typer

from underseal_cli import output
from underseal_cli.options import Json, manage_of

__all__ = ["alerts", "doctor"]

alerts = typer.Typer(help="What the operator has to look at.", no_args_is_help=True)


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Look at the node as a peer would; exit status 1 if there is a problem."""
    found = manage_of(context).get("/doctor")
    checks = found["data"]
    if as_json:
        output.show(found)
    else:
        rows = [
            (one["result"], one["name"], "\n".join(filter(None, (one["message"], one.get("hint")))))
            for one in checks
        ]
        output.table(("", "what", "how it is"), rows, empty="There is nothing to look at.")
    if any(one["result"] == "problem" for one in checks):
        raise typer.Exit(1)


@alerts.command("list")
def list_alerts(context: typer.Context, as_json: Json = False) -> None:
    """Alerts: what changed under the same id, two signatures, invalid footprints, new keys ..."""
    found = manage_of(context).get("/alerts")
    if as_json:
        output.show(found)
        return
    rows = [
        (one["createdAt"], one["kind"], one.get("peer"), one["message"]) for one in found["data"]
    ]
    output.table(("time", "kind", "peer", "what"), rows, empty="There are no alerts.")
