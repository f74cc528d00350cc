"""`underseal footprint draft`, `drafts`, `publish`, `attach`: with what a verifier attests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from underseal_cli import output, tables
from underseal_cli.checking import print_findings
from underseal_cli.errors import CliError
from underseal_cli.files import read_input, write_whole
from underseal_cli.manage_client import Manage, segment
from underseal_cli.options import DEFAULT_LIMIT, Json, Limit, limit_reached, manage_of

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add these commands to those of `footprint`."""
    for command in (draft, drafts, publish, attach):
        app.command()(command)


def draft(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON, or the filled-in sheet: one footprint.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DRAFT", help="Where to; ID.draft.json by default."),
    ] = None,
    supersedes: Annotated[
        str | None, typer.Option(metavar="ID", help="The own footprint that it will replace.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fix a footprint without publishing it, so that a verifier can attest it.

    Give the draft to the verifier alone: it shows all of the footprint.
    """
    content = read_input(file)
    made = manage_of(context).upload(
        "/drafts", content, name=output.visible(str(file)), supersedes=supersedes
    )
    target = out or Path(f"{made['id']}.draft.json")
    text = json.dumps(made["draft"], ensure_ascii=False, indent=2) + "\n"
    write_whole(target, [text.encode()])
    if as_json:
        output.show(made)
        return
    output.say(f"{target}: the draft of {made['id']}  {made['productNameCompany']}")
    print_findings(made["findings"], indent="    ")
    if made["replaced"]:
        output.warn("There was a draft with other content: what was attested of it does not fit.")
    output.say(
        "Not published. The verifier runs `underseal attest`, then you run "
        f"`underseal footprint publish {target} --attestation FILE`."
    )


def drafts(context: typer.Context, limit: Limit = DEFAULT_LIMIT, as_json: Json = False) -> None:
    """Drafts, newest first."""
    found = manage_of(context).get("/drafts", limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["productNameCompany"],
            one["createdAt"],
            one.get("publishedAt"),
            one.get("supersedes"),
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "product", "drafted", "published", "replaces"),
        rows,
        narrow=((0, 1), (2, 3), (4,)),
        empty="There are no drafts: `underseal footprint draft FILE`.",
    )


def publish(
    context: typer.Context,
    draft: Annotated[
        str, typer.Argument(metavar="DRAFT", help="The file, or the id of the draft.")
    ],
    attestation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the verifier attests of it (a JWS)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish exactly what is in a draft. Peers that may see it are told."""
    manage = manage_of(context)
    body = {"draft": _draft_text(manage, draft)}
    if attestation is not None:
        body["attestation"] = _token(attestation)
    done = manage.post("/drafts/publish", body)
    if as_json:
        output.show(done)
        return
    output.say(f"{done['id']}  {done['outcome']}{'' if attestation is None else ', attested'}")
    if done.get("deprecated"):
        output.say(f"{done['deprecated']}  deprecated")
    print_findings(done["findings"], indent="    ")
    _say_told(done)


def attach(
    context: typer.Context,
    attestation: Annotated[
        Path, typer.Argument(metavar="FILE", help="What the verifier attests (a JWS).")
    ],
    as_json: Json = False,
) -> None:
    """Serve what a verifier attests beside a footprint that has been published already."""
    body = {"attestation": _token(attestation)}
    done = manage_of(context).post("/attestations/attach", body)
    if as_json:
        output.show(done)
        return
    state = "attached" if done["isNew"] else "was attached already"
    output.say(
        f"{done['footprintId']}  {state}: {done['providerName']} attests it with {done['level']} "
        f"assurance until {done['validUntil']}"
    )
    _say_told(done)


def _draft_text(manage: Manage, name: str) -> str:
    """The text of a draft: of the file, or of the one that the node has under this id."""
    file = Path(name)
    try:
        footprint_id = str(UUID(name))
    except ValueError:
        footprint_id = ""
    if footprint_id and not file.exists():
        found: dict[str, Any] = manage.get(f"/drafts/{segment(footprint_id)}")
        return json.dumps(found["draft"], ensure_ascii=False)
    try:
        return read_input(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(
            f"{file} is not text in UTF-8",
            hint="A draft is the JSON file that `underseal footprint draft` writes.",
        ) from None


def _token(file: Path) -> str:
    return read_input(file).decode("ascii", "replace").strip()


def _say_told(done: dict[str, Any]) -> None:
    if done["notified"]:
        output.say(f"Told: {', '.join(done['notified'])}.")
