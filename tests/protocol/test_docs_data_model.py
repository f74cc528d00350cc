"""docs/reference/data-model.md says what the code does."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from underseal_protocol.carbon import CarbonFootprint
from underseal_protocol.disclosure import Block, Level, block_of
from underseal_protocol.footprint import ProductFootprint
from underseal_protocol.methodology_rules import RULES

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `([^`]+)` \|.*\|$", re.MULTILINE)


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS))
    names = ("data_model", "data_model_texts")
    yield importlib.import_module("data_model")
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def text() -> str:
    return (DOCS / "reference" / "data-model.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_page_is_as_it_would_be_generated(generator: ModuleType, text: str) -> None:
    assert generator.part() == {"data-model.md": text}, "run `make docs`"


def test_a_property_without_words_is_found(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanings: dict[str, Any] = dict(generator.MEANINGS["EmissionFactorSource"])
    monkeypatch.setitem(generator.MEANINGS, "EmissionFactorSource", meanings)
    del meanings["version"]
    with pytest.raises(LookupError, match="version"):
        generator.part()


@pytest.mark.parametrize("model", [ProductFootprint, CarbonFootprint])
def test_every_property_has_its_row(text: str, model: Any) -> None:
    rows = {found[1]: found[0] for found in ROW.finditer(section(text, model.__name__))}
    assert list(rows) == [field.alias for field in model.model_fields.values()]
    for field in model.model_fields.values():
        cells = [cell.strip() for cell in rows[field.alias].strip("| ").split("|")]
        assert ("yes" in cells) == field.is_required(), field.alias
        if field.alias in ("pcf", "status", "extensions"):
            continue
        block = block_of(field.alias)
        level = Level.TOTAL if block is None else next(one for one in Level if block in one.blocks)
        assert ("core" if block is None else f"`{block}`") in cells
        assert f"`{level}`" in cells


def test_every_block_and_rule_is_named(text: str) -> None:
    rules = section(text, "Methodology rules")
    assert [one for one in ROW.findall(rules) if one in RULES] == list(RULES)
    assert "**Tolerance of sums.**" in rules
    for block in Block:
        assert f"`{block}`" in text


@pytest.mark.published
def test_the_units_are_the_published_ones(generator: ModuleType, published: dict[str, Any]) -> None:
    properties = published["components"]["schemas"]["CarbonFootprint"]["properties"]
    stated = {name: one["x-unit"] for name, one in properties.items() if "x-unit" in one}
    units = dict(generator.UNITS)
    for name, unit in stated.items():
        plain = re.sub(r"/ *declared unit$|[() ]", "", unit)
        assert units.pop(name).replace(" ", "") == plain, name
    # Those that the document names in its words only.
    assert set(units) == {
        "productMassPerDeclaredUnit",
        "exemptedEmissionsPercent",
        "primaryDataShare",
    }


@pytest.mark.published
def test_nothing_is_copied_from_the_specification(text: str, published: dict[str, Any]) -> None:
    """No eight words in a row, where these are not all names of properties."""
    schemas = published["components"]["schemas"]
    theirs = " ".join(words_of(schemas["ProductFootprint"]) + words_of(schemas["CarbonFootprint"]))
    ours = re.findall(r"[\w-]+", text)
    for start in range(len(ours) - 7):
        run = " ".join(ours[start : start + 8])
        assert run not in theirs, run


def words_of(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        return [word for one in schema.values() for word in words_of(one)]
    if isinstance(schema, list):
        return []  # enumerations and examples
    return re.findall(r"[\w-]+", str(schema))
