"""Stored segments: every level is a few slices and a join."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from underseal_protocol import strict_json
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.credential import CREDENTIAL_SCHEMA_PATH, IssuedCredential, issue
from underseal_protocol.disclosure import Level, block_of
from underseal_protocol.errors import CredentialError
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.segments import pack, render, render_list

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json").read_text("utf-8")
)
ISSUER = "https://pcf.example"
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
NOW = datetime(2025, 7, 1, tzinfo=UTC)
BARE = {"id": "x", "pcf": {"declaredUnitAmount": "1"}}


def issued(document: dict[str, Any]) -> IssuedCredential:
    return issue(document, key=KEY, issuer=ISSUER, issued_at=NOW)


def expected(
    document: dict[str, Any], credential: IssuedCredential, level: Level, status: str
) -> Any:
    """The same by the long way: a copy without the properties of the withheld blocks."""
    shown = copy.deepcopy(document)
    for holder in (shown, shown["pcf"]):
        for name in list(holder):
            block = block_of(f"/pcf/{name}" if holder is shown["pcf"] else f"/{name}")
            if block is not None and block not in level.blocks:
                del holder[name]
    shown["status"] = status
    entry = {
        "specVersion": "2.0.0",
        "dataSchema": ISSUER + CREDENTIAL_SCHEMA_PATH,
        "data": {"sdJwt": credential.compact(level)},
    }
    shown["extensions"] = [entry, *shown.get("extensions", [])]
    return shown


@pytest.mark.parametrize("status", ["Active", "Deprecated"])
@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "document",
    [
        SAMPLE,
        BARE,
        BARE | {"extensions": []},
        BARE | {"extensions": [{"a": 1}, {"b": '"}],'}]},
        BARE | {"comment": 'quote " backslash \\ separator \x1e tilde ~'},
        {"id": "x", "pcf": {"declaredUnitAmount": "1", "dqi": {}}, "x": [], "y": {}},
        {"pcf": {"x": 1, "aircraftGhgEmissions": "0", "declaredUnitAmount": "1"}, "id": "ä€😀"},
    ],
)
def test_every_level_is_what_it_should_be(
    document: dict[str, Any], level: Level, status: str
) -> None:
    credential = issued(document)
    data = render(pack(document, credential, ISSUER), level, status)
    value = strict_json.loads(data)
    assert canonical_bytes(value) == canonical_bytes(expected(document, credential, level, status))


def test_nothing_of_a_withheld_block_is_in_the_bytes() -> None:
    packed = pack(SAMPLE, issued(SAMPLE), ISSUER)
    total = render(packed, Level.TOTAL, "Active")
    for secret in (b"dqi", b"Pr\xc3\xbcfhaus", b"landUse", b"aircraft", b"comment", b"kws-furnace"):
        assert secret in render(packed, Level.FULL, "Active")
        assert secret not in total


def test_the_order_of_the_document_is_kept() -> None:
    rendered = json.loads(render(pack(SAMPLE, issued(SAMPLE), ISSUER), Level.FULL, "Active"))
    core = [name for name in SAMPLE["pcf"] if block_of(f"/pcf/{name}") is None]
    assert [name for name in rendered["pcf"] if name in core] == core


def test_many() -> None:
    packed = pack(SAMPLE, issued(SAMPLE), ISSUER)
    rows = [(packed, level, status) for level in Level for status in ("Active", "Deprecated")]
    assert render_list(rows) == b"[" + b",".join(render(*row) for row in rows) + b"]"
    assert render_list([], before=b'{"data":[', after=b"]}") == b'{"data":[]}'


@pytest.mark.parametrize("status", ["active", "", 'Active","x":"'])
def test_another_status_is_refused(status: str) -> None:
    packed = pack(BARE, issued(BARE), ISSUER)
    with pytest.raises(KeyError):
        render(packed, Level.TOTAL, status)


@pytest.mark.parametrize("level", ["total", "full", "", None, 0])
def test_what_is_not_a_level_shows_nothing(level: Any) -> None:
    packed = pack(SAMPLE, issued(SAMPLE), ISSUER)
    with pytest.raises(ValueError, match="not a disclosure level"):
        render(packed, level, "Active")


@pytest.mark.parametrize("level", list(Level))
def test_other_bytes_are_refused(level: Level) -> None:
    for other in (b"", b"{}", b"UFP1", b"{" * 100):
        with pytest.raises(ValueError, match="not a packed footprint"):
            render(other, level, "Active")


@pytest.mark.parametrize(
    "document", [{}, {"id": "x"}, {"id": "x", "pcf": {}}, {"pcf": {"declaredUnitAmount": "1"}}]
)
def test_what_is_no_footprint_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(CredentialError):
        pack(document, issued(BARE), ISSUER)
