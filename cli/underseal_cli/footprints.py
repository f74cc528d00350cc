"""`underseal footprint`: own footprints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.checking import check_file, print_findings
from underseal_cli.errors import CliError, RefusedError, UsageError, problem_lines
from underseal_cli.files import read_input
from underseal_cli.manage_client import Manage, segment
from underseal_cli.options import (
    DEFAULT_LIMIT,
    Json,
    Limit,
    StatusOption,
    limit_reached,
    manage_of,
)
from underseal_protocol.rounding import MAX_DIGITS

__all__ = ["app"]

MAX_NAME_CHARACTERS = 1024  # of a file, as the node takes it

app = typer.Typer(help="Own footprints: publish, look at, correct.", no_args_is_help=True)

Digits = Annotated[
    int | None,
    typer.Option(
        "--significant-digits",
        metavar="N",
        min=1,
        max=MAX_DIGITS,
        help="Round the figures to so many, half to even, for everybody who sees them.",
    ),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Of the footprint.")]


@app.command()
def template(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to.")],
    as_json: Json = False,
) -> None:
    """Write the workbook that footprints can be filled into, without any JSON."""
    if file.suffix.lower() != ".xlsx":
        raise UsageError(
            f"{file} does not end in .xlsx",
            hint="It is a workbook; once filled in, it may be saved as CSV.",
        )
    # A workbook of this name may have been filled in already.
    size = manage_of(context).download("GET", "/footprints/template", file, replace=False)
    if as_json:
        output.show({"file": str(file), "bytes": size})
    else:
        output.say(f"{file}: fill in one row for each product, then `underseal footprint import`.")


@app.command("import")
def import_files(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="JSON, or the filled-in sheet.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be published, and to whom.")
    ] = False,
    significant_digits: Digits = None,
    as_json: Json = False,
) -> None:
    """Publish the footprints in files: each file whole, or not at all."""
    manage = manage_of(context)
    contents = [(file, read_input(file)) for file in files]  # before anything is published
    results: list[dict[str, Any]] = []
    broken: CliError | None = None
    for file, content in contents:
        try:
            results.append(
                _import_file(
                    manage,
                    output.visible(str(file)),
                    content,
                    dryRun="true" if dry_run else None,
                    significantDigits=significant_digits,
                )
            )
        except CliError as error:  # what was published before is told all the same
            broken = error
            break
    result = _added_up(results, dry_run)
    if results or broken is None:
        if as_json:
            output.show(result)
        else:
            _print_import(result)
    output.warn(*problem_lines(result["problems"]))
    if broken is not None:
        raise broken
    if result["refused"]:
        raise typer.Exit(1)


@app.command("list")
def list_footprints(
    context: typer.Context,
    status: StatusOption = None,
    product_id: Annotated[str | None, typer.Option(metavar="URN", help="Of the product.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """Own footprints, newest first."""
    found = manage_of(context).get("/footprints", status=status, productId=product_id, limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["productNameCompany"],
            *tables.figure_columns(one),
            one["status"],
            one["validUntil"][:10],
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "product", "kgCO2e", "per", "status", "valid until"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5)),
        empty="Nothing has been published yet: `underseal footprint import FILE`.",
    )


@app.command()
def show(
    context: typer.Context,
    footprint_id: Id,
    seen_as: Annotated[
        str | None, typer.Option("--as", metavar="PEER", help="What this peer sees of it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One footprint as it is served; with --as, the very bytes that this peer gets.

    With --as, standard output has these bytes and nothing else; what the peer does not get is said
    on standard error.
    """
    manage = manage_of(context)
    path = f"/footprints/{segment(footprint_id)}"
    found = manage.get(path, **({} if seen_as is None else {"as": seen_as}))
    if seen_as is not None and found.get("note"):
        output.warn(f"Note: {found['note']}.")
    if as_json:
        output.show(found)
        return
    if seen_as is not None:
        body = manage.bytes_of(f"{path}/seen", **{"as": seen_as})
        withheld = ", ".join(found["withheld"]) or "nothing"
        output.warn(f"{found['seenAs']} gets the level {found['level']}; withheld: {withheld}.")
        output.write_bytes(body)
        return
    tables.details(
        [
            ("id", found["id"]),
            ("product", found["productNameCompany"]),
            ("product ids", found["productIds"]),
            ("footprint", tables.footprint_figure(found)),
            ("status", found["status"]),
            ("published", found["publishedAt"]),
            ("valid", f"{found['validFrom']} to {found['validUntil']}"),
            ("replaces", found.get("precedingPfIds")),
        ]
    )
    output.say("")
    output.show(found["footprint"])


@app.command()
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON, or the filled-in sheet.")],
    as_json: Json = False,
) -> None:
    """Check footprints against the schema and the rules of the methodology; nothing is published.

    A JSON file is checked without a node. A sheet is read by the node, as for an import.
    """
    check_file(context, file, as_json=as_json)


@app.command()
def deprecate(context: typer.Context, footprint_id: Id, as_json: Json = False) -> None:
    """End a footprint, for good. Peers that may see it are told."""
    changed = manage_of(context).post(f"/footprints/{segment(footprint_id)}/deprecate")
    _print_change(changed, as_json=as_json)


@app.command()
def supersede(
    context: typer.Context,
    footprint_id: Id,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The corrected footprint.")],
    significant_digits: Digits = None,
    as_json: Json = False,
) -> None:
    """Replace a footprint by a corrected one. Peers that may see them are told."""
    path = f"/footprints/{segment(footprint_id)}/supersede"
    changed = manage_of(context).upload(
        path,
        read_input(file),
        name=output.visible(str(file)),
        significantDigits=significant_digits,
    )
    _print_change(changed, as_json=as_json)


@app.command()
def reissue(
    context: typer.Context,
    signed_by: Annotated[
        str, typer.Option("--signed-by", metavar="KEY", help="Fingerprint of a revoked key.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Publish nothing; say how many there are.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Publish again, under new ids, what a key has signed that is revoked now.

    The old ones are deprecated. Peers that may see them are told.
    """
    given = {"signedBy": signed_by, "dryRun": dry_run}
    done = manage_of(context).post("/footprints/reissue", given)
    if as_json:
        output.show(done)
        return
    for old, new in done["successors"].items():
        output.say(f"{old}  deprecated", f"{new}  published")
    verb = "would be published again" if dry_run else "published again"
    output.say(f"{done['found']} {verb}.")
    _print_notified(done["notified"])
    if done["unattested"]:
        output.say(
            "What was attested of these was attested of their former ids; they need attestations "
            f"anew: {', '.join(done['unattested'])}"
        )
    if done["unsealed"]:
        output.say(
            "What was sealed of these was sealed of their former ids; `underseal product seal` "
            f"seals them anew: {', '.join(done['unsealed'])}"
        )
    if done["restated"]:
        verb = "would be signed again" if dry_run else "are signed again"
        output.say(f"The seals of these {verb}: {', '.join(done['restated'])}")


def _import_file(manage: Manage, name: str, content: bytes, **query: Any) -> dict[str, Any]:
    """The answer for one file. That the node does not even take it is a problem of this file.

    Args:
        query: more of it.

    Raises:
        CliError: the node does not answer.
    """
    try:
        answer: dict[str, Any] = manage.upload(
            "/footprints/import",
            content,
            name=name[-MAX_NAME_CHARACTERS:],
            **query,
        )
    except RefusedError as error:
        problem = {"file": name, "place": "", "message": error.message}
        return {
            "published": 0,
            "unchanged": 0,
            "refused": 1,
            "footprints": [],
            "problems": [problem | ({"hint": error.hint} if error.hint else {})],
            "notified": [],
        }
    return answer


def _added_up(results: list[dict[str, Any]], dry_run: bool) -> dict[str, Any]:
    """The answers for several files as one."""
    return {
        "dryRun": dry_run,
        **{
            name: sum(one[name] for one in results)
            for name in ("published", "unchanged", "refused")
        },
        "footprints": [item for one in results for item in one["footprints"]],
        "problems": [item for one in results for item in one["problems"]],
        "notified": sorted({name for one in results for name in one["notified"]}),
    }


def _print_import(result: dict[str, Any]) -> None:
    for one in result["footprints"]:
        verb = "would be published" if result["dryRun"] else "published"
        state = verb if one["outcome"] == "published" else "unchanged"
        output.say(f"{one['id']}  {state}  {one['productNameCompany']}")
        print_findings(one["findings"], indent="    ")
    counts = [f"{result['published']} {'would be ' if result['dryRun'] else ''}published"]
    if result["unchanged"]:
        counts.append(f"{result['unchanged']} unchanged")
    if result["refused"]:
        noun = "file" if result["refused"] == 1 else "files"
        counts.append(f"{result['refused']} {noun} refused")
    output.say(", ".join(counts) + ".")
    _print_notified(result["notified"], would=result["dryRun"])


def _print_notified(names: list[str], *, would: bool = False) -> None:
    if names:
        output.say(f"{'Would be told' if would else 'Told'}: {', '.join(names)}.")


def _print_change(changed: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.show(changed)
        return
    output.say(f"{changed['deprecated']}  deprecated")
    if changed.get("published"):
        output.say(f"{changed['published']}  published")
    print_findings(changed["findings"], indent="    ")
    _print_notified(changed["notified"])
