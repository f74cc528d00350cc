"""What is proved of a footprint, and what is not: for `underseal verify`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from underseal_cli.evidence import Evidence, about
from underseal_cli.opened_seals import add_quantities, opening_members
from underseal_cli.seal_proofs import add_sealed
from underseal_cli.trusted_keys import TrustedKeys

if TYPE_CHECKING:
    from underseal_protocol.attestation_claims import Attestation
    from underseal_protocol.credential import VerifiedCredential
    from underseal_protocol.opening import Opening
    from underseal_protocol.receipt import Receipt

__all__ = ["prove"]


def prove(document: Mapping[str, Any], given: Evidence) -> dict[str, Any]:
    """Check a footprint with everything that is given.

    Raises:
        EvidenceError: something that is given beside it does not hold.
        ProtocolError: the footprint does not; the message names what differs.
    """
    from underseal_protocol.errors import SchemaError
    from underseal_protocol.footprint import schema_violations
    from underseal_protocol.times import format_time

    proven = _credential(document, given.trust)
    violations = schema_violations(document)
    if violations:
        raise SchemaError(violations)
    receipts = _receipts(document, proven, given)
    status = _status(document, proven, given)
    attestations, unchecked = _attestations(document, proven, given)
    opening = _opening(document, proven, given)
    since = given.trust.revoked.get(proven.kid)
    key = (
        f"the key {proven.kid}, which is one of {given.trust.source}"
        if since is None
        else f"the key {proven.kid}, before {format_time(since)}, from when on it is revoked"
    )
    proved = [
        f"{proven.issuer} signed it, with {key}"
        if given.trust.issuers
        else f"{key}, signed it; the signature names {proven.issuer}",
        "nothing of what is shown was changed since: "
        + ", ".join(["core", *sorted(proven.disclosed)]),
    ]
    unproved = ["that the figures are right: a signature says who answers for them, no more"]
    unproved += _limits(given.trust, proven.issuer)
    _add_times(document, proven, given.now, proved, unproved)
    _add_status(status, proved, unproved)
    proved += [_shown(one) for one in receipts]
    if given.receipts is not None and not receipts:
        unproved.append(
            f"that anybody was given it: none of the receipts in {given.receipts_in} is about it "
            "and signed with a key that is trusted"
        )
    proved += [_attested(one) for one in attestations]
    _add_opening(opening, proven, proved, unproved)
    sealed = add_sealed(document, proven, given, attestations, proved, unproved)
    shown = _opened(opening, proven, given, sealed, proved, unproved)
    if given.verifier is not None:
        for name in dict.fromkeys(one.verifier for one in attestations):
            unproved += _limits(given.verifier, name)
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
        "credential": proven.digest,
        "disclosed": sorted(proven.disclosed),
        "withheld": sorted(proven.withheld),
        "status": status,
        "receipts": [_receipt_members(one) for one in receipts],
        "attestations": [_members(one) for one in attestations],
        "proved": proved,
        "notProved": unproved,
        **shown,
        **sealed,
    }


def _limits(trust: TrustedKeys, owner: str) -> list[str]:
    """What keys do not tell, by where they are from."""
    limits = []
    if not trust.issuers:
        limits.append(f"that the key is that of {owner}: {trust.source} do not say whose they are")
    if trust.is_of_file:
        limits.append(f"that the key of {owner} was not revoked since: {trust.source} may be old")
    return limits


def _credential(document: Mapping[str, Any], trust: TrustedKeys) -> VerifiedCredential:
    """The credential, whose key may be revoked: then `_receipts` has to find evidence."""
    from underseal_protocol.credential import credential_of, verify

    compact = credential_of(document)
    is_revoked = compact is not None and trust.revoked_key(compact) is not None
    keys = trust.ever if is_revoked else trust.keys
    issuer = trust.issuers[0] if len(trust.issuers) == 1 else None
    proven = verify(document, keys=keys, issuer=issuer)
    trust.require_issuer(proven.issuer)
    return proven


def _receipts(
    document: Mapping[str, Any], proven: VerifiedCredential, given: Evidence
) -> list[Receipt]:
    """What the owner confirmed of showing it; of one under a revoked key, only from before that.

    The time in a receipt is evidence as far as its own key is none that was in other hands.

    Raises:
        KeySetError: the key is revoked, and no receipt is older.
        EvidenceError: the receipts do not hold.
    """
    from underseal_protocol.witness import receipts_about

    trust = given.trust
    with about(f"the receipts in {given.receipts_in}"):
        found = receipts_about(
            given.receipts or (),
            footprint_id=str(document["id"]).lower(),
            digest=proven.digest,
            keys=trust.keys,
        )
        for one in found:
            trust.require_issuer(one.issuer)
    since = trust.revoked.get(proven.kid)
    if since is None:
        return found
    older = [one for one in found if one.issued_at < since]
    if older:
        return older
    raise trust.revoked_error(proven.kid, hint=_what_is_missing(found, given))


def _what_is_missing(found: Sequence[Receipt], given: Evidence) -> str:
    """Of evidence that a footprint is older than the theft of its key."""
    from underseal_protocol.times import format_time

    if found:
        first = format_time(min(one.issued_at for one in found))
        return f"The oldest receipt for it is of {first}, which is too late. Ask for a new one."
    if given.receipts:
        return (
            "No receipt for it, with a key that is not revoked, is among those given. Ask its "
            "owner for a new one."
        )
    return (
        "Only a receipt from before that shows that it is older (--receipts: what `underseal audit "
        "receipts` wrote). Without one, ask its owner for a new one."
    )


def _status(
    document: Mapping[str, Any], proven: VerifiedCredential, given: Evidence
) -> dict[str, Any]:
    from underseal_protocol.status import verify_status
    from underseal_protocol.times import format_time

    if given.status is None:
        return {"value": document["status"], "isProven": False}
    if given.is_status_enclosed and given.trust.revoked_key(given.status) is not None:
        return {"value": document["status"], "isProven": False}
    with about(f"the statement of the status in {given.status_in}"):
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
    if given.verifier is None:
        claimed = [read_attestation(token) for token in carried]
        return [], [f"{one.verification['providerName']} ({one.verifier})" for one in claimed]
    tokens = [("the footprint", one, True) for one in carried]
    tokens += [(place, one, False) for place, one in given.attestations]
    found = []
    for place, token, is_carried in tokens:
        with about(f"the attestation in {place}, checked with {given.verifier.source}"):
            given.verifier.require_not_revoked(token)
            one = verify_attestation(token, keys=given.verifier.keys, issuer=None)
            given.verifier.require_issuer(one.verifier)
            require_about_published(one, document, proven, is_carried=is_carried)
            require_valid(one, given.now)
        found.append(one)
    return found, []


def _opening(
    document: Mapping[str, Any], proven: VerifiedCredential, given: Evidence
) -> Opening | None:
    """What the owner has opened of its books, if anything.

    Raises:
        ProtocolError: it is not of this footprint, or not what was committed to.
    """
    from underseal_protocol.opening import verify_opening

    if given.opening is None:
        return None
    statement = given.opening.get("statement") if isinstance(given.opening, dict) else None
    with about(f"what is opened in {given.opening_in}"):
        if isinstance(statement, str):
            given.trust.require_not_revoked(statement)
        found = verify_opening(
            given.opening,
            keys=given.trust.keys,
            issuer=None if len(given.trust.issuers) > 1 else proven.issuer,
            footprint_id=str(document["id"]),
            proven=proven,
        )
        given.trust.require_issuer(found.issuer)
    return found


def _add_opening(
    found: Opening | None, proven: VerifiedCredential, proved: list[str], unproved: list[str]
) -> None:
    from underseal_protocol.times import format_time

    if found is None:
        if proven.commitment is not None:
            unproved.append(
                "what it was calculated from: that is committed to, and not opened (--opening)"
            )
        return
    proved.append(
        f"{len(found.lines)} lines are in the tree with the root {found.root}, which the "
        f"signature of the footprint bears; {found.issuer} signed with the key {found.kid} that it "
        f"opened them for {found.verifier} on {format_time(found.issued_at)}"
    )
    if found.is_whole:
        proved.append(f"there is no other line: all {found.size} leaves of the tree are opened")
    else:
        unproved.append("what else it was calculated from: other lines are not opened")
    unproved.append(
        "that the lines are true, and that the figures follow from them: what is proved is that "
        "they have not been changed since"
    )


def _opened(
    found: Opening | None,
    proven: VerifiedCredential,
    given: Evidence,
    sealed: Mapping[str, Any],
    proved: list[str],
    unproved: list[str],
) -> dict[str, Any]:
    """The members of the result about what is opened, if anything is.

    Raises:
        EvidenceError: it opens another sealed sum, or not what is sealed.
    """
    if found is None:
        return {}
    with about(f"what is opened in {given.opening_in}"):
        quantities = add_quantities(found, proven, sealed, proved, unproved)
    return {"opening": opening_members(found) | quantities}


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


def _shown(found: Receipt) -> str:
    from underseal_protocol.times import format_time

    return (
        f"{found.issuer} confirmed on {format_time(found.issued_at)}, with another key, that it "
        f"gave this to {found.audience}: entry {found.number} of its audit log"
    )


def _receipt_members(found: Receipt) -> dict[str, Any]:
    from underseal_protocol.times import format_time

    return {
        "issuer": found.issuer,
        "audience": found.audience,
        "issuedAt": format_time(found.issued_at),
        "entry": found.number,
    }


def _attested(found: Attestation) -> str:
    from underseal_protocol.times import format_time

    given = found.verification
    books = ""
    if found.books is not None:
        books = f"; of what it was calculated from, it has looked into {found.books.root}"
        if found.books.completeness is not None:
            books += f", and says of its being complete: {found.books.completeness}"
        if found.books.sealed_sum is not None:
            books += f"; it has compared the quantities of the sealed sum {found.books.sealed_sum}"
    return (
        f"{given['providerName']} ({found.verifier}) attests it with {found.level} assurance: "
        f"{given['coverage']}, {given['standardName']}, completed {given['completedAt']}, valid "
        f"until {format_time(found.valid_until)}{books}"
    )


def _members(found: Attestation) -> dict[str, Any]:
    from underseal_protocol.times import format_time

    books = {} if found.books is None else found.books.to_json()
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
        **{name: books[name] for name in ("root", "completeness", "sealedSum") if name in books},
    }
