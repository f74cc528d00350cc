"""What has to hold of the endorsements of a roster for one footprint.

1. The footprint is created in the epoch of the roster, and the roster is not kept by the publisher.
2. The mark of the publisher holds (`mark`): its own pseudonym for this footprint is known.
3. Each endorsement is for this customer, context and property, and its proof holds: a member of
   the roster has made it for this footprint.
4. None has the pseudonym of the publisher: it endorses nothing for itself.

All proofs are of one roster in one epoch, in which each legal entity has one credential. So two
pseudonyms are two members, and one that is not the publisher's is not the publisher.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.roster.hidden import HiddenEndorsement, HiddenOpening, origin_of
from underseal_protocol.roster.mark import require_form_of_mark
from underseal_protocol.roster.presentation import Presentation, first_refused
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.endorsed_value import value_in
from underseal_protocol.seal.group import Point
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.scalars import RandomBytes
from underseal_protocol.seal.terms import Terms

__all__ = ["require_about", "verify_hidden"]


def verify_hidden(
    roster: Roster,
    mark: Presentation,
    endorsements: Sequence[HiddenEndorsement],
    *,
    publisher: str,
    publishers: Collection[str] = (),
    context: bytes,
    sealed: SealedProperty,
    created: datetime,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> frozenset[Point]:
    """Check all endorsements for a footprint.

    Args:
        roster: of all of them; whether the reader trusts it is not asked here.
        mark: of the publisher.
        endorsements: any number.
        publisher: the URL of the node of whoever publishes the footprint.
        publishers: further URLs of it.
        context: of the footprint (`context_of`).
        sealed: which property.
        created: when the footprint was created, aware.
        random_bytes: of the operating system, but in tests (`first_refused`).

    Returns:
        the pseudonyms of the endorsers: as many as there are members among them.

    Raises:
        RosterError: the roster or the mark does not hold.
        EndorsementError: an endorsement does not; the message says which, counted from 1.
    """
    if roster.issuer in {publisher, *publishers}:
        raise RosterError(f"the roster is kept by the publisher, {roster.issuer}")
    roster.require_valid_for(created)
    require_form_of_mark(mark, publisher=publisher, context=context)
    for number, one in enumerate(endorsements, 1):
        _require_for(one, number, publisher, context, sealed)
        if one.pseudonym == mark.pseudonym:
            raise EndorsementError(f"endorsement {number}: it is of the publisher itself")
    refused = first_refused(
        roster, [mark, *(one.presentation for one in endorsements)], random_bytes
    )
    if refused is not None:
        number, error = refused
        if not number:
            raise RosterError(f"the mark of the publisher: {error.message}")
        raise EndorsementError(f"endorsement {number}: {error.message}")
    return frozenset(one.pseudonym for one in endorsements)


def require_about(
    endorsement: HiddenEndorsement,
    opening: HiddenOpening,
    document: Mapping[str, Any],
    credential_digest: str,
) -> None:
    """Whether an endorsement is of the very footprint that the customer has received.

    Args:
        endorsement: verified.
        opening: as the supplier gave it.
        document: the supplier's footprint as received, at any level.
        credential_digest: of its credential, which is verified, base64url.

    Raises:
        EndorsementError: it is of another one, or the opening is another one.
        SealNumberError: the footprint is none that is sealed.
    """
    for what, holds in (
        ("commitment", opening.value.commitment == endorsement.commitment),
        ("origin", origin_of(credential_digest, opening.salt) == endorsement.origin),
        ("terms", Terms.of_footprint(document) == endorsement.terms),
        ("value", value_in(document, endorsement.sealed) == opening.value.value),
    ):
        if not holds:
            raise EndorsementError(
                f"the {what} of the endorsement is of something else than the footprint that was "
                "received",
                hint="Pull the footprint again, then ask for another endorsement.",
            )


def _require_for(
    one: HiddenEndorsement, number: int, customer: str, context: bytes, sealed: SealedProperty
) -> None:
    for name, found, expected in (
        ("customer", one.customer, customer),
        ("context", one.context, context),
        ("property", one.sealed, sealed),
    ):
        if found != expected:
            raise EndorsementError(f"endorsement {number}: it is for another {name}")
