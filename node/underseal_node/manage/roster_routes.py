"""Rosters: keeping one, being a member of one, trusting one."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.rosters import (
    AdmissionInput,
    AdmittedShape,
    ApplicationInput,
    DistrustInput,
    EpochInput,
    EpochShape,
    JoinInput,
    MembershipShape,
    RemovalInput,
    RemovedMemberShape,
    RostersShape,
    TrustedRosterShape,
    TrustInput,
)
from underseal_node.rosters.issuing import admit_member, create_epoch, remove_member, roster_of
from underseal_node.rosters.joining import apply_to, join_by
from underseal_node.rosters.signing import sign_epochs
from underseal_node.rosters.trusting import distrust, trust_roster
from underseal_node.store import rosters
from underseal_node.store.roster_tables import (
    Admitted,
    Joined,
    JoinedState,
    RosterEpoch,
    TrustedRoster,
)
from underseal_protocol.roster.statements import fingerprint, read_application, read_roster

__all__ = ["router"]

router = APIRouter(prefix="/rosters")


@router.get("", **RESPONSE)
async def list_rosters(context: Context) -> RostersShape:
    """Rosters that are kept here, memberships of this node, and rosters that it trusts."""
    await sign_epochs(context.node)
    now = context.node.now()

    def work(session: Session) -> RostersShape:
        members: dict[int, list[Admitted]] = {}
        for one in rosters.all_admitted(session):
            members.setdefault(one.epoch_id, []).append(one)
        return RostersShape(
            kept=[
                _epoch(one, members.get(one.id or 0, []), now)
                for one in rosters.all_epochs(session)
            ],
            memberships=[_membership(one, now) for one in rosters.memberships(session)],
            trusted=[_trusted(one) for one in rosters.trusted(session)],
        )

    return await context.node.store.read(work)


@router.post("", status_code=201, **RESPONSE)
async def create(context: Context, given: EpochInput) -> EpochShape:
    """Begin an epoch of a roster; one that is not there yet is made."""
    made = await create_epoch(
        context.node, given.name, not_before=given.not_before, not_after=given.not_after
    )
    return _epoch(made, [], context.node.now())


@router.post("/admit", **RESPONSE)
async def admit(context: Context, given: AdmissionInput) -> AdmittedShape:
    """Admit whoever has applied; the operator has checked who that is."""
    return _admitted(await admit_member(context.node, given.application, again=given.again))


@router.post("/remove", **RESPONSE)
async def remove(context: Context, given: RemovalInput) -> RemovedMemberShape:
    """Do not admit a member to another epoch."""
    found, epoch = await remove_member(context.node, given.name, given.member)
    return RemovedMemberShape(
        name=epoch.name, member=_admitted(found), endorses_until=epoch.not_after
    )


@router.post("/apply", **RESPONSE)
async def apply(context: Context, given: ApplicationInput) -> MembershipShape:
    """Apply to a roster of a partner."""
    made = await apply_to(context.node, given.roster, given.entity, instead=given.instead)
    return _membership(made, context.node.now())


@router.post("/join", **RESPONSE)
async def join(context: Context, given: JoinInput) -> MembershipShape:
    """Become a member by the admission of the issuer."""
    return _membership(await join_by(context.node, given.admission), context.node.now())


@router.post("/trust", **RESPONSE)
async def trust(context: Context, given: TrustInput) -> TrustedRosterShape:
    """Let endorsements of the members of a roster count, in every epoch."""
    return _trusted(await trust_roster(context.node, given.roster, given.fingerprint))


@router.post("/distrust", **RESPONSE)
async def no_longer_trust(context: Context, given: DistrustInput) -> TrustedRosterShape:
    """Let them count no more."""
    return _trusted(await distrust(context.node, given.name, given.issuer))


def _epoch(row: RosterEpoch, members: list[Admitted], now: datetime) -> EpochShape:
    return EpochShape(
        name=row.name,
        fingerprint=fingerprint(roster_of(row).key),
        not_before=row.not_before,
        not_after=row.not_after,
        is_over=row.not_after <= now,
        members=[_admitted(one) for one in members],
        statement=row.statement,
    )


def _admitted(row: Admitted) -> AdmittedShape:
    return AdmittedShape(
        url=row.url,
        entity=row.entity,
        admitted_at=row.admitted_at,
        removed_at=row.removed_at,
        admission=row.statement,
    )


def _membership(row: Joined, now: datetime) -> MembershipShape:
    return MembershipShape(
        issuer=row.issuer,
        name=row.name,
        fingerprint=fingerprint(read_application(row.statement).roster.key),
        not_before=row.not_before,
        not_after=row.not_after,
        is_over=row.not_after <= now,
        url=row.url,
        entity=row.entity,
        state=JoinedState(row.state),
        applied_at=row.applied_at,
        joined_at=row.joined_at,
        application=row.statement,
    )


def _trusted(row: TrustedRoster) -> TrustedRosterShape:
    return TrustedRosterShape(
        issuer=row.issuer,
        name=row.name,
        fingerprint=fingerprint(read_roster(row.statement).roster.key),
        trusted_at=row.trusted_at,
        statement=row.statement,
    )
