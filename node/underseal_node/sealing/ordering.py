"""What is to be sealed of a footprint: the order for the prover, and what readers would see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products.gate import judge_draft
from underseal_node.publishing.prepare import of_fixed
from underseal_node.rosters.joining import membership_for
from underseal_node.sealing.asking import context_for, supplied
from underseal_node.sealing.held import Context, Supplied, held_in
from underseal_node.sealing.subject import Subject
from underseal_node.store import attestations, seals
from underseal_protocol.release.coverage import with_coverage
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.verdict import Leak, Verdict
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.roster.mark import mark
from underseal_protocol.roster.membership import Membership
from underseal_protocol.seal.document import COVERAGE_STEPS, RosterUse
from underseal_protocol.seal.endorsement import Endorsement
from underseal_protocol.seal.group import Scalar
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.plan import plan_seal
from underseal_protocol.seal.sealing import (
    EndorsedInput,
    MemberInput,
    Sealable,
    SealOrder,
    sealable,
)
from underseal_protocol.times import parse_time

__all__ = ["Ordered", "Wanted", "membership_of", "order", "require_coverage"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the operator wants a footprint to be sealed.

    Attributes:
        sealed: which figure.
        coverage: in percent, one of `COVERAGE_STEPS`.
        names_factors: whether the emission factors are shown.
        roster: whose members endorse without being named; None: suppliers are named.
    """

    sealed: SealedProperty
    coverage: int = 0
    names_factors: bool = False
    roster: str | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that fits together.

    Attributes:
        subject: the footprint.
        wanted: of the operator.
        order: for the prover.
        used: blindings that were used before.
        suppliers: what all of them have answered.
        sealable: the order, checked.
        exposure: of the footprint with the seal.
    """

    subject: Subject
    wanted: Wanted
    order: SealOrder = field(repr=False)
    used: frozenset[Scalar] = field(repr=False)
    suppliers: tuple[Supplied, ...] = field(repr=False)
    sealable: Sealable = field(repr=False)
    exposure: Exposure = field(repr=False)

    @property
    def has_balance(self) -> bool:
        """Whether a mass balance is part of it."""
        return self.sealable.excess is not None

    @property
    def listed(self) -> list[tuple[Supplied, Endorsement | HiddenEndorsement]]:
        """The suppliers that have endorsed, one for each input of the document."""
        by_commitment = {
            one.held.answer.endorsement.commitment: one
            for one in self.suppliers
            if one.held is not None
        }
        said = [one.endorsement for one in self.sealable.listed]
        return [(by_commitment[one.commitment], one) for one in said]

    @property
    def largest_step(self) -> int:
        """The highest coverage that the numbers allow; the gate may want less."""
        total, covered = self.sealable.total, self.sealable.covered
        if not total.number or not self.sealable.listed:
            return 0
        share = 100 * (covered // total.step)
        return max(step for step in COVERAGE_STEPS if share >= step * total.number)

    @property
    def shows(self) -> dict[str, Any]:
        """What a reader of the sealed document sees, besides what is proven."""
        return {
            "property": self.wanted.sealed.value,
            "coveragePercent": self.wanted.coverage,
            "hasMassBalance": self.has_balance,
            "inputs": [
                {
                    **({"supplier": said.supplier} if isinstance(said, Endorsement) else {}),
                    "peer": supplier.peer,
                    "productName": supplier.product_name,
                    **said.terms.to_json(),
                }
                for supplier, said in self.listed
            ],
            "factors": [
                {
                    "name": one.factor.name,
                    "unit": one.factor.unit,
                    "nanoKgCo2ePerUnit": str(one.factor.value),
                }
                for one in self.sealable.factors
            ],
            **self._roster_shown,
        }

    @property
    def _roster_shown(self) -> dict[str, Any]:
        use = self.sealable.roster
        if use is None or use.mark.member is None:
            return {}
        roster, pseudonyms = use.roster, (one.endorsement.pseudonym for one in self.order.members)
        return {
            "roster": {
                "issuer": roster.issuer,
                "name": roster.name,
                "notBefore": roster.not_before,
                "notAfter": roster.not_after,
                "members": len(set(pseudonyms)),
                "publisherEntity": use.mark.member.entity,
            }
        }


async def order(node: Node, subject: Subject, wanted: Wanted) -> Ordered:
    """Put together what is to be sealed, with what suppliers have endorsed until now.

    Args:
        node: in the role `manage`.
        subject: the footprint.
        wanted: of the operator.

    Raises:
        SealRefusedError: it does not fit together; the message begins with the part.
        RefusedError: the release gate does not let the coverage out, or this node is no member of
            the roster.
        SealNumberError: something is negative or out of range.
    """
    membership = await membership_of(node, subject, wanted)
    roster = None if membership is None else membership.roster
    context = await context_for(node, subject, roster)
    found = await supplied(node, subject, wanted.sealed, context)
    used = await node.store.read(lambda session: _used(session, node, subject.footprint_id))
    use = None
    if membership is not None:
        made_mark = await asyncio.to_thread(mark, membership, context.digest)
        use = RosterUse(membership.roster, made_mark)
    made = _order(subject, wanted, context, found, use)
    checked = sealable(made, used)
    endorsed = [one.footprint_id for one in found if one.is_listed]
    exposure = with_coverage(subject.exposure, wanted.sealed, endorsed, wanted.coverage)
    if wanted.coverage:
        await node.store.read(lambda session: require_coverage(session, node, subject, exposure))
    return Ordered(subject, wanted, made, used, tuple(found), checked, exposure)


async def membership_of(node: Node, subject: Subject, wanted: Wanted) -> Membership | None:
    """Our own credential in the roster that is wanted; None if none is.

    Raises:
        RefusedError: this node is no member of it for this footprint.
    """
    name = wanted.roster
    if name is None:
        return None
    created = parse_time(subject.document["created"])
    return await node.store.read(lambda session: membership_for(session, node, name, created))


def _order(
    subject: Subject,
    wanted: Wanted,
    context: Context,
    found: Sequence[Supplied],
    use: RosterUse | None,
) -> SealOrder:
    result = subject.calculation.result
    factors = [one.id for one in result.explanation.calculated.factors]
    plan = plan_seal(
        result.explanation,
        result.figures,
        wanted.sealed,
        endorsed=[one.footprint_id for one in found if one.is_listed],
        named=factors if wanted.names_factors else (),
    )
    inputs: list[EndorsedInput] = []
    members: list[MemberInput] = []
    for one in found:
        if not one.is_listed or one.held is None or one.footprint_id not in plan.quantities:
            continue
        said, quantity = one.held.answer.endorsement, plan.quantities[one.footprint_id]
        if isinstance(said, HiddenEndorsement):
            members.append(MemberInput(said, one.held.opening, quantity))
        elif one.held.key is not None:
            inputs.append(EndorsedInput(said, one.held.key, one.held.opening, quantity))
    return SealOrder(
        document=subject.document,
        publisher=context.publisher,
        product_id=subject.urn,
        salt=context.salt,
        sealed=wanted.sealed,
        exact=plan.exact,
        inputs=inputs,
        factors=plan.factors,
        own=plan.own,
        coverage=wanted.coverage,
        roster=use,
        members=members,
    )


def _used(session: Session, node: Node, footprint_id: str) -> frozenset[Scalar]:
    """Blindings of endorsements in other seals: with one of them twice, both would tell more."""
    found = (held_in(node.vault, row) for row in seals.given_before(session, footprint_id))
    return frozenset(one.opening.blinding for one in found if one is not None)


def require_coverage(session: Session, node: Node, subject: Subject, exposure: Exposure) -> None:
    """Whether the coverage tells nothing of a supplier that the footprint does not tell already.

    Args:
        session: reads.
        node: whose footprint it is.
        subject: the footprint.
        exposure: of it with the seal.

    Raises:
        RefusedError: it does.
    """
    keys = of_fixed(subject.document, node.now().date()).keys
    old_id = None
    if subject.is_draft:
        old_id = attestations.draft(session, subject.footprint_id).supersedes
    without, with_it = (
        judge_draft(session, one, old_id, node.settings, keys, node.now()).verdict
        for one in (subject.exposure, exposure)
    )
    is_worse = without.protects and not with_it.protects
    if not is_worse and not _tells_more(without, with_it):
        return
    texts = [one.text for one in with_it.reasons if one not in without.reasons]
    raise RefusedError(
        f"coverage: the release gate does not let it out: {' '.join(dict.fromkeys(texts))}",
        hint="Choose a smaller step, or none.",
    )


def _tells_more(without: Verdict, with_it: Verdict) -> bool:
    """Whether somebody could compute a number, or one more closely, that was protected before."""
    before = {(one.source, one.figure, one.product): one for one in without.leaks}
    for leak in with_it.leaks:
        known = before.get((leak.source, leak.figure, leak.product))
        if known is None or _room(leak) < _room(known):
            return True
    return False


def _room(leak: Leak) -> tuple[bool, Fraction]:
    """Between which numbers it could be: the less, the closer."""
    if leak.low is None or leak.high is None:
        return True, Fraction()
    return False, leak.high - leak.low
