"""docs/reference/what-if.md: every example gives what is written below it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from underseal_protocol.rollup.documents import factor_of, product_of
from underseal_protocol.rollup.inputs import RollUpInputs
from underseal_protocol.rollup.what_if import compare
from underseal_protocol.rollup.what_if_documents import changes_of

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "what-if.md").read_text("utf-8")
(GIVEN, *CHANGES) = (
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
)
SAID = [
    (Decimal(before), Decimal(after))
    for before, after in re.findall(r"^From ([0-9.]+) to ([0-9]+(?:\.[0-9]+)?)\.", PAGE, re.M)
]
KINDS = {"swap", "amount", "replace", "factor", "footprint"}


@pytest.mark.parametrize(("document", "said"), list(zip(CHANGES, SAID, strict=True)))
def test_an_example(document: Any, said: tuple[Decimal, Decimal]) -> None:
    inputs = RollUpInputs(
        {one["id"]: product_of(one) for one in GIVEN["products"]},
        {},
        {one["id"]: factor_of(one) for one in GIVEN["factors"]},
    )
    found = compare(inputs, "316", changes_of(document, "316"))
    total = found.figures["pcfExcludingBiogenicUptake"]
    assert (total.before, total.after) == (Fraction(said[0]), Fraction(said[1]))


def test_every_kind_of_change_has_an_example() -> None:
    used = {kind for document in CHANGES for change in document["changes"] for kind in change}
    assert used == KINDS == set(re.findall(r"^## ([a-z]+)$", PAGE, re.M))
    assert set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.M)) == KINDS
