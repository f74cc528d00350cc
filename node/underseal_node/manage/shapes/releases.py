"""The release gate: what peers are declared to know, and the ledger."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_protocol.disclosure import Level
from underseal_protocol.rollup.properties import EXCLUDING

__all__ = [
    "DeclarationInput",
    "DeclarationShape",
    "PriorShape",
    "ReleaseShape",
    "ShareInput",
    "ShareShape",
    "VerdictShape",
]

Sources = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1_000)]],
    Field(max_length=10_000, default_factory=list),
]

Number = Annotated[str, Field(pattern=r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$")]


class PriorShape(InputShape):
    """Between what a peer can assume a figure of a source to be, from a database for instance."""

    source: Annotated[str, Field(min_length=1, max_length=1_000)]
    figure: Annotated[str, Field(min_length=1, max_length=100)] = EXCLUDING
    low: Number  # in the unit of the figure, per declared unit of the source
    high: Number | None = None  # null: no limit


class DeclarationInput(InputShape):
    """POST /peers/{name}/declaration: everything that the release gate takes a peer to know.

    Sources are named by the id of a received footprint or a factor, or by a product id of theirs.
    """

    group: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    components: Sources  # whose contribution it knows: it supplies or has specified them
    quantities: Sources  # whose quantity it knows, from a teardown for instance
    footprints: Sources  # that it has also received
    priors: Annotated[list[PriorShape], Field(max_length=10_000, default_factory=list)]


class DeclarationShape(Shape):
    """GET and POST /peers/{name}/declaration"""

    peer: str
    group: str | None = None  # of companies that it belongs to
    components: list[str]
    quantities: list[str]
    footprints: list[str]
    priors: list[PriorShape]


class ReleaseShape(Shape):
    """GET /releases (query: peer) -> Listing: the ledger, oldest first"""

    peer: str
    footprint: str
    level: Level
    released_at: Instant
    reason: str | None = None  # why, although the gate advised against it
    consent: str | None = None  # reference to that of the supplier


class VerdictShape(Shape):
    """What the release gate says, for the operator and nobody else."""

    outcome: str  # "release", "fewer blocks", "coarser" or "stop"
    wanted: Level
    level: Level | None = None
    digits: int
    reasons: list[dict[str, Any]]
    leaks: list[dict[str, Any]]  # numbers of suppliers that a peer could compute


class ShareInput(InputShape):
    """POST /footprints/{id}/share: a page that is given away."""

    level: Level
    peer: str | None = None  # who gets it; null: somebody who is no peer
    reader: str = Field(default="", max_length=300)  # who that is
    # Where the release gate advises against it: why all the same, and the supplier's consent.
    acknowledge: str | None = Field(default=None, min_length=1, max_length=2_000)
    consent: str | None = Field(default=None, min_length=1, max_length=2_000)


class ShareShape(Shape):
    """GET (query: level, peer) and POST /footprints/{id}/share"""

    level: Level
    peer: str | None = None
    gate: VerdictShape | None = None  # null: it was not calculated from what suppliers have sent
