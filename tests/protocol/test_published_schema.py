"""Our models against the OpenAPI document of PACT 3.0: their properties, and what they accept.

`jsonschema` judges the structure; `jsonschema_rs`, another implementation, also the formats.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.protocol.samples import BIOGENIC_PCF, sample
from tests.strategies import PCF_PROPERTIES, footprints

from underseal_protocol.carbon import (
    GEOGRAPHIES,
    STANDARDS,
    CarbonFootprint,
    DataQualityIndicators,
    EmissionFactorSource,
    ProductOrSectorSpecificRule,
    Verification,
)
from underseal_protocol.errors import ErrorCode, error_object
from underseal_protocol.footprint import (
    DataModelExtension,
    ProductFootprint,
    normalise,
    schema_violations,
)
from underseal_protocol.model import Model

pytestmark = pytest.mark.published

Document: TypeAlias = dict[str, Any]
Judge: TypeAlias = Callable[[Any], bool]

MODELS: dict[str, type[Model]] = {
    model.__name__: model
    for model in (
        ProductFootprint,
        CarbonFootprint,
        DataModelExtension,
        ProductOrSectorSpecificRule,
        EmissionFactorSource,
        DataQualityIndicators,
        Verification,
    )
}
CONSTRAINTS = (
    "type", "format", "pattern", "enum", "const", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minimum", "maximum",
)  # fmt: skip
DRAFT = "https://json-schema.org/draft/2020-12/schema"


# --- property by property -----------------------------------------------------------------------


def shape(schema: Document, definitions: dict[str, Document]) -> Document:
    """What a schema demands of a property, without its words; objects by their name."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return {"object": name} if name in MODELS else shape(definitions[name], definitions)
    if "anyOf" in schema:  # how pydantic writes that something may be undefined
        (defined,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
        return shape(defined, definitions)
    demanded = {name: schema[name] for name in CONSTRAINTS if name in schema}
    if "items" in schema:
        demanded["items"] = shape(schema["items"], definitions)
    if "enum" in demanded:
        demanded["enum"] = sorted(demanded["enum"])
    return demanded


def ours(model: type[Model]) -> tuple[dict[str, Document], set[str]]:
    schema = model.model_json_schema(by_alias=True)
    properties = schema["properties"].items()
    shapes = {name: shape(one, schema.get("$defs", {})) for name, one in properties}
    return shapes, set(schema.get("required", ()))


def theirs(published: Document, name: str) -> tuple[dict[str, Document], set[str]]:
    definitions = published["components"]["schemas"]
    schema = definitions[name]
    shapes = {key: shape(one, definitions) for key, one in schema["properties"].items()}
    return shapes, set(schema.get("required", ()))


@pytest.mark.parametrize("name", MODELS)
def test_properties_are_the_published_ones(published: Document, name: str) -> None:
    our_shapes, our_required = ours(MODELS[name])
    their_shapes, their_required = theirs(published, name)
    assert set(our_shapes) - set(their_shapes) == set(), "properties that are not published"
    assert set(their_shapes) - set(our_shapes) == set(), "published properties that we lack"
    assert our_required == their_required
    assert our_shapes == their_shapes


def test_every_published_object_has_a_model(published: Document) -> None:
    definitions = published["components"]["schemas"]
    reached, open_names = set[str](), ["ProductFootprint"]
    while open_names:
        name = open_names.pop()
        reached.add(name)
        refers = {ref for ref in references(definitions[name]) if "properties" in definitions[ref]}
        open_names += sorted(refers - reached)
    assert reached == set(MODELS)


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[1]
        for one in schema.values():
            yield from references(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from references(one)


def test_geographies_are_those_that_exclude_each_other(published: Document) -> None:
    one_of = published["components"]["schemas"]["CarbonFootprint"]["oneOf"][0]["oneOf"]
    assert tuple(one["required"][0] for one in one_of) == GEOGRAPHIES


def test_standards_are_those_that_are_named(published: Document) -> None:
    properties = published["components"]["schemas"]["CarbonFootprint"]["properties"]
    named = properties["crossSectoralStandards"]["items"]["x-enum"]
    assert (*STANDARDS, "...") == tuple(named)


def test_the_error_object_is_the_published_one(published: Document) -> None:
    schema = published["components"]["schemas"]["Error"]
    assert {str(code) for code in ErrorCode} == set(schema["properties"]["code"]["enum"])
    for code in ErrorCode:
        error = error_object(code, "No.")
        assert error.keys() == schema["properties"].keys() == set(schema["required"])
        jsonschema.validate(error, schema)


def test_random_footprints_define_every_property(published: Document) -> None:
    assert set(theirs(published, "CarbonFootprint")[0]) == PCF_PROPERTIES


# --- what is accepted ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def accepts(published: Document) -> Judge:
    """What the published schema accepts, formats included."""
    schema = {
        "$schema": DRAFT,
        "$ref": "#/components/schemas/ProductFootprint",
        "components": {"schemas": published["components"]["schemas"]},
    }
    structure = jsonschema.Draft202012Validator(schema)
    formats = jsonschema_rs.validator_for(schema, validate_formats=True)

    def judge(document: Any) -> bool:
        if structure.is_valid(document):
            return formats.is_valid(document)
        assert not formats.is_valid(document), "two implementations judge differently"
        return False

    return judge


def test_the_judge_knows_structure_and_formats(accepts: Judge) -> None:
    assert accepts(sample())
    assert accepts(sample(BIOGENIC_PCF))
    for changes in (
        {"id": "no-uuid"},
        {"created": "2025-02-30T00:00:00Z"},
        {"extensions": [{"specVersion": "1", "dataSchema": "no uri", "data": {}}]},
        {"companyName": ""},
    ):
        assert not accepts(sample(**changes)), changes


@settings(max_examples=120, deadline=None)
@given(footprints())
def test_what_we_write_is_accepted(accepts: Judge, document: Document) -> None:
    assert schema_violations(document) == []
    assert accepts(document)
    assert accepts(normalise(document))


# Of every kind that a property can have, right and wrong.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1.5, "", " ", "x", [], {}, ["x"], ["x", "x"], [None], [1], [{}],
    "1", "-1", "0", "-0", "+1", "0.0", "0.50", "1abc", "1,5", "1e3", ".5", "1.", "NaN", "٣", "1 ",
    "AR6", "AR", "ar6", "xAR6", ["AR6"], ["AR6", "AR6"],
    "DE", "de", "DEU", "DE-BW", "DE-", "DE-BWXY",
    "Europe", "europe", "kilogram", "Kilogram", "Active", "active", "Cut-off", "PEF", "Other",
    "3.0.0", "3.0", "v3.0.0", "3.0.0-20250101", "3.0.0-rc1",
    "f4b1225a-bd44-4c8e-861d-079e4e1dfd69", "{f4b1225a-bd44-4c8e-861d-079e4e1dfd69}",
    ["f4b1225a-bd44-4c8e-861d-079e4e1dfd69"], ["f4b1225a-bd44-4c8e-861d-079e4e1dfd69"] * 2,
    "2025-01-01T00:00:00Z", "2025-01-01T00:00:00", "2025-01-01", "2025-02-29T00:00:00Z",
    "2025-01-01T24:00:00Z", "2025-01-01T00:00:00.5+02:00", "9999-12-31T23:59:59Z",
    "urn:gtin:1", ["urn:gtin:1"], "gtin:1", ["gtin:1"], "https://a.example/b", "a.example/b",
    "https://a b", "https://a.example/%zz", "https://[1]/", "//a.example",
    {"specVersion": "1", "dataSchema": "https://a.example", "data": {}},
    [{"specVersion": "1", "dataSchema": "https://a.example", "data": {}}],
    [{"operator": "Other", "ruleNames": ["x"]}], [{"operator": "PCR", "ruleNames": ["x"]}],
    [{"name": "x", "version": "1"}], [{"name": "x", "version": 1}],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document something can be changed."""
    if isinstance(value, dict | list):
        for step, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, step)
            yield from places(child, (*path, step))


def without_undefined(value: Any) -> Any:
    """Null is as good as absent; the published schema does not say so, the text beside it does."""
    if isinstance(value, dict):
        return {name: without_undefined(one) for name, one in value.items() if one is not None}
    return [without_undefined(one) for one in value] if isinstance(value, list) else value


def judge_mutation(accepts: Judge, mutated: Document) -> None:
    violations = schema_violations(mutated)
    if not violations:
        assert accepts(without_undefined(mutated)), "we accept what the schema does not"
        assert accepts(normalise(mutated))
    for violation in violations:
        assert violation.pointer == "" or violation.pointer.startswith("/")
        assert violation.expected
        assert str(violation)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_the_schema_rejects_we_reject(accepts: Judge, data: st.DataObject) -> None:
    document = data.draw(footprints())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        target = document
        for step in path[:-1]:
            target = target[step]
        if data.draw(st.booleans()):
            target[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        else:
            del target[path[-1]]
        assume(document)
    judge_mutation(accepts, document)


@pytest.mark.parametrize(("name", "model"), MODELS.items(), ids=list(MODELS))
def test_every_property_with_every_value(accepts: Judge, name: str, model: type[Model]) -> None:
    """Each property once with each of the values, all the others being right."""
    accepted = rejected = 0
    for document, members in homes(name):
        for field in model.model_fields.values():
            before = members.get(str(field.alias))
            for value in VALUES:
                members[str(field.alias)] = copy.deepcopy(value)
                judge_mutation(accepts, document)
                is_accepted = not schema_violations(document)
                accepted, rejected = accepted + is_accepted, rejected + (not is_accepted)
            del members[str(field.alias)]
            judge_mutation(accepts, document)
            if before is not None:
                members[str(field.alias)] = before
    assert accepted > 0
    assert rejected > 0


def homes(name: str) -> Iterator[tuple[Document, Document]]:
    """Documents with the member object of this type that belongs to them."""
    document = sample(
        {**BIOGENIC_PCF, "geographyCountry": None, "verification": {"coverage": "PCF program"}},
        extensions=[{"specVersion": "1", "dataSchema": "https://a.example/b", "data": {}}],
    )
    pcf = document["pcf"]
    places = {
        "ProductFootprint": document,
        "CarbonFootprint": pcf,
        "DataModelExtension": document["extensions"][0],
        "ProductOrSectorSpecificRule": pcf["productOrSectorSpecificRules"][0],
        "EmissionFactorSource": pcf["secondaryEmissionFactorSources"][0],
        "DataQualityIndicators": pcf["dqi"],
        "Verification": pcf["verification"],
    }
    yield document, places[name]


def test_one_geography(accepts: Judge) -> None:
    values = {"geographyRegionOrSubregion": "Europe", "geographyCountrySubdivision": "DE-BW"}
    for two in ({"geographyCountry": "DE", name: value} for name, value in values.items()):
        document = sample(two)
        assert not accepts(document)
        assert [one.pointer for one in schema_violations(document)] == ["/pcf"]
    assert accepts(sample({"geographyCountry": None}))
    assert schema_violations(sample({"geographyCountry": None})) == []


def test_the_published_examples_are_accepted(accepts: Judge, published_examples: Path) -> None:
    count = 0
    for path in sorted(published_examples.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for one in document["data"]["pfs"] if "data" in document else [document]:
            assert schema_violations(one) == [], path.name
            assert accepts(one)
            assert accepts(normalise(one))
            count += 1
    assert count >= 4


def test_our_examples_are_accepted(accepts: Judge) -> None:
    paths = sorted((Path(__file__).parents[2] / "examples").rglob("footprints/**/*.json"))
    assert paths
    for path in paths:
        document = json.loads(path.read_text(encoding="utf-8"))
        for one in document if isinstance(document, list) else document.get("data", [document]):
            filled = {**sample(), **one}
            assert schema_violations(filled) == [], path.name
            assert accepts(normalise(filled))
