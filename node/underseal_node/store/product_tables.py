"""The tables of products with their bills of materials, factors, matches and roll-ups.

Nothing of this is ever served to a peer: it is what the footprints are made of.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from underseal_node.store.types import UtcText

__all__ = [
    "DeclarationRow",
    "DraftRollUpRow",
    "ExposureRow",
    "FactorRow",
    "MatchRow",
    "ProductRow",
    "ProductVersion",
    "ReleaseRow",
    "RollUpRow",
]


class ProductRow(SQLModel, table=True):
    """A product of ours, as it was imported last."""

    __tablename__ = "product"
    id: str = Field(primary_key=True, max_length=200)
    name: str
    document: str = Field(sa_type=Text, description="JSON: underseal_protocol.rollup.documents")
    digest: str = Field(description="of the document")
    version: int = Field(description="counts from 1")
    file: str = Field(sa_type=Text, description="that it was imported from")
    changed_at: datetime = Field(sa_type=UtcText)


class ProductVersion(SQLModel, table=True):
    """A product as it was before."""

    __tablename__ = "product_version"
    product_id: str = Field(primary_key=True, max_length=200)
    version: int = Field(primary_key=True)
    document: str = Field(sa_type=Text)
    digest: str
    file: str = Field(sa_type=Text)
    changed_at: datetime = Field(sa_type=UtcText)


class FactorRow(SQLModel, table=True):
    """An emission factor."""

    __tablename__ = "factor"
    id: str = Field(primary_key=True, max_length=200)
    document: str = Field(sa_type=Text, description="JSON: underseal_protocol.rollup.documents")
    digest: str
    file: str = Field(sa_type=Text, description="that it was imported from")
    changed_at: datetime = Field(sa_type=UtcText)


class MatchRow(SQLModel, table=True):
    """What the operator has decided that a line resolves to."""

    __tablename__ = "line_match"
    product_id: str = Field(primary_key=True, max_length=200)
    line_id: str = Field(primary_key=True, max_length=200)
    source: str = Field(sa_type=Text, description="JSON: factor, product, footprint or leftOut")
    peer_id: int | None = Field(
        default=None, foreign_key="peer.id", description="whose footprint it is"
    )
    product_urn: str | None = Field(
        default=None, description="folded; by which the newest footprint of the peer is found"
    )
    confirmed_at: datetime = Field(sa_type=UtcText)


class RollUpRow(SQLModel, table=True):
    """How an own footprint was calculated, and from what."""

    __tablename__ = "roll_up"
    footprint_id: str = Field(primary_key=True, max_length=36)
    product_id: str = Field(index=True, max_length=200)
    used: str = Field(sa_type=Text, description="JSON: products, factors, footprints, readings")
    result: str = Field(sa_type=Text, description="JSON: declared unit and exact figures")
    calculated_at: datetime = Field(sa_type=UtcText)


class DraftRollUpRow(SQLModel, table=True):
    """How a draft was calculated: everything that its publication will keep."""

    __tablename__ = "draft_roll_up"
    footprint_id: str = Field(primary_key=True, max_length=36)
    product_id: str = Field(index=True, max_length=200)
    used: str = Field(sa_type=Text, description="as in roll_up")
    result: str = Field(sa_type=Text, description="as in roll_up")
    exposure: str = Field(sa_type=Text, description="JSON: underseal_protocol.release.exposure")
    commitment: str = Field(sa_type=Text, description="JSON: underseal_protocol.commitment")
    calculated_at: datetime = Field(sa_type=UtcText)


class ExposureRow(SQLModel, table=True):
    """What a calculated footprint tells of the footprints of suppliers that it was made of."""

    __tablename__ = "exposure"
    footprint_id: str = Field(primary_key=True, max_length=36)
    document: str = Field(sa_type=Text, description="JSON: underseal_protocol.release.exposure")


class ReleaseRow(SQLModel, table=True):
    """An entry of the ledger of releases: a peer could read a footprint at a level."""

    __tablename__ = "release"
    __table_args__ = (Index("ix_release_footprint", "footprint_id"),)
    id: int | None = Field(default=None, primary_key=True)
    peer_id: int = Field(foreign_key="peer.id")
    footprint_id: str = Field(max_length=36)
    level: int
    released_at: datetime = Field(sa_type=UtcText)
    reason: str | None = Field(
        default=None, sa_type=Text, description="why, although the gate advised against it"
    )
    consent: str | None = Field(
        default=None, sa_type=Text, description="reference to the consent of the supplier"
    )


class DeclarationRow(SQLModel, table=True):
    """What a peer is declared to be and to know, for the release gate."""

    __tablename__ = "peer_declaration"
    peer_id: int = Field(primary_key=True, foreign_key="peer.id")
    legal_group: str | None = Field(default=None, description="of companies that it belongs to")
    knowledge: str = Field(sa_type=Text, description="JSON: underseal_protocol.release.knowledge")
