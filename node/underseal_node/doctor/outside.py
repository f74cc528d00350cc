"""The node as its peers see it.

The public address is called over the network like any peer calls it, by name, with TLS and without
special trust, except for the certificate that `--dev-tls` made.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from underseal_node.doctor.checks import Check, Result, ok, problem, warning
from underseal_node.errors import NodeError
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.http import Answer, Call, PeerHttp
from underseal_node.exchange.peer_certificate import certificate_end
from underseal_node.node import Node
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["look_from_outside"]

DOCUMENT_BYTES = 256 * 1024
SKEW_SECONDS = 30.0
CERTIFICATE_DAYS = 21
HTTP_OK = 200
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/.well-known/jwks.json"

PROXY = "See docs/how-to/reverse-proxy.md if a proxy is in front."
TUNNEL = (
    "What answers there does not reach this node: is the tunnel up, and does it lead to the port "
    "of `underseal serve`? See docs/how-to/without-a-public-address.md."
)
HINTS = {
    400: f"A trusted proxy says that it was reached over plain HTTP. {PROXY}",
    404: f"A proxy may take the path off the URL, or something else answers there. {PROXY}",
    421: f"The host is not answered for: the proxy has to pass on the Host header. {PROXY}",
    502: TUNNEL,
    503: TUNNEL,
    504: TUNNEL,
}


async def look_from_outside(node: Node, http: PeerHttp | None = None) -> list[Check]:
    """Call the public address by its name.

    Args:
        node: whose address.
        http: makes the calls.
    """
    authority = node.home.tls / "development-ca.pem"
    ca_pem = authority.read_text(encoding="ascii") if authority.exists() else None
    # The operator asks about the own address, which may well be a private one.
    used = http or PeerHttp(node.settings.model_copy(update={"allow_private_networks": True}))
    url = node.identity.url
    try:
        try:
            answer = await _get(used, f"{url}/health", ca_pem)
        except NodeError as error:
            return [_unreachable(url, error)]
        return [
            _health(url, answer),
            _clock(node, answer),
            await _certificate(node, ca_pem),
            *await _documents(node, used, ca_pem),
        ]
    finally:
        if http is None:
            await used.aclose()


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
    if "CERTIFICATE_VERIFY_FAILED" in error.message:
        hint = (
            "Peers will refuse this certificate: its name or its authority is wrong. If the "
            "authority is your own, name its file in UNDERSEAL_CA_FILE here and at your peers."
        )
    return problem("address", f"{url} cannot be called: {error.message}", hint)


def _health(url: str, answer: Answer) -> Check:
    if answer.status == HTTP_OK:
        return ok("address", f"{url} answers")
    return problem("address", f"{url}/health {_not_ok(answer)}", HINTS.get(answer.status, PROXY))


def _not_ok(answer: Answer) -> str:
    return f"answers {answer.status}, expected {HTTP_OK}"


def _clock(node: Node, answer: Answer) -> Check:
    ntp = "Set both by NTP: tokens and signatures carry the time."
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return warning("clock", "the answer has no date to compare clocks with", ntp)
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    seconds = abs((node.now() - theirs).total_seconds())
    if seconds > SKEW_SECONDS:
        what = "the clocks of this machine and of what answers at the address"
        return warning("clock", f"{what} differ by {seconds:.0f} seconds", ntp)
    return ok("clock", "the clock agrees with what answers at the address")


async def _certificate(node: Node, ca_pem: str | None) -> Check:
    """As peers see it: without the authority that `--dev-tls` made, if it can be."""
    try:
        return await _lasting(node, None)
    except ssl.SSLCertVerificationError as error:
        if ca_pem is None:
            return _unreadable(error)
    except (OSError, NodeError) as error:
        return _unreadable(error)
    try:
        found = await _lasting(node, ca_pem)
    except (OSError, NodeError) as error:
        return _unreadable(error)
    return Check(
        found.name,
        Result.WARNING,
        f"{found.message}, and was made for trying things out (--dev-tls)",
        "Peers do not trust it; use --tls-cert and --tls-key, or a proxy, for real.",
    )


def _unreadable(error: Exception) -> Check:
    hint = "Peers will not connect. It has to be for the host of the node's URL, and complete."
    return problem("certificate", f"the certificate is not accepted: {error}", hint)


async def _lasting(node: Node, ca_pem: str | None) -> Check:
    end = await certificate_end(node.settings, node.identity.url, ca_pem)
    days = (end - node.now()).days
    message = f"the certificate is valid until {end:%Y-%m-%d}, for {days} days"
    if days < CERTIFICATE_DAYS:
        return warning("certificate", message, "Renew it, then restart the node.")
    return ok("certificate", message)


async def _documents(node: Node, http: PeerHttp, ca_pem: str | None) -> list[Check]:
    """What peers pin when they add this node."""
    url = node.identity.url
    discovery = await _document("discovery", http, f"{url}{DISCOVERY}", ca_pem)
    keys = await _document("keys", http, f"{url}{KEYS}", ca_pem)
    return [
        discovery if isinstance(discovery, Check) else _token_endpoint(url, discovery),
        keys if isinstance(keys, Check) else _keys(node, keys),
    ]


async def _document(
    name: str, http: PeerHttp, url: str, ca_pem: str | None
) -> Mapping[str, Any] | Check:
    """A JSON object, or why there is none."""
    try:
        answer = await _get(http, url, ca_pem)
        if answer.status != HTTP_OK:
            return problem(name, f"{url} {_not_ok(answer)}", HINTS.get(answer.status, PROXY))
        document = loads(answer.body, limits=JsonLimits(max_bytes=DOCUMENT_BYTES))
    except (NodeError, JsonError) as error:
        return problem(name, f"{url} answers no JSON: {error.message}", error.hint or PROXY)
    if not isinstance(document, Mapping):
        return problem(name, f"{url} answers no JSON object", PROXY)
    return document


def _token_endpoint(url: str, discovery: Mapping[str, Any]) -> Check:
    expected = f"{url}/auth/token"
    found = discovery.get("token_endpoint")
    if found == expected:
        return ok("discovery", f"peers find the token endpoint {expected}")
    return problem(
        "discovery",
        f"discovery names the token endpoint {str(found)[:200]!r}, expected {expected!r}",
        "Another node, or another program, answers at the address.",
    )


def _keys(node: Node, shown: Mapping[str, Any]) -> Check:
    if shown == json.loads(json.dumps(node.public_keys.to_jwks())):
        return ok("keys", "peers see the keys that this node signs with")
    return problem(
        "keys",
        "the keys shown at the address are not those of this node",
        "Another node answers there, or the public listener still runs with older keys: restart.",
    )
