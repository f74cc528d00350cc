"""The mark of a publisher: its own pseudonym in the context of its footprint.

A publisher that is a member of the roster could endorse its own inventions. So a sealed document
with endorsements of a roster bears the publisher's own pseudonym, with a proof that shows who it
is; and no endorser may have this pseudonym. A publisher that is no member has no mark, and nobody
accepts its document: it could be a member in secret.
"""

from __future__ import annotations

import hashlib
import secrets

from underseal_protocol.errors import RosterError, SealError
from underseal_protocol.roster.membership import Membership
from underseal_protocol.roster.presentation import Presentation, present, verify_presentation
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal import codec
from underseal_protocol.seal.scalars import RandomBytes

__all__ = ["bound_of_mark", "mark", "require_mark"]

DOMAIN = b"UNDERSEAL-ROSTER-V01-publisher"


def bound_of_mark(context: bytes) -> bytes:
    """What the proof of a mark is bound to; the publisher is in it, by name."""
    return hashlib.sha256(b"".join(map(codec.write_string, (DOMAIN, context)))).digest()


def mark(
    membership: Membership, context: bytes, random_bytes: RandomBytes = secrets.token_bytes
) -> Presentation:
    """Make the mark of a publisher.

    Args:
        membership: its own.
        context: of its footprint (`context_of`).
        random_bytes: of the operating system, but in tests.
    """
    return present(
        membership,
        customer=membership.member.url,
        context=context,
        bound=bound_of_mark(context),
        is_named=True,
        random_bytes=random_bytes,
    )


def require_mark(roster: Roster, found: Presentation, *, publisher: str, context: bytes) -> None:
    """Whether a mark is of this publisher for this footprint.

    Args:
        roster: in its epoch.
        found: the mark.
        publisher: the URL of its node.
        context: of its footprint.

    Raises:
        RosterError: it is not.
    """
    require_form_of_mark(found, publisher=publisher, context=context)
    try:
        verify_presentation(roster, found)
    except SealError as error:
        raise RosterError(f"the mark of the publisher: {error.message}") from None


def require_form_of_mark(found: Presentation, *, publisher: str, context: bytes) -> None:
    """Whether a mark says the right things, its proof apart.

    Raises:
        RosterError: it does not.
    """
    if found.member is None or found.member.url != publisher:
        of = "nobody" if found.member is None else found.member.url
        raise RosterError(f"the mark of the publisher is of {of}, expected {publisher}")
    expected = (publisher, context, bound_of_mark(context))
    if (found.customer, found.context, found.bound) != expected:
        raise RosterError("the mark of the publisher is for another footprint")
