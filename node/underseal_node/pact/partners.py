"""Clients that authenticate at the token endpoint by an assertion (RFC 7523 section 2.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from sqlmodel import Session

from underseal_node.pact.access import PublicContext
from underseal_node.pact.errors import TokenRequestError
from underseal_node.store import assertions, pins
from underseal_node.store.assertions import AssertionUsedError
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.served import Partner, RequesterUnknownError
from underseal_node.store.tables import Awaits, PeerState
from underseal_node.trust import partnerships
from underseal_protocol.canonical import digest_of_bytes
from underseal_protocol.client_assertion import (
    CLIENT_ASSERTION_TYPE,
    UNAUTHENTICATED,
    ClientAssertion,
    UnknownKeyError,
    client_of,
    verify_assertion,
)
from underseal_protocol.errors import AssertionRefusedError
from underseal_protocol.key_log import read_entry
from underseal_protocol.keys import PublicKeySet

__all__ = ["Partners", "issue_instant"]

# RFC 8628 section 3.5 has the words for a client that has to wait for a person.
PENDING = "authorization_pending"
ENDED = "access_denied"
LOOK_PAUSE = timedelta(minutes=1)


class Partners:
    """Authenticates them.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        self._looked: dict[int, datetime] = {}

    def client_of(self, authorization: str | None, form: Mapping[str, str]) -> str:
        """Who a request with an assertion says it is from, unverified.

        Raises:
            TokenRequestError: it is malformed.
        """
        if authorization is not None or "client_secret" in form:
            raise TokenRequestError("invalid_request", "the client authenticates in two ways")
        if form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
            message = f"client_assertion_type has to be {CLIENT_ASSERTION_TYPE}"
            raise TokenRequestError("invalid_request", message)
        try:
            client_id = client_of(form.get("client_assertion", ""))
        except AssertionRefusedError as error:
            raise TokenRequestError("invalid_client", error.message) from None
        if form.get("client_id", client_id) != client_id:
            message = "the form and the assertion name two clients"
            raise TokenRequestError("invalid_client", message)
        return client_id

    async def authenticate(
        self, client_id: str, form: Mapping[str, str], now: datetime
    ) -> datetime:
        """Check an assertion; return the instant to issue the token at.

        Args:
            client_id: see `client_of`.
            form: of the request.
            now: aware.

        Raises:
            TokenRequestError: the client is not authenticated (`invalid_client`), or it is, and
                there is no token for it.
        """
        audit, peer_id = self._context.audit, None
        try:
            partner = await self._context.serving.partner(client_id, now)
            peer_id = partner.peer_id
            verified = verify_assertion(
                form["client_assertion"],
                keys=_keys(partner.key_set),
                client_id=client_id,
                audience=await self._audiences(now),
                now=now,
            )
        except UnknownKeyError as error:
            await self._look_for_keys(partner.peer_id, now)
            raise TokenRequestError("invalid_client", error.message) from None
        except AssertionRefusedError as error:
            audit.count(Act.ASSERTION_REFUSED, peer_id, Outcome.REFUSED)
            raise TokenRequestError("invalid_client", error.message) from None
        except RequesterUnknownError:
            audit.count(Act.ASSERTION_REFUSED, None, Outcome.REFUSED)
            raise TokenRequestError("invalid_client", UNAUTHENTICATED) from None
        try:
            await self._admit(partner, verified, now)
        except TokenRequestError:
            audit.count(Act.TOKEN_REFUSED, peer_id, Outcome.REFUSED)
            raise
        audit.count(Act.TOKEN_ISSUED, peer_id)
        return issue_instant(partner.tokens_from, now)

    async def _audiences(self, now: datetime) -> tuple[str, ...]:
        """This node under its present name; for some time after it has moved, under the one before.

        Not for ever: whoever gets the old address later could use here what is sent there.
        """
        node = self._context.node
        state = await node.look()  # a peer may have heard of a move before this process has
        overlap = timedelta(hours=node.settings.rotation_overlap_hours)
        here, move = state.identity.url, _last_move(state.entries)
        if move is not None and now - move[1] < overlap:
            return (here, move[0])
        return (here,)

    async def _look_for_keys(self, peer_id: int, now: datetime) -> None:
        """Have the management process look whether the peer has new keys; it is no more than asked
        now and then, because whoever knows the client id can cause it."""
        last = self._looked.get(peer_id)
        if last is not None and now - last < LOOK_PAUSE:
            return
        self._looked[peer_id] = now
        await self._context.node.store.write(lambda session: pins.want_look(session, peer_id))

    async def _admit(self, partner: Partner, verified: ClientAssertion, now: datetime) -> None:
        """Remember the assertion, and refuse a client that may not have a token now."""
        digest = digest_of_bytes(verified.jti.encode("utf-8", "surrogatepass"))
        # Whoever waits for the other side learns from its call that it has approved.
        approves = partner.state is PeerState.PENDING and partner.awaits == Awaits.THEM

        def work(session: Session) -> None:
            client_id, expires_at = verified.client_id, verified.expires_at
            assertions.remember(session, client_id, digest, expires_at, now)
            if approves and not partner.has_ended:
                peer = pins.peer_row(session, partner.peer_id)
                partnerships.activated(session, peer, now, Actor.PEER)

        try:
            await self._context.node.store.write(work)
        except AssertionUsedError as error:
            raise TokenRequestError("invalid_client", error.message) from None
        if partner.state is PeerState.REVOKED:
            raise TokenRequestError(ENDED, partner.reason or "the partnership has ended")
        if partner.has_ended:
            raise TokenRequestError("invalid_client", "these client credentials have ended")
        if partner.state is PeerState.SUSPENDED:
            raise TokenRequestError("unauthorized_client", "access is suspended")
        if partner.state is not PeerState.ACTIVE and not approves:
            raise TokenRequestError(PENDING, "the partnership has not been approved yet")


def issue_instant(tokens_from: datetime | None, now: datetime) -> datetime:
    """When to say that a token is issued: now, unless a revocation would make that look too old.

    Args:
        tokens_from: tokens issued before this instant are not accepted.
        now: aware.
    """
    if tokens_from is None or tokens_from <= now.replace(microsecond=0):
        return now
    # `iat` has whole seconds: a token of the second of a revocation would look too old.
    return tokens_from.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)


@lru_cache(maxsize=8)
def _last_move(entries: tuple[str, ...]) -> tuple[str, datetime] | None:
    """Where this node was before it came to its present address, and when it came; None if it has
    always been there."""
    log = [read_entry(entry) for entry in entries]
    moves = [(before.url, now.issued_at) for before, now in pairwise(log) if before.url != now.url]
    return moves[-1] if moves else None


@lru_cache(maxsize=1024)
def _keys(key_set: str | None) -> PublicKeySet:
    """Pinned keys; reading points on a curve takes longer than everything else here."""
    return PublicKeySet([]) if key_set is None else PublicKeySet.from_jwks(json.loads(key_set))
