"""Status statements."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from underseal_protocol import jws
from underseal_protocol.credential import CREDENTIAL_TYPE
from underseal_protocol.errors import CredentialError, KeySetError, SignatureMismatchError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.status import STATUS_TYPE, StatusStatement, issue_status, verify_status

KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})
ISSUER = "https://pcf.example"
FOOTPRINT = "3d2c6f0e-8f0b-4b5e-9a77-0d6a5b1c9e21"
CREDENTIAL = "A" * 43
NOW = datetime(2025, 9, 1, 12, 0, 0, 400_000, tzinfo=UTC)


def issued(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "footprint_id": FOOTPRINT,
        "status": "Deprecated",
        "credential_digest": CREDENTIAL,
        "key": KEY,
        "issuer": ISSUER,
        "issued_at": NOW,
    }
    return issue_status(**(arguments | changes))


def verified(token: str, **changes: Any) -> StatusStatement:
    arguments: dict[str, Any] = {
        "keys": KEYS,
        "issuer": ISSUER,
        "footprint_id": FOOTPRINT,
        "credential_digest": CREDENTIAL,
    }
    return verify_status(token, **(arguments | changes))


@pytest.mark.parametrize("status", ["Active", "Deprecated"])
def test_a_statement_says_what_was_signed(status: str) -> None:
    assert verified(issued(status=status)) == StatusStatement(
        status=status,
        issued_at=NOW.replace(microsecond=0),
        issuer=ISSUER,
        kid=KEY.kid,
        credential_digest=CREDENTIAL,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": None},
        {"issuer": ISSUER + "/"},
        {"credential_digest": None},
    ],
)
def test_what_a_reader_need_not_know(changes: dict[str, Any]) -> None:
    assert verified(issued(), **changes).status == "Deprecated"


def test_white_space_around_it_does_not_count() -> None:
    assert verified(f"{issued()}\r\n").status == "Deprecated"


def test_it_is_small() -> None:
    assert len(issued()) < 700


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "https://evil.example"}, "iss = 'https://pcf.example', expected"),
        ({"footprint_id": "another"}, f"sub = '{FOOTPRINT}', expected 'another'"),
        ({"credential_digest": "B" * 43}, f"credential = '{CREDENTIAL}', expected 'BB"),
    ],
)
def test_a_statement_about_something_else(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CredentialError, match=message):
        verified(issued(), **changes)


GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": FOOTPRINT,
    "iat": 1,
    "status": "Deprecated",
    "credential": CREDENTIAL,
}


def test_the_forgery_of_these_tests_is_good_as_such() -> None:
    verified(jws.sign(GOOD, typ=STATUS_TYPE, key=KEY))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({**GOOD, "status": "Retired"}, "'Retired', expected"),
        ({**GOOD, "status": ["Active"]}, "expected"),
        ({**GOOD, "iat": "1"}, "iat"),
        ({**GOOD, "iat": True}, "iat"),
        ({**GOOD, "exp": 1}, "has the claims"),
        ({**GOOD, "credential": None}, "credential = None"),
        ({**GOOD, "iss": 5}, "iss = 5"),
        ({**GOOD, "sub": None}, "sub = None"),
        ({}, "has the claims"),
    ],
)
@pytest.mark.parametrize("knows_digest", [True, False])
def test_malformed_statements(payload: dict[str, Any], message: str, *, knows_digest: bool) -> None:
    token = jws.sign(payload, typ=STATUS_TYPE, key=KEY)
    with pytest.raises(CredentialError, match=message):
        verified(token, credential_digest=CREDENTIAL if knows_digest else None)


@pytest.mark.parametrize("typ", [CREDENTIAL_TYPE, "at+jwt", "JWT"])
def test_another_kind_of_statement(typ: str) -> None:
    with pytest.raises(CredentialError, match="expected 'underseal-status"):
        verified(jws.sign(GOOD, typ=typ, key=KEY))


def test_an_altered_statement() -> None:
    header, payload, signature = issued().split(".")
    other = issued(status="Active").split(".")[1]
    with pytest.raises(SignatureMismatchError):
        verified(f"{header}.{other}.{signature}")
    assert payload != other


def test_other_keys() -> None:
    stranger = SigningKey.generate(KeyPurpose.FOOTPRINT)
    with pytest.raises(KeySetError, match="not in the trusted key set"):
        verified(issued(key=stranger))
    for purpose in (KeyPurpose.ACCESS_TOKEN, KeyPurpose.RECEIPT):
        key = SigningKey.generate(purpose)
        keys = PublicKeySet.from_jwks({"keys": [key.public_jwk()]})
        with pytest.raises(KeySetError, match=f"is for {purpose}"):
            verified(jws.sign(GOOD, typ=STATUS_TYPE, key=key), keys=keys)
        with pytest.raises(CredentialError, match=purpose):
            issued(key=key)


def test_refused_on_issue() -> None:
    with pytest.raises(CredentialError, match="'Withdrawn', expected one of Active, Deprecated"):
        issued(status="Withdrawn")
    with pytest.raises(ValueError, match="time zone"):
        issued(issued_at=NOW.replace(tzinfo=None))
