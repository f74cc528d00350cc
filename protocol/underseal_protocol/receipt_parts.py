"""The members of acknowledgements and receipts, read from what anybody may have signed.

Whatever they hold instead of what they should hold ends in a `CredentialError`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from underseal_protocol.audit import read_hash, read_hashes
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import AuditError, CredentialError
from underseal_protocol.uuids import is_uuid

__all__ = [
    "MAX_FOOTPRINTS",
    "Head",
    "Received",
    "is_digest",
    "read_acknowledged",
    "read_answered",
    "read_consistency",
    "read_inclusion",
]

MAX_FOOTPRINTS = 5_000

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # SHA-256 in base64url
_MAX_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Head:
    """Where a log stands.

    Attributes:
        size: how many entries.
        root: hash of the tree over them.
    """

    size: int
    root: bytes


@dataclass(frozen=True)
class Received:
    """A footprint that was received.

    Attributes:
        footprint_id: which.
        digest: of its credential.
        level: at which it was shown; None in an acknowledgement, which cannot know.
    """

    footprint_id: str
    digest: str
    level: Level | None = None


def read_acknowledged(items: Any) -> Sequence[Received]:
    """The footprints that an acknowledgement names.

    Args:
        items: its member `footprints`.

    Raises:
        CredentialError: they are none, too few or too many, or one is named twice.
    """
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_FOOTPRINTS:
        raise CredentialError(
            f"an acknowledgement is about 1 to {MAX_FOOTPRINTS} footprints, in a list"
        )
    found = [_received(one, 2) for one in items]
    _check_once([one.footprint_id for one in found], "an acknowledgement")
    return found


def read_answered(confirmed: Any, unconfirmed: Any) -> tuple[Sequence[Received], Sequence[str]]:
    """The footprints that a receipt confirms, and the ids of those that it does not.

    Args:
        confirmed: its member `footprints`.
        unconfirmed: its member `unconfirmed`.

    Raises:
        CredentialError: they are none, too many, or one is named twice.
    """
    lists = (confirmed, unconfirmed)
    if not all(isinstance(one, list) for one in lists) or sum(map(len, lists)) > MAX_FOOTPRINTS:
        raise CredentialError("a receipt has no list of footprints, or too long a one")
    if not all(map(is_uuid, unconfirmed)):
        raise CredentialError("a receipt leaves out what is no footprint")
    found = [_received(one, 3) for one in confirmed]
    left_out = [one.lower() for one in unconfirmed]
    _check_once([*(one.footprint_id for one in found), *left_out], "a receipt")
    return found, left_out


def _received(item: Any, length: int) -> Received:
    if not isinstance(item, list) or len(item) != length:
        raise CredentialError(f"a footprint of a receipt is {_shown(item)}")
    footprint_id, digest = item[:2]
    if not is_uuid(footprint_id) or not is_digest(digest):
        raise CredentialError(f"a footprint of a receipt is {_shown(item)}")
    if length == 2:
        return Received(footprint_id.lower(), digest)
    if not isinstance(item[2], str) or item[2] not in set(Level):
        raise CredentialError(f"a footprint of a receipt has the level {_shown(item[2])}")
    return Received(footprint_id.lower(), digest, Level(item[2]))


def is_digest(value: Any) -> bool:
    """Whether it is a digest as credentials and acknowledgements are known by."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _shown(value: Any) -> str:
    """What somebody has sent, for a message: not all of it, it may be long."""
    return repr(value)[:_MAX_SHOWN_CHARACTERS]


def _check_once(ids: Sequence[str], what: str) -> None:
    """Twice the same id would be one footprint with two answers, or with two digests."""
    if len(set(ids)) != len(ids):
        twice = next(one for one, times in Counter(ids).items() if times > 1)
        raise CredentialError(f"{what} names the footprint {twice} twice")


def read_inclusion(value: Any) -> tuple[int, bytes, Sequence[bytes]]:
    """Number and hash of an entry, and the proof that it is in the log.

    Args:
        value: the member `inclusion` of a receipt.

    Raises:
        CredentialError: it is malformed.
    """
    number, proof = _proof(value, "number")
    try:
        return number, read_hash(value.get("leaf"), "leaf"), proof
    except AuditError as error:
        raise CredentialError(f"a receipt has a malformed proof: {error.message}") from error


def read_consistency(value: Any) -> tuple[int, Sequence[bytes]]:
    """The size of the log before, and the proof that it only grew since.

    Args:
        value: the member `consistency` of a receipt.

    Raises:
        CredentialError: it is malformed.
    """
    return _proof(value, "size")


def _proof(value: Any, name: str) -> tuple[int, Sequence[bytes]]:
    if not isinstance(value, Mapping) or type(value.get(name)) is not int:
        raise CredentialError("a receipt has a malformed proof")
    try:
        return value[name], read_hashes(value.get("proof"), "proof")
    except AuditError as error:
        raise CredentialError(f"a receipt has a malformed proof: {error.message}") from error
