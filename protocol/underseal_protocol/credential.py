"""The credential of a footprint: what its owner signed, once, for every recipient.

An SD-JWT (RFC 9901) in one entry of `extensions`. Its claims bind the digest of the core and, as
one salted disclosure per block, the digest of that block; always six, so that neither presence nor
absence of a disclosure says anything about what the block holds. Digests are over the RFC 8785 form
of the JSON as received, never of a model. `status` is not bound: see `status`.

A footprint that was calculated may also claim a `commitment`: the digest of one more salted
disclosure, of the root of a Merkle tree over its inputs (`commitment`). It has a place of its own,
so that it cannot be the second disclosure of a block. No disclosure level shows the root; whoever
is to check an opening gets it with that (docs/adr/0017-commitments.md).

A footprint that was sealed before it was signed claims the digest of a disclosure of that, too
(`seal.binding`): `sealedSum`. It is never among the disclosures: whoever has the sealed document
can calculate it.

The rules by which `verify` accepts:

1. Exactly one credential entry, of exactly the form that `segments.pack` writes: it is the one part
   of the footprint that no digest covers, so nothing else may hide in it.
2. The JWS rules of `jws`: ES256, `typ`, a trusted footprint key named by `kid`.
3. `iss` is the expected issuer, `sub` the id of the footprint, `iat` a whole number of seconds.
4. `core` is the digest of the core.
5. Each disclosure was signed, stands for one block, and holds the digest of that block.
6. A block that is not disclosed has no content in the document.
7. `commitment`, if it is there, holds exactly one digest, and what is disclosed of it is a root.
8. `sealedSum`, if it is there, holds exactly one digest, and nothing is disclosed of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, jws, sd_jwt
from underseal_protocol.canonical import digest
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.commitment import digest_of_root
from underseal_protocol.credential_claims import (
    CLAIMS,
    COMMITMENT,
    OPTIONAL_CLAIMS,
    SEALED_SUM,
    committed,
    disclosed_in,
    sealed,
)
from underseal_protocol.credential_content import ContentMismatchError, check_content, check_given
from underseal_protocol.disclosure import (
    CREDENTIAL_SCHEMA_PATH,
    Block,
    Level,
    Split,
    is_credential_entry,
    split,
)
from underseal_protocol.errors import CredentialError, MissingCredentialError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = [
    "CREDENTIAL_SCHEMA_PATH",
    "CREDENTIAL_TYPE",
    "EXTENSION_SPEC_VERSION",
    "ContentMismatchError",
    "IssuedCredential",
    "VerifiedCredential",
    "credential_of",
    "disclosures_of",
    "issue",
    "reopen",
    "verify",
]

CREDENTIAL_TYPE = "underseal-footprint+sd-jwt"
EXTENSION_SPEC_VERSION = "2.0.0"  # of the PACT data model extensions
MAX_CREDENTIAL_CHARACTERS = 16_384

_EMPTY_DIGEST = digest({})


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential with all its disclosures, as its issuer keeps it.

    Attributes:
        jwt: the issuer-signed part, the same for every recipient.
        disclosures: of all six blocks, encoded.
    """

    jwt: str
    disclosures: dict[Block, str]

    @property
    def digest(self) -> str:
        """By which this credential is known: SHA-256 over header and payload of the
        issuer-signed part, base64url (see `jws.statement_digest`)."""
        return jws.statement_digest(self.jwt)

    def compact(self, level: Level) -> str:
        """The SD-JWT with the disclosures of a level (RFC 9901 section 4)."""
        return sd_jwt.join_compact(self.jwt, (self.disclosures[block] for block in level.blocks))


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """What a verified credential proves.

    Attributes:
        issuer: `iss`, the URL of the node that signed.
        kid: the key it signed with.
        issued_at: `iat`. The issuer's own word: no evidence of when it was signed.
        disclosed: blocks that are shown. What such a block lacks is absent from the footprint.
        withheld: blocks that are not shown. Whether they hold anything is unknown.
        digest: by which this credential is known; another one for the same footprint is evidence
            that the issuer signed two stories.
        core: the digest of the core.
        block_digests: salted, of all blocks; which one is of which withheld block is unknown.
        disclosures: those that are shown, encoded.
        commitment: the digest of the disclosure of the root; None if nothing is committed to.
        root: of the tree that is committed to, base64url, if it is disclosed.
        sealed_sum: the digest of the disclosure of a sealed sum; None if nothing is sealed.
    """

    issuer: str
    kid: str
    issued_at: datetime
    disclosed: frozenset[Block]
    withheld: frozenset[Block]
    digest: str
    core: str
    block_digests: frozenset[str]
    disclosures: tuple[str, ...] = field(repr=False)
    commitment: str | None = None
    root: str | None = None
    sealed_sum: str | None = None

    def shown_digests(self) -> dict[Block, str]:
        """The salted digests of the blocks that are shown."""
        shown = map(sd_jwt.Disclosure.parse, self.disclosures)
        blocks = (one for one in shown if one.digest != self.commitment)
        return {Block(str(one.name)): one.digest for one in blocks}


def disclosures_of(parts: Split, given: Mapping[Block, str] | None = None) -> dict[Block, str]:
    """The disclosures of all six blocks, encoded, with fresh salts but for those that are given.

    Args:
        parts: the footprint, taken apart.
        given: disclosures that were made before, as of a draft.

    Raises:
        ContentMismatchError: a given one is not of what the block holds.
        CredentialError: a given one cannot be read.
        JsonError: a block has no canonical form.
    """
    disclosures: dict[Block, str] = {}
    known = given or {}
    for salt, (block, content) in zip(
        sd_jwt.new_salts(len(Block)), parts.blocks.items(), strict=True
    ):
        value = digest(content) if content else _EMPTY_DIGEST
        if block in known:
            check_given(block, known[block], value)
            disclosures[block] = known[block]
            continue
        # All three are plain ASCII without quotes.
        text = f'["{salt}","{block.value}","{value}"]'
        disclosures[block] = base64url.encode(text.encode("ascii"))
    return disclosures


def issue(
    document: Mapping[str, Any],
    *,
    key: SigningKey,
    issuer: str,
    issued_at: datetime,
    disclosures: Mapping[Block, str] | None = None,
    root: str | None = None,
    sealed_sum: str | None = None,
) -> IssuedCredential:
    """Sign a footprint.

    A credential that the document carries already is not part of what is signed.

    Args:
        document: the footprint, read by `strict_json.loads(..., exact_numbers=True)`.
        key: the footprint key of the node.
        issuer: the URL of the node.
        issued_at: aware; the fraction of a second is dropped.
        disclosures: of blocks whose salts have been fixed before, by a draft.
        root: the disclosure of what the footprint was calculated from (`Commitment.disclosure`),
            of which the credential bears the digest.
        sealed_sum: the digest of the disclosure of its sealed sum (`seal.binding`).

    Raises:
        CredentialError: it has no id or no carbon footprint, the key is for something else, a
            disclosure that was given is not of what the block holds, or that of the root is none.
        JsonError: it holds what has no canonical form: a number that is no exact IEEE double, or
            a lone surrogate.
        ValueError: `issued_at` is naive.
    """
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise CredentialError(f"a key for {key.purpose} was used to sign a footprint")
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    footprint_id = document.get("id")
    if not isinstance(footprint_id, str) or not document.get("pcf"):
        raise CredentialError("a footprint without id or pcf cannot be signed")
    parts = split(document)
    core = digest(parts.core)
    made = disclosures_of(parts, disclosures)
    payload: dict[str, Any] = {
        "iss": issuer.rstrip("/"),
        "sub": footprint_id,
        "iat": int(issued_at.timestamp()),
        "core": core,
        # Sorted, so that the order does not tell which is which (RFC 9901 section 4.2.4.1).
        "_sd": sorted(map(sd_jwt.disclosure_digest, made.values())),
        "_sd_alg": sd_jwt.HASH_ALGORITHM,
    }
    if root is not None:
        payload[COMMITMENT] = {"_sd": [digest_of_root(root)]}
    if sealed_sum is not None:
        payload[SEALED_SUM] = {"_sd": [sealed_sum]}
        sealed(payload)
    return IssuedCredential(jws.sign(payload, typ=CREDENTIAL_TYPE, key=key), made)


def credential_of(document: Mapping[str, Any]) -> str | None:
    """The SD-JWT of a footprint; None if it carries no credential.

    Raises:
        CredentialError: it carries more than one, or one that is not of the expected form.
    """
    entry = _entry(document)
    return None if entry is None else entry["data"]["sdJwt"]


def verify(
    document: Mapping[str, Any], *, keys: PublicKeySet, issuer: str | Collection[str] | None
) -> VerifiedCredential:
    """Check the credential of a footprint against the footprint as received.

    Args:
        document: the footprint, read by `strict_json.loads`, not passed through a model.
        keys: the only keys trusted.
        issuer: the URL of the node that must have signed, or several if it has moved; None if the
            keys alone say whom to trust.

    Raises:
        MissingCredentialError: it carries none.
        KeySetError: the key is not trusted, or not for footprints.
        SignatureMismatchError: the signature is not of this key.
        ContentMismatchError: the footprint is not what was signed; the message says which part.
        CredentialError: any other rule is broken.
    """
    entry, jwt, disclosures = _taken_apart(document)
    token = jws.verify(jwt, typ=CREDENTIAL_TYPE, purpose=KeyPurpose.FOOTPRINT, keys=keys)
    return _proven(document, entry, jwt, token, disclosures, issuer)


def reopen(document: Mapping[str, Any], *, digest: str) -> VerifiedCredential:
    """Read what a credential proves that was verified before, as `verify` did.

    Its key may have been rotated or revoked since; the digest says that this is the credential
    that was verified with it.

    Args:
        document: the footprint as it was received.
        digest: of the credential that was verified.

    Raises:
        MissingCredentialError: it carries none.
        ContentMismatchError: it is another credential, or the footprint is not what was signed.
        CredentialError: any other rule is broken.
    """
    entry, jwt, disclosures = _taken_apart(document)
    token = jws.parse(jwt)
    found = jws.statement_digest(jwt)
    if found != digest:
        raise ContentMismatchError(
            f"the footprint carries the credential {found}, {digest} was verified"
        )
    return _proven(document, entry, jwt, token, disclosures, None)


def _taken_apart(document: Mapping[str, Any]) -> tuple[dict[str, Any], str, list[str]]:
    """The credential entry, and the issuer-signed part and the disclosures in it."""
    entry = _entry(document)
    if entry is None:
        raise MissingCredentialError("the footprint carries no credential")
    return entry, *sd_jwt.split_compact(entry["data"]["sdJwt"])


def _proven(
    document: Mapping[str, Any],
    entry: Mapping[str, Any],
    jwt: str,
    token: jws.Jws,
    disclosures: list[str],
    issuer: str | Collection[str] | None,
) -> VerifiedCredential:
    """Compare the footprint with what was signed; whether it was is checked before."""
    issued_at = _check_claims(token.payload, document, issuer)
    if entry["dataSchema"] != token.payload["iss"] + CREDENTIAL_SCHEMA_PATH:
        raise CredentialError(
            f"the credential entry names the schema {entry['dataSchema']!r}, "
            f"expected {token.payload['iss'] + CREDENTIAL_SCHEMA_PATH!r}"
        )
    commitment, sealed_sum = committed(token.payload), sealed(token.payload)
    disclosed, root = disclosed_in(token.payload, disclosures)
    check_content(document, token.payload["core"], disclosed)
    return VerifiedCredential(
        issuer=token.payload["iss"],
        kid=token.header["kid"],
        issued_at=issued_at,
        disclosed=frozenset(disclosed),
        withheld=frozenset(Block) - disclosed.keys(),
        digest=jws.statement_digest(jwt),
        core=token.payload["core"],
        block_digests=frozenset(token.payload["_sd"]),
        disclosures=tuple(disclosures),
        commitment=commitment,
        root=root,
        sealed_sum=sealed_sum,
    )


def _entry(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The credential entry, checked for its form."""
    extensions = document.get("extensions")
    if not isinstance(extensions, list):
        return None
    entries = [entry for entry in extensions if is_credential_entry(entry)]
    if not entries:
        return None
    if len(entries) > 1:
        raise CredentialError(f"the footprint carries {len(entries)} credentials, expected one")
    entry: dict[str, Any] = entries[0]
    data = entry.get("data")
    if entry.keys() != {"specVersion", "dataSchema", "data"} or entry["specVersion"] != (
        EXTENSION_SPEC_VERSION
    ):
        raise CredentialError(
            f"the credential entry has the members {sorted(entry)}, expected exactly specVersion "
            f"({EXTENSION_SPEC_VERSION}), dataSchema and data"
        )
    if not isinstance(data, dict) or data.keys() != {"sdJwt"} or not isinstance(data["sdJwt"], str):
        raise CredentialError('the credential entry does not hold exactly the text "sdJwt"')
    if len(data["sdJwt"]) > MAX_CREDENTIAL_CHARACTERS:
        raise CredentialError(
            f"the credential has {len(data['sdJwt'])} characters, "
            f"expected at most {MAX_CREDENTIAL_CHARACTERS}"
        )
    return entry


def _check_claims(
    payload: dict[str, Any], document: Mapping[str, Any], issuer: str | Collection[str] | None
) -> datetime:
    """The claims that name issuer, footprint and time. Returns the time."""
    if payload.keys() - OPTIONAL_CLAIMS != CLAIMS:
        raise CredentialError(
            f"the credential has the claims {sorted(payload)}, expected {sorted(CLAIMS)}"
        )
    if not isinstance(payload["iss"], str):
        raise CredentialError(f"the credential has the issuer {payload['iss']!r}, expected a URL")
    expected = expected_issuers(issuer)
    if expected is not None and payload["iss"] not in expected:
        raise CredentialError(
            f"the credential was issued by {payload['iss']!r}, expected "
            + " or ".join(map(repr, expected))
        )
    if payload["sub"] != document.get("id"):
        raise ContentMismatchError(
            f"the credential is for the footprint {payload['sub']!r}, "
            f"this one has the id {document.get('id')!r}"
        )
    return issue_time(payload["iat"])
