"""What details of audit entries say where the log has a word for it: shown as words of the reader.

Free text, ids, addresses and times stay as the log has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from underseal_node.console.health import ALERTS
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, file_name
from underseal_node.console.seal_words import FIGURES

__all__ = ["REASONS", "VALUES", "WORDS", "value_of"]

REASONS = {
    "no-token": _("there was no access token"),
    "invalid-token": _("the access token is none of this node"),
    "expired-token": _("the time of the access token is over"),
    "access-ended": _("the access token is from before its access was ended or renewed"),
    "suspended": _("the partner is suspended"),
    "access-denied": _("the partner may not do this"),
    "bad-request": _("malformed, or not acceptable"),
    "foreign-source": _("an event in the name of another"),
    "not-found": _("not there"),
    "conflict": _("it contradicts what is known of the partner"),
    "too-large": _("too large"),
    "other-host": _("for another host"),
    "too-many-requests": _("too many calls"),
    "internal-error": _("a fault of this node"),
}
"""Why a call was refused; that of other acts is what somebody has typed."""

MEMBERS = {
    "base_url": _("Address of its API"),
    "auth_url": _("Address of its authentication"),
    "client_id": _("Client id that it issued to us"),
    "client_secret": _("Client secret that it issued to us"),
    "scope": _("Scope (OAuth)"),
    "audience": _("Audience"),
    "resource": _("Resource"),
    "ca_pem": _("Further authorities for its TLS (PEM)"),
    "accept_unsigned": _("Its unsigned footprints can be used"),
    "allow_private_network": _("It may be at a private address"),
    "endorse": _("Endorsements for its sealed sums"),
    "endorse_named": _("whether an endorsement names us"),
}
"""What of a partner was changed, by its name in the log."""

YES, NO = _("yes"), _("no")
VALUES: Mapping[str, Mapping[str, str]] = {
    "answer": {"fulfilled": _("fulfilled"), "rejected": _("rejected")},
    "assurance": {"limited": _("limited"), "reasonable": _("reasonable")},
    "gate": {
        "release": _("lets it out"),
        "fewer blocks": _("lets it out at a lower level"),
        "coarser": _("lets it out with fewer digits"),
        "stop": _("advises against it"),
    },
    "grade": {"origin": _("origin"), "mass": _("mass"), "attested": _("attested")},
    "kind": {
        "all": _("everything"),
        "product": _("product"),
        "classification": _("classification"),
        "footprint": _("footprint"),
        "sealed": _("sealed"),
        **ALERTS,
    },
    "property": FIGURES,
    "rule": {"new": _("new"), "changed": _("changed")},
    "way": {"call": _("by a call"), "file": _("as a file")},
}
"""By name of a detail: its words."""

REFUSED_CALL = "call-refused"
BETWEEN = ", "
WORDS = [
    *((word, text) for words in (*VALUES.values(), REASONS) for word, text in words.items()),
    ("true", YES),
    ("false", NO),
]
"""All words with their texts, to search for; some words are several things."""


def value_of(visit: Visit, act: str, name: str, value: object) -> str:
    """A detail for a reader.

    Args:
        visit: for the language.
        act: of the entry.
        name: of the detail.
        value: as the log has it.
    """
    if isinstance(value, bool):
        return visit.text(YES if value else NO)
    if not isinstance(value, str):
        return json.dumps(value)
    if name == "file":
        return file_name(value)
    if name == "members":
        return BETWEEN.join(_members(visit, value))
    words = REASONS if (act, name) == (REFUSED_CALL, "reason") else VALUES.get(name, {})
    return visit.text(words[value]) if value in words else value


def _members(visit: Visit, names: str) -> Iterator[str]:
    for one in names.split(BETWEEN):
        yield visit.text(MEMBERS[one]) if one in MEMBERS else one
