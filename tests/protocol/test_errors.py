"""One base of errors, drawn in its module; each says what happened and what to do."""

from __future__ import annotations

import inspect
import re

import pytest

from underseal_protocol import errors
from underseal_protocol.errors import ErrorCode, ProtocolError, Violation, error_object

CLASSES = {
    name: one
    for name, one in vars(errors).items()
    if inspect.isclass(one) and issubclass(one, ProtocolError)
}


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn: dict[str, str] = {}
    parents = {-1: ""}
    for line in str(errors.__doc__).splitlines():
        found = re.match(r"([ │]*)(?:├─|└─)? ?(\w+Error)\b", line)
        if found is None:
            continue
        depth = 0 if "─" not in line else len(found[1]) // 4 + 1
        parents[depth] = found[2]
        drawn[found[2]] = parents[depth - 1] or "Exception"
    assert drawn == {name: one.__mro__[1].__name__ for name, one in CLASSES.items()}


def test_every_error_is_public() -> None:
    assert set(CLASSES) <= set(errors.__all__)


OF_VIOLATIONS = {"BillError", "SchemaError"}


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in OF_VIOLATIONS])
def test_a_diagnosis_is_the_message_and_what_to_do(name: str) -> None:
    error = CLASSES[name]("It is broken.", hint="Mend it.")
    assert str(error) == error.message == "It is broken."
    assert error.diagnosis() == "It is broken.\nMend it."
    assert CLASSES[name]("It is broken.").diagnosis() == "It is broken."


def test_the_object_error() -> None:
    expected = {"code": "NotFound", "message": "There is none."}
    assert error_object(ErrorCode.NOT_FOUND, "There is none.") == expected
    assert type(error_object(ErrorCode.NOT_FOUND, "")["code"]) is str


def test_a_violation_of_the_whole_document() -> None:
    assert str(Violation("", [], "an object")) == "/ is [], expected an object"
