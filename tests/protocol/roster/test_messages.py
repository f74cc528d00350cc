"""What travels between issuer, members and customers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.protocol.roster.members import ROSTER, endorsed, roster
from tests.protocol.seal.parties import CONTEXT, CUSTOMER

from underseal_protocol import base64url
from underseal_protocol.bbs.keys import generate
from underseal_protocol.errors import CredentialError, EndorsementError, RosterError
from underseal_protocol.roster.messages import HiddenAnswer, roster_from_json, roster_to_json
from underseal_protocol.seal.numbers import SealedProperty

ANSWER = HiddenAnswer(*endorsed("s0"))
BODY = ANSWER.to_json()
ASKED: dict[str, Any] = {
    "customer": CUSTOMER,
    "context": CONTEXT,
    "sealed": SealedProperty.FOSSIL,
}


def test_an_answer_is_read_as_it_was_written() -> None:
    found = HiddenAnswer.from_json(json.loads(json.dumps(BODY)))
    assert found == ANSWER
    found.require_asked_for(ROSTER, **ASKED)


def test_an_answer_does_not_show_its_secrets() -> None:
    shown = repr(ANSWER)
    for secret in (BODY["opening"]["blinding"], BODY["opening"]["value"], BODY["salt"]):
        assert secret not in shown
    assert repr(ANSWER.opening.salt) not in shown


@pytest.mark.parametrize("name", BODY)
@pytest.mark.parametrize("value", [None, "", 5, "AAAA", {}, [], "=", True])
def test_each_member_has_one_form(name: str, value: Any) -> None:
    for body in (BODY | {name: value}, {one: BODY[one] for one in BODY if one != name}):
        with pytest.raises(EndorsementError) as refused:
            HiddenAnswer.from_json(body)
        assert BODY["opening"]["blinding"] not in refused.value.message


@pytest.mark.parametrize("name", BODY["claims"])
@pytest.mark.parametrize("value", [None, "", 5, "AAAA", {}, [], ["AR6", "AR6"], True, "1.50"])
def test_each_claim_has_one_form_and_counts(name: str, value: Any) -> None:
    altered, without = copy.deepcopy(BODY), copy.deepcopy(BODY)
    altered["claims"][name] = value
    del without["claims"][name]
    for body in (altered, without):
        with pytest.raises(CredentialError):
            HiddenAnswer.from_json(body).require_asked_for(ROSTER, **ASKED)


@pytest.mark.parametrize(
    "body", [None, [], "a", {}, {**BODY, "more": 1}, {**BODY, "claims": {**BODY["claims"], "x": 1}}]
)
def test_bodies_that_are_none(body: Any) -> None:
    with pytest.raises(EndorsementError):
        HiddenAnswer.from_json(body)


def test_an_opening_of_another_endorsement() -> None:
    _, other = endorsed("s0")
    body = BODY | {"opening": HiddenAnswer(*endorsed("s1")).to_json()["opening"]}
    with pytest.raises(EndorsementError, match="do not open the commitment"):
        HiddenAnswer.from_json(body)
    with pytest.raises(EndorsementError, match="do not open the commitment"):
        HiddenAnswer(ANSWER.endorsement, other)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"customer": "https://other.example"}, "the customer of the endorsement is https://pack"),
        ({"context": bytes(32)}, "the context of the endorsement is"),
        ({"sealed": SealedProperty.EXCLUDING}, "the property of the endorsement is"),
    ],
)
def test_something_else_than_was_asked_for(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EndorsementError, match=told):
        ANSWER.require_asked_for(ROSTER, **(ASKED | changes))


def test_an_endorsement_of_nobody_in_the_roster() -> None:
    for other in (roster(name="another"), roster(key=generate().public_key)):
        with pytest.raises(EndorsementError, match="not of a member of the roster"):
            ANSWER.require_asked_for(other, **ASKED)


def test_a_roster_is_read_as_it_was_written() -> None:
    assert roster_from_json(json.loads(json.dumps(roster_to_json(ROSTER)))) == ROSTER


@pytest.mark.parametrize("name", roster_to_json(ROSTER))
@pytest.mark.parametrize("value", [None, "", -1, 5.5, "AAAA", {}, [], True])
def test_each_member_of_a_roster_has_one_form(name: str, value: Any) -> None:
    if (name, value) == ("name", "AAAA"):
        return
    with pytest.raises(RosterError):
        roster_from_json(roster_to_json(ROSTER) | {name: value})


def test_a_key_in_another_encoding() -> None:
    text = roster_to_json(ROSTER)["key"]
    for key in (text + "=", base64url.encode(bytes(96)), text[:-4]):
        with pytest.raises(RosterError):
            roster_from_json(roster_to_json(ROSTER) | {"key": key})


@pytest.mark.parametrize("body", [None, [], {}, "a"])
def test_bodies_that_are_no_roster(body: Any) -> None:
    with pytest.raises(RosterError):
        roster_from_json(body)
