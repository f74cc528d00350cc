"""What can go wrong between this node and a peer.

PeerError
 ├─ AddressError      the URL or the address it leads to must not be called
 ├─ UnreachableError  no answer: name, connection, TLS or time
 ├─ AnswerError       an answer with a status that is not the one hoped for
 │   └─ CredentialsRefusedError  the token endpoint does not accept our credentials
 │       ├─ ApprovalPendingError   the peer has not approved the partnership yet
 │       ├─ ClientUnknownError     the peer knows nothing of us
 │       └─ PartnershipEndedError  the peer has ended it
 ├─ ProtocolViolationError  an answer that no PACT host system may give
 ├─ ConfirmationNeededError  calls to this peer have stopped until the operator decides
 └─ KeysNotShownError  nobody at the address of this peer shows keys
"""

from __future__ import annotations

from underseal_node.errors import NodeError, PeerError
from underseal_protocol.errors import ProtocolError

__all__ = [
    "ROW_ERRORS",
    "AddressError",
    "AnswerError",
    "ApprovalPendingError",
    "ClientUnknownError",
    "ConfirmationNeededError",
    "CredentialsRefusedError",
    "KeysNotShownError",
    "PartnershipEndedError",
    "ProtocolViolationError",
    "UnreachableError",
    "advice_of",
    "reason_of",
]

# What one event, or one peer, can raise, foreseen or not. It must not end the work on the others.
ROW_ERRORS = (
    NodeError,
    ProtocolError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def reason_of(error: BaseException) -> str:
    """Why something failed, for the operator."""
    return error.message if isinstance(error, NodeError | ProtocolError) else repr(error)[:300]


def advice_of(error: BaseException) -> str:
    """Why something failed, and what to do about it, where there is one place for both."""
    hint = error.hint if isinstance(error, NodeError | ProtocolError) else None
    return f"{reason_of(error)}. {hint}" if hint else reason_of(error)


class AddressError(PeerError):
    """The URL, or an address it resolves to, must not be called."""


class UnreachableError(PeerError):
    """The peer gave no complete answer.

    Attributes:
        is_unsent: it cannot have seen the request; otherwise it may have acted on it.
    """

    is_unsent = False


class AnswerError(PeerError):
    """The peer answered with an error.

    Args:
        message: one sentence.
        status: the HTTP status.
        retry_after_seconds: what the peer asked for, if it did.
        hint: what to do.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        retry_after_seconds: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_lasting(self) -> bool:
        """Whether the same request would be refused again: 4xx, but for 401, 408 and 429."""
        return 400 <= self.status < 500 and self.status not in (401, 408, 429)


class CredentialsRefusedError(AnswerError):
    """The token endpoint does not accept the credentials that we hold for this peer."""

    @property
    def is_lasting(self) -> bool:
        """The event is not at fault; the operator can put new credentials in."""
        return False


class ApprovalPendingError(CredentialsRefusedError):
    """The peer knows us, and its operator has not decided yet (RFC 8628 section 3.5)."""


class ClientUnknownError(CredentialsRefusedError):
    """There is an Underseal node, and it has no client of the id that we have at this peer."""


class PartnershipEndedError(CredentialsRefusedError):
    """The peer knows us, and has ended the partnership or rejected it.

    Args:
        message: one sentence.
        status: the HTTP status.
        reason: of the peer, in its words, on one line; empty if it gives none.
        hint: what to do.
    """

    def __init__(self, message: str, *, status: int, reason: str, hint: str) -> None:
        super().__init__(message, status=status, hint=hint)
        self.reason = reason


class ProtocolViolationError(PeerError):
    """The peer answered what no PACT host system may answer."""


class ConfirmationNeededError(PeerError):
    """Something pinned has changed; nothing is sent until the operator confirms it."""


class KeysNotShownError(PeerError):
    """Whether the peer is at its address cannot be seen: nobody shows keys there."""
