"""Registering peers, and the credentials that both sides hold of each other.

Whoever knows the secret that we issue is the peer: it is shown once and stored as a hash. What the
peer issued to us is stored encrypted.
"""

from __future__ import annotations

import ssl
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmodel import Session

from underseal_node.errors import NodeError, RefusedError
from underseal_node.exchange.access import secret_context
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.confirmations import confirm_endpoint, confirm_keys, waiting_keys
from underseal_node.exchange.exchange import Exchange
from underseal_node.node import Node
from underseal_node.store import audit, ending, invitations, peers
from underseal_node.store.audit import Act
from underseal_node.store.tables import AuthMethod, Peer
from underseal_node.trust import partnerships
from underseal_node.trust.secrets import hash_secret, new_client_id, new_client_secret
from underseal_node.trust.vault import VaultPurpose

__all__ = ["Credentials", "PeerChange", "add_peer", "change_peer", "remove_peer", "renew"]

MAX_NAME_CHARACTERS = 64
MAX_VALUE_CHARACTERS = 4096
MAX_CA_CHARACTERS = 1024 * 1024
# What was found at the old address says nothing about the new one.
ADDRESSES = frozenset({"base_url", "auth_url"})
WORTH_A_LOOK = ADDRESSES | {"ca_pem", "allow_private_network"}
FLAGS = ("accept_unsigned", "allow_private_network")
TEXTS = ("client_id", "scope", "audience", "resource")


@dataclass(frozen=True)
class PeerChange:
    """What the operator says of a peer. `None` leaves a member as it is, an empty text clears it.

    Attributes:
        url: base of its PACT endpoints.
        auth_url: where discovery begins, if that is elsewhere.
        client_id: that it issued to us.
        client_secret: that it issued to us.
        scope, audience, resource: what its token endpoint wants beside them.
        ca_pem: further trust anchors for calls to it.
        accept_unsigned: whether its unsigned footprints are usable.
        allow_private_network: whether its addresses may be loopback or private ones.
        endorse: whether figures are endorsed for its sealed sums.
        endorse_named: whether that consents to name us.
        confirm_endpoint: trust the token endpoint that was found instead of the pinned one.
        confirm_keys: trust the keys that wait, which it shows instead of the pinned ones.
        words: of these keys, as the company has read them out.
    """

    url: str | None = None
    auth_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scope: str | None = None
    audience: str | None = None
    resource: str | None = None
    ca_pem: str | None = field(default=None, repr=False)
    accept_unsigned: bool | None = None
    allow_private_network: bool | None = None
    endorse: str | None = None
    endorse_named: bool | Literal[""] | None = None
    confirm_endpoint: bool = False
    confirm_keys: bool = False
    words: str | None = None


@dataclass(frozen=True)
class Credentials:
    """What a peer needs to call us. The secret exists here and nowhere else.

    Attributes:
        client_id: of the peer at our token endpoint.
        client_secret: shown this once.
        token_url: our token endpoint.
        base_url: of our PACT endpoints.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    base_url: str


async def add_peer(
    exchange: Exchange, name: str, change: PeerChange
) -> tuple[Peer, Credentials, list[str]]:
    """Register a peer, issue credentials to it, and look at it once if it has a URL.

    A peer that cannot be reached is added all the same, and pinned to its own address.

    Args:
        exchange: of this process.
        name: how the operator calls it.
        change: what is known of it.

    Returns:
        the peer, the credentials for it, and warnings about what was found.

    Raises:
        RefusedError: the name is taken or no name, or a value is not allowed.
        AddressError: a URL must not be called.
    """
    node = exchange.node
    checked_name(name)
    values = _checked(change)
    client_id, secret = new_client_id(), new_client_secret()

    def work(session: Session) -> Peer:
        peer = peers.add(session, Peer(name=name, created_at=node.now()))
        _apply(session, node, peer, values)
        _issue(session, node, peer, client_id, secret)
        _record(session, node, Act.PEER_ADDED, peer, url=peer.base_url)
        if peer.allow_private_network:
            _record(session, node, Act.PRIVATE_NETWORK_SET, peer, allowed=True)
        _record(session, node, Act.CREDENTIALS_ISSUED, peer, client=client_id)
        return peer

    peer = await node.store.write(work)
    warnings = await _look(exchange, peer)
    return await _again(node, peer), _credentials(node, client_id, secret), warnings


async def change_peer(exchange: Exchange, name: str, change: PeerChange) -> tuple[Peer, list[str]]:
    """Change what is known of a peer. With a new address it is looked at again.

    What was pinned of the token endpoint is forgotten with the old address. The pinned keys are
    not: who shows other ones at the new address has to be confirmed.

    Returns:
        the peer and warnings about what was found.

    Raises:
        NotFoundError: there is no such peer.
        RefusedError: a value is not allowed, nothing waits to be confirmed or something else does,
            or it was removed.
        AddressError: a URL must not be called.
    """
    node = exchange.node
    values = _checked(change)
    if change.words is not None and not change.confirm_keys:
        raise RefusedError("the words go with keys that wait to be confirmed")
    waiting = await waiting_keys(exchange, name) if change.confirm_keys else None

    def work(session: Session) -> tuple[Peer, str | None, list[str]]:
        peer, told = peers.by_name(session, name), []
        peers.require_not_removed(peer)
        changed = {one for one, value in values.items() if value != getattr(peer, one, None)}
        _apply(session, node, peer, values)
        forgotten = _forget_address(session, peer) if changed & ADDRESSES else None
        if changed:
            _record(session, node, Act.PEER_CHANGED, peer, members=", ".join(sorted(changed)))
        if "allow_private_network" in changed:
            allowed = peer.allow_private_network
            _record(session, node, Act.PRIVATE_NETWORK_SET, peer, allowed=allowed)
        if change.confirm_endpoint:
            confirm_endpoint(session, peer.id or 0)
            _record(session, node, Act.ENDPOINT_CONFIRMED, peer, origin=peer.token_origin)
        if waiting is not None:
            told = confirm_keys(session, node, peer.id or 0, waiting, change.words)
        return peer, forgotten, told

    peer, forgotten, told = await node.store.write(work)
    exchange.look_again(peer.id or 0)
    looked = await _look(exchange, peer) if values.keys() & WORTH_A_LOOK else []
    warnings = [*told, *looked]
    peer = await _again(node, peer)
    if forgotten is not None and peer.token_origin not in (None, forgotten):
        warnings.insert(
            0,
            f"the token endpoint of {peer.name} was at {forgotten}; since its address has changed, "
            f"it is now at {peer.token_origin}",
        )
    return peer, warnings


async def renew(node: Node, name: str) -> Credentials:
    """Issue new credentials to a peer; the old ones, and tokens issued to them, end at once.

    Raises:
        NotFoundError: there is no such peer.
    """
    client_id, secret = new_client_id(), new_client_secret()

    def work(session: Session) -> None:
        peer = peers.by_name(session, name)
        peers.require_not_removed(peer)
        if peer.auth_method == AuthMethod.PRIVATE_KEY_JWT:
            raise RefusedError(
                f"{peer.name} has no secret here: it proves to have its client key",
                hint=f"`underseal peer rotate {peer.name}` gives it a new client id.",
            )
        peers.revoke_credentials(session, peer, node.now())
        _issue(session, node, peer, client_id, secret)
        _record(session, node, Act.CREDENTIALS_ISSUED, peer, client=client_id)

    await node.store.write(work)
    return _credentials(node, client_id, secret)


def _issue(session: Session, node: Node, peer: Peer, client_id: str, secret: str) -> None:
    now = node.now()
    expires_at = partnerships.lifetime_end(node.settings, now)
    peers.issue(session, peer.id or 0, client_id, hash_secret(secret), now, expires_at=expires_at)


async def remove_peer(node: Node, name: str) -> str | None:
    """End what connects us with a peer; what was received from it stays. See `store.ending.remove`.

    Returns:
        the name under which something of it stays; `None` if nothing does.

    Raises:
        NotFoundError: there is no such peer.
        RefusedError: it has been removed before.
    """

    def work(session: Session) -> str | None:
        peer = peers.by_name(session, name)
        peers.require_not_removed(peer)
        for invitation in invitations.unused(session, peer.id or 0).values():
            _record(session, node, Act.INVITATION_WITHDRAWN, peer, invitation=invitation.id)
        _record(session, node, Act.PEER_REMOVED, peer)
        return ending.remove(session, peer, node.now())

    return await node.store.write(work)


def _record(
    session: Session, node: Node, act: Act, peer: Peer, **detail: str | bool | None
) -> None:
    """What the operator does with a peer; under the name that it has at this moment."""
    audit.record(session, act, node.now(), peer_id=peer.id, peer_name=peer.name, detail=detail)


def checked_name(name: str) -> None:
    """Refuse what cannot be the name of a peer.

    Raises:
        RefusedError: it is empty, too long, or holds a slash or what cannot be seen, or nothing but
            dots: in the path of a URL, these do not name anything.
    """
    is_visible = all(unicodedata.category(one)[0] in "LNPSM" or one == " " for one in name)
    is_short = len(name) <= MAX_NAME_CHARACTERS
    if not (name.strip(".") and is_visible and is_short) or name != name.strip() or "/" in name:
        raise RefusedError(
            f"{name[:MAX_NAME_CHARACTERS]!r} cannot be the name of a peer",
            hint=f"Take 1 to {MAX_NAME_CHARACTERS} letters, digits and signs, no slash.",
        )


def _checked(change: PeerChange) -> dict[str, Any]:
    """The columns to set, checked."""
    values: dict[str, Any] = {}
    for column, url in (("base_url", change.url), ("auth_url", change.auth_url)):
        if url is not None:
            values[column] = _checked_url(url) if url else None
    for name in TEXTS:
        value = getattr(change, name)
        if value is not None:
            _check_text(name, value)
            values[name] = value or None
    if change.client_secret is not None:
        _check_text("client_secret", change.client_secret, shown=False)
        values["client_secret"] = change.client_secret
    if change.ca_pem is not None:
        values["ca_pem"] = _checked_ca(change.ca_pem) if change.ca_pem else None
    for name in FLAGS:
        flag = getattr(change, name)
        if flag is not None:
            values[name] = flag
    for name in ("endorse", "endorse_named"):
        policy = getattr(change, name)
        if policy is not None:
            values[name] = None if policy == "" else policy
    return values


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/")
    origin_of(url)
    if "?" in url or "#" in url:
        raise RefusedError(
            f"the URL {url[:200]!r} has more than host, port and path",
            hint="Give the base URL: what comes before /3/footprints.",
        )
    return url.removesuffix("/3/footprints").removesuffix("/3/events")


def _check_text(name: str, value: str, *, shown: bool = True) -> None:
    is_printable = all(one.isprintable() for one in value)
    if len(value) > MAX_VALUE_CHARACTERS or not is_printable:
        what = f"{name} {value[:40]!r}" if shown else f"the {name}"
        raise RefusedError(f"{what} is too long, or holds what cannot be printed")


def _checked_ca(pem: str) -> str:
    try:
        if len(pem) > MAX_CA_CHARACTERS or not pem.isascii():
            raise ValueError("it is too long, or no PEM")
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise RefusedError(
            "the CA file holds no certificates that can be read",
            hint="PEM is expected: -----BEGIN CERTIFICATE----- ...",
        ) from error
    return pem


def _apply(session: Session, node: Node, peer: Peer, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name != "client_secret":
            setattr(peer, name, value)
    if "client_secret" in values:
        secret: str = values["client_secret"]
        peer.auth_method = AuthMethod.CLIENT_SECRET
        peer.client_secret_encrypted = (
            node.vault.seal(VaultPurpose.PEER_SECRET, secret.encode(), context=secret_context(peer))
            if secret
            else None
        )
    if peer.auth_url is not None and peer.base_url is None:
        raise RefusedError(
            "an auth URL without a URL leads nowhere", hint="Give the base URL with --url."
        )
    session.add(peer)
    session.flush()


def _forget_address(session: Session, peer: Peer) -> str | None:
    """Nothing found at the old address is true of the new one; returns what was pinned there."""
    forgotten = peer.token_origin
    peer.token_endpoint = peer.token_origin = peer.pending_token_endpoint = None
    session.add(peer)
    ending.forget_pulls(session, peer.id or 0)
    return forgotten


async def _look(exchange: Exchange, peer: Peer) -> list[str]:
    """Look at a peer; what goes wrong is a warning, because it is registered all the same."""
    if peer.base_url is None:
        return []
    try:
        contact = await exchange.contact(peer.id or 0)
    except NodeError as error:
        return [error.message]
    return contact.warnings


async def _again(node: Node, peer: Peer) -> Peer:
    return await node.store.read(lambda session: peers.by_name(session, peer.name))


def _credentials(node: Node, client_id: str, secret: str) -> Credentials:
    url = node.identity.url
    return Credentials(client_id, secret, f"{url}/auth/token", url)
