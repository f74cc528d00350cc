"""The audit log as the management API shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.store.audit_tables import ReceiptRole, ReceiptState
from underseal_protocol.audit_check import ProblemKind
from underseal_protocol.audit_result import KeysFrom
from underseal_protocol.disclosure import Level

__all__ = [
    "AuditCheckShape",
    "AuditEntryShape",
    "AuditProblemShape",
    "ReceiptCheckInput",
    "ReceiptCheckShape",
    "ReceiptDetail",
    "ReceiptFootprintShape",
    "ReceiptShape",
]

MAX_CHECKED = 5_000


class AuditPeer(Shape):
    """The peer that an entry is about, as it was called then."""

    id: int | None = None
    name: str | None = None


class AuditFootprints(Shape):
    """The footprints that an entry is about: their ids, or the digest of their set."""

    count: int
    ids: list[str] | None = None
    digest: str | None = None


class AuditEntryShape(Shape):
    """GET /audit (query: peer, footprintId, act, outcome, search, sort, limit, offset, count) ->
    Part. See docs/reference/audit-log.md.

    And a line of GET /audit/entries (without limit, offset and count).
    """

    number: int
    time: str
    actor: str
    act: str
    outcome: str
    since: str | None = None
    peer: AuditPeer | None = None
    footprints: AuditFootprints | None = None
    level: Level | None = None
    grants: list[int] | None = None
    times: int | None = None
    detail: dict[str, str | int | bool] | None = None
    random: str | None = None
    previous: str | None = None


class AuditProblemShape(Shape):
    """Something that is wrong with the log."""

    kind: ProblemKind
    message: str
    number: int | None = None


class AuditCheckShape(Shape):
    """POST /audit/verify with receipts and acknowledgements as lines of JSON, or nothing."""

    is_sound: bool
    is_log_sound: bool  # nothing is wrong but with the statements of others that were given
    size: int
    root: str
    heads: int
    witnesses: int
    foreign: int
    problems: list[AuditProblemShape]
    keys_from: KeysFrom
    not_proved: list[str]
    witnessed: int
    url: str | None = None
    signed_at: str | None = None


class ReceiptShape(Shape):
    """GET /receipts -> Listing: an acknowledgement, and the receipt for it if there is one."""

    id: str
    role: ReceiptRole  # "issued": we have signed the receipt; "held": the peer has
    state: ReceiptState
    peer: str
    has_receipt: bool
    number: int | None = None  # of the entry about it, in the log of who signed the receipt
    head_size: int | None = None  # how many entries that log had
    reason: str | None = None  # why there is no receipt, or none that holds
    created_at: Instant
    done_at: Instant | None = None


class ReceiptFootprintShape(Shape):
    """A footprint that was received."""

    id: str
    level: Level | None = None  # at which it was shown, by the receipt; none: it is not confirmed


class ReceiptDetail(ReceiptShape):
    """GET /receipts/{id}"""

    holds: bool  # all that there is of it verifies with the keys that are known now
    problem: str | None = None
    acknowledged_at: Instant | None = None  # by who received the footprints
    issued_at: Instant | None = None  # by who delivered them
    kid: str | None = None  # of the key of the receipt
    footprints: list[ReceiptFootprintShape]
    acknowledgement: str  # JWS
    receipt: str | None = None  # JWS


class ReceiptCheckInput(InputShape):
    """POST /receipts/check"""

    ids: list[Annotated[str, Field(max_length=36)]] = Field(max_length=MAX_CHECKED)


class ReceiptCheckShape(Shape):
    """POST /receipts/check -> Listing; of ids that there are."""

    id: str
    holds: bool
    problem: str | None = None
