"""What can go wrong in a node. One base; the HTTP status of each is decided in one handler.

NodeError
 ├─ RefusedError        the request is understood and refused (bad input, conflict)
 │   └─ NotFoundError   what was named does not exist (or is not visible)
 ├─ PeerError           a peer could not be reached or did not behave
 ├─ ConfigurationError  this node is set up wrongly
 └─ AuditLogError       the audit log in the database is not the one that this node signed
"""

from __future__ import annotations

__all__ = [
    "AuditLogError",
    "ConfigurationError",
    "NodeError",
    "NotFoundError",
    "PeerError",
    "RefusedError",
]


class NodeError(Exception):
    """Base of all errors of a node.

    Args:
        message: one sentence saying what happened and where.
        hint: what the person at the terminal can do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def diagnosis(self) -> str:
        """The message and, on a second line, what to do."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class RefusedError(NodeError):
    """Understood and refused."""


class NotFoundError(RefusedError):
    """What was named is not there."""


class PeerError(NodeError):
    """A peer could not be reached, or answered what it must not."""


class ConfigurationError(NodeError):
    """The node's settings or home directory do not allow this."""


class AuditLogError(NodeError):
    """The audit log in the database is not the one that this node signed; nothing is added."""
