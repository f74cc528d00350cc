"""What issuer and members of a roster sign with the keys of their nodes, as JWS.

    roster       {"iss": issuer, "iat", "roster": ...}, for members and readers
    application  {"iss": member, "aud": issuer, "iat", "roster": ..., "entity", "application"}
    admission    {"iss": issuer, "aud": member, "iat", "roster": ..., "entity", "admission"}

`roster` is that of `messages`; application and admission are bytes of `membership`, in base64url.
Each has exactly these claims. None of them is secret: without what the member keeps, an admission
endorses nothing. A file can carry them, as the signatures say whose they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, jws
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.errors import CredentialError, KeySetError, RosterError, SealError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.roster.membership import Admission, Application
from underseal_protocol.roster.messages import roster_from_json, roster_to_json
from underseal_protocol.roster.roster import Member, Roster
from underseal_protocol.seal.group import Point2

__all__ = [
    "AdmissionStatement",
    "ApplicationStatement",
    "RosterStatement",
    "fingerprint",
    "read_admission",
    "read_application",
    "read_roster",
]

ROSTER_TYPE = "underseal-roster+jwt"
APPLICATION_TYPE = "underseal-roster-application+jwt"
ADMISSION_TYPE = "underseal-roster-admission+jwt"


def fingerprint(key: Point2) -> str:
    """By which people compare the key of a roster: its SHA-256, base64url."""
    return base64url.encode(hashlib.sha256(key.encode()).digest())


@dataclass(frozen=True, slots=True)
class _Statement:
    """What all of them have.

    Attributes:
        token: the JWS.
        issued_at: as it says.
    """

    token: str = field(repr=False)
    issued_at: datetime

    def _require(self, keys: PublicKeySet, typ: str, signer: str, issuers: Collection[str]) -> None:
        """Whether one of these nodes has signed it.

        Raises:
            RosterError: none has.
        """
        expected = expected_issuers(issuers) or []
        if signer not in expected:
            raise RosterError(f"it is signed by {signer}, expected {' or '.join(expected)}")
        try:
            jws.verify(self.token, typ=typ, purpose=KeyPurpose.FOOTPRINT, keys=keys)
        except (CredentialError, KeySetError) as error:
            raise RosterError(error.message, hint=error.hint) from None


@dataclass(frozen=True, slots=True)
class RosterStatement(_Statement):
    """A roster in its epoch, as its issuer shows it."""

    roster: Roster

    @classmethod
    def issue(cls, roster: Roster, *, key: SigningKey, issued_at: datetime) -> str:
        """Show a roster.

        Args:
            roster: of this node.
            key: its footprint key.
            issued_at: aware.
        """
        payload = {
            "iss": roster.issuer,
            "iat": int(issued_at.timestamp()),
            "roster": roster_to_json(roster),
        }
        return _signed(payload, ROSTER_TYPE, key)

    def require_signed(self, keys: PublicKeySet, issuers: Collection[str]) -> None:
        """Whether its issuer stands by it.

        Args:
            keys: of the issuer, the only ones trusted.
            issuers: the URLs of its node.

        Raises:
            RosterError: it does not.
        """
        self._require(keys, ROSTER_TYPE, self.roster.issuer, issuers)


@dataclass(frozen=True, slots=True)
class ApplicationStatement(_Statement):
    """Somebody applies to a roster."""

    roster: Roster
    member: Member
    application: Application = field(repr=False)

    @classmethod
    def issue(
        cls,
        roster: Roster,
        member: Member,
        application: Application,
        *,
        key: SigningKey,
        issued_at: datetime,
    ) -> str:
        """Apply to a roster.

        Args:
            roster: in its epoch.
            member: who applies: this node.
            application: made for this.
            key: the footprint key of the node.
            issued_at: aware.
        """
        sent = base64url.encode(application.encode())
        payload = _between(member.url, roster.issuer, roster, member, issued_at)
        return _signed(payload | {"application": sent}, APPLICATION_TYPE, key)

    def require_signed(self, keys: PublicKeySet, issuers: Collection[str]) -> None:
        """Whether whoever applies has signed it.

        Args:
            keys: of the member's node, the only ones trusted.
            issuers: its URLs.

        Raises:
            RosterError: it has not.
        """
        self._require(keys, APPLICATION_TYPE, self.member.url, issuers)


@dataclass(frozen=True, slots=True)
class AdmissionStatement(_Statement):
    """Somebody is admitted to a roster."""

    roster: Roster
    member: Member
    admission: Admission = field(repr=False)

    @classmethod
    def issue(
        cls,
        roster: Roster,
        member: Member,
        admission: Admission,
        *,
        key: SigningKey,
        issued_at: datetime,
    ) -> str:
        """Admit somebody.

        Args:
            roster: of this node.
            member: who is admitted.
            admission: made for its application.
            key: the footprint key of this node.
            issued_at: aware.
        """
        sent = base64url.encode(admission.encode())
        payload = _between(roster.issuer, member.url, roster, member, issued_at)
        return _signed(payload | {"admission": sent}, ADMISSION_TYPE, key)

    def require_signed(self, keys: PublicKeySet, issuers: Collection[str]) -> None:
        """Whether the issuer of the roster has signed it.

        Args:
            keys: of the issuer, the only ones trusted.
            issuers: its URLs.

        Raises:
            RosterError: it has not.
        """
        self._require(keys, ADMISSION_TYPE, self.roster.issuer, issuers)


def read_roster(token: str) -> RosterStatement:
    """Read the statement of a roster; whether its issuer has signed it is not asked here.

    Args:
        token: as received; white space around it does not count.

    Raises:
        RosterError: it is none.
    """
    claims = _claims(token, ROSTER_TYPE, {"iss", "iat", "roster"}, "statement of a roster")
    found = roster_from_json(claims["roster"])
    if claims["iss"] != found.issuer:
        raise RosterError(
            f"the roster is one of {found.issuer}, and the statement is of {claims['iss']!r:.80}"
        )
    return RosterStatement(token.strip(), _time(claims), found)


def read_application(token: str) -> ApplicationStatement:
    """Read an application; whether its signature holds is not asked here.

    Args:
        token: as received.

    Raises:
        RosterError: it is none.
    """
    claims = _claims(token, APPLICATION_TYPE, {*_BETWEEN, "application"}, "application")
    found = roster_from_json(claims["roster"])
    member = Member(claims["iss"], claims["entity"])
    _require_to(claims, found.issuer)
    try:
        application = Application.decode(_bytes(claims["application"]))
    except SealError as error:
        raise RosterError(f"the application: {error.message}") from None
    return ApplicationStatement(token.strip(), _time(claims), found, member, application)


def read_admission(token: str) -> AdmissionStatement:
    """Read an admission; whether its signature holds is not asked here.

    Args:
        token: as received.

    Raises:
        RosterError: it is none.
    """
    claims = _claims(token, ADMISSION_TYPE, {*_BETWEEN, "admission"}, "admission")
    found = roster_from_json(claims["roster"])
    member = Member(claims["aud"], claims["entity"])
    if claims["iss"] != found.issuer:
        raise RosterError(f"the admission is to a roster of {found.issuer}, by another node")
    try:
        admission = Admission.decode(_bytes(claims["admission"]))
    except SealError as error:
        raise RosterError(f"the admission: {error.message}") from None
    return AdmissionStatement(token.strip(), _time(claims), found, member, admission)


_BETWEEN = frozenset({"iss", "aud", "iat", "roster", "entity"})


def _between(
    issuer: str, audience: str, roster: Roster, member: Member, issued_at: datetime
) -> dict[str, Any]:
    return {
        "iss": issuer,
        "aud": audience,
        "iat": int(issued_at.timestamp()),
        "roster": roster_to_json(roster),
        "entity": member.entity,
    }


def _signed(payload: Mapping[str, Any], typ: str, key: SigningKey) -> str:
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise RosterError(f"a key for {key.purpose} was used to sign about a roster")
    return jws.sign(payload, typ=typ, key=key)


def _claims(token: str, typ: str, names: Collection[str], what: str) -> Mapping[str, Any]:
    try:
        parsed = jws.parse(token.strip())
    except CredentialError as error:
        raise RosterError(f"it is no {what}: {error.message}", hint=error.hint) from None
    if parsed.header.get("typ") != typ or parsed.payload.keys() != set(names):
        raise RosterError(
            f"it is no {what}: it has another type, or other claims",
            hint="A roster, an application and an admission are three files; this is another one.",
        )
    return parsed.payload


def _require_to(claims: Mapping[str, Any], issuer: str) -> None:
    if claims["aud"] != issuer:
        raise RosterError(f"the application to a roster of {issuer} is for {claims['aud']!r:.80}")


def _time(claims: Mapping[str, Any]) -> datetime:
    try:
        return issue_time(claims["iat"])
    except CredentialError as error:
        raise RosterError(error.message) from None


def _bytes(text: Any) -> bytes:
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    return data if base64url.encode(data) == text else b""
