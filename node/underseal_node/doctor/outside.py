"""`underseal doctor`: the node as a peer would see it, and what waits for the operator.

The public address is called over the network like any peer calls it, by name, with TLS and without
special trust, except for the certificate that `--dev-tls` made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import UnreachableError
from underseal_node.exchange.http import Answer, Call, PeerHttp
from underseal_node.exchange.peer_certificate import certificate_end
from underseal_node.node import Node
from underseal_node.store import gauges, peers
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["Check", "Result", "examine"]

DOCUMENT_BYTES = 256 * 1024
SKEW_SECONDS = 30.0
CERTIFICATE_DAYS = 21
FREE_BYTES = 512 * 1024 * 1024
HTTP_OK = 200


class Result(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        result: how it stands.
        message: one sentence.
        hint: what to do.
    """

    name: str
    result: Result
    message: str
    hint: str | None = None


async def examine(node: Node) -> list[Check]:
    """Look at everything. Never fails: what goes wrong is what is reported."""
    checks = await _from_outside(node)
    checks += _disk(node)
    checks += _settings(node)
    checks += await node.store.read(lambda session: _waiting(session))
    return checks


async def _from_outside(node: Node) -> list[Check]:
    """The public address, by its name."""
    # The operator asks about the own address, which may well be a private one.
    settings = node.settings.model_copy(update={"allow_private_networks": True})
    authority = node.home.tls / "development-ca.pem"
    is_development = authority.exists()
    http = PeerHttp(settings)
    url = node.identity.url
    ca_pem = authority.read_text(encoding="ascii") if is_development else None
    try:
        try:
            answer = await _get(http, f"{url}/health", ca_pem)
        except NodeError as error:
            return [_unreachable(url, error)]
        checks = [_health(url, answer), _clock(node, answer)]
        checks.append(await _certificate(node, url, ca_pem))
        if is_development and checks[-1].result is Result.OK:
            checks.append(
                Check(
                    "certificate authority",
                    Result.WARNING,
                    "there is a certificate for trying things out (--dev-tls) in this home",
                    "Peers do not trust it; use --tls-cert and --tls-key, or a proxy, for real.",
                )
            )
        checks += await _documents(node, http, ca_pem)
        return checks
    finally:
        await http.aclose()


async def _get(http: PeerHttp, url: str, ca_pem: str | None) -> Answer:
    return await http.send(
        Call(
            "GET",
            url,
            frozenset({origin_of(url)}),
            ca_pem=ca_pem,
            attempts=1,
            max_bytes=DOCUMENT_BYTES,
        )
    )


def _unreachable(url: str, error: NodeError) -> Check:
    hint = error.hint or (
        "Check that the name resolves, that the port is open from outside, and that what answers "
        "there is this node; see docs/how-to/reverse-proxy.md."
    )
    if isinstance(error, UnreachableError) and "CERTIFICATE_VERIFY_FAILED" in error.message:
        hint = (
            "Peers will refuse this certificate: its name or its authority is wrong. If the "
            "authority is your own, name its file in UNDERSEAL_CA_FILE here and at your peers."
        )
    return Check("address", Result.PROBLEM, f"{url} cannot be called: {error.message}", hint)


def _health(url: str, answer: Answer) -> Check:
    if answer.status == HTTP_OK:
        return Check("address", Result.OK, f"{url} answers")
    return Check(
        "address",
        Result.PROBLEM,
        f"{url}/health answers {answer.status}, expected 200",
        "Something else than this node is there, or a proxy changes the path.",
    )


def _clock(node: Node, answer: Answer) -> Check:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return Check("clock", Result.WARNING, "the answer has no date to compare clocks with")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    seconds = abs((node.now() - theirs).total_seconds())
    if seconds > SKEW_SECONDS:
        return Check(
            "clock",
            Result.WARNING,
            f"the clocks of this machine and of what answers differ by {seconds:.0f} seconds",
            "Set both by NTP: tokens and signatures carry the time.",
        )
    return Check("clock", Result.OK, "the clock agrees with what answers at the address")


async def _certificate(node: Node, url: str, ca_pem: str | None) -> Check:
    try:
        end = await certificate_end(node.settings, url, ca_pem)
    except (OSError, NodeError) as error:
        return Check("certificate", Result.PROBLEM, f"the certificate cannot be read: {error}")
    days = (end - node.now()).days
    message = f"the certificate is valid until {end:%Y-%m-%d}, for {days} days"
    if days < CERTIFICATE_DAYS:
        return Check("certificate", Result.WARNING, message, "Renew it, then restart the node.")
    return Check("certificate", Result.OK, message)


async def _documents(node: Node, http: PeerHttp, ca_pem: str | None) -> list[Check]:
    """What peers pin when they add this node."""
    url = node.identity.url
    discovery = await _document(http, f"{url}/.well-known/openid-configuration", ca_pem)
    expected = f"{url}/auth/token"
    checks = []
    if isinstance(discovery, str):
        checks.append(Check("discovery", Result.PROBLEM, discovery, _PROXY))
    elif discovery.get("token_endpoint") != expected:
        found = str(discovery.get("token_endpoint"))[:200]
        message = f"discovery names the token endpoint {found!r}, expected {expected!r}"
        checks.append(Check("discovery", Result.PROBLEM, message, _PROXY))
    else:
        checks.append(Check("discovery", Result.OK, f"peers find the token endpoint {expected}"))
    keys = await _document(http, f"{url}/.well-known/jwks.json", ca_pem)
    if isinstance(keys, str):
        checks.append(Check("keys", Result.PROBLEM, keys, _PROXY))
    elif keys != json.loads(json.dumps(node.public_keys.to_jwks())):
        message = "the keys shown at the address are not those of this node"
        checks.append(Check("keys", Result.PROBLEM, message, "Another node answers there."))
    else:
        checks.append(Check("keys", Result.OK, "peers see the keys that this node signs with"))
    return checks


_PROXY = "See docs/how-to/reverse-proxy.md if a proxy is in front."


async def _document(http: PeerHttp, url: str, ca_pem: str | None) -> Mapping[str, Any] | str:
    """A JSON object, or a sentence that says why there is none."""
    try:
        answer = await _get(http, url, ca_pem)
        if answer.status != HTTP_OK:
            return f"{url} answers {answer.status}, expected 200"
        document = loads(answer.body, limits=JsonLimits(max_bytes=DOCUMENT_BYTES))
    except NodeError as error:
        return error.message
    except JsonError as error:
        return f"{url} answers no JSON: {error.message}"
    return document if isinstance(document, Mapping) else f"{url} answers no JSON object"


def _disk(node: Node) -> list[Check]:
    free = shutil.disk_usage(node.home.path).free
    message = f"{free // (1024 * 1024)} MiB are free in {node.home.path}"
    if free < FREE_BYTES:
        hint = "Make room: without it, nothing can be published or received."
        return [Check("disk", Result.PROBLEM, message, hint)]
    return [Check("disk", Result.OK, message)]


def _settings(node: Node) -> list[Check]:
    if not node.settings.allow_private_networks:
        return []
    return [
        Check(
            "private networks",
            Result.WARNING,
            "calls to peers may go to loopback and private addresses",
            "Unset allow_private_networks unless your peers are in one private network with you.",
        )
    ]


def _waiting(session: Session) -> list[Check]:
    counted = {
        name.removeprefix("underseal_"): int(value) for name, _, value in gauges.measure(session)
    }
    checks = [
        Check(name, Result.WARNING, message.format(counted[key]), hint)
        for key, name, message, hint in WAITING
        if counted[key]
    ]
    for peer in peers.listing(session):
        checks += _peer(peer)
    return checks


WAITING = (
    ("alerts", "alerts", "there are {} alerts", "`underseal alert list` shows them."),
    (
        "outbox_dead",
        "outbox",
        "{} events could not be delivered",
        "`underseal outbox list` says why; `underseal outbox retry ID` sends one again.",
    ),
    (
        "outbox_paused",
        "outbox",
        "{} events are paused since this node was restored",
        "`underseal outbox list` shows them; `underseal outbox retry ID` sends one.",
    ),
    (
        "requests_waiting",
        "requests",
        "{} requests wait for your answer",
        "`underseal request list --incoming` shows them.",
    ),
)


def _peer(peer: Peer) -> list[Check]:
    if peer.state != PeerState.ACTIVE:
        return []
    name = f"peer {peer.name}"
    checks = []
    if peer.pending_token_endpoint is not None:
        message = f"its token endpoint has moved to {peer.pending_token_endpoint}"
        hint = f"Ask {peer.name}, then `underseal peer set {peer.name} --confirm-endpoint`."
        checks.append(Check(name, Result.PROBLEM, message, hint))
    if peer.pending_key_set is not None:
        hint = f"Ask {peer.name}, then `underseal peer set {peer.name} --confirm-keys`."
        checks.append(Check(name, Result.PROBLEM, "it shows other keys than before", hint))
    if peer.base_url is not None and peer.client_secret_encrypted is None:
        message = "it has a URL, and we hold no credentials for it"
        hint = f"`underseal peer set {peer.name} --client-id ID --client-secret-file FILE`."
        checks.append(Check(name, Result.WARNING, message, hint))
    if peer.base_url is not None and peer.last_contact_at is None:
        hint = "It may be down, or its URL wrong; `underseal pull` tells."
        checks.append(Check(name, Result.WARNING, "it has never been reached", hint))
    return checks
