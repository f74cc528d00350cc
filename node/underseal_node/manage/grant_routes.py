"""Grants: which peer may see what, at which level."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context, ManageContext, RowId
from underseal_node.manage.grant_view import grant_shape
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.peers import (
    EffectShape,
    EffectsInput,
    GrantInput,
    GrantShape,
    ReplaceInput,
)
from underseal_node.products import gate
from underseal_node.store import deliveries, footprints, grants, peers
from underseal_node.store.audit import Act
from underseal_node.store.tables import AccessGrant, KeyKind, Peer, PeerState
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import Level
from underseal_protocol.release.verdict import Acknowledgement
from underseal_protocol.urns import parse_urn

__all__ = ["router"]

router = APIRouter(prefix="/grants")


Wanted = tuple[KeyKind, str]
Made = tuple[AccessGrant, str, str | None]


@router.post("", status_code=201, **RESPONSE)
async def add(context: Context, given: GrantInput) -> Listing[GrantShape]:
    """Let a peer see something."""
    wanted = _wanted(given)
    made = await context.node.store.write(lambda session: _add(session, context, given, wanted))
    return _shown(context, made)


@router.post("/replace", **RESPONSE)
async def replace(context: Context, given: ReplaceInput) -> Listing[GrantShape]:
    """Put a grant in the place of others: all of it, or, if something is refused, nothing."""
    wanted = [] if given.grant is None else _wanted(given.grant)

    def work(session: Session) -> list[Made]:
        peer = None if given.grant is None else peers.by_name(session, given.grant.peer)
        _remove_all(session, context, given.replaced, peer)
        return [] if given.grant is None else _add(session, context, given.grant, wanted)

    return _shown(context, await context.node.store.write(work))


@router.post("/effects", **RESPONSE)
async def effects(context: Context, given: EffectsInput) -> Listing[EffectShape]:
    """What a peer would see if grants went and others came, by the rule that serves it.

    What the release gate would say to it is not asked.
    """
    wanted = [(one, _wanted(one)) for one in given.added]
    ids, now = list(dict.fromkeys(one.lower() for one in given.footprint_ids)), context.node.now()

    def work(session: Session) -> Listing[EffectShape]:
        peer = peers.by_name(session, given.peer)
        for one, _ in wanted:
            if peers.by_name(session, one.peer).id != peer.id:
                raise RefusedError(f"a grant for {one.peer} shows nothing to {peer.name}")
        before = deliveries.levels_of(session, peer.id or 0, ids, now)
        with session.begin_nested() as trial:
            _remove_all(session, context, given.removed, peer)
            for one, each in wanted:
                for kind, value in each:
                    _grant(session, context, peer, one, kind, value, one.level)
            after = deliveries.levels_of(session, peer.id or 0, ids, now)
            trial.rollback()
        return Listing(
            data=[EffectShape(id=one, before=before.get(one), after=after.get(one)) for one in ids]
        )

    return await context.node.store.write(work)


def _add(
    session: Session, context: ManageContext, given: GrantInput, wanted: Sequence[Wanted]
) -> list[Made]:
    """Make grants, as far as the release gate lets them through.

    Raises:
        RefusedError: the peer is gone, or sees as much already.
        ReleaseRefusedError: the release gate refuses.
    """
    said = None
    if given.acknowledge is not None:
        said = Acknowledgement(given.acknowledge, given.consent or "")
    now, peer = context.node.now(), peers.by_name(session, given.peer)
    peers.require_not_removed(peer)
    if peer.state == PeerState.REVOKED:
        raise RefusedError(
            f"the partnership with {peer.name} is revoked, so a grant shows it nothing",
            hint="To begin anew, run `underseal peer remove "
            f"{shlex.quote(peer.name)}` and invite it again.",
        )
    made = []
    for kind, value in wanted:
        if kind is KeyKind.FOOTPRINT:
            value = footprints.row(session, value).id
        allowed = gate.require_grant(
            session, context.node, peer.id or 0, kind, value, given.level, said
        )
        grant = _grant(session, context, peer, given, kind, value, allowed.level)
        if allowed.level is given.level:
            _refuse_less(grant, given)
        warning = _withheld(allowed) or _warning(session, grant, now)
        made.append((grant, peer.name, warning))
    return made


def _grant(
    session: Session,
    context: ManageContext,
    peer: Peer,
    given: GrantInput,
    kind: KeyKind,
    value: str,
    level: Level,
) -> AccessGrant:
    return grants.add(
        session,
        peer.id or 0,
        kind,
        value,
        level,
        context.node.now(),
        starts=_date(given.starts),
        ends=_date(given.ends),
        terms=given.terms,
        purpose=given.purpose,
    )


def _remove_all(
    session: Session, context: ManageContext, numbers: Iterable[int], peer: Peer | None
) -> None:
    """Take grants away.

    Args:
        numbers: of them.
        peer: whose they all have to be; None: of whomever.

    Raises:
        NotFoundError: there is no such grant.
        RefusedError: it is another peer's.
    """
    for number in dict.fromkeys(numbers):
        grant = grants.get(session, number)
        if peer is not None and grant.peer_id != peer.id:
            raise RefusedError(
                f"grant {number} is not one of {peer.name}",
                hint="A grant takes the place of others of the same peer.",
            )
        grants.record(session, Act.GRANT_REMOVED, grant, context.node.now())
        grants.remove(session, number)


def _shown(context: ManageContext, made: Iterable[Made]) -> Listing[GrantShape]:
    now = context.node.now()
    return Listing(data=[grant_shape(now, *one) for one in made])


@router.get("", **RESPONSE)
async def list_grants(context: Context, peer: str | None = None) -> Listing[GrantShape]:
    """Grants, oldest first."""
    rows = await context.node.store.read(
        lambda session: grants.listing(
            session, None if peer is None else peers.by_name(session, peer).name
        )
    )
    now = context.node.now()
    return Listing(data=[grant_shape(now, *row) for row in rows])


@router.delete("/{grant_id}", status_code=204)
async def remove(context: Context, grant_id: RowId) -> Response:
    """Take a grant away."""
    await context.node.store.write(
        lambda session: _remove_all(session, context, [grant_id], peer=None)
    )
    return Response(status_code=204)


def _wanted(given: GrantInput) -> list[Wanted]:
    """Kind and value of each grant to make.

    Raises:
        RefusedError: nothing is named, or in more than one way.
        UrnError: a product id or classification is none.
    """
    named = [
        (KeyKind.PRODUCT, given.product_ids),
        (KeyKind.CLASSIFICATION, given.classifications),
        (KeyKind.FOOTPRINT, given.footprint_ids),
    ]
    if given.everything + sum(bool(values) for _, values in named) != 1:
        raise RefusedError(
            "a grant is of everything, of products, of classifications or of footprints",
            hint="Give exactly one of --all, --product-id, --classification and --footprint.",
        )
    for values in (given.product_ids, given.classifications):
        for value in values:
            parse_urn(value)
    if given.everything:
        return [(KeyKind.ALL, "")]
    return [(kind, value) for kind, values in named for value in values]


def _withheld(allowed: gate.Allowed) -> str | None:
    """What the release gate says to a grant that is given all the same."""
    if not allowed.reasons:
        return None
    return f"given at the level {allowed.level}; the release gate: {' '.join(allowed.reasons)}"


def _refuse_less(grant: AccessGrant, given: GrantInput) -> None:
    """A grant adds; whoever wants to show less, or for less long, has to take one away.

    Raises:
        RefusedError: the peer sees more already, so that the new grant would change nothing.
    """
    is_limited = bool(given.starts or given.ends)
    if is_limited and grant.dates == (None, None) and grant.level == given.level.rank:
        raise RefusedError(
            f"{given.peer} sees this at the level {given.level} already, without limits in time "
            f"(grant {grant.id})",
            hint=f"To limit it, take that one away first (`underseal grant remove {grant.id}`), or "
            f"put this one in its place (`underseal grant add --replace {grant.id}`).",
        )
    if grant.level > given.level.rank:
        raise RefusedError(
            f"{given.peer} sees this at the level {Level.of_rank(grant.level)} already "
            f"(grant {grant.id}), and of several grants the highest counts",
            hint="To show less, take that one away first "
            f"(`underseal grant remove {grant.id}`), or put this one in its place "
            f"(`underseal grant add --replace {grant.id}`).",
        )


def _date(given: datetime | str | None) -> datetime | grants.AsItWas | None:
    if given is None:
        return grants.AS_IT_WAS
    return given if isinstance(given, datetime) else None


def _warning(session: Session, grant: AccessGrant, now: datetime) -> str | None:
    if grant.ends is not None and grant.ends <= utc_text(now):
        return f'it has ended, on {grant.ends[:10]}: --until "" lets it go on'
    if grants.has_footprints(session, KeyKind(grant.kind), grant.value):
        return None
    return "it covers no footprint yet"
