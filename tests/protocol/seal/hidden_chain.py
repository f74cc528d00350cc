"""Supply chains whose suppliers are members of a roster and are not named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from tests.protocol.roster.members import ISSUER, KEY, PACK, ROSTER, membership
from tests.protocol.seal.chains import Chain
from tests.protocol.seal.parties import CONTEXT, CREDENTIAL, CUSTOMER

from underseal_protocol.roster.hidden import endorse_hidden
from underseal_protocol.roster.mark import mark
from underseal_protocol.roster.membership import Membership
from underseal_protocol.seal.document import RosterUse
from underseal_protocol.seal.numbers import NANO, nano
from underseal_protocol.seal.prover import Sealed, seal
from underseal_protocol.seal.sealing import MemberInput, SealOrder
from underseal_protocol.seal.trust import KnownRoster, TrustList

__all__ = ["KNOWN", "HiddenChain"]

KNOWN = KnownRoster(ISSUER, ROSTER.name, KEY.public_key)


@dataclass(frozen=True)
class HiddenChain(Chain):
    """As a chain; whoever `endorser` names endorses every part."""

    endorser: Membership | None = None
    publisher: Membership = PACK

    @cached_property
    def members(self) -> list[MemberInput]:
        found = []
        for number, (one, part) in enumerate(zip(self.suppliers, self.parts, strict=True)):
            endorsement, opening = endorse_hidden(
                one.document,
                membership=self.endorser or membership(f"s{number}"),
                credential_digest=CREDENTIAL,
                sealed=self.sealed,
                customer=CUSTOMER,
                context=CONTEXT,
                random_bytes=self.random_bytes,
            )
            amount = nano(Decimal(part.amount), 56, "an amount")
            found.append(MemberInput(endorsement, opening.value, amount))
        return found

    @property
    def amount(self) -> int:
        endorsed_sum = sum(one.quantity * one.opening.value for one in self.members)
        named = sum(one.quantity * one.factor.value for one in self.factors)
        return endorsed_sum + named + NANO * self.own_number

    @cached_property
    def use(self) -> RosterUse:
        return RosterUse(ROSTER, mark(self.publisher, CONTEXT, self.random_bytes))

    @property
    def order(self) -> SealOrder:
        plain = Chain(parts=(), mass=self.mass, own="0", decimals=self.decimals).order
        return replace(
            plain,
            document=self.document,
            sealed=self.sealed,
            exact=Fraction(self.amount, 10**18),
            inputs=(),
            members=self.members,
            factors=self.factors,
            own=self.own_number,
            coverage=self.coverage,
            roster=self.use,
        )

    @cached_property
    def result(self) -> Sealed:
        return seal(self.order, random_bytes=self.random_bytes)

    @property
    def trusted(self) -> TrustList:
        return TrustList(rosters=[KNOWN])

    def sealed_with(self, **changes: Any) -> Sealed:
        """Of an order that is changed."""
        return seal(replace(self.order, **changes))
