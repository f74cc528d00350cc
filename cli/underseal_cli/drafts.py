"""`underseal footprint draft`, `drafts`, `publish`, `attach`, `underseal product draft`."""

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
from underseal_cli.footprints import Digits
from underseal_cli.manage_client import Manage, segment
from underseal_cli.options import (
    DEFAULT_LIMIT,
    Acknowledge,
    Consent,
    Json,
    Limit,
    acknowledgement,
    limit_reached,
    manage_of,
)
from underseal_cli.products import Id, cause_lines
from underseal_cli.verdicts import print_gate, print_line_findings

__all__ = ["register", "register_product"]

Out = Annotated[
    Path | None, typer.Option(metavar="DRAFT", help="Where to; ID.draft.json by default.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to those of `footprint`."""
    for command in (draft, drafts, publish, attach):
        app.command()(command)


def register_product(app: typer.Typer) -> None:
    """Add these commands to those of `product`."""
    app.command("draft")(draft_product)


def draft(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON, or the filled-in sheet: one footprint.")
    ],
    out: Out = None,
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
    target = _written(made, out)
    if as_json:
        output.show(made)
        return
    _say_drafted(made, target)
    _say_next(made, target)


def draft_product(
    context: typer.Context,
    product_id: Id,
    out: Out = None,
    significant_digits: Digits = None,
    as_json: Json = False,
) -> None:
    """Calculate a product and fix its footprint without publishing it, for a verifier to attest.

    Give the draft to the verifier alone: it shows all of the footprint.
    """
    made = manage_of(context).post(
        "/products/draft", product=product_id, significantDigits=significant_digits
    )
    target = _written(made, out)
    if as_json:
        output.show(made)
        return
    _say_drafted(made, target)
    print_line_findings(made["lineFindings"])
    print_gate(made.get("gate"), is_acknowledged=False)
    _say_next(made, target)


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
    acknowledge: Acknowledge = None,
    consent: Consent = None,
    as_json: Json = False,
) -> None:
    """Publish exactly what is in a draft. Peers that may see it are told."""
    said = acknowledgement(acknowledge, consent)
    manage = manage_of(context)
    body = {"draft": _draft_text(manage, draft)} | said
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
    print_gate(done.get("gate"), is_acknowledged=acknowledge is not None)
    if done.get("stale"):
        output.warn("Something has changed since it was drafted:", *cause_lines(done["stale"]))
        output.warn("`underseal product refresh` publishes what follows it.")
    if done["dropsSeal"]:
        output.warn("Warning: what it replaces is sealed; this one is not.")
        output.warn(f"`underseal product seal {done['id']}` seals it.")
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


def _written(made: dict[str, Any], out: Path | None) -> Path:
    """The file of a draft, written."""
    target = out or Path(f"{made['id']}.draft.json")
    text = json.dumps(made["draft"], ensure_ascii=False, indent=2) + "\n"
    write_whole(target, [text.encode()])
    return target


def _say_drafted(made: dict[str, Any], target: Path) -> None:
    output.say(f"{target}: the draft of {made['id']}  {made['productNameCompany']}")
    print_findings(made["findings"], indent="    ")


def _say_next(made: dict[str, Any], target: Path) -> None:
    if made["replaced"]:
        output.warn("There was a draft with other content: what was attested of it does not fit.")
    output.say(
        "Not published. The verifier runs `underseal attest`, then you run "
        f"`underseal footprint publish {target} --attestation FILE`."
    )


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
