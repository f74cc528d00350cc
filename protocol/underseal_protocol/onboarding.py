"""What invitations and replies to them have in common.

Both are JSON documents around a JWS of the identity key of who writes it, with the newest entry of
its key log beside it: the JWS names the digest of that entry, and the entry holds the key that
signed the JWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from underseal_protocol import jws
from underseal_protocol.claims import issue_time
from underseal_protocol.errors import CredentialError, InvitationError, KeySetError
from underseal_protocol.key_log import KeyLogEntry, read_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet

__all__ = [
    "VERSION",
    "Company",
    "check_version",
    "company_of",
    "entry_of",
    "signed_claims",
    "text_of",
    "time_of",
]

VERSION = 1
MAX_NAME_CHARACTERS = 200
MAX_COMPANY_IDS = 50
MAX_ID_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2_000


@dataclass(frozen=True)
class Company:
    """What a company says of itself.

    Attributes:
        name: for people.
        ids: URNs; an LEI among them if it has one.
    """

    name: str
    ids: tuple[str, ...]


def check_version(document: Mapping[str, Any], what: str) -> None:
    """Refuse what this program does not know.

    Raises:
        InvitationError: the document has another version.
    """
    if document.get("version") != VERSION:
        raise InvitationError(
            f"{what} has the version {document.get('version')!r}, this program knows {VERSION}",
            hint="One of the two nodes needs a newer version of Underseal.",
        )


def entry_of(key_log: Any) -> KeyLogEntry:
    """The entry of a key log that a document carries.

    Raises:
        InvitationError: there is none, or it is not usable.
    """
    if not isinstance(key_log, list) or len(key_log) != 1 or not isinstance(key_log[0], str):
        raise InvitationError("the document holds not exactly one entry of a key log")
    try:
        return read_entry(key_log[0])
    except CredentialError as error:
        raise InvitationError(f"the keys in the document are not usable: {error.message}") from None


def signed_claims(token: Any, entry: KeyLogEntry, typ: str, what: str) -> dict[str, Any]:
    """The claims of a JWS that the identity key in use of this very entry signed.

    Raises:
        InvitationError: it is not signed so; the message begins with `what`.
    """
    if not isinstance(token, str):
        raise InvitationError(f"{what} is not signed")
    try:
        in_use = PublicKeySet([entry.current(KeyPurpose.IDENTITY)])
        claims = jws.verify(token, typ=typ, purpose=KeyPurpose.IDENTITY, keys=in_use).payload
    except (CredentialError, KeySetError) as error:
        raise InvitationError(
            f"{what} was altered or forged: {error.message}",
            hint="Ask the company for it again, on another way.",
        ) from None
    if claims.get("key_log") != entry.digest or claims.get("iss") != entry.url:
        raise InvitationError(f"{what} was altered or forged: it was signed with other keys in it")
    check_version(claims, what)
    return claims


def company_of(value: Any) -> Company:
    """The company that a document names.

    Raises:
        InvitationError: it names none, or is malformed.
    """
    name = value.get("name") if isinstance(value, Mapping) else None
    ids = value.get("ids") if isinstance(value, Mapping) else None
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME_CHARACTERS:
        raise InvitationError("the document names no company, or one with a very long name")
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_COMPANY_IDS:
        raise InvitationError("the document has no company ids, or very many")
    if not all(isinstance(one, str) and 0 < len(one) <= MAX_ID_CHARACTERS for one in ids):
        raise InvitationError("the document has malformed company ids")
    return Company(name.strip(), tuple(ids))


def text_of(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a text.

    Raises:
        InvitationError: it is missing, no text, or very long.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_CHARACTERS:
        raise InvitationError(f"the document has no usable {name}")
    return value


def time_of(claims: Mapping[str, Any], name: str) -> datetime:
    """A claim that is an instant.

    Raises:
        InvitationError: it is missing or none.
    """
    try:
        return issue_time(claims.get(name))
    except CredentialError as error:
        raise InvitationError(f"the document has no usable {name}: {error.message}") from None
