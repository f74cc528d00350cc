"""Finding a peer's token endpoint and, if it is an Underseal node, its keys.

What is found at first contact is pinned (trust on first use): the origin of the token endpoint,
which may be an external identity provider, and the key set. A later difference never takes effect
by itself, unless it follows from the pinned entry of the peer's key log (`following`). An
unreachable peer is pinned to its own origin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.access import auth_base, peer_base, private_origins
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import (
    AddressError,
    AnswerError,
    ProtocolViolationError,
    UnreachableError,
)
from underseal_node.exchange.following import first_log, follow, key_set_text
from underseal_node.exchange.http import Call, PeerHttp
from underseal_node.exchange.pinned_log import new_entries
from underseal_node.store import audit, pins
from underseal_node.store.audit import Act, Actor
from underseal_node.store.tables import Peer
from underseal_protocol.errors import JsonError, KeyLogError, ProtocolError
from underseal_protocol.key_log import KEY_LOG_MEMBER, KEY_LOG_PATH, MAX_ENTRIES, KeyLogEntry
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.schemas import VERSION_MEMBER
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["Found", "discover", "key_set_text", "pin"]

DISCOVERY_PATH = "/.well-known/openid-configuration"
FALLBACK_PATH = "/auth/token"
MAX_DOCUMENT_BYTES = 256 * 1024
DISCOVERY_SECONDS = 30.0
KEY_LOG_LIMITS = JsonLimits(max_bytes=8 * 1024 * 1024, max_depth=4)
JSON_LIMITS = JsonLimits(max_bytes=MAX_DOCUMENT_BYTES, max_depth=16)


@dataclass(frozen=True)
class Found:
    """What a peer says of itself.

    Attributes:
        token_endpoint: to be used if its origin is the pinned one.
        is_certain: the peer published it; otherwise it is the fallback.
        issuer: of its credentials, if it is an Underseal node.
        key_set: its JWKS in canonical form, if it is an Underseal node.
        key_log: of its key log, if it has one, the pinned entry and those after it, oldest first.
        problems: sentences for the operator.
    """

    token_endpoint: str
    is_certain: bool = False
    issuer: str | None = None
    key_set: str | None = None
    key_log: tuple[KeyLogEntry, ...] = ()
    problems: tuple[str, ...] = ()


async def discover(http: PeerHttp, peer: Peer, *, attempts: int | None = None) -> Found:
    """Ask a peer; never fails, because a peer may be added before it is up.

    Args:
        http: makes the calls.
        peer: only its URLs and CA are used.
        attempts: per call; the setting by default.

    Raises:
        RefusedError: the peer has no URL.
        AddressError: its URL is not https or otherwise not callable.
    """
    base, auth = peer_base(peer), auth_base(peer)
    origin_of(base), origin_of(auth)
    try:
        # Whoever waits for this has an event to deliver, and not for ever.
        async with asyncio.timeout(DISCOVERY_SECONDS):
            return await _discover(http, peer, base, auth, attempts)
    except TimeoutError:
        problem = f"{origin_of(auth)} did not say within {DISCOVERY_SECONDS:.0f} s where tokens are"
        return Found(auth + FALLBACK_PATH, problems=(problem,))


async def _discover(
    http: PeerHttp, peer: Peer, base: str, auth: str, attempts: int | None
) -> Found:
    problems: list[str] = []
    document = await _configuration(http, peer, auth, problems, attempts)
    endpoint = _endpoint(document, problems)
    if auth != base:
        document = await _configuration(http, peer, base, [], attempts)
    issuer = key_set = None
    key_log: tuple[KeyLogEntry, ...] = ()
    if isinstance(document.get(VERSION_MEMBER), str):
        try:
            issuer, key_set, key_log = await _keys(http, peer, base, document, attempts)
        except (PeerError, ProtocolError) as error:
            problems.append(f"its keys cannot be used: {error.message}")
    used = endpoint or auth + FALLBACK_PATH
    return Found(used, endpoint is not None, issuer, key_set, key_log, tuple(problems))


def _endpoint(document: Mapping[str, object], problems: list[str]) -> str | None:
    """The token endpoint that a discovery document names, if it can be called."""
    endpoint = document.get("token_endpoint")
    if not isinstance(endpoint, str):
        return None
    try:
        origin_of(endpoint)
    except AddressError as error:
        problems.append(f"its token endpoint cannot be used: {error.message}")
        return None
    return endpoint


def pin(session: Session, peer_id: int, found: Found, now: datetime) -> list[str]:
    """Take up what was found, as far as nothing pinned contradicts it.

    Returns:
        sentences for the operator.
    """
    peer = pins.peer_row(session, peer_id)
    warnings = [f"{peer.name}: {problem}" for problem in found.problems]
    # First, because a peer that has moved has its token endpoint elsewhere, too.
    if found.key_set is not None and found.issuer is not None:
        warnings += _pin_keys(session, peer, found, found.key_set, found.issuer, now)
    elif peer.is_underseal and found.is_certain:
        warnings.append(f"{peer.name} was an Underseal node and does not show its keys now")
    # The fallback is a guess: it is pinned when there is nothing better, and is never a change.
    if found.is_certain or peer.token_origin is None:
        origin = str(origin_of(found.token_endpoint))
        if not pins.accept_endpoint(session, peer, found.token_endpoint, origin, now):
            warnings.append(
                f"the token endpoint of {peer.name} has moved from {peer.token_origin} to "
                f"{found.token_endpoint}; calls have stopped until you confirm it"
            )
    if found.is_certain:
        pins.contacted(session, peer, now)
    return warnings


def _pin_keys(
    session: Session, peer: Peer, found: Found, key_set: str, issuer: str, now: datetime
) -> list[str]:
    """Pin or follow the keys that a peer shows; what does not follow waits for the operator."""
    newest, reason = found.key_log[-1:], None
    warnings: tuple[str, ...] = ()
    if json.loads(peer.key_log):
        if found.key_log:
            try:
                followed = follow(session, peer, found.key_log, now)
                warnings = followed.warnings
                if followed.accepted:
                    act, actor = Act.KEY_LOG_FOLLOWED, Actor.NODE
                    audit.about_peer(
                        session, act, now, peer, actor=actor, entries=followed.accepted
                    )
                # Of what is accepted, not of what is shown. It may be a moment or a cache behind.
                if _is_in_log(key_set, followed.log):
                    key_set = peer.key_set or key_set
            except (KeyLogError, AddressError) as error:
                reason = error.message
    elif newest and peer.key_set is not None and first_log(session, peer, newest[0]):
        return []
    log = [one.token for one in newest if _is_in_log(key_set, newest)]
    if pins.accept_keys(session, peer, key_set, issuer, now, key_log=log, reason=reason):
        return list(warnings)
    return [
        *warnings,
        f"{peer.name} shows other keys than before; confirm them to use them"
        + (f" ({reason})" if reason else ""),
    ]


def _is_in_log(key_set: str, log: Sequence[KeyLogEntry]) -> bool:
    return any(key_set_text(entry.keys) == key_set for entry in reversed(log))


async def _configuration(
    http: PeerHttp, peer: Peer, base: str, problems: list[str], attempts: int | None
) -> Mapping[str, object]:
    """The discovery document; empty when there is none."""
    try:
        return await _document(http, peer, base + DISCOVERY_PATH, attempts)
    except AnswerError as error:
        if error.status != 404:  # having none is allowed
            problems.append(error.message)
    except UnreachableError as error:
        problems.append(f"{error.message}; its token endpoint is assumed at its own address")
    except (PeerError, JsonError) as error:
        problems.append(f"its discovery document cannot be used: {error.message}")
    return {}


async def _keys(
    http: PeerHttp,
    peer: Peer,
    base: str,
    document: Mapping[str, object],
    attempts: int | None,
) -> tuple[str, str, tuple[KeyLogEntry, ...]]:
    """Issuer, key set and key log, all from the peer's own origin.

    An identity provider that could name other keys would be able to sign footprints. A peer whose
    key log is pinned may say at its old address that it has moved: its log proves it or not.
    """
    issuer, address = document.get("issuer"), document.get("jwks_uri")
    log: tuple[KeyLogEntry, ...] = ()
    if isinstance(document.get(KEY_LOG_MEMBER), str):
        log = await _key_log(http, peer, base, attempts)
    has_moved = isinstance(issuer, str) and origin_of(issuer) != origin_of(base)
    if has_moved and log and json.loads(peer.key_log):
        return log[-1].url, key_set_text(log[-1].keys), log
    if not isinstance(issuer, str) or origin_of(issuer) != origin_of(base):
        raise ProtocolViolationError(f"its issuer {issuer!r} is not at its own address")
    if not isinstance(address, str) or origin_of(address) != origin_of(base):
        raise ProtocolViolationError(f"its key set {address!r} is not at its own address")
    keys = PublicKeySet.from_jwks(await _document(http, peer, address, attempts))
    if not keys.thumbprints():
        raise ProtocolViolationError("its key set is empty")
    key_set = key_set_text(keys)
    is_first = peer.key_set is None
    if log and is_first and not _is_newest(log[-1], key_set, issuer):
        raise ProtocolViolationError(
            "its key log does not say the same as its key set",
            hint="It may have changed its keys at this moment: try again.",
        )
    return issuer.rstrip("/"), key_set, log


def _is_newest(entry: KeyLogEntry, key_set: str, issuer: str) -> bool:
    return key_set_text(entry.keys) == key_set and entry.url == issuer.rstrip("/")


async def _key_log(
    http: PeerHttp, peer: Peer, base: str, attempts: int | None
) -> tuple[KeyLogEntry, ...]:
    """The key log at the address of the peer, each entry signed by the key that it names."""
    url = base + KEY_LOG_PATH
    document = await _document(http, peer, url, attempts, limits=KEY_LOG_LIMITS)
    entries = document.get("entries")
    if not isinstance(entries, list) or not all(isinstance(one, str) for one in entries):
        raise ProtocolViolationError(f"{url} is no key log")
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise ProtocolViolationError(f"{url} has {len(entries)} entries, at most {MAX_ENTRIES}")
    return tuple(await asyncio.to_thread(new_entries, peer, entries))


async def _document(
    http: PeerHttp,
    peer: Peer,
    url: str,
    attempts: int | None,
    *,
    limits: JsonLimits = JSON_LIMITS,
) -> Mapping[str, object]:
    answer = await http.send(
        Call(
            "GET",
            url,
            frozenset({origin_of(url)}),
            headers={"accept": "application/json"},
            ca_pem=peer.ca_pem,
            private_origins=private_origins(peer),
            attempts=attempts,
            max_bytes=limits.max_bytes,
        )
    )
    if answer.status != 200:
        raise AnswerError(f"{url} answered {answer.status}", status=answer.status)
    document = loads(answer.body, limits=limits)
    if not isinstance(document, dict):
        raise ProtocolViolationError(f"{url} is not a JSON object")
    return document
