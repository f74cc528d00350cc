"""The sealed sum of a received footprint, with what it shows us."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from underseal_node.manage.shapes.base import Instant, Shape
from underseal_node.store.seal_tables import SealState
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.verdict import Grade

__all__ = [
    "EndorserShape",
    "HiddenEndorsersShape",
    "ReceivedSealShape",
    "SealFactorShape",
    "SealVerdictShape",
]


class EndorserShape(Shape):
    """Who endorsed a listed input."""

    supplier: str  # URL of its node
    kid: str
    is_known: bool  # only then its endorsement counts for us
    standing: str  # in words
    credential: str  # digest of that of its footprint
    declared_unit_amount: str
    declared_unit_of_measurement: str
    reference_period_start: str
    reference_period_end: str


class SealFactorShape(Shape):
    """A factor that the publisher has named."""

    name: str
    unit: str
    nano_kg_co2e_per_unit: Annotated[str, Field(alias="nanoKgCo2ePerUnit")]


class HiddenEndorsersShape(Shape):
    """Who endorsed the listed inputs, where they are members of a roster and not named."""

    issuer: str  # URL of the node that keeps the roster
    name: str
    is_known: bool  # whether we trust it; only then their endorsements count
    publisher_entity: str  # legal entity of the publisher, by the roster
    members: int  # how many different ones
    inputs: int  # of how many listed inputs


class SealVerdictShape(Shape):
    """What a sealed sum that holds shows to us."""

    grade: Grade
    property: SealedProperty
    total: str
    precision: str  # by so much, in kg CO2e, the sum may differ
    footprint: str
    publisher: str
    coverage_percent: int  # at least so much of the total is of endorsers that we know
    stated_coverage_percent: int  # the same of all listed ones
    endorsers: list[EndorserShape]
    factors: list[SealFactorShape]
    digest: str
    statement: str  # in a sentence
    reductions: list[str]  # why grade or coverage is less than what is written down
    not_shown: list[str]  # each as the end of "it does not show ..."
    roster: HiddenEndorsersShape | None = None


class ReceivedSealShape(Shape):
    """POST /received/{id}/sealed-sum (query `peer`): fetched and judged again"""

    state: SealState
    reason: str | None = None  # why it does not hold
    verdict: SealVerdictShape | None = None
    received_at: Instant
    judged_at: Instant  # by whom we knew then
    sealed_sum: str = Field(repr=False)  # as received: what `underseal verify --sealed` reads
