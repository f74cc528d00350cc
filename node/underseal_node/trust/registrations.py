"""The inviting side: a reply registers the peer, over the network or from a file (RFC 7591)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.exchange.addresses import Origin, check_host, origin_of
from underseal_node.exchange.discovery import key_set_text
from underseal_node.exchange.errors import AddressError
from underseal_node.node import Node, node_url
from underseal_node.store import audit, invitations, peers, pins
from underseal_node.store.audit import Act, Actor
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.tables import Assurance, AuthMethod, Awaits, Peer, PeerState
from underseal_node.trust import partnerships
from underseal_protocol import jws
from underseal_protocol.acceptance import CONNECTION_ID, Reply, read_reply
from underseal_protocol.errors import InvitationError
from underseal_protocol.invitation import Terms, check_audience, check_not_expired
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.onboarding import Company
from underseal_protocol.registration_token import check_proof, token_key

__all__ = ["Registered", "RegistrationTokenError", "pin_partner", "register", "register_file"]


class RegistrationTokenError(RefusedError):
    """The registration token is none of this node."""


@dataclass(frozen=True)
class Registered:
    """What came of a registration.

    Attributes:
        peer: now pending.
        client_id: of the peer here.
        expires_at: when its credentials end.
    """

    peer: Peer
    client_id: str
    expires_at: datetime


def register(session: Session, node: Node, document: Any, token: str) -> Registered:
    """Take a registration request.

    Args:
        session: writes.
        node: that invited.
        document: the request, as read by `strict_json.loads`.
        token: the initial access token of the request.

    Raises:
        RegistrationTokenError: there is no invitation with this token.
        InvitationError: the invitation or the reply is not accepted.
    """
    named = document.get(CONNECTION_ID) if isinstance(document, Mapping) else None
    row = invitations.by_id(session, named) if isinstance(named, str) else None
    known = row.token_key if row is not None else token_key("")
    if not hmac.compare_digest(token_key(token), known) or row is None or not token:
        raise RegistrationTokenError(
            "the registration token is not one of an invitation of this node",
            hint="The invitation may have been withdrawn or replaced: ask for a new one.",
        )
    reply = read_reply(document, now=node.now(), url=node.identity.url)
    return _registered(session, node, row, reply, Actor.PEER)


def register_file(session: Session, node: Node, document: Any) -> Registered:
    """Take a reply that came as a file.

    Raises:
        InvitationError: the invitation or the reply is not accepted.
    """
    reply = read_reply(document, now=node.now(), url=node.identity.url)
    row = invitations.by_id(session, reply.invitation_id)
    if row is None:
        raise InvitationError(
            "there is no invitation that this reply belongs to",
            hint="It may have been withdrawn or replaced: invite the company again.",
        )
    check_proof(reply.proof, row.token_key, reply.digest)
    return _registered(session, node, row, reply, Actor.OPERATOR)


def _registered(
    session: Session, node: Node, row: Invitation, reply: Reply, actor: Actor
) -> Registered:
    peer, now = pins.peer_row(session, row.peer_id), node.now()
    if row.used_at is not None:
        return _again(session, row, peer, reply, now)
    if reply.invitation_id != row.id or reply.invitation_digest != _digest_of(row):
        raise InvitationError("the reply accepts another invitation than the one it comes with")
    check_not_expired(row.expires_at, node.identity.url, now)
    terms = Terms(row.for_url, row.for_company_id)
    check_audience(terms, reply.issuer, reply.company.ids, who="the node that accepts it")
    if peer.state != PeerState.INVITED:
        raise InvitationError(f"the partnership is {peer.state} already")
    pin_partner(node, peer, reply.entry, reply.company, reply.client_id, reply.client_expires_at)
    # Also if it is approved beforehand: first it has to show these keys at its address.
    peer.state, peer.awaits = PeerState.PENDING, Awaits.US
    session.add(peer)
    expires_at = partnerships.lifetime_end(node.settings, now)
    peers.issue(
        session,
        peer.id or 0,
        row.client_id,
        "",
        now,
        expires_at=expires_at,
        method=AuthMethod.PRIVATE_KEY_JWT,
    )
    pins.contacted(session, peer, now)
    invitations.used(session, row, reply.digest, now)
    audit.about_peer(
        session,
        Act.REGISTRATION_RECEIVED,
        now,
        peer,
        actor=actor,
        way="call" if actor is Actor.PEER else "file",
        url=peer.base_url,
        client=row.client_id,
    )
    return Registered(peer, row.client_id, expires_at)


def _again(
    session: Session, row: Invitation, peer: Peer, reply: Reply, now: datetime
) -> Registered:
    """The same reply again: its answer was lost on the way."""
    held = peers.credentials(session, now, peer.id).get(peer.id or 0, [])
    found = next((one for one in held if one.client_id == row.client_id), None)
    if reply.digest != row.reply_digest or found is None or found.expires_at is None:
        raise InvitationError(
            "the invitation has been used already",
            hint="It counts once: ask for a new one.",
        )
    return Registered(peer, row.client_id, found.expires_at)


def pin_partner(
    node: Node,
    peer: Peer,
    entry: KeyLogEntry,
    company: Company,
    client_id: str,
    client_expires_at: datetime | None,
) -> None:
    """Write into a peer who it is, where it is, which keys it has, and who we are there.

    Args:
        node: whose partner.
        peer: not written to the database here.
        entry: the newest of its key log.
        company: as it names itself.
        client_id: of ours there.
        client_expires_at: when that ends, if it is known yet.

    Raises:
        InvitationError: its address is none that a partner can have.
    """
    origin = _origin(node, peer, entry.url)
    peer.base_url = peer.issuer = entry.url
    peer.token_endpoint = f"{entry.url}/auth/token"
    peer.token_origin = str(origin)
    peer.is_underseal, peer.accept_unsigned = True, False
    peer.key_set, peer.key_log = key_set_text(entry.keys), json.dumps([entry.token])
    peer.assurance = Assurance.INVITATION
    peer.company_name, peer.company_ids = company.name, json.dumps(company.ids)
    peer.auth_method, peer.client_id = AuthMethod.PRIVATE_KEY_JWT, client_id
    peer.client_expires_at = client_expires_at


def _origin(node: Node, peer: Peer, url: str) -> Origin:
    """The origin of the address of a partner; the rules are those for the own address.

    Raises:
        InvitationError: it is none of a node, written as nodes write it, or the own one, or one in
            a private network without permission.
    """
    allow_private = node.settings.allow_private_networks or peer.allow_private_network
    try:
        origin, written = origin_of(url), node_url(url)
        check_host(origin, allow_private=allow_private)
    except (AddressError, ConfigurationError) as error:
        raise InvitationError(
            f"the address of the node cannot be used: {error.message}",
            hint=error.hint,
        ) from None
    if written != url:
        raise InvitationError(f"the address of the node is {url!r}, expected {written!r}")
    own = node.identity.url
    if (origin, urlsplit(url).path) == (origin_of(own), urlsplit(own).path):
        raise InvitationError(f"{url} is the address of the node that the reply is for")
    return origin


def _digest_of(row: Invitation) -> str:
    return jws.statement_digest(json.loads(row.document)["invitation"])
