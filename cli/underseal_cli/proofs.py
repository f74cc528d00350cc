"""What is proved of a footprint, and what is not: for `underseal verify`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from underseal_cli.trusted_keys import TrustedKeys

if TYPE_CHECKING:
    from underseal_protocol.attestation_claims import Attestation
    from underseal_protocol.credential import VerifiedCredential

__all__ = ["Evidence", "prove"]


@dataclass(frozen=True)
class Evidence:
    """What a footprint is checked with.

    Attributes:
        trust: the keys of its owner.
        status: what the owner signed about the status (a JWS).
        attestations: what verifiers signed, beside the footprint (a JWS each).
        verifier: the keys of a verifier.
        now: aware.
    """

    trust: TrustedKeys
    status: str | None
    attestations: Sequence[str]
    verifier: TrustedKeys | None
    now: datetime


def prove(document: Mapping[str, Any], given: Evidence) -> dict[str, Any]:
    """Check a footprint with everything that is given.

    Raises:
        ProtocolError: something that is given does not hold; the message names what differs.
    """
    from underseal_protocol.errors import SchemaError
    from underseal_protocol.footprint import schema_violations
    from underseal_protocol.times import format_time

    proven = _credential(document, given.trust)
    violations = schema_violations(document)
    if violations:
        raise SchemaError(violations)
    status = _status(document, proven, given)
    attestations, unchecked = _attestations(document, proven, given)
    proved = [
        f"{proven.issuer} signed it, with the key {proven.kid}, which is one of "
        f"{given.trust.source}",
        "nothing of what is shown was changed since: "
        + ", ".join(["core", *sorted(proven.disclosed)]),
    ]
    unproved = ["that the figures are right: a signature says who answers for them, no more"]
    _add_times(document, proven, given.now, proved, unproved)
    _add_status(status, proved, unproved)
    proved += [_attested(one) for one in attestations]
    unproved += [
        f"what {name} attests: the keys of the verifier are needed for that (--verifier-keys)"
        for name in unchecked
    ]
    if proven.withheld:
        unproved.append(f"what is not shown, if there is any: {', '.join(sorted(proven.withheld))}")
    return {
        "verified": True,
        "issuer": proven.issuer,
        "issuedAt": format_time(proven.issued_at),
        "kid": proven.kid,
        "disclosed": sorted(proven.disclosed),
        "withheld": sorted(proven.withheld),
        "status": status,
        "attestations": [_members(one) for one in attestations],
        "proved": proved,
        "notProved": unproved,
    }


def _credential(document: Mapping[str, Any], trust: TrustedKeys) -> VerifiedCredential:
    from underseal_protocol.credential import credential_of, verify

    compact = credential_of(document)
    if compact is not None and trust.revoked:
        trust.require_not_revoked(compact.partition("~")[0])
    issuer = trust.issuers[0] if len(trust.issuers) == 1 else None
    proven = verify(document, keys=trust.keys, issuer=issuer)
    trust.require_issuer(proven.issuer)
    return proven


def _status(
    document: Mapping[str, Any], proven: VerifiedCredential, given: Evidence
) -> dict[str, Any]:
    from underseal_protocol.status import verify_status
    from underseal_protocol.times import format_time

    if given.status is None:
        return {"value": document["status"], "isProven": False}
    given.trust.require_not_revoked(given.status)
    signed = verify_status(
        given.status,
        keys=given.trust.keys,
        issuer=None if len(given.trust.issuers) > 1 else proven.issuer,
        footprint_id=str(document["id"]),
        credential_digest=proven.digest,
    )
    given.trust.require_issuer(signed.issuer)
    return {"value": signed.status, "isProven": True, "asOf": format_time(signed.issued_at)}


def _attestations(
    document: Mapping[str, Any], proven: VerifiedCredential, given: Evidence
) -> tuple[list[Attestation], list[str]]:
    """Those that hold, and the verifiers of those that could not be checked."""
    from underseal_protocol.attestation import (
        attestations_of,
        read_attestation,
        require_about_published,
        require_valid,
        verify_attestation,
    )

    carried = attestations_of(document)
    tokens = [*((one, True) for one in carried), *((one, False) for one in given.attestations)]
    if given.verifier is None:
        claimed = [read_attestation(token) for token, _ in tokens]
        return [], [f"{one.verification['providerName']} ({one.verifier})" for one in claimed]
    found = []
    for token, is_carried in tokens:
        given.verifier.require_not_revoked(token)
        one = verify_attestation(token, keys=given.verifier.keys, issuer=None)
        given.verifier.require_issuer(one.verifier)
        require_about_published(one, document, proven, is_carried=is_carried)
        require_valid(one, given.now)
        found.append(one)
    return found, []


def _add_times(
    document: Mapping[str, Any],
    proven: VerifiedCredential,
    now: datetime,
    proved: list[str],
    unproved: list[str],
) -> None:
    from underseal_protocol.criteria import FootprintIndex
    from underseal_protocol.times import format_time

    signed = format_time(proven.issued_at)
    remark = ", which has not come yet" if proven.issued_at > now else ""
    unproved.append(f"when it was signed: {signed} by the signer's clock alone{remark}")
    index = FootprintIndex.of(document)
    begin, end = format_time(index.valid_from), format_time(index.valid_until)
    if now < index.valid_from:
        unproved.append(f"that it is valid now: it is from {begin} on")
    elif now > index.valid_until:
        unproved.append(f"that it is valid now: it was until {end}")
    else:
        proved.append(f"its owner declares it valid from {begin} until {end}")


def _add_status(status: Mapping[str, Any], proved: list[str], unproved: list[str]) -> None:
    value = status["value"]
    if not status["isProven"]:
        unproved.append(
            f"its status: the file says {value}, without a statement that is signed (--status)"
        )
        return
    proved.append(f"its status was {value} as of {status['asOf']}")
    if value != "Deprecated":  # which is final
        unproved.append(f"that it is still {value}: it may have been deprecated since")


def _attested(found: Attestation) -> str:
    from underseal_protocol.times import format_time

    given = found.verification
    return (
        f"{given['providerName']} ({found.verifier}) attests it with {found.level} assurance: "
        f"{given['coverage']}, {given['standardName']}, completed {given['completedAt']}, valid "
        f"until {format_time(found.valid_until)}"
    )


def _members(found: Attestation) -> dict[str, Any]:
    from underseal_protocol.times import format_time

    return {
        "verifier": found.verifier,
        "verifierIds": list(found.verifier_ids),
        "kid": found.kid,
        **found.verification,
        "level": str(found.level),
        "statement": found.statement.to_json(),
        "issuedAt": format_time(found.issued_at),
        "validFrom": format_time(found.valid_from),
        "validUntil": format_time(found.valid_until),
    }
