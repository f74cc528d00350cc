"""What a footprint is checked with by `underseal verify`, and whose fault it is if that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from underseal_cli.trusted_keys import TrustedKeys

if TYPE_CHECKING:
    from underseal_protocol.seal.trust import KnownRoster

__all__ = ["Evidence", "EvidenceError", "about"]


@dataclass(frozen=True)
class Evidence:
    """What a footprint is checked with.

    Attributes:
        trust: the keys of its owner.
        status: what the owner signed about the status (a JWS).
        is_status_enclosed: it came with the footprint; nobody named it.
        attestations: what verifiers signed, beside the footprint: the file of each, and the JWS.
        verifier: the keys of a verifier.
        receipts: lines of what its owner signed about showing it (`underseal audit receipts`);
            `None` if none were given.
        now: aware.
        opening: what the owner has opened of its books (`underseal audit open`), as JSON.
        status_in: where the status is from, as it was named.
        receipts_in: likewise.
        opening_in: likewise.
        sealed: the sealed sum, as received.
        endorsers: whose endorsements count.
        rosters: whose members' endorsements count.
        sealed_in: where it is from.
    """

    trust: TrustedKeys
    status: str | None
    is_status_enclosed: bool
    attestations: Sequence[tuple[str, str]]
    verifier: TrustedKeys | None
    receipts: Sequence[str] | None
    now: datetime
    opening: Any = None
    status_in: str = "the file"
    receipts_in: str = "the file"
    opening_in: str = "the file"
    sealed: bytes | None = None
    endorsers: Sequence[TrustedKeys] = ()
    rosters: Sequence[KnownRoster] = ()
    sealed_in: str = "the file"


class EvidenceError(Exception):
    """Something that was given beside a footprint does not hold.

    Args:
        message: a sentence that names it.
        hint: what helps.
    """

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@contextmanager
def about(what: str) -> Iterator[None]:
    """Say of a failure that it is of this, and not of the footprint or the keys of its owner.

    Args:
        what: as the subject of a sentence.

    Raises:
        EvidenceError: it does not hold.
    """
    from underseal_protocol.errors import ProtocolError

    try:
        yield
    except ProtocolError as error:
        raise EvidenceError(f"{what}: {error.message}", error.hint) from error
