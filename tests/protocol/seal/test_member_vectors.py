"""Our own vectors of sealed documents of members of a roster."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.protocol.seal.sum_files import MEMBERS, MEMBERS_FILE
from tests.vectors.seal import generate_members
from tests.vectors.seal.sum_places import places

from underseal_protocol.seal.document_format import encode_statement, read_document


@pytest.mark.parametrize("start", range(4))
def test_they_are_as_expected(start: int) -> None:
    for vector in MEMBERS.vectors[start::4]:
        found = MEMBERS.outcome(vector)
        assert found.items() <= vector.items(), (vector["id"], vector["comment"], found)


def test_there_are_enough_of_every_part() -> None:
    parts = Counter(vector.get("part", "accepted") for vector in MEMBERS.vectors)
    assert parts["accepted"] >= 10
    assert parts.total() - parts["accepted"] >= 150
    assert min(parts["roster"], parts["endorsement 1"], parts["endorsement 2"]) >= 20


@pytest.mark.parametrize("name", MEMBERS.bases)
def test_documents_have_the_parts_that_the_format_says(name: str) -> None:
    data = MEMBERS.bases[name]
    read, found = read_document(data), {one.name: one for one in places(data)}
    assert data[: found["sum proof: 0"].at] == read.statement == encode_statement(read)
    for number, one in enumerate(read.members, 1):
        for what, encoded in (
            ("C", one.endorsement.commitment.encode()),
            ("origin", one.endorsement.origin),
            ("Abar", one.endorsement.proof.signature.encode()),
            ("Q", one.quantity.encode()),
        ):
            place = found[f"input {number}: {what}"]
            assert data[place.at : place.at + place.length] == encoded


@pytest.mark.soak
def test_they_come_out_the_same_again() -> None:
    assert generate_members.text() == MEMBERS_FILE.read_text("utf-8")
