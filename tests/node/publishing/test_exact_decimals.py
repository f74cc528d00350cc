"""Decimals come out of a node byte for byte as they went in, whatever their digits."""

from __future__ import annotations

import asyncio
import json
import uuid
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from underseal_node.publishing.publish import import_files
from underseal_node.store import footprints
from underseal_protocol.disclosure import Level
from underseal_protocol.segments import render

Desk = Any

DIGITS = 40
FIGURES = (
    "pcfExcludingBiogenicUptake",
    "pcfIncludingBiogenicUptake",
    "exemptedEmissionsPercent",
    "productMassPerDeclaredUnit",
)
POSITIVE_FIGURES = ("fossilGhgEmissions", "aircraftGhgEmissions", "biogenicCarbonContent")


@st.composite
def decimals(draw: st.DrawFn, *, signed: bool = True) -> str:
    """A decimal of up to 40 digits as text, as this node writes it."""
    digits = draw(st.text("0123456789", min_size=1, max_size=DIGITS))
    places = draw(st.integers(0, len(digits)))
    whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :]
    text = (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    sign = draw(st.sampled_from(["", "-"])) if signed and Decimal(text) else ""
    return sign + text


@given(
    st.fixed_dictionaries(
        {name: decimals() for name in FIGURES}
        | {name: decimals(signed=False) for name in POSITIVE_FIGURES}
    ),
    st.booleans(),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_from_the_file_to_what_peers_read(
    desk: Desk, document: Any, row: Any, make_csv: Any, figures: dict[str, str], in_a_sheet: bool
) -> None:
    footprint_id = str(uuid.uuid4())
    if in_a_sheet:
        content = make_csv(row(id=footprint_id, **figures))
    else:
        written = document(id=footprint_id)
        written["pcf"] |= figures
        content = json.dumps(written).encode()
    asyncio.run(import_files(desk.node, [("file", content)], dry_run=False))
    stored = desk.row(footprint_id)
    served = render(stored.segments, Level.FULL, stored.status)
    for name, figure in figures.items():
        assert f'"{name}":"{figure}"'.encode() in served
    own = desk.node.store.read_sync(lambda session: footprints.get(session, footprint_id))
    total = figures["pcfExcludingBiogenicUptake"]
    assert own.summary["pcfExcludingBiogenicUptake"] == total
