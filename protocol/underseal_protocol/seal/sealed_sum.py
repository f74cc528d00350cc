"""A sealed sum as it travels, and as it is kept in a file: the document, and who stands by it.

    {"type": "underseal-sealed-sum", "version": 1, "document": base64url, "statement": JWS}

`statement` is there for a seal that was made after the footprint was published; otherwise the
credential of the footprint bears the digest (`binding`). It has exactly these members, each in its
one form. Bytes that begin as a sealed document does are read as one without a statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.credential import VerifiedCredential
from underseal_protocol.errors import JsonError, SealRefusedError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.seal.binding import require_bound, verify_seal_statement
from underseal_protocol.seal.document_format import MAGIC, MAX_DOCUMENT_BYTES
from underseal_protocol.seal.verifier import read_sealed
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["MAX_SEALED_SUM_BYTES", "SEALED_SUM_PATH", "SealedSum", "read_sealed_sum"]

SEALED_SUM_PATH = "/extensions/sealed-sum"
TYPE, VERSION = "underseal-sealed-sum", 1
MAX_STATEMENT_CHARACTERS = 4_096
MAX_SEALED_SUM_BYTES = 2 * MAX_DOCUMENT_BYTES
LIMITS = JsonLimits(max_bytes=MAX_SEALED_SUM_BYTES, max_depth=2)


@dataclass(frozen=True, slots=True)
class SealedSum:
    """A sealed document, with what its publisher stands by it with.

    Attributes:
        document: the bytes, not checked.
        statement: a JWS; None if the credential of the footprint bears the digest.
    """

    document: bytes = field(repr=False)
    statement: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, str | int]:
        """As it travels."""
        members: dict[str, str | int] = {
            "type": TYPE,
            "version": VERSION,
            "document": base64url.encode(self.document),
        }
        return members if self.statement is None else members | {"statement": self.statement}

    def require_bound(
        self,
        proven: VerifiedCredential,
        *,
        keys: PublicKeySet,
        publisher: str | Collection[str],
    ) -> None:
        """Whether the publisher of a footprint stands by this document.

        Args:
            proven: what the credential of the footprint proves.
            keys: of the publisher; the only ones trusted.
            publisher: the URL of its node, or several if it has moved.

        Raises:
            SealRefusedError: it does not; the message begins with the part.
        """
        sealed = read_sealed(self.document)
        if self.statement is None:
            require_bound(sealed, proven)
            return
        verify_seal_statement(
            self.statement,
            sealed,
            keys=keys,
            issuer=publisher,
            credential_digest=proven.digest,
        )


def read_sealed_sum(data: bytes) -> SealedSum:
    """Read a sealed sum, without a check of what it says.

    Args:
        data: of a file, or of an answer.

    Raises:
        SealRefusedError: it is none.
    """
    if data.startswith(MAGIC):
        return SealedSum(data)
    if len(data) > MAX_SEALED_SUM_BYTES:
        raise _none(f"it has {len(data)} bytes, expected at most {MAX_SEALED_SUM_BYTES}")
    try:
        value = loads(data, limits=LIMITS)
    except JsonError as error:
        raise _none(f"it is neither a sealed document nor JSON: {error.message}") from None
    return _of_json(value)


def _of_json(value: Any) -> SealedSum:
    if not isinstance(value, Mapping) or value.get("type") != TYPE:
        raise _none(f"it is no JSON object of the type {TYPE!r}")
    required = {"type", "version", "document"}
    unknown = sorted(value.keys() - required - {"statement"})
    missing = sorted(required - value.keys())
    if unknown or missing:
        what = f"{missing[0]} is missing" if missing else f"{unknown[0]!r:.60} is not known"
        raise _none(f"its members are not as expected: {what}")
    if type(value["version"]) is not int or value["version"] != VERSION:
        raise _none(f"it has the version {value['version']!r:.60}, expected {VERSION}")
    statement = value.get("statement")
    is_text = isinstance(statement, str) and 0 < len(statement) <= MAX_STATEMENT_CHARACTERS
    if statement is not None and not is_text:
        raise _none("its statement is no text, or too long")
    document = value["document"]
    try:
        decoded = base64url.decode(document) if isinstance(document, str) else b""
    except ValueError:
        decoded = b""
    if not decoded or base64url.encode(decoded) != document:
        raise _none("its document is no base64url in its one form")
    return SealedSum(decoded, statement)


def _none(why: str) -> SealRefusedError:
    return SealRefusedError(
        f"file: {why}",
        hint="`underseal received sealed-sum` and `underseal product seal` write the file.",
    )
