"""A roster in one epoch: who keeps it, its key, and for which time its credentials are.

All credentials of an epoch have the same header, so a proof tells nothing but that. It has no
longer list of members: who is in it, the issuer knows, and each member can show itself.

What the issuer promises, and no cryptography checks:

- it has checked who a member is, and that its URL is its own;
- in each epoch it gives **one** credential to each legal entity, and none to a second URL of one;
- it gives no two epochs the same issuer, name and times.

The header, signed in every credential: domain, issuer and name, each with its length of four bytes
in front, little-endian; the two times in seconds, five bytes each, little-endian; and the number of
secrets of a pseudonym, 1, in eight bytes, big-endian, as the draft of pseudonyms has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.suite import PSEUDONYM, message_scalar
from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.seal import codec
from underseal_protocol.seal.endorsement import check_party
from underseal_protocol.seal.group import Point2
from underseal_protocol.seal.printable import is_printable
from underseal_protocol.seal.scalars import Scalar
from underseal_protocol.seal.terms import require_second
from underseal_protocol.times import format_time

__all__ = ["MEMBER", "SECRET", "Member", "Roster", "pseudonym_context"]

DOMAIN = b"UNDERSEAL-ROSTER-V01-header"
MEMBER_DOMAIN = b"UNDERSEAL-ROSTER-V01-member"
CONTEXT_DOMAIN = b"UNDERSEAL-ROSTER-V01-pseudonym"
SECOND_BYTES = 5
NYM_COUNT = (1).to_bytes(8, "big")
MAX_NAME_CHARACTERS, MAX_ENTITY_CHARACTERS = 100, 100

MEMBER, BLINDING, SECRET = range(3)  # the messages of a credential; the issuer sees the first


@dataclass(frozen=True, slots=True)
class Member:
    """Who a member is: what the issuer has checked.

    Args:
        url: of its node.
        entity: the legal entity, by an identifier of it: an LEI, a company id.

    Raises:
        RosterError: one of them is not in its form.
    """

    url: str
    entity: str

    def __post_init__(self) -> None:
        _require_url(self.url, "a member")
        _require_name(self.entity, MAX_ENTITY_CHARACTERS, "the legal entity of a member")

    @property
    def message(self) -> Scalar:
        """What is signed of it."""
        parts = (MEMBER_DOMAIN, self.url.encode(), self.entity.encode())
        return message_scalar(b"".join(map(codec.write_string, parts)), PSEUDONYM)


@dataclass(frozen=True)
class Roster:
    """A roster in one epoch.

    Args:
        issuer: the URL of the node that keeps it.
        name: which of its rosters.
        key: of the issuer, for this purpose only.
        not_before, not_after: when the footprints are created that its members endorse for, in
            seconds since 1970; the second is exclusive.

    Raises:
        RosterError: one of them is not in its form.
    """

    issuer: str
    name: str
    key: Point2
    not_before: int
    not_after: int

    def __post_init__(self) -> None:
        _require_url(self.issuer, "the issuer of a roster")
        _require_name(self.name, MAX_NAME_CHARACTERS, "the name of a roster")
        try:
            for second in (self.not_before, self.not_after):
                require_second(second, "an end of an epoch")
        except EndorsementError as error:
            raise RosterError(error.message) from None
        if self.not_before >= self.not_after:
            raise RosterError("the epoch of the roster ends before it begins")

    @property
    def header(self) -> bytes:
        """What every credential of the epoch shows."""
        texts = (DOMAIN, self.issuer.encode(), self.name.encode())
        seconds = (self.not_before, self.not_after)
        return b"".join(
            (
                *map(codec.write_string, texts),
                *(codec.little_endian(second, SECOND_BYTES) for second in seconds),
                NYM_COUNT,
            )
        )

    @cached_property
    def setup(self) -> Setup:
        """What issuer, members and readers agree on."""
        return Setup.blind(self.key, self.header, 1, 1)

    def require_valid_for(self, created: datetime) -> None:
        """Whether its members may endorse for a footprint that was created then.

        Args:
            created: aware.

        Raises:
            RosterError: that was in another epoch.
        """
        if not self.not_before <= created.timestamp() < self.not_after:
            first, last = (
                format_time(datetime.fromtimestamp(second, UTC))
                for second in (self.not_before, self.not_after)
            )
            raise RosterError(
                f"the epoch of the roster is for footprints created from {first} until before "
                f"{last}, this one was created {format_time(created)}",
                hint="Have it endorsed in the epoch in which it is created.",
            )


def pseudonym_context(roster: Roster, customer: str, context: bytes) -> bytes:
    """Where a member has one pseudonym: one version of one product of one customer, in one epoch.

    The customer is in it, although `context` is made of it as well: a supplier cannot see what the
    context is made of. So nobody can ask a supplier for its pseudonym in a document of another one.

    Args:
        roster: in its epoch.
        customer: the URL of the publisher's node, as it has authenticated itself.
        context: `context_of`, 32 bytes.
    """
    parts = (CONTEXT_DOMAIN, roster.header, customer.encode(), context)
    return b"".join(map(codec.write_string, parts))


def _require_url(url: str, what: str) -> None:
    try:
        check_party(url, what)
    except EndorsementError as error:
        raise RosterError(error.message) from None


def _require_name(text: str, most: int, what: str) -> None:
    if not isinstance(text, str) or not 0 < len(text) <= most or not is_printable(text):
        raise RosterError(f"{what} is {text!r:.60}, expected 1 to {most} printable characters")
