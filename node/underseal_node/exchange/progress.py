"""How far a pull has come, as it is shown to the operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from underseal_node.exchange.intake import Outcome, Taken
from underseal_node.store.exchange_tables import VerificationState

__all__ = ["PullProgress", "PullStage"]

MAX_SHOWN_ALERTS = 100


class PullStage(StrEnum):
    """How a pull from one peer stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class PullProgress:
    """What a pull from one peer has brought so far.

    Attributes:
        peer: name of the peer.
        pages: fetched.
        received: items in them.
        unchanged: items that brought nothing new.
        verified, unsigned, invalid: what verification said of the items.
        changed: items that changed something known.
        alerts: messages of new alerts.
        error: why it failed.
    """

    peer: str
    state: PullStage = PullStage.WAITING
    pages: int = 0
    received: int = 0
    unchanged: int = 0
    verified: int = 0
    unsigned: int = 0
    invalid: int = 0
    changed: int = 0
    alerts: list[str] = field(default_factory=list)
    error: str | None = None

    def count(self, taken: Taken) -> None:
        """Add one item."""
        self.received += 1
        if taken.state == VerificationState.VERIFIED:
            self.verified += 1
        elif taken.state == VerificationState.UNSIGNED:
            self.unsigned += 1
        else:
            self.invalid += 1
        self.unchanged += taken.outcome == Outcome.UNCHANGED
        self.changed += taken.outcome == Outcome.CHANGED
        if taken.alert is not None:
            self.warn(taken.alert)

    def unusable(self, message: str) -> None:
        """Add an item that cannot be kept."""
        self.received += 1
        self.invalid += 1
        self.warn(message)

    def warn(self, message: str) -> None:
        """Add the message of an alert; the list is limited, the alerts in the database are not."""
        if len(self.alerts) < MAX_SHOWN_ALERTS:
            self.alerts.append(message)
