"""The release gate at this node: what may be published and granted, and the ledger of it.

`underseal_protocol.release` judges; here is what it judges by: the settings, what peers are
declared to know, and everything that was released before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products.calculating import Calculation
from underseal_node.products.ledger import Ledger, audience, note_release
from underseal_node.settings import Settings
from underseal_node.store import peers, releases
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseRefusedError
from underseal_protocol.release import gate
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.knowledge import Peer as DeclaredPeer
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.thresholds import Dominance, Policy, Scope, Thresholds
from underseal_protocol.release.verdict import Acknowledgement, Outcome, Verdict, permit

__all__ = [
    "Allowed",
    "Judged",
    "Published",
    "judge_draft",
    "judge_publication",
    "record_publication",
    "require_grant",
    "require_publication",
    "thresholds_of",
]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate says of a publication.

    Attributes:
        verdict: of the gate.
        exposure: of the footprint, with the digits of the verdict.
        audience: key, and level, of each peer whose grants would show it.
        mark: of the ledger, as it was judged with.
        thresholds: by which it was judged.
    """

    verdict: Verdict
    exposure: Exposure
    audience: Mapping[int, Level]
    mark: tuple[int, int]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be granted.

    Attributes:
        level: at most.
        reasons: why it is less than was wanted, or was acknowledged.
    """

    level: Level
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A footprint that is being published.

    Attributes:
        id: of it.
        old_id: of the footprint that it replaces; None if there is none.
        keys: by which grants cover it.
    """

    id: str
    old_id: str | None
    keys: frozenset[tuple[KeyKind, str]]


def thresholds_of(settings: Settings, digits: int) -> Thresholds:
    """The settings of the gate.

    Args:
        settings: of the node.
        digits: significant ones that figures have if nothing speaks against it.
    """
    return Thresholds(
        contributors=settings.release_contributors,
        percent=settings.release_percent,
        dominance=tuple(
            Dominance(int(largest), int(percent))
            for one in filter(None, settings.release_dominance.split(","))
            for largest, percent in [one.split(":")]
        ),
        digits=digits,
        min_digits=min(settings.release_min_digits, digits),
        scope=Scope(settings.release_scope),
        policy=Policy(settings.release_policy),
        max_unknowns=settings.release_max_unknowns,
        max_constraints=settings.release_max_constraints,
    )


def judge_publication(
    session: Session,
    calculation: Calculation,
    footprint_id: str,
    old_id: str | None,
    thresholds: Thresholds,
    keys: Iterable[tuple[KeyKind, str]],
    now: datetime,
) -> Judged:
    """May a calculated footprint be published, and with how many digits?

    Args:
        session: to read.
        calculation: of the footprint.
        footprint_id: that it gets.
        old_id: of the footprint that it replaces: who was granted that, sees this.
        thresholds: of the gate.
        keys: by which grants would cover it.
        now: aware.

    Raises:
        ReleaseError: it is too large to judge.
    """
    calculated = calculation.result.explanation.calculated
    suppliers = _suppliers(session, calculation)

    def stored_at(digits: int) -> Exposure:
        return exposure_of(calculated, footprint_id, digits, suppliers)

    readers = audience(session, {*keys, *_keys_of(old_id)}, now)
    return _judged(session, stored_at, readers, thresholds)


def judge_draft(
    session: Session,
    exposure: Exposure,
    old_id: str | None,
    settings: Settings,
    keys: Iterable[tuple[KeyKind, str]],
    now: datetime,
) -> Judged:
    """May a draft be published? It is fixed, so it cannot become coarser any more.

    Args:
        session: to read.
        exposure: as it was stored with the draft.
        old_id: of the footprint that it replaces.
        settings: of the node.
        keys: by which grants would cover it.
        now: aware.

    Raises:
        ReleaseError: it is too large to judge.
    """
    thresholds = thresholds_of(settings, exposure.digits)
    thresholds = replace(thresholds, min_digits=exposure.digits)
    readers = audience(session, {*keys, *_keys_of(old_id)}, now)
    return _judged(session, lambda _: exposure, readers, thresholds)


def _judged(
    session: Session,
    stored_at: Callable[[int], Exposure],
    levels: Mapping[int, Level],
    thresholds: Thresholds,
) -> Judged:
    """What the gate says of a footprint whose exposure depends on its digits.

    Args:
        levels: of those who would see it, by their keys.
    """
    ledger = Ledger(session)

    def exposure_at(digits: int) -> Exposure:
        return ledger.as_declared(stored_at(digits))

    declared = ledger.declared
    readers = [declared.peers[one] for one in levels]
    wanted = max(levels.values(), key=lambda level: level.rank, default=Level.TOTAL)
    before = ledger.related(exposure_at(thresholds.digits))
    # Who may not see it yet is asked about when it is granted, which then can only withhold or
    # refuse. Digits are fixed here, so whoever is declared counts already; else anybody.
    others = [declared.peers[one] for one in sorted(declared.known_of - levels.keys())]
    later: Verdict | None = None
    if others or not readers:
        later = gate.judge_publication(exposure_at, Level.TOTAL, others, before, thresholds)
        if later.outcome is Outcome.COARSER:
            thresholds = replace(thresholds, digits=later.digits)
    verdict = Verdict(Outcome.RELEASE, wanted, wanted, thresholds.digits)
    if readers:
        verdict = gate.judge_publication(exposure_at, wanted, readers, before, thresholds)
    if later is not None and verdict.protects:
        is_coarser = later.outcome is Outcome.COARSER
        outcome = Outcome.COARSER if is_coarser else Outcome.RELEASE
        verdict = replace(verdict, outcome=outcome, reasons=later.reasons, leaks=later.leaks)
    return Judged(verdict, stored_at(verdict.digits), levels, releases.mark(session), thresholds)


def _keys_of(footprint_id: str | None) -> list[tuple[KeyKind, str]]:
    return [] if footprint_id is None else [(KeyKind.FOOTPRINT, footprint_id)]


def require_publication(judged: Judged, acknowledgement: Acknowledgement | None) -> None:
    """Refuse a publication that would tell a supplier's number.

    Raises:
        ReleaseRefusedError: it would, and nobody has answered for it.
        ReleaseError: the acknowledgement has no reason or no consent.
    """
    verdict = judged.verdict
    level = _permitted(verdict, judged.thresholds, acknowledgement)
    if level.rank < verdict.wanted.rank:
        reasons = " ".join(_sentences(verdict))
        raise ReleaseRefusedError(
            f"grants would show it at the level {verdict.wanted}, and only {level} is safe: "
            f"{reasons}",
            hint=f"Remove these grants and grant the level {level}, or acknowledge it.",
        )


def record_publication(
    session: Session,
    judged: Judged,
    published: Published,
    now: datetime,
    acknowledgement: Acknowledgement | None,
) -> None:
    """Put into the ledger what a published footprint tells, and whom.

    Raises:
        RefusedError: other peers would see it than those that it was judged for, or something else
            was released meanwhile.
    """
    keys = {*published.keys, *_keys_of(published.old_id)}
    if audience(session, keys, now) != judged.audience or releases.mark(session) != judged.mark:
        raise RefusedError("grants or releases have changed meanwhile", hint="Try again.")
    exposure = replace(judged.exposure, footprint=published.id)
    releases.add_exposure(session, published.id, json.dumps(exposure.to_json()))
    said = None if judged.verdict.protects else acknowledgement
    for peer_id, level in judged.audience.items():
        note_release(session, peer_id, published.id, level, now, said)


def require_grant(
    session: Session,
    node: Node,
    peer_id: int,
    kind: KeyKind,
    value: str,
    level: Level,
    acknowledgement: Acknowledgement | None = None,
) -> Allowed:
    """The level at which something may be granted; what it shows is put into the ledger.

    Args:
        session: to write.
        node: whose footprints they are.
        peer_id: who is to see them.
        kind: of the grant.
        value: of the grant.
        level: that is wanted.
        acknowledgement: of the operator.

    Raises:
        ReleaseRefusedError: the peer could compute a supplier's number even at the lowest level.
        ReleaseError: it is too large to judge.
    """
    ids = releases.covered(session, kind, value)
    if not ids:
        return Allowed(level)
    now, ledger = node.now(), Ledger(session)
    exposures = [ledger.exposures[one] for one in ids]
    allowed, reasons, is_protected = _judged_together(
        ledger, node.settings, exposures, level, ledger.declared.peers[peer_id], acknowledgement
    )
    said = None if is_protected else acknowledgement
    for footprint_id in ids:
        note_release(session, peer_id, footprint_id, allowed, now, said)
    return Allowed(allowed, tuple(dict.fromkeys(reasons)))


def _judged_together(
    ledger: Ledger,
    settings: Settings,
    exposures: Sequence[Exposure],
    wanted: Level,
    peer: DeclaredPeer,
    acknowledgement: Acknowledgement | None,
) -> tuple[Level, list[str], bool]:
    """The level at which a peer may read all of these: each is judged with the ones before, because
    together they may tell more. If one may be read at a lower level only, all begin anew.

    Returns:
        the level, what was said against the one that was wanted, and whether nothing was.

    Raises:
        ReleaseRefusedError: there is none.
    """
    allowed, reasons, is_protected = wanted, list[str](), True
    declared = tuple(ledger.declared.peers.values())
    before = {one.footprint: ledger.related(one) for one in exposures}
    while True:
        given: list[Release] = []
        for exposure in exposures:
            known = [*before[exposure.footprint], *given]
            thresholds = thresholds_of(settings, exposure.digits)
            verdict = gate.judge_grant(exposure, allowed, peer, known, declared, thresholds)
            reasons += _sentences(verdict)
            is_protected = is_protected and verdict.protects
            at = _permitted(verdict, thresholds, acknowledgement)
            if at.rank < allowed.rank:
                allowed = at
                break
            given.append(Release(peer.id, frozenset(allowed.blocks), exposure))
        else:
            return allowed, reasons, is_protected


def _permitted(
    verdict: Verdict, thresholds: Thresholds, acknowledgement: Acknowledgement | None
) -> Level:
    """The level at which something may leave.

    Raises:
        ReleaseRefusedError: none; with what the operator can do.
    """
    try:
        level, _ = permit(verdict, thresholds, acknowledgement)
    except ReleaseRefusedError as error:
        if thresholds.policy is Policy.STRICT:
            raise
        how = "With the consent of the supplier: --acknowledge REASON --consent REFERENCE."
        raise ReleaseRefusedError(error.message, hint=f"{error.hint or ''} {how}".strip()) from None
    return level


def _suppliers(session: Session, calculation: Calculation) -> dict[str, str]:
    """The key of each supplier as a peer, by the id of its footprint: groups may be declared, and
    names changed, long after."""
    used = calculation.bill.used.footprints
    keys = {peer.name: str(peer.id) for peer in peers.listing(session)}
    return {footprint_id: keys.get(one.peer, one.peer) for footprint_id, one in used.items()}


def _sentences(verdict: Verdict) -> Sequence[str]:
    """Why, each sentence once."""
    return list(dict.fromkeys(one.text for one in verdict.reasons))
