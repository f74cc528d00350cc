"""What a call to one peer needs to know, read once from the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from underseal_node.errors import RefusedError
from underseal_node.exchange.addresses import Origin, origin_of
from underseal_node.exchange.errors import ConfirmationNeededError
from underseal_node.store.tables import AuthMethod, Awaits, Peer, PeerState
from underseal_node.trust import partnerships
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol.criteria import Criteria

__all__ = [
    "Access",
    "access_of",
    "auth_base",
    "events_address",
    "list_address",
    "not_called",
    "peer_base",
    "private_origins",
]


@dataclass(frozen=True)
class Access:
    """How to call one peer.

    Attributes:
        peer_id: key of the peer.
        name: as the operator calls it.
        base_url: without a trailing slash.
        token_endpoint: where tokens come from; its origin is the pinned one.
        client_id: of ours at the peer.
        client_secret: belonging to it; never part of the representation. Empty when we prove to
            have our client key instead.
        audience_issuer: of the peer, whom such a proof is for; None with a secret.
        extra: `scope`, `audience` and `resource`, where the peer's token endpoint wants them.
        ca_pem: extra trust anchors.
        is_underseal: whether it serves our extensions.
        private_origins: which of its origins may be at private addresses.
    """

    peer_id: int
    name: str
    base_url: str
    token_endpoint: str
    token_origin: Origin
    client_id: str
    client_secret: str = field(repr=False)
    audience_issuer: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    ca_pem: str | None = field(default=None, repr=False)
    is_underseal: bool = False
    private_origins: frozenset[Origin] = frozenset()

    @property
    def origins(self) -> frozenset[Origin]:
        """Whom an access token may be shown to: the registered origin of the peer, nobody else."""
        return frozenset({origin_of(self.base_url)})


def peer_base(peer: Peer) -> str:
    """The base URL of a peer without trailing slash.

    Raises:
        RefusedError: it has none: it can only call us.
    """
    if peer.base_url is None:
        raise RefusedError(
            f"{peer.name} has no URL, so it cannot be called",
            hint=f"Give it one with `underseal peer set {peer.name} --url URL`.",
        )
    return peer.base_url.rstrip("/")


def auth_base(peer: Peer) -> str:
    """Where discovery starts: the auth URL if the peer has one, else its base URL."""
    return (peer.auth_url or peer_base(peer)).rstrip("/")


def access_of(peer: Peer, vault: Vault, *, asks_approval: bool = False) -> Access:
    """How to call a peer whose token endpoint is pinned.

    Args:
        peer: the peer.
        vault: opens the secret that it issued to us.
        asks_approval: whether the call is to find out if the peer has approved the partnership, or
            still has ended it.

    Raises:
        RefusedError: it is not active, has ended the partnership, has no URL, or we hold no
            credentials for it.
        ConfirmationNeededError: its token endpoint has moved and the operator has not decided.
    """
    base_url = peer_base(peer)
    waits = peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM
    is_asked = asks_approval and (waits or peer.state == PeerState.ACTIVE)
    if not (peer.is_called or is_asked):
        raise not_called(peer)
    if peer.pending_token_endpoint is not None:
        raise ConfirmationNeededError(
            f"the token endpoint of {peer.name} has moved from {peer.token_origin} to "
            f"{peer.pending_token_endpoint}; nothing is sent there until you confirm it",
            hint=f"Ask {peer.name} on another way, then confirm it with `underseal peer set "
            f"{peer.name} --confirm-endpoint`.",
        )
    endpoint = peer.token_endpoint or f"{auth_base(peer)}/auth/token"
    client_id, secret = _credentials(peer, vault)
    wanted = (("scope", peer.scope), ("audience", peer.audience), ("resource", peer.resource))
    return Access(
        peer_id=peer.id or 0,
        name=peer.name,
        base_url=base_url,
        token_endpoint=endpoint,
        token_origin=origin_of(peer.token_origin or endpoint),
        client_id=client_id,
        client_secret=secret,
        audience_issuer=peer.issuer if peer.auth_method == AuthMethod.PRIVATE_KEY_JWT else None,
        extra=tuple((name, value) for name, value in wanted if value),
        ca_pem=peer.ca_pem,
        is_underseal=peer.is_underseal,
        private_origins=private_origins(peer),
    )


def _credentials(peer: Peer, vault: Vault) -> tuple[str, str]:
    """Our client id and secret at a peer; no secret where our client key is the proof."""
    if peer.client_id is not None and peer.auth_method == AuthMethod.PRIVATE_KEY_JWT:
        return peer.client_id, ""
    if peer.client_id is None or peer.client_secret_encrypted is None:
        raise RefusedError(
            f"we hold no credentials for {peer.name}",
            hint=f"Enter those it issued with `underseal peer set {peer.name} --client-id ID "
            "--client-secret-file FILE`.",
        )
    secret = vault.open(
        VaultPurpose.PEER_SECRET, peer.client_secret_encrypted, context=secret_context(peer)
    )
    return peer.client_id, secret.decode()


def not_called(peer: Peer) -> RefusedError:
    """Why a peer is not called at present, and what to do about it."""
    if peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM:
        return RefusedError(f"{peer.name} has to approve the partnership before it is called")
    if peer.state == PeerState.PENDING:
        return RefusedError(
            f"the partnership with {peer.name} waits for our approval",
            hint=f"Approve it with `underseal peer approve {peer.name}`.",
        )
    if peer.state == PeerState.ACTIVE:
        return RefusedError(
            f"{partnerships.end_by_peer(peer)}; it is not called any more",
            hint=partnerships.end_advice(peer.name),
        )
    reason = f" ({peer.state_reason})" if peer.state_reason else ""
    return RefusedError(f"{peer.name} is {peer.state}{reason}, so it is not called")


def private_origins(peer: Peer) -> frozenset[Origin]:
    """The origins of a peer that may be at private addresses, because the operator allowed it.

    Only those that the operator entered: the peer itself says where its token endpoint is, and
    could otherwise name a machine of ours.
    """
    if not peer.allow_private_network:
        return frozenset()
    return frozenset(origin_of(url) for url in (peer.base_url, peer.auth_url) if url is not None)


def secret_context(peer: Peer) -> str:
    """What the stored client secret is bound to."""
    return f"peer {peer.id}"


def events_address(access: Access) -> str:
    """Where events are posted; never an address taken from a payload."""
    return f"{access.base_url}/3/events"


def list_address(
    access: Access, criteria: Criteria, *, page_size: int, changed_after: str | None = None
) -> str:
    """The first page of a list.

    Args:
        criteria: the filters.
        page_size: how many footprints we would like on a page.
        changed_after: a watermark that this Underseal peer gave us.
    """
    items = [*criteria.to_query_items(), ("limit", str(page_size))]
    if changed_after is not None:
        items.append(("x-underseal-changed-after", changed_after))
    return f"{access.base_url}/3/footprints?{query_string(items)}"


def query_string(items: list[tuple[str, str]]) -> str:
    """Percent-encoded query string: a URN with `#` or `+` in it arrives whole."""
    return urlencode(items, quote_via=quote)
