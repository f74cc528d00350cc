"""`underseal grant`: which peer may see what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.options import (
    Classifications,
    Json,
    LevelOption,
    Products,
    manage_of,
    usage_error,
)
from underseal_protocol.disclosure import Level

__all__ = ["app"]

app = typer.Typer(help="Grants: which peer may see what.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    peer: Annotated[str, typer.Argument(metavar="PEER", help="Who.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, also what is published later.")
    ] = False,
    product_id: Products = None,
    classification: Classifications = None,
    footprint: Annotated[
        list[str] | None,
        typer.Option("--footprint", metavar="ID", help="Single footprints. Repeatable."),
    ] = None,
    level: LevelOption = Level.TOTAL,
    as_json: Json = False,
) -> None:
    """Let a peer see something."""
    if everything + sum(map(bool, (product_id, classification, footprint))) != 1:
        raise usage_error(
            context, "give exactly one of --all, --product-id, --classification and --footprint"
        )
    made = manage_of(context).post(
        "/grants",
        {
            "peer": peer,
            "everything": everything,
            "productIds": product_id or [],
            "classifications": classification or [],
            "footprintIds": footprint or [],
            "level": level,
        },
    )
    if as_json:
        output.show(made)
    else:
        _print(made["data"])
    output.warn(
        *(
            f"Warning: grant {one['id']} ({one['value']}): {one['warning']}"
            for one in made["data"]
            if one.get("warning")
        )
    )


@app.command("list")
def list_grants(
    context: typer.Context,
    peer: Annotated[str | None, typer.Argument(metavar="PEER", help="Only of this one.")] = None,
    as_json: Json = False,
) -> None:
    """All grants."""
    found = manage_of(context).get("/grants", peer=peer)
    if as_json:
        output.show(found)
    else:
        _print(found["data"])


@app.command()
def remove(
    context: typer.Context,
    grant_id: Annotated[int, typer.Argument(metavar="ID", help="Of the grant.")],
    as_json: Json = False,
) -> None:
    """Take a grant away; it ends with the next call of the peer."""
    manage_of(context).delete(f"/grants/{grant_id}")
    if as_json:
        output.show({"removed": grant_id})
    else:
        output.say(f"Grant {grant_id} is removed.")


def _print(grants: list[dict[str, Any]]) -> None:
    rows = [
        (str(one["id"]), one["peer"], one["kind"], one["value"], one["level"]) for one in grants
    ]
    tables.table(
        ("id", "peer", "what", "", "level"),
        rows,
        empty="Nobody may see anything: `underseal grant add PEER`.",
    )
