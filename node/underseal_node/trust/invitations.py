"""Inviting a company: a peer in the state `invited`, a signed document, and a token shown once."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node, node_url
from underseal_node.products.gate import require_grant
from underseal_node.store import audit, grants, invitations, peers
from underseal_node.store.audit import Act
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.tables import KeyKind, Peer, PeerState
from underseal_node.trust import keyring
from underseal_node.trust.peers import checked_name
from underseal_node.trust.secrets import new_client_id
from underseal_protocol.criteria import fold
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import UrnError
from underseal_protocol.invitation import MAX_OFFERS, Terms, invitation_link, invite
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.onboarding import Company
from underseal_protocol.registration_token import token_key
from underseal_protocol.times import format_time
from underseal_protocol.urns import check_urn, make_lei_urn, parse_urn

__all__ = ["Invited", "Offer", "create_invitation", "own_company", "public_document"]

TOKEN_BYTES = 32
MAX_DAYS = 365


@dataclass(frozen=True)
class Offer:
    """What the operator says of an invitation.

    Attributes:
        name: how the operator calls the company.
        for_whom: URL, LEI or URN of the only one that may accept; None for anyone who has it.
        is_pre_approved: whether accepting is enough; only for a URL.
        expires_after: from now on.
        product_ids: to be granted as soon as the partnership is active.
        level: of these grants.
    """

    name: str
    for_whom: str | None = None
    is_pre_approved: bool = False
    expires_after: timedelta = timedelta(days=7)
    product_ids: Sequence[str] = ()
    level: Level = Level.TOTAL


@dataclass(frozen=True)
class Invited:
    """An invitation as the operator gets it, once.

    Attributes:
        peer: in the state `invited`.
        row: as it is stored.
        document: with the token.
        link: with the token in its fragment.
        replaced: id of the invitation that counts no more; None if there was none.
    """

    peer: Peer
    row: Invitation
    document: dict[str, Any] = field(repr=False)
    link: str = field(repr=False)
    replaced: str | None = None


async def create_invitation(node: Node, offer: Offer) -> Invited:
    """Invite a company; an invitation that it has not accepted yet is replaced, with its grants.

    Raises:
        RefusedError: the name is taken or no name, or the terms are not allowed.
        UrnError: a product id is none.
    """
    checked_name(offer.name)
    terms = _terms(offer)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    key = node.signing_key(KeyPurpose.IDENTITY)
    now = node.now()

    def work(session: Session) -> Invited:
        peer = _invited_peer(session, offer.name, node)
        row = Invitation(
            id=str(uuid.uuid4()),
            peer_id=peer.id or 0,
            document="",
            token_key=token_key(token),
            client_id=new_client_id(),
            for_url=terms.for_url,
            for_company_id=None if terms.for_company_id is None else fold(terms.for_company_id),
            is_pre_approved=terms.is_pre_approved,
            created_at=now,
            expires_at=now + offer.expires_after,
        )
        document = _signed(row, terms, own_company(node), keyring.newest_entry(session), key)
        row.document = json.dumps(document)
        before = invitations.unused(session, row.peer_id).get(row.peer_id)
        replaced = None if before is None else before.id
        invitations.add(session, row)
        audit.about_peer(
            session,
            Act.INVITATION_MADE,
            now,
            peer,
            invitation=row.id,
            preApproved=row.is_pre_approved,
            expires=format_time(row.expires_at),
            replaces=replaced,
            audience=row.for_url or row.for_company_id,
        )
        _grant_offers(session, node, row, offer)
        link = invitation_link(node.identity.url, row.id, token)
        return Invited(peer, row, document | {"token": token, "link": link}, link, replaced)

    return await node.store.write(work)


def _signed(
    row: Invitation, terms: Terms, company: Company, entry: KeyLogEntry, key: SigningKey
) -> dict[str, Any]:
    return invite(
        invitation_id=row.id,
        company=company,
        entry=entry,
        client_id=row.client_id,
        terms=terms,
        key=key,
        issued_at=row.created_at,
        expires_at=row.expires_at,
    )


def _grant_offers(session: Session, node: Node, row: Invitation, offer: Offer) -> None:
    """What this invitation offers, instead of what earlier ones did."""
    peer_id, now = row.peer_id, row.created_at
    grants.withdraw_offered(session, peer_id, now)
    for one in offer.product_ids:
        kind = KeyKind.PRODUCT
        level = require_grant(session, node, peer_id, kind, one, offer.level).level
        grants.add(
            session, peer_id, kind, one, level, now, starts=None, ends=None, invitation_id=row.id
        )


def public_document(session: Session, invitation_id: str) -> str:
    """What the link of an invitation leads to: the document without token, as JSON.

    Raises:
        NotFoundError: there is no such invitation, or it was withdrawn.
    """
    row = invitations.by_id(session, invitation_id)
    if row is None:
        raise NotFoundError("there is no such invitation")
    return row.document


def own_company(node: Node) -> Company:
    """How this node names its company in documents."""
    return Company(node.identity.company_name, node.identity.company_ids)


def for_whom(text: str) -> tuple[str | None, str | None]:
    """A URL, or the URN of a company, from what an operator writes.

    Raises:
        RefusedError: it is neither a URL nor an LEI nor a URN.
        ConfigurationError: the URL is none that a node can have.
        UrnError: the LEI has wrong check digits (ISO 17442).
    """
    text = text.strip()
    if "://" in text:
        return node_url(text), None
    if text.lower().startswith("urn:"):
        parse_urn(text)
        for problem in check_urn(text):
            raise RefusedError(f"{text!r}: {problem.message}", hint=problem.hint)
        return None, text
    try:
        return None, make_lei_urn(text)
    except UrnError as error:
        raise RefusedError(
            f"{text!r} is neither the URL of a node nor an LEI: {error.message}",
            hint="Write https://HOST, an LEI of 20 characters, or urn:NAMESPACE:ID.",
        ) from None


def _terms(offer: Offer) -> Terms:
    url, company_id = (None, None) if offer.for_whom is None else for_whom(offer.for_whom)
    if offer.is_pre_approved and url is None:
        raise RefusedError(
            "an invitation that is approved beforehand has to name the URL of the node that it is "
            "for: company ids are what a node says of itself, so whoever gets hold of the "
            "invitation could say them, too; whether an address is its own can be looked at",
            hint="Name the URL with --for https://HOST, or leave out --pre-approve and approve by "
            "hand.",
        )
    if not timedelta() < offer.expires_after <= timedelta(days=MAX_DAYS):
        raise RefusedError(f"an invitation is good for up to {MAX_DAYS} days")
    if len(offer.product_ids) > MAX_OFFERS:
        raise RefusedError(f"an invitation grants at most {MAX_OFFERS} products")
    for product_id in offer.product_ids:
        parse_urn(product_id)
    return Terms(url, company_id, offer.is_pre_approved, tuple(offer.product_ids))


def _invited_peer(session: Session, name: str, node: Node) -> Peer:
    try:
        known = peers.by_name(session, name)
    except NotFoundError:
        peer = Peer(name=name, state=PeerState.INVITED, created_at=node.now(), is_underseal=True)
        return peers.add(session, peer)
    if known.state == PeerState.INVITED:
        return known
    raise RefusedError(
        f"there is a peer {known.name!r} already, which is {known.state}",
        hint="Choose another name, or remove it first: what was exchanged stays.",
    )
