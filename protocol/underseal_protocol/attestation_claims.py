"""The claims of an attestation: what they are, and the form that they must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from underseal_protocol import canonical, jws
from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.carbon import Verification
from underseal_protocol.claims import issue_time
from underseal_protocol.commitment import root_in
from underseal_protocol.draft import ATTESTED_BLOCKS, Subject
from underseal_protocol.errors import AttestationError, CommitmentError
from underseal_protocol.footprint import to_document
from underseal_protocol.times import format_time
from underseal_protocol.uris import as_uri

__all__ = ["Attestation", "AttestedBooks", "Statement", "attestation_of", "check_claims"]

MAX_TEXT_CHARACTERS = 2_000
MAX_NAME_CHARACTERS = 300
MAX_VERIFIER_IDS = 20

_CLAIMS = frozenset(
    [
        *("iss", "sub", "owner", "iat", "nbf", "exp", "core", "blocks"),
        *("verification", "verifierIds", "level", "statement"),
    ]
)
_COMMITMENT = "commitment"  # a claim that only some have
_COMMITMENT_MEMBERS = frozenset({"root", "disclosure"})
_COMPLETENESS, _SEALED_SUM = "completeness", "sealedSum"
_REQUIRED_PROPERTIES = ("coverage", "providerName", "completedAt", "standardName")
_STATEMENT_LIMITS = {
    "text": MAX_TEXT_CHARACTERS,
    "url": MAX_TEXT_CHARACTERS,
    "sha256": canonical.DIGEST_CHARACTERS,
    "fileName": MAX_NAME_CHARACTERS,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What the verifier says: in words, at an address, or in a document known by its digest.

    Attributes:
        text: the statement itself.
        url: where it can be read; never fetched by a reader of the attestation.
        sha256: of the document, base64url without padding.
        file_name: of the document.
    """

    text: str | None = None
    url: str | None = None
    sha256: str | None = None
    file_name: str | None = None

    def to_json(self) -> dict[str, str]:
        """What is there, by the names of the claim."""
        members = {
            "text": self.text,
            "url": self.url,
            "sha256": self.sha256,
            "fileName": self.file_name,
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AttestedBooks:
    """The commitment that a verifier has looked into.

    Attributes:
        disclosure: of its root, encoded, as the credential bears it.
        completeness: what the verifier has checked of its being complete, in words.
        sealed_sum: the digest of the sealed sum whose quantities the verifier has compared with the
            lines.
    """

    disclosure: str
    completeness: str | None = None
    sealed_sum: str | None = None

    @property
    def root(self) -> str:
        """Of the tree, base64url."""
        return root_in(self.disclosure)

    def to_json(self) -> dict[str, str]:
        """The claim."""
        said = {_COMPLETENESS: self.completeness, _SEALED_SUM: self.sealed_sum}
        more = {name: value for name, value in said.items() if value is not None}
        return {"root": self.root, "disclosure": self.disclosure, **more}


@dataclass(frozen=True, slots=True)
class Attestation:
    """What an attestation says.

    Attributes:
        verifier: `iss`, the URL of the verifier's node.
        verifier_ids: URNs of the verifier's company.
        subject: what it is about.
        verification: the properties of PACT's `Verification`, as they are published.
        level: of assurance.
        statement: what the verifier says.
        issued_at: by the verifier's clock.
        valid_from: when its validity begins.
        valid_until: when it ends, exclusive.
        kid: the key it was signed with.
        digest: by which it is known (`jws.statement_digest`).
        token: the JWS.
        books: the commitment that the verifier has looked into, if it says so.
    """

    verifier: str
    verifier_ids: tuple[str, ...]
    subject: Subject
    verification: dict[str, str]
    level: AssuranceLevel
    statement: Statement
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime
    kid: str
    digest: str
    token: str = field(repr=False)
    books: AttestedBooks | None = None


def attestation_of(token: str, parsed: jws.Jws) -> Attestation:
    """The claims of a parsed attestation.

    Args:
        token: as it was parsed.
        parsed: its parts; whether its signature is checked is the caller's matter.

    Raises:
        CredentialError: a claim is missing or malformed.
    """
    claims = parsed.payload
    check_claims(claims)
    statement = claims["statement"]
    books = claims.get(_COMMITMENT)
    return Attestation(
        verifier=claims["iss"],
        verifier_ids=tuple(claims["verifierIds"]),
        subject=Subject(
            claims["sub"],
            claims["owner"],
            claims["core"],
            {block: claims["blocks"][block.value] for block in ATTESTED_BLOCKS},
        ),
        verification=claims["verification"],
        level=AssuranceLevel(claims["level"]),
        statement=Statement(
            statement.get("text"),
            statement.get("url"),
            statement.get("sha256"),
            statement.get("fileName"),
        ),
        issued_at=issue_time(claims["iat"]),
        valid_from=issue_time(claims["nbf"]),
        valid_until=issue_time(claims["exp"]),
        kid=str(parsed.header.get("kid")),
        digest=jws.statement_digest(token),
        token=token,
        books=None
        if books is None
        else AttestedBooks(books["disclosure"], books.get(_COMPLETENESS), books.get(_SEALED_SUM)),
    )


def check_claims(claims: Mapping[str, Any]) -> None:
    """The form of all claims.

    Raises:
        CredentialError: one is missing, malformed, too long or not known.
    """
    if claims.keys() - {_COMMITMENT} != _CLAIMS:
        raise AttestationError(
            f"the attestation has the claims {sorted(claims)}, expected {sorted(_CLAIMS)}"
        )
    for name in ("iss", "owner"):
        value = claims[name]
        if not _is_text(value, MAX_TEXT_CHARACTERS) or as_uri(value) != value:
            raise AttestationError(f"the attestation has {name} = {value!r}, expected a URL")
    if claims["iss"] == claims["owner"]:
        raise AttestationError(
            f"{claims['iss']} attests its own footprint; a verifier is independent of the owner"
        )
    for name in ("sub", "core"):
        if not _is_text(claims[name], MAX_NAME_CHARACTERS):
            raise AttestationError(f"the attestation has {name} = {claims[name]!r}")
    blocks = claims["blocks"]
    if not isinstance(blocks, Mapping) or blocks.keys() != set(ATTESTED_BLOCKS):
        raise AttestationError(f"the attestation covers {blocks!r}, expected all attested blocks")
    digests = set(map(str, blocks.values()))
    if len(digests) != len(ATTESTED_BLOCKS) or not all(map(_is_digest, blocks.values())):
        raise AttestationError(f"the attestation has digests that are none: {blocks!r}")
    begin, end = issue_time(claims["nbf"]), issue_time(claims["exp"])
    issue_time(claims["iat"])
    if begin >= end:
        raise AttestationError(
            f"the attestation would be valid from {format_time(begin)} until {format_time(end)}"
        )
    _check_verifier(claims)
    _check_statement(claims["statement"])
    if _COMMITMENT in claims:
        _check_books(claims[_COMMITMENT])


def _check_verifier(claims: Mapping[str, Any]) -> None:
    ids = claims["verifierIds"]
    if (
        not isinstance(ids, list)
        or not 1 <= len(ids) <= MAX_VERIFIER_IDS
        or not all(_is_text(one, MAX_NAME_CHARACTERS) and one[:4].lower() == "urn:" for one in ids)
    ):
        raise AttestationError(f"verifierIds is {ids!r}, expected URNs of the verifier's company")
    if claims["level"] not in list(AssuranceLevel):
        raise AttestationError(
            f"the level of assurance is {claims['level']!r}, expected {' or '.join(AssuranceLevel)}"
        )
    given = claims["verification"]
    missing = [name for name in _REQUIRED_PROPERTIES if not isinstance(given, Mapping) or
               not _is_text(given.get(name), MAX_NAME_CHARACTERS)]  # fmt: skip
    if missing:
        raise AttestationError(
            f"the attestation lacks {', '.join(missing)}, or it has more than "
            f"{MAX_NAME_CHARACTERS} characters"
        )
    if not _is_text(given.get("comments", "-"), MAX_TEXT_CHARACTERS):
        raise AttestationError(
            f"the comments of the attestation are no text of 1..{MAX_TEXT_CHARACTERS} characters"
        )
    try:
        normal = to_document(Verification.model_validate(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise AttestationError(
            f"the attestation has verification.{place} = {given.get(place)!r}: {first['msg']}"
        ) from None
    if normal != given or len(given) > len(_REQUIRED_PROPERTIES) + ("comments" in given):
        raise AttestationError(
            f"the attestation has the verification {given!r}, expected it in the form {normal!r}"
        )


def _check_statement(statement: Any) -> None:
    if not isinstance(statement, Mapping) or not statement.keys() & {"text", "url", "sha256"}:
        raise AttestationError("the attestation holds no statement: a text, a URL or a digest")
    for name, value in statement.items():
        limit = _STATEMENT_LIMITS.get(name)
        if limit is None or not _is_text(value, limit):
            raise AttestationError(
                f"the statement has {name} = {str(value)[:80]!r}, expected "
                f"{', '.join(_STATEMENT_LIMITS)}, each a text of at most {limit or 0} characters"
            )
    if "url" in statement and as_uri(statement["url"]) != statement["url"]:
        raise AttestationError(f"the statement has the address {statement['url']!r}, which is none")
    if "sha256" in statement and not _is_digest(statement["sha256"]):
        raise AttestationError(f"the statement has the digest {statement['sha256']!r}, not SHA-256")


def _check_books(books: Any) -> None:
    optional = {_COMPLETENESS, _SEALED_SUM}
    if not isinstance(books, Mapping) or books.keys() - optional != _COMMITMENT_MEMBERS:
        raise AttestationError(
            f"the attestation has the commitment {books!r}, expected root, disclosure and perhaps "
            f"{' and '.join(sorted(optional))}"
        )
    try:
        root = root_in(books["disclosure"])
    except CommitmentError as error:
        raise AttestationError(f"the attestation names no root: {error.message}") from error
    if root != books["root"]:
        raise AttestationError(
            f"the attestation names the root {books['root']!r}, its disclosure says {root!r}"
        )
    if not _is_text(books.get(_COMPLETENESS, "-"), MAX_TEXT_CHARACTERS):
        raise AttestationError(
            f"the completeness is no text of 1..{MAX_TEXT_CHARACTERS} characters"
        )
    if _SEALED_SUM in books and not _is_digest(books[_SEALED_SUM]):
        raise AttestationError(f"sealedSum is {books[_SEALED_SUM]!r:.80}, expected a digest")


def _is_text(value: Any, max_characters: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= max_characters


def _is_digest(value: Any) -> bool:
    return (
        isinstance(value, str)
        and len(value) == canonical.DIGEST_CHARACTERS
        and value.isascii()
        and value.replace("-", "a").replace("_", "a").isalnum()
    )
