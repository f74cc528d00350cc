"""Drafts: fixed to the digest before they are published."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.attested import DRAFT, OWNER, OWNER_KEYS, Document, document, published
from tests.strategies import footprints

from underseal_protocol import sd_jwt
from underseal_protocol.credential import verify
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.draft import ATTESTED_BLOCKS, Subject, is_draft, make_draft, read_draft
from underseal_protocol.errors import DraftError, ProtocolError, SchemaError
from underseal_protocol.strict_json import dumps, loads


def written() -> Document:
    value: Document = json.loads(json.dumps(DRAFT.to_json()))
    return value


def test_a_draft_is_read_as_it_was_written() -> None:
    assert read_draft(loads(dumps(DRAFT.to_json()), exact_numbers=True)) == DRAFT
    assert is_draft(written())
    assert not any(map(is_draft, (None, [], "x", {}, document(), {"type": "x"})))


def test_every_draft_has_salts_of_its_own() -> None:
    other = make_draft(document(), issuer=OWNER)
    assert other.core == DRAFT.core
    for block in ATTESTED_BLOCKS:
        assert other.subject.blocks[block] != DRAFT.subject.blocks[block]


def test_the_representation_shows_nothing_of_it() -> None:
    assert "2.15" not in repr(DRAFT)
    assert DRAFT.disclosures[Block.QUALITY] not in repr(DRAFT)


@pytest.mark.parametrize("level", list(Level))
def test_what_is_published_bears_the_digests_of_the_draft(level: Level) -> None:
    proven = verify(published(DRAFT, None, level), keys=OWNER_KEYS, issuer=OWNER)
    assert proven.core == DRAFT.core
    assert set(DRAFT.subject.blocks.values()) < proven.block_digests
    for block, digest in proven.shown_digests().items():
        assert block is Block.VERIFICATION or DRAFT.subject.blocks[block] == digest


def test_a_published_footprint_is_the_same_subject() -> None:
    shown = published(DRAFT, None)
    proven = verify(shown, keys=OWNER_KEYS, issuer=OWNER)
    assert Subject.of_published(shown, proven) == DRAFT.subject


@pytest.mark.parametrize("level", [Level.TOTAL, Level.QUALITY, Level.BREAKDOWN])
def test_what_is_withheld_is_no_subject(level: Level) -> None:
    shown = published(DRAFT, None, level)
    proven = verify(shown, keys=OWNER_KEYS, issuer=OWNER)
    with pytest.raises(DraftError, match=r"shown without the blocks .*method, other"):
        Subject.of_published(shown, proven)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(footprints(), st.data())
def test_of_any_footprint_any_change_is_noticed(made: Document, data: st.DataObject) -> None:
    made["pcf"].pop("verification", None)
    draft = make_draft(made, issuer=OWNER)
    value = draft.to_json()
    assert read_draft(value) == draft
    place = data.draw(st.sampled_from(sorted(made["pcf"])))
    block = next(
        (one for one, held in split(made).blocks.items() if place in held.get("pcf", {})), None
    )
    changed = copy.deepcopy(value)
    del changed["footprint"]["pcf"][place]
    try:
        again = read_draft(changed)
    except ProtocolError:
        return
    assert block is None
    assert again.core != draft.core


CHANGES: list[tuple[Callable[[Document], object], str]] = [
    (lambda d: d["footprint"].update(comment="Another."), "was altered: the block 'method'"),
    (lambda d: d["footprint"].update({"x-plant": "宁德 3"}), "was altered: the block 'other'"),
    (lambda d: d["footprint"]["pcf"].update(x=1), "was altered: the block 'other'"),
    (lambda d: d["footprint"]["pcf"].pop("dqi"), "was altered: the block 'quality'"),
    (lambda d: d["footprint"]["pcf"].update(verification={}), "how it was verified"),
    (lambda d: d["footprint"].update(id="F4B1225A-BD44-4C8E-861D-079E4E1DFD69"), "lower case"),
    (lambda d: d["footprint"].update(extensions=[entry("credential")]), "carries a credential"),
    (lambda d: d["footprint"].update(extensions=[entry("attestation")]), "carries a credential"),
    (lambda d: d["disclosures"].pop("carbon"), "disclosures of exactly quality, emissions"),
    (lambda d: d["disclosures"].update(verification="x"), "disclosures of exactly"),
    (lambda d: d["disclosures"].update(carbon=d["disclosures"]["method"]), "was altered"),
    (lambda d: d["disclosures"].update(carbon="%"), "was altered: a disclosure cannot be read"),
    (lambda d: d["disclosures"].update(carbon=""), "was altered"),
    (lambda d: d["disclosures"].update(carbon=5), "expected a text"),
    (lambda d: d["disclosures"].update(carbon=salted("carbon", "A" * 43)), "its disclosure says"),
    (lambda d: d.update(disclosures=[]), "disclosures of exactly"),
    (lambda d: d.update(footprint="x"), "no object"),
    (lambda d: d.update(issuer="https://a.example/"), "expected the URL"),
    (lambda d: d.update(issuer="a b"), "expected the URL"),
    (lambda d: d.update(issuer=None), "expected the URL"),
    (lambda d: d.update(version=2), "no draft"),
    (lambda d: d.update(type="draft"), "no draft"),
    (lambda d: d.update(x=1), "no draft"),
    (lambda d: d.pop("issuer"), "no draft"),
]


def entry(what: str) -> Document:
    schema = f"https://a.example/schemas/footprint-{what}/1.0.0.json"
    return {"specVersion": "2.0.0", "dataSchema": schema, "data": {}}


def salted(name: str, value: str) -> str:
    return sd_jwt.Disclosure.of_claim("s" * 22, name, value).encoded


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_draft_that_was_altered(change: Callable[[Document], object], message: str) -> None:
    value = written()
    change(value)
    with pytest.raises(DraftError, match=message):
        read_draft(value)


def test_a_change_of_the_core_makes_another_subject() -> None:
    value = written()
    value["footprint"]["pcf"]["pcfExcludingBiogenicUptake"] = "2.14"
    assert read_draft(value).subject.core != DRAFT.core


@pytest.mark.parametrize("changes", [{"id": "x"}, {"companyName": None}, {"pcf": {}}])
def test_what_is_no_footprint_is_no_draft(changes: dict[str, Any]) -> None:
    value = written()
    value["footprint"].update(changes)
    with pytest.raises(SchemaError):
        read_draft(value)
    with pytest.raises(SchemaError):
        make_draft(value["footprint"], issuer=OWNER)
