"""The publisher's signature on a sealed document: in the credential, or beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.protocol.seal.chains import Chain, Part
from tests.protocol.seal.parties import CREATED, CUSTOMER

from underseal_protocol import jws, segments, strict_json
from underseal_protocol.credential import (
    CREDENTIAL_TYPE,
    IssuedCredential,
    VerifiedCredential,
    issue,
    verify,
)
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import CredentialError, SealRefusedError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.schemas import CREDENTIAL_CLAIMS_SCHEMA_PATH, EXTENSION_SCHEMAS
from underseal_protocol.sd_jwt import Disclosure
from underseal_protocol.seal.binding import (
    SEAL_TYPE,
    bound_digest,
    issue_seal_statement,
    require_bound,
    verify_seal_statement,
)
from underseal_protocol.seal.document_format import encode_statement, read_document

CHAIN = Chain(parts=(Part("67.1", "4.02", "1"),), mass="4")
READ = read_document(CHAIN.result.document)
OTHER = replace(READ, header=replace(READ.header, decimals=3))
OTHER = replace(OTHER, statement=encode_statement(OTHER))
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet([KEY.public_key()])
DIGEST = bound_digest(READ)
CREDENTIAL = "A" * 43


def credential(sealed_sum: str | None = DIGEST) -> IssuedCredential:
    return issue(CHAIN.document, key=KEY, issuer=CUSTOMER, issued_at=CREATED, sealed_sum=sealed_sum)


def proven(given: IssuedCredential, level: Level = Level.FULL) -> VerifiedCredential:
    packed = segments.pack(CHAIN.document, given, CUSTOMER)
    document = strict_json.loads(segments.render(packed, level, "Active"))
    return verify(document, keys=KEYS, issuer=CUSTOMER)


@pytest.mark.parametrize("level", list(Level))
def test_the_credential_bears_it_at_every_level(level: Level) -> None:
    found = proven(credential(), level)
    assert found.sealed_sum == DIGEST
    assert found.shown_digests().keys() == set(level.blocks)
    require_bound(READ, found)


def test_the_claim_tells_nothing_without_the_document() -> None:
    payload = jws.parse(credential().jwt).payload
    assert payload["sealedSum"] == {"_sd": [DIGEST]}
    assert len(payload["_sd"]) == len(Block)
    assert READ.digest not in credential().jwt
    other = replace(READ, header=replace(READ.header, salt=bytes(32)))
    assert bound_digest(other) != DIGEST  # the salt is in the document only
    assert "sealedSum" not in jws.parse(credential(None).jwt).payload
    Draft202012Validator(EXTENSION_SCHEMAS[CREDENTIAL_CLAIMS_SCHEMA_PATH]).validate(payload)


def test_another_document_or_none() -> None:
    with pytest.raises(SealRefusedError, match=r"binding: the credential .* bears another"):
        require_bound(OTHER, proven(credential()))
    with pytest.raises(SealRefusedError, match=r"binding: the credential .* bears no") as caught:
        require_bound(READ, proven(credential(None)))
    assert caught.value.part == "binding"
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    "claim", [{}, None, "A" * 43, {"_sd": []}, {"_sd": ["A" * 43] * 2}, {"_sd": ["A"]}, {"a": 1}]
)
def test_another_form_of_the_claim_is_refused(claim: Any) -> None:
    given = credential()
    payload = jws.parse(given.jwt).payload | {"sealedSum": claim}
    forged = IssuedCredential(jws.sign(payload, typ=CREDENTIAL_TYPE, key=KEY), given.disclosures)
    with pytest.raises(CredentialError, match="the sealedSum is"):
        proven(forged)
    with pytest.raises(CredentialError, match="the sealedSum is"):
        credential("short")


def test_it_is_no_place_for_a_second_block() -> None:
    block = Disclosure.of_claim("salt" * 6, "quality", "A" * 43)
    given = credential(block.digest)
    document = strict_json.loads(
        segments.render(segments.pack(CHAIN.document, given, CUSTOMER), Level.FULL, "Active")
    )
    entry = document["extensions"][0]["data"]
    entry["sdJwt"] += f"{block.encoded}~"
    with pytest.raises(CredentialError, match="discloses its sealed sum"):
        verify(document, keys=KEYS, issuer=CUSTOMER)


# Beside the credential


def statement(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "credential_digest": CREDENTIAL,
        "key": KEY,
        "issuer": CUSTOMER,
        "issued_at": CREATED,
    }
    return issue_seal_statement(READ, **(arguments | changes))


def checked(token: str, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "sealed": READ,
        "keys": KEYS,
        "issuer": ["https://new.example", CUSTOMER],
        "credential_digest": CREDENTIAL,
    }
    return verify_seal_statement(token, **(arguments | changes))


def test_a_statement_of_its_own() -> None:
    found = checked(statement() + "\n")
    assert (found.issuer, found.kid, found.issued_at) == (CUSTOMER, KEY.kid, CREATED)
    assert found.credential_digest == CREDENTIAL


@pytest.mark.parametrize(
    "changes",
    [
        {"sealed": OTHER},
        {"credential_digest": "B" * 43},
        {"issuer": "https://new.example"},
        {"keys": PublicKeySet([])},
    ],
)
def test_a_statement_about_something_else(changes: dict[str, Any]) -> None:
    with pytest.raises(SealRefusedError, match="binding: ") as caught:
        checked(statement(), **changes)
    assert caught.value.part == "binding"


@pytest.mark.parametrize(
    "claims", [{"iat": "now"}, {"more": 1}, {"sub": 5}, {"sub": []}, {"iss": None}]
)
def test_a_statement_in_another_form(claims: dict[str, Any]) -> None:
    payload = jws.parse(statement()).payload | claims
    with pytest.raises(SealRefusedError, match="binding: "):
        checked(jws.sign(payload, typ=SEAL_TYPE, key=KEY))


def test_statements_of_another_kind() -> None:
    payload = jws.parse(statement()).payload
    for token in (jws.sign(payload, typ="underseal-status+jwt", key=KEY), "x.y", statement()[:-3]):
        with pytest.raises(SealRefusedError, match="binding: "):
            checked(token)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": SigningKey.generate(KeyPurpose.RECEIPT)}, CredentialError),
        ({"issuer": "https://other.example"}, CredentialError),
        ({"issued_at": datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001
    ],
)
def test_what_is_not_signed(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        statement(**changes)
