"""What a customer may have from us for its own sealed sums: as the settings say, or else for it."""

from __future__ import annotations

from dataclasses import dataclass

from underseal_node.settings import EndorsePolicy, Settings
from underseal_node.store.tables import Peer

__all__ = ["Policy", "policy_for"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a customer may have.

    Attributes:
        endorse: whether its questions are answered with an endorsement.
        is_named: whether such an endorsement consents to name us in the sealed document.
    """

    endorse: EndorsePolicy
    is_named: bool


def policy_for(settings: Settings, peer: Peer) -> Policy:
    """What holds for a peer."""
    return Policy(
        settings.endorse if peer.endorse is None else EndorsePolicy(peer.endorse),
        settings.endorse_named if peer.endorse_named is None else peer.endorse_named,
    )
