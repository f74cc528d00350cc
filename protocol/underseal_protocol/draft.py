"""A draft: a footprint that is fixed before it is published, so that a verifier can attest it.

A draft holds the footprint with its id and the salted disclosures of all blocks but `verification`.
So the digests that a verifier signs are those that the credential will bear. Whoever has a draft
can show every block of it: it is as confidential as the footprint at the level `full`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from underseal_protocol import canonical, sd_jwt
from underseal_protocol.credential import VerifiedCredential, disclosures_of
from underseal_protocol.disclosure import (
    Block,
    is_attestation_entry,
    is_credential_entry,
    split,
)
from underseal_protocol.errors import CredentialError, DraftError, SchemaError
from underseal_protocol.footprint import schema_violations
from underseal_protocol.uris import as_uri

__all__ = ["ATTESTED_BLOCKS", "DRAFT_TYPE", "FootprintDraft", "Subject", "make_draft", "read_draft"]

DRAFT_TYPE = "underseal-draft"
DRAFT_VERSION = 1
# The outcome of a verification cannot be part of what is verified.
ATTESTED_BLOCKS: tuple[Block, ...] = tuple(
    block for block in Block if block is not Block.VERIFICATION
)

_MEMBERS = frozenset({"type", "version", "issuer", "footprint", "disclosures"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What an attestation is about: everything of a footprint but its block `verification`.

    Attributes:
        footprint_id: `id`.
        owner: the URL of the node that publishes the footprint.
        core: the digest of the core.
        blocks: the salted digest of each block but `verification`.
    """

    footprint_id: str
    owner: str
    core: str
    blocks: Mapping[Block, str]

    @classmethod
    def of_published(cls, document: Mapping[str, Any], proven: VerifiedCredential) -> Subject:
        """The same of a footprint that is published.

        Args:
            document: the footprint.
            proven: what its credential proves.

        Raises:
            DraftError: a block is withheld: nobody can attest what is not shown.
        """
        shown = proven.shown_digests()
        withheld = [block.value for block in ATTESTED_BLOCKS if block not in shown]
        if withheld:
            raise DraftError(
                f"the footprint is shown without the blocks {', '.join(withheld)}, and what is not "
                "shown cannot be attested",
                hint="Ask its owner for the level full.",
            )
        blocks = {block: shown[block] for block in ATTESTED_BLOCKS}
        return cls(str(document["id"]), proven.issuer, proven.core, blocks)


@dataclass(frozen=True, slots=True)
class FootprintDraft:
    """A draft whose parts agree.

    Attributes:
        issuer: the URL of the node that will publish it, without trailing slash.
        document: the footprint, without verification, attestation and credential.
        disclosures: of all blocks but `verification`, encoded.
        core: the digest of the core.
    """

    issuer: str
    document: dict[str, Any] = field(repr=False)
    disclosures: Mapping[Block, str] = field(repr=False)
    core: str

    @property
    def id(self) -> str:
        """Of the footprint."""
        return str(self.document["id"])

    @property
    def subject(self) -> Subject:
        """What a verifier attests."""
        digests = {
            block: sd_jwt.disclosure_digest(encoded) for block, encoded in self.disclosures.items()
        }
        return Subject(self.id, self.issuer, self.core, digests)

    def to_json(self) -> dict[str, Any]:
        """As it is written into a file."""
        return {
            "type": DRAFT_TYPE,
            "version": DRAFT_VERSION,
            "issuer": self.issuer,
            "footprint": self.document,
            "disclosures": {block.value: self.disclosures[block] for block in ATTESTED_BLOCKS},
        }


def make_draft(document: Mapping[str, Any], *, issuer: str) -> FootprintDraft:
    """Fix a footprint with fresh salts.

    Args:
        document: complete and normal (`footprint.normalise`), with an id.
        issuer: the URL of the node that will publish it.

    Raises:
        DraftError: it carries a credential, an attestation or a verification already.
        SchemaError: it does not have the form of PACT 3.0.
        JsonError: it has no canonical form.
    """
    _require_plain(document)
    parts = split(document)
    disclosures = disclosures_of(parts)
    del disclosures[Block.VERIFICATION]
    return FootprintDraft(
        issuer.rstrip("/"), dict(document), disclosures, canonical.digest(parts.core)
    )


def is_draft(value: Any) -> bool:
    """Whether a JSON value says that it is a draft."""
    return isinstance(value, Mapping) and value.get("type") == DRAFT_TYPE


def read_draft(value: Any) -> FootprintDraft:
    """Read a draft and check that its parts agree.

    That proves nothing about who made it.

    Args:
        value: as read by `strict_json.loads(..., exact_numbers=True)`.

    Raises:
        DraftError: it is no draft, or a disclosure is not of what the footprint holds.
        SchemaError: its footprint does not have the form of PACT 3.0.
        JsonError: its footprint has no canonical form.
    """
    if not is_draft(value) or value.keys() != _MEMBERS or value["version"] != DRAFT_VERSION:
        raise DraftError(
            f"this is no draft of a footprint: expected the type {DRAFT_TYPE!r}, version "
            f"{DRAFT_VERSION}, with the members {', '.join(sorted(_MEMBERS))}",
            hint="`underseal footprint draft FILE` makes one.",
        )
    document, issuer, given = value["footprint"], value["issuer"], value["disclosures"]
    if not isinstance(document, Mapping):
        raise DraftError(f"the footprint of the draft is {type(document).__name__}, no object")
    if not isinstance(issuer, str) or as_uri(issuer) != issuer or issuer.endswith("/"):
        raise DraftError(f"the draft names the issuer {issuer!r}, expected the URL of a node")
    _require_plain(document)
    if not isinstance(given, Mapping) or given.keys() != set(ATTESTED_BLOCKS):
        names = ", ".join(ATTESTED_BLOCKS)
        raise DraftError(f"the draft does not hold the disclosures of exactly {names}")
    for block, encoded in given.items():
        if not isinstance(encoded, str):
            raise DraftError(f"the disclosure of {block!r} is {encoded!r}, expected a text")
    disclosures = {block: given[block.value] for block in ATTESTED_BLOCKS}
    parts = split(document)
    try:
        disclosures_of(parts, disclosures)
    except CredentialError as error:
        raise DraftError(f"the draft was altered: {error.message}", hint=error.hint) from error
    return FootprintDraft(issuer, dict(document), disclosures, canonical.digest(parts.core))


def _require_plain(document: Mapping[str, Any]) -> None:
    """A footprint that nobody has signed or verified."""
    violations = schema_violations(document)
    if violations:
        raise SchemaError(violations)
    try:
        is_normal_id = str(UUID(document["id"])) == document["id"]
    except ValueError:
        is_normal_id = False
    if not is_normal_id:
        raise DraftError(f"the id {document['id']!r} is not a UUID in lower case")
    extensions = document.get("extensions") or ()
    if any(is_credential_entry(one) or is_attestation_entry(one) for one in extensions):
        raise DraftError("the footprint carries a credential or an attestation already")
    if "verification" in document["pcf"]:
        raise DraftError(
            "the footprint says already how it was verified (pcf.verification)",
            hint="Leave verification out: the attestation fills it in when the draft is published.",
        )
