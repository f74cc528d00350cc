"""A sealed sum as it travels: one form, and nothing that stands in it is taken for granted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocol.seal.chains import Chain

from underseal_protocol.errors import SealRefusedError
from underseal_protocol.seal.sealed_sum import (
    MAX_SEALED_SUM_BYTES,
    SealedSum,
    read_sealed_sum,
)

DOCUMENT = Chain().result.document


def written(**changes: Any) -> bytes:
    members: dict[str, Any] = dict(SealedSum(DOCUMENT).to_json())
    members |= changes
    return json.dumps({name: one for name, one in members.items() if one != "absent"}).encode()


def test_it_is_read_as_it_was_written() -> None:
    assert read_sealed_sum(written()) == SealedSum(DOCUMENT)
    assert read_sealed_sum(written(statement="a.b.c")) == SealedSum(DOCUMENT, "a.b.c")


def test_the_bytes_of_a_document_are_one_without_a_statement() -> None:
    assert read_sealed_sum(DOCUMENT) == SealedSum(DOCUMENT)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither a sealed document nor JSON"),
        (b"{", "neither a sealed document nor JSON"),
        (b"[]", "no JSON object of the type"),
        (b'{"type": "underseal-opening"}', "no JSON object of the type"),
        (written(version=2), "version 2"),
        (written(version=True), "version True"),
        (written(version="absent"), "version is missing"),
        (written(document="absent"), "document is missing"),
        (written(more=1), "'more' is not known"),
        (written(statement=""), "its statement is no text"),
        (written(statement="x" * 5_000), "its statement is no text, or too long"),
        (written(statement=7), "its statement is no text"),
        (written(document=""), "its document is no base64url"),
        (written(document="===="), "its document is no base64url"),
        (written(document=5), "its document is no base64url"),
        (b" " * (MAX_SEALED_SUM_BYTES + 1), "expected at most"),
    ],
)
def test_everything_else_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SealRefusedError, match=f"file: .*{words}"):
        read_sealed_sum(data)
