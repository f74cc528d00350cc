"""What `serving` takes and returns, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from underseal_node.errors import NodeError, NotFoundError
from underseal_node.store.audit import Act
from underseal_node.store.audit_buffer import Shown
from underseal_node.store.tables import PeerState
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import GrantedToUs

__all__ = [
    "Bearer",
    "ClientRecord",
    "GrantPage",
    "NotShownError",
    "One",
    "Page",
    "PageQuery",
    "Partner",
    "PeerSuspendedError",
    "Requester",
    "RequesterUnknownError",
    "SealedPage",
    "Seen",
    "View",
]


class Bearer(Protocol):
    """What a verified access token says of who sends it, as `trust.tokens.Claims` has it."""

    @property
    def client_id(self) -> str:
        """`sub`."""

    @property
    def issued_at(self) -> datetime:
        """`iat`; aware."""

    @property
    def kid(self) -> str:
        """The key that signed it."""


class RequesterUnknownError(NodeError):
    """The token's client does not exist any more, or its tokens are no longer accepted."""


class PeerSuspendedError(NodeError):
    """The client is known, and its peer may not call at present."""


class NotShownError(NotFoundError):
    """What a peer asks for is not there for it; why is not told.

    Args:
        message: one sentence.
        act: what the peer tried.
        peer_id: who.
    """

    def __init__(self, message: str, act: Act, peer_id: int) -> None:
        super().__init__(message)
        self.act = act
        self.peer_id = peer_id


@dataclass(frozen=True, slots=True)
class Requester:
    """The peer behind a request.

    Attributes:
        peer_id: key of the peer.
        name: of the peer, as the operator calls it.
        base_url: where the peer can be reached, or `None` for one that only pulls.
        bearer: what its token says.
    """

    peer_id: int
    name: str
    base_url: str | None
    bearer: Bearer


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """What the token endpoint needs to know of a client.

    Attributes:
        peer_id: key of the peer.
        secret_hash: of the client secret.
        tokens_from: tokens issued before this instant are not accepted; `None`: all are.
    """

    peer_id: int
    secret_hash: str
    tokens_from: datetime | None


@dataclass(frozen=True, slots=True)
class Partner:
    """What the token endpoint needs to know of a client that proves to have a pinned key.

    Attributes:
        peer_id: key of the peer.
        key_set: its pinned keys, a JWK Set as JSON; None if there are none.
        state: of the partnership.
        awaits: who has to approve it, while it is pending.
        reason: why it is in this state, if somebody said so.
        has_ended: whether the credentials have been revoked or have expired.
        tokens_from: tokens issued before this instant are not accepted; `None`: all are.
        has_ended_partnership: whether it has said that it has ended the partnership.
    """

    peer_id: int
    key_set: str | None
    state: PeerState
    awaits: str | None
    reason: str | None
    has_ended: bool
    tokens_from: datetime | None
    has_ended_partnership: bool


@dataclass(frozen=True, slots=True, eq=False)
class PageQuery:
    """Which page of which list.

    Pages are kept by the identity of their query, so it pays to use the same object again.

    Attributes:
        criteria: the filters.
        after_seq: position of the last footprint of the page before; 0 for the first page.
        limit: at most so many footprints; >= 1.
        changed_after: only what has changed since this watermark; `None`: everything.
    """

    criteria: Criteria
    after_seq: int
    limit: int
    changed_after: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of the list of footprints that a peer sees.

    Attributes:
        body: `{"data": [...]}` with the footprints at the disclosure levels of the requester.
        next_seq: position to go on after, or `None` at the end.
        watermark: every change up to this number is in the list.
        shown: which footprints are on it; `None` if there are none.
    """

    body: bytes
    next_seq: int | None
    watermark: int
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class GrantPage:
    """Part of the grants that a peer has.

    Attributes:
        grants: in force at present, oldest first.
        next_id: to go on after, or `None` at the end.
    """

    grants: tuple[GrantedToUs, ...]
    next_id: int | None


@dataclass(frozen=True, slots=True)
class One:
    """A footprint for the peer that asks for it.

    Attributes:
        body: the JSON that it is served.
        has_seal: there is a sealed sum of it that the peer may see.
    """

    body: bytes = field(repr=False)
    has_seal: bool


@dataclass(frozen=True, slots=True)
class SealedPage:
    """Part of the sealed sums that a peer may see.

    Attributes:
        seals: footprint and digest of each.
        next_id: to go on after, or `None` at the end.
    """

    seals: tuple[tuple[str, str], ...]
    next_id: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A footprint as a peer sees it.

    Attributes:
        body: the JSON that it is served.
        level: the highest of the grants that cover it.
    """

    body: bytes = field(repr=False)
    level: Level


@dataclass(frozen=True, slots=True)
class View:
    """Part of what a peer sees, for the operator.

    Attributes:
        seen: oldest publication first.
        next_seq: position to go on after, or `None` at the end.
    """

    seen: tuple[Seen, ...]
    next_seq: int | None
