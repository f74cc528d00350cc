"""`underseal verify`: check the signature of a footprint in a file.

Nothing that the file names is fetched: whom to trust, the person at the terminal says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.checking import documents_in
from underseal_cli.errors import CliError
from underseal_cli.manage_client import fetch_keys, segment
from underseal_cli.options import Json, manage_of, read_input
from underseal_protocol.credential import VerifiedCredential
from underseal_protocol.credential import verify as verify_credential
from underseal_protocol.errors import JsonError, KeySetError, ProtocolError
from underseal_protocol.footprint import schema_violations
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.status import verify_status
from underseal_protocol.strict_json import loads
from underseal_protocol.times import format_time

__all__ = ["verify"]


@dataclass(frozen=True)
class _Trust:
    """Whom to trust, and who says so."""

    keys: PublicKeySet
    issuer: str | None
    source: str


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One footprint, or several (JSON).")],
    keys: Annotated[
        Path | None, typer.Option(metavar="JWKS_FILE", help="The keys to trust, from a file.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The node to trust; its keys are fetched.")
    ] = None,
    peer: Annotated[
        str | None, typer.Option(metavar="NAME", help="The peer whose pinned keys to trust.")
    ] = None,
    status: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the owner signed about the status (a JWS)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check who signed a footprint, and that nothing of it was changed.

    Exit status 1 if it does not verify.
    """
    trust = _trust(context, keys, url, peer)
    content = read_input(file)
    statement = _statement(content, status)
    results = []
    for place, document in documents_in(content, file):
        name = f"{file}{' ' + place if place else ''}"
        results.append(_verified(document, trust, statement, name))
    if as_json:
        output.show(results[0] if len(results) == 1 else {"data": results})
        return
    for one in results:
        _print(one)


def _trust(context: typer.Context, keys: Path | None, url: str | None, peer: str | None) -> _Trust:
    """The keys that the person at the terminal trusts.

    Raises:
        CliError: none or several ways were given, or the keys cannot be had.
    """
    if [keys, url, peer].count(None) != 2:
        raise typer.BadParameter("give exactly one of --keys, --url and --peer")
    if keys is not None:
        return _Trust(_key_set(read_input(keys), str(keys)), None, f"the keys in {keys}")
    if url is not None:
        ca_file = os.environ.get("UNDERSEAL_CA_FILE")
        fetched = fetch_keys(url, Path(ca_file) if ca_file else None)
        return _Trust(_key_set(fetched, url), url.rstrip("/"), f"the keys shown at {url} just now")
    assert peer is not None  # noqa: S101 - one of the three is given
    pinned = manage_of(context).get(f"/peers/{segment(peer)}/keys")
    if not pinned["keys"]:
        raise CliError(
            f"no keys of {peer} are pinned",
            hint="It is not an Underseal node, or was never reached.",
        )
    return _Trust(
        PublicKeySet.from_jwks({"keys": pinned["keys"]}),
        pinned.get("issuer"),
        f"the keys pinned for the peer {peer}",
    )


def _key_set(content: bytes, source: str) -> PublicKeySet:
    try:
        return PublicKeySet.from_jwks(loads(content))
    except (JsonError, KeySetError) as error:
        raise CliError(f"{source}: {error.message}", hint=error.hint) from None


def _statement(content: bytes, status: Path | None) -> str | None:
    """The statement of the status: of the file named, or the one that `show --json` has."""
    if status is not None:
        return read_input(status).decode("ascii", "replace").strip()
    value = loads(content)
    found = value.get("statusStatement") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _verified(
    document: Mapping[str, Any], trust: _Trust, statement: str | None, name: str
) -> dict[str, Any]:
    """What is proven of one footprint.

    Raises:
        CliError: it does not verify; the message names what differs.
    """
    try:
        proven = verify_credential(document, keys=trust.keys, issuer=trust.issuer)
        violations = schema_violations(document)
        if violations:
            raise CliError(f"{name} is signed, and not a footprint of PACT 3.0: {violations[0]}")
        status = _proven_status(document, trust, statement, proven)
    except ProtocolError as error:
        raise CliError(
            f"{name} does not verify with {trust.source}: {error.message}", hint=error.hint
        ) from None
    return {
        "verified": True,
        "id": document["id"],
        "issuer": proven.issuer,
        "issuedAt": format_time(proven.issued_at),
        "kid": proven.kid,
        "trust": trust.source,
        "disclosed": sorted(proven.disclosed),
        "withheld": sorted(proven.withheld),
        "status": status,
    }


def _proven_status(
    document: Mapping[str, Any], trust: _Trust, statement: str | None, proven: VerifiedCredential
) -> dict[str, Any]:
    if statement is None:
        return {"value": document.get("status"), "isProven": False}
    signed = verify_status(
        statement,
        keys=trust.keys,
        issuer=trust.issuer,
        footprint_id=str(document["id"]),
        credential_digest=proven.digest,
    )
    return {"value": signed.status, "isProven": True, "asOf": format_time(signed.issued_at)}


def _print(result: dict[str, Any]) -> None:
    status = result["status"]
    proven = (
        f"status {status['value']} as of {status['asOf']}"
        if status["isProven"]
        else (f"status not proven (the file says {status['value']})")
    )
    output.say(f"verified: {result['id']}, unchanged since {result['issuer']} signed it; {proven}")
    output.details(
        [
            ("signed at", f"{result['issuedAt']}, by the signer's clock"),
            ("key", result["kid"]),
            ("trust", result["trust"]),
            ("shown", ", ".join(["core", *result["disclosed"]])),
            ("withheld", ", ".join(result["withheld"])),
        ]
    )
