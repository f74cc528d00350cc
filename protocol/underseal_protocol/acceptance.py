"""The reply to an invitation: a client registration request (RFC 7591) with a signed acceptance.

Where the nodes reach each other it is sent with the registration token of the invitation as initial
access token; where they do not, it travels as a file with a proof that whoever wrote it has the
token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import jws
from underseal_protocol.errors import InvitationError
from underseal_protocol.invitation import INVITATION_DOCUMENT, REPLY_DOCUMENT, Invitation
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.keys import SigningKey
from underseal_protocol.onboarding import (
    VERSION,
    Company,
    check_version,
    company_of,
    entry_of,
    signed_claims,
    text_of,
    time_of,
)
from underseal_protocol.registration_token import prove_token

__all__ = [
    "CONNECTION_ID",
    "EXTENSION",
    "METADATA",
    "REGISTRATION_PATH",
    "Reply",
    "read_reply",
    "reply_document",
    "reply_to",
]

ACCEPTANCE_TYPE = "underseal-acceptance+jwt"
REGISTRATION_PATH = "/extensions/register"
PRIVATE_KEY_JWT = "private_key_jwt"
CONNECTION_ID = "pact_connection_id"  # the draft addendum's name, section 6.6
EXTENSION = "underseal"
# Of a registration request, besides our own member (RFC 7591 section 2).
METADATA = (
    "client_name",
    "client_uri",
    "grant_types",
    "token_endpoint_auth_method",
    "jwks",
    CONNECTION_ID,
)
CLOCK_SKEW_SECONDS = 300


@dataclass(frozen=True)
class Reply:
    """A reply that has been read and verified, but for the token.

    Attributes:
        invitation_id: which invitation it accepts.
        invitation_digest: of the signed part of that invitation, as it was read.
        issuer: the URL of the accepting node.
        company: that accepts.
        entry: the newest entry of its key log.
        client_id: that the inviting node will have at the accepting one.
        client_expires_at: when these client credentials end.
        issued_at: by the clock of the accepting node.
        digest: of the signed part.
        proof: that whoever made it has the token; None if it has to be shown otherwise.
    """

    invitation_id: str
    invitation_digest: str
    issuer: str
    company: Company
    entry: KeyLogEntry
    client_id: str
    client_expires_at: datetime
    issued_at: datetime
    digest: str
    proof: str | None = field(repr=False)


def reply_to(
    invitation: Invitation,
    *,
    company: Company,
    entry: KeyLogEntry,
    client_id: str,
    client_expires_at: datetime,
    key: SigningKey,
    issued_at: datetime,
) -> dict[str, Any]:
    """Accept an invitation: the client registration request (RFC 7591 section 3.1).

    Args:
        invitation: as read.
        company: that accepts.
        entry: the newest entry of its key log.
        client_id: for the inviting node.
        client_expires_at: when these client credentials end; aware.
        key: the identity key in use.
        issued_at: aware.
    """
    claims = {
        "iss": entry.url,
        "aud": invitation.issuer,
        "iat": int(issued_at.timestamp()),
        "version": VERSION,
        "invitation": invitation.id,
        "invitation_digest": invitation.digest,
        "company": {"name": company.name, "ids": list(company.ids)},
        "key_log": entry.digest,
        "client_id": client_id,
        "client_expires_at": int(client_expires_at.timestamp()),
    }
    return {
        "client_name": company.name,
        "client_uri": entry.url,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": PRIVATE_KEY_JWT,
        "jwks": entry.keys.to_jwks(),
        CONNECTION_ID: invitation.id,
        EXTENSION: {
            "version": VERSION,
            "acceptance": jws.sign(claims, typ=ACCEPTANCE_TYPE, key=key),
            "keyLog": [entry.token],
        },
    }


def reply_document(registration: Mapping[str, Any], token: str) -> dict[str, Any]:
    """A reply as a file.

    Args:
        registration: what `reply_to` made.
        token: of the invitation.
    """
    digest = jws.statement_digest(registration[EXTENSION]["acceptance"])
    return {
        "type": REPLY_DOCUMENT,
        "version": VERSION,
        "registration": dict(registration),
        "proof": prove_token(token, digest),
    }


def read_reply(document: Any, *, now: datetime, url: str) -> Reply:
    """Read a reply as the node that invited: a file, or a registration request.

    Args:
        document: as read by `strict_json.loads`.
        now: aware.
        url: of the reading node.

    Raises:
        InvitationError: it is malformed, altered, not signed by who it says, or for another node.
    """
    proof = None
    if isinstance(document, Mapping) and document.get("type") == REPLY_DOCUMENT:
        check_version(document, "the reply")
        proof, document = document.get("proof"), document.get("registration")
        if not isinstance(proof, str):
            raise InvitationError("the reply proves nothing about the token of the invitation")
    if not isinstance(document, Mapping) or not isinstance(document.get(EXTENSION), Mapping):
        raise InvitationError(
            "this is not the reply to an invitation",
            hint=_how_to_reply(document),
        )
    extension = document[EXTENSION]
    check_version(extension, "the reply")
    signed, entry = extension.get("acceptance"), entry_of(extension.get("keyLog"))
    claims = signed_claims(signed, entry, ACCEPTANCE_TYPE, "the reply")
    _check_metadata(document, entry)
    if claims.get("aud") != url:
        raise InvitationError(
            f"the reply is for the node {claims.get('aud')!r}, this node is {url!r}"
        )
    issued_at = time_of(claims, "iat")
    if (issued_at - now).total_seconds() > CLOCK_SKEW_SECONDS:
        raise InvitationError("the reply is from the future", hint="Set both clocks by NTP.")
    return Reply(
        invitation_id=text_of(claims, "invitation"),
        invitation_digest=text_of(claims, "invitation_digest"),
        issuer=text_of(claims, "iss"),
        company=company_of(claims.get("company")),
        entry=entry,
        client_id=text_of(claims, "client_id"),
        client_expires_at=time_of(claims, "client_expires_at"),
        issued_at=issued_at,
        digest=jws.statement_digest(str(signed)),
        proof=proof,
    )


def _how_to_reply(document: Any) -> str:
    if isinstance(document, Mapping) and document.get("type") == INVITATION_DOCUMENT:
        return "It is an invitation: `underseal peer accept` takes it, at the node that is invited."
    return "`underseal peer accept ... --reply-out FILE` writes one."


def _check_metadata(document: Mapping[str, Any], entry: KeyLogEntry) -> None:
    """What RFC 7591 has of its own must say the same as what is signed."""
    expected: dict[str, Any] = {
        "token_endpoint_auth_method": PRIVATE_KEY_JWT,
        "grant_types": ["client_credentials"],
        "jwks": entry.keys.to_jwks(),
    }
    for name, value in expected.items():
        if document.get(name) != value:
            raise InvitationError(f"the reply has another {name} than what is signed with it")
