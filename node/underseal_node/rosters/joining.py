"""Being a member of a roster: applying, joining, and the credential for a footprint.

A membership is as secret as a key: what makes it, and the credential, are encrypted, and leave this
process in no way.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.rosters.partners import require_partner, require_signed_by
from underseal_node.rosters.signing import signed_application
from underseal_node.store import audit, rosters
from underseal_node.store.audit import Act
from underseal_node.store.roster_tables import Joined, JoinedState
from underseal_node.trust.vault import VaultPurpose
from underseal_protocol import base64url
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.membership import Membership, Wish, apply, join
from underseal_protocol.roster.messages import roster_from_json, roster_to_json
from underseal_protocol.roster.roster import Member, Roster
from underseal_protocol.roster.statements import (
    AdmissionStatement,
    ApplicationStatement,
    RosterStatement,
    read_admission,
    read_roster,
)
from underseal_protocol.strict_json import dumps, loads
from underseal_protocol.times import format_time

__all__ = ["apply_to", "header_of", "is_member", "join_by", "membership_for", "membership_in"]


def header_of(roster: Roster) -> str:
    """By which a roster in its epoch is found: the digest of its header and its key, base64url."""
    return base64url.encode(hashlib.sha256(roster.header + roster.key.encode()).digest())


async def apply_to(node: Node, token: str, entity: str, *, instead: bool = False) -> Joined:
    """Apply to a roster; the same application again if there is one.

    Args:
        node: in the role `manage`.
        token: the statement of the roster.
        entity: our legal entity, by an identifier of it.
        instead: in place of an application under another identifier or address, which is void then.

    Raises:
        RefusedError: the issuer is no partner, the epoch has ended, we are a member already, or
            have applied otherwise.
        RosterError: the statement does not hold, or the entity is not in its form.
    """
    shown = read_roster(token)
    roster = shown.roster
    member = Member(node.identity.url, entity)
    node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread

    def work(session: Session) -> Joined:
        _require_other(node, shown)
        peer = require_partner(session, roster.issuer)
        require_signed_by(peer, shown)
        if roster.not_after <= node.now().timestamp():
            raise RefusedError(
                f"that epoch of the roster {roster.name} has ended",
                hint="Ask its issuer for the newest one.",
            )
        known = rosters.membership(session, header_of(roster))
        if known is not None and known.state == JoinedState.JOINED:
            raise RefusedError(
                f"this node is a member of the roster {roster.name} in that epoch already"
            )
        if known is not None and (known.url, known.entity) == (member.url, member.entity):
            return signed_application(session, node, known)
        if known is not None and not instead:
            raise _otherwise(known)
        row = rosters.keep(session, _applied(node, known, roster, member))
        _record(session, node, Act.ROSTER_APPLIED, row, peer.id)
        return row

    return await node.store.write(work)


async def join_by(node: Node, token: str) -> Joined:
    """Become a member by an admission; nothing changes if that has happened.

    Args:
        node: in the role `manage`.
        token: the admission.

    Raises:
        RefusedError: it is for somebody else, or for what we have not applied to.
        RosterError: it does not hold.
    """
    given = read_admission(token)
    roster = given.roster

    def work(session: Session) -> Joined:
        row = rosters.membership(session, header_of(roster))
        if row is None:
            raise RefusedError(
                f"this node has not applied to that epoch of the roster {roster.name}",
                hint="`underseal roster apply` does.",
            )
        if Member(row.url, row.entity) != given.member:
            raise RefusedError(
                f"the admission is for {given.member.entity} ({given.member.url}), and "
                f"{row.entity} ({row.url}) has applied",
                hint="Ask the issuer for the admission of this node.",
            )
        peer = require_partner(session, roster.issuer)
        require_signed_by(peer, given)
        if row.state == JoinedState.APPLIED:
            row.secret, row.state = _joined(node, row, given), JoinedState.JOINED
            row.joined_at = node.now()
            rosters.save(session, row)
            _record(session, node, Act.ROSTER_JOINED, row, peer.id)
        return row

    return await node.store.write(work)


def is_member(session: Session, roster: Roster) -> bool:
    """Whether this node is a member of a roster in its epoch; tells nothing secret."""
    row = rosters.membership(session, header_of(roster))
    return row is not None and row.state == JoinedState.JOINED


def membership_in(session: Session, node: Node, roster: Roster) -> Membership:
    """Our credential in a roster in its epoch.

    Raises:
        RefusedError: there is none.
        VaultError: it cannot be decrypted.
    """
    row = rosters.membership(session, header_of(roster))
    if row is None or row.state != JoinedState.JOINED:
        raise RefusedError(f"this node is no member of the roster {roster.name} in that epoch")
    return _membership(node, row)


def membership_for(session: Session, node: Node, name: str, created: datetime) -> Membership:
    """Our credential for a footprint.

    Args:
        session: reads.
        node: in the role `manage`.
        name: of the roster, or `NAME of URL` where there are several.
        created: when the footprint was created, aware.

    Raises:
        RefusedError: there is none for then, there are several, or the node has moved since.
        VaultError: it cannot be decrypted.
    """
    name, _, issuer = name.partition(" of https://")
    url = f"https://{issuer}".rstrip("/")
    ours = [one for one in rosters.joined(session, name) if not issuer or one.issuer == url]
    found = [one for one in ours if one.not_before <= created < one.not_after]
    if not found:
        epochs = "; ".join(
            f"{format_time(one.not_before)} until before {format_time(one.not_after)}"
            for one in ours
        )
        raise RefusedError(
            f"this node is no member of a roster {name} for footprints created "
            f"{format_time(created)}" + (f", but for {epochs}" if epochs else ""),
            hint="Join that epoch: `underseal roster apply`, or draft the footprint anew.",
        )
    if len({one.issuer for one in found}) > 1:
        raise RefusedError(
            f"this node is a member of several rosters {name}",
            hint=f"Name the issuer, too: `{name} of {found[0].issuer}`.",
        )
    if found[0].url != node.identity.url:
        raise RefusedError(
            f"this node joined the roster {name} as {found[0].url}, and is {node.identity.url} now",
            hint="Join its next epoch under the new address.",
        )
    return _membership(node, found[0])


def _require_other(node: Node, shown: RosterStatement) -> None:
    if shown.roster.issuer in node.urls():
        raise RefusedError(
            "this node keeps that roster itself, and whoever keeps a roster is no member of it"
        )


def _otherwise(known: Joined) -> RefusedError:
    """What has been applied with would be gone, and so would be an admission to it."""
    return RefusedError(
        f"this node has applied to that epoch of the roster {known.name} as {known.entity} "
        f"({known.url})",
        hint="If the issuer has admitted that, join with it: no other application is admitted to "
        "the same epoch. If it has not, add --instead; the first application is void then.",
    )


def _applied(node: Node, known: Joined | None, roster: Roster, member: Member) -> Joined:
    application, wish = apply()
    header = header_of(roster)
    return Joined(
        id=None if known is None else known.id,
        header=header,
        issuer=roster.issuer,
        name=roster.name,
        roster=dumps(roster_to_json(roster)).decode(),
        not_before=_instant(roster.not_before, node),
        not_after=_instant(roster.not_after, node),
        url=member.url,
        entity=member.entity,
        secret=node.vault.seal(
            VaultPurpose.ROSTER, wish.encode(), context=_context(JoinedState.APPLIED, header)
        ),
        statement=ApplicationStatement.issue(
            roster,
            member,
            application,
            key=node.signing_key(KeyPurpose.FOOTPRINT),
            issued_at=node.now(),
        ),
        applied_at=node.now(),
    )


def _joined(node: Node, row: Joined, given: AdmissionStatement) -> bytes:
    """The credential, encrypted."""
    wish = node.vault.open(
        VaultPurpose.ROSTER, row.secret, context=_context(JoinedState.APPLIED, row.header)
    )
    made = join(given.roster, given.member, Wish.decode(wish), given.admission)
    return node.vault.seal(
        VaultPurpose.ROSTER, made.encode(), context=_context(JoinedState.JOINED, row.header)
    )


def _membership(node: Node, row: Joined) -> Membership:
    opened = node.vault.open(
        VaultPurpose.ROSTER, row.secret, context=_context(JoinedState.JOINED, row.header)
    )
    roster = roster_from_json(loads(row.roster))
    return Membership.decode(opened, roster, Member(row.url, row.entity))


def _instant(second: int, node: Node) -> datetime:
    return datetime.fromtimestamp(second, node.now().tzinfo)


def _context(state: JoinedState, header: str) -> str:
    return f"{state} {header}"


def _record(session: Session, node: Node, act: Act, row: Joined, peer_id: int | None) -> None:
    detail = {
        "roster": row.name,
        "issuer": row.issuer,
        "until": format_time(row.not_after),
        "entity": row.entity,
    }
    audit.record(session, act, node.now(), peer_id=peer_id, detail=detail)
