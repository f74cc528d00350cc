"""Queries on grants: which peer may see what, at which disclosure level.

What a grant covers is decided by `footprint_key` alone, both for the peer that reads and for the
operator who wants to know whom a publication will be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import audit
from underseal_node.store.audit import Act
from underseal_node.store.batches import batches
from underseal_node.store.database import next_change, to_change
from underseal_node.store.tables import AccessGrant, Footprint, FootprintKey, KeyKind, Peer
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import fold
from underseal_protocol.disclosure import Level

__all__ = [
    "AS_IT_WAS",
    "GRANTABLE",
    "AsItWas",
    "add",
    "covering",
    "get",
    "has_footprints",
    "in_force",
    "inherit",
    "levels_in_force",
    "listing",
    "record",
    "remove",
    "sealed_in_force",
    "withdraw_offered",
]


class AsItWas(Enum):
    """What is said of a date that is left as it is."""

    AS_IT_WAS = "as it was"


AS_IT_WAS: Final = AsItWas.AS_IT_WAS
Date = datetime | AsItWas | None

GRANTABLE = (
    KeyKind.ALL,
    KeyKind.PRODUCT,
    KeyKind.CLASSIFICATION,
    KeyKind.FOOTPRINT,
    KeyKind.SEALED,
)
OF_ONE = (KeyKind.FOOTPRINT, KeyKind.SEALED)


def add(
    session: Session,
    peer_id: int,
    kind: KeyKind,
    value: str,
    level: Level,
    now: datetime,
    *,
    starts: Date = AS_IT_WAS,
    ends: Date = AS_IT_WAS,
    terms: str | None = None,
    purpose: str | None = None,
    invitation_id: str | None = None,
) -> AccessGrant:
    """Let a peer see something. The same grant again, or a lower level without other dates, changes
    nothing; other dates at the same level replace those of a limited grant, and other terms or
    another purpose those it had. What is left out stays as it was.

    Args:
        peer_id: who.
        kind: what `value` is.
        value: a URN or an id; empty for everything.
        level: how much is shown; of a sealed sum, the lowest.
        now: aware.
        starts: from this instant on; `None`: at once, as for a new grant where it is left out.
        ends: before this instant; `None`: until the grant is removed; likewise.
        terms: usage terms, a text or a URL; `None`: as they are, empty: none.
        purpose: what it is given for; likewise.
        invitation_id: of the invitation that offers it; `None`: it is given for itself, and stays
            when an invitation that it came with is withdrawn.

    Returns:
        the grant that is in force: the new one, or one that says as much already.

    Raises:
        RefusedError: nothing can be granted by this kind, or it would end before it starts.
    """
    if kind not in GRANTABLE or bool(value) == (kind is KeyKind.ALL):
        raise RefusedError(f"a grant cannot be made of {kind} {value!r}")
    for known in _same(session, peer_id, kind, value):
        before = known.dates if known.level == level.rank else (None, None)
        dates = _dates(starts, ends, before)
        says_as_much = known.dates in (dates, (None, None))
        if invitation_id is None and known.level >= level.rank:
            known.invitation_id = None
            session.add(known)
        if known.level > level.rank and says_as_much:
            return known
        if known.level == level.rank:
            if _change(session, known, known.dates if says_as_much else dates, terms, purpose):
                record(session, Act.GRANT_CHANGED, known, now)
            return known
    dates = _dates(starts, ends, (None, None))
    grant = AccessGrant(
        peer_id=peer_id,
        kind=kind,
        value=fold(value),
        level=level.rank,
        shown_value=value,
        starts=dates[0],
        ends=dates[1],
        terms=terms or None,
        purpose=purpose or None,
        invitation_id=invitation_id,
        changed=next_change(session),
        created_at=now,
    )
    session.add(grant)
    session.flush()
    record(session, Act.GRANT_ADDED, grant, now)
    return grant


def _dates(
    starts: Date, ends: Date, before: tuple[str | None, str | None]
) -> tuple[str | None, str | None]:
    """Start and end as they are stored.

    Args:
        before: what they were.

    Raises:
        RefusedError: the grant would end before it starts.
    """
    first = before[0] if starts is AS_IT_WAS else None if starts is None else utc_text(starts)
    last = before[1] if ends is AS_IT_WAS else None if ends is None else utc_text(ends)
    if first is not None and last is not None and last <= first:
        raise RefusedError("the grant would end before it starts")
    return first, last


def _change(
    session: Session,
    grant: AccessGrant,
    dates: tuple[str | None, str | None],
    terms: str | None,
    purpose: str | None,
) -> bool:
    """Other dates or terms for a grant. Its peer gets what it covers once more, with the terms.

    Returns:
        whether anything is different now.
    """
    after = (
        *dates,
        grant.terms if terms is None else terms or None,
        grant.purpose if purpose is None else purpose or None,
    )
    if after == (*grant.dates, grant.terms, grant.purpose):
        return False
    grant.starts, grant.ends, grant.terms, grant.purpose = after
    grant.changed = next_change(session)
    session.add(grant)
    session.flush()
    return True


def record(session: Session, act: Act, grant: AccessGrant, now: datetime) -> None:
    """Put what is done with a grant into the audit log."""
    kind = KeyKind(grant.kind)
    audit.record(
        session,
        act,
        now,
        peer_id=grant.peer_id,
        footprint_ids=[grant.value] if kind in OF_ONE else (),
        level=None if kind is KeyKind.SEALED else Level.of_rank(grant.level),
        grants=() if grant.id is None else [grant.id],
        detail={
            "kind": kind,
            "value": grant.shown_value or None,
            "starts": grant.starts,
            "ends": grant.ends,
            "purpose": grant.purpose,
            "terms": grant.terms,
        },
    )


def _same(session: Session, peer_id: int, kind: KeyKind, value: str) -> Sequence[AccessGrant]:
    return session.exec(
        select(AccessGrant)
        .where(
            AccessGrant.peer_id == peer_id,
            AccessGrant.kind == kind,
            AccessGrant.value == fold(value),
        )
        .order_by(col(AccessGrant.level).desc())
    ).all()


def inherit(session: Session, old_id: str, new_id: str, now: datetime) -> None:
    """Whoever was granted a single footprint is granted its successor alike.

    Args:
        old_id: in lower case.
        new_id: in lower case.
        now: aware.
    """
    for grant in session.exec(
        select(AccessGrant).where(
            AccessGrant.kind == KeyKind.FOOTPRINT, AccessGrant.value == old_id
        )
    ).all():
        values = grant.model_dump(exclude={"id"})
        values |= {"value": new_id, "shown_value": new_id, "created_at": now}
        inherited = AccessGrant(**values | {"changed": next_change(session)})
        session.add(inherited)
        session.flush()
        record(session, Act.GRANT_ADDED, inherited, now)


def get(session: Session, grant_id: int) -> AccessGrant:
    """One grant.

    Raises:
        NotFoundError: there is none with this id.
    """
    named = select(AccessGrant).where(AccessGrant.id == grant_id)
    grant = session.exec(to_change(session, named)).first()
    if grant is None:
        raise NotFoundError(f"there is no grant {grant_id}")
    return grant


def listing(session: Session, peer_name: str | None = None) -> Sequence[tuple[AccessGrant, str]]:
    """Grants with the names of their peers, oldest first.

    Args:
        peer_name: only those of this peer.
    """
    statement = select(AccessGrant, Peer.name).join(Peer, col(AccessGrant.peer_id) == Peer.id)
    if peer_name is not None:
        statement = statement.where(Peer.name == peer_name)
    return session.exec(statement.order_by(col(AccessGrant.id))).all()


def remove(session: Session, grant_id: int) -> None:
    """Take a grant away; it has no effect any more from the next request on.

    Raises:
        NotFoundError: there is none with this id.
    """
    session.delete(get(session, grant_id))
    next_change(session)  # pages that are kept in memory are no longer true
    session.flush()


def withdraw_offered(session: Session, peer_id: int, now: datetime) -> None:
    """Take away what a peer was granted with invitations that count no more."""
    offered = select(AccessGrant.id).where(
        AccessGrant.peer_id == peer_id, col(AccessGrant.invitation_id).is_not(None)
    )
    for grant_id in session.exec(offered).all():
        record(session, Act.GRANT_REMOVED, get(session, grant_id or 0), now)
        remove(session, grant_id or 0)


def covering(
    session: Session,
    footprint_ids: Iterable[str],
    now: datetime,
    *,
    lowest: Level = Level.TOTAL,
) -> dict[int, list[str]]:
    """For each peer, which of these own footprints its grants cover at this moment.

    Args:
        footprint_ids: of own footprints, in the order in which they come back.
        now: aware.
        lowest: only grants of this level and above.
    """
    in_force = (col(AccessGrant.level) >= lowest.rank, *_in_force(utc_text(now)))
    of_everything = select(AccessGrant.peer_id).where(AccessGrant.kind == KeyKind.ALL, *in_force)
    # They share one list: there may be a thousand of them, and a hundred thousand footprints.
    everywhere, every = set(session.exec(of_everything)), list[str]()
    found: dict[int, list[str]] = {}
    for part in batches(list(dict.fromkeys(footprint_ids))):
        if everywhere:
            known = set(session.exec(select(Footprint.id).where(col(Footprint.id).in_(part))))
            every += [one for one in part if one in known]
        rows = session.exec(
            select(AccessGrant.peer_id, Footprint.id)
            .join(
                FootprintKey,
                (col(FootprintKey.kind) == AccessGrant.kind)
                & (col(FootprintKey.value) == AccessGrant.value),
            )
            .join(Footprint, col(Footprint.seq) == FootprintKey.seq)
            .where(col(Footprint.id).in_(part), AccessGrant.kind != KeyKind.ALL, *in_force)
        ).all()
        covered: dict[int, set[str]] = {}
        for peer_id, footprint_id in rows:
            if peer_id not in everywhere:
                covered.setdefault(peer_id, set()).add(footprint_id)
        for peer_id, some in covered.items():
            found.setdefault(peer_id, []).extend(one for one in part if one in some)
    if every:
        found |= dict.fromkeys(everywhere, every)
    return found


def has_footprints(session: Session, kind: KeyKind, value: str) -> bool:
    """Whether a grant of this would cover anything that has been published."""
    key = select(FootprintKey.seq).where(
        FootprintKey.kind == kind, FootprintKey.value == fold(value)
    )
    return session.exec(key.limit(1)).first() is not None


def in_force(session: Session, now: datetime) -> list[tuple[int, KeyKind, str]]:
    """Peer, kind and folded value of every grant that is in force."""
    rows = session.exec(
        select(AccessGrant.peer_id, AccessGrant.kind, AccessGrant.value).where(
            *_in_force(utc_text(now))
        )
    ).all()
    return [(peer_id, KeyKind(kind), value) for peer_id, kind, value in rows]


def levels_in_force(session: Session, now: datetime) -> list[tuple[int, KeyKind, str, Level]]:
    """Peer, kind, folded value and level of every grant that is in force or will be."""
    rows = session.exec(
        select(AccessGrant.peer_id, AccessGrant.kind, AccessGrant.value, AccessGrant.level).where(
            or_(col(AccessGrant.ends).is_(None), col(AccessGrant.ends) > utc_text(now))
        )
    ).all()
    return [
        (peer_id, KeyKind(kind), value, Level.of_rank(level))
        for peer_id, kind, value, level in rows
    ]


def sealed_in_force(session: Session, peer_id: int, now: datetime) -> list[str]:
    """The footprints whose sealed sum a peer is granted at this moment."""
    statement = select(AccessGrant.value).where(
        AccessGrant.peer_id == peer_id,
        AccessGrant.kind == KeyKind.SEALED,
        *_in_force(utc_text(now)),
    )
    return list(session.exec(statement))


def _in_force(instant: str) -> tuple[ColumnElement[bool], ...]:
    return (
        or_(col(AccessGrant.starts).is_(None), col(AccessGrant.starts) <= instant),
        or_(col(AccessGrant.ends).is_(None), col(AccessGrant.ends) > instant),
    )
