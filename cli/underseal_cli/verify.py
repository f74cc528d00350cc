"""`underseal verify`: check the signature of a footprint in a file.

Nothing that the file names is fetched: whom to trust, the person at the terminal says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.checking import documents_in
from underseal_cli.evidence import Evidence, EvidenceError
from underseal_cli.files import read_input
from underseal_cli.opened_seals import quantity_line
from underseal_cli.openings import content_text
from underseal_cli.options import Json, home_of, manage_of, usage_error
from underseal_cli.proofs import prove
from underseal_cli.seal_proofs import endorsers_of, known_rosters, make_ready, print_sealed
from underseal_cli.trusted_keys import TrustedKeys, keys_in_file, keys_of_node, keys_pinned

__all__ = ["verify"]


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One footprint, or several (JSON).")],
    keys: Annotated[
        Path | None,
        typer.Option(metavar="KEYS", help="The keys to trust: a JWK set or key log in a file."),
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
    attestation: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="What a verifier signed beside it (a JWS). Repeatable."),
    ] = None,
    verifier_keys: Annotated[
        Path | None,
        typer.Option(metavar="KEYS", help="The keys of the verifier: a JWK set or key log."),
    ] = None,
    receipts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the owner signed about giving it away: your `underseal audit receipts`.",
        ),
    ] = None,
    opening: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lines that its owner has opened for you: what `underseal audit open` wrote.",
        ),
    ] = None,
    sealed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its sealed sum (experimental): what `underseal received sealed-sum` wrote.",
        ),
    ] = None,
    endorser_keys: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEYS",
            help="The keys of a supplier whose endorsements count for you: a key log, or URL=FILE "
            "for a JWK set. Repeatable. With --peer, all peers of the node count.",
        ),
    ] = None,
    roster: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A roster that you trust, whose members' endorsements count: what `underseal "
            "roster export` wrote. Repeatable. With --peer, those that the node trusts count.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check who signed a footprint, and that nothing of it was changed.

    Says what is proved and what is not. Exit status 1 if something that was given does not hold.
    A running node is needed for --peer only.
    """
    from underseal_protocol.strict_json import loads

    if [keys, url, peer].count(None) != 2:
        raise usage_error(context, "give exactly one of --keys, --url and --peer: whom to trust")
    if attestation and verifier_keys is None:
        raise usage_error(context, "--attestation needs --verifier-keys: which verifier to trust")
    if endorser_keys and sealed is None:
        raise usage_error(context, "--endorser-keys is about a sealed sum: give --sealed, too")
    if roster and sealed is None:
        raise usage_error(context, "--roster is about a sealed sum: give --sealed, too")
    content = read_input(file)
    documents = documents_in(content, file)
    about_one = {
        "--status": status,
        "--attestation": attestation,
        "--opening": opening,
        "--sealed": sealed,
    }
    for option, value in about_one.items():
        if value and len(documents) > 1:
            raise usage_error(context, f"{option} is about one footprint, the file has several")
    given = Evidence(
        trust=_trust(context, keys, url, peer),
        status=_statement(content, status),
        is_status_enclosed=status is None,
        attestations=[(str(one), _text(one)) for one in attestation or ()],
        verifier=None if verifier_keys is None else keys_in_file(verifier_keys),
        receipts=None if receipts is None else _lines(receipts),
        now=datetime.now(UTC),
        opening=None if opening is None else loads(read_input(opening), exact_numbers=True),
        status_in=str(file if status is None else status),
        receipts_in=str(receipts),
        opening_in=str(opening),
        sealed=None if sealed is None else read_input(sealed),
        endorsers=_endorsers(context, endorser_keys, sealed, peer),
        rosters=[]
        if sealed is None
        else known_rosters(roster or (), None if peer is None else manage_of(context)),
        sealed_in=str(sealed),
    )
    results = [
        _judged(document, given, f"{file}{' ' + place if place else ''}")
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


def _trust(
    context: typer.Context, keys: Path | None, url: str | None, peer: str | None
) -> TrustedKeys:
    """The keys that the person at the terminal trusts.

    Raises:
        CliError: they cannot be had.
    """
    if keys is not None:
        return keys_in_file(keys)
    if url is not None:
        return keys_of_node(url)
    assert peer is not None  # noqa: S101 - one of the three is given
    return keys_pinned(context, peer)


def _endorsers(
    context: typer.Context, files: list[str] | None, sealed: Path | None, peer: str | None
) -> list[TrustedKeys]:
    """Whose endorsements count in a sealed sum."""
    if sealed is None:
        return []
    make_ready(home_of(context))
    return endorsers_of(files or [], None if peer is None else manage_of(context))


def _statement(content: bytes, status: Path | None) -> str | None:
    """The statement of the status: of the file named, or the one that `show --json` has."""
    from underseal_protocol.strict_json import loads

    if status is not None:
        return _text(status)
    value = loads(content)
    found = value.get("statusStatement") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _text(file: Path) -> str:
    return read_input(file).decode("ascii", "replace").strip()


def _lines(file: Path) -> list[str]:
    return read_input(file).decode("utf-8", "replace").splitlines()


def _judged(document: Mapping[str, Any], given: Evidence, name: str) -> dict[str, Any]:
    """What is proved of one footprint, or why nothing is."""
    from underseal_protocol.errors import ProtocolError

    footprint_id = document.get("id")
    start = {"verified": False, "trust": given.trust.source} | (
        {"id": footprint_id} if isinstance(footprint_id, str) else {}
    )
    try:
        return start | prove(document, given)
    except EvidenceError as error:
        message = f"{name} is not verified with all that was given: {error.message}"
        return start | {"message": message} | ({"hint": error.hint} if error.hint else {})
    except ProtocolError as error:
        message = f"{name} does not verify with {given.trust.source}: {error.message}"
        return start | {"message": message} | ({"hint": error.hint} if error.hint else {})


def _print(result: Mapping[str, Any]) -> None:
    status = result["status"]
    proven = f"status not proven (the file says {status['value']})"
    if status["isProven"]:
        proven = f"status {status['value']} as of {status['asOf']}"
    output.say(
        f"verified: {result['id']}, unchanged since {result['issuer']} signed it; {proven}",
        f"credential: {result['credential']}",
        "Proved:",
        *(f"  - {one}" for one in result["proved"]),
        "Not proved:",
        *(f"  - {one}" for one in result["notProved"]),
    )
    if "sealedSum" in result:
        print_sealed(result["sealedSum"])
    if "opening" in result:
        output.say(
            "Opened:",
            *(
                f"  {one['id']} ({one['kind']}): {content_text(one['content'])}"
                for one in result["opening"]["lines"]
            ),
            *(
                f"  {quantity_line(one)}"
                for one in result["opening"].get("sealedSum", {}).get("quantities", ())
            ),
        )
