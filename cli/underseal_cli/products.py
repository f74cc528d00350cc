"""`underseal product`, `underseal factor`: bills of materials, factors, and what comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError, UsageError, problem_lines
from underseal_cli.files import read_input
from underseal_cli.footprints import MAX_NAME_CHARACTERS
from underseal_cli.options import Json, manage_of
from underseal_cli.peer_view import instant

__all__ = ["app", "cause_lines", "factors", "read_json", "say_energy_failures"]

SHOWN_WARNINGS = 20
WHAT_IF_HINT = "docs/reference/what-if.md shows what such a file holds."

app = typer.Typer(
    help="Products: from a bill of materials to a published footprint.", no_args_is_help=True
)
factors = typer.Typer(help="Secondary emission factors.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the product.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The filled-in workbook, CSV, or JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")]


@app.command()
def template(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to.")],
    as_json: Json = False,
) -> None:
    """Write the workbook that products can be filled into, with instructions and an example."""
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file} does not end in .xlsx", hint="It is a workbook.")
    size = manage_of(context).download("GET", "/products/template", file, replace=False)
    if as_json:
        output.show({"file": str(file), "bytes": size})
    else:
        output.say(f"{file}: fill it in, then `underseal product import {file}`.")


@app.command("import")
def import_products(
    context: typer.Context, file: File, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Take the products in a file, and the factors beside them: the file whole, or not at all."""
    _import(context, "/products/import", file, dry_run=dry_run, as_json=as_json)


@factors.command("import")
def import_factors(
    context: typer.Context, file: File, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Take the emission factors in a file: the file whole, or not at all."""
    _import(context, "/factors/import", file, dry_run=dry_run, as_json=as_json)


def _import(context: typer.Context, path: str, file: Path, *, dry_run: bool, as_json: bool) -> None:
    name = output.visible(str(file))[-MAX_NAME_CHARACTERS:]
    found = manage_of(context).upload(
        path, read_input(file), name=name, dryRun="true" if dry_run else None
    )
    if as_json:
        output.show(found)
    elif not found["problems"]:
        _print_imported(found)
    if found["warnings"]:
        number = len(found["warnings"])
        output.warn(
            f"{number} {'line is' if number == 1 else 'lines are'} open, because what is named is "
            "not there yet:",
            *problem_lines(found["warnings"][:SHOWN_WARNINGS]),
            *(["  ..."] if number > SHOWN_WARNINGS else []),
        )
    if found["problems"]:
        number = len(found["problems"])
        output.warn(
            f"Nothing was taken: {number} {'problem' if number == 1 else 'problems'}.",
            *problem_lines(found["problems"]),
        )
        raise typer.Exit(1)


def _print_imported(found: dict[str, Any]) -> None:
    rows = [
        (kind, one["id"], one["name"], one.get("lines"), one["outcome"])
        for kind, items in (("product", found["products"]), ("factor", found["factors"]))
        for one in items
    ]
    tables.table(
        ("", "id", "name", "lines", "outcome"), rows, empty="There is nothing in the file."
    )
    if found["dryRun"]:
        output.say("Nothing was written.")
    elif any(one["outcome"] != "unchanged" for one in found["products"]):
        output.say("Next: `underseal match` shows what their lines resolve to.")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to.")],
    product: Annotated[
        list[str] | None,
        typer.Option("--product", metavar="ID", help="Only this one. Repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write products and factors into a workbook, to change them there and import them again."""
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file} does not end in .xlsx", hint="It is a workbook.")
    query = urlencode([("product", one) for one in product or ()])
    path = f"/products/workbook?{query}" if query else "/products/workbook"
    size = manage_of(context).download("GET", path, file, replace=False)
    if as_json:
        output.show({"file": str(file), "bytes": size})
    else:
        output.say(f"{file}: change it, then `underseal product import {file}`.")


@app.command("list")
def list_products(context: typer.Context, as_json: Json = False) -> None:
    """Every product: how many lines are open, and its active footprint."""
    found = manage_of(context).get("/products")
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["version"],
            one["lines"],
            one["openLines"] or "",
            one.get("footprint"),
            "stale" if one["isStale"] else "",
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "name", "version", "lines", "open", "footprint", ""),
        rows,
        narrow=((0, 1), (2, 3, 4), (5, 6)),
        empty="There is none yet: `underseal product template FILE.xlsx`, then import it.",
    )


@app.command()
def show(context: typer.Context, product_id: Id, as_json: Json = False) -> None:
    """One product: its lines and what they resolve to, its footprints, what is stale."""
    found = manage_of(context).get("/products/detail", product=product_id)
    if as_json:
        output.show(found)
        return
    unit = found["document"]["declaredUnit"]
    tables.details(
        [
            ("product", f"{found['id']}  {found['name']}"),
            ("declared unit", f"{unit['amount']} {unit['unit']}"),
            (
                "version",
                f"{found['version']}, of {instant(found['changedAt'])} from {found['file']}",
            ),
        ]
    )
    rows = [
        (
            one["line"],
            one["name"],
            one["kind"],
            one["amount"],
            one.get("supplier"),
            one.get("label") or _open(one),
        )
        for one in found["lines"]
    ]
    output.say("")
    tables.table(
        ("line", "name", "kind", "amount", "supplier", "resolves to"),
        rows,
        narrow=((0, 1, 2, 3), (4, 5)),
        empty="It has no lines.",
    )
    say_energy_failures(found["energyFailures"])
    if found["footprints"]:
        output.say("")
        _print_footprints(found["footprints"])
    for one in found["stale"]:
        what = f"the draft {one['footprint']}" if one["isDraft"] else one["footprint"]
        output.say("", f"{what} is stale:", *cause_lines(one))


@app.command()
def history(context: typer.Context, product_id: Id, as_json: Json = False) -> None:
    """What a product was, and the footprints that were calculated from it."""
    found = manage_of(context).get("/products/history", product=product_id)
    if as_json:
        output.show(found)
        return
    rows = [(one["version"], instant(one["changedAt"]), one["file"]) for one in found["versions"]]
    tables.table(("version", "since", "file"), rows, empty="")
    output.say("")
    _print_footprints(found["footprints"])


@factors.command("list")
def list_factors(context: typer.Context, as_json: Json = False) -> None:
    """Every emission factor with its source."""
    found = manage_of(context).get("/factors")
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            _value(one),
            f"per {one['unit']}",
            " ".join(filter(None, (one["database"], one["version"]))),
            one.get("geography"),
            one.get("year"),
            "" if one["isVerified"] else "not verified",
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "name", "kgCO2e", "", "source", "place", "year", ""),
        rows,
        narrow=((0, 1), (2, 3), (4, 5, 6, 7)),
        empty="There is none yet: `underseal factor import FILE`.",
    )


def _open(line: dict[str, Any]) -> str:
    """That a line resolves to nothing, and why if something is named."""
    return f"OPEN: {line['missing']}" if line.get("missing") else "OPEN"


def _value(factor: dict[str, Any]) -> str:
    values = factor["values"]
    total = values.get("pcfExcludingBiogenicUptake")
    shown = total if total is not None else f"{len(values)} components"
    return shown if factor["amount"] == "1" else f"{shown} / {factor['amount']}"


def _print_footprints(found: list[dict[str, Any]]) -> None:
    rows = [
        (one["footprint"], instant(one["calculatedAt"]), one.get("pcf"), one["unit"], one["status"])
        for one in found
    ]
    tables.table(
        ("footprint", "calculated", "kgCO2e", "per", "status"),
        rows,
        narrow=((0, 1), (2, 3), (4,)),
        empty="No footprint was calculated from it yet.",
    )


def say_energy_failures(failures: list[dict[str, Any]]) -> None:
    """Why metered energy is in no line."""
    for one in failures:
        output.warn(
            f"Lines of metered energy are missing in {', '.join(one['products'])}: "
            f"{one['message']}",
            *([f"  {one['hint']}"] if one.get("hint") else []),
        )


def cause_lines(stale: dict[str, Any]) -> list[str]:
    """Why a footprint is stale, with the way from the product to what has changed."""
    lines = []
    for one in stale["causes"]:
        lines.append(f"  {one['message']}")
        if len(one["path"]) > 1:
            lines.append(f"    {' -> '.join(one['path'])}")
    return lines


def read_json(file: Path) -> Any:
    """The changes in a file.

    Raises:
        CliError: it holds none, or cannot be read.
    """
    from underseal_protocol.errors import JsonError
    from underseal_protocol.strict_json import loads

    try:
        return loads(read_input(file))
    except JsonError as error:
        raise CliError(f"{file}: {error.message}", hint=error.hint or WHAT_IF_HINT) from None
