"""A peer, as it is shown at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from underseal_cli import output, tables

__all__ = ["open_question", "print_peer", "state_of"]

ASSURANCE = {
    "first-contact": "pinned at first contact",
    "invitation": "pinned by invitation",
    "confirmed": "confirmed by you",
}


def state_of(peer: dict[str, Any]) -> str:
    """The state of a partnership, with what it waits for."""
    if peer["state"] == "pending":
        return f"pending: {'we' if peer.get('awaits') == 'us' else 'they'} have to approve"
    if peer["state"] == "invited" and peer.get("invitationExpiresAt"):
        return f"invited until {peer['invitationExpiresAt'][:10]}"
    return str(peer["state"])


def print_peer(peer: dict[str, Any], *, granted: Sequence[dict[str, Any]] | None = None) -> None:
    """Everything about a peer, and warnings on standard error.

    Args:
        peer: as the management API answers.
        granted: what it may see, where that is wanted.
    """
    found = peer.get("fingerprint") or {}
    is_partner = peer["authMethod"] == "private_key_jwt"
    tables.details(
        [
            ("name", peer["name"]),
            ("state", state_of(peer)),
            ("because", peer.get("stateReason")),
            ("company", peer.get("companyName")),
            ("company ids", peer["companyIds"]),
            ("url", peer.get("url") or "none: it can pull, and is not notified"),
            ("token endpoint", peer.get("tokenEndpoint")),
            ("pinned origin", peer.get("tokenOrigin")),
            ("waits for --confirm-endpoint", peer.get("pendingTokenEndpoint")),
            ("kind", "Underseal node" if peer["isUnderseal"] else None),
            ("its words", found.get("words")),
            ("its fingerprint", found.get("hex")),
            ("assurance", ASSURANCE[peer["assurance"]] if found else None),
            ("pinned keys", peer["keyThumbprints"]),
            ("waits for --confirm-keys", peer.get("pendingKeyThumbprints")),
            ("our client id there", peer.get("clientId")),
            ("we authenticate by", "our client key" if is_partner else None),
            ("ours ends", (peer.get("clientExpiresAt") or "")[:10] or None),
            ("its client ids here", peer["issuedClientIds"]),
            ("they end", (peer.get("expiresAt") or "")[:10] or None),
            ("unsigned footprints", "usable" if peer["acceptUnsigned"] else "not usable"),
            ("private network", "allowed" if peer["allowPrivateNetwork"] else None),
            *([("it may see", _grants(granted))] if granted is not None else []),
            ("last contact", peer.get("lastContactAt") or "never"),
        ]
    )
    output.warn(*(f"Warning: {one}" for one in peer["warnings"]))


def open_question(peer: dict[str, Any]) -> str:
    """What the operator has to decide about a peer, in a few words."""
    if peer["state"] == "pending" and peer.get("awaits") == "us":
        return "approve or reject it"
    if peer.get("pendingTokenEndpoint"):
        return "endpoint has changed: confirm it"
    if peer.get("pendingKeyThumbprints"):
        return "keys have changed: confirm them"
    if peer["state"] == "active" and peer.get("url") and not peer["hasCredentials"]:
        return "no credentials of it"
    return "; ".join(peer["warnings"])


def _grants(granted: Sequence[dict[str, Any]]) -> list[str]:
    if not granted:
        return ["nothing"]
    return [
        " ".join(filter(None, (one["kind"], one["value"], f"at the level {one['level']}")))
        for one in granted
    ]
