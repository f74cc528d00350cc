"""`underseal verify`: check the signature of a footprint in a file.

Nothing that the file names is fetched: whom to trust, the person at the terminal says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.checking import documents_in
from underseal_cli.errors import CliError
from underseal_cli.files import read_input
from underseal_cli.manage_client import base_url, fetch_keys, segment
from underseal_cli.options import Json, manage_of, usage_error

if TYPE_CHECKING:
    from underseal_protocol.keys import PublicKeySet

__all__ = ["verify"]


@dataclass(frozen=True)
class _Trust:
    """Whom to trust, and who says so.

    Attributes:
        keys: the only ones.
        issuer: whose signature is expected; None if the keys alone say it.
        source: where the keys are from.
    """

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

    Exit status 1 if it does not verify. A running node is needed for --peer only.
    """
    if [keys, url, peer].count(None) != 2:
        raise usage_error(context, "give exactly one of --keys, --url and --peer: whom to trust")
    content = read_input(file)
    documents = documents_in(content, file)
    if status is not None and len(documents) > 1:
        raise usage_error(context, "--status is about one footprint, the file has several")
    statement = _statement(content, status)
    trust = _trust(context, keys, url, peer)
    results = [
        _judged(document, trust, statement, f"{file}{' ' + place if place else ''}")
        for place, document in documents
    ]
    if as_json:
        output.show(results[0] if len(results) == 1 else {"data": results})
    for one in results:
        if not one["verified"]:
            output.warn(f"Error: {one['message']}", *([one["hint"]] if "hint" in one else []))
        elif not as_json:
            _print(one)
    if not all(one["verified"] for one in results):
        raise typer.Exit(1)


def _trust(context: typer.Context, keys: Path | None, url: str | None, peer: str | None) -> _Trust:
    """The keys that the person at the terminal trusts.

    Raises:
        CliError: they cannot be had.
    """
    if keys is not None:
        return _Trust(_key_set(read_input(keys), str(keys)), None, f"the keys in {keys}")
    if url is not None:
        issuer = base_url(url)
        ca_file = os.environ.get("UNDERSEAL_CA_FILE")
        fetched = fetch_keys(issuer, Path(ca_file) if ca_file else None)
        return _Trust(_key_set(fetched, issuer), issuer, f"the keys that {issuer} shows now")
    assert peer is not None  # noqa: S101 - one of the three is given
    return _pinned(context, peer)


def _pinned(context: typer.Context, peer: str) -> _Trust:
    from underseal_protocol.keys import PublicKeySet

    pinned = manage_of(context).get(f"/peers/{segment(peer)}/keys")
    if not pinned["keys"]:
        raise CliError(
            f"no keys of {peer} are pinned",
            hint="It is not an Underseal node, or was never reached.",
        )
    keys = PublicKeySet.from_jwks({"keys": pinned["keys"]})
    return _Trust(keys, pinned.get("issuer"), f"the keys pinned for the peer {peer}")


def _key_set(content: bytes, source: str) -> PublicKeySet:
    """
    Raises:
        CliError: there is no key in it that can be used.
    """
    from underseal_protocol.errors import JsonError, KeySetError
    from underseal_protocol.keys import PublicKeySet
    from underseal_protocol.strict_json import loads

    try:
        found = PublicKeySet.from_jwks(loads(content))
    except (JsonError, KeySetError) as error:
        raise CliError(f"{source}: {error.message}", hint=error.hint) from None
    if not found:
        raise CliError(
            f"{source}: there is no key in it that can have signed a footprint",
            hint="Footprints are signed with P-256 keys (ES256).",
        )
    return found


def _statement(content: bytes, status: Path | None) -> str | None:
    """The statement of the status: of the file named, or the one that `show --json` has."""
    from underseal_protocol.strict_json import loads

    if status is not None:
        return read_input(status).decode("ascii", "replace").strip()
    value = loads(content)
    found = value.get("statusStatement") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _judged(
    document: Mapping[str, Any], trust: _Trust, statement: str | None, name: str
) -> dict[str, Any]:
    """What is proven of one footprint, or why nothing is."""
    from underseal_protocol.errors import ProtocolError

    footprint_id = document.get("id")
    start = {"verified": False, "trust": trust.source} | (
        {"id": footprint_id} if isinstance(footprint_id, str) else {}
    )
    try:
        return start | _proven(document, trust, statement)
    except ProtocolError as error:
        message = f"{name} does not verify with {trust.source}: {error.message}"
        return start | {"message": message} | ({"hint": error.hint} if error.hint else {})


def _proven(document: Mapping[str, Any], trust: _Trust, statement: str | None) -> dict[str, Any]:
    """
    Raises:
        ProtocolError: it does not verify; the message names what differs.
    """
    from underseal_protocol.credential import verify as verify_credential
    from underseal_protocol.errors import SchemaError
    from underseal_protocol.footprint import schema_violations
    from underseal_protocol.status import verify_status
    from underseal_protocol.times import format_time

    proven = verify_credential(document, keys=trust.keys, issuer=trust.issuer)
    violations = schema_violations(document)
    if violations:
        raise SchemaError(violations)
    status: dict[str, Any] = {"value": document["status"], "isProven": False}
    if statement is not None:
        signed = verify_status(
            statement,
            keys=trust.keys,
            issuer=trust.issuer or proven.issuer,
            footprint_id=str(document["id"]),
            credential_digest=proven.digest,
        )
        status = {
            "value": signed.status,
            "isProven": True,
            "asOf": format_time(signed.issued_at),
        }
    return {
        "verified": True,
        "issuer": proven.issuer,
        "issuedAt": format_time(proven.issued_at),
        "kid": proven.kid,
        "disclosed": sorted(proven.disclosed),
        "withheld": sorted(proven.withheld),
        "status": status,
    }


def _print(result: Mapping[str, Any]) -> None:
    status = result["status"]
    proven = f"status not proven (the file says {status['value']})"
    if status["isProven"]:
        proven = f"status {status['value']} as of {status['asOf']}"
    output.say(f"verified: {result['id']}, unchanged since {result['issuer']} signed it; {proven}")
    tables.details(
        [
            ("signed at", f"{result['issuedAt']}, by the signer's clock"),
            ("key", result["kid"]),
            ("trust", result["trust"]),
            ("shown", ", ".join(["core", *result["disclosed"]])),
            ("withheld", ", ".join(result["withheld"])),
        ]
    )
