"""Where the limits of a credential are, and that a refusal says what was got and what expected."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from underseal_protocol import segments, strict_json
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.credential import (
    MAX_CREDENTIAL_CHARACTERS,
    ContentMismatchError,
    credential_of,
    issue,
    verify,
)
from underseal_protocol.credential_content import _names, check_given
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import CredentialError, ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.sd_jwt import Disclosure

VECTORS = Path(__file__).parents[1] / "vectors" / "credential"
SAMPLE = json.loads((VECTORS / "footprint.json").read_text("utf-8"))
ISSUER = "https://seller.example/tenantX"
NOW = datetime(2025, 7, 1, tzinfo=UTC)
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})
END_OF_TIME = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def served(level: Level = Level.FULL, issuer: str = ISSUER) -> dict[str, Any]:
    made = issue(SAMPLE, key=KEY, issuer=issuer, issued_at=NOW)
    text = segments.render(segments.pack(SAMPLE, made, issuer), level, "Active")
    document: dict[str, Any] = strict_json.loads(text)
    return document


def refusal(document: dict[str, Any], issuer: str = ISSUER) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        verify(document, keys=KEYS, issuer=issuer)
    return refused.value


@pytest.mark.parametrize("value", [0, 1, int(END_OF_TIME.timestamp())])
def test_the_times_that_there_are(value: int) -> None:
    assert issue_time(value) == datetime.fromtimestamp(value, UTC)


@pytest.mark.parametrize(
    "value", [-1, int(END_OF_TIME.timestamp()) + 1, 1.0, "1", True, None, float("inf")]
)
def test_the_times_that_there_are_not(value: Any) -> None:
    with pytest.raises(CredentialError, match="expected whole seconds since 1970"):
        issue_time(value)


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/", f"{ISSUER}//"])
def test_slashes_at_the_end_of_an_issuer_do_not_count_and_nothing_else_is_taken_off(
    issuer: str,
) -> None:
    document = served(issuer=issuer)
    assert verify(document, keys=KEYS, issuer=issuer).issuer == ISSUER
    assert verify(document, keys=KEYS, issuer=ISSUER).issuer == ISSUER
    for other in ("https://seller.example/tenant", f"{ISSUER}X", f"{ISSUER}/x"):
        message = refusal(document, f"{other}/").message
        assert message == f"the credential was issued by {ISSUER!r}, expected {other!r}"


@pytest.mark.parametrize("missing", ["id", "pcf"])
def test_what_lacks_its_core_is_not_signed(missing: str) -> None:
    document = {name: value for name, value in SAMPLE.items() if name != missing}
    with pytest.raises(CredentialError, match="a footprint without id or pcf cannot be signed"):
        issue(document, key=KEY, issuer=ISSUER, issued_at=NOW)


def test_the_credential_of_another_footprint_names_both() -> None:
    document = served() | {"id": "079e425a-464f-428d-841d-4a944a1dfd70"}
    message = refusal(document).message
    assert repr(SAMPLE["id"]) in message
    assert repr(document["id"]) in message


def test_the_longest_credential_is_read_and_a_longer_one_is_not() -> None:
    def of_length(length: int) -> dict[str, Any]:
        document = served()
        (entry,) = [one for one in document["extensions"] if "sdJwt" in one["data"]]
        entry["data"]["sdJwt"] = "x" * length
        return document

    longest = of_length(MAX_CREDENTIAL_CHARACTERS)
    assert credential_of(longest) == "x" * MAX_CREDENTIAL_CHARACTERS
    longer = of_length(MAX_CREDENTIAL_CHARACTERS + 1)
    expected = f"has {MAX_CREDENTIAL_CHARACTERS + 1} characters"
    with pytest.raises(CredentialError, match=expected):
        credential_of(longer)


def test_what_was_altered_is_named_with_what_it_holds() -> None:
    document = served()
    document["pcf"]["dqi"]["temporalDQR"] = "1.9"
    error = refusal(document)
    assert isinstance(error, ContentMismatchError)
    assert "the block 'quality' is not what was signed" in error.message
    assert "It holds pcf." in (error.hint or "")
    assert "pcf.dqi" in (error.hint or "")


def test_content_that_is_not_proven_is_named() -> None:
    document = copy.deepcopy(served(Level.TOTAL))
    document["comment"] = "added"
    message = refusal(document).message
    assert "has content (comment) but is not disclosed" in message


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({}, "nothing"),
        ({"a": 1}, "a"),
        ({"pcf": {}}, "nothing"),
        ({"pcf": "text"}, "nothing"),
        ({"pcf": {"x": 1, "y": 2}, "a": 1}, "a, pcf.x, pcf.y"),
        ({f"p{number}": 1 for number in range(20)}, ", ".join(f"p{n}" for n in range(20))),
        (
            {f"p{number}": 1 for number in range(21)},
            ", ".join(f"p{n}" for n in range(20)) + " and more",
        ),
    ],
)
def test_the_names_of_a_part_of_a_footprint(content: dict[str, Any], names: str) -> None:
    assert _names(content) == names


def test_the_issuers_that_are_expected_are_each_named_once() -> None:
    assert expected_issuers(None) is None
    assert expected_issuers("https://a.example/") == ["https://a.example"]
    names = ("https://a.example/", "https://b.example", "https://a.example")
    assert expected_issuers(names) == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(("name", "value"), [("carbon", "B" * 43), ("method", "A" * 43)])
def test_a_disclosure_that_was_made_before_has_to_be_of_this_content(name: str, value: str) -> None:
    check_given(Block.CARBON, Disclosure.of_claim("s" * 22, "carbon", "A" * 43).encoded, "A" * 43)
    other = Disclosure.of_claim("s" * 22, name, value).encoded
    with pytest.raises(ContentMismatchError, match=r"'carbon' has the digest A{43}") as refused:
        check_given(Block.CARBON, other, "A" * 43)
    assert "altered after the draft" in (refused.value.hint or "")
