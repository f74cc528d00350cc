"""For any footprint: signed, served at any level, read, verified; any changed leaf is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underseal_protocol import segments, strict_json
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.credential import ContentMismatchError, issue, verify
from underseal_protocol.disclosure import Block, Level, is_credential_entry, properties_of
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

ISSUER = "https://pcf.example"
NOW = datetime(2025, 7, 1, tzinfo=UTC)
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | TEXT
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KNOWN = sorted(properties_of(Block) - {"comment", "extensions"})
PCF = st.builds(
    lambda known, unknown: {"declaredUnitAmount": "1"} | unknown | known,
    st.dictionaries(st.sampled_from([*KNOWN, "geographyCountry", "primaryDataShare"]), JSON),
    st.dictionaries(TEXT, JSON, max_size=2),
)
EXTENSIONS = st.lists(
    st.fixed_dictionaries(
        {"specVersion": TEXT, "dataSchema": TEXT, "data": st.dictionaries(TEXT, JSON, max_size=3)}
    ),
    max_size=2,
)
RESERVED = {"id", "pcf", "extensions", "status"}
FOOTPRINTS = st.builds(
    lambda unknown, required, optional: unknown | required | optional,
    st.dictionaries(TEXT.filter(lambda name: name not in RESERVED), JSON, max_size=3),
    st.fixed_dictionaries({"id": st.uuids().map(str), "status": st.just("Active"), "pcf": PCF}),
    st.fixed_dictionaries(
        {}, optional={"comment": JSON, "companyName": JSON, "extensions": EXTENSIONS}
    ),
)
LEVELS = st.sampled_from(Level)


def serve(document: dict[str, Any], level: Level) -> dict[str, Any]:
    credential = issue(document, key=KEY, issuer=ISSUER, issued_at=NOW)
    data = segments.render(segments.pack(document, credential, ISSUER), level, "Active")
    value = strict_json.loads(data)
    assert isinstance(value, dict)
    return value


@settings(max_examples=150, deadline=None)
@given(FOOTPRINTS, LEVELS)
def test_what_is_signed_and_served_verifies(document: dict[str, Any], level: Level) -> None:
    received = serve(document, level)
    verified = verify(received, keys=KEYS, issuer=ISSUER)
    assert verified.disclosed == set(level.blocks)
    if level is Level.FULL:
        received["extensions"] = [
            entry for entry in received["extensions"] if not is_credential_entry(entry)
        ]
        sent = {"extensions": []} | document
        assert canonical_bytes(received) == canonical_bytes(sent)


@settings(max_examples=60, deadline=None)
@given(FOOTPRINTS, LEVELS)
def test_it_survives_another_json_library_s_spelling(
    document: dict[str, Any], level: Level
) -> None:
    text = json.dumps(serve(document, level), indent=1, sort_keys=True, ensure_ascii=True)
    received = strict_json.loads(text)
    assert isinstance(received, dict)
    verify(received, keys=KEYS, issuer=ISSUER)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all scalars, and of empty containers."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    if not inner:
        yield path
    for name, member in inner:
        yield from leaves(member, (*path, name))


def holder_of(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


@settings(max_examples=60, deadline=None)
@given(FOOTPRINTS, LEVELS, st.data())
def test_any_changed_leaf_is_refused(
    document: dict[str, Any], level: Level, data: st.DataObject
) -> None:
    received = serve(document, level)
    body = {name: value for name, value in received.items() if name not in ("status", "extensions")}
    others = [
        ("extensions", index, *path)
        for index, entry in enumerate(received["extensions"])
        if not is_credential_entry(entry)
        for path in leaves(entry)
    ]
    path = data.draw(st.sampled_from([*leaves(body), *others]))
    changed = copy.deepcopy(received)
    holder = holder_of(changed, path)
    before = holder[path[-1]]
    if data.draw(st.booleans(), label="remove"):
        del holder[path[-1]]
    else:
        after = data.draw(SCALARS.filter(lambda v: canonical_bytes(v) != canonical_bytes(before)))
        holder[path[-1]] = after
    with pytest.raises(ContentMismatchError):
        verify(changed, keys=KEYS, issuer=ISSUER)


@settings(max_examples=60, deadline=None)
@given(FOOTPRINTS, LEVELS, TEXT, JSON)
def test_anything_added_is_refused(
    document: dict[str, Any], level: Level, name: str, value: Any
) -> None:
    for inside in (False, True):
        received = serve(document, level)
        holder = received["pcf"] if inside else received
        if name in holder or name in RESERVED:
            return
        holder[name] = value
        with pytest.raises(ContentMismatchError):
            verify(received, keys=KEYS, issuer=ISSUER)
