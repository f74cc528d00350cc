"""Clients that authenticate at the token endpoint by an assertion (RFC 7523 section 2.2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Protocol, TypeVar

from sqlmodel import Session
from starlette.types import Scope

from underseal_node.pact.access import PublicContext
from underseal_node.pact.errors import TokenRequestError
from underseal_node.store import assertions, audit, clients, pins
from underseal_node.store.assertions import AssertionUsedError
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.served import Partner, RequesterUnknownError
from underseal_node.store.tables import Awaits, Peer, PeerState
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

__all__ = ["Partners", "issue_instant", "require_active", "throttled"]

T = TypeVar("T")
Verified_co = TypeVar("Verified_co", covariant=True)

# RFC 8628 section 3.5 has the words for a client that has to wait for a person.
PENDING = "authorization_pending"
ENDED = "access_denied"
LOOK_PAUSE = timedelta(minutes=1)


class Verify(Protocol[Verified_co]):
    """Checks something that a client has signed: `verify_assertion`, `read_notice`."""

    def __call__(
        self,
        token: str,
        /,
        *,
        keys: PublicKeySet,
        client_id: str,
        audience: tuple[str, ...],
        now: datetime,
    ) -> Verified_co:
        """See `verify_assertion`."""


class Partners:
    """Authenticates them.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        self._looked: dict[int, datetime] = {}
        self._overlap = timedelta(hours=context.node.settings.rotation_overlap_hours)

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
        partner, verified = await self.proved(
            verify_assertion, client_id, form["client_assertion"], now
        )
        await self._admit(partner, verified, now)
        self._context.audit.count(Act.TOKEN_ISSUED, partner.peer_id)
        return issue_instant(partner.tokens_from, now)

    async def proved(
        self, verify: Verify[T], client_id: str, token: str, now: datetime
    ) -> tuple[Partner, T]:
        """Who has signed something, and what it says; not yet whether that has been used before.

        Args:
            verify: checks it.
            client_id: see `client_of`.
            token: what was signed.
            now: aware.

        Raises:
            TokenRequestError: `invalid_client`: it is not signed by a client with a pinned key.
        """
        counts, peer_id = self._context.audit, None
        try:
            partner = await self._context.serving.partner(client_id, now)
            peer_id = partner.peer_id
            return partner, verify(
                token,
                keys=_keys(partner.key_set),
                client_id=client_id,
                audience=await self._audiences(now),
                now=now,
            )
        except UnknownKeyError as error:
            counts.count(Act.ASSERTION_REFUSED, peer_id, Outcome.REFUSED)
            await self._look_for_keys(partner.peer_id, now)
            raise TokenRequestError("invalid_client", error.message).recorded() from None
        except AssertionRefusedError as error:
            counts.count(Act.ASSERTION_REFUSED, peer_id, Outcome.REFUSED)
            raise TokenRequestError("invalid_client", error.message).recorded() from None
        except RequesterUnknownError:
            counts.count(Act.ASSERTION_REFUSED, None, Outcome.REFUSED)
            raise TokenRequestError("invalid_client", UNAUTHENTICATED).recorded() from None

    async def once(
        self,
        verified: ClientAssertion,
        peer_id: int,
        now: datetime,
        work: Callable[[Session, Peer], T],
    ) -> T:
        """Do what something signed is for, in the transaction that remembers it as used.

        It shows, too, that the client has the client id that it was told.

        Args:
            verified: by whom, and its name.
            peer_id: whose it is.
            now: aware.
            work: is given the session and the peer as it is at this moment.

        Raises:
            TokenRequestError: it has been used before.
        """
        digest = digest_of_bytes(verified.jti.encode("utf-8", "surrogatepass"))

        def remembered(session: Session) -> T:
            client_id, expires_at = verified.client_id, verified.expires_at
            assertions.remember(session, client_id, digest, expires_at, now)
            peer = pins.peer_row(session, peer_id)
            row = clients.in_force(session, client_id)
            if row is not None and row.confirmed_at is None:
                clients.confirm(session, row, now, now + self._overlap)
                act, actor = Act.CLIENT_ID_TOLD, Actor.PEER
                audit.about_peer(session, act, now, peer, actor=actor, client=client_id)
            return work(session, peer)

        try:
            return await self._context.node.store.write(remembered)
        except AssertionUsedError as error:
            raise TokenRequestError("invalid_client", error.message) from None

    async def _audiences(self, now: datetime) -> tuple[str, ...]:
        """This node under its present name; for some time after it has moved, under the one before.

        Not for ever: whoever gets the old address later could use here what is sent there.
        """
        node = self._context.node
        state = await node.look()  # a peer may have heard of a move before this process has
        here, move = state.identity.url, _last_move(state.entries)
        if move is not None and now - move[1] < self._overlap:
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
        # Whoever waits for the other side learns from its call that it has approved; whoever has
        # heard from it that it has ended the partnership, that it goes on.
        approves = partner.state is PeerState.PENDING and partner.awaits == Awaits.THEM
        says_so = approves or partner.has_ended_partnership

        def work(session: Session, peer: Peer) -> None:
            if says_so and not partner.has_ended:
                partnerships.activated(session, peer, now, Actor.PEER)
                settings = self._context.node.settings
                partnerships.readmitted(session, peer, now, Actor.PEER, settings)

        try:
            await self.once(verified, partner.peer_id, now, work)
            if partner.has_ended and partner.state is not PeerState.REVOKED:
                raise TokenRequestError("invalid_client", "these client credentials have ended")
            if not approves:
                require_active(partner.state, partner.reason)
        except TokenRequestError as error:
            self._context.audit.count(Act.TOKEN_REFUSED, partner.peer_id, Outcome.REFUSED)
            raise error.recorded() from None


def require_active(state: PeerState, reason: str | None) -> None:
    """Tell a client that has proved who it is why it may not call.

    Args:
        state: of the partnership.
        reason: why it is in this state, if somebody said so.

    Raises:
        TokenRequestError: the partnership is not active.
    """
    if state is PeerState.REVOKED:
        raise TokenRequestError(ENDED, reason or "the partnership has ended")
    if state is PeerState.SUSPENDED:
        raise TokenRequestError("unauthorized_client", "access is suspended")
    if state is not PeerState.ACTIVE:
        raise TokenRequestError(PENDING, "the partnership has not been approved yet")


@asynccontextmanager
async def throttled(
    context: PublicContext, scope: Scope, client_id: str, now: datetime
) -> AsyncIterator[None]:
    """Slow a client whose authentication fails inside, by `invalid_client`.

    Args:
        context: what the endpoints share.
        scope: of the request.
        client_id: whom it claims to come from.
        now: aware.

    Raises:
        TooManyRequestsError: it has failed too often.
    """
    attempt = await context.throttle.begin(scope, client_id, now)
    try:
        yield
    except TokenRequestError as error:
        if error.error == "invalid_client":
            await attempt.failed()
        raise
    await attempt.succeeded()


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
