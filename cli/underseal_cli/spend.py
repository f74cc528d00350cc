"""`underseal spend`: what is spent on suppliers, so that their coverage can be weighed by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from underseal_cli import output, tables
from underseal_cli.errors import UsageError, problem_lines
from underseal_cli.files import read_input
from underseal_cli.footprints import MAX_NAME_CHARACTERS
from underseal_cli.options import Json, manage_of, moment
from underseal_cli.peer_view import instant

__all__ = ["app"]

app = typer.Typer(
    help="What you spend on suppliers: coverage is weighed by it.", no_args_is_help=True
)


@app.command()
def template(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to.")],
    as_json: Json = False,
) -> None:
    """Write the workbook that spend can be filled into, with an example."""
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file} does not end in .xlsx", hint="It is a workbook.")
    size = manage_of(context).download("GET", "/spend/template", file, replace=False)
    if as_json:
        output.show({"file": str(file), "bytes": size})
    else:
        output.say(f"{file}: fill it in, then `underseal spend import {file}`.")


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A workbook or CSV.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """Take what a file says of its periods, instead of what was known of them."""
    name = output.visible(str(file))[-MAX_NAME_CHARACTERS:]
    found = manage_of(context).upload(
        "/spend/import", read_input(file), name=name, dryRun="true" if dry_run else None
    )
    if as_json:
        output.show(found)
    elif not found["problems"]:
        _print_imported(found)
    if found["problems"]:
        number = len(found["problems"])
        output.warn(
            f"Nothing was taken: {number} {'problem' if number == 1 else 'problems'}.",
            *problem_lines(found["problems"]),
        )
        raise typer.Exit(1)


@app.command("list")
def list_periods(context: typer.Context, as_json: Json = False) -> None:
    """Of which periods spend is known. The newest is looked at, unless another is asked for."""
    found = manage_of(context).get("/spend")
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["periodStart"],
            one["periodEnd"],
            one["total"],
            one["currency"],
            one["suppliers"],
            f"{instant(one['changedAt'])} from {one['file']}",
        )
        for one in found["data"]
    ]
    tables.table(
        ("from", "until", "spend", "", "suppliers", "imported"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5)),
        empty="There is none yet: `underseal spend template FILE.xlsx`, then import it.",
    )


@app.command()
def remove(
    context: typer.Context,
    start: Annotated[str, typer.Argument(metavar="FROM", help="As `spend list` shows it.")],
    end: Annotated[str, typer.Argument(metavar="UNTIL", help="As `spend list` shows it.")],
    as_json: Json = False,
) -> None:
    """Forget what was spent in a period."""
    query = urlencode({"from": moment("FROM", start), "until": moment("UNTIL", end)})
    found = manage_of(context).delete(f"/spend?{query}")
    if as_json:
        output.show(found)
    else:
        number = found["removed"]
        output.say(f"Removed: spend on {number} {'supplier' if number == 1 else 'suppliers'}.")


def _print_imported(found: dict[str, Any]) -> None:
    rows = [
        (
            one["supplier"],
            one.get("peer"),
            one["amount"],
            one["currency"],
            f"{one['periodStart'][:10]} to {one['periodEnd'][:10]}",
            one["outcome"],
        )
        for one in found["spend"]
    ]
    tables.table(
        ("supplier", "partner", "spend", "", "period", "outcome"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5)),
        empty="There is nothing in the file.",
    )
    if found["dryRun"]:
        output.say("Nothing was written.")
