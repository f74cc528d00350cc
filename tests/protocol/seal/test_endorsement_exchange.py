"""The messages by which an endorsement is asked for and given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocol.seal.parties import CONTEXT, FOOTPRINT, supplier

from underseal_protocol import base64url
from underseal_protocol.errors import CredentialError, EndorsementError
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement_exchange import (
    MAX_MESSAGE_BYTES,
    EndorsementAnswer,
    EndorsementRequest,
    opening_from_json,
    opening_to_json,
)
from underseal_protocol.seal.group import ORDER, Scalar
from underseal_protocol.seal.numbers import SealedProperty

REQUEST = EndorsementRequest(FOOTPRINT, SealedProperty.FOSSIL, CONTEXT)
ANSWER = EndorsementAnswer(*supplier("cells").endorse())
OPENING = opening_to_json(ANSWER.opening)


def test_both_messages_are_read_as_they_were_written() -> None:
    assert EndorsementRequest.from_json(REQUEST.to_json()) == REQUEST
    assert EndorsementAnswer.from_json(ANSWER.to_json()) == ANSWER
    assert len(json.dumps(ANSWER.to_json())) < MAX_MESSAGE_BYTES
    assert REQUEST.to_json() == {
        "version": 1,
        "footprintId": FOOTPRINT,
        "property": "fossilGhgEmissions",
        "context": base64url.encode(CONTEXT),
    }
    assert OPENING["value"] == "14280000000"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version is 2"),
        ({"version": True}, "version is True"),
        ({"footprintId": FOOTPRINT.upper()}, "footprintId"),
        ({"footprintId": None}, "footprintId"),
        ({"property": "pcf"}, "property is 'pcf'"),
        ({"property": None}, "property is None"),
        ({"property": []}, "property is"),
        ({"context": "AAAA"}, "context"),
        ({"context": base64url.encode(CONTEXT) + "="}, "context"),
        ({"context": 5}, "context"),
        ({"more": 1}, "'more' is not known"),
    ],
)
def test_requests_that_are_none(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EndorsementError, match=message):
        EndorsementRequest.from_json(REQUEST.to_json() | changes)


@pytest.mark.parametrize("name", REQUEST.to_json())
def test_a_request_without_a_member(name: str) -> None:
    value = {key: one for key, one in REQUEST.to_json().items() if key != name}
    with pytest.raises(EndorsementError, match=f"{name} is missing"):
        EndorsementRequest.from_json(value)


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_bodies_that_are_no_objects(value: Any) -> None:
    for kind in (EndorsementRequest, EndorsementAnswer):
        with pytest.raises(EndorsementError, match="expected a JSON object"):
            kind.from_json(value)


def test_a_context_of_another_length_is_not_asked_with() -> None:
    with pytest.raises(EndorsementError, match="context has 31 bytes"):
        EndorsementRequest(FOOTPRINT, SealedProperty.FOSSIL, CONTEXT[:-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"endorsement": None},
        {"endorsement": "x"},
        {"endorsement": ANSWER.endorsement.token[:-2]},
        {"opening": None},
        {"opening": {}},
        {"opening": OPENING | {"more": 1}},
        {"opening": OPENING | {"value": 14280000000}},
        {"opening": OPENING | {"value": "014280000000"}},
        {"opening": OPENING | {"value": "-1"}},
        {"opening": OPENING | {"value": "١"}},
        {"opening": OPENING | {"value": ""}},
        {"opening": OPENING | {"value": str(2**56)}},
        {"opening": OPENING | {"value": "9" * 5000}},
        {"opening": OPENING | {"value": "14280000001"}},  # of another commitment
        {"opening": OPENING | {"blinding": None}},
        {"opening": OPENING | {"blinding": OPENING["blinding"] + "="}},
        {"opening": OPENING | {"blinding": base64url.encode(bytes(32))}},
        {"opening": OPENING | {"blinding": base64url.encode(bytes(31))}},
        {"opening": OPENING | {"blinding": base64url.encode(ORDER.to_bytes(32, "big"))}},
        {"opening": OPENING | {"blinding": "ü"}},
        {"more": 1},
    ],
)
def test_answers_that_are_none_tell_no_secret(changes: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as caught:
        EndorsementAnswer.from_json(ANSWER.to_json() | changes)
    chain: BaseException | None = caught.value
    while chain is not None:
        for secret in OPENING.values():
            assert secret not in str(chain)
        chain = None if chain.__suppress_context__ else chain.__context__


def test_an_answer_does_not_show_its_opening() -> None:
    assert "14280000000" not in repr(ANSWER)
    assert OPENING["blinding"] not in repr(ANSWER)


def test_the_opening_at_both_ends() -> None:
    for opening in (ValueOpening(0, Scalar(1)), ValueOpening(2**56 - 1, Scalar(ORDER - 1))):
        assert opening_from_json(opening_to_json(opening)) == opening
