"""`underseal audit`: the audit log, and what peers have signed about ours and theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError
from underseal_cli.files import read_input
from underseal_cli.options import Json, Limit, limit_reached, manage_of, usage_error

__all__ = ["app"]

app = typer.Typer(help="The audit log and receipts.", no_args_is_help=True)

SHOWN = 100
SHOWN_IDS = 3

OutFile = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="Where to; an existing file is replaced."),
]


@app.command()
def show(
    context: typer.Context,
    peer: Annotated[
        str | None, typer.Option("--peer", metavar="NAME", help="Only about this peer.")
    ] = None,
    footprint: Annotated[
        str | None, typer.Option("--footprint", metavar="ID", help="Only about this footprint.")
    ] = None,
    limit: Limit = SHOWN,
    as_json: Json = False,
) -> None:
    """What is in the log, newest first."""
    found = manage_of(context).get("/audit", peer=peer, footprintId=footprint, limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            str(one["number"]),
            one["time"][:19],
            one["actor"],
            one["act"],
            (one.get("peer") or {}).get("name"),
            _footprints(one),
            one.get("level"),
            one["outcome"],
        )
        for one in found["data"]
    ]
    tables.table(
        ("number", "time", "who", "what", "peer", "footprints", "level", "outcome"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5), (6, 7)),
        empty="There is nothing in the log.",
    )


@app.command()
def verify(
    context: typer.Context,
    with_receipts: Annotated[
        Path | None,
        typer.Option(
            "--with-receipts",
            metavar="FILE",
            help="Also against what a peer holds: its `underseal audit receipts`.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="An exported log, instead of the node's."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="JWKS_FILE", help="With --log: the keys of its node."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that nothing in the log was edited, deleted, reordered, swapped or cut off.

    Exit status 1 if something was. A running node is needed unless --log is given.
    """
    if keys is not None and log is None:
        raise usage_error(context, "--keys goes with --log")
    receipts = b"" if with_receipts is None else read_input(with_receipts)
    if log is None:
        checked: dict[str, Any] = manage_of(context).upload("/audit/verify", receipts)
    else:
        checked = _offline(log, keys, receipts)
    if as_json:
        output.show(checked)
    else:
        _print(checked)
    if not checked["isSound"]:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context, out: OutFile = Path("underseal-audit.jsonl"), as_json: Json = False
) -> None:
    """Write the whole log as lines of JSON, to be kept and checked elsewhere."""
    size = manage_of(context).download("GET", "/audit/export", out)
    if as_json:
        output.show({"file": str(out), "bytes": size})
    else:
        output.say(f"{out}: {size} bytes. Check it with `underseal audit verify --log {out}`.")


@app.command()
def receipts(
    context: typer.Context,
    out: OutFile = Path("underseal-receipts.jsonl"),
    peer: Annotated[
        str | None, typer.Option("--peer", metavar="NAME", help="Only what this peer signed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write what peers have signed about their logs, so that they can check them."""
    query = "" if peer is None else "?" + urlencode({"peer": peer})
    size = manage_of(context).download("GET", f"/audit/receipts{query}", out)
    if as_json:
        output.show({"file": str(out), "bytes": size})
        return
    output.say(f"{out}: {size} bytes.")
    if size:
        output.say(f"The peer runs `underseal audit verify --with-receipts {out}` with it.")


def _offline(log: Path, keys: Path | None, receipts: bytes) -> dict[str, Any]:
    """Check an exported log without a node.

    Raises:
        CliError: a file is not what it should be.
    """
    from underseal_protocol import strict_json
    from underseal_protocol.audit_export import check_export
    from underseal_protocol.keys import PublicKeySet

    trusted = None
    if keys is not None:
        trusted = PublicKeySet.from_jwks(strict_json.loads(read_input(keys)))
    try:
        lines = receipts.decode().splitlines()
    except UnicodeDecodeError:
        raise CliError("the receipts are not text in UTF-8") from None
    checked = check_export(read_input(log).splitlines(), keys=trusted, witness_lines=lines)
    return checked.to_json()


def _print(checked: dict[str, Any]) -> None:
    against = f"{checked['heads']} signed heads"
    if checked["witnesses"] or checked["foreign"]:
        against += f" and {checked['witnesses']} statements held by others"
    output.say(f"{checked['size']} entries, checked against {against}.")
    if checked["foreign"]:
        output.warn(f"{checked['foreign']} statements were signed by other nodes: left out.")
    for one in checked["problems"]:
        output.say(f"{one['kind']}: {one['message']}")
    if checked["isSound"]:
        output.say("Nothing was edited, deleted, reordered, swapped or cut off.")
    else:
        output.warn("Error: this is not the log that was signed.")


def _footprints(entry: dict[str, Any]) -> str:
    found = entry.get("footprints")
    if found is None:
        return ""
    ids = found.get("ids", [])
    if 0 < len(ids) <= SHOWN_IDS:
        return ", ".join(ids)
    return f"{found['count']} footprints"
