"""Keeping a roster: its epochs, and who is admitted to each.

One key for each roster, for all of its epochs, so that readers trust it once. An epoch gives one
credential to each legal entity. A member that is removed keeps its credential until the epoch ends:
it can endorse until then, and is not admitted to a later one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.rosters.admissions import (
    of_member,
    require_new,
    require_not_removed,
    require_present_address,
)
from underseal_node.rosters.entities import require_readable
from underseal_node.rosters.partners import require_partner, require_signed_by
from underseal_node.rosters.signing import signed_admission
from underseal_node.store import audit, rosters
from underseal_node.store.audit import Act
from underseal_node.store.roster_tables import Admitted, RosterEpoch, RosterKey
from underseal_node.trust.vault import VaultPurpose
from underseal_protocol.bbs.keys import SecretKey, generate
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.membership import admit
from underseal_protocol.roster.roster import Member, Roster
from underseal_protocol.roster.statements import (
    AdmissionStatement,
    ApplicationStatement,
    RosterStatement,
    read_application,
    read_roster,
)
from underseal_protocol.seal.scalars import Scalar
from underseal_protocol.times import format_time

__all__ = ["admit_member", "create_epoch", "remove_member", "roster_of"]


def roster_of(epoch: RosterEpoch) -> Roster:
    """The roster in an epoch of ours."""
    return read_roster(epoch.statement).roster


async def create_epoch(
    node: Node, name: str, *, not_before: datetime, not_after: datetime
) -> RosterEpoch:
    """Begin an epoch of a roster; of one that is new, make its key.

    Args:
        node: in the role `manage`.
        name: of the roster.
        not_before, not_after: when the footprints are created that members endorse for; aware, in
            whole seconds; the second is exclusive.

    Raises:
        RefusedError: it would overlap with another epoch, or has ended already.
        RosterError: name or times are not in their form.
    """
    signer = node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread
    first, last = not_before.replace(microsecond=0), not_after.replace(microsecond=0)
    if last <= node.now():
        raise RefusedError("the epoch has ended already", hint="Choose a later end.")

    def work(session: Session) -> RosterEpoch:
        key = _key(session, node, name)
        seconds = int(first.timestamp()), int(last.timestamp())
        roster = Roster(node.identity.url, name, key.public_key, *seconds)
        _require_apart(rosters.epochs(session, name), first, last)
        row = RosterEpoch(
            name=name,
            not_before=first,
            not_after=last,
            statement=RosterStatement.issue(roster, key=signer, issued_at=node.now()),
            created_at=node.now(),
        )
        rosters.save(session, row)
        _record(session, node, Act.ROSTER_CREATED, row)
        return row

    return await node.store.write(work)


async def admit_member(node: Node, token: str, *, again: bool = False) -> Admitted:
    """Admit whoever has applied; the same application gets the same admission.

    Args:
        node: in the role `manage`.
        token: the application.
        again: also one that was removed.

    Raises:
        RefusedError: it is for no epoch of ours that goes on, of no partner, of a member that
            was removed, or of one that has a credential of this epoch.
        RosterError: it does not hold.
    """
    asked = read_application(token)
    node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread

    def work(session: Session) -> Admitted:
        rosters.key(session, asked.roster.name)  # whoever admits meanwhile waits
        epoch = _epoch_of(session, node, asked)
        peer = require_partner(session, asked.member.url)
        require_signed_by(peer, asked)
        known = rosters.admitted(session, epoch.id or 0)
        encoded = asked.application.encode()
        for one in known:
            if (one.url, one.entity) == _named(asked.member) and one.application == encoded:
                return signed_admission(session, node, one)
        require_present_address(peer, asked.member)
        if not again:
            every = rosters.all_admitted_to(session, epoch.name)
            require_not_removed(epoch.name, every, peer, asked.member)
        require_new(epoch.name, known, peer, asked.member)
        require_readable(asked.member.entity)
        made = _admitted(session, node, epoch, asked, known)
        _record(session, node, Act.ROSTER_ADMITTED, epoch, made, peer.id)
        return made

    return await node.store.write(work)


async def remove_member(node: Node, name: str, member: str) -> tuple[Admitted, RosterEpoch]:
    """Do not admit a member to another epoch.

    Args:
        node: in the role `manage`.
        name: of the roster.
        member: its URL, or its legal entity.

    Returns:
        its newest admission, and the last epoch in which it endorses.

    Raises:
        NotFoundError: there is no such roster or member.
        RefusedError: it was removed before.
    """

    def work(session: Session) -> tuple[Admitted, RosterEpoch]:
        if rosters.key(session, name) is None:
            raise _unknown(name)
        every = rosters.all_admitted_to(session, name)
        named = [one for one in every if one.url == member.rstrip("/")]
        named = named or of_member(every, (), member)
        if not named:
            raise NotFoundError(
                f"{member} was never admitted to the roster {name}",
                hint=f"`underseal roster show {name!r}` lists its members.",
            )
        found = named[-1]
        if found.removed_at is not None:
            raise RefusedError(f"{member} was removed from the roster {name} before")
        found.removed_at = node.now()
        rosters.save(session, found)
        theirs = {one.epoch_id for one in of_member(every, [found.url], found.entity)}
        last = [one for one in rosters.epochs(session, name) if one.id in theirs][-1]
        _record(session, node, Act.ROSTER_REMOVED, last, found)
        return found, last

    return await node.store.write(work)


def _key(session: Session, node: Node, name: str) -> SecretKey:
    """Of a roster; made if it is new."""
    row = rosters.key(session, name)
    if row is not None:
        opened = node.vault.open(VaultPurpose.ROSTER, row.key, context=_key_context(name))
        return SecretKey(Scalar.decode(opened))
    made = generate()
    sealed = node.vault.seal(VaultPurpose.ROSTER, made.scalar.encode(), context=_key_context(name))
    rosters.save(session, RosterKey(name=name, key=sealed, created_at=node.now()))
    return made


def _admitted(
    session: Session,
    node: Node,
    epoch: RosterEpoch,
    asked: ApplicationStatement,
    known: Sequence[Admitted],
) -> Admitted:
    given = admit(
        _key(session, node, epoch.name),
        asked.roster,
        asked.member,
        asked.application,
        admitted=[Member(one.url, one.entity) for one in known],
    )
    row = Admitted(
        epoch_id=epoch.id or 0,
        url=asked.member.url,
        entity=asked.member.entity,
        application=asked.application.encode(),
        statement=AdmissionStatement.issue(
            asked.roster,
            asked.member,
            given,
            key=node.signing_key(KeyPurpose.FOOTPRINT),
            issued_at=node.now(),
        ),
        admitted_at=node.now(),
    )
    rosters.save(session, row)
    return row


def _epoch_of(session: Session, node: Node, asked: ApplicationStatement) -> RosterEpoch:
    """The epoch that an application is for.

    Raises:
        RefusedError: it is none of ours, or has ended.
    """
    for epoch in rosters.epochs(session, asked.roster.name):
        if roster_of(epoch) == asked.roster:
            if epoch.not_after <= node.now():
                raise RefusedError(
                    f"that epoch of the roster {epoch.name} ended on "
                    f"{format_time(epoch.not_after)}",
                    hint="Send the member the newest one: `underseal roster export`.",
                )
            return epoch
    raise RefusedError(
        f"the application is to a roster {asked.roster.name} of {asked.roster.issuer} that is none "
        "of this node",
        hint="Send the member the roster: `underseal roster export`.",
    )


def _require_apart(known: Sequence[RosterEpoch], first: datetime, last: datetime) -> None:
    for one in known:
        if first < one.not_after and one.not_before < last:
            raise RefusedError(
                f"the roster {one.name} has an epoch from {format_time(one.not_before)} until "
                f"{format_time(one.not_after)}, and epochs do not overlap",
                hint="Begin where the last one ends.",
            )


def _named(member: Member) -> tuple[str, str]:
    return member.url, member.entity


def _key_context(name: str) -> str:
    return f"roster {name}"


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"this node keeps no roster {name}", hint="`underseal roster list` shows those there are."
    )


def _record(
    session: Session,
    node: Node,
    act: Act,
    epoch: RosterEpoch,
    member: Admitted | None = None,
    peer_id: int | None = None,
) -> None:
    detail = {"roster": epoch.name, "until": format_time(epoch.not_after)}
    if member is not None:
        detail |= {"member": member.url, "entity": member.entity}
    audit.record(session, act, node.now(), peer_id=peer_id, detail=detail)
