"""Trusting a roster: the endorsements of its members count, whoever they are."""

from __future__ import annotations

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.rosters.partners import require_partner, require_signed_by
from underseal_node.store import audit, rosters
from underseal_node.store.audit import Act
from underseal_node.store.roster_tables import TrustedRoster
from underseal_protocol import base64url
from underseal_protocol.roster.statements import RosterStatement, fingerprint, read_roster
from underseal_protocol.seal.group import Point2
from underseal_protocol.seal.trust import KnownRoster

__all__ = ["distrust", "known_rosters", "trust_roster"]


async def trust_roster(node: Node, token: str, compared: str | None = None) -> TrustedRoster:
    """Trust a roster, in every epoch.

    Args:
        node: in the role `manage`.
        token: the statement of the roster.
        compared: the fingerprint of its key, which somebody has compared; without it, the issuer
            has to be a partner, or this node itself.

    Raises:
        RefusedError: the issuer is no partner, the fingerprint is another one, or a roster of this
            name with another key is trusted.
        RosterError: the statement does not hold.
    """
    shown = read_roster(token)
    roster, key = shown.roster, base64url.encode(shown.roster.key.encode())
    if compared is not None and compared != fingerprint(roster.key):
        raise RefusedError(
            f"the key of the roster has the fingerprint {fingerprint(roster.key)}, not {compared}",
            hint="Ask its issuer, by another way than the one by which the file came.",
        )

    def work(session: Session) -> TrustedRoster:
        if compared is None:
            _require_signed(session, node, shown)
        for known in rosters.trusted(session):
            if (known.issuer, known.name) == (roster.issuer, roster.name):
                if known.key == key:
                    return known
                raise RefusedError(
                    f"the roster {roster.name} of {roster.issuer} is trusted with another key",
                    hint="If its issuer confirms the new one, run `underseal roster distrust` "
                    "first.",
                )
        row = TrustedRoster(
            issuer=roster.issuer,
            name=roster.name,
            key=key,
            statement=shown.token,
            trusted_at=node.now(),
        )
        rosters.save(session, row)
        _record(session, node, Act.ROSTER_TRUSTED, row)
        return row

    return await node.store.write(work)


async def distrust(node: Node, name: str, issuer: str | None = None) -> TrustedRoster:
    """Trust a roster no more.

    Args:
        node: in the role `manage`.
        name: of it.
        issuer: the URL of the node that keeps it; needed if several have the name.

    Raises:
        NotFoundError: none of this name is trusted.
        RefusedError: several are.
    """

    def work(session: Session) -> TrustedRoster:
        found = [
            one
            for one in rosters.trusted(session)
            if one.name == name and issuer in (None, one.issuer)
        ]
        if not found:
            raise NotFoundError(
                f"no roster {name} is trusted",
                hint="`underseal roster list` shows those that are.",
            )
        if len(found) > 1:
            raise RefusedError(
                f"several rosters {name} are trusted", hint="Say whose: --issuer URL."
            )
        (row,) = found
        rosters.forget_trusted(session, row)
        _record(session, node, Act.ROSTER_DISTRUSTED, row)
        return row

    return await node.store.write(work)


def known_rosters(session: Session) -> list[KnownRoster]:
    """What sealed sums are judged by."""
    return [
        KnownRoster(one.issuer, one.name, Point2.decode(base64url.decode(one.key)))
        for one in rosters.trusted(session)
    ]


def _require_signed(session: Session, node: Node, shown: RosterStatement) -> None:
    if shown.roster.issuer in node.urls():
        shown.require_signed(node.public_keys, node.urls())
        return
    require_signed_by(require_partner(session, shown.roster.issuer), shown)


def _record(session: Session, node: Node, act: Act, row: TrustedRoster) -> None:
    detail = {"roster": row.name, "issuer": row.issuer}
    audit.record(session, act, node.now(), detail=detail)
