"""Rosters that are kept here, memberships, and those that are trusted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from underseal_node.manage.shapes.base import GivenInstant, InputShape, Instant, Shape
from underseal_node.store.roster_tables import JoinedState

__all__ = [
    "AdmissionInput",
    "AdmittedShape",
    "ApplicationInput",
    "DistrustInput",
    "EpochInput",
    "EpochShape",
    "JoinInput",
    "MembershipShape",
    "RemovalInput",
    "RemovedMemberShape",
    "RostersShape",
    "TrustInput",
    "TrustedRosterShape",
]

# Statements and names as they are given: the protocol says what is wrong with them.
Token = Annotated[str, Field(min_length=1, max_length=16_384)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class AdmittedShape(Shape):
    """POST /rosters/admit

    A member, as the issuer of a roster knows it.
    """

    url: str  # of its node
    entity: str  # the legal entity
    admitted_at: Instant
    removed_at: Instant | None = None  # since then it is not admitted to another epoch
    admission: str  # JWS, for the member


class EpochShape(Shape):
    """POST /rosters: an epoch of a roster that this node keeps"""

    name: str
    fingerprint: str  # of its key, for readers that are no partners
    not_before: Instant  # members endorse for footprints that are created from then
    not_after: Instant  # until before then
    is_over: bool
    members: list[AdmittedShape]
    statement: str  # JWS, for members and readers


class MembershipShape(Shape):
    """POST /rosters/apply, POST /rosters/join"""

    issuer: str  # URL of the node that keeps it
    name: str
    fingerprint: str  # of its key; all members have the same, and the same times
    not_before: Instant
    not_after: Instant
    is_over: bool
    url: str  # ours
    entity: str
    state: JoinedState
    applied_at: Instant
    joined_at: Instant | None = None
    application: str  # JWS, for the issuer


class TrustedRosterShape(Shape):
    """POST /rosters/trust, POST /rosters/distrust"""

    issuer: str
    name: str
    fingerprint: str
    trusted_at: Instant
    statement: str  # JWS: what `underseal verify --roster` reads


class RostersShape(Shape):
    """GET /rosters"""

    kept: list[EpochShape]  # by this node; the newest epoch of each first
    memberships: list[MembershipShape]
    trusted: list[TrustedRosterShape]


class RemovedMemberShape(Shape):
    """POST /rosters/remove"""

    name: str  # of the roster
    member: AdmittedShape
    endorses_until: Instant  # the end of the epoch in which it was admitted last


class EpochInput(InputShape):
    """POST /rosters"""

    name: Name
    not_before: GivenInstant
    not_after: GivenInstant


class AdmissionInput(InputShape):
    """POST /rosters/admit"""

    application: Token
    again: bool = False  # also one that was removed


class RemovalInput(InputShape):
    """POST /rosters/remove"""

    name: Name
    member: Name  # its URL, or its legal entity


class ApplicationInput(InputShape):
    """POST /rosters/apply"""

    roster: Token
    entity: Name
    instead: bool = False  # in place of an application as somebody else, which is void then


class JoinInput(InputShape):
    """POST /rosters/join"""

    admission: Token


class TrustInput(InputShape):
    """POST /rosters/trust"""

    roster: Token
    fingerprint: Name | None = None  # of its key, compared; absent: the issuer is a partner


class DistrustInput(InputShape):
    """POST /rosters/distrust"""

    name: Name
    issuer: Name | None = None
