"""Vectors of the functions of the transformation, as expected and not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocol.seal import second
from tests.protocol.seal.vector_files import Vector, outcome, without

SESSION = bytes(range(32)).hex()
SPONGE: Vector = {
    "Id": "sponge",
    "Function": "DuplexSponge",
    "Hash": "SHAKE128",
    "SessionId": SESSION,
    "Operations": [{"type": "squeeze", "length": 4}],
    "Output": second.hashed(bytes(range(32)), b"", 4).hex(),
}
M = "0xfb"  # 251
READ_UINT = {"Function": "DeserializeUint", "Modulus": M, "Input": "fa", "Value": "0xfa"}
READ_FIELD = {
    "Function": "DeserializeField",
    "Modulus": 251,
    "ExtensionDegree": 2,
    "Input": "01fa",
    "Coordinates": ["1", "0xfa"],
}
READ_STRING = {"Function": "DeserializeVarLenString", "Input": "0100000041", "Output": "41"}
FIELD_BE = {
    "Function": "SerializeField",
    "ByteOrder": "big-endian",
    "Modulus": "65536",
    "Coordinates": [1, 2],
    "Output": "00010002",
}


@pytest.mark.parametrize("vector", [SPONGE, READ_UINT, READ_FIELD, READ_STRING, FIELD_BE])
def test_functions_as_expected(vector: Vector) -> None:
    assert outcome(vector).as_expected


WRONG: dict[str, Vector] = {
    "another output": {**SPONGE, "Output": "00000000"},
    "no output": without(SPONGE, "Output"),
    "another hash": {**SPONGE, "Hash": "TurboSHAKE128"},
    "a short session": {**SPONGE, "SessionId": "00"},
    "an operation of another type": {**SPONGE, "Operations": [{"type": "hash"}]},
    "an operation that is no object": {**SPONGE, "Operations": ["squeeze"]},
    "operations that are no list": {**SPONGE, "Operations": {}},
    "too much": {**SPONGE, "Operations": [{"type": "squeeze", "length": 10**12}]},
    "a negative length": {**SPONGE, "Operations": [{"type": "squeeze", "length": -1}]},
    "a length with a fraction": {**SPONGE, "Operations": [{"type": "squeeze", "length": 4.0}]},
    "another value": {**READ_UINT, "Value": 1},
    "a value not reduced": {**READ_UINT, "Input": "fb"},
    "bytes that follow": {**READ_UINT, "Input": "fafa"},
    "a modulus of 1": {**READ_FIELD, "Modulus": 1, "ExtensionDegree": 2**50},
    "more coordinates than bytes": {**READ_FIELD, "ExtensionDegree": 2**50},
    "other coordinates": {**READ_FIELD, "Coordinates": [250, 1]},
    "a string that is longer": {**READ_STRING, "Input": "0200000041"},
    "little-endian": {**FIELD_BE, "ByteOrder": "little-endian"},
    "middle-endian": {**FIELD_BE, "ByteOrder": "middle-endian"},
    "no integer": {**READ_UINT, "Value": "0xg"},
    "an integer with a sign": {**READ_UINT, "Value": "-1"},
    "an integer without end": {**READ_UINT, "Value": "9" * 5000},
}


@pytest.mark.parametrize("vector", WRONG.values(), ids=WRONG)
def test_functions_not_as_expected(vector: Vector) -> None:
    assert not outcome(vector).as_expected


@pytest.mark.parametrize("vector", [READ_UINT, READ_FIELD, READ_STRING])
def test_what_is_read_is_no_reject(vector: Vector) -> None:
    """A vector to be refused has no value: that the value is missing is no reason to refuse."""
    bare = {**without(vector, "Value", "Coordinates", "Output"), "Expected": "reject"}
    assert outcome(bare).found == "accept, read"
    assert not outcome(bare).as_expected
    assert outcome({**bare, "Input": vector["Input"][:-2]}).as_expected


def sumcheck(**changes: Any) -> Vector:
    """Of the draft's own example, over a small field and by hand: f = (1, 2), one variable."""
    session = bytes(range(32))
    message = bytes([1, 1])  # g(X) = 1 + X
    challenge = second.hashed(session, bytes([1, 0, 0, 0, 3]) + message, 1)[0] % 251
    vector = {
        "Id": "sumcheck",
        "Function": "Sumcheck",
        "Hash": "SHAKE128",
        "Modulus": 251,
        "NumVariables": 1,
        "SessionId": session.hex(),
        "Witness": [1, 2],
        "ClaimedSum": 3,
        "Narg": message.hex(),
        "FinalEvaluation": (1 + challenge) % 251,
    }
    return {**vector, **changes}


def test_a_sumcheck_by_hand() -> None:
    assert "proved again" in outcome(sumcheck()).found
    assert outcome(sumcheck()).as_expected


@pytest.mark.parametrize(
    "changes",
    [
        {"ClaimedSum": 4},
        {"ClaimedSum": 251},
        {"Narg": "0102"},
        {"Narg": "010100"},
        {"Narg": "01"},
        {"Narg": "fc01"},
        {"NumVariables": 2},
        {"NumVariables": 2**40},
        {"FinalEvaluation": 251},
        {"Witness": [2, 1]},
        {"Witness": [1, 2, 0]},
        {"Witness": []},
        {"Witness": [252, 2]},
        {"Modulus": 0},
        {"Modulus": 1},
        {"Tag": "00"},
        {"SessionId": "00"},
    ],
)
def test_a_sumcheck_that_is_wrong(changes: Vector) -> None:
    assert not outcome(sumcheck(**changes)).as_expected
