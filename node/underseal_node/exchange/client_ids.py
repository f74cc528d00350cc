"""Client ids between partners: telling a partner its new one, and having ours there renewed.

Both are one call, signed with our client key (`underseal_protocol.client_notice`). It needs no
access token, so it works also when our client id there has expired.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import ProtocolViolationError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import Answer, Call
from underseal_node.exchange.proving import prove
from underseal_node.exchange.tokens import refusal_of
from underseal_node.store import audit, clients, pins
from underseal_node.store.audit import Act, Actor
from underseal_protocol.client_notice import CLIENT_IDS_PATH, IssuedClient, make_notice
from underseal_protocol.errors import JsonError, TimeError
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.times import format_time, parse_time

__all__ = ["renew_ours", "tell_issued"]

MAX_ANSWER_BYTES = 64 * 1024
JSON_LIMITS = JsonLimits(MAX_ANSWER_BYTES, 16)


async def renew_ours(exchange: Exchange, peer_id: int) -> None:
    """Ask a partner for a longer term of our client id there, and take up what it says.

    Raises:
        PeerError: it cannot be reached, or refuses.
        RefusedError: it is not called at present, or is no partner.
    """
    access = await exchange.access(peer_id)
    ends = await _tell(exchange, access, None)
    now = exchange.node.now()
    await exchange.node.store.write(lambda session: _taken_up(session, access, ends, now))


async def tell_issued(exchange: Exchange, peer_id: int, issued: IssuedClient) -> None:
    """Tell a partner its new client id; when it confirms that, those before it get an end.

    Raises:
        PeerError: it cannot be reached, or refuses.
        RefusedError: it is not called at present, or is no partner.
    """
    node = exchange.node
    access = await exchange.access(peer_id)
    ends = await _tell(exchange, access, issued)
    now = node.now()
    old_until = now + timedelta(hours=node.settings.rotation_overlap_hours)

    def work(session: Session) -> None:
        row = clients.in_force(session, issued.client_id)
        # The partner may have used it already, which said the same.
        if row is not None and row.confirmed_at is None:
            clients.confirm(session, row, now, old_until)
            peer, act = pins.peer_row(session, peer_id), Act.CLIENT_ID_TOLD
            audit.about_peer(session, act, now, peer, actor=Actor.NODE, client=row.client_id)
        _taken_up(session, access, ends, now)

    await node.store.write(work)


async def _tell(exchange: Exchange, access: Access, issued: IssuedClient | None) -> datetime | None:
    """Tell a partner its new client id here, if there is one; ours there is renewed if it is time.

    Args:
        exchange: of this process.
        access: how to call it.
        issued: the new client id; None if there is none.

    Returns:
        when our client id there ends, as the partner says; None if it never does.

    Raises:
        PeerError: it cannot be reached, or refuses.
        RefusedError: it is no partner.
    """
    issuer, keys = access.audience_issuer, exchange.node.client_keys()
    if issuer is None:
        raise RefusedError(f"{access.name} does not know us by a client key")

    def sign(age: int) -> str | None:
        if age >= len(keys):
            return None
        now = exchange.node.now()
        return make_notice(access.client_id, audience=issuer, key=keys[age], now=now, issued=issued)

    async def send(notice: Callable[[], str]) -> Answer:
        call = Call(
            "POST",
            f"{access.base_url}{CLIENT_IDS_PATH}",
            access.origins,
            headers={"content-type": "application/jwt", "accept": "application/json"},
            content=lambda: notice().encode(),
            ca_pem=access.ca_pem,
            private_origins=access.private_origins,
            max_bytes=MAX_ANSWER_BYTES,
        )
        return await exchange.http.send(call)

    answer = await prove(sign, send)
    if answer.status != 200:
        raise refusal_of(answer, access)
    return _end(answer, access)


def _taken_up(session: Session, access: Access, ends: datetime | None, now: datetime) -> None:
    """Write down when our client id at a partner ends.

    Args:
        session: writes.
        access: with which it was asked.
        ends: what `_tell` has returned.
        now: aware.
    """
    peer = pins.peer_row(session, access.peer_id)
    # Meanwhile the partner may have given us another one.
    if peer.client_id != access.client_id or peer.client_expires_at == ends:
        return
    peer.client_expires_at = ends
    session.add(peer)
    audit.about_peer(
        session,
        Act.CLIENT_ID_RENEWED,
        now,
        peer,
        actor=Actor.NODE,
        client=peer.client_id,
        until=None if ends is None else format_time(ends),
    )


def _end(answer: Answer, access: Access) -> datetime | None:
    try:
        document = loads(answer.body, limits=JSON_LIMITS)
        ends = document.get("expiresAt") if isinstance(document, dict) else ""
        return None if ends is None else parse_time(str(ends))
    except (JsonError, TimeError) as error:
        raise ProtocolViolationError(
            f"{access.name} does not say when our client id there ends: {error.message}"
        ) from None
