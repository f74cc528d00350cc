"""A peer, as it is shown at the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from underseal_cli import output, tables
from underseal_cli.manage_client import Manage

__all__ = [
    "granted_lines",
    "instant",
    "open_question",
    "print_peer",
    "print_summary",
    "print_words",
    "state_of",
]

SHOWN_CHARACTERS = 100

ASSURANCE = {
    "first-contact": "pinned as found at its address",
    "invitation": "pinned by invitation",
    "confirmed": "confirmed by you",
}


def instant(text: str | None) -> str:
    """An instant to the minute, `never` if there is none."""
    return f"{text[:16].replace('T', ' ')} UTC" if text else "never"


def state_of(peer: dict[str, Any]) -> str:
    """The state of a partnership, with what it waits for."""
    if peer["state"] == "pending":
        return f"pending: {'we' if peer.get('awaits') == 'us' else 'they'} have to approve"
    if peer["state"] == "invited" and peer.get("invitationExpiresAt"):
        return f"invited until {peer['invitationExpiresAt'][:10]}"
    if peer["state"] in ("active", "suspended") and peer.get("endedByPeerAt"):
        paused = "suspended, and " if peer["state"] == "suspended" else ""
        return f"{paused}ended by them: {instant(peer['endedByPeerAt'])}"
    return str(peer["state"])


def print_peer(peer: dict[str, Any]) -> None:
    """Everything about a peer, and warnings on standard error.

    Args:
        peer: as the management API answers; the grants both ways are shown where it has them.
    """
    found = peer.get("fingerprint") or {}
    is_partner = peer["authMethod"] == "private_key_jwt"
    tables.details(
        [
            ("name", peer["name"]),
            ("state", state_of(peer)),
            ("because", _reason(peer)),
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
            ("words of what waits", (peer.get("pendingFingerprint") or {}).get("words")),
            ("our client id there", peer.get("clientId")),
            ("we authenticate by", "our client key" if is_partner else None),
            ("ours ends", (peer.get("clientExpiresAt") or "")[:10] or None),
            ("its client ids here", peer["issuedClientIds"]),
            ("they end", (peer.get("expiresAt") or "")[:10] or None),
            ("unsigned footprints", "usable" if peer["acceptUnsigned"] else "not usable"),
            ("private network", "allowed" if peer["allowPrivateNetwork"] else None),
            ("endorsements for it", _endorsing(peer)),
            *_both_ways(peer),
            ("last contact", instant(peer.get("lastContactAt"))),
            ("last problem", _problem(peer)),
        ]
    )
    output.warn(*(f"Warning: {one}" for one in peer["warnings"]))


def print_summary(peer: dict[str, Any]) -> None:
    """Who a peer is and how it stands with it; `peer show` has the rest."""
    found = peer.get("fingerprint") or {}
    tables.details(
        [
            ("name", peer["name"]),
            ("state", state_of(peer)),
            ("because", _reason(peer)),
            ("company", peer.get("companyName")),
            ("company ids", peer["companyIds"]),
            ("url", peer.get("url")),
            ("its words", found.get("words")),
            ("assurance", ASSURANCE[peer["assurance"]] if found else None),
        ]
    )
    output.warn(*(f"Warning: {one}" for one in peer["warnings"]))


def print_words(manage: Manage, peer: dict[str, Any]) -> None:
    """What both sides read to each other to be sure; nothing where that has been done.

    Args:
        manage: of the own node, which has words, too.
        peer: as the management API answers.
    """
    found = peer.get("fingerprint")
    if found is None or peer["assurance"] == "confirmed":
        return
    own = manage.get("/node")["fingerprint"]["words"]
    output.say(
        "",
        "To be sure that nobody stands between, call a person you know there and compare:",
        f"  their words   {found['words']}",
        f"  our words     {own}",
        f"Then run: underseal peer confirm {shlex.quote(peer['name'])}",
    )


def open_question(peer: dict[str, Any]) -> str:
    """What the operator has to decide about a peer, in a few words."""
    if peer["state"] == "pending" and peer.get("awaits") == "us":
        return "approve or reject it"
    if peer.get("endedByPeerAt"):
        return "; ".join(peer["warnings"])
    if peer.get("pendingTokenEndpoint"):
        return "endpoint has changed: confirm it"
    if peer.get("pendingKeyThumbprints"):
        return "keys have changed: confirm them"
    if peer["state"] == "active" and peer.get("url") and not peer["hasCredentials"]:
        return "no credentials of it"
    failed = _last_failure(peer) if peer["state"] == "active" else None
    return "; ".join([*([failed] if failed else []), *peer["warnings"]])


def _last_failure(peer: dict[str, Any]) -> str | None:
    """Why the last call failed, in one line; `peer show` has all of it."""
    problem = peer.get("lastProblem")
    if not problem:
        return None
    first = str(problem).partition(". ")[0].splitlines()[0]
    if len(first) > SHOWN_CHARACTERS:
        first = first[: SHOWN_CHARACTERS - 1] + "…"
    return f"the last call failed: {first}"


def _reason(peer: dict[str, Any]) -> str | None:
    """Why a peer is in its state: as our operator says, or as it says itself."""
    return peer.get("stateReason") or peer.get("endedByPeerReason")


def _endorsing(peer: dict[str, Any]) -> str | None:
    """What it may have for its sealed sums, where that is not as the settings say."""
    said = [peer["endorse"]] if peer.get("endorse") else []
    if peer.get("endorseNamed") is not None:
        said.append("naming us" if peer["endorseNamed"] else "without naming us")
    return ", ".join(said) or None


def _problem(peer: dict[str, Any]) -> str | None:
    """Why the last call to a peer failed, and when."""
    if not peer.get("lastProblem"):
        return None
    return f"{instant(peer['lastProblemAt'])}: {peer['lastProblem']}"


def _both_ways(peer: dict[str, Any]) -> list[tuple[str, list[str] | str]]:
    """What each side may see at the other; of ours only what the peer has told is known."""
    if "grantedToIt" not in peer:
        return []
    lines: list[tuple[str, list[str] | str]] = [("it may see", granted_lines(peer["grantedToIt"]))]
    told = peer.get("grantedToUs")
    if told is not None:
        as_of = f"as of {instant(peer.get('grantedToUsAt'))}"
        return [*lines, ("we may see", [*granted_lines(told), as_of])]
    if peer["isUnderseal"] and peer["state"] != "invited":
        return [*lines, ("we may see", "not known yet: it is asked with every pull")]
    return lines


def granted_lines(granted: Sequence[dict[str, Any]]) -> list[str]:
    """What a company may see, grant by grant, as the management API answers."""
    return [_granted(one) for one in granted] or ["nothing"]


def _granted(grant: dict[str, Any]) -> str:
    """One grant in one line."""
    what = " ".join(filter(None, (grant["kind"], grant["value"])))
    conditions = {
        "": f"at the level {grant['level']}",
        "from": _bound(grant.get("starts")),
        "until": _bound(grant.get("ends")),
        "for": grant.get("purpose"),
        "terms:": grant.get("terms"),
    }
    parts = [f"{name} {said}".strip() for name, said in conditions.items() if said]
    ended = " (ended)" if grant["state"] == "ended" else ""
    return f"{what} {', '.join(parts)}{ended}"


def _bound(text: str | None) -> str | None:
    return None if text is None else instant(text)
