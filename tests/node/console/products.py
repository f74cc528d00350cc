"""Products for the tests of the console, and how their pages are read."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from tests.node.console.conftest import TAG, Shown
from tests.node.manage.test_products import GRID, POWER, Json, line, product

CANARIES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
ODD_ID = '电池/?#&"<b> %2F'
ODD_LINE = "a/b&c=d\"<i>'"

GIVEN = POWER | {"source": {"factor": "EL-HU"}}
GAS: Json = GRID | {"id": "GAS", "name": "Natural gas", "values": {"fossilGhgEmissions": "0.25"}}


def own_product(product_id: str = "cell", *lines: Json, **more: Any) -> Json:
    """A product that is made of nothing that was bought."""
    return product(*(lines or (GIVEN,)), product_id=product_id, **more)


def odd_product() -> Json:
    """Whatever people write into names and ids stays a text."""
    given = line(ODD_LINE, CANARIES[0], "5", "kWh", source={"factor": "EL-HU"})
    unknown = line("open", CANARIES[1], supplier=CANARIES[0])
    return product(
        given | {"kind": "energy", "process": CANARIES[1]},
        unknown | {"source": {"factor": "EL-HU"}, "quantity": {"amount": "1", "unit": "kWh"}},
        product_id=ODD_ID,
        name=CANARIES[0] + CANARIES[1],
    )


def rows_of(shown: Shown, label: str) -> list[list[str]]:
    """The cells of the table with a label, row by row, without its head."""
    found = re.search(rf'aria-label="{re.escape(label)}">(.*?)</table>', shown.html, re.DOTALL)
    assert found is not None, f"no table {label}"
    body = found[1].partition("</thead>")[2]
    return [
        [
            " ".join(unescape(TAG.sub(" ", cell)).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    ]


def chart_of(shown: Shown, name: str) -> Any:
    """The data of a chart."""
    found = re.search(
        rf'<script type="application/json" id="{name}-data">(.*?)</script>', shown.html, re.DOTALL
    )
    assert found is not None, f"no chart {name}"
    return json.loads(found[1])


def assert_harmless(shown: Shown) -> None:
    """No canary has become a part of the page."""
    assert shown.status == 200, shown.text
    for canary in CANARIES:
        assert canary not in shown.html
    assert "alert(1)" in shown.html
