"""Whose signature a file about a roster bears: that of a partner, by the keys that are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.verification import trust_in
from underseal_node.store.claims import claimants, is_one
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.jws import named_key
from underseal_protocol.keys import PublicKeySet

__all__ = ["Signed", "require_partner", "require_signed_by"]


class Signed(Protocol):
    """A statement of `underseal_protocol.roster.statements`."""

    @property
    def token(self) -> str:
        """The JWS."""
        ...

    def require_signed(self, keys: PublicKeySet, issuers: Sequence[str]) -> None:
        """Whether it is signed by one of these."""
        ...


def require_partner(session: Session, url: str) -> Peer:
    """The partner whose node has this URL.

    Raises:
        RefusedError: there is none, none whose keys are pinned, or there are several: one of them
            could sign in the name of another.
    """
    found = claimants(session, url)
    active = [peer for peer in found if peer.state == PeerState.ACTIVE]
    if not active:
        raise RefusedError(
            f"{url} is no partner of this node, so nobody can say whose signature this is",
            hint="Become partners first: `underseal peer invite`.",
        )
    if not is_one(found):
        names = ", ".join(sorted(peer.name for peer in found))
        raise RefusedError(
            f"several peers say that {url} is their address: {names}. So nobody can say whose "
            "signature this is",
            hint="Ask them, and end the partnership with whoever has no right to it: "
            "`underseal peer revoke`.",
        )
    return active[0]


def require_signed_by(peer: Peer, statement: Signed) -> None:
    """Whether a partner has signed a statement.

    Raises:
        RefusedError: the partner has revoked the key.
        RosterError: it has not.
    """
    trust = trust_in(peer)
    kid = named_key(statement.token)
    if kid is not None and kid in trust.revoked:
        raise RefusedError(
            f"it is signed with the key {kid}, which {peer.name} has revoked",
            hint="Ask for a new file.",
        )
    assert trust.keys is not None and trust.issuers is not None  # noqa: S101, PT018
    statement.require_signed(trust.keys, trust.issuers)
