"""The accepting side: from an invitation to a partner, with one call to the inviting node."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.exchange.access import private_origins
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import AnswerError, ProtocolViolationError, UnreachableError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import Answer, Call
from underseal_node.node import Node
from underseal_node.store import audit, ending, invitations, peers, pins
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.tables import AuthMethod, Awaits, Peer, PeerState
from underseal_node.trust import keyring, partnerships
from underseal_node.trust.invitations import own_company
from underseal_node.trust.peers import MAX_NAME_CHARACTERS, checked_name
from underseal_node.trust.registrations import pin_partner
from underseal_node.trust.secrets import new_client_id
from underseal_protocol.acceptance import (
    EXTENSION,
    REGISTRATION_PATH,
    reply_document,
    reply_to,
)
from underseal_protocol.errors import InvitationError, JsonError, TimeError
from underseal_protocol.invitation import Invitation, parse_link, read_invitation
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.times import parse_time

__all__ = ["Acceptance", "Accepted", "accept"]

MAX_ANSWER_BYTES = 512 * 1024
JSON_LIMITS = JsonLimits(MAX_ANSWER_BYTES, 16)
MAX_SHOWN_CHARACTERS = 300
NOT_FOR_NAMES = re.compile(r"[/\s]+")


@dataclass(frozen=True)
class Acceptance:
    """What the operator says when accepting.

    Attributes:
        document: the invitation, as read from its file; None with a link.
        link: of the invitation.
        name: how to call the inviting company; its own name by default.
        ca_pem: further trust anchors for calls to it.
        allow_private_network: whether it may be at a private address.
        as_file: make a reply to be carried by hand, and call nobody.
    """

    document: Any = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    name: str | None = None
    ca_pem: str | None = field(default=None, repr=False)
    allow_private_network: bool = False
    as_file: bool = False


@dataclass(frozen=True)
class Accepted:
    """What came of it.

    Attributes:
        peer: pending.
        is_pre_approved: the other side approves as soon as it has seen our keys at our address.
        reply: the reply to be carried by hand, if that was asked for.
    """

    peer: Peer
    is_pre_approved: bool
    reply: dict[str, Any] | None = field(default=None, repr=False)


class _RegistrationRefusedError(AnswerError):
    """The inviting node has refused our registration."""


async def accept(exchange: Exchange, given: Acceptance) -> Accepted:
    """Accept an invitation. What could not be sent can be tried again with the same invitation.

    Raises:
        InvitationError: the invitation is not a good one for this node, now.
        RefusedError: the name is taken, or the company is a peer already.
        PeerError: the inviting node cannot be reached or does not accept; the message says which.
    """
    node = exchange.node
    document, token = given.document, ""
    if given.link is not None:
        address, token = parse_link(given.link)
        document = await _fetch(exchange, address, given)
    invitation = read_invitation(
        document,
        now=node.now(),
        url=node.identity.url,
        company_ids=node.identity.company_ids,
        token=token,
    )
    if given.name is not None:
        checked_name(given.name)
    key = node.signing_key(KeyPurpose.IDENTITY)

    def work(session: Session) -> tuple[Peer, bool]:
        known = invitations.accepted(session, invitation.id)
        if known is None:
            return _pending_peer(session, node, invitation, given, key), True
        _require_same(known, invitation)
        if known.registration is not None:
            _change(session, known, given, node.now())
        return known, False

    peer, is_new = await node.store.write(work)
    if peer.registration is None:
        raise RefusedError(
            f"the invitation of {invitation.issuer} was accepted before: it is the peer "
            f"{peer.name}, which is {peer.state}"
        )
    registration, pre_approved = json.loads(peer.registration), invitation.terms.is_pre_approved
    if given.as_file:
        reply = reply_document(registration, invitation.token)
        return Accepted(peer, pre_approved, reply)
    try:
        answer = await _register(exchange, peer, invitation, registration)
    except _RegistrationRefusedError as error:
        raise await _refused(exchange, peer, error, is_new=is_new) from None
    now = node.now()
    registered = await node.store.write(lambda session: _registered(session, peer, answer, now))
    return Accepted(registered, pre_approved)


def _pending_peer(
    session: Session, node: Node, invitation: Invitation, given: Acceptance, key: Any
) -> Peer:
    """The inviting company as a peer that has to approve, with credentials for it here."""
    _refuse_second(session, invitation)
    now = node.now()
    name = given.name or _free_name(session, invitation.company.name)
    peer = Peer(name=name, state=PeerState.PENDING, awaits=Awaits.THEM, created_at=now)
    peer.invitation_id, peer.invitation_digest = invitation.id, invitation.digest
    peers.add(session, peer)
    _change(session, peer, given, now)
    pin_partner(node, peer, invitation.entry, invitation.company, invitation.client_id, None)
    audit.about_peer(
        session,
        Act.INVITATION_ACCEPTED,
        now,
        peer,
        url=invitation.issuer,
        invitation=invitation.id,
        asFile=given.as_file,
    )
    client_id, expires_at = new_client_id(), partnerships.lifetime_end(node.settings, now)
    registration = reply_to(
        invitation,
        company=own_company(node),
        entry=keyring.newest_entry(session),
        client_id=client_id,
        client_expires_at=expires_at,
        key=key,
        issued_at=now,
    )
    peer.registration = json.dumps(registration)
    peers.issue(
        session,
        peer.id or 0,
        client_id,
        "",
        now,
        expires_at=expires_at,
        method=AuthMethod.PRIVATE_KEY_JWT,
    )
    return peer


def _change(session: Session, peer: Peer, given: Acceptance, now: datetime) -> None:
    """Take up how to call the inviting company; at a second try, as far as something is said."""
    if given.name is not None and given.name != peer.name:
        peers.rename(session, peer, given.name)
    if given.ca_pem is not None:
        peer.ca_pem = given.ca_pem
    if given.allow_private_network and not peer.allow_private_network:
        peer.allow_private_network = True
        audit.about_peer(session, Act.PRIVATE_NETWORK_SET, now, peer, allowed=True)
    session.add(peer)


def _require_same(known: Peer, invitation: Invitation) -> None:
    """The issuer chooses the id of an invitation, so the id alone does not say which one it is.

    Raises:
        InvitationError: it is another one than that accepted under this id.
    """
    if known.invitation_digest != invitation.digest:
        raise InvitationError(
            f"another invitation with the id {invitation.id} was accepted before, of the peer "
            f"{known.name}; this one is of {invitation.issuer}",
            hint="Ask the company for a new one.",
        )


def _refuse_second(session: Session, invitation: Invitation) -> None:
    """One company, one partnership: two would be two sets of grants for the same reader."""
    for peer in peers.listing(session):
        same = invitation.issuer in (peer.base_url, peer.issuer)
        if same and peer.removed_at is None:
            raise RefusedError(
                f"{invitation.issuer} is the peer {peer.name} already, which is {peer.state}",
                hint=f"To begin anew, run `underseal peer remove {peer.name}` first; what was "
                "exchanged stays.",
            )


def _free_name(session: Session, company: str) -> str:
    """The name of the company, as far as it can be the name of a peer."""
    visible = "".join(one if unicodedata.category(one)[0] in "LNPSM" else " " for one in company)
    name = NOT_FOR_NAMES.sub(" ", visible).strip(" .")[:MAX_NAME_CHARACTERS].strip() or "partner"
    try:
        known = peers.by_name(session, name)
    except NotFoundError:
        checked_name(name)
        return name
    raise RefusedError(
        f"there is a peer {known.name!r} already", hint="Choose another name with --name NAME."
    )


async def _fetch(exchange: Exchange, address: str, given: Acceptance) -> Any:
    """The document behind the link; the operator has named the address.

    Raises:
        PeerError: it cannot be had.
    """
    origins = frozenset({origin_of(address)})
    call = Call(
        "GET",
        address,
        origins,
        headers={"accept": "application/json"},
        ca_pem=given.ca_pem,
        private_origins=origins if given.allow_private_network else frozenset(),
        max_bytes=MAX_ANSWER_BYTES,
    )
    answer = await exchange.http.send(call)
    if answer.status == 404:
        raise InvitationError(
            f"{origin_of(address)} knows no such invitation",
            hint="It may have been withdrawn or replaced, or the link is not complete.",
        )
    if answer.status != 200:
        raise AnswerError(f"{origin_of(address)} answered {answer.status}", status=answer.status)
    try:
        return loads(answer.body, limits=JSON_LIMITS)
    except JsonError as error:
        raise ProtocolViolationError(
            f"{origin_of(address)} answered no invitation: {error.message}"
        ) from None


async def _register(
    exchange: Exchange, peer: Peer, invitation: Invitation, registration: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Send the reply.

    Raises:
        UnreachableError: nobody answered; what was prepared stays, to be sent again.
        _RegistrationRefusedError: the inviting node refuses what was sent.
        AnswerError: it cannot take it at present.
    """
    address = f"{invitation.issuer}{REGISTRATION_PATH}"
    call = Call(
        "POST",
        address,
        frozenset({origin_of(address)}),
        headers={
            "authorization": f"Bearer {invitation.token}",
            "content-type": "application/json",
            "accept": "application/json",
        },
        content=json.dumps(registration).encode(),
        ca_pem=peer.ca_pem,
        private_origins=private_origins(peer),
        max_bytes=MAX_ANSWER_BYTES,
    )
    try:
        answer = await exchange.http.send(call)
    except UnreachableError as error:
        raise UnreachableError(
            error.message,
            hint="Run the command again when the node is reachable, or add --reply-out FILE and "
            "send that file to the company instead.",
        ) from error
    document = _json_of(answer)
    if answer.status == 201 and isinstance(document, Mapping):
        return document
    said = document.get("error_description") if isinstance(document, Mapping) else None
    shown = f": {said[:MAX_SHOWN_CHARACTERS]}" if isinstance(said, str) else ""
    message = f"{invitation.issuer} does not accept the registration ({answer.status}){shown}"
    if 400 <= answer.status < 500 and answer.status != 429:
        hint = "Ask the company for a new invitation."
        raise _RegistrationRefusedError(message, status=answer.status, hint=hint)
    raise AnswerError(message, status=answer.status)


async def _refused(
    exchange: Exchange, peer: Peer, error: _RegistrationRefusedError, *, is_new: bool
) -> AnswerError:
    """What is left after a refusal, and what to tell: nothing, where this was the first try.

    An earlier try may have arrived, as a call whose answer was lost or as a file, and this one may
    have been refused because the link was damaged. Forgetting the peer would then leave the other
    side with a partner that does not know it, and an invitation that counts no more.
    """
    now = exchange.node.now()
    if is_new:
        await exchange.node.store.write(lambda session: _forget(session, peer.id or 0, now))
        return error
    name = shlex.quote(peer.name)
    return AnswerError(
        f"{error.message}; the peer {peer.name} from before stays as it is, {peer.state}",
        status=error.status,
        hint="Compare the invitation with the one that was sent: something may be missing at its "
        f"end. If that is not it, run `underseal peer remove {name}`, and ask for a new one.",
    )


def _registered(session: Session, sent: Peer, answer: Mapping[str, Any], now: datetime) -> Peer:
    """Take up what the inviting node has answered."""
    peer = pins.peer_row(session, sent.id or 0)
    extension = answer.get(EXTENSION)
    said = extension if isinstance(extension, Mapping) else {}
    try:
        peer.client_expires_at = parse_time(str(said.get("expires_at")))
    except TimeError:
        peer.client_expires_at = None
    if said.get("state") == PeerState.ACTIVE:
        partnerships.activated(session, peer, now)
    peer.is_registered_there = True
    pins.contacted(session, peer, now)
    return peer


def _forget(session: Session, peer_id: int, now: datetime) -> None:
    """Take back what was prepared for a partnership that was refused."""
    peer = pins.peer_row(session, peer_id)
    if peer.state == PeerState.PENDING and not peer.is_registered_there:
        audit.about_peer(
            session,
            Act.INVITATION_ACCEPTED,
            now,
            peer,
            actor=Actor.NODE,
            outcome=Outcome.REFUSED,
            url=peer.base_url,
            invitation=peer.invitation_id,
        )
        ending.forget(session, peer)


def _json_of(answer: Answer) -> Any:
    try:
        return loads(answer.body, limits=JSON_LIMITS)
    except JsonError:
        return None
