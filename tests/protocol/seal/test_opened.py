"""What is opened of a sealed sum, for an auditor: it opens what is sealed, or is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.protocol.seal.chains import Chain, Named, Part
from tests.protocol.seal.hidden_chain import HiddenChain

from underseal_protocol import base64url
from underseal_protocol.errors import CommitmentError
from underseal_protocol.seal.group import Scalar
from underseal_protocol.seal.opened import (
    LEAF_MEMBER,
    OpenedInput,
    OpenedQuantity,
    leaf_commitments,
    read_sealed_opening,
    sealed_opening_json,
    without_seal,
)

Json = dict[str, Any]


@cache
def chain() -> Chain:
    made = Chain(
        (Part(), Part("3.3", "0.5", "0.2")), (Named(), Named("Steam", "0.1", "2", "MJ")), mass="0.1"
    )
    assert made.result.document
    return made


@cache
def quantities() -> tuple[OpenedQuantity, ...]:
    """Of both inputs, then of both factors."""
    made = chain()
    inputs = [
        OpenedQuantity(
            f"footprint:{number}",
            opening.quantity,
            opening.blinding,
            OpenedInput(one.endorsement.commitment, one.opening),
        )
        for number, (one, opening) in enumerate(
            zip(made.inputs, made.result.inputs, strict=True), start=1
        )
    ]
    factors = [
        OpenedQuantity(f"factor:{number}", one.quantity, one.blinding)
        for number, one in enumerate(made.result.factors, start=1)
    ]
    return (*inputs, *factors)


def opened(count: int = 4) -> Json:
    return sealed_opening_json(chain().result.document, quantities()[:count])


def leaf(number: int) -> Json:
    one = quantities()[number]
    endorsed = None if one.endorsed is None else one.endorsed.commitment
    return {"id": one.line, LEAF_MEMBER: leaf_commitments(one.commitment, endorsed)}


def test_all_of_it_is_opened_and_stands_in_the_books() -> None:
    found = read_sealed_opening(opened(), [leaf(number) for number in range(4)])
    assert (found.digest, found.is_whole, found.in_books) == (chain().result.digest, True, 4)
    assert found.quantities == quantities()
    values = [one.endorsed.opening.value for one in found.quantities if one.endorsed]
    assert values == [14_280_000_000, 3_300_000_000]


def test_a_part_of_it_is_opened_without_books() -> None:
    found = read_sealed_opening(opened(1), [{"id": "footprint:1"}, {"id": "other"}][1:])
    assert (found.is_whole, found.in_books, len(found.quantities)) == (False, 0, 1)


def test_nothing_is_told_by_repr() -> None:
    found = read_sealed_opening(opened(), ())
    assert "431" not in repr(found)
    assert "431" not in repr(found.quantities[0])


def test_books_with_other_commitments_are_refused() -> None:
    other = leaf(0) | {LEAF_MEMBER: leaf(1)[LEAF_MEMBER]}
    with pytest.raises(CommitmentError, match="bears other commitments"):
        read_sealed_opening(opened(), [other])
    swapped = leaf(0) | {LEAF_MEMBER: leaf(2)[LEAF_MEMBER]}
    with pytest.raises(CommitmentError, match="bears other commitments"):
        read_sealed_opening(opened(), [swapped])


def test_a_reissued_line_says_nothing_of_the_seal() -> None:
    assert without_seal([leaf(0), {"id": "x"}]) == [{"id": "footprint:1"}, {"id": "x"}]


Change = Callable[[list[Json]], None]


def _one(name: str, value: Any, number: int = 0) -> Change:
    return lambda found: found[number].update({name: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_one("quantity", "432000000"), "does not open what is sealed"),
        (_one("value", "14280000001"), "the value does not open what was endorsed"),
        (_one("value", "-1"), "out of range, or not in its one form"),
        (_one("quantity", "007"), "out of range, or not in its one form"),
        (_one("quantity", 431000000), "out of range, or not in its one form"),
        (_one("quantity", "9" * 21), "out of range, or not in its one form"),
        (_one("quantity", "431000000", 2), "does not open what is sealed"),
        (_one("blinding", base64url.encode(Scalar(5).encode())), "does not open what is sealed"),
        (_one("blinding", "AAAA"), "out of range, or not in its one form"),
        (_one("commitment", "AAAA"), "out of range, or not in its one form"),
        (_one("line", 5), "names no line"),
        (_one("more", "x"), "does not have the members"),
        (lambda found: found[0].pop("valueBlinding"), "does not have the members"),
        (lambda found: found.append(dict(found[0])), "is opened twice"),
        (lambda found: found.append(dict(found[3])), "is opened twice"),
        (lambda found: found.clear(), "no quantity of the sealed sum is opened"),
        (lambda found: found[0].update(found[1]), "is opened twice"),
    ],
)
def test_what_does_not_open_it_is_refused(change: Change, words: str) -> None:
    given = copy.deepcopy(opened())
    change(given["quantities"])
    with pytest.raises(CommitmentError, match=words) as refusal:
        read_sealed_opening(given, ())
    assert "431000000" not in refusal.value.message


def test_an_input_does_not_pass_for_a_factor() -> None:
    given = copy.deepcopy(opened())
    for name in ("commitment", "value", "valueBlinding"):
        del given["quantities"][0][name]
    with pytest.raises(CommitmentError, match="does not open what is sealed"):
        read_sealed_opening(given, ())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "members document and quantities"),
        ({"document": "AA"}, "members document and quantities"),
        ({"document": "AA", "quantities": [{}], "more": 1}, "members document and quantities"),
        ({"document": "AA", "quantities": [{}]}, "the sealed document:"),
        ({"document": "A!", "quantities": [{}]}, "no base64url"),
        ({"document": "AB", "quantities": [{}]}, "no base64url in its one form"),
        ({"document": 5, "quantities": [{}]}, "no base64url"),
        ({"document": "AA", "quantities": {}}, "no quantity"),
    ],
)
def test_what_has_another_form_is_refused(given: Any, words: str) -> None:
    with pytest.raises(CommitmentError, match=words):
        read_sealed_opening(given, ())


def test_quantities_of_members_of_a_roster_are_not_forgotten() -> None:
    """Whoever opens the factors alone has not opened all, and members can be opened, too."""
    made = HiddenChain((Part(), Part("3.3", "0.5", "0.2")), (Named(),), mass="0.1")
    document = made.result.document
    factors = [OpenedQuantity("", one.quantity, one.blinding) for one in made.result.factors]
    found = read_sealed_opening(sealed_opening_json(document, factors), ())
    assert (len(found.quantities), found.is_whole) == (1, False)
    members = [
        OpenedQuantity(
            "", q.quantity, q.blinding, OpenedInput(one.endorsement.commitment, one.opening)
        )
        for one, q in zip(made.members, made.result.inputs, strict=True)
    ]
    found = read_sealed_opening(sealed_opening_json(document, [*factors, *members]), ())
    assert (len(found.quantities), found.is_whole) == (3, True)
