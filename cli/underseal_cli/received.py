"""`underseal received`: what peers sent, and what verification said of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.checking import print_findings
from underseal_cli.files import write_whole
from underseal_cli.manage_client import segment
from underseal_cli.options import DEFAULT_LIMIT, Json, Limit, limit_reached, manage_of
from underseal_cli.seal_proofs import verdict_lines

__all__ = ["app"]

app = typer.Typer(help="Received footprints.", no_args_is_help=True)

PeerOption = Annotated[str | None, typer.Option("--peer", metavar="PEER", help="From this peer.")]


class Verification(StrEnum):
    """What verification said of a footprint."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    INVALID = "invalid"


@app.command("list")
def list_received(
    context: typer.Context,
    peer: PeerOption = None,
    verification: Annotated[
        Verification | None,
        typer.Option(
            metavar="|".join(Verification),
            help="Only with this result of the verification.",
            case_sensitive=False,
        ),
    ] = None,
    product_id: Annotated[str | None, typer.Option(metavar="URN", help="Of the product.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """Received footprints, newest first."""
    found = manage_of(context).get(
        "/received", peer=peer, verification=verification, productId=product_id, limit=limit
    )
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["peer"],
            one.get("productNameCompany"),
            *tables.figure_columns(one),
            one["status"],
            one["verification"],
            [_in_short(each) for each in one["attestations"]],
            "yes" if one["usageTerms"] else None,
        )
        for one in found["data"]
    ]
    tables.table(
        (
            "id",
            "peer",
            "product",
            "kgCO2e",
            "per",
            "status",
            "verification",
            "attested by",
            "terms",
        ),
        rows,
        narrow=((0, 2), (1,), (3, 4), (5, 6), (7, 8)),
        empty="Nothing has been received yet: `underseal pull PEER`.",
    )


@app.command()
def show(
    context: typer.Context,
    footprint_id: Annotated[str, typer.Argument(metavar="ID", help="Of the footprint.")],
    peer: PeerOption = None,
    as_json: Json = False,
) -> None:
    """One received footprint, as it came."""
    found = manage_of(context).get(f"/received/{segment(footprint_id)}", peer=peer)
    if as_json:
        output.show(found)
        return
    proven = found.get("statusProvenAt")
    tables.details(
        [
            ("id", found["id"]),
            ("peer", found["peer"]),
            ("company", found.get("companyName")),
            ("product", found.get("productNameCompany")),
            ("product ids", found["productIds"]),
            ("footprint", tables.footprint_figure(found)),
            ("verification", found["verification"]),
            ("reason", found.get("reason")),
            ("usable", "yes" if found["isUsable"] else "no"),
            ("status", found["status"]),
            ("status proven", f"as of {proven}" if proven else "no"),
            ("attestation", [_sentence(one) for one in found["attestations"]]),
            ("not shown to us", ", ".join(found["withheld"])),
            ("received", found["receivedAt"]),
            *_terms(found["usageTerms"]),
            ("receipt", _receipt(found.get("receipt"))),
            ("sealed sum", _sealed(found.get("sealedSum"))),
        ]
    )
    print_findings(found["findings"])
    output.say("")
    output.show(found["footprint"])


def _terms(stated: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """What the peer asks of us; that no node enforces it is said with it."""
    lines: list[tuple[str, str | None]] = []
    for one in stated:
        lines += [("usage terms", one.get("terms")), ("purpose", one.get("purpose"))]
    if lines:
        lines.append(("", "Terms and purpose are a promise to the peer; nothing enforces them."))
    return lines


@app.command()
def attestations(
    context: typer.Context,
    footprint_id: Annotated[str, typer.Argument(metavar="ID", help="Of the footprint.")],
    peer: PeerOption = None,
    as_json: Json = False,
) -> None:
    """Ask the peer for what verifiers attest beside a footprint; all that is held of it."""
    found = manage_of(context).post(f"/received/{segment(footprint_id)}/attestations", peer=peer)
    if as_json:
        output.show(found)
        return
    if not found["data"]:
        output.say("Nobody attests it.")
    for one in found["data"]:
        output.say(_sentence(one))


@app.command("sealed-sum")
def sealed_sum(
    context: typer.Context,
    footprint_id: Annotated[str, typer.Argument(metavar="ID", help="Of the footprint.")],
    peer: PeerOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there, for `underseal verify --sealed`."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch the sealed sum of a footprint again, and judge it by whom you know now (experimental).

    Exit status 1 if it does not hold.
    """
    path = f"/received/{segment(footprint_id)}/sealed-sum"
    found = manage_of(context).post(path, peer=peer)
    if out is not None:
        write_whole(out, [found["sealedSum"].encode()])
    verdict = found.get("verdict")
    if as_json:
        output.show(found)
    elif verdict is not None:
        output.say(verdict["statement"], *verdict_lines(verdict), "It does not show")
        output.say(*(f"  - {one}" for one in verdict["notShown"]))
    if verdict is None:
        output.warn(f"Error: it does not hold: {found['reason']}")
        raise typer.Exit(1)


def _sealed(found: dict[str, Any] | None) -> list[str] | None:
    """What the sealed sum shows to us, and what not."""
    if found is None:
        return None
    verdict = found.get("verdict")
    if verdict is None:
        return [f"it does not hold: {found['reason']}"]
    not_shown = [f"not shown: {one}" for one in verdict["notShown"]]
    return [*verdict_lines(verdict), *not_shown, f"as of {found['judgedAt']}"]


def _in_short(judged: dict[str, Any]) -> str:
    """For a list: the verifier if it is known, otherwise what is wrong."""
    name = judged.get("peer")
    if judged["state"] == "attested":
        return str(name)
    return f"{judged['state']}{'' if name is None else f': {name}'}"


def _sentence(judged: dict[str, Any]) -> str:
    """What an attestation says, and whether that counts."""
    where = "" if judged["isCarried"] else " (beside the footprint)"
    claims = judged.get("attestation")
    said = "it cannot be read"
    if claims is not None:
        said = (
            f"{claims['providerName']}, {claims['level']} assurance, {claims['coverage']}, "
            f"{claims['standardName']}, until {claims['validUntil']}"
        )
    reason = f"; {judged['reason']}" if "reason" in judged else f", known as {judged['peer']}"
    return f"{judged['state']}{where}: {said}{reason}"


def _receipt(receipt: dict[str, Any] | None) -> str | None:
    """What the peer has signed about it."""
    if receipt is None:
        return None
    if not receipt["isConfirmed"]:
        return f"of {receipt['receivedAt']}, which does not confirm it"
    return f"of {receipt['receivedAt']}, at the level {receipt['level']}"
