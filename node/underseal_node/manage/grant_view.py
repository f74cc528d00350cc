"""Grants as they are shown to the operator: those we gave, and those we were given."""

from __future__ import annotations

from datetime import datetime

from underseal_node.manage.shapes.peers import GrantedShape, GrantShape, GrantState
from underseal_node.store.tables import AccessGrant, KeyKind
from underseal_node.store.types import from_utc_text
from underseal_protocol.disclosure import GrantLevel, Level
from underseal_protocol.usage_terms import GrantedToUs

__all__ = ["grant_shape", "granted_to_us_shape"]


def grant_shape(
    now: datetime, grant: AccessGrant, peer: str, warning: str | None = None
) -> GrantShape:
    """A grant that we gave.

    Args:
        now: aware; decides the state.
        grant: as it is stored.
        peer: its name.
        warning: a sentence about it.
    """
    is_sealed = grant.kind == KeyKind.SEALED
    starts = None if grant.starts is None else from_utc_text(grant.starts)
    ends = None if grant.ends is None else from_utc_text(grant.ends)
    return GrantShape(
        id=grant.id or 0,
        peer=peer,
        kind=KeyKind.FOOTPRINT if is_sealed else grant.kind,
        value=grant.shown_value or grant.value,
        level=GrantLevel.SEALED if is_sealed else GrantLevel(Level.of_rank(grant.level)),
        state=_state(now, starts, ends),
        starts=starts,
        ends=ends,
        terms=grant.terms,
        purpose=grant.purpose,
        created_at=grant.created_at,
        warning=warning,
    )


def granted_to_us_shape(now: datetime, grant: GrantedToUs) -> GrantedShape:
    """A grant that we were given.

    Args:
        now: aware; decides the state.
        grant: as the peer told it.
    """
    return GrantedShape(
        kind=grant.kind,
        value=grant.value,
        level=GrantLevel(grant.level),
        state=_state(now, grant.starts, grant.ends),
        starts=grant.starts,
        ends=grant.ends,
        terms=grant.terms,
        purpose=grant.purpose,
    )


def _state(now: datetime, starts: datetime | None, ends: datetime | None) -> GrantState:
    if ends is not None and ends <= now:
        return GrantState.ENDED
    if starts is not None and starts > now:
        return GrantState.FUTURE
    return GrantState.ACTIVE
