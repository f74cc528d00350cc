"""What a move of this node to another address asks of its operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.store import announcements
from underseal_protocol.did import did_of

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """Of a move.

    Attributes:
        former_url: where the node is now.
        told: the names of the peers that are told by the node itself.
        todo: what the operator has to do, in this order.
    """

    former_url: str
    told: Sequence[str]
    todo: Sequence[str]


async def plan(node: Node, url: str) -> Plan:
    """What a move to this address would mean; changes nothing.

    Raises:
        RefusedError: the node is there already.
    """
    former = node.identity.url
    if former == url:
        raise RefusedError(f"this node is at {url} already")

    def work(session: Session) -> tuple[list[str], list[str]]:
        return announcements.audience(session)

    told, others = await node.store.read(work)
    old, new = urlsplit(former), urlsplit(url)
    todo = []
    if old.hostname != new.hostname:
        todo.append(f"Let the name {new.hostname} lead to this node (DNS).")
        todo.append(f"Give the public listener, or the proxy, a certificate for {new.hostname}.")
    if old.port != new.port:
        todo.append(
            f"Open port {new.port or 443}: start `underseal serve` again with --port, or let the "
            "proxy listen there."
        )
    if old.path != new.path:
        todo.append(f"Let the proxy pass on what is below {new.path or '/'}.")
    todo.append(
        f"Keep {former} leading to this node, too, until every peer has heard of the move: "
        "`underseal outbox list` shows which have not. What was signed there stays valid."
    )
    if others:
        todo.append(f"Tell these peers yourself, because they are not told: {', '.join(others)}.")
    if did_of(former) != did_of(url):
        todo.append(f"Where your DID is written down, it is {did_of(url)} from now on.")
    return Plan(former, told, todo)
