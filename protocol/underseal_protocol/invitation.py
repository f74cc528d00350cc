"""The invitation with which a partnership begins.

It comes with a one-time registration token, which is no part of what is signed: in a link it stands
in the fragment, so that no server on the way ever sees it.

This shape follows the draft of the PACT identity addendum where that is settled; it is versioned
because the draft will change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from underseal_protocol import jws
from underseal_protocol.criteria import fold
from underseal_protocol.errors import InvitationError
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

__all__ = [
    "INVITATION_PATH",
    "Invitation",
    "Terms",
    "check_audience",
    "check_not_expired",
    "invitation_link",
    "invite",
    "parse_link",
    "read_invitation",
]

INVITATION_TYPE = "underseal-invitation+jwt"
INVITATION_DOCUMENT = "underseal-invitation"
REPLY_DOCUMENT = "underseal-reply"
INVITATION_PATH = "/extensions/invitations"
MAX_OFFERS = 200


@dataclass(frozen=True)
class Terms:
    """What an invitation is about.

    Attributes:
        for_url: the only node that may accept; None for any.
        for_company_id: a URN that the accepting company has to say it has; None for any. Nobody
            can check that at a node, so the person who approves has to.
        is_pre_approved: whether accepting is enough; without `for_url` it never is.
        offers: product ids that the inviting company will show, for the reader to know.
    """

    for_url: str | None = None
    for_company_id: str | None = None
    is_pre_approved: bool = False
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invitation:
    """An invitation that has been read and verified.

    Attributes:
        id: its name (`jti`).
        issuer: the URL of the inviting node.
        company: that invites.
        entry: the newest entry of its key log: keys and address.
        client_id: that the accepting node will have at the inviting one.
        terms: for whom and what.
        issued_at: by the clock of the inviting node.
        expires_at: from then on it is refused.
        digest: of the signed part.
        token: the one-time registration token; empty if it was not there.
    """

    id: str
    issuer: str
    company: Company
    entry: KeyLogEntry
    client_id: str
    terms: Terms
    issued_at: datetime
    expires_at: datetime
    digest: str
    token: str = field(repr=False)


def invite(
    *,
    invitation_id: str,
    company: Company,
    entry: KeyLogEntry,
    client_id: str,
    terms: Terms,
    key: SigningKey,
    issued_at: datetime,
    expires_at: datetime,
) -> dict[str, Any]:
    """Write an invitation, without its token.

    Args:
        invitation_id: a fresh UUID.
        company: that invites.
        entry: the newest entry of its key log.
        client_id: for the accepting node.
        terms: for whom and what.
        key: the identity key in use.
        issued_at: aware.
        expires_at: aware.
    """
    claims: dict[str, Any] = {
        "iss": entry.url,
        "jti": invitation_id,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "version": VERSION,
        "company": {"name": company.name, "ids": list(company.ids)},
        "key_log": entry.digest,
        "client_id": client_id,
        "pre_approved": terms.is_pre_approved,
        "offers": list(terms.offers),
    }
    if terms.for_url is not None:
        claims["for_url"] = terms.for_url
    if terms.for_company_id is not None:
        claims["for_company_id"] = terms.for_company_id
    return {
        "type": INVITATION_DOCUMENT,
        "version": VERSION,
        "invitation": jws.sign(claims, typ=INVITATION_TYPE, key=key),
        "keyLog": [entry.token],
    }


def invitation_link(issuer: str, invitation_id: str, token: str) -> str:
    """An invitation as a link; what follows `#` is never sent to a server (RFC 3986, 3.5)."""
    return f"{issuer}{INVITATION_PATH}/{invitation_id}#{token}"


def parse_link(link: str) -> tuple[str, str]:
    """Address of the invitation and token.

    Raises:
        InvitationError: it is not the link of an invitation.
    """
    address, _, token = link.strip().partition("#")
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or f"{INVITATION_PATH}/" not in parts.path or parts.query:
        raise InvitationError(
            "this is not the link of an invitation",
            hint=f"It begins with https:// and has {INVITATION_PATH}/ in it.",
        )
    if not token:
        raise InvitationError(
            "the link is not complete: what follows # is missing",
            hint="Copy the whole link; mail programs sometimes cut it.",
        )
    return address, token


def read_invitation(
    document: Any, *, now: datetime, url: str, company_ids: tuple[str, ...], token: str = ""
) -> Invitation:
    """Read an invitation as the node that would accept it.

    Args:
        document: as read by `strict_json.loads`.
        now: aware.
        url: of the reading node.
        company_ids: of the reading company.
        token: of the link; the document has it otherwise.

    Raises:
        InvitationError: it is malformed, altered, not signed by who it says, expired, for another
            node, or one's own.
    """
    body = _document(document, INVITATION_DOCUMENT, "an invitation")
    signed, entry = body.get("invitation"), entry_of(body.get("keyLog"))
    claims = signed_claims(signed, entry, INVITATION_TYPE, "the invitation")
    invitation = Invitation(
        id=text_of(claims, "jti"),
        issuer=text_of(claims, "iss"),
        company=company_of(claims.get("company")),
        entry=entry,
        client_id=text_of(claims, "client_id"),
        terms=_terms(claims),
        issued_at=time_of(claims, "iat"),
        expires_at=time_of(claims, "exp"),
        digest=jws.statement_digest(str(signed)),
        token=token or _token(body),
    )
    if invitation.issuer == url:
        raise InvitationError("this is an invitation of this very node; the other side accepts it")
    check_not_expired(invitation.expires_at, invitation.issuer, now)
    check_audience(invitation.terms, url, company_ids, who="this node")
    return invitation


def check_not_expired(expires_at: datetime, issuer: str, now: datetime) -> None:
    """
    Raises:
        InvitationError: the invitation has expired.
    """
    if now >= expires_at:
        raise InvitationError(
            f"the invitation of {issuer} expired at {expires_at:%Y-%m-%d %H:%M} UTC",
            hint="Ask for a new one.",
        )


def check_audience(terms: Terms, url: str, company_ids: tuple[str, ...], *, who: str) -> None:
    """
    Raises:
        InvitationError: the invitation is for another node or company.
    """
    if terms.for_url is not None and terms.for_url != url:
        raise InvitationError(
            f"the invitation is for the node {terms.for_url}, {who} is {url}",
            hint="Ask for one that is for this node.",
        )
    if terms.for_company_id is not None and fold(terms.for_company_id) not in {
        fold(one) for one in company_ids
    }:
        raise InvitationError(
            f"the invitation is for the company {terms.for_company_id}, {who} is of "
            f"{', '.join(company_ids)}",
            hint="Ask for one that is for this company.",
        )


def _document(document: Any, kind: str, what: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping) or document.get("type") != kind:
        raise InvitationError(f"this is not {what} of Underseal", hint=_how_to_take(document))
    check_version(document, what)
    return document


def _how_to_take(document: Any) -> str | None:
    if isinstance(document, Mapping) and document.get("type") == REPLY_DOCUMENT:
        return (
            "It is the reply to one: `underseal peer complete` takes it, at the node that invited."
        )
    return None


def _terms(claims: Mapping[str, Any]) -> Terms:
    offers = claims.get("offers", [])
    is_list = isinstance(offers, list) and len(offers) <= MAX_OFFERS
    if not is_list or not all(isinstance(one, str) for one in offers):
        raise InvitationError("the invitation has a malformed list of offers")
    for_url, for_company_id = claims.get("for_url"), claims.get("for_company_id")
    if not all(one is None or isinstance(one, str) for one in (for_url, for_company_id)):
        raise InvitationError("the invitation does not say properly whom it is for")
    # Nodes do not make others; an address is all that can be looked at without a person.
    is_pre_approved = claims.get("pre_approved") is True and for_url is not None
    return Terms(for_url, for_company_id, is_pre_approved, tuple(offers))


def _token(body: Mapping[str, Any]) -> str:
    token = body.get("token", "")
    if not isinstance(token, str) or not token:
        raise InvitationError(
            "the invitation holds no registration token",
            hint="Use the file, or the whole link, as the other company made it.",
        )
    return token
