"""This node as a whole: what it is, what it warns of, how it is, how it is copied."""

from __future__ import annotations

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.manage.shapes.peers import FingerprintShape
from underseal_node.settings import EndorsePolicy
from underseal_node.store.alerts import AlertKind

__all__ = ["AlertShape", "BackupInput", "CheckShape", "NodeShape"]


class NodeShape(Shape):
    """GET /node"""

    company_name: str
    company_ids: list[str]
    url: str
    version: str
    key_thumbprints: dict[str, list[str]]  # purpose -> kids
    fingerprint: FingerprintShape
    endorse: EndorsePolicy  # by the settings, as the next; for peers that have no other
    endorse_named: bool


class AlertShape(Shape):
    """GET /alerts (query: kind, peer, search, sort, limit, offset, count) -> Part

    And a line of GET /alerts/export (without limit, offset and count).
    """

    id: int
    kind: AlertKind
    created_at: Instant
    message: str
    peer: str | None = None
    footprint_id: str | None = None


class CheckShape(Shape):
    """GET /doctor -> Listing. One thing the doctor looked at."""

    name: str
    result: str  # "ok", "warning" or "problem"
    message: str
    hint: str | None = None


class BackupInput(InputShape):
    """POST /backup -> the archive (application/gzip), not JSON; GET /footprints/template -> .xlsx

    With a passphrase the archive holds the keys, encrypted.
    """

    passphrase: str | None = Field(default=None, repr=False)
