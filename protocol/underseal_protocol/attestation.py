"""The attestation: what an independent verifier signs about another company's footprint.

A JWS of the verifier over the digest of the core and the salted digests of all blocks but
`verification`: exactly what a draft fixes and a credential bears. It holds the properties of PACT's
`verification` as they are published, so the two cannot differ. It never covers the block
`verification`, to which it belongs itself (docs/adr/0011-attestations.md).

The rules by which an attestation counts for a footprint whose credential is verified:

1. The JWS rules of `jws`: ES256, `typ`, an attestation key of the verifier named by `kid`.
2. `iss` is the verifier and not the owner; `sub` is the id of the footprint, `owner` the issuer of
   its credential.
3. `core` is the digest of the core; of each block that is shown, the salted digest is the attested
   one; of each that is withheld, the attested one is among those of the credential.
4. If the footprint carries it: `pcf.verification` is what the verifier signed.
5. The time is between `nbf` and `exp`.
6. If it names the root of a commitment: the credential bears that root.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from underseal_protocol import canonical, jws
from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.attestation_claims import (
    Attestation,
    AttestedBooks,
    Statement,
    attestation_of,
    check_claims,
)
from underseal_protocol.credential import EXTENSION_SPEC_VERSION, VerifiedCredential
from underseal_protocol.disclosure import ATTESTATION_SCHEMA_PATH, Block, is_attestation_entry
from underseal_protocol.draft import Subject
from underseal_protocol.errors import (
    AttestationError,
    AttestationExpiredError,
    CommitmentError,
    CredentialError,
    JsonError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.opening import committed_root
from underseal_protocol.times import format_time

__all__ = [
    "ATTESTATION_SCHEMA_PATH",
    "ATTESTATION_TYPE",
    "AssuranceLevel",
    "Attestation",
    "AttestedBooks",
    "Statement",
    "attestation_entry",
    "attestations_of",
    "issue_attestation",
    "read_attestation",
    "require_about",
    "require_about_published",
    "require_valid",
    "verify_attestation",
]

ATTESTATION_TYPE = "underseal-attestation+jwt"
MAX_ATTESTATIONS = 8  # that one footprint carries
CLOCK_LEEWAY = timedelta(minutes=5)  # by which the verifier's clock may be ahead of ours


def issue_attestation(
    subject: Subject,
    *,
    key: SigningKey,
    issuer: str,
    verifier_ids: Collection[str],
    verification: Mapping[str, str],
    level: AssuranceLevel,
    statement: Statement,
    issued_at: datetime,
    valid_until: datetime,
    valid_from: datetime | None = None,
    books: AttestedBooks | None = None,
) -> Attestation:
    """Attest a footprint.

    Args:
        subject: of a draft (`FootprintDraft.subject`) or of a published footprint
            (`Subject.of_published`).
        key: the attestation key of the verifier's node.
        issuer: the URL of the verifier's node.
        verifier_ids: URNs of the verifier's company.
        verification: PACT's `coverage`, `providerName`, `completedAt`, `standardName` and, if
            there is anything to add, `comments`.
        level: of assurance.
        statement: with at least one member.
        issued_at: aware; the fraction of a second is dropped, as of the other instants.
        valid_until: aware, exclusive.
        valid_from: aware; `issued_at` by default.
        books: the commitment of the footprint that the verifier has looked into.

    Raises:
        AttestationError: it would not be accepted: something is missing, malformed or too long.
        CredentialError: the key is for something else.
        ValueError: an instant is naive.
    """
    if key.purpose is not KeyPurpose.ATTESTATION:
        raise CredentialError(f"a key for {key.purpose} was used to sign an attestation")
    begin = issued_at if valid_from is None else valid_from
    if any(instant.tzinfo is None for instant in (issued_at, begin, valid_until)):
        raise ValueError("an instant has no time zone")
    payload: dict[str, Any] = {
        "iss": issuer.rstrip("/"),
        "sub": subject.footprint_id,
        "owner": subject.owner,
        "iat": int(issued_at.timestamp()),
        "nbf": int(begin.timestamp()),
        "exp": int(valid_until.timestamp()),
        "core": subject.core,
        "blocks": {block.value: digest for block, digest in subject.blocks.items()},
        "verification": dict(verification),
        "verifierIds": list(verifier_ids),
        "level": str(level),
        "statement": statement.to_json(),
    }
    if books is not None:
        payload["commitment"] = books.to_json()
    try:
        canonical.canonical_bytes(payload)
    except JsonError as error:
        raise AttestationError(f"this cannot be attested: {error.message}") from error
    check_claims(payload)
    token = jws.sign(payload, typ=ATTESTATION_TYPE, key=key)
    if len(token) > jws.MAX_CHARACTERS:
        raise AttestationError(
            f"the attestation would have {len(token)} characters, at most {jws.MAX_CHARACTERS} "
            "are taken",
            hint="Put long texts into a document of their own, which is named by its digest.",
        )
    return read_attestation(token)


def read_attestation(token: str) -> Attestation:
    """What an attestation says, without a check of its signature: nothing of it is proven.

    Args:
        token: as received; white space around it does not count.

    Raises:
        CredentialError: it is malformed.
    """
    return attestation_of(token.strip(), jws.parse(token.strip()))


def verify_attestation(token: str, *, keys: PublicKeySet, issuer: str | None) -> Attestation:
    """Check who signed an attestation, but not yet what it is about (rule 1).

    Args:
        token: as received; white space around it does not count.
        keys: of the verifier; the only ones trusted.
        issuer: the URL of the verifier's node; None if the keys alone say whom to trust.

    Raises:
        KeySetError: the key is not trusted, or not for attestations.
        SignatureMismatchError: the signature is not of this key.
        CredentialError: it is malformed, or of another verifier.
    """
    text = token.strip()
    parsed = jws.verify(text, typ=ATTESTATION_TYPE, purpose=KeyPurpose.ATTESTATION, keys=keys)
    found = attestation_of(text, parsed)
    if issuer is not None and found.verifier != issuer.rstrip("/"):
        raise AttestationError(
            f"the attestation is of {found.verifier!r}, expected {issuer.rstrip('/')!r}"
        )
    return found


def require_about(found: Attestation, subject: Subject) -> None:
    """Check that an attestation is about a draft, to the digest (rules 2, 3 and 6).

    Raises:
        AttestationError: it is about something else; the message says what differs.
    """
    _require_same(found, subject.footprint_id, subject.owner, subject.core)
    if found.books is not None:
        raise AttestationError(
            f"the attestation names the root {found.books.root}, a draft is of none",
            hint="Attest the footprint when it is published.",
        )
    for block, attested in found.subject.blocks.items():
        if attested != subject.blocks[block]:
            raise _differs(f"the block {block.value!r}", attested, subject.blocks[block])


def require_about_published(
    found: Attestation,
    document: Mapping[str, Any],
    proven: VerifiedCredential,
    *,
    is_carried: bool,
) -> None:
    """Check that an attestation is about a published footprint (rules 2 to 4, 6), at any level.

    Args:
        found: its signature checked.
        document: the footprint as received.
        proven: what its credential proves.
        is_carried: whether the attestation is in the footprint, rather than beside it.

    Raises:
        AttestationError: it is about something else; the message says what differs.
    """
    _require_same(found, str(document["id"]), proven.issuer, proven.core)
    shown = proven.shown_digests()
    for block, attested in found.subject.blocks.items():
        # Of two disclosures that an owner may have signed for one block, the attested one counts.
        if block in shown and attested != shown[block]:
            raise _differs(f"the block {block.value!r}", attested, shown[block])
        if attested not in proven.block_digests:
            raise AttestationError(
                f"the block {block.value!r} is not what was attested: its digest {attested} is "
                f"not among those of the credential ({', '.join(sorted(proven.block_digests))})"
            )
    if shown.get(Block.VERIFICATION) in found.subject.blocks.values():
        raise AttestationError("the block 'verification' has the digest of an attested block")
    _require_books(found, proven)
    published = document["pcf"].get("verification")
    if is_carried and published != found.verification:
        raise AttestationError(
            f"the footprint says of its verification {published!r}, "
            f"the verifier signed {found.verification!r}"
        )


def require_valid(found: Attestation, now: datetime) -> None:
    """Check that an attestation is valid at an instant (rule 5).

    Args:
        found: the attestation.
        now: aware.

    Raises:
        AttestationExpiredError: it is not yet valid, or no longer.
    """
    if now >= found.valid_until:
        raise AttestationExpiredError(
            f"the attestation was valid until {format_time(found.valid_until)}, "
            f"now is {format_time(now.replace(microsecond=0))}"
        )
    if now + CLOCK_LEEWAY < found.valid_from:
        raise AttestationExpiredError(
            f"the attestation is valid from {format_time(found.valid_from)} on, "
            f"now is {format_time(now.replace(microsecond=0))}"
        )


def attestation_entry(found: Attestation) -> dict[str, Any]:
    """The item of `extensions` that carries an attestation."""
    return {
        "specVersion": EXTENSION_SPEC_VERSION,
        "dataSchema": found.verifier + ATTESTATION_SCHEMA_PATH,
        "data": {"jws": found.token},
    }


def attestations_of(document: Mapping[str, Any]) -> list[str]:
    """The attestations that a footprint carries, in their order.

    Raises:
        AttestationError: there are more than `MAX_ATTESTATIONS`, or one is not of the expected
            form.
    """
    extensions = document.get("extensions")
    entries = [
        entry
        for entry in (extensions if isinstance(extensions, list) else ())
        if is_attestation_entry(entry)
    ]
    if len(entries) > MAX_ATTESTATIONS:
        raise AttestationError(
            f"the footprint carries {len(entries)} attestations, expected at most "
            f"{MAX_ATTESTATIONS}"
        )
    for entry in entries:
        data = entry.get("data")
        if not (
            entry.keys() == {"specVersion", "dataSchema", "data"}
            and isinstance(data, dict)
            and data.keys() == {"jws"}
            and isinstance(data["jws"], str)
        ):
            raise AttestationError(
                'an attestation entry does not hold exactly specVersion, dataSchema and "jws"'
            )
    return [entry["data"]["jws"] for entry in entries]


def _require_same(found: Attestation, footprint_id: str, owner: str, core: str) -> None:
    subject = found.subject
    if subject.footprint_id != footprint_id:
        raise AttestationError(
            f"the attestation is about the footprint {subject.footprint_id!r}, "
            f"this one has the id {footprint_id!r}"
        )
    if subject.owner != owner:
        raise AttestationError(
            f"the attestation is about a footprint of {subject.owner!r}, this one is of {owner!r}"
        )
    if subject.core != core:
        raise _differs("the core", subject.core, core)


def _require_books(found: Attestation, proven: VerifiedCredential) -> None:
    """What it says of a commitment is about the one that the credential bears."""
    if found.books is None:
        return
    try:
        committed_root(found.books.disclosure, proven)
    except CommitmentError as error:
        raise AttestationError(
            f"the attestation is about other books: {error.message}", hint=error.hint
        ) from error


def _differs(what: str, attested: str, actual: str) -> AttestationError:
    return AttestationError(
        f"{what} is not what was attested: it has the digest {actual}, "
        f"the attestation says {attested}",
        hint="The verifier has to attest what is to be published, unchanged.",
    )
