"""`underseal audit open`: show an auditor lines that a footprint was calculated from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.files import write_whole
from underseal_cli.manage_client import segment
from underseal_cli.options import Json, manage_of, usage_error

__all__ = ["content_text", "register"]


def register(app: typer.Typer) -> None:
    """Add the command to those of `audit`."""
    app.command("open")(open_lines)


def open_lines(
    context: typer.Context,
    footprint: Annotated[
        str, typer.Argument(metavar="ID", help="An own footprint that the node has calculated.")
    ],
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--lines", metavar="LINE[,LINE]", help="The lines to open, by their ids. Repeatable."
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Open all lines, and show that there are no others."),
    ] = False,
    verifier: Annotated[
        str | None, typer.Option("--for", metavar="VERIFIER", help="The auditor, by name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; ID.opening.json by default.")
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Open nothing; list what can be opened.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open lines that a footprint was calculated from, for an auditor.

    Lines are those of the bill of materials, and meter readings, production orders, factors, what
    suppliers have sent. The file shows them, and proves that they were committed to when the
    footprint was published; nothing is shown of other lines. Give it to the auditor alone.
    """
    if [bool(lines), everything, show_list].count(True) != 1:
        raise usage_error(context, "give exactly one of --lines, --all and --list")
    if not show_list and verifier is None:
        raise usage_error(context, "--lines and --all need --for: who the auditor is")
    path = f"/footprints/{segment(footprint)}"
    if show_list:
        _list(manage_of(context).get(f"{path}/lines"), as_json=as_json)
        return
    named = [one.strip() for given in lines or () for one in given.split(",") if one.strip()]
    what: dict[str, Any] = {"everything": True} if everything else {"lines": named}
    made = manage_of(context).post(f"{path}/opening", what | {"verifier": verifier})
    target = out or Path(f"{made['footprintId']}.opening.json")
    text = json.dumps(made["opening"], ensure_ascii=False, indent=2) + "\n"
    write_whole(target, [text.encode()])
    if as_json:
        output.show(made)
        return
    count = len(made["lines"])
    opened = f"all {count} lines" if made["isWhole"] else f"{count} lines"
    output.say(
        f"{target}: {opened} of {made['footprintId']}, for {made['verifier']}",
        f"The auditor runs `underseal verify FOOTPRINT --keys KEYS --opening {target}`.",
    )


def content_text(content: Mapping[str, Any]) -> str:
    """What a line says, in one line of text."""
    parts = (f"{name}={_text(value)}" for name, value in content.items())
    return ", ".join(parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(content: Mapping[str, Any]) -> dict[str, Any]:
    """Without what fills pages: the values of a meter, and documents of suppliers."""
    shown = dict(content)
    if isinstance(shown.get("values"), list):
        number, first = len(shown["values"]), shown["values"][0]
        shown["values"] = first if number == 1 else f"{number}, from {first[0]} on"
    if "document" in shown:
        shown["document"] = "as it was received"
    return shown


def _list(found: Mapping[str, Sequence[Mapping[str, Any]]], *, as_json: bool) -> None:
    if as_json:
        output.show(found)
        return
    rows = [(one["id"], one["kind"], content_text(_short(one["content"]))) for one in found["data"]]
    tables.table(("line", "kind", "content"), rows, empty="There are no lines.")
