"""`underseal peer declare`, `underseal peer releases`: what the release gate goes by."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import UsageError
from underseal_cli.manage_client import segment
from underseal_cli.options import Json, manage_of
from underseal_cli.peer_view import instant

__all__ = ["register"]

Sources = list[str] | None
PCF = "pcfExcludingBiogenicUptake"
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})?")
FIGURE = re.compile(r"#[A-Za-z0-9]+\Z")


def register(app: typer.Typer) -> None:
    """Add these commands to those of `peer`."""
    for command in (declare, releases):
        app.command()(command)


def declare(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the peer.")],
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="GROUP", help="The legal group that it belongs to."),
    ] = None,
    component: Annotated[
        Sources,
        typer.Option(
            "--component",
            metavar="SOURCE",
            help="It supplies or has specified this: footprint, factor or product id. Repeatable.",
        ),
    ] = None,
    quantity: Annotated[
        Sources,
        typer.Option(
            "--quantity",
            metavar="SOURCE",
            help="It knows how much of this is in it, from a teardown for instance. Repeatable.",
        ),
    ] = None,
    footprint: Annotated[
        Sources,
        typer.Option(
            "--footprint", metavar="ID", help="It has received this footprint too. Repeatable."
        ),
    ] = None,
    prior: Annotated[
        Sources,
        typer.Option(
            "--prior",
            metavar="SOURCE[#FIGURE]=LOW..[HIGH]",
            help="It can assume this of a figure, from a factor database for instance: of the "
            "total, or of another figure by PACT's name. Repeatable.",
        ),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Take back everything that was declared before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Declare what a peer is and knows, for the release gate; without options, show it.

    Each option replaces what was declared with it before; the others stay.
    """
    if any(not value.strip() for value in (*(component or ()), *(quantity or ()))):
        raise UsageError("--component and --quantity name a source, such as an id of a factor")
    manage, path = manage_of(context), f"/peers/{segment(name)}/declaration"
    given: dict[str, Any] = {
        "components": component,
        "quantities": quantity,
        "footprints": footprint,
        "priors": [_prior(one) for one in prior or ()],
    }
    chosen = {key: value for key, value in given.items() if value}
    found = manage.get(path)
    if chosen or group is not None or clear:
        before = {} if clear else {key: found[key] for key in given}
        named = group if group is not None or clear else found.get("group")
        of_group = {} if named is None else {"group": named}
        found = manage.post(path, before | chosen | of_group)
    if as_json:
        output.show(found)
        return
    tables.details(
        [
            ("peer", found["peer"]),
            ("legal group", found.get("group")),
            ("knows the contribution of", found["components"]),
            ("knows the quantity of", found["quantities"]),
            ("has also received", found["footprints"]),
            ("can assume", [_prior_text(one) for one in found["priors"]]),
        ]
    )


def _prior(text: str) -> dict[str, str]:
    """What a peer can assume of a figure.

    Raises:
        UsageError: it is no range.
    """
    named, _, span = text.rpartition("=")
    found = RANGE.fullmatch(span.replace(",", "."))
    source, _, figure = named.rpartition("#") if FIGURE.search(named) else (named, "", "")
    if found is None or not source.strip():
        raise UsageError(
            f"--prior {text}: expected SOURCE=LOW..HIGH or SOURCE=LOW.., such as "
            "urn:gtin:4712345060507=1.8..2.4"
        )
    low, high = found.groups()
    rest = {"figure": figure, "high": high}
    return {"source": source, "low": low} | {name: one for name, one in rest.items() if one}


def _prior_text(one: dict[str, str]) -> str:
    figure = "" if one["figure"] == PCF else f"#{one['figure']}"
    return f"{one['source']}{figure}={one['low']}..{one.get('high', '')}"


def releases(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Of one peer; else all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The ledger of the release gate: which calculated footprints were shown to whom."""
    found = manage_of(context).get("/releases", peer=name)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["peer"],
            one["footprint"],
            one["level"],
            instant(one["releasedAt"]),
            one.get("reason"),
            one.get("consent"),
        )
        for one in found["data"]
    ]
    tables.table(
        ("peer", "footprint", "level", "since", "acknowledged", "consent"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5)),
        empty="No calculated footprint has been shown to anybody.",
    )
