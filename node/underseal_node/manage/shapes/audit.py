"""The audit log as the management API shows it."""

from __future__ import annotations

from underseal_node.manage.shapes.base import Shape
from underseal_protocol.audit_check import ProblemKind
from underseal_protocol.audit_result import KeysFrom
from underseal_protocol.disclosure import Level

__all__ = ["AuditCheckShape", "AuditEntryShape", "AuditProblemShape"]


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
