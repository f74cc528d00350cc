"""Grants: which peer may see what, at which level."""

from __future__ import annotations

import shlex
from datetime import datetime

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context, RowId
from underseal_node.manage.grant_view import grant_shape
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.peers import GrantInput, GrantShape
from underseal_node.products import gate
from underseal_node.sealing.granting import grant_seal
from underseal_node.store import footprints, grants, peers
from underseal_node.store.audit import Act
from underseal_node.store.tables import AccessGrant, KeyKind, Peer, PeerState
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import GrantLevel, Level
from underseal_protocol.release.verdict import Acknowledgement
from underseal_protocol.urns import parse_urn

__all__ = ["router"]

router = APIRouter(prefix="/grants")


@router.post("", status_code=201, **RESPONSE)
async def add(context: Context, given: GrantInput) -> Listing[GrantShape]:
    """Let a peer see something."""
    wanted, level = _wanted(given), given.level.disclosure
    now = context.node.now()
    said = None
    if given.acknowledge is not None:
        said = Acknowledgement(given.acknowledge, given.consent or "")

    def work(session: Session) -> list[tuple[AccessGrant, str, str | None]]:
        peer = peers.by_name(session, given.peer)
        peers.require_not_removed(peer)
        if peer.state == PeerState.REVOKED:
            raise RefusedError(
                f"the partnership with {peer.name} is revoked, so a grant shows it nothing",
                hint="To begin anew, run `underseal peer remove "
                f"{shlex.quote(peer.name)}` and invite it again.",
            )
        if level is None:
            return [_sealed(session, context, peer, value, given) for _, value in wanted]
        made = []
        for kind, value in wanted:
            if kind is KeyKind.FOOTPRINT:
                value = footprints.row(session, value).id
            allowed = gate.require_grant(
                session, context.node, peer.id or 0, kind, value, level, said
            )
            grant = grants.add(
                session,
                peer.id or 0,
                kind,
                value,
                allowed.level,
                now,
                starts=_date(given.starts),
                ends=_date(given.ends),
                terms=given.terms,
                purpose=given.purpose,
            )
            if allowed.level is level:
                _refuse_less(grant, given, level)
            warning = _withheld(allowed) or _warning(session, grant, now)
            made.append((grant, peer.name, warning))
        return made

    return Listing(data=[grant_shape(now, *one) for one in await context.node.store.write(work)])


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
    now = context.node.now()

    def work(session: Session) -> None:
        grants.record(session, Act.GRANT_REMOVED, grants.get(session, grant_id), now)
        grants.remove(session, grant_id)

    await context.node.store.write(work)
    return Response(status_code=204)


def _wanted(given: GrantInput) -> list[tuple[KeyKind, str]]:
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
    if given.level is GrantLevel.SEALED and not given.footprint_ids:
        raise RefusedError(
            "sealed sums are granted one by one", hint="Name footprints, with --footprint."
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


def _sealed(
    session: Session, context: Context, peer: Peer, footprint_id: str, given: GrantInput
) -> tuple[AccessGrant, str, str | None]:
    """A grant of a sealed sum."""
    grant, warning = grant_seal(
        session,
        context.node,
        peer,
        footprint_id,
        starts=_date(given.starts),
        ends=_date(given.ends),
        terms=given.terms,
        purpose=given.purpose,
    )
    return grant, peer.name, warning


def _refuse_less(grant: AccessGrant, given: GrantInput, level: Level) -> None:
    """A grant adds; whoever wants to show less, or for less long, has to take one away.

    Raises:
        RefusedError: the peer sees more already, so that the new grant would change nothing.
    """
    is_limited = bool(given.starts or given.ends)
    if is_limited and grant.dates == (None, None) and grant.level == level.rank:
        raise RefusedError(
            f"{given.peer} sees this at the level {level} already, without limits in time "
            f"(grant {grant.id})",
            hint=f"To limit it, run `underseal grant remove {grant.id}` first.",
        )
    if grant.level > level.rank:
        raise RefusedError(
            f"{given.peer} sees this at the level {Level.of_rank(grant.level)} already "
            f"(grant {grant.id}), and of several grants the highest counts",
            hint=f"To show less, run `underseal grant remove {grant.id}` first.",
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
