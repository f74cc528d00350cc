"""The way in: may these figures leave, asked at publication and when granting.

Not on reading: what a grant shows was judged when it was given, and a check at each reading would
tell by its refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from underseal_protocol.disclosure import Block, Level
from underseal_protocol.release.constraints import Shown, Target, build_system
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.knowledge import Peer, joined
from underseal_protocol.release.reduction import reduce_system
from underseal_protocol.release.rules import breaches
from underseal_protocol.release.solver import Reach, unprotected
from underseal_protocol.release.thresholds import DEFAULT, Scope, Thresholds
from underseal_protocol.release.verdict import Leak, Outcome, Reason, Verdict
from underseal_protocol.release.words import reason_of_breach, reason_of_leak

__all__ = ["STRANGER", "judge_grant", "judge_publication"]

# Who is asked about where no peer is declared.
STRANGER = Peer("anybody")
_NARROWER = 1e-6
_SCOPES = tuple(Scope)
_Key: TypeAlias = tuple[str, str, str | None]  # of a target


@dataclass(frozen=True, slots=True)
class _Found:
    reasons: tuple[Reason, ...]
    leaks: tuple[Leak, ...]


def judge_grant(
    exposure: Exposure,
    wanted: Level,
    peer: Peer,
    ledger: Sequence[Release],
    peers: Iterable[Peer] = (),
    thresholds: Thresholds = DEFAULT,
) -> Verdict:
    """May a peer read a published footprint at a level? If not, at which lower one?

    Args:
        exposure: of the footprint, with the digits that it was published with.
        wanted: the level.
        peer: who is to read it.
        ledger: everything that was released before, to anybody, the oldest first.
        peers: those that are declared, for the legal groups and what their members know.
        thresholds: the settings.

    Raises:
        ReleaseError: it is too large to judge.
    """
    judge = _Judge(peer, ledger, peers, thresholds)
    first: _Found | None = None
    for level in _from(wanted):
        found = judge.found(exposure, level, in_full=first is None)
        first = found if first is None else first
        if not found.reasons:
            outcome = Outcome.RELEASE if level is wanted else Outcome.FEWER_BLOCKS
            return Verdict(outcome, wanted, level, exposure.digits, first.reasons, first.leaks)
    reasons, leaks = (first.reasons, first.leaks) if first else ((), ())
    return Verdict(Outcome.STOP, wanted, None, exposure.digits, reasons, leaks)


def judge_publication(
    exposure_at: Callable[[int], Exposure],
    wanted: Level,
    peers: Sequence[Peer],
    ledger: Sequence[Release],
    thresholds: Thresholds = DEFAULT,
) -> Verdict:
    """May a footprint be published, and with how many digits? Asked against the worst peer.

    Fewer blocks go before fewer digits: blocks are withheld from those who could use them, digits
    from everybody. Digits are fixed here, for all peers alike, and never again.

    Args:
        exposure_at: the exposure with so many significant digits (`reading.exposure_of`).
        wanted: the highest level that grants will show it at.
        peers: that are declared; none: somebody who knows nothing.
        ledger: everything that was released before, to anybody, the oldest first.
        thresholds: the settings.

    Raises:
        ReleaseError: it is too large to judge.
    """
    judges = [_Judge(one, ledger, peers, thresholds) for one in peers or (STRANGER,)]
    first: _Found | None = None
    for digits in range(thresholds.digits, thresholds.min_digits - 1, -1):
        exposure = exposure_at(digits)
        for level in _from(wanted):
            in_full = first is None
            found = _worst(judge.found(exposure, level, in_full=in_full) for judge in judges)
            first = found if first is None else first
            if not found.reasons:
                outcome = Outcome.RELEASE if level is wanted else Outcome.FEWER_BLOCKS
                outcome = outcome if digits == thresholds.digits else Outcome.COARSER
                return Verdict(outcome, wanted, level, digits, first.reasons, first.leaks)
        if not all(judge.may_be_coarser(exposure) for judge in judges):
            break
    reasons, leaks = (first.reasons, first.leaks) if first else ((), ())
    return Verdict(Outcome.STOP, wanted, None, thresholds.digits, reasons, leaks)


def _from(wanted: Level) -> list[Level]:
    """The level and all below it."""
    return [level for level in reversed(Level) if level.rank <= wanted.rank]


def _worst(findings: Iterable[_Found]) -> _Found:
    """Of whom most is found."""
    return max(findings, key=lambda one: (len(one.reasons), len(one.leaks)))


class _Judge:
    """What one peer could compute."""

    def __init__(
        self,
        peer: Peer,
        ledger: Sequence[Release],
        peers: Iterable[Peer],
        thresholds: Thresholds,
    ) -> None:
        self._peer, self._thresholds = peer, thresholds
        groups = {one.id: one.legal_group for one in (*peers, peer)}
        members = [one for one in peers if one.legal_group == peer.legal_group]
        self._knowledge = {
            Scope.PEER: peer.knowledge,
            Scope.GROUP: joined([peer.knowledge, *(one.knowledge for one in members)]),
        }
        self._knowledge[Scope.POOLED] = self._knowledge[Scope.GROUP]
        self._coalition = frozenset({peer.legal_group, peer.id})
        self._releases = {
            Scope.PEER: [one for one in ledger if one.peer == peer.id],
            Scope.GROUP: [
                one for one in ledger if groups.get(one.peer, one.peer) == peer.legal_group
            ],
            Scope.POOLED: list(ledger),
        }

    def found(self, exposure: Exposure, level: Level, *, in_full: bool) -> _Found:
        """What speaks against showing a footprint at a level; nothing, if it has no supplier.

        Args:
            exposure: of the footprint.
            level: at which it is to be shown.
            in_full: also what is computed with others' figures where a rule is broken already.
        """
        if not exposure.suppliers - self._coalition:
            return _Found((), ())
        known = self._knowledge[self._thresholds.scope]
        figures = exposure.shown(level.blocks)
        broken = list(breaches(exposure, figures, known, self._coalition, self._thresholds))
        reasons = [reason_of_breach(one, exposure, self._peer.id) for one in broken]
        if reasons and not in_full:
            return _Found(tuple(reasons), ())
        leaks = self._leaks(exposure, frozenset(level.blocks))
        reasons += [reason_of_leak(one, self._peer.id, self._thresholds) for one in leaks]
        return _Found(tuple(dict.fromkeys(reasons)), tuple(leaks))

    def may_be_coarser(self, exposure: Exposure) -> bool:
        """Whether fewer digits could help: the rules do not look at them."""
        known = self._knowledge[self._thresholds.scope]
        figures = exposure.shown(())
        return not any(breaches(exposure, figures, known, self._coalition, self._thresholds))

    def _leaks(self, exposure: Exposure, blocks: frozenset[Block]) -> list[Leak]:
        """What could be computed now and could not before, with the fewest figures that do."""
        allowed = _SCOPES.index(self._thresholds.scope) + 1
        new: dict[_Key, tuple[Reach, Scope]] = {}
        for scope in reversed(_SCOPES[:allowed]):
            now = self._reaches(scope, exposure, blocks)
            if not now:
                break  # and nothing from less
            before = self._reaches(scope, exposure, None)
            for key, reach in now.items():
                if not self._adds_nothing(reach, before.get(key)):
                    new[key] = (new.get(key, (reach, scope))[0], scope)
        if not new:
            return []
        widest = self._thresholds.scope
        unaided = {key[:2] for key in self._reaches(widest, exposure, blocks, known=False)}
        return [
            _leak_of(reach, scope, needs_quantities=key[:2] not in unaided)
            for key, (reach, scope) in new.items()
        ]

    def _adds_nothing(self, now: Reach, before: Reach | None) -> bool:
        """What leaks already, because somebody has answered for it, leaks no further."""
        if before is None:
            return False
        return all(
            _room(end, self._thresholds) >= _room(earlier, self._thresholds) - _NARROWER
            for end, earlier in ((now.low, before.low), (now.high, before.high))
        )

    def _reaches(
        self,
        scope: Scope,
        exposure: Exposure,
        blocks: frozenset[Block] | None,
        *,
        known: bool = True,
    ) -> dict[_Key, Reach]:
        """What can be computed from the ledger and, unless blocks is None, from these blocks.

        Args:
            scope: whose ledger.
            exposure: of the footprint.
            blocks: of it.
            known: the quantities of the bill of materials.
        """
        shown = self._shown(scope, exposure, blocks)
        system = build_system(
            shown,
            self._knowledge[scope],
            self._coalition,
            self._thresholds,
            quantities_known=known,
        )
        found = unprotected(reduce_system(system), self._thresholds.share)
        return {_key(one.target): one for one in found}

    def _shown(self, scope: Scope, exposure: Exposure, blocks: frozenset[Block] | None) -> Shown:
        """What is shown that has to do with the footprint, through sources in common."""
        shown: dict[str, tuple[Exposure, frozenset[Block]]] = {}
        related, size = set(exposure.sources), -1
        while size != len(related):
            size = len(related)
            for one in self._releases[scope]:
                if not related.isdisjoint(one.exposure.sources):
                    related |= one.exposure.sources.keys()
        for one in self._releases[scope]:
            if not related.isdisjoint(one.exposure.sources):
                known = shown.get(one.exposure.footprint)
                more = known[1] if known else frozenset()
                shown[one.exposure.footprint] = (one.exposure, one.blocks | more)
        if blocks is not None:
            known = shown.pop(exposure.footprint, None)
            more = known[1] if known else frozenset()
            shown[exposure.footprint] = (exposure, blocks | more)
        return shown


def _key(target: Target) -> _Key:
    return target.source, target.figure, target.product


def _room(end: float | None, thresholds: Thresholds) -> float:
    """How far from the truth an end is, as far as it matters."""
    share = float(thresholds.share)
    return share if end is None else min(abs(end), share)


def _leak_of(reach: Reach, scope: Scope, *, needs_quantities: bool) -> Leak:
    target = reach.target
    ends = [
        None if one is None else target.value * (1 + Fraction(one))
        for one in (reach.low, reach.high)
    ]
    low, high = ends if target.value > 0 else reversed(ends)
    return Leak(
        target.source,
        target.figure,
        target.product,
        target.value,
        low,
        high,
        scope,
        needs_quantities,
    )
