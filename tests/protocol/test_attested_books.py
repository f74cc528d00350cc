"""Attestations that name the root of a commitment, and what was checked of its completeness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.protocol.attested import (
    DRAFT,
    OWNER,
    OWNER_KEYS,
    VERIFIER,
    VERIFIER_KEY,
    VERIFIER_KEYS,
    attest,
)
from tests.protocol.committed import COMMITMENT, CREDENTIAL, LEAVES, shown, signed

from underseal_protocol import base64url, jws
from underseal_protocol.attestation import (
    ATTESTATION_TYPE,
    AttestedBooks,
    read_attestation,
    require_about,
    require_about_published,
    verify_attestation,
)
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.commitment import commit
from underseal_protocol.credential import IssuedCredential, verify
from underseal_protocol.disclosure import Level
from underseal_protocol.draft import Subject
from underseal_protocol.errors import AttestationError
from underseal_protocol.schemas import ATTESTATION_CLAIMS_SCHEMA_PATH, EXTENSION_SCHEMAS

ROOT = base64url.encode(COMMITMENT.root)
SAID = "所有行: all 10 lines were seen, and all padding."
BOOKS = AttestedBooks(COMMITMENT.disclosure, SAID)


def attested(
    books: AttestedBooks | None = BOOKS, credential: IssuedCredential = CREDENTIAL
) -> Attestation:
    document = shown(credential=credential)
    proven = verify(document, keys=OWNER_KEYS, issuer=OWNER)
    return attest(Subject.of_published(document, proven), books=books)


def checked(
    found: Attestation, level: Level = Level.FULL, credential: IssuedCredential = CREDENTIAL
) -> None:
    document = shown(level, credential)
    proven = verify(document, keys=OWNER_KEYS, issuer=OWNER)
    require_about_published(found, document, proven, is_carried=False)


@pytest.mark.parametrize("level", list(Level))
def test_every_reader_can_tell_that_it_is_the_root_of_the_footprint(level: Level) -> None:
    found = verify_attestation(attested().token, keys=VERIFIER_KEYS, issuer=VERIFIER)
    assert found.books == BOOKS
    assert (found.books.root, found.books.completeness) == (ROOT, SAID)
    checked(found, level)


def test_it_need_not_say_anything_of_that() -> None:
    assert attested(None).books is None
    assert "commitment" not in jws.parse(attested(None).token).payload
    found = read_attestation(attested(AttestedBooks(COMMITMENT.disclosure)).token)
    assert found.books == AttestedBooks(COMMITMENT.disclosure, None)
    checked(found)


def test_the_sealed_sum_that_was_compared_with_them() -> None:
    books = AttestedBooks(COMMITMENT.disclosure, SAID, "S" * 42 + "A")
    found = verify_attestation(attested(books).token, keys=VERIFIER_KEYS, issuer=VERIFIER)
    assert found.books == books
    checked(found)
    Draft202012Validator(EXTENSION_SCHEMAS[ATTESTATION_CLAIMS_SCHEMA_PATH]).validate(
        jws.parse(found.token).payload
    )


def test_the_root_of_other_books_is_refused() -> None:
    found = attested(AttestedBooks(commit(LEAVES).disclosure))
    with pytest.raises(AttestationError, match=r"about other books: the root .* is not the one"):
        checked(found)
    bare = signed(None)
    with pytest.raises(AttestationError, match="without a commitment"):
        checked(attested(credential=bare), credential=bare)


def test_a_draft_has_no_root_yet() -> None:
    with pytest.raises(AttestationError, match="a draft is of none") as caught:
        require_about(attest(DRAFT.subject, books=BOOKS), DRAFT.subject)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.update(root="A" * 43), "names the root 'AAA"),
        (lambda c: c.update(disclosure=commit(LEAVES).disclosure), "its disclosure says"),
        (lambda c: c.update(disclosure="AAAA"), "names no root"),
        (lambda c: c.update(completeness=""), "completeness is no text"),
        (lambda c: c.update(completeness="x" * 2001), "completeness is no text"),
        (lambda c: c.update(completeness=7), "completeness is no text"),
        (lambda c: c.update(sealedSum="S"), "sealedSum is 'S', expected a digest"),
        (lambda c: c.update(sealedSum=None), "sealedSum is None, expected a digest"),
        (lambda c: c.update(more="x"), "expected root, disclosure"),
        (lambda c: c.pop("root"), "expected root, disclosure"),
    ],
)
def test_its_form(change: Callable[[dict[str, Any]], object], named: str) -> None:
    payload = jws.parse(attested().token).payload
    change(payload["commitment"])
    token = jws.sign(payload, typ=ATTESTATION_TYPE, key=VERIFIER_KEY)
    with pytest.raises(AttestationError) as caught:
        read_attestation(token)
    assert named in caught.value.message


def test_another_kind_of_claim() -> None:
    payload = jws.parse(attested().token).payload | {"commitment": ROOT}
    with pytest.raises(AttestationError, match="expected root, disclosure"):
        read_attestation(jws.sign(payload, typ=ATTESTATION_TYPE, key=VERIFIER_KEY))


def test_the_published_schema_says_so() -> None:
    schema = EXTENSION_SCHEMAS[ATTESTATION_CLAIMS_SCHEMA_PATH]
    Draft202012Validator(schema).validate(jws.parse(attested().token).payload)
