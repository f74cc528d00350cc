"""Whom the reader of a sealed document knows: only their endorsements count.

An invented supplier is refused by this list, not by cryptography: anybody can sign anything about
a supplier that does not exist. So whoever is not in the list is an unknown endorser.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.group import Point2
from underseal_protocol.times import format_time

__all__ = ["KnownNode", "KnownRoster", "Standing", "TrustList"]


class Standing(StrEnum):
    """What an endorser is to the reader."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    OTHER_KEY = "unknown: its key is not one that you have pinned"
    DISPUTED = "unknown: several nodes that you know say that they have its address"


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node that the reader knows.

    Attributes:
        urls: under which it signs; several if it has moved.
        keys: pinned.
        revoked: keys that it has revoked, each with the instant since which it may have been in
            other hands.
    """

    urls: tuple[str, ...]
    keys: PublicKeySet
    revoked: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownRoster:
    """A roster whose issuer the reader trusts to know its members.

    Attributes:
        issuer: the URL of the node that keeps it.
        name: which of its rosters.
        key: pinned.
        revoked: since when the key may have been in other hands, aware; None if it is good.
    """

    issuer: str
    name: str
    key: Point2
    revoked: datetime | None = None


class TrustList:
    """The nodes that the reader of a sealed document knows.

    Nodes say themselves where they are and where they were. So one could say that it has the
    address of another one, and endorse in its name: where several have a URL, only a key counts
    that all of them have.

    Args:
        nodes: each once.
        rosters: each once.
    """

    def __init__(
        self, nodes: Iterable[KnownNode] = (), rosters: Iterable[KnownRoster] = ()
    ) -> None:
        self._by_url: dict[str, list[KnownNode]] = defaultdict(list)
        for node in nodes:
            for url in dict.fromkeys(one.rstrip("/") for one in node.urls):
                self._by_url[url].append(node)
        self._rosters = {(one.issuer, one.name, one.key.encode()): one for one in rosters}

    def knows_roster(self, roster: Roster, time: datetime) -> bool:
        """Whether the reader trusts a roster, whatever its epoch.

        Args:
            roster: of a sealed document.
            time: when the reader got it, aware.

        Raises:
            RosterError: the reader knows its key to be revoked.
        """
        known = self._rosters.get((roster.issuer, roster.name, roster.key.encode()))
        if known is not None and known.revoked is not None and known.revoked <= time:
            raise RosterError(
                f"the key of the roster {roster.name} of {roster.issuer} was revoked on "
                f"{format_time(known.revoked)}",
                hint="Ask the publisher for a newer sealed sum.",
            )
        return known is not None

    def standing(self, url: str, kid: str, time: datetime) -> Standing:
        """What an endorser is.

        Args:
            url: of its node.
            kid: the thumbprint of the key that it has signed with.
            time: when the reader got the document, aware.

        Raises:
            EndorsementError: the node has revoked that key.
        """
        found = {_standing(node, url, kid, time) for node in self._by_url.get(url, ())}
        if len(found) > 1:
            return Standing.DISPUTED
        return found.pop() if found else Standing.UNKNOWN

    def kids_of(self, urls: Iterable[str]) -> frozenset[str]:
        """The thumbprints of all keys of nodes, revoked ones too: they were theirs."""
        nodes = [node for url in urls for node in self._by_url.get(url.rstrip("/"), ())]
        return frozenset(kid for node in nodes for kid in {*node.keys.thumbprints(), *node.revoked})


def _standing(node: KnownNode, url: str, kid: str, time: datetime) -> Standing:
    """What an endorser is to whoever knows this one node of its URL.

    Raises:
        EndorsementError: the node has revoked that key.
    """
    since = node.revoked.get(kid)
    if since is not None and since <= time:
        raise EndorsementError(
            f"{url} has revoked the key {kid}, which may have been in other hands since "
            f"{format_time(since)}",
            hint="Ask the publisher for a seal with a new endorsement.",
        )
    if since is not None:
        return Standing.KNOWN
    # Not by its name: another vendor may call a key by the thumbprint of another one.
    pinned = {key.thumbprint() for key in node.keys if _is_of_footprints(key)}
    return Standing.KNOWN if kid in pinned else Standing.OTHER_KEY


def _is_of_footprints(key: PublicKey) -> bool:
    """One that does not say what it is for counts as one."""
    return (key.purpose or KeyPurpose.FOOTPRINT) is KeyPurpose.FOOTPRINT
