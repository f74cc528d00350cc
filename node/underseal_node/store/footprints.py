"""Queries on own footprints for the operator. What peers read is in `serving`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_protocol.disclosure import Level

__all__ = ["OwnFootprint", "get", "listing", "view_of_peer"]


@dataclass(frozen=True, slots=True)
class OwnFootprint:
    """What the operator sees of an own footprint in a list.

    Attributes:
        id: of the footprint.
        status: `Active` or `Deprecated`.
        summary: members by the names of PACT: `productNameCompany`, `productIds`, `created`,
            `pcfExcludingBiogenicUptake`, `declaredUnitAmount`, `declaredUnitOfMeasurement` and, if
            there are any, `precedingPfIds`.
        published_at: when it was signed and stored.
        valid_from: start of its validity.
        valid_until: end of its validity.
        status_statement: the signed statement of its deprecation (a JWS).
        body: the footprint as JSON at level `full`; only from `get`.
    """

    id: str
    status: str
    summary: dict[str, Any]
    published_at: datetime
    valid_from: datetime
    valid_until: datetime
    status_statement: str | None
    body: bytes | None = field(default=None, repr=False)


def listing(
    session: Session,
    *,
    status: str | None = None,
    product_id: str | None = None,
    limit: int = 1000,
) -> Sequence[OwnFootprint]:
    """Own footprints, newest publication first.

    Args:
        status: `Active` or `Deprecated`, in any case; both by default.
        product_id: a URN, in any case.
        limit: at most so many.
    """
    raise NotImplementedError


def get(session: Session, footprint_id: str) -> OwnFootprint:
    """One own footprint, with its body.

    Raises:
        NotFoundError: there is none with this id.
    """
    raise NotImplementedError


def view_of_peer(
    session: Session, footprint_id: str, peer_id: int, now: datetime
) -> tuple[bytes, Level]:
    """An own footprint as a peer sees it at this moment, as JSON, and the level of its grants.

    Raises:
        NotFoundError: there is none with this id, or no grant of the peer covers it.
    """
    raise NotImplementedError
