"""Pages about own footprints that leave on paper or as a PDF: no grant covers them, and nobody can
take them back. The release gate judges them as if their reader were granted what they show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products.gate import thresholds_of
from underseal_node.products.ledger import Ledger
from underseal_node.store import audit, footprints, peers, releases
from underseal_node.store.audit import Act
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseRefusedError
from underseal_protocol.release import gate
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.release.verdict import Acknowledgement, Verdict, permit

__all__ = ["Page", "judge_page", "record_page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is to leave.

    Attributes:
        footprint_id: of the own footprint that it is about.
        level: as whose blocks it shows.
        peer: name of the peer that gets it; `None`: somebody else.
        reader: who that is, in words of the operator; may be empty for a peer.
    """

    footprint_id: str
    level: Level
    peer: str | None = None
    reader: str = ""


def judge_page(session: Session, node: Node, page: Page) -> Verdict | None:
    """What the release gate says; `None`: the footprint was not calculated from those of suppliers,
    so there is nothing to protect.

    Args:
        session: to read.
        node: whose footprint it is.
        page: that is to leave.

    Raises:
        NotFoundError: there is no such footprint, or peer.
        ReleaseError: it is too large to judge.
    """
    footprints.row(session, page.footprint_id)
    judged = _judged(session, node, page)
    return None if judged is None else judged[0]


def record_page(
    session: Session, node: Node, page: Page, said: Acknowledgement | None
) -> Verdict | None:
    """Let a page leave: it gets into the audit log, and what it shows into the ledger of releases.

    Paper may come to anybody's eyes: what is given to somebody who is no peer counts as told to all
    of them.

    Args:
        session: to write.
        node: whose footprint it is.
        page: that leaves.
        said: by what the operator answers for it, if anything.

    Returns:
        what the release gate says, as in `judge_page`.

    Raises:
        NotFoundError: there is no such footprint, or peer.
        RefusedError: nobody is named who gets it.
        ReleaseRefusedError: its reader could compute a supplier's number, and nobody answers for
            it.
        ReleaseError: it is too large to judge, or the acknowledgement is not complete.
    """
    if page.peer is None and not page.reader.strip():
        raise RefusedError(
            "it is not said who gets the page", hint="Name a partner, or say in words who it is."
        )
    row, now = footprints.row(session, page.footprint_id), node.now()
    judged = _judged(session, node, page)
    verdict = None if judged is None else judged[0]
    answered = None if verdict is None or verdict.protects else said
    why = {} if answered is None else {"reason": answered.reason, "consent": answered.consent}
    if judged is not None:
        _require(*judged, said)
        for key in _readers(session, page):
            releases.release(session, key, row.id, page.level, now, **why)
    audit.record(
        session,
        Act.FOOTPRINT_SHARED,
        now,
        peer_id=None if page.peer is None else peers.by_name(session, page.peer).id,
        footprint_ids=[row.id],
        level=page.level,
        detail={
            "reader": page.reader.strip() or None,
            "gate": None if verdict is None else str(verdict.outcome),
            **why,
        },
    )
    return verdict


def _judged(session: Session, node: Node, page: Page) -> tuple[Verdict, Thresholds] | None:
    """The strictest verdict of all who may read the page, and by what it was found."""
    readers = _readers(session, page)
    ledger = Ledger(session)
    exposure = ledger.exposures.get(page.footprint_id.lower())
    if exposure is None:
        return None
    declared, before = ledger.declared, ledger.related(exposure)
    thresholds = thresholds_of(node.settings, exposure.digits)
    asked = {declared.peers[one].id: declared.peers[one] for one in readers}
    if page.peer is None:
        # Of most peers nothing is known but that they are there, as of anybody.
        told = {one.peer for one in before} | {declared.peers[one].id for one in declared.known_of}
        asked = {name: one for name, one in asked.items() if name in told}
        asked[gate.STRANGER.id] = gate.STRANGER
    everybody = tuple(declared.peers.values())
    verdicts = [
        gate.judge_grant(exposure, page.level, one, before, everybody, thresholds)
        for one in asked.values()
    ]
    return min(verdicts, key=_strictness), thresholds


def _strictness(verdict: Verdict) -> tuple[int, int]:
    return (-1 if verdict.level is None else verdict.level.rank, -len(verdict.reasons))


def _readers(session: Session, page: Page) -> Mapping[int, Peer]:
    """The peers that may read a page, by their keys."""
    found = [peers.by_name(session, page.peer)] if page.peer else peers.listing(session)
    if page.peer is None:
        found = [one for one in found if one.state != PeerState.REVOKED and not one.removed_at]
    return {one.id or 0: one for one in found}


def _require(verdict: Verdict, thresholds: Thresholds, said: Acknowledgement | None) -> None:
    """Refuse what may not leave as it is: paper has one level.

    Raises:
        ReleaseRefusedError: it may not.
        ReleaseError: the acknowledgement has no reason or no consent.
    """
    level, _ = permit(verdict, thresholds, said)
    if level.rank < verdict.wanted.rank:
        why = " ".join(dict.fromkeys(one.text for one in verdict.reasons))
        raise ReleaseRefusedError(
            f"the page would show the level {verdict.wanted}, and only {level} is safe: {why}",
            hint=f"Give away the level {level}, or name the consent of the supplier.",
        )
