"""Who has been admitted to a roster before: nobody gets a second credential in an epoch.

A member is known by the addresses of its node, present and former ones, and by its legal entity, in
whichever spelling.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from underseal_node.errors import RefusedError
from underseal_node.exchange.verification import trust_in
from underseal_node.rosters.entities import entity_key
from underseal_node.store.roster_tables import Admitted
from underseal_node.store.tables import Peer
from underseal_protocol.roster.roster import Member

__all__ = ["of_member", "require_new", "require_not_removed", "require_present_address"]


def of_member(rows: Iterable[Admitted], urls: Collection[str], entity: str) -> list[Admitted]:
    """Those of a member, in their order.

    Args:
        rows: admissions.
        urls: of its node.
        entity: its legal entity.
    """
    key = entity_key(entity)
    return [one for one in rows if one.url in urls or entity_key(one.entity) == key]


def require_present_address(peer: Peer, member: Member) -> None:
    """Refuse an application under an address that the node has left.

    Raises:
        RefusedError: it is one.
    """
    if member.url != peer.issuer:
        raise RefusedError(
            f"{peer.name} has moved to {peer.issuer} since it applied as {member.url}",
            hint="Have it apply again.",
        )


def require_new(name: str, rows: Iterable[Admitted], peer: Peer, member: Member) -> None:
    """Refuse whoever has a credential of this epoch.

    Args:
        name: of the roster.
        rows: the admissions of the epoch.
        peer: who applies.
        member: as it applies.

    Raises:
        RefusedError: it has one.
    """
    found = of_member(rows, trust_in(peer).issuers or (), member.entity)
    if found:
        raise RefusedError(
            f"{found[0].entity} ({found[0].url}) has a credential of this epoch of the roster "
            f"{name}, and with two it could endorse its own figures",
            hint="Admit it to the next epoch.",
        )


def require_not_removed(name: str, rows: Sequence[Admitted], peer: Peer, member: Member) -> None:
    """Refuse whoever was removed from a roster and not admitted again since.

    Args:
        name: of the roster.
        rows: all admissions to it, as they were made.
        peer: who applies.
        member: as it applies.

    Raises:
        RefusedError: it was removed.
    """
    key = entity_key(member.entity)
    of_url = {one.url: one for one in rows}  # the newest of each
    of_entity = {entity_key(one.entity): one for one in rows}
    newest = [of_url.get(url) for url in trust_in(peer).issuers or ()]
    for one in (*newest, of_entity.get(key)):
        if one is not None and one.removed_at is not None:
            raise RefusedError(
                f"{one.entity} ({one.url}) was removed from the roster {name}",
                hint="To admit it all the same, add --again.",
            )
