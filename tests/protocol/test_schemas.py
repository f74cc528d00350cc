"""The published schemas say what the code does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from underseal_protocol import jws, segments
from underseal_protocol.credential import CREDENTIAL_SCHEMA_PATH, issue
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.schemas import (
    CREDENTIAL_CLAIMS_SCHEMA_PATH,
    EXTENSION_SCHEMAS,
    STATUS_SCHEMA_PATH,
)
from underseal_protocol.status import issue_status

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json").read_text("utf-8")
)
ISSUER = "https://pcf.example"
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
NOW = datetime(2025, 7, 1, tzinfo=UTC)
CREDENTIAL = issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW)
STATUS = issue_status(
    footprint_id=SAMPLE["id"],
    status="Deprecated",
    credential_digest=CREDENTIAL.digest,
    key=KEY,
    issuer=ISSUER,
    issued_at=NOW,
)


def check(path: str, value: Any) -> None:
    Draft202012Validator(
        EXTENSION_SCHEMAS[path], format_checker=Draft202012Validator.FORMAT_CHECKER
    ).validate(value)


@pytest.mark.parametrize("path", EXTENSION_SCHEMAS)
def test_they_are_schemas_and_json(path: str) -> None:
    schema = EXTENSION_SCHEMAS[path]
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert path.startswith("/schemas/")
    assert path.endswith(".json")


@pytest.mark.parametrize("level", list(Level))
def test_the_data_of_the_extension(level: Level) -> None:
    document = json.loads(
        segments.render(segments.pack(SAMPLE, CREDENTIAL, ISSUER), level, "Active")
    )
    check(CREDENTIAL_SCHEMA_PATH, document["extensions"][0]["data"])


@pytest.mark.parametrize(
    "data", [{}, {"sdJwt": "a.b.c"}, {"sdJwt": "a.b.c~", "x": 1}, {"sdJwt": 1}]
)
def test_other_data(data: Any) -> None:
    with pytest.raises(ValidationError):
        check(CREDENTIAL_SCHEMA_PATH, data)


def test_the_claims_of_a_credential() -> None:
    claims = jws.parse(CREDENTIAL.jwt).payload
    check(CREDENTIAL_CLAIMS_SCHEMA_PATH, claims)
    for name in claims:
        with pytest.raises(ValidationError):
            check(CREDENTIAL_CLAIMS_SCHEMA_PATH, claims | {name: None})


def test_the_claims_of_a_status_statement() -> None:
    claims = jws.parse(STATUS).payload
    check(STATUS_SCHEMA_PATH, claims)
    for name in claims:
        with pytest.raises(ValidationError):
            check(STATUS_SCHEMA_PATH, claims | {name: None})
