"""`underseal energy`: what meters and production say, allocated to products."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import problem_lines
from underseal_cli.files import read_input
from underseal_cli.manage_client import Manage
from underseal_cli.options import Json, manage_of, moment

__all__ = ["app"]

MAX_NAME_CHARACTERS = 1024  # of a file, as the node takes it
SHOWN_CORRECTIONS = 20
SHOWN_GAPS = 10

app = typer.Typer(
    help="Energy of your plant: import readings and orders, see what products get.",
    no_args_is_help=True,
)


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Export of meters or of an MES: .xlsx or CSV.")
    ],
    mapping: Annotated[
        Path,
        typer.Option("--mapping", metavar="FILE", help="Says what is where in the export: TOML."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; say what would be.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import meter readings and production orders: all of the file, or nothing.

    The same file twice changes nothing. Another value for the same meter and period, or other data
    of the same order, is a correction.
    """
    content, rules = read_input(file), read_input(mapping)
    given = {
        "file": _file(str(file), content),
        "mapping": _file(str(mapping), rules),
        "others": [_file(name, read_input(mapping.parent / name)) for name in _named(rules)],
    }
    done = _import(manage_of(context), given, dry_run=dry_run)
    if as_json:
        output.show(done)
    elif not done["problems"]:
        _print_import(done)
    output.warn(*problem_lines(done["problems"]))
    if done["warnings"]:
        output.warn("It was taken, but:", *problem_lines(done["warnings"]))
    if done["problems"]:
        raise typer.Exit(1)


@app.command()
def show(
    context: typer.Context,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Begin of the reference period."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="End of it, the first moment after."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What was metered, what each product has got of it, and what is not allocated, and why."""
    query = {"from": moment("--from", start), "until": moment("--until", until)}
    found = manage_of(context).get("/energy", **query)
    if as_json:
        output.show(found)
        return
    output.say(f"From {found['periodStart']} until {found['periodEnd']}.")
    tables.table(
        ("carrier", "unit", "metered", "allocated", "unallocated"),
        [
            (one["carrier"], one["unit"], one["metered"], one["allocated"], one["unallocated"])
            for one in found["carriers"]
        ],
        empty="Nothing was metered.",
    )
    output.say("")
    tables.table(
        ("product", "produced", "carrier", "line", "amount", "unit", "per unit"),
        list(_product_rows(found["products"])),
        empty="Nothing was produced.",
        narrow=((0, 1), (2, 3), (4, 5, 6)),
    )
    _print_rest(found)


def _product_rows(products: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for one in products:
        made = f"{one['produced']['amount']} {one['produced']['unit']}"
        for line in one["energy"] or [{}]:
            yield (
                one["product"],
                made,
                line.get("carrier"),
                line.get("line"),
                line.get("amount"),
                line.get("unit"),
                line.get("perUnit"),
            )


def _print_rest(found: dict[str, Any]) -> None:
    if found["unallocated"]:
        output.say("")
        tables.table(
            ("not allocated", "line", "amount", "unit", "why"),
            [
                (
                    one["carrier"],
                    one.get("line"),
                    one["amount"],
                    one["unit"],
                    ": ".join(filter(None, (one["reason"], one.get("detail")))),
                )
                for one in found["unallocated"]
            ],
            empty="",
            narrow=((0, 1), (2, 3), (4,)),
        )
    output.say("", f"Rule: {found['rule']['description']}")
    for gap in found["gaps"][:SHOWN_GAPS]:
        output.warn(
            f"The meter {gap['meter']} says nothing from {gap['start']} until {gap['end']}."
        )
    more = len(found["gaps"]) - SHOWN_GAPS
    if more > 0:
        output.warn(f"... and {more} more gaps: --json lists them.")


def _file(name: str, content: bytes) -> dict[str, str]:
    shown = output.visible(name)[-MAX_NAME_CHARACTERS:]
    return {"name": shown, "content": base64.b64encode(content).decode()}


def _named(mapping: bytes) -> list[str]:
    """Further files that a mapping names; whether it is one is for the node to say."""
    try:
        document = tomllib.loads(mapping.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    parts = (document.get(name) for name in ("readings", "orders"))
    named = (part.get("file") for part in parts if isinstance(part, dict))
    return list(dict.fromkeys(one for one in named if isinstance(one, str) and one))


def _import(manage: Manage, given: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    answer: dict[str, Any] = manage.post(
        "/energy/import",
        given,
        name=given["file"]["name"],
        dryRun="true" if dry_run else None,
    )
    return answer


def _print_import(done: dict[str, Any]) -> None:
    would = "would be " if done["dryRun"] else ""
    for what in ("readings", "orders"):
        counts = done[what]
        if any(counts.values()):
            output.say(
                f"{what}: {counts['new']} {would}new, {counts['unchanged']} unchanged, "
                f"{counts['corrected']} {would}corrected."
            )
    if done["rule"] != "unchanged":
        output.say(f"rule of allocation: {would}{done['rule']}.")
    for one in done["corrections"][:SHOWN_CORRECTIONS]:
        changed = [
            f"{name} {one['old'].get(name)} -> {value}"
            for name, value in one["new"].items()
            if one["old"].get(name) != value
        ]
        when = one["new"].get("start") or one["new"].get("at")
        about = f"{one['key']}, {when}" if one["kind"] == "reading" else one["key"]
        output.say(f"  corrected: {one['kind']} {about}: {', '.join(changed)}")
    more = len(done["corrections"]) - SHOWN_CORRECTIONS
    if more > 0:
        output.say(f"  ... and {more} more: --json lists them.")
