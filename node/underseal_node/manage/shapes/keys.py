"""The node's own keys and its address."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from underseal_node.manage.shapes.base import GivenInstant, InputShape, Instant, Shape
from underseal_protocol.keys import KeyPurpose

__all__ = [
    "KeyChangeShape",
    "KeyShape",
    "KeysShape",
    "MoveInput",
    "MoveShape",
    "RecoveryInput",
    "RevokeInput",
    "RotateInput",
]

MAX_RECOVERY_CHARACTERS = 1024


class KeyShape(Shape):
    """A key of this node. `kid` is its RFC 7638 thumbprint."""

    kid: str
    purpose: KeyPurpose
    state: str  # "in use", "rotated" or "revoked"
    since: Instant  # when that state began
    compromised_since: Instant | None = None  # of a revoked one


class KeysShape(Shape):
    """GET /keys: those in use first; `entry` is the number of the newest entry of the key log"""

    data: list[KeyShape]
    entry: int
    recovery_kid: str | None = None


class RotateInput(InputShape):
    """POST /keys/rotate. All keys but the recovery key by default."""

    purposes: list[KeyPurpose] = Field(default_factory=list)


class RevokeInput(InputShape):
    """POST /keys/revoke. The recovery key, as `init` printed it, is used once and not stored."""

    kids: list[str] = Field(min_length=1, max_length=100)
    since: GivenInstant
    recovery_key: str = Field(repr=False, max_length=MAX_RECOVERY_CHARACTERS)
    reason: str | None = Field(default=None, max_length=1000)


class RecoveryInput(InputShape):
    """POST /keys/recovery. `jwk`: the new one; the present one is needed if there is one."""

    jwk: dict[str, Any]
    recovery_key: str | None = Field(default=None, repr=False, max_length=MAX_RECOVERY_CHARACTERS)


class KeyChangeShape(Shape):
    """Answer of POST /keys/rotate, /keys/revoke and /keys/recovery

    `notified`: the peers that are told. `footprints`: how many published footprints are signed
    with a key that is revoked now.
    """

    entry: int
    new: dict[KeyPurpose, str]
    rotated: list[str]
    revoked: list[str]
    notified: list[str]
    footprints: int
    reason: str | None = None


class MoveInput(InputShape):
    """POST /node/move"""

    url: str
    dry_run: bool = False


class MoveShape(Shape):
    """Answer of POST /node/move. `todo`: what the operator still has to do."""

    dry_run: bool
    url: str
    former_url: str
    notified: list[str]
    todo: list[str]
