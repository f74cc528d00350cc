"""The way in: may these figures leave, asked at publication and when granting.

Not on reading: what a grant shows was judged when it was given, and a check at each reading would
tell by its refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from json import dumps
from typing import TypeAlias

from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.constraints import Shown, Target, build_system
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.knowledge import Peer, joined
from underseal_protocol.release.reduction import reduce_system
from underseal_protocol.release.rules import Breach, breaches
from underseal_protocol.release.solver import Reach, unprotected
from underseal_protocol.release.thresholds import DEFAULT, Scope, Thresholds
from underseal_protocol.release.verdict import Leak, Outcome, Reason, Verdict
from underseal_protocol.release.words import reason_of_breach, reason_of_leak, stopped

__all__ = ["STRANGER", "judge_grant", "judge_publication"]

# Who is asked about where no peer is declared.
STRANGER = Peer("anybody")
_NARROWER = 1e-6
_SCOPES = tuple(Scope)
_Key: TypeAlias = tuple[str, str, str | None]  # of a target
# Knowledge, coalition, whether quantities are known, digits of the candidate, what is shown.
_Case: TypeAlias = tuple[str, frozenset[str], bool, int, tuple[tuple[str, frozenset[Block]], ...]]


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
    first = judge.found(exposure, wanted)
    if not first.reasons:
        return Verdict(Outcome.RELEASE, wanted, wanted, exposure.digits)
    level = next((one for one in _from(wanted)[1:] if judge.passes(exposure, one)), None)
    outcome = Outcome.STOP if level is None else Outcome.FEWER_BLOCKS
    reasons = stopped(first.reasons) if level is None else first.reasons
    return Verdict(outcome, wanted, level, exposure.digits, reasons, first.leaks)


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
    solved: dict[_Case, _Reaches] = {}
    judges = [_Judge(one, ledger, peers, thresholds, solved) for one in peers or (STRANGER,)]
    exposure = exposure_at(thresholds.digits)
    first = max(
        (judge.found(exposure, wanted) for judge in judges),
        key=lambda one: (len(one.reasons), len(one.leaks)),
    )
    if not first.reasons:
        return Verdict(Outcome.RELEASE, wanted, wanted, thresholds.digits)

    def verdict(outcome: Outcome, level: Level | None, digits: int) -> Verdict:
        reasons = stopped(first.reasons) if level is None else first.reasons
        return Verdict(outcome, wanted, level, digits, reasons, first.leaks)

    if level := _level_at(exposure, wanted, judges):
        return verdict(Outcome.FEWER_BLOCKS, level, thresholds.digits)
    fewest = exposure_at(thresholds.min_digits)
    if all(judge.passes(fewest, Level.TOTAL) for judge in judges):
        for digits in range(thresholds.digits - 1, thresholds.min_digits - 1, -1):
            if level := _level_at(exposure_at(digits), wanted, judges):
                return verdict(Outcome.COARSER, level, digits)
    return verdict(Outcome.STOP, None, thresholds.digits)


def _level_at(exposure: Exposure, wanted: Level, judges: Sequence[_Judge]) -> Level | None:
    """The highest level that no peer can compute anything from."""
    shown: Level | None = None
    for level in reversed(_from(wanted)):
        if not all(judge.passes(exposure, level) for judge in judges):
            break
        shown = level
    return shown


def _from(wanted: Level) -> list[Level]:
    """The level and all below it."""
    return [level for level in reversed(Level) if level.rank <= wanted.rank]


class _Reaches:
    """Found one after the other, as far as somebody asks: one can be enough."""

    def __init__(self, source: Iterator[Reach]) -> None:
        self._source, self._found = source, list[Reach]()

    def __iter__(self) -> Iterator[Reach]:
        number = 0
        while True:
            while number < len(self._found):
                yield self._found[number]
                number += 1
            one = next(self._source, None)
            if one is None:
                return
            self._found.append(one)


class _Judge:
    """What one peer could compute."""

    def __init__(
        self,
        peer: Peer,
        ledger: Sequence[Release],
        peers: Iterable[Peer],
        thresholds: Thresholds,
        solved: dict[_Case, _Reaches] | None = None,
    ) -> None:
        self._peer, self._thresholds = peer, thresholds
        groups = {one.id: one.legal_group for one in (*peers, peer)}
        members = [one for one in peers if one.legal_group == peer.legal_group]
        together = joined([peer.knowledge, *(one.knowledge for one in members)])
        self._knowledge = {
            Scope.PEER: peer.knowledge,
            Scope.GROUP: together,
            Scope.POOLED: together,
        }
        self._coalition = frozenset({peer.legal_group, peer.id})
        self._releases = {
            Scope.PEER: [one for one in ledger if one.peer == peer.id],
            Scope.GROUP: [
                one for one in ledger if groups.get(one.peer, one.peer) == peer.legal_group
            ],
            Scope.POOLED: list(ledger),
        }
        self._links = {one.exposure.footprint: one.exposure.links for one in ledger}
        self._related: dict[tuple[Scope, str], Sequence[Release]] = {}
        self._scopes = self._distinct_scopes()
        # Peers of whom nothing is declared share what was solved.
        self._solved: dict[_Case, _Reaches] = {} if solved is None else solved
        self._knowledge_texts = {
            scope: dumps(one.to_json(), sort_keys=True) for scope, one in self._knowledge.items()
        }

    def passes(self, exposure: Exposure, level: Level) -> bool:
        """Whether nothing speaks against showing a footprint at a level."""
        if not self._is_protected(exposure):
            return True
        if any(True for _ in self._breaches(exposure, level)):
            return False
        blocks = frozenset(level.blocks)
        for scope in self._scopes:
            reaches = self._reaches(scope, exposure, blocks)
            if any(not self._is_old(scope, exposure, one) for one in reaches):
                return False
            if not any(True for _ in reaches):
                break  # and nothing from less
        return True

    def found(self, exposure: Exposure, level: Level) -> _Found:
        """What speaks against showing a footprint at a level."""
        if not self._is_protected(exposure):
            return _Found((), ())
        name = self._peer.id
        leaks = self._leaks(exposure, frozenset(level.blocks))
        reasons = [
            *(reason_of_breach(one, exposure, name) for one in self._breaches(exposure, level)),
            *(reason_of_leak(one, name, self._thresholds) for one in leaks),
        ]
        return _Found(tuple(dict.fromkeys(reasons)), tuple(leaks))

    def _is_protected(self, exposure: Exposure) -> bool:
        """Whether there is a supplier in it, or in what has to do with it: our own part, shown on
        its own, can be subtracted from what was released before."""
        shown = self._shown(self._scopes[0], exposure, frozenset())
        return any(one.suppliers - self._coalition for one, _ in shown.values())

    def _breaches(self, exposure: Exposure, level: Level) -> Iterator[Breach]:
        """Of figures that the peer does not have yet."""
        has = {
            figure.name
            for one in self._releases[Scope.PEER]
            if one.exposure.footprint == exposure.footprint
            for figure in one.exposure.shown(one.blocks)
        }
        figures = [one for one in exposure.shown(level.blocks) if one.name not in has]
        known = self._knowledge[self._thresholds.scope]
        return breaches(exposure, figures, known, self._coalition, self._thresholds)

    def _leaks(self, exposure: Exposure, blocks: frozenset[Block]) -> list[Leak]:
        """What could be computed now and could not before, with the fewest figures that do."""
        new: dict[_Key, tuple[Reach, Scope]] = {}
        for scope in self._scopes:
            for reach in self._new_reaches(scope, exposure, blocks):
                key = _key(reach.target)
                new[key] = (new.get(key, (reach, scope))[0], scope)
        if not new:
            return []
        try:
            found = self._reaches(self._scopes[0], exposure, blocks, known=False)
            unaided = {_key(one.target)[:2] for one in found}
        except ReleaseError:  # it is much larger, and only tells more about what is stopped anyway
            unaided = {key[:2] for key in new}
        return [
            _leak_of(reach, scope, needs_quantities=key[:2] not in unaided)
            for key, (reach, scope) in new.items()
        ]

    def _distinct_scopes(self) -> tuple[Scope, ...]:
        """Those that count, the widest first; without those that add nothing to a narrower one."""
        found: list[Scope] = []
        for scope in _SCOPES[: _SCOPES.index(self._thresholds.scope) + 1]:
            same = found and all(
                part[scope] == part[found[-1]] for part in (self._releases, self._knowledge)
            )
            if not same:
                found.append(scope)
        return tuple(reversed(found))

    def _new_reaches(
        self, scope: Scope, exposure: Exposure, blocks: frozenset[Block]
    ) -> list[Reach]:
        now = self._reaches(scope, exposure, blocks)
        return [one for one in now if not self._is_old(scope, exposure, one)]

    def _is_old(self, scope: Scope, exposure: Exposure, now: Reach) -> bool:
        """What leaks already, because somebody has answered for it, leaks no further."""
        key = _key(now.target)
        earlier_ones = self._reaches(scope, exposure, None)
        before = next((one for one in earlier_ones if _key(one.target) == key), None)
        if before is None:
            return False
        return all(
            _room(end, self._thresholds) >= _room(earlier, self._thresholds) - _NARROWER
            for end, earlier in zip(now.ends, before.ends, strict=True)
        )

    def _reaches(
        self,
        scope: Scope,
        exposure: Exposure,
        blocks: frozenset[Block] | None,
        *,
        known: bool = True,
    ) -> _Reaches:
        """What can be computed from the ledger and, unless blocks is None, from these blocks.

        Args:
            scope: whose ledger.
            exposure: of the footprint.
            blocks: of it.
            known: the quantities of the bill of materials.
        """
        shown = self._shown(scope, exposure, blocks)
        suppliers = frozenset[str]().union(*(one.suppliers for one, _ in shown.values()))
        case = (
            self._knowledge_texts[scope],
            self._coalition & suppliers,
            known,
            0 if blocks is None else exposure.digits,
            tuple((name, shown_blocks) for name, (_, shown_blocks) in shown.items()),
        )
        if case not in self._solved:
            knowledge, thresholds = self._knowledge[scope], self._thresholds
            system = build_system(
                shown, knowledge, self._coalition, thresholds, quantities_known=known
            )
            self._solved[case] = _Reaches(unprotected(reduce_system(system), thresholds.share))
        return self._solved[case]

    def _shown(self, scope: Scope, exposure: Exposure, blocks: frozenset[Block] | None) -> Shown:
        """What is shown that has to do with the footprint, through sources in common."""
        shown: dict[str, tuple[Exposure, frozenset[Block]]] = {}
        for one in self._related_releases(scope, exposure):
            known = shown.get(one.exposure.footprint)
            more = known[1] if known else frozenset()
            shown[one.exposure.footprint] = (one.exposure, one.blocks | more)
        if blocks is not None:
            known = shown.pop(exposure.footprint, None)
            more = known[1] if known else frozenset()
            shown[exposure.footprint] = (exposure, blocks | more)
        return shown

    def _related_releases(self, scope: Scope, exposure: Exposure) -> Sequence[Release]:
        """Those that have to do with a footprint. With other digits they are the same."""
        key = scope, exposure.footprint
        if key not in self._related:
            releases, links = self._releases[scope], self._links
            related, size = set(exposure.links), -1
            while size != len(related):
                size = len(related)
                for one in releases:
                    if not related.isdisjoint(links[one.exposure.footprint]):
                        related |= links[one.exposure.footprint]
            self._related[key] = [
                one for one in releases if not related.isdisjoint(links[one.exposure.footprint])
            ]
        return self._related[key]


def _key(target: Target) -> _Key:
    return target.source, target.figure, target.product


def _room(end: float | None, thresholds: Thresholds) -> float:
    """How far from the truth an end is, as far as it matters."""
    share = float(thresholds.share)
    return share if end is None else min(abs(end), share)


def _leak_of(reach: Reach, scope: Scope, *, needs_quantities: bool) -> Leak:
    target = reach.target
    ends = [None if one is None else target.value * (1 + Fraction(one)) for one in reach.ends]
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
        target.label,
    )
