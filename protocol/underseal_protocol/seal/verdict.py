"""What a verified sealed sum shows to one reader, and in words what it does not show.

Quantities and own emissions are the publisher's secrets. Without something that binds them, every
total of 0 or more can be shown: with quantities of 0, all of it can be own emissions. So there is
never a result without its grade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from underseal_protocol.decimals import format_decimal
from underseal_protocol.seal.document import NamedFactor
from underseal_protocol.seal.numbers import SealedProperty, Total
from underseal_protocol.seal.terms import Terms
from underseal_protocol.seal.trust import Standing
from underseal_protocol.times import format_time

__all__ = ["Endorser", "Grade", "HiddenEndorsers", "SealVerdict"]


class Grade(StrEnum):
    """How much binds the quantities, the least first."""

    ORIGIN = "origin"
    MASS = "mass"
    ATTESTED = "attested"

    @property
    def meaning(self) -> str:
        """In words, as the end of "the published total is consistent with ..."."""
        return self.meaning_of("the listed suppliers")

    def meaning_of(self, who: str) -> str:
        """The same, of other endorsers."""
        return _MEANINGS[self].format(who=who)


_MEANINGS: Mapping[Grade, str] = {
    Grade.ORIGIN: "values that {who} endorsed. Arithmetic only: it shows which "
    "endorsed values went in, not how much of them",
    Grade.MASS: "values that {who} endorsed, and the endorsed inputs have at least "
    "the mass that the footprint states",
    Grade.ATTESTED: "values that {who} endorsed, and an auditor has compared the "
    "sealed quantities with the publisher's books",
}
_NEVER_SHOWN = (
    "that the endorsed values are true: each is the word of its supplier",
    "that nothing is left out of the own emissions, nor an input without mass: they are the word "
    "of the publisher",
    "that the endorsed products are those that were used: an endorsement of a greener product "
    "would fit as well",
    "that publisher and suppliers do not act together",
)
_QUANTITIES = "how much of each endorsed value went in: also none of it would fit"
_DIVISION = "how the mass is divided among the endorsed inputs"
_ROSTER = (
    "who the endorsers are, nor that they are independent of each other and of the publisher: that "
    "each member is another company is the word of the issuer of the roster",
)
_UNKNOWN = (
    "that the listed suppliers whom you do not know exist: anybody can invent one and sign for it"
)
_UNKNOWN_ROSTER = "that the members of the roster exist: you do not know whoever keeps it"
_FACTORS = "that the named factors are the right ones: they are the choice of the publisher"


@dataclass(frozen=True, slots=True)
class Endorser:
    """Who endorsed one listed input.

    Attributes:
        supplier: the URL of its node.
        kid: the thumbprint of the key that it has signed with.
        standing: what it is to the reader.
        credential: the digest of the credential of its footprint.
        terms: unit, mass, method and period.
    """

    supplier: str
    kid: str
    standing: Standing
    credential: str
    terms: Terms

    @property
    def is_known(self) -> bool:
        """Whether its endorsement counts for the reader."""
        return self.standing is Standing.KNOWN

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        terms = self.terms
        start, end = (
            format_time(datetime.fromtimestamp(second, UTC))
            for second in (terms.period_start, terms.period_end)
        )
        return {
            "supplier": self.supplier,
            "kid": self.kid,
            "isKnown": self.is_known,
            "standing": str(self.standing),
            "credential": self.credential,
            "declaredUnitAmount": terms.amount,
            "declaredUnitOfMeasurement": terms.unit,
            "referencePeriodStart": start,
            "referencePeriodEnd": end,
        }


@dataclass(frozen=True, slots=True)
class HiddenEndorsers:
    """Who endorsed the listed inputs, where they are not named.

    Attributes:
        issuer: the URL of the node that keeps the roster.
        name: which of its rosters.
        is_known: whether the reader trusts it.
        publisher_entity: the legal entity of the publisher, by the roster.
        members: how many different members there are among the endorsers.
        inputs: of how many listed inputs.
    """

    issuer: str
    name: str
    is_known: bool
    publisher_entity: str
    members: int
    inputs: int

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "issuer": self.issuer,
            "name": self.name,
            "isKnown": self.is_known,
            "publisherEntity": self.publisher_entity,
            "members": self.members,
            "inputs": self.inputs,
        }


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """A sealed sum that holds, as one reader has to take it.

    Attributes:
        grade: how much binds the quantities.
        sealed: the property.
        total: of the footprint.
        mass: of a declared unit, in 10^-9 kg, as the footprint states it.
        footprint_id: its id.
        publisher: the URL of the node that published it.
        coverage: at least so many percent of the total come from endorsers that the reader knows;
            0 if nothing is shown.
        stated_coverage: the same of all listed endorsers, whoever they are.
        endorsers: one for each listed input; their number proves nothing. None with a roster.
        factors: public ones.
        digest: by which the sealed sum is known.
        reductions: why grade or coverage is less than what is written down.
        roster: whose members endorsed; None where suppliers are named.
    """

    grade: Grade
    sealed: SealedProperty
    total: Total
    mass: int
    footprint_id: str
    publisher: str
    coverage: int
    stated_coverage: int
    endorsers: tuple[Endorser, ...]
    factors: tuple[NamedFactor, ...]
    digest: str
    reductions: tuple[str, ...] = ()
    roster: HiddenEndorsers | None = None

    @property
    def statement(self) -> str:
        """What is shown, in a sentence."""
        who = "the listed suppliers"
        if self.roster is not None:
            who = f"members of the roster {self.roster.name} of {self.roster.issuer}"
        # The bound is as good as this figure, so it is never told without.
        stated = format_decimal(Decimal(self.mass).scaleb(-9).normalize())
        bound = f", {stated} kg for each declared unit" if self.grade is Grade.MASS else ""
        return (
            f"The published total of {self.total.text} kg CO2e ({self.sealed}) is, to within "
            f"{self.total.precision} kg, arithmetically consistent with "
            f"{self.grade.meaning_of(who)}{bound}."
        )

    @property
    def not_shown(self) -> tuple[str, ...]:
        """What is not shown, each as the end of "it does not show ..."."""
        of_grade = {Grade.ORIGIN: (_QUANTITIES,), Grade.MASS: (_DIVISION,), Grade.ATTESTED: ()}
        of_factors = (_FACTORS,) if self.factors else ()
        of_roster = _ROSTER if self.roster else ()
        return (
            *of_grade[self.grade],
            *self._of_unknown,
            *_NEVER_SHOWN,
            *of_roster,
            *of_factors,
        )

    @property
    def _of_unknown(self) -> tuple[str, ...]:
        """That endorsers exist is shown by nothing but the list of the reader."""
        if self.roster is not None:
            return () if self.roster.is_known else (_UNKNOWN_ROSTER,)
        return () if all(one.is_known for one in self.endorsers) else (_UNKNOWN,)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "grade": str(self.grade),
            "property": self.sealed.value,
            "total": self.total.text,
            "precision": self.total.precision,
            "footprint": self.footprint_id,
            "publisher": self.publisher,
            "coveragePercent": self.coverage,
            "statedCoveragePercent": self.stated_coverage,
            "endorsers": [one.to_json() for one in self.endorsers],
            "factors": [
                {"name": one.name, "unit": one.unit, "nanoKgCo2ePerUnit": str(one.value)}
                for one in self.factors
            ],
            "digest": self.digest,
            "statement": self.statement,
            "reductions": list(self.reductions),
            "notShown": list(self.not_shown),
            **({} if self.roster is None else {"roster": self.roster.to_json()}),
        }
