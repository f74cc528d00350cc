"""Grants as they travel: what one side writes the other reads, and nothing else is read."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.disclosure import Level
from underseal_protocol.errors import TermsError
from underseal_protocol.usage_terms import (
    KINDS,
    MAX_PURPOSE_CHARACTERS,
    MAX_TERMS_CHARACTERS,
    GrantedToUs,
)

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=80)
instants = st.datetimes(timezones=st.just(UTC))
kinds = st.sampled_from(KINDS)


@st.composite
def grants(draw: st.DrawFn) -> GrantedToUs:
    kind = draw(kinds)
    return GrantedToUs(
        kind=kind,
        value="" if kind == "all" else draw(texts),
        level=draw(st.sampled_from(Level)),
        starts=draw(st.none() | instants),
        ends=draw(st.none() | instants),
        terms=draw(st.none() | texts),
        purpose=draw(st.none() | texts),
    )


@given(grants())
def test_what_is_written_is_read(grant: GrantedToUs) -> None:
    assert GrantedToUs.from_json(grant.to_json()) == grant


def test_what_is_not_there_is_left_out() -> None:
    grant = GrantedToUs(kind="all", value="", level=Level.TOTAL)
    assert grant.to_json() == {"kind": "all", "level": "total"}


PRODUCT: dict[str, Any] = {"kind": "product", "value": "urn:x:1", "level": "full"}


def test_members_that_are_not_known_are_ignored() -> None:
    grant = GrantedToUs(kind="product", value="urn:x:1", level=Level.FULL)
    assert GrantedToUs.from_json(PRODUCT | {"later": 1, "terms": None, "purpose": ""}) == grant


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "not a JSON object"),
        ({}, "the kind of a grant is None"),
        (PRODUCT | {"kind": "company"}, "'company'"),
        (PRODUCT | {"kind": ["all"]}, "the kind"),
        (PRODUCT | {"kind": "all"}, "has the value 'urn:x:1'"),
        (PRODUCT | {"value": ""}, "has the value ''"),
        (PRODUCT | {"value": 7}, "is not a text"),
        (PRODUCT | {"level": "everything"}, "'everything'"),
        (PRODUCT | {"level": {}}, "the level"),
        (PRODUCT | {"from": "tomorrow"}, "not a point in time"),
        (PRODUCT | {"until": 2027}, "not a point in time"),
        (PRODUCT | {"terms": ["a"]}, "is not a text"),
        (PRODUCT | {"terms": "a\0"}, "is not a text"),
        (PRODUCT | {"terms": "x" * (MAX_TERMS_CHARACTERS + 1)}, "expected at most 4000"),
        (PRODUCT | {"purpose": "x" * (MAX_PURPOSE_CHARACTERS + 1)}, "expected at most 500"),
    ],
)
def test_what_is_no_grant_is_refused(document: Any, words: str) -> None:
    with pytest.raises(TermsError, match=words):
        GrantedToUs.from_json(document)
