"""`underseal grant`: which peer may see what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.manage_client import Manage
from underseal_cli.options import (
    DEFAULT_LIMIT,
    Acknowledge,
    Classifications,
    Consent,
    Json,
    LevelOption,
    Limit,
    Products,
    manage_of,
    moment,
    usage_error,
)
from underseal_protocol.disclosure import Level

__all__ = ["app"]

PAGE_SIZE = 1_000
SHOWN_CHARACTERS = 60
MAX_NUMBER = 2**31 - 1

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
    starts: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Not before this moment; a date is its first moment in UTC. At first without: at "
            "once.",
        ),
    ] = None,
    ends: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Before this moment, not at it: --until 2027-01-01 includes all of 2026. "
            "At first without: until the grant is removed.",
        ),
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option(
            "--terms",
            metavar="TEXT|URL",
            help="Usage terms, which the peer's node keeps and shows: a promise, not enforced.",
        ),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", metavar="TEXT", help="What it is given for; kept likewise."),
    ] = None,
    replace: Annotated[
        list[int] | None,
        typer.Option(
            "--replace",
            metavar="ID",
            min=1,
            max=MAX_NUMBER,
            help="Grants of this peer in whose place it comes, in one step: to show less, say. "
            "Repeatable.",
        ),
    ] = None,
    acknowledge: Acknowledge = None,
    consent: Consent = None,
    as_json: Json = False,
) -> None:
    """Let a peer see something.

    The same grant again with other dates, terms or purpose changes those; what is left out stays
    as it was, and an empty text ("") clears it.
    """
    if everything + sum(map(bool, (product_id, classification, footprint))) != 1:
        raise usage_error(
            context, "give exactly one of --all, --product-id, --classification and --footprint"
        )
    if (acknowledge is None) != (consent is None):
        raise usage_error(context, "--acknowledge and --consent belong together")
    given = {
        "peer": peer,
        "everything": everything,
        "productIds": product_id or [],
        "classifications": classification or [],
        "footprintIds": footprint or [],
        "level": level,
        "starts": starts if starts == "" else moment("--from", starts),
        "ends": ends if ends == "" else moment("--until", ends),
        "terms": terms,
        "purpose": purpose,
        "acknowledge": acknowledge,
        "consent": consent,
    }
    body = {name: value for name, value in given.items() if value is not None}
    manage = manage_of(context)
    if replace:
        made = manage.post("/grants/replace", {"replaced": replace, "grant": body})
    else:
        made = manage.post("/grants", body)
    if as_json:
        output.show(made)
    else:
        _print(made["data"])
    output.warn(
        *(
            f"Warning: grant {one['id']} ({one['value'] or 'everything'}): {one['warning']}"
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
def preview(
    context: typer.Context,
    peer: Annotated[str, typer.Argument(metavar="PEER", help="Who looks.")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="At this moment, also one to come."),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """List exactly what a peer sees, found by the queries that serve it.

    Of a peer that is not active, it is what it would see if it were.
    """
    found = _preview(manage_of(context), peer, moment("--at", at), limit)
    if found.get("note"):
        output.warn(f"Note: {found['note']}.")
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["productNameCompany"],
            *tables.figure_columns(one),
            one["status"],
            one["level"],
            ", ".join(one["withheld"]) or "nothing",
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "product", "kgCO2e", "per", "status", "level", "withheld"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5), (6,)),
        empty=f"{found['peer']} sees nothing.",
    )
    counts = [f"{count} at {level}" for level, count in found["levels"].items() if count]
    if counts:
        noun = "footprint" if found["total"] == 1 else "footprints"
        output.say("", f"{found['total']} {noun}: {', '.join(counts)}.")
    if found.get("next") is not None:
        output.warn(f"These are the first {limit}; --limit N lists up to N.")


def _preview(manage: Manage, peer: str, at: str | None, limit: int) -> dict[str, Any]:
    """The pages of a preview as one, up to a number of footprints."""
    found: dict[str, Any] = {}
    data: list[dict[str, Any]] = []
    after = None
    while not found or (after is not None and len(data) < limit):
        page = min(limit - len(data), PAGE_SIZE)
        found = manage.get("/grants/preview", peer=peer, at=at, after=after, limit=page)
        # Should something change meanwhile, all pages are of the moment of the first one.
        at = found["at"]
        after = found.get("next")
        data += found["data"]
    return found | {"data": data}


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
    """The table; what no grant has gets no column."""
    columns = {
        "id": [str(one["id"]) for one in grants],
        "peer": [one["peer"] for one in grants],
        "what": [one["kind"] for one in grants],
        "": [one["value"] for one in grants],
        "level": [one["level"] for one in grants],
        "from": [one.get("starts") for one in grants],
        "until": [one.get("ends") for one in grants],
        "state": [one["state"] if one["state"] != "active" else None for one in grants],
        "terms": [_short(one.get("terms")) for one in grants],
        "purpose": [_short(one.get("purpose")) for one in grants],
    }
    always = ("id", "peer", "what", "", "level")
    shown = [name for name, cells in columns.items() if name in always or any(cells)]
    tables.table(
        shown,
        list(zip(*(columns[name] for name in shown), strict=True)),
        empty="Nobody may see anything: `underseal grant add PEER`.",
    )


def _short(text: str | None) -> str | None:
    """A text for a table; `--json` has all of it."""
    if text is None or len(text) <= SHOWN_CHARACTERS:
        return text
    return text[: SHOWN_CHARACTERS - 1] + "…"
