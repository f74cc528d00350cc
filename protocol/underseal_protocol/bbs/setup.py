"""What signer, holder and verifier have to agree on, and what of it is signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from underseal_protocol.bbs.suite import (
    BASE,
    PLAIN,
    PSEUDONYM,
    blind_generators,
    generators,
    octets,
    scalar_of,
)
from underseal_protocol.errors import SealError
from underseal_protocol.seal.group import Point, Point2
from underseal_protocol.seal.scalars import Scalar

__all__ = ["Setup"]


@dataclass(frozen=True)
class Setup:
    """Key, header and generators.

    Args:
        public_key: of the signer.
        header: signed, and always shown.
        api_id: of the interface.
        domain_point: `Q_1`.
        points: a generator for each message, `H_1` to `H_L`.
    """

    public_key: Point2
    header: bytes
    api_id: bytes
    domain_point: Point = field(repr=False)
    points: tuple[Point, ...] = field(repr=False)

    @classmethod
    def plain(cls, public_key: Point2, header: bytes, count: int) -> Setup:
        """Of the interface in which the signer sees all messages.

        Args:
            public_key: of the signer.
            header: signed, and always shown.
            count: of messages.
        """
        first, *points = generators(count + 1, PLAIN)
        return cls(public_key, header, PLAIN, first, tuple(points))

    @classmethod
    def blind(cls, public_key: Point2, header: bytes, seen: int, unseen: int) -> Setup:
        """Of the interface with pseudonyms.

        Args:
            public_key: of the signer.
            header: signed, and always shown.
            seen: how many messages the signer sees; they come first.
            unseen: how many it does not; after the blinding, and with the secret of the pseudonym,
                which is the last.
        """
        first, *points = generators(seen + 1, PSEUDONYM)
        points += blind_generators(unseen + 1, PSEUDONYM)
        return cls(public_key, header, PSEUDONYM, first, tuple(points))

    @cached_property
    def domain(self) -> Scalar:
        """`calculate_domain`."""
        listed = octets(len(self.points), self.domain_point, *self.points) + self.api_id
        header = octets(len(self.header)) + self.header
        return scalar_of(self.public_key.encode() + listed + header, self.api_id)

    @cached_property
    def base(self) -> Point:
        """`P1 + Q_1 domain`: what is signed beside the messages."""
        return BASE + self.domain * self.domain_point

    def require_count(self, count: int) -> None:
        """Whether there are so many messages.

        Raises:
            SealError: there are more or fewer.
        """
        if count != len(self.points):
            raise SealError(f"there are {count} messages, expected {len(self.points)}")
