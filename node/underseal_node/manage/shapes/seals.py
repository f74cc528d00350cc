"""Endorsements that customers ask for, and sealed sums."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.sealing.jobs import SealStage
from underseal_node.store.seal_tables import HeldState, QuestionState
from underseal_protocol.seal.numbers import SealedProperty

__all__ = [
    "AnswerInput",
    "ListedFactorShape",
    "ListedInputShape",
    "PreparedSealShape",
    "QuestionShape",
    "SealInput",
    "SealJobShape",
    "SealRefusalShape",
    "SealShape",
    "SealShows",
    "ShownRosterShape",
    "SuppliedShape",
]


class QuestionShape(Shape):
    """GET /endorsements (query: state, limit, count) -> Part; GET /endorsements/{id}

    Answer of POST /endorsements/{id}/answer.
    """

    id: int
    peer: str  # who asks
    footprint_id: str  # own
    product_name_company: str | None = None  # of it
    property: str  # which figure of it
    context: str  # for what; it does not tell what that is
    state: QuestionState
    is_named: bool  # whether the endorsement consents to name us
    roster: str | None = None  # of which we endorse as a member, without our name
    reason: str | None = None  # why it could not be endorsed
    asked_at: Instant
    answered_at: Instant | None = None


class AnswerInput(InputShape):
    """POST /endorsements/{id}/answer"""

    allow: bool
    named: bool | None = None  # absent: as the settings say, or what is set for the peer


class SealInput(InputShape):
    """POST /seals/prepare, POST /seals"""

    # The id of a draft, of an own footprint, or of a product.
    name: Annotated[str, Field(min_length=1, max_length=200)]
    property: SealedProperty = SealedProperty.EXCLUDING
    coverage: int = 0  # in percent: 0, 25, 50, 75 or 90
    name_factors: bool = False
    # Of which we are a member: then suppliers endorse as members, and are not named.
    roster: Annotated[str | None, Field(min_length=1, max_length=300)] = None


class SuppliedShape(Shape):
    """A received footprint that goes in, and what its supplier says to an endorsement."""

    footprint_id: str
    peer: str
    product_name: str
    state: HeldState
    reason: str | None = None
    is_listed: bool  # endorsed, with consent to be named or as a member of the roster


class ListedInputShape(Shape):
    """An endorsed input, as readers of the sealed sum see it."""

    supplier: str | None = None  # URL of its node; absent for a member of a roster
    peer: str  # as we call it; readers do not see that
    product_name: str  # likewise
    declared_unit_amount: str
    declared_unit_of_measurement: str
    mass: str  # of the declared unit, in 10^-9 kg; 0: none
    cross_sectoral_standards: list[str]
    ipcc_characterization_factors: list[str]
    reference_period_start: int  # seconds since 1970
    reference_period_end: int


class ListedFactorShape(Shape):
    """A named factor, as readers of the sealed sum see it."""

    name: str
    unit: str
    nano_kg_co2e_per_unit: Annotated[str, Field(alias="nanoKgCo2ePerUnit")]


class ShownRosterShape(Shape):
    """The roster whose members have endorsed, as readers of the sealed sum see it."""

    issuer: str  # URL of the node that keeps it
    name: str
    not_before: int  # the epoch, in seconds since 1970
    not_after: int
    members: int  # how many different ones there are among the endorsers
    publisher_entity: str  # our own legal entity


class SealShows(Shape):
    """What a reader of a sealed sum sees, besides the footprint and whatever is proven."""

    property: SealedProperty
    coverage_percent: int
    has_mass_balance: bool
    inputs: list[ListedInputShape]
    factors: list[ListedFactorShape]
    roster: ShownRosterShape | None = None  # absent: the suppliers are named


class SealRefusalShape(Shape):
    """Why it cannot be sealed like this."""

    message: str
    hint: str | None = None


class SealShape(Shape):
    """GET /seals/{id}: the seal of an own footprint, or of a draft"""

    footprint_id: str
    digest: str
    created_at: Instant
    is_in_credential: bool  # or else a statement of its own stands by it
    shows: SealShows
    sealed_sum: dict[str, str | int] = Field(repr=False)  # what `underseal verify --sealed` reads


class SealJobShape(Shape):
    """POST /seals -> 202; it goes on in the background, GET /seals/jobs/{id} says how far"""

    id: str
    footprint_id: str
    state: SealStage
    step: str
    done: int
    total: int
    seal: SealShape | None = None
    error: str | None = None


class PreparedSealShape(Shape):
    """POST /seals/prepare: suppliers are asked; nothing is sealed

    `job` is there if the command has sealed it then.
    """

    footprint_id: str
    product: str  # of ours, by its id
    is_draft: bool
    suppliers: list[SuppliedShape]
    waiting: int  # how many of them have not answered
    shows: SealShows | None = None
    largest_coverage: int = 0  # that the numbers allow; the release gate may want less
    refusal: SealRefusalShape | None = None
    job: SealJobShape | None = None
